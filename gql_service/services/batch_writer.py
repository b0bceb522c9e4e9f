"""Writing documents: what is asked for while a transaction commits shares the next one.

A commit waits for the disk, so one for sixty writes takes hardly longer than one for one.
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
"""Writes of one transaction: while it holds its locks, others wait."""


class _PendingWrite(NamedTuple):
    """A write that somebody waits for."""

    write: Write
    answer: asyncio.Future[WriteResult]


class BatchWriter:
    """The writes of one process."""

    def __init__(self, database: Database, rules: WriteSettings, clock: Callable[[], int]) -> None:
        self._database = database
        self._rules = rules
        self._clock = clock
        self._asked: deque[_PendingWrite] = deque()
        self._writing: asyncio.Task[None] | None = None

    async def write(self, write: Write) -> WriteResult:
        """Write a document. Raises Rejected, or Unavailable; then nothing is written."""
        asked = _PendingWrite(write, asyncio.get_running_loop().create_future())
        self._asked.append(asked)
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_until_done())
        return await asked.answer

    async def _write_until_done(self) -> None:
        try:
            while self._asked:
                batch = [self._asked.popleft() for _ in range(min(len(self._asked), _MAX_BATCH))]
                await self._write_together([asked for asked in batch if not asked.answer.done()])
        finally:
            self._writing = None

    async def _write_together(self, batch: list[_PendingWrite]) -> None:
        async def transaction(connection: Connection) -> list[WriteResult | Exception]:
            writes = [asked.write for asked in batch]
            return await write_all(connection, writes, write_settings=self._rules, now=self._clock())

        try:
            results = await self._database.write(transaction)
        except Exception as error:
            results = [error] * len(batch)
        for (_, answer), result in zip(batch, results, strict=True):
            if answer.done():  # the caller has given up
                continue
            if isinstance(result, Exception):
                answer.set_exception(result)
            else:
                answer.set_result(result)
