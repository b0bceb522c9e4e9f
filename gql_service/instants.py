"""Points in time. An instant is an integer: milliseconds since 1970-01-01T00:00:00Z."""

import re
import time
from datetime import UTC, datetime, timedelta
from typing import TypeGuard

_RFC_3339 = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ]((?:[01]\d|2[0-3]):[0-5]\d):([0-5]\d|60)(?:\.(\d{1,9}))?"
    r"(?:[Zz]|([+-](?:[01]\d|2[0-3]):[0-5]\d))",
    re.ASCII,
)
_REFUSAL = "write an RFC 3339 timestamp with a UTC offset, such as 2024-03-01T10:00:00Z"
_FAULTS = {
    "it has no seconds": re.compile(r"\S+[Tt ]\d\d:\d\d([Zz+-].*)?"),
    "its offset needs hours and minutes with a colon, as in +02:00": re.compile(
        r"\S+[Tt ][\d:.]+[+-]\d\d(\d\d)?"
    ),
    "it has no UTC offset": re.compile(r"\S+[Tt ][\d:.]+"),
    "it has more than nine digits after the point": re.compile(r"\S+[Tt ][\d:]+\.\d{10,}.*"),
}
"""What is wrong with texts that are nearly timestamps."""
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

    A leap second, which the service cannot represent, becomes the moment that follows it.
    Raises ValueError if the text is not a timestamp, or has no UTC offset.
    """
    match = _RFC_3339.fullmatch(text)
    if match is None:
        fault = next((fault for fault, form in _FAULTS.items() if form.fullmatch(text)), None)
        raise ValueError(f"{_REFUSAL}: {fault}" if fault else _REFUSAL)
    day, minute, second, fraction, offset = match.groups()
    seconds = "59" if second == "60" else second
    try:
        moment = datetime.fromisoformat(f"{day}T{minute}:{seconds}{offset or '+00:00'}").astimezone(UTC)
        return (moment, fraction or "") if second != "60" else (_after_leap_second(moment), "")
    except OverflowError:
        raise ValueError(f"{_REFUSAL}: in UTC, it is not in the years 1 to 9999") from None


def _after_leap_second(moment: datetime) -> datetime:
    """The first moment after the leap second that follows `moment`. Raises ValueError."""
    following = moment + timedelta(seconds=1)
    if (following.day, following.hour, following.minute) != (1, 0, 0):
        raise ValueError(f"{_REFUSAL}: leap seconds end a month, at 23:59:60 UTC")
    return following


def parse_milliseconds(text: str) -> int:
    """Parse an RFC 3339 timestamp to an instant; drops digits after the milliseconds. Raises ValueError."""
    moment, fraction = parse(text)
    instant = (moment - _EPOCH) // timedelta(milliseconds=1) + int(f"{fraction:0<3}"[:3])
    if not is_instant(instant):
        raise ValueError("before 1970")
    return instant
