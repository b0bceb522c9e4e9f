"""Resolvers that wait: started eagerly and stepped here, all in one task.

They wait for loaders, whose reads are gathered that way. None may open a timeout of its own: it would belong
to the task, and so to the whole request.
"""

from asyncio import CancelledError, current_task, get_running_loop
from collections.abc import Generator, Sequence
from types import CoroutineType, coroutine
from typing import Any

from graphql import Undefined
from graphql.pyutils import is_awaitable

from gql_service.engine.execution.plan import Complete, FieldPlan, ResponseSlot
from gql_service.engine.execution.response import Response


class PendingResolver:
    """A resolver that has been started and waits for a future (or, for None, for the next turn).

    It answers for one place, or for `many`, with a list.
    """

    __slots__ = ("complete", "coroutine", "field", "future", "many", "places", "stopped", "watched")

    def __init__(
        self, coroutine: Any, many: bool, complete: Complete, field: FieldPlan, places: Sequence[ResponseSlot]
    ) -> None:
        self.coroutine = coroutine
        self.many = many
        self.complete = complete
        self.field = field
        self.places = places
        self.future: Any = None
        self.watched = False
        """Whether the future tells when it is done."""
        self.stopped = False
        """Whether it was cancelled, and only its clean-up is still waited for."""


class Scheduler(Response):
    """The resolvers of one execution, and the response they are for."""

    __slots__ = ("_cancelled", "_waiting", "_wake")

    def __init__(self) -> None:
        super().__init__()
        self._waiting: list[PendingResolver] = []
        self._wake: Any = None
        self._cancelled: CancelledError | None = None

    def start(
        self, awaitable: Any, many: bool, complete: Complete, field: FieldPlan, places: Sequence[ResponseSlot]
    ) -> None:
        """Run a resolver up to where it waits; complete its value, when it has one."""
        for place in places:
            place[0][place[1]] = None  # it has its place among the keys
        coroutine = awaitable if type(awaitable) is CoroutineType else _awaited(awaitable)
        self._step(PendingResolver(coroutine, many, complete, field, places))

    def complete_non_value(
        self, value: Any, complete: Complete, field: FieldPlan, place: ResponseSlot
    ) -> bool:
        """Deal with what is no value, or none yet: nulls, exceptions, and what is to be awaited."""
        if value is None or value is Undefined:
            self.absent(field, place)
        elif isinstance(value, Exception):
            self.fail(value, field, place)
        elif is_awaitable(value):
            self.start(value, False, complete, field, [place])
        else:
            return False
        return True

    async def finish(self) -> None:
        """Step the resolvers until none waits. If this is cancelled, so are they."""
        while self._waiting:
            if self._nulled or self._cancelled is not None:
                self._stop_what_is_in_vain()
                if not self._waiting:
                    break
            try:
                await self._turn()
            except CancelledError as error:
                if self._cancelled is not None:
                    raise
                self._cancelled = error
                continue
            waiting, self._waiting = self._waiting, []
            for each in waiting:
                if each.future is None or each.future.done():
                    self._step(each)
                else:
                    self._waiting.append(each)
        if self._cancelled is not None:
            raise self._cancelled

    def _step(self, waiting: PendingResolver, *, stop: bool = False) -> None:
        """Run a resolver on, to where it waits again or to its end."""
        try:
            future = waiting.coroutine.throw(CancelledError()) if stop else waiting.coroutine.send(None)
        except StopIteration as end:
            value = end.value
        except Exception as error:
            self.fail_all(error, waiting.field, waiting.places)
            return
        except CancelledError as error:
            if not waiting.stopped:
                self._cancelled = error
            return
        else:
            if future is not None:
                future._asyncio_future_blocking = False  # as a task does with what it is given
            waiting.future = future
            waiting.watched = False
            self._waiting.append(waiting)
            return
        if waiting.stopped:
            return
        if not waiting.many:
            waiting.complete(self, [value], waiting.places)
        elif type(value) in (list, tuple) and len(value) == len(waiting.places):
            waiting.complete(self, value, waiting.places)
        else:
            wrong = TypeError(f"{waiting.field.title} must give a list with one value for each object.")
            self.fail_all(wrong, waiting.field, waiting.places)

    def _stop_what_is_in_vain(self) -> None:
        """Cancel the resolvers whose places are null already; or all, if the execution is cancelled."""
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            in_vain = self._cancelled is not None or all(map(self.is_nulled, each.places))
            if in_vain and not each.stopped:
                each.stopped = True
                self._step(each, stop=True)
            else:
                self._waiting.append(each)

    @coroutine
    def _turn(self) -> Generator[Any, None, None]:
        """Wait until one resolver at least can go on."""
        yield  # what is read in the event loop itself is there in the next turn
        for each in self._waiting:
            if each.future is None or each.future.done():
                return
        if len(self._waiting) > 1:
            self._wake = get_running_loop().create_future()
            for each in self._waiting:
                if not each.watched:
                    each.watched = True
                    each.future.add_done_callback(self._wake_up)
            yield from self._wake
        else:
            first = self._waiting[0].future
            first._asyncio_future_blocking = True
            try:
                yield first
            except CancelledError:
                if not first.cancelled() or _is_cancelled():
                    raise
            except Exception:  # the resolver that waits for it is told
                if not first.done():
                    raise

    def _wake_up(self, _done: Any) -> None:
        wake, self._wake = self._wake, None
        if wake is not None and not wake.done():
            wake.set_result(None)


def _is_cancelled() -> bool:
    """Whether it is this task that was cancelled, and not only the future that it waits for."""
    task = current_task()
    return task is not None and task.cancelling() > 0


async def _awaited(awaitable: Any) -> Any:
    return await awaitable
