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
_DIGITS_ALIKE = bytes.maketrans(b"123456789E", b"000000000e")
_WHITE_SPACE = b" \t\r\n"
_LONG_INTEGER = b"0" * 19
_LONG_FRACTION, _LONG_MANTISSA = b"0" * 16 + b".", b"0" * 15 + b"e"
"""How numbers look that a double may not hold, if all digits are written as 0; the last without its point."""
_KEY_END = b'":'
_LARGE_DOUBLE = b"e+1"
"""Part of doubles from 10^16 to 10^19, as orjson writes them."""
_MAX_LONG_DOUBLES = 5_000
"""Of one text and one of the patterns. Reading one takes a microsecond."""
_POINT, _PLUS = b".+"
"""A single byte as an integer is found many times faster than as text."""


class InvalidJson(ValueError):
    """The text is not JSON, or not accepted by this service. The message says why."""


def loads(text: bytes, max_depth: int = MAX_BODY_DEPTH) -> Any:
    """Parse UTF-8 JSON text. Raises InvalidJson.

    orjson is fast, but keeps the last of two equal keys, and reads long numbers as doubles. Cheap checks
    detect whether either may have happened. Only then, the slower standard library parses the text again.
    """
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise InvalidJson(f"The text is not valid JSON: {error}.") from None
    # Without escaped backslashes, every backslash begins an escape.
    if text.find(_NUL) >= 0 and text.replace(rb"\\", b"").find(_NUL) >= 0:
        raise InvalidJson(NUL_REFUSAL)
    if count_containers(text) > max_depth:
        check_depth(value, max_depth)
    rewritten = orjson.dumps(value)
    # Matches inside strings are possible; they only cost time.
    has_whole = _may_have_whole_doubles(rewritten)
    alike = text.translate(_DIGITS_ALIKE)
    if (has_whole and _may_have_long_doubles(alike)) or alike.find(_LONG_INTEGER) >= 0:
        value = _load_with_standard_library(text)
    elif rewritten != text and _may_have_equal_keys(text, rewritten):
        json.loads(text.decode(), object_pairs_hook=_check_duplicates)
    if has_whole:
        _count(rewritten, _LARGE_DOUBLE)
        return _normalized(value)
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
    """Canonical JSON: sorted keys, no white space. Equal texts are equal values.

    The numbers of the value must be normalized: those from `loads` are, and those from `numbers`.
    """
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def canonical(text: str) -> str:
    """The canonical text of a value that is stored. Version 0.1 did not normalize numbers: it kept `10.0`."""
    if text[0] == '"' or not _may_have_whole_doubles(text.encode()):
        return text
    return dumps(_normalized(orjson.loads(text)))


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


def _may_have_equal_keys(text: bytes, rewritten: bytes) -> bool:
    """Whether an object in `text`, which orjson reads and writes as `rewritten`, may have two equal keys."""
    return text.translate(None, _WHITE_SPACE).count(_KEY_END) != _without_escapes(rewritten).count(_KEY_END)


def _may_have_long_doubles(alike: bytes) -> bool:
    """Whether JSON text, with 0 for all digits, may have integers of 64 bits that are written with a fraction
    or an exponent and that a double does not hold. Raises InvalidJson for too many."""
    # The digits of `90071992.54740993e8` are on both sides of the point.
    mantissas = _count(alike.replace(b".", b""), _LONG_MANTISSA)
    return _count(alike, _LONG_FRACTION) + mantissas > 0


def _count(text: bytes, pattern: bytes) -> int:
    """How often JSON text has a pattern. Raises InvalidJson if too many numbers have it."""
    count = text.count(pattern)
    if count > _MAX_LONG_DOUBLES and without_strings(text).count(pattern) > _MAX_LONG_DOUBLES:
        message = (
            f"At most {_MAX_LONG_DOUBLES} numbers with a fraction or an exponent may have more than 15 digits"
        )
        raise InvalidJson(f"{message}, or be 10^16 or more.")
    return count


def _may_have_whole_doubles(text: bytes) -> bool:
    """Whether JSON text of orjson may have doubles that are integers of 64 bits: `1.0`, or `1e+17`."""
    has_whole = _POINT in text and (
        text.find(b".0,") >= 0 or text.find(b".0}") >= 0 or text.find(b".0]") >= 0 or text.endswith(b".0")
    )
    return has_whole or (_PLUS in text and text.find(_LARGE_DOUBLE) >= 0)


def _normalized(root: Any) -> Any:
    """The value with its numbers normalized. Containers are changed in place."""
    if type(root) is float:
        return numbers.normalized(root)
    children = [root]
    while True:
        containers = [each for each in children if type(each) is dict or type(each) is list]
        if not containers:
            return root
        children = []
        for each in containers:
            values = each.values() if type(each) is dict else each
            if float in set(map(type, values)):
                items = each.items() if type(each) is dict else enumerate(each)
                for key, value in items:
                    if type(value) is float:
                        each[key] = numbers.normalized(value)
            children += values


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


def _check_duplicates(pairs: list[tuple[str, Any]]) -> None:
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            raise InvalidJson(f"The key {json.dumps(key)} appears twice in one object.")
        seen.add(key)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    _check_duplicates(pairs)
    return dict(pairs)
