"""Instants are integers: milliseconds since 1970-01-01 UTC."""

import time
from datetime import UTC, datetime
from typing import TypeGuard


def now() -> int:
    """The wall clock."""
    return time.time_ns() // 1_000_000


def is_instant(value: object) -> TypeGuard[int]:
    """Whether a value is an instant that every JSON reader keeps exactly: from 0 and below 2^53."""
    return type(value) is int and 0 <= value < 2**53


def rfc3339(instant: int) -> str:
    """An instant as text, `2024-01-15T10:30:00Z`, with milliseconds where there are any."""
    moment = datetime.fromtimestamp(instant // 1000, UTC)
    fraction = f".{instant % 1000:03}" if instant % 1000 else ""
    return f"{moment:%Y-%m-%dT%H:%M:%S}{fraction}Z"
