"""The six types of values: what each accepts, and its canonical text.

A value is stored as canonical JSON text. `metadataValue` in the API is that text, but for strings, dates and
binary data it is the content of the JSON string.
"""

import base64
import binascii
import re
from collections.abc import Callable
from datetime import UTC, datetime
from enum import Enum
from typing import Any

import orjson

from gql_service import instants, strict_json
from gql_service.domain.values.validation import Limits
from gql_service.errors import Problem


class ValueType(Enum):
    """How the text of a value is interpreted; the names are those of the API."""

    string = "string"
    number = "number"
    boolean = "boolean"
    date = "date"
    json = "json"
    binary = "binary"


TEXTUAL = frozenset({ValueType.string, ValueType.date, ValueType.binary})
"""Types whose values are JSON strings."""

_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?", re.ASCII)
_MAX_NUMBER_LENGTH = 400
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class InvalidValue(ValueError):
    """The text is not a value of the type; the message describes the expected format."""

    problem = Problem.INVALID_VALUE


class TooLarge(InvalidValue):
    """The text is a value of the type, but exceeds the size limit."""

    problem = Problem.VALUE_TOO_LARGE


def type_of(text: str) -> ValueType:
    """The type to store a value with if none is specified, derived from its canonical JSON text."""
    match text[0]:
        case '"':
            return ValueType.string
        case "t" | "f":
            return ValueType.boolean
        case "{" | "[" | "n":
            return ValueType.json
    return ValueType.number


def to_text(type_: ValueType, text: str) -> str:
    """The `metadataValue` of a value, from its canonical JSON text."""
    return str(orjson.loads(text)) if type_ in TEXTUAL else text


def parse(type_: ValueType, text: str, limits: Limits) -> str:
    """The canonical JSON text of a value whose `metadataValue` is `text`. Raises InvalidValue."""
    if "\0" in text:
        raise InvalidValue(strict_json.NUL_REFUSAL)
    return _PARSERS[type_](text, limits)


def conform(type_: ValueType, text: str, limits: Limits) -> str:
    """The canonical JSON text of a JSON value that must be of a type. Raises InvalidValue."""
    if type_ is ValueType.json:
        return text
    actual = type_of(text)
    if type_ in TEXTUAL and actual is ValueType.string:
        return parse(type_, orjson.loads(text), limits)
    if actual is not type_:
        raise InvalidValue(f"A {type_.value} is expected, not a {actual.value}.")
    return text


def comparable_number(type_: ValueType, text: str) -> float | None:
    """The number to compare numbers and dates by (see `comparable_date`); None for other types."""
    if type_ is ValueType.number:
        return float(text)
    if type_ is ValueType.date:
        return comparable_date(orjson.loads(text))
    return None


def comparable_date(text: str) -> float:
    """Microseconds since 1970-01-01 UTC of a canonical date; a day without a time begins at 00:00 UTC."""
    if _DAY.fullmatch(text):
        moment, fraction = datetime.fromisoformat(text).replace(tzinfo=UTC), 0.0
    else:
        seconds, _, digits = text.removesuffix("Z").partition(".")
        moment, fraction = datetime.fromisoformat(f"{seconds}+00:00"), float(f"0.{digits or 0}")
    return (moment - _EPOCH).total_seconds() * 1e6 + fraction * 1e6


def _string(text: str, _limits: Limits) -> str:
    return strict_json.dumps(text)


def _number(text: str, _limits: Limits) -> str:
    if not _NUMBER.fullmatch(text) or len(text) > _MAX_NUMBER_LENGTH:
        message = "A number is expected, written as in JSON, such as 42 or -1.5e3"
        raise InvalidValue(f"{message}, in at most {_MAX_NUMBER_LENGTH} characters.")
    return _json(text, _limits)


def _boolean(text: str, _limits: Limits) -> str:
    if text not in ("true", "false"):
        raise InvalidValue("A boolean is expected: true or false.")
    return text


def _date(text: str, _limits: Limits) -> str:
    return strict_json.dumps(canonical_date(text))


def canonical_date(text: str) -> str:
    """The canonical text of a date: a day unchanged, a timestamp in UTC. Raises InvalidValue."""
    try:
        if _DAY.fullmatch(text):
            datetime.fromisoformat(text)
            return text
        moment, fraction = instants.parse(text)
    except ValueError as error:
        message = "A date is expected: a day, such as 2024-03-01, or a timestamp. This is not one"
        raise InvalidValue(f"{message}: {error}.") from None
    fraction = fraction.rstrip("0")
    return f"{moment.replace(tzinfo=None).isoformat()}{'.' if fraction else ''}{fraction}Z"


def _json(text: str, _limits: Limits) -> str:
    try:
        value: Any = strict_json.loads(text.encode(), strict_json.MAX_DEPTH)
        strict_json.check(value)
    except strict_json.InvalidJson as error:
        raise InvalidValue(str(error)) from None
    return strict_json.dumps(value)


def _binary(text: str, limits: Limits) -> str:
    try:
        decoded = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        decoded = None
    if decoded is None or base64.b64encode(decoded).decode() != text:
        raise InvalidValue("Binary data is expected, as base64 (RFC 4648, section 4) with padding.")
    if len(decoded) > limits.max_value_size:
        raise TooLarge(f"The data takes {len(decoded)} bytes; {limits.max_value_size} are allowed.")
    return strict_json.dumps(text)


_PARSERS: dict[ValueType, Callable[[str, Limits], str]] = {
    ValueType.string: _string,
    ValueType.number: _number,
    ValueType.boolean: _boolean,
    ValueType.date: _date,
    ValueType.json: _json,
    ValueType.binary: _binary,
}
