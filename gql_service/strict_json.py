"""Strict JSON parsing and canonical JSON output.

Rejected are constructs that databases or clients interpret differently: duplicate keys, NaN and infinities,
integers of more than 64 bits, lone surrogates, NUL characters, and deep nesting.
"""

import json
import re
from collections.abc import Collection, Iterator
from itertools import chain
from math import isfinite
from typing import Any

import orjson

MAX_DEPTH = 64
"""Nested arrays and objects in one value."""

MAX_BODY_DEPTH = MAX_DEPTH + 16
"""Nested arrays and objects in a request, which contains values at some depth."""

_MIN_INTEGER, _MAX_INTEGER = -(2**63), 2**63 - 1
_NUL = rb"\u0000"
_NUL_ESCAPE = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
"""The escape itself: its backslash is not escaped by another one."""
NUL_REFUSAL = "Text must not contain the character U+0000."
"""The message of every refusal of such text."""
_DIGITS_ALIKE = bytes.maketrans(b"123456789", b"0" * 9)
_WHITE_SPACE = b" \t\r\n"
_LONG_NUMBER = b"0" * 19
_KEY_END = b'":'


class InvalidJson(ValueError):
    """The text is not JSON, or not accepted by this service. The message says why."""


def loads(text: bytes, max_depth: int = MAX_BODY_DEPTH) -> Any:
    """Parse UTF-8 JSON text. Raises InvalidJson.

    orjson is fast, but keeps the last of two equal keys and turns 2^70 into a float. Cheap checks detect
    whether either may have happened. Only then, the text is parsed again by the slower standard library.
    """
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise InvalidJson(f"The text is not valid JSON: {error}.") from None
    if _NUL in text and _NUL_ESCAPE.search(text):
        raise InvalidJson(NUL_REFUSAL)
    if text.count(b"{") + text.count(b"[") > max_depth:
        for depth, _ in enumerate(_levels(value), 1):
            if depth > max_depth:
                raise InvalidJson(_TOO_DEEP)
    # Without white space, every long number and every end of a key is found. Matches inside strings are
    # possible; they only cost time.
    squeezed = text.translate(_DIGITS_ALIKE, _WHITE_SPACE)
    if _LONG_NUMBER in squeezed or squeezed.count(_KEY_END) != _count_keys(value):
        _check_with_standard_library(text)
    return value


def has_more_values(text: bytes, limit: int) -> bool:
    """Whether JSON text has more than about `limit` values: objects, arrays and their items.

    It is found without parsing, so that values do not cost anything before they are counted.
    """
    if len(text) <= limit or _count_separators(text) <= limit:
        return False
    without_escapes = text.replace(rb"\\", b"").replace(rb"\"", b"")
    outside_strings = b"".join(without_escapes.split(b'"')[::2])
    return _count_separators(outside_strings) > limit


def check(root: Any, max_depth: int = MAX_DEPTH) -> None:
    """Raise InvalidJson for a parsed value that `loads` would reject as text, for example a GraphQL
    literal."""
    _check_scalars([root])
    for depth, containers in enumerate(_levels(root), 1):
        if depth > max_depth:
            raise InvalidJson(_TOO_DEEP)
        for container in containers:
            if type(container) is dict:
                _check_scalars(container)
                _check_scalars(container.values())
            else:
                _check_scalars(container)


def dumps(value: Any) -> str:
    """Canonical JSON: sorted keys, no white space. Equal texts are equal values."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


_TOO_DEEP = f"The value is nested deeper than {MAX_DEPTH} levels."
_OUT_OF_RANGE = "Numbers must be finite, and integers must fit in 64 bits."


def _levels(root: Any) -> Iterator[list[Any]]:
    """The objects and arrays of a value, those of the same depth together.

    Bodies may have many thousands of values, so each level is read by a few calls that loop in C.
    """
    level = [root] if type(root) is dict or type(root) is list else []
    while level:
        yield level
        children = chain.from_iterable([each.values() if type(each) is dict else each for each in level])
        level = [child for child in children if type(child) is dict or type(child) is list]


def _count_keys(root: Any) -> int:
    """The number of keys of all objects in a value."""
    return sum([len(each) for level in _levels(root) for each in level if type(each) is dict])


def _count_separators(text: bytes) -> int:
    return text.count(b",") + text.count(b"{") + text.count(b"[")


def _check_scalars(values: Collection[Any]) -> None:
    """Check the scalars among values."""
    types = set(map(type, values))
    if str in types and "\0" in "".join([each for each in values if type(each) is str]):
        raise InvalidJson(NUL_REFUSAL)
    if float in types and not all(map(isfinite, [each for each in values if type(each) is float])):
        raise InvalidJson(_OUT_OF_RANGE)
    if int in types:
        integers = [each for each in values if type(each) is int]
        if min(integers) < _MIN_INTEGER or max(integers) > _MAX_INTEGER:
            raise InvalidJson(_OUT_OF_RANGE)


def _check_with_standard_library(text: bytes) -> None:
    """Parse with hooks that receive every key, duplicates included, and every integer as written."""
    json.loads(text.decode(), object_pairs_hook=_check_duplicates, parse_int=_check_integer)


def _check_duplicates(pairs: list[tuple[str, Any]]) -> None:
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            raise InvalidJson(f"The key {json.dumps(key)} appears twice in one object.")
        seen.add(key)


def _check_integer(digits: str) -> None:
    if len(digits) > 20 or not _MIN_INTEGER <= int(digits) <= _MAX_INTEGER:
        raise InvalidJson(_OUT_OF_RANGE)
