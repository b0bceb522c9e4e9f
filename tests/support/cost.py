"""The CPU time of a function, relative to that of a harmless one on the same machine at the same time."""

import gc
import time
from collections.abc import Callable

_ATTEMPTS = 20


def assert_costs_at_most(
    times: float, reference: Callable[[], object], measured: Callable[[], object], *, rounds: int = 1
) -> None:
    """Assert that a function costs at most this multiple of the CPU time of a harmless one.

    They take turns, for at least this many rounds, so that other load on the machine slows both; the best
    rounds count. The garbage collector is off: in `app`, it ignores objects that live as long as the process.
    """
    costs: tuple[list[float], list[float]] = [], []
    for attempt in range(1, _ATTEMPTS + 1):
        for each, found in zip((measured, reference), costs, strict=True):
            found.append(_cost(each))
        if attempt >= rounds and min(costs[0]) <= times * min(costs[1]):
            return
    raise AssertionError(f"it costs {min(costs[0]) / min(costs[1]):.1f} times as much")


def _cost(work: Callable[[], object]) -> float:
    """Seconds of all threads of this process, the server's included."""
    gc.disable()
    start = time.process_time()
    try:
        work()
        return time.process_time() - start
    finally:
        gc.enable()
