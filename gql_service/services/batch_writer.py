"""Writes documents in groups: writes that arrive while a transaction commits share the next transaction.

A commit waits for the disk, so a commit of sixty writes takes hardly longer than a commit of one.

This is the outer of two nested group commits. It exists for PostgreSQL, where `Database.write` runs each
call in a transaction of its own. On SQLite, `store.sqlite` also groups calls of `Database.write`, each in
a savepoint of one transaction; a batch from here is one such call.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from gql_service.domain.values.validation import WriteSettings
from gql_service.domain.writes.idempotency import WriteResult
from gql_service.domain.writes.unit_of_work import Write, write_all
from gql_service.store.connection import Connection
from gql_service.store.database import Database

_MAX_BATCH = 100
"""Writes per transaction. A transaction holds its locks, for which others wait, until it commits."""


class _PendingWrite(NamedTuple):
    """A write, and the future that its caller awaits."""

    write: Write
    future: asyncio.Future[WriteResult]


class BatchWriter:
    """Writes the documents of one process."""

    def __init__(self, database: Database, write_settings: WriteSettings, clock: Callable[[], int]) -> None:
        self._database = database
        self._write_settings = write_settings
        self._clock = clock
        self._pending: deque[_PendingWrite] = deque()
        self._task: asyncio.Task[None] | None = None

    async def write(self, write: Write) -> WriteResult:
        """Write a document. Raises Rejected or Unavailable if nothing was written."""
        pending = _PendingWrite(write, asyncio.get_running_loop().create_future())
        self._pending.append(pending)
        if self._task is None:
            self._task = asyncio.create_task(self._write_all_pending())
        return await pending.future

    async def _write_all_pending(self) -> None:
        try:
            while self._pending:
                batch = [self._pending.popleft() for _ in range(min(len(self._pending), _MAX_BATCH))]
                await self._write_batch([each for each in batch if not each.future.done()])
        finally:
            self._task = None

    async def _write_batch(self, batch: list[_PendingWrite]) -> None:
        async def transaction(connection: Connection) -> list[WriteResult | Exception]:
            writes = [each.write for each in batch]
            return await write_all(connection, writes, write_settings=self._write_settings, now=self._clock())

        try:
            results = await self._database.write(transaction)
        except Exception as error:
            results = [error] * len(batch)
        for pending, result in zip(batch, results, strict=True):
            if pending.future.done():  # the caller was cancelled
                continue
            if isinstance(result, Exception):
                pending.future.set_exception(result)
            else:
                pending.future.set_result(result)
