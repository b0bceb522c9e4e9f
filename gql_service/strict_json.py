"""Strict JSON parsing and canonical JSON output.

Rejected are constructs that databases or clients interpret differently: duplicate keys, NaN and infinities,
lone surrogates, NUL characters, and deep nesting. How numbers are read and written: `gql_service.numbers`.
"""

import json
from collections.abc import Collection, Iterator
from itertools import chain
from math import isfinite
from typing import Any

import orjson

from gql_service import numbers

MAX_DEPTH = 64
"""Nested arrays and objects in one value."""

MAX_BODY_DEPTH = MAX_DEPTH + 16
"""Nested arrays and objects in a request, which contains values at some depth."""

_NUL = rb"\u0000"
NUL_REFUSAL = "Text must not contain the character U+0000."
"""The message of every refusal of such text."""
_DIGITS_ALIKE = bytes.maketrans(b"123456789", b"0" * 9)
_WHITE_SPACE = b" \t\r\n"
_LONG_NUMBER = b"0" * 19
_LARGE_DOUBLE = b"0" * 16 + b"."
"""How a double from 2^53 to 10^16 begins if all digits are written as 0. Larger ones have an exponent."""
_WITHOUT_DOUBLES = frozenset({str, int, bool, type(None), orjson.Fragment})
"""Types of values that are no double and contain none. A fragment is canonical text already."""
_KEY_END = b'":'


class InvalidJson(ValueError):
    """The text is not JSON, or not accepted by this service. The message says why."""


def loads(text: bytes, max_depth: int = MAX_BODY_DEPTH) -> Any:
    """Parse UTF-8 JSON text. Raises InvalidJson.

    orjson is fast, but keeps the last of two equal keys, and reads long integers as doubles. Cheap checks
    detect whether either may have happened. Only then, the slower standard library parses the text again.
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
    if _LONG_NUMBER in text.translate(_DIGITS_ALIKE) or _was_read_inexactly(text, value):
        return _load_with_standard_library(text)
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
    """Canonical JSON: sorted keys, no white space, numbers as ECMAScript writes them. Equal texts are equal
    values."""
    text = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    if type(value) in _WITHOUT_DOUBLES:
        return text.decode()
    if type(value) is dict and _WITHOUT_DOUBLES.issuperset(map(type, value.values())):
        return text.decode()
    if _may_need_respelling(text):
        text = orjson.dumps(_respelled(value), option=orjson.OPT_SORT_KEYS)
    return text.decode()


def canonical(text: str) -> str:
    """The canonical text of JSON that was canonical but for its numbers: version 0.1 kept `10.0`."""
    if text[0] == '"' or not _may_need_respelling(text.encode()):
        return text
    return dumps(orjson.loads(text))


_TOO_DEEP = f"The value is nested deeper than {MAX_DEPTH} levels."


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


def _was_read_inexactly(text: bytes, value: Any) -> bool:
    """Whether an object in `text`, which orjson reads as `value`, may have two equal keys, or a number more
    digits than a double."""
    rewritten = orjson.dumps(value)
    if rewritten == text:
        return False
    keys = text.translate(None, _WHITE_SPACE).count(_KEY_END)
    if keys != _without_escapes(rewritten).count(_KEY_END):
        return True
    # A single character is found many times faster than two.
    has_exponent = b"+" in rewritten and b"e+" in rewritten
    return has_exponent or (b"." in rewritten and _LARGE_DOUBLE in rewritten.translate(_DIGITS_ALIKE))


def _may_need_respelling(text: bytes) -> bool:
    """Whether JSON text of orjson may have numbers that ECMAScript writes in another way."""
    return _has_other_spellings(text) and (b'"' not in text or _has_other_spellings(without_strings(text)))


def _has_other_spellings(text: bytes) -> bool:
    """Whether there is a double without a fraction, or with an exponent; also in a string."""
    # A single character is found many times faster than two.
    has_point = b"." in text and b".0" in text
    if has_point and (b".0," in text or b".0}" in text or b".0]" in text or text.endswith(b".0")):
        return True
    if not ((b"-" in text and b"e-" in text) or (b"+" in text and b"e+" in text)):
        return False
    alike = text.translate(_DIGITS_ALIKE)
    return b"0e-0" in alike or b"0e+0" in alike


def _respelled(value: Any) -> Any:
    """The value with its doubles replaced by what orjson writes as ECMAScript does."""
    match value:
        case float():
            number = numbers.normalized(value)
            return orjson.Fragment(numbers.text(number)) if type(number) is float else number
        case dict():
            return {key: _respelled(item) for key, item in value.items()}
        case list() | tuple():
            return [_respelled(item) for item in value]
    return value


def _without_escapes(text: bytes) -> bytes:
    """JSON text without escaped backslashes and quotes: every quote begins or ends a string."""
    return text.replace(rb"\\", b"").replace(rb"\"", b"")


def _check_scalars(values: Collection[Any]) -> None:
    """Check the scalars among values."""
    types = set(map(type, values))
    if str in types and "\0" in "".join([each for each in values if type(each) is str]):
        raise InvalidJson(NUL_REFUSAL)
    if float in types and not all(map(isfinite, [each for each in values if type(each) is float])):
        raise InvalidJson(numbers.OUT_OF_RANGE)
    if int in types:
        integers = [each for each in values if type(each) is int]
        if min(integers) < numbers.MIN_INTEGER or max(integers) > numbers.MAX_INTEGER:
            raise InvalidJson(numbers.OUT_OF_RANGE)


def _load_with_standard_library(text: bytes) -> Any:
    """Parse with hooks that receive every key, duplicates included, and every number as written."""
    try:
        return json.loads(
            text.decode(),
            object_pairs_hook=_object,
            parse_int=numbers.parse_integer,
            parse_float=numbers.parse_double,
        )
    except numbers.OutOfRange as error:
        raise InvalidJson(str(error)) from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value in pairs:
        if key in result:
            raise InvalidJson(f"The key {json.dumps(key)} appears twice in one object.")
        result[key] = value
    return result
