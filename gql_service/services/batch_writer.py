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

from gql_service.domain.values.validation import Rules
from gql_service.domain.writes.idempotency import Answer
from gql_service.domain.writes.unit_of_work import Write, write_all
from gql_service.store.connection import Connection
from gql_service.store.database import Database

_MAX_BATCH = 100
"""Writes of one transaction: while it holds its locks, others wait."""


class _Asked(NamedTuple):
    """A write that somebody waits for."""

    write: Write
    answer: asyncio.Future[Answer]


class Writer:
    """The writes of one process."""

    def __init__(self, database: Database, rules: Rules, clock: Callable[[], int]) -> None:
        self._database = database
        self._rules = rules
        self._clock = clock
        self._asked: deque[_Asked] = deque()
        self._writing: asyncio.Task[None] | None = None

    async def write(self, write: Write) -> Answer:
        """Write a document. Raises Rejected, or Unavailable; then nothing is written."""
        asked = _Asked(write, asyncio.get_running_loop().create_future())
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

    async def _write_together(self, batch: list[_Asked]) -> None:
        async def transaction(connection: Connection) -> list[Answer | Exception]:
            writes = [asked.write for asked in batch]
            return await write_all(connection, writes, rules=self._rules, now=self._clock())

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
