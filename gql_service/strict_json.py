"""JSON as this service reads and writes it: strict on the way in, canonical on the way out.

Refused, because two databases or two clients would understand them differently: duplicate keys, NaN and
infinities, integers beyond 64 bits, lone surrogates, NUL characters, and nesting without end.
"""

import json
from typing import Any

import orjson

MAX_DEPTH = 64
"""Levels of arrays and objects inside one value."""

MAX_BODY_DEPTH = MAX_DEPTH + 16
"""Levels inside a whole request, which wraps values in a few levels of its own."""

_MIN_INTEGER, _MAX_INTEGER = -(2**63), 2**63 - 1
_NUL = rb"\u0000"
NUL_REFUSAL = "Text must not contain the character U+0000."
"""The message of every refusal of such text."""
_DIGITS_ALIKE = bytes.maketrans(b"123456789", b"0" * 9)
_WHITE_SPACE = b" \t\r\n"
_LONG_NUMBER = b"0" * 19
_KEY_END = b'":'


class InvalidJson(ValueError):
    """The text is not JSON this service accepts; the message says why."""


def loads(text: bytes, max_depth: int = MAX_BODY_DEPTH) -> Any:
    """Decode UTF-8 JSON text. Raises InvalidJson.

    orjson is fast but keeps the last of two equal keys and turns 2^70 into a float. Whether either may
    have happened is visible cheaply from outside, and only then the text is read again, slowly.
    """
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise InvalidJson(f"The text is not valid JSON: {error}.") from None
    if _NUL in text or text.count(b"{") + text.count(b"[") > max_depth:
        check(value, max_depth)
    # Without white space no number and no end of a key is missed; what looks like one in a string costs time.
    squeezed = text.translate(_DIGITS_ALIKE, _WHITE_SPACE)
    if _LONG_NUMBER in squeezed or squeezed.count(_KEY_END) != _count_keys(value):
        _read_slowly(text)
    return value


def check(root: Any, max_depth: int = MAX_DEPTH) -> None:
    """Refuse a decoded value (from a GraphQL literal, say) that `loads` would refuse as text."""
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
    """The canonical text of a value: sorted keys, no white space; equal text is an equal value."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


_OUT_OF_RANGE = "Numbers must be finite, and integers must fit in 64 bits."


def _count_keys(root: Any) -> int:
    """The keys of all objects in a value."""
    keys = 0
    found: list[Any] = [[root]]
    for value in found:
        if type(value) is dict:
            keys += len(value)
            value = value.values()
        for child in value:
            if type(child) is dict or type(child) is list:
                found.append(child)
    return keys


def _check_text(text: str) -> None:
    if "\0" in text:
        raise InvalidJson(NUL_REFUSAL)


def _read_slowly(text: bytes) -> None:
    """Decode with the standard library, which shows every pair and every integer as written."""
    json.loads(text.decode(), object_pairs_hook=_refuse_duplicates, parse_int=_bounded)


def _refuse_duplicates(pairs: list[tuple[str, Any]]) -> None:
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            raise InvalidJson(f"The key {json.dumps(key)} appears twice in one object.")
        seen.add(key)


def _bounded(digits: str) -> None:
    if len(digits) > 20 or not _MIN_INTEGER <= int(digits) <= _MAX_INTEGER:
        raise InvalidJson(_OUT_OF_RANGE)
