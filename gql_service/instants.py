"""Points in time. An instant is an integer: milliseconds since 1970-01-01T00:00:00Z."""

import re
import time
from datetime import UTC, datetime, timedelta
from typing import TypeGuard

_RFC_3339 = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt]((?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d)(?:\.(\d{1,9}))?"
    r"(?:[Zz]|([+-](?:[01]\d|2[0-3]):[0-5]\d))",
    re.ASCII,
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def now() -> int:
    """The current instant, by the system clock."""
    return time.time_ns() // 1_000_000


def is_instant(value: object) -> TypeGuard[int]:
    """Whether a value is an instant that all JSON parsers represent exactly: 0 or more, and less than
    2^53."""
    return type(value) is int and 0 <= value < 2**53


def rfc3339(instant: int) -> str:
    """An RFC 3339 timestamp: `2024-01-15T10:30:00Z`, or `…00.123Z` if the milliseconds are not 0."""
    moment = datetime.fromtimestamp(instant // 1000, UTC)
    fraction = f".{instant % 1000:03}" if instant % 1000 else ""
    return f"{moment:%Y-%m-%dT%H:%M:%S}{fraction}Z"


def parse(text: str) -> tuple[datetime, str]:
    """Parse an RFC 3339 timestamp. Returns the time in UTC, in whole seconds, and the digits of the fraction.

    Raises ValueError if the text is not a timestamp, or has no UTC offset.
    """
    match = _RFC_3339.fullmatch(text)
    if match is None:
        raise ValueError("not an RFC 3339 timestamp with a UTC offset, such as 2024-01-15T10:30:00Z")
    day, time_, fraction, offset = match.groups()
    try:
        moment = datetime.fromisoformat(f"{day}T{time_}{offset or '+00:00'}").astimezone(UTC)
    except OverflowError as error:
        raise ValueError(str(error)) from None
    return moment, fraction or ""


def parse_milliseconds(text: str) -> int:
    """Parse an RFC 3339 timestamp to an instant; drops digits after the milliseconds. Raises ValueError."""
    moment, fraction = parse(text)
    instant = (moment - _EPOCH) // timedelta(milliseconds=1) + int(f"{fraction:0<3}"[:3])
    if not is_instant(instant):
        raise ValueError("before 1970")
    return instant
