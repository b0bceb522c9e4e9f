"""SQLite: its pragmas, `BEGIN IMMEDIATE`, and one writer at a time across all worker processes."""

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from gql_service.settings import Settings


def file_of(url: str) -> Path:
    """The database file a URL names."""
    return Path(make_url(url).database or "")


def create_engines(settings: Settings) -> tuple[AsyncEngine, AsyncEngine]:
    """The readers and the writer. Readers never open a transaction: one that later had to write would
    fail at once, whatever the busy timeout says."""
    readers = create_async_engine(
        settings.database_url,
        isolation_level="AUTOCOMMIT",
        pool_size=settings.database_pool_size,
        max_overflow=0,
        pool_timeout=settings.database_timeout,
    )
    writer = create_async_engine(
        settings.database_url, pool_size=1, max_overflow=0, pool_timeout=settings.database_timeout
    )
    for engine in (readers, writer):
        event.listen(engine.sync_engine, "connect", _configure(settings.database_timeout))
    event.listen(writer.sync_engine, "begin", _begin_immediate)
    return readers, writer


def _configure(timeout: float) -> Any:
    def configure(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver must not begin transactions of its own
        cursor = connection.cursor()
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            f"busy_timeout={int(timeout * 1000)}",
            "foreign_keys=ON",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    return configure


def _begin_immediate(connection: Any) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


class WriterLock:
    """Held by the one task of one process that writes.

    SQLite lets waiting writers poll; queueing them, first in the process and then on a file lock between
    processes, keeps the slowest write short and closes the WAL-reset window of SQLite before 3.51.3.
    The kernel releases the file lock of a process that dies.
    """

    def __init__(self, database: Path, timeout: float) -> None:
        self._path = Path(f"{database}.lock")
        self._timeout = timeout
        self._mutex = asyncio.Lock()
        self._file: int | None = None

    @asynccontextmanager
    async def hold(self) -> AsyncIterator[None]:
        """Raises TimeoutError when the lock cannot be had in time."""
        async with asyncio.timeout(self._timeout):
            await self._mutex.acquire()
        try:
            await self._lock_file()
            try:
                yield
            finally:
                fcntl.flock(self._descriptor(), fcntl.LOCK_UN)
        finally:
            self._mutex.release()

    def _descriptor(self) -> int:
        if self._file is None:
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        return self._file

    async def _lock_file(self) -> None:
        """Poll, because a blocking wait could be neither timed out nor cancelled."""
        deadline = asyncio.get_running_loop().time() + self._timeout
        pause = 0.0002
        while True:
            try:
                fcntl.flock(self._descriptor(), fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                if asyncio.get_running_loop().time() > deadline:
                    raise TimeoutError from None
                await asyncio.sleep(pause)
                pause = min(pause * 1.5, 0.005)


def is_retryable(error: DBAPIError) -> bool:
    """Never: a transaction that began immediately meets no conflict."""
    return False


def is_busy(error: DBAPIError) -> bool:
    """Whether another process kept the file locked for longer than the busy timeout."""
    return getattr(error.orig, "sqlite_errorname", "").startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))
