"""A lock between processes: a file that one of them has locked."""

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class FileLock:
    """Keeps writing processes from polling SQLite's own lock, which makes the slowest write far slower, and
    closes the WAL-reset window of SQLite before 3.51.3. The kernel releases the lock of a process that dies.
    """

    def __init__(self, path: str, patience: float) -> None:
        self._path = path
        self._patience = patience
        self._file: int | None = None

    @asynccontextmanager
    async def hold(self) -> AsyncIterator[None]:
        """Poll, as a blocking wait could not be cancelled. Raises TimeoutError after `patience` seconds."""
        if self._file is None:
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        async with asyncio.timeout(self._patience):
            pause = 0.0002
            while not self._try():
                await asyncio.sleep(pause)
                pause = min(pause * 1.5, 0.005)
        try:
            yield
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    def _try(self) -> bool:
        assert self._file is not None, "it was just opened"
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
