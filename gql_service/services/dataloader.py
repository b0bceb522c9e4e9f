"""A data loader: combines the keys requested in one turn of the event loop into one read of each."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Hashable, Sequence
from time import perf_counter
from typing import Any, Generic, TypeVar

from gql_service.store.connection import Connection
from gql_service.store.database import ReadSource

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")

PendingLoad = tuple[Sequence[K], bool, asyncio.Future[Any]]
"""`(keys, many, future)`: the future gets the list of values if `many`, or else the value of the only key.

A plain tuple, because every load makes one.
"""
Read = Callable[[Connection, Sequence[K]], Awaitable[Sequence[T]]]
"""Reads the values of keys that are all different, in the same order."""

_MAX_BATCH = 5000
"""Keys per read. The keys of one `load_many` are never split, so it may exceed this."""


class DataLoader(Generic[K, T]):
    """Combines the keys requested in one turn of the event loop into one read, and caches nothing.

    `scans` says that the reads may take long, so they must not run in the event loop itself. Every caller
    gets a future of its own, so cancelling one caller does not affect the others.
    """

    def __init__(self, database: ReadSource, read: Read[K, T], *, scans: bool = False) -> None:
        self._database = database
        self._read = read
        self._scans = scans
        self._reads_in_task = scans or not database.reads_inline
        self._turn = database.turn
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pending: list[PendingLoad[K]] = []
        self._tasks: dict[asyncio.Task[None], list[PendingLoad[K]]] = {}
        """The reads that run. The event loop only keeps weak references to tasks."""

    @property
    def waiting(self) -> int:
        """How many keys were asked for and are not read yet."""
        return sum(len(keys) for batch in (self._pending, *self._tasks.values()) for keys, *_ in batch)

    def observe(self, on_batch: Callable[[int, float], None]) -> None:
        """From now on, call `on_batch` after each read, with the number of its keys, and when it began by
        `time.perf_counter`."""
        load = self._load

        async def observed_load(batch: list[PendingLoad[K]]) -> None:
            started = perf_counter()
            await load(batch)
            on_batch(sum([len(keys) for keys, _many, _future in batch]), started)

        self._load = observed_load  # type: ignore[method-assign]

    def load(self, key: K) -> asyncio.Future[T]:
        """The value of a key."""
        return self._request((key,), False)

    def load_many(self, keys: Sequence[K]) -> asyncio.Future[list[T]]:
        """The values of keys, in the same order."""
        return self._request(keys, True)

    def _request(self, keys: Sequence[K], many: bool) -> asyncio.Future[Any]:
        loop = self._loop
        if loop is None:
            loop = self._loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        if not self._pending:
            self._turn.add(self._dispatch)
        self._pending.append((keys, many, future))
        return future

    def _dispatch(self) -> None:
        pending, self._pending = self._pending, []
        if len(pending) == 1:
            self._start(pending)
            return
        batch: list[PendingLoad[K]] = []
        size = 0
        for each in pending:
            keys, _many, _future = each
            if batch and size + len(keys) > _MAX_BATCH:
                self._start(batch)
                batch, size = [], 0
            batch.append(each)
            size += len(keys)
        self._start(batch)

    def _start(self, batch: list[PendingLoad[K]]) -> None:
        load = self._load(batch)
        if not self._reads_in_task:
            _run_to_end(load)  # a task would take longer than the read
            return
        task = asyncio.create_task(load)
        self._tasks[task] = batch
        task.add_done_callback(self._tasks.pop)
        if not self._scans:
            self._turn.running.add(task)

    async def _load(self, batch: list[PendingLoad[K]]) -> None:
        wanted = batch[0][0] if len(batch) == 1 else [key for keys, _many, _future in batch for key in keys]
        try:
            distinct = wanted if len(wanted) == 1 else list(dict.fromkeys(wanted))
            if self._reads_in_task:
                async with self._database.read() as connection:
                    values = await self._read(connection, distinct)
            else:
                values = await self._read(self._database.inline_reader, distinct)
        except Exception as error:
            for _keys, _many, future in batch:
                if not future.done():
                    future.set_exception(error)
            return
        if len(distinct) < len(wanted):
            found = dict(zip(distinct, values, strict=True))
            values = [found[key] for key in wanted]
        start = 0
        for keys, many, future in batch:
            end = start + len(keys)
            if not future.done():
                future.set_result(values[start:end] if many else values[start])
            start = end


def _run_to_end(coroutine: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine that never waits. Raises RuntimeError if it does."""
    try:
        coroutine.send(None)
    except StopIteration:
        return
    coroutine.close()
    raise RuntimeError("the read of a loader waited: create the loader with scans=True")
