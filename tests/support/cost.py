"""What something costs, told by what something harmless costs on the same machine at the same time."""

import gc
import time
from collections.abc import Callable

_ATTEMPTS = 20


def assert_costs_at_most(
    times: float, reference: Callable[[], object], measured: Callable[[], object], *, rounds: int = 1
) -> None:
    """Something costs at most so many times the CPU time of something harmless.

    They go by turns, for at least so many rounds, so that what slows the machine slows both; the best rounds
    count. The garbage collector stays away: `app` has it leave alone what lives as long as the process, too.
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
