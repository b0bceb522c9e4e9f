"""A loader: gathers the keys asked for in one turn of the event loop into one read."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Hashable, Sequence
from typing import Any, Generic, TypeVar

from gql_service.store.connection import Connection
from gql_service.store.database import Database

K = TypeVar("K", bound=Hashable)


T = TypeVar("T")


PendingLoad = tuple[Sequence[K], bool, asyncio.Future[Any]]
"""Keys that somebody waits for: for the value of the only one, or (True) for the list of many."""


Read = Callable[[Connection, Sequence[K]], Awaitable[Sequence[T]]]


_MAX_BATCH = 500
"""Keys of one statement; those that are asked for together stay together."""


class DataLoader(Generic[K, T]):
    """Gathers the keys asked for in one turn of the event loop into one read.

    Every waiter has a future of its own, so one that is cancelled cancels nobody else.
    """

    def __init__(self, database: Database, read: Read[K, T], *, scans: bool = False) -> None:
        self._database = database
        self._read = read
        self._waits = scans or not database.reads_inline
        self._loop: asyncio.AbstractEventLoop | None = None
        self._asked: list[PendingLoad[K]] = []
        self._reading: set[asyncio.Task[None]] = set()

    def load(self, key: K) -> asyncio.Future[T]:
        """The value for a key, when it has been read."""
        return self._ask((key,), False)

    def load_many(self, keys: Sequence[K]) -> asyncio.Future[list[T]]:
        """The values for keys, in their order."""
        return self._ask(keys, True)

    def _ask(self, keys: Sequence[K], many: bool) -> asyncio.Future[Any]:
        loop = self._loop
        if loop is None:
            loop = self._loop = asyncio.get_running_loop()
        answer: asyncio.Future[Any] = loop.create_future()
        if not self._asked:
            loop.call_soon(self._dispatch)
        self._asked.append((keys, many, answer))
        return answer

    def _dispatch(self) -> None:
        asked, self._asked = self._asked, []
        if len(asked) == 1:
            self._start(asked)
            return
        batch: list[PendingLoad[K]] = []
        size = 0
        for each in asked:
            if batch and size + len(each[0]) > _MAX_BATCH:
                self._start(batch)
                batch, size = [], 0
            batch.append(each)
            size += len(each[0])
        self._start(batch)

    def _start(self, batch: list[PendingLoad[K]]) -> None:
        reading = self._load(batch)
        if not self._waits:
            _finish(reading)  # a task costs more than the read
            return
        task = asyncio.create_task(reading)
        self._reading.add(task)  # the event loop itself would let go of it
        task.add_done_callback(self._reading.discard)

    async def _load(self, batch: list[PendingLoad[K]]) -> None:
        try:
            async with self._database.read() as connection:
                values = await self._read(connection, [key for keys, _, _ in batch for key in keys])
        except Exception as error:
            for _, _, answer in batch:
                if not answer.done():
                    answer.set_exception(error)
            return
        start = 0
        for keys, many, answer in batch:
            end = start + len(keys)
            if not answer.done():
                answer.set_result(values[start:end] if many else values[start])
            start = end


def _finish(coroutine: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine that never waits to its end."""
    try:
        coroutine.send(None)
    except StopIteration:
        return
    coroutine.close()
    raise RuntimeError("a loader whose reads wait must say that it scans")
