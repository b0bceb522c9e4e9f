"""Requests that come alone: they run at once, in the turn of the event loop in which they arrive.

Where many requests come together, each waits for the next turns, so that their reads are combined. For a
request that comes alone, these turns cost more than its reads.
"""

import asyncio
from collections.abc import Callable, Coroutine, Generator
from contextvars import Context, copy_context
from time import perf_counter
from types import coroutine
from typing import Any

from gql_service.store.turn import Turn

_ALONE_AFTER = 0.001
"""Seconds without a request of another connection."""


class LoneRequests:
    """Recognises them, and runs them."""

    def __init__(self, turn: Turn) -> None:
        """`turn` has the reads of the database, which must not wait."""
        self._turn = turn
        self._last: object = None
        self._last_at = 0.0

    def is_alone(self, connection: object) -> bool:
        """Whether a request that a connection has received has the server for itself."""
        now = perf_counter()  # the time of the event loop stands still while requests run
        is_alone = connection is self._last or now - self._last_at > _ALONE_AFTER
        self._last, self._last_at = connection, now
        return is_alone

    def run(
        self, request: Coroutine[Any, Any, None], go_on: Callable[[Coroutine[Any, Any, None], Context], None]
    ) -> None:
        """Run a request to its end. If it waits for anything but reads, `go_on` has to make a task of it."""
        context, turn = copy_context(), self._turn
        turn.hold()
        try:
            while True:
                try:
                    future = context.run(request.send, None)
                except StopIteration:
                    return
                if not context.run(turn.run) or not (future is None or future.done()):
                    break
                if future is not None:
                    future._asyncio_future_blocking = False  # as a task does when it has got a future
        finally:
            turn.release()
            # Others may have arrived meanwhile, however long it took.
            self._last_at = perf_counter()
        go_on(_continue(request, future), context)


async def _continue(request: Coroutine[Any, Any, None], future: "asyncio.Future[Any] | None") -> None:
    """The rest of a request that waits for a future, or (None) for the next turn."""
    await _rest(request, future)


@coroutine
def _rest(
    request: Coroutine[Any, Any, None], future: "asyncio.Future[Any] | None"
) -> Generator[Any, None, None]:
    while True:
        try:
            try:
                yield future
            except BaseException as error:
                future = request.throw(error)
            else:
                future = request.send(None)
        except StopIteration:
            return
