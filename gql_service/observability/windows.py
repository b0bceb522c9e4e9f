"""Counting by key, in windows of one minute."""

from collections.abc import Callable
from ipaddress import IPv6Address, IPv6Network, ip_address
from math import ceil
from typing import NamedTuple

_CAPACITY = 10_000
"""Keys that are counted at the same time."""
_PREFIX = 64
"""Bits of an IPv6 address that identify a network. Whoever has one of its addresses has all of them."""
_LENGTH = 60.0
"""Seconds that a window takes."""


class _Window(NamedTuple):
    """What one key has counted until `end`, in seconds."""

    hits: int
    end: float


class Hit(NamedTuple):
    """What a key has counted in its current window."""

    number: int
    """How many hits there were, this one included."""
    limit: int
    seconds_left: int
    """At least 1."""

    @property
    def is_within_limit(self) -> bool:
        return self.number <= self.limit

    @property
    def is_notable(self) -> bool:
        """Whether to log it: each hit within the limit, and then the 1st, the 10th, the 100th and so on."""
        excess = self.number - self.limit
        return excess <= 0 or str(excess).rstrip("0") == "1"


class Windows:
    """Counts the hits of keys. The window of a key begins with a hit and takes one minute.

    It takes little memory, however many keys there are.
    """

    def __init__(self, limit: int, clock: Callable[[], int]) -> None:
        """`clock` returns milliseconds."""
        self._limit = limit
        self._clock = clock
        self._windows: dict[str, _Window] = {}
        """By key. All windows are equally long, so the first one ends first."""

    def hit(self, key: str) -> Hit:
        """Count a hit."""
        now = self._clock() / 1000
        self._drop_ended(now)
        window = self._windows.get(key)
        if window is None:
            if len(self._windows) >= _CAPACITY:
                del self._windows[next(iter(self._windows))]
            window = _Window(0, now + _LENGTH)
        window = self._windows[key] = window._replace(hits=window.hits + 1)
        return Hit(window.hits, self._limit, max(1, ceil(window.end - now)))

    def _drop_ended(self, now: float) -> None:
        """Drop the windows that have ended, and those of a time before the clock was set back."""
        while self._windows:
            first = next(iter(self._windows))
            if now < self._windows[first].end <= now + _LENGTH:
                return
            del self._windows[first]


def network_of(address: str | None) -> str:
    """The key by which an IP address is counted: that of its network for IPv6. None has a key, too."""
    if address is None:
        return ""
    parsed = ip_address(address)
    if isinstance(parsed, IPv6Address):
        return str(IPv6Network((parsed, _PREFIX), strict=False))
    return address
