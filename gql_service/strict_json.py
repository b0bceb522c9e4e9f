"""Strict JSON parsing and canonical JSON output.

Rejected are constructs that databases or clients interpret differently: duplicate keys, NaN and infinities,
integers of more than 64 bits, lone surrogates, NUL characters, and deep nesting.
"""

import json
from collections.abc import Callable, Collection, Iterator
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
    # Without escaped backslashes, every backslash begins an escape.
    if _NUL in text and _NUL in text.replace(rb"\\", b""):
        raise InvalidJson(NUL_REFUSAL)
    if count_containers(text) > max_depth:
        check_depth(value, max_depth)
    # Matches inside strings are possible; they only cost time.
    has_long_numbers = _LONG_NUMBER in text.translate(_DIGITS_ALIKE)
    if has_long_numbers or _may_have_equal_keys(text, value):
        _check_with_standard_library(text, _check_integer if has_long_numbers else int)
    return value


def without_strings(text: bytes) -> bytes:
    """JSON text without strings: what is left of it are brackets, separators, numbers and names."""
    return b"".join(_without_escapes(text).split(b'"')[::2])


def count_containers(text: bytes) -> int:
    """How many objects and arrays JSON text without strings has. With strings, it has at most as many."""
    return text.count(b"{") + text.count(b"[")


def count_values(text: bytes) -> tuple[int, int]:
    """How many objects and arrays JSON text has, and how many values."""
    structure = without_strings(text)
    containers = count_containers(structure)
    return containers, containers + structure.count(b",")


def max_containers(max_values: int) -> int:
    """How many of the allowed values may be objects and arrays, which cost many times as much as others."""
    return max_values // 4


def check(root: Any, max_depth: int = MAX_DEPTH) -> None:
    """Raise InvalidJson for a parsed value that `loads` would reject as text, for example a GraphQL
    literal."""
    if type(root) is not dict and type(root) is not list:
        _check_scalars([root])
    for objects, children in _levels(root, max_depth):
        if objects:
            _check_scalars(list(chain.from_iterable(objects)))
        _check_scalars(children)


def check_depth(root: Any, max_depth: int = MAX_DEPTH) -> None:
    """Raise InvalidJson for a value that `loads` has accepted as a part of a body, but that is too deep."""
    for _ in _levels(root, max_depth):
        pass


def dumps(value: Any) -> str:
    """Canonical JSON: sorted keys, no white space. Equal texts are equal values."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


_TOO_DEEP = f"The value is nested deeper than {MAX_DEPTH} levels."
_OUT_OF_RANGE = "Numbers must be finite, and integers must fit in 64 bits."


def _levels(root: Any, max_depth: int) -> Iterator[tuple[list[dict[str, Any]], list[Any]]]:
    """The objects of a value, those of the same depth together, and what they and the arrays beside them
    contain. Raises InvalidJson if there are too many levels.

    Bodies may have many thousands of values, so each level is read by a few calls that loop in C.
    """
    children, depth = [root], 0
    while True:
        types = set(map(type, children))
        if dict not in types and list not in types:
            return
        depth += 1
        if depth > max_depth:
            raise InvalidJson(_TOO_DEEP)
        objects = [each for each in children if type(each) is dict] if dict in types else []
        arrays = [each for each in children if type(each) is list] if list in types else []
        children = [*chain.from_iterable(map(dict.values, objects)), *chain.from_iterable(arrays)]
        yield objects, children


def _may_have_equal_keys(text: bytes, value: Any) -> bool:
    """Whether an object in `text`, whose value is `value`, may have two equal keys."""
    rewritten = orjson.dumps(value)
    if rewritten == text:
        return False
    return text.translate(None, _WHITE_SPACE).count(_KEY_END) != _without_escapes(rewritten).count(_KEY_END)


def _without_escapes(text: bytes) -> bytes:
    """JSON text without escaped backslashes and quotes: every quote begins or ends a string."""
    return text.replace(rb"\\", b"").replace(rb"\"", b"")


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


def _check_with_standard_library(text: bytes, read_integer: Callable[[str], int | None]) -> None:
    """Parse with hooks that receive every key, duplicates included, and every integer as written."""
    json.loads(text.decode(), object_pairs_hook=_check_duplicates, parse_int=read_integer)


def _check_duplicates(pairs: list[tuple[str, Any]]) -> None:
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            raise InvalidJson(f"The key {json.dumps(key)} appears twice in one object.")
        seen.add(key)


def _check_integer(digits: str) -> None:
    if len(digits) > 20 or not _MIN_INTEGER <= int(digits) <= _MAX_INTEGER:
        raise InvalidJson(_OUT_OF_RANGE)
