"""Counting by key, in windows of one minute."""

from collections.abc import Callable
from ipaddress import IPv6Address, IPv6Network, ip_address
from math import ceil
from typing import NamedTuple

from limits import RateLimitItemPerMinute
from limits.storage import Storage
from limits.strategies import FixedWindowRateLimiter

_CAPACITY = 10_000
"""Keys that are counted at the same time."""
_PREFIX = 64
"""Bits of an IPv6 address that identify a network. Whoever has one of its addresses has all of them."""


class _Window(NamedTuple):
    """What one key has counted until `end`, in seconds."""

    hits: int
    end: float


class _WindowStorage(Storage):
    """A storage of `limits`. Takes little memory, however many keys there are.

    `MemoryStorage` of that library starts a thread for each hit, which walks all keys, and has no maximum.
    """

    STORAGE_SCHEME = None
    base_exceptions = ValueError

    def __init__(self, now: Callable[[], float]) -> None:
        super().__init__()
        self._now = now
        self._windows: dict[str, _Window] = {}
        """By key. All windows are equally long, so the first one ends first."""

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        self._drop_ended(expiry)
        window = self._windows.get(key)
        if window is None:
            if len(self._windows) >= _CAPACITY:
                del self._windows[next(iter(self._windows))]
            window = _Window(0, self._now() + expiry)
        self._windows[key] = window._replace(hits=window.hits + amount)
        return window.hits + amount

    def get(self, key: str) -> int:
        window = self._windows.get(key)
        return 0 if window is None else window.hits

    def get_expiry(self, key: str) -> float:
        window = self._windows.get(key)
        return self._now() if window is None else window.end

    def check(self) -> bool:
        return True

    def reset(self) -> int:
        count = len(self._windows)
        self._windows.clear()
        return count

    def clear(self, key: str) -> None:
        self._windows.pop(key, None)

    def _drop_ended(self, expiry: int) -> None:
        """Drop the windows that have ended, and those of a time before the clock was set back."""
        now = self._now()
        while self._windows:
            first = next(iter(self._windows))
            if now < self._windows[first].end <= now + expiry:
                return
            del self._windows[first]


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
    """Counts the hits of keys. The window of a key begins with a hit and takes one minute."""

    def __init__(self, limit: int, clock: Callable[[], int]) -> None:
        """`clock` returns milliseconds."""
        self._clock = clock
        self._item = RateLimitItemPerMinute(limit)
        self._storage = _WindowStorage(self._now)
        self._limiter = FixedWindowRateLimiter(self._storage)

    def hit(self, key: str) -> Hit:
        """Count a hit."""
        self._limiter.hit(self._item, key)
        number = self._storage.get(self._item.key_for(key))
        reset_time = self._limiter.get_window_stats(self._item, key).reset_time
        return Hit(number, self._item.amount, max(1, ceil(reset_time - self._now())))

    def _now(self) -> float:
        return self._clock() / 1000


def network_of(address: str | None) -> str:
    """The key by which an IP address is counted: that of its network for IPv6. None has a key, too."""
    if address is None:
        return ""
    parsed = ip_address(address)
    if isinstance(parsed, IPv6Address):
        return str(IPv6Network((parsed, _PREFIX), strict=False))
    return address
