"""Resolvers that wait: all are stepped here, in the task of the request.

A task for each resolver would be slow. A resolver is started immediately, unless a thousand were started in
this turn of the event loop. It runs up to where it first waits, usually for a data loader, which combines the
loads of all resolvers. A resolver must not use `asyncio.timeout`: it would cancel the task, and so the whole
request.
"""

from asyncio import CancelledError, current_task, get_running_loop
from collections.abc import Generator, Sequence
from types import CoroutineType, coroutine
from typing import Any

from graphql import Undefined
from graphql.pyutils import is_awaitable

from gql_service.engine.execution.plan import Complete, FieldPlan, ResponseSlot
from gql_service.engine.execution.response import Response

_STEPS_PER_TURN = 1000
"""Then other requests get their turn of the event loop."""


class PendingResolver:
    """A resolver that waits for a future, or (None) for the next turn of the event loop.

    It returns the value for its only slot or, if `is_batch`, a list with a value for each slot.
    """

    __slots__ = (
        "complete",
        "coroutine",
        "field",
        "future",
        "has_callback",
        "is_batch",
        "is_cancelled",
        "slots",
    )

    def __init__(
        self,
        coroutine: Any,
        is_batch: bool,
        complete: Complete,
        field: FieldPlan,
        slots: Sequence[ResponseSlot],
    ) -> None:
        self.coroutine = coroutine
        self.is_batch = is_batch
        self.complete = complete
        self.field = field
        self.slots = slots
        self.future: Any = None
        self.has_callback = False
        """Whether the future wakes the scheduler when it is done."""
        self.is_cancelled = False
        """Whether it was cancelled, and is only awaited until it has cleaned up."""


class Scheduler(Response):
    """The waiting resolvers of one execution, and the response that they are for."""

    __slots__ = ("_cancellation", "_pending", "_steps", "_wake_up_future")

    def __init__(self) -> None:
        super().__init__()
        self._pending: list[PendingResolver] = []
        self._steps = 0
        """In this turn of the event loop."""
        self._wake_up_future: Any = None
        self._cancellation: CancelledError | None = None

    def start(
        self,
        awaitable: Any,
        is_batch: bool,
        complete: Complete,
        field: FieldPlan,
        slots: Sequence[ResponseSlot],
    ) -> None:
        """Run a resolver up to where it waits, or to its end; then complete what it returns.

        If this turn of the event loop has taken long enough, it is run in the next one.
        """
        for container, key, _nullable, _parent in slots:
            container[key] = None  # keeps the order of the keys in the response
        coroutine = awaitable if type(awaitable) is CoroutineType else _to_coroutine(awaitable)
        resolver = PendingResolver(coroutine, is_batch, complete, field, slots)
        if self._steps < _STEPS_PER_TURN:
            self._step(resolver)
        else:
            self._pending.append(resolver)

    def complete_null_error_or_awaitable(
        self, value: Any, complete: Complete, field: FieldPlan, slot: ResponseSlot
    ) -> bool:
        """Complete a null or an exception, or start an awaitable. Returns False for any other value."""
        if value is None or value is Undefined:
            self.complete_null(field, slot)
        elif isinstance(value, Exception):
            self.fail(value, field, slot)
        elif is_awaitable(value):
            self.start(value, False, complete, field, [slot])
        else:
            return False
        return True

    async def finish(self) -> None:
        """Step the pending resolvers until none is left. If this is cancelled, so are they."""
        while self._pending:
            if self._nulled or self._cancellation is not None:
                self._cancel_unneeded()
                if not self._pending:
                    break
            try:
                await self._wait_for_progress()
            except CancelledError as error:
                if self._cancellation is not None:
                    raise
                self._cancellation = error
                continue
            self._steps = 0
            pending, self._pending = self._pending, []
            for each in pending:
                if self._steps < _STEPS_PER_TURN and (each.future is None or each.future.done()):
                    self._step(each)
                else:
                    self._pending.append(each)
        if self._cancellation is not None:
            raise self._cancellation

    def _step(self, pending: PendingResolver, *, cancel: bool = False) -> None:
        """Continue a resolver up to where it waits again, or to its end."""
        self._steps += 1
        try:
            future = pending.coroutine.throw(CancelledError()) if cancel else pending.coroutine.send(None)
        except StopIteration as end:
            value = end.value
        except Exception as error:
            self.fail_all(error, pending.field, pending.slots)
            return
        except CancelledError as error:
            if not pending.is_cancelled:
                self._cancellation = error
            return
        else:
            if future is not None:
                future._asyncio_future_blocking = False  # a task does the same with a future that it receives
            pending.future = future
            pending.has_callback = False
            self._pending.append(pending)
            return
        if pending.is_cancelled:
            return
        if not pending.is_batch:
            pending.complete(self, [value], pending.slots)
        elif type(value) in (list, tuple) and len(value) == len(pending.slots):
            pending.complete(self, value, pending.slots)
        else:
            message = f"{pending.field.coordinate} must return a list with one value for each object."
            self.fail_all(TypeError(message), pending.field, pending.slots)

    def _cancel_unneeded(self) -> None:
        """Cancel the resolvers whose slots all lie below a null; or all, if the execution is cancelled."""
        pending, self._pending = self._pending, []
        for each in pending:
            is_unneeded = self._cancellation is not None or all(map(self.is_nulled, each.slots))
            if is_unneeded and not each.is_cancelled:
                each.is_cancelled = True
                self._step(each, cancel=True)
            else:
                self._pending.append(each)

    @coroutine
    def _wait_for_progress(self) -> Generator[Any, None, None]:
        """Wait until at least one resolver can continue."""
        yield  # reads that run in the event loop itself are done in its next turn
        for each in self._pending:
            if each.future is None or each.future.done():
                return
        if len(self._pending) > 1:
            self._wake_up_future = get_running_loop().create_future()
            for each in self._pending:
                if not each.has_callback:
                    each.has_callback = True
                    each.future.add_done_callback(self._wake_up)
            yield from self._wake_up_future
        else:
            only = self._pending[0].future
            only._asyncio_future_blocking = True
            try:
                yield only
            except CancelledError:
                if not only.cancelled() or _task_is_cancelled():
                    raise
            except Exception:  # `_step` raises it in the resolver that waits for the future
                if not only.done():
                    raise

    def _wake_up(self, _future: Any) -> None:
        wake_up_future, self._wake_up_future = self._wake_up_future, None
        if wake_up_future is not None and not wake_up_future.done():
            wake_up_future.set_result(None)


def _task_is_cancelled() -> bool:
    """Whether this task was cancelled, and not only the future that it waits for."""
    task = current_task()
    return task is not None and task.cancelling() > 0


async def _to_coroutine(awaitable: Any) -> Any:
    return await awaitable
