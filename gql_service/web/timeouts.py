"""Ending requests that take too long, without a timer for each: one looks after all of them."""

import asyncio
from collections import deque
from types import TracebackType


class RequestTimeouts:
    """Gives every request the same time. `with deadlines():` raises TimeoutError when it is over.

    A request may take up to a tenth longer than it is given.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._running: deque[_Request] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def __call__(self) -> "_Request":
        loop = asyncio.get_running_loop()
        request = _Request(loop.time() + self._seconds)
        self._running.append(request)
        if self._timer is None:
            self._timer = loop.call_later(self._seconds / 10, self._look, loop)
        return request

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        """Requests start in the order of their deadlines, so those that matter are in front."""
        now = loop.time()
        while self._running and (self._running[0].task is None or self._running[0].deadline <= now):
            self._running.popleft().end()
        again = loop.call_later(self._seconds / 10, self._look, loop) if self._running else None
        self._timer = again


class _Request:
    """One request; `task` is None when it is done."""

    __slots__ = ("deadline", "ended", "task")

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        self.ended = False
        self.task = asyncio.current_task()

    def end(self) -> None:
        if self.task is not None:
            self.ended = True
            self.task.cancel()

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        task, self.task = self.task, None
        if self.ended and task is not None and task.uncancel() == 0 and kind is asyncio.CancelledError:
            raise TimeoutError from error
