"""Strict JSON parsing and canonical JSON output.

Rejected are constructs that databases or clients interpret differently: duplicate keys, NaN and infinities,
integers of more than 64 bits, lone surrogates, NUL characters, and deep nesting.
"""

import json
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
    if _NUL in text or text.count(b"{") + text.count(b"[") > max_depth:
        check(value, max_depth)
    # Without white space, every long number and every end of a key is found. Matches inside strings are
    # possible; they only cost time.
    squeezed = text.translate(_DIGITS_ALIKE, _WHITE_SPACE)
    if _LONG_NUMBER in squeezed or squeezed.count(_KEY_END) != _count_keys(value):
        _check_with_standard_library(text)
    return value


def check(root: Any, max_depth: int = MAX_DEPTH) -> None:
    """Raise InvalidJson for a parsed value that `loads` would reject as text, for example a GraphQL
    literal."""
    stack: list[tuple[Any, int]] = [(root, 1)]
    while stack:
        value, depth = stack.pop()
        if isinstance(value, str):
            _check_text(value)
        elif isinstance(value, dict | list):
            if depth > max_depth:
                raise InvalidJson(f"The value is nested deeper than {MAX_DEPTH} levels.")
            if isinstance(value, dict):
                for key in value:
                    _check_text(key)
            stack.extend(
                (child, depth + 1) for child in (value.values() if isinstance(value, dict) else value)
            )
        elif isinstance(value, float):
            if value - value != 0:  # NaN and infinities
                raise InvalidJson(_OUT_OF_RANGE)
        elif isinstance(value, int) and not _MIN_INTEGER <= value <= _MAX_INTEGER:
            raise InvalidJson(_OUT_OF_RANGE)


def dumps(value: Any) -> str:
    """Canonical JSON: sorted keys, no white space. Equal texts are equal values."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


_OUT_OF_RANGE = "Numbers must be finite, and integers must fit in 64 bits."


def _count_keys(root: Any) -> int:
    """The number of keys of all objects in a value."""
    count = 0
    containers: list[Any] = [[root]]
    for container in containers:  # grows while it is iterated
        if type(container) is dict:
            count += len(container)
            container = container.values()
        for child in container:
            if type(child) is dict or type(child) is list:
                containers.append(child)
    return count


def _check_text(text: str) -> None:
    if "\0" in text:
        raise InvalidJson(NUL_REFUSAL)


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
