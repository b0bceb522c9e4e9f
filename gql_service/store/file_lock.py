"""A lock between processes: a file that one process at a time has locked."""

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class FileLock:
    """An exclusive `flock` on a file of its own. The kernel releases it when its process dies.

    With it, writing processes do not poll SQLite's own lock, which makes the slowest write far slower. It
    also avoids the WAL-reset bug of SQLite before 3.51.3, which needs two writers at once.
    """

    def __init__(self, path: str, timeout: float) -> None:
        """`timeout` is in seconds. The file is created at the first use."""
        self._path = path
        self._timeout = timeout
        self._file: int | None = None

    @asynccontextmanager
    async def hold(self) -> AsyncIterator[None]:
        """Hold the lock. Polls, because a blocking wait cannot be cancelled. Raises TimeoutError."""
        async with asyncio.timeout(self._timeout):
            interval = 0.0002
            while not _try_lock(file := self._open()):
                await asyncio.sleep(interval)
                interval = min(interval * 1.5, 0.005)
        try:
            yield
        finally:
            fcntl.flock(file, fcntl.LOCK_UN)

    def _open(self) -> int:
        """The file. After it was deleted, another process would lock a new one: so does this one."""
        if self._file is not None and os.fstat(self._file).st_nlink == 0:
            self.close()
        if self._file is None:
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        return self._file

    def close(self) -> None:
        """Close the file, which nobody may hold locked."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


def _try_lock(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
