"""Writes documents in groups: writes that arrive while a transaction commits share the next transaction.

A commit waits for the disk, so a commit of sixty writes takes hardly longer than a commit of one.

Writes that share a transaction must not share their misfortunes. A batch waits for no lock: a document that
another transaction holds gets a lane, where its writes wait in transactions of their own, in their order. The
writes of a batch that failed get lanes as well, so that each fails or succeeds by itself.

This is the outer of two nested group commits. It exists for PostgreSQL, where `Database.write` runs each
call in a transaction of its own. On SQLite, `store.sqlite` also groups calls of `Database.write`, each in
a savepoint of one transaction; a batch from here is one such call.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

from gql_service.domain.documents.rows import DocumentKey
from gql_service.domain.values.validation import WriteSettings
from gql_service.domain.writes.idempotency import WriteResult
from gql_service.domain.writes.unit_of_work import Write, write_all
from gql_service.errors import Locked, Unavailable
from gql_service.services.write_counts import WriteCounts
from gql_service.store.connection import Connection
from gql_service.store.database import Database

_MAX_BATCH = 100
"""Writes per transaction. A transaction holds its locks, for which others wait, until it commits."""
_POLL_INTERVAL = 0.05
"""Seconds between two attempts on a locked document if too many transactions wait for locks already."""


class _PendingWrite(NamedTuple):
    """A write, and the future that its caller awaits."""

    write: Write
    future: asyncio.Future[WriteResult]
    budget: float
    """What the write may cost. Failed attempts do not count."""

    def finish(self, result: WriteResult | Exception) -> None:
        if self.future.done():  # the caller was cancelled
            return
        if isinstance(result, Exception):
            self.future.set_exception(result)
        else:
            self.future.set_result(result)


class BatchWriter:
    """Writes the documents of one process."""

    def __init__(
        self,
        database: Database,
        write_settings: WriteSettings,
        clock: Callable[[], int],
        max_waiting: int,
        counts: WriteCounts,
    ) -> None:
        """`max_waiting` transactions may wait for locks at the same time. Each holds a connection."""
        self._database = database
        self._write_settings = write_settings
        self._clock = clock
        self._counts = counts
        self._pending: deque[_PendingWrite] = deque()
        self._task: asyncio.Task[None] | None = None
        self._lanes: dict[DocumentKey, deque[_PendingWrite]] = {}
        """The writes of documents that are not written in batches for the time being."""
        self._lane_tasks: set[asyncio.Task[None]] = set()
        self._waiting = asyncio.Semaphore(max_waiting)
        self.on_batch: Callable[[int], None] | None = None
        """Called with the number of writes of each batch."""

    @property
    def waiting(self) -> int:
        """How many writes wait for the next batch."""
        return len(self._pending)

    async def write(self, write: Write) -> WriteResult:
        """Write a document. Raises Rejected or Unavailable if nothing was written, OutcomeUnknown if it may
        have been."""
        pending = _PendingWrite(write, asyncio.get_running_loop().create_future(), write.budget.rest)
        self._pending.append(pending)
        if self._task is None:
            self._task = asyncio.create_task(self._write_all_pending())
        return await pending.future

    async def _write_all_pending(self) -> None:
        try:
            while self._pending:
                if batch := self._next_batch():
                    await self._write_batch(batch)
        finally:
            self._task = None

    def _next_batch(self) -> list[_PendingWrite]:
        """The next writes, without those of documents that have a lane: they queue up there."""
        batch: list[_PendingWrite] = []
        while self._pending and len(batch) < _MAX_BATCH:
            pending = self._pending.popleft()
            lane = self._lanes.get(pending.write.access.key)
            if lane is not None:
                lane.append(pending)
            elif not pending.future.done():
                batch.append(pending)
        return batch

    async def _write_batch(self, batch: list[_PendingWrite]) -> None:
        if self.on_batch is not None:
            self.on_batch(len(batch))
        results = await self._attempt(batch, wait=False)
        for pending, result in zip(batch, results or [Locked()] * len(batch), strict=True):
            if isinstance(result, Locked):
                self._use_lane(pending)
            else:
                pending.finish(result)

    async def _attempt(
        self, batch: Sequence[_PendingWrite], *, wait: bool
    ) -> Sequence[WriteResult | Exception] | None:
        """The result of each write; None if nothing was written because one of several writes failed.

        What the database cannot do now is not tried again: it would only add to the load, and the outcome of
        a commit may be unknown.
        """

        async def transaction(connection: Connection) -> list[WriteResult | Exception]:
            for each in batch:
                each.write.budget.rest = each.budget
            writes, settings, now = [each.write for each in batch], self._write_settings, self._clock()
            return await write_all(connection, writes, write_settings=settings, now=now, wait=wait)

        try:
            results = await self._database.write(transaction)
        except Unavailable as error:
            return [error] * len(batch)
        except Exception as error:
            return [error] if len(batch) == 1 else None
        self._counts.add(results)
        return results

    def _use_lane(self, pending: _PendingWrite) -> None:
        key = pending.write.access.key
        lane = self._lanes.get(key)
        if lane is None:
            lane = self._lanes[key] = deque()
            task = asyncio.create_task(self._write_lane(key, lane))
            self._lane_tasks.add(task)  # the event loop only keeps weak references
            task.add_done_callback(self._lane_tasks.discard)
        lane.append(pending)

    async def _write_lane(self, key: DocumentKey, lane: deque[_PendingWrite]) -> None:
        """Write one document until its lane is empty."""
        try:
            while lane:
                batch = [lane.popleft() for _ in range(min(len(lane), _MAX_BATCH))]
                await self._write_waiting(batch)
        finally:
            del self._lanes[key]

    async def _write_waiting(self, batch: list[_PendingWrite]) -> None:
        """Do writes of one document. Waits for its lock."""
        batch = [each for each in batch if not each.future.done()]
        results = await self._attempt_waiting(batch) if batch else []
        if results is None:
            for pending in batch:
                await self._write_waiting([pending])
            return
        for pending, result in zip(batch, results, strict=True):
            pending.finish(result)

    async def _attempt_waiting(self, batch: list[_PendingWrite]) -> Sequence[WriteResult | Exception] | None:
        """Polls while as many transactions as may wait for locks are waiting."""
        while self._waiting.locked():
            results = await self._attempt(batch, wait=False)
            is_locked = any(isinstance(result, Locked) for result in results or ())
            if not is_locked or all(each.future.done() for each in batch):
                return results
            await asyncio.sleep(_POLL_INTERVAL)
        async with self._waiting:
            return await self._attempt(batch, wait=True)
