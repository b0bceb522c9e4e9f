"""Cancelling requests that take too long. One timer serves all requests, because a timer for each is slow."""

import asyncio
from collections import deque
from types import TracebackType
from typing import Any


class RequestTimeouts:
    """`with timeouts():` cancels its block after `seconds`, and raises TimeoutError.

    A block may take up to a tenth longer.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._running: deque[RequestTimeout] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def __call__(self) -> "RequestTimeout":
        loop = self._loop
        if loop is None:  # asking for it each time is a system call
            loop = self._loop = asyncio.get_running_loop()
        request = RequestTimeout(loop.time() + self._seconds, asyncio.current_task(loop))
        self._running.append(request)
        if self._timer is None:
            self._timer = loop.call_later(self._seconds / 10, self._cancel_expired, loop)
        return request

    def _cancel_expired(self, loop: asyncio.AbstractEventLoop) -> None:
        """Remove the requests that are done or expired. The oldest, which expires first, is in front."""
        now = loop.time()
        while self._running and (self._running[0].is_done or self._running[0].deadline <= now):
            self._running.popleft().cancel()
        self._timer = (
            loop.call_later(self._seconds / 10, self._cancel_expired, loop) if self._running else None
        )


class RequestTimeout:
    """The timeout of a request. A request without a `task` does not wait yet: see `web.lone_requests`."""

    __slots__ = ("deadline", "has_expired", "is_done", "task")

    def __init__(self, deadline: float, task: asyncio.Task[Any] | None) -> None:
        self.deadline = deadline
        self.has_expired = False
        self.is_done = False
        self.task = task

    def cancel(self) -> None:
        if not self.is_done and self.task is not None:
            self.has_expired = True
            self.task.cancel()

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        task, self.task, self.is_done = self.task, None, True
        if self.has_expired and task is not None and task.uncancel() == 0 and kind is asyncio.CancelledError:
            raise TimeoutError from error
