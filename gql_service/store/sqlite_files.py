"""Whether a SQLite database still consists of the files that the connections have open.

Connections go on with files that were deleted or replaced. What they write then is lost with them.
"""

import os
from collections.abc import Iterable

from gql_service.errors import Unavailable

_SUFFIXES = ("", "-wal", "-shm")
"""Another process would create a missing `-shm` anew, and then not see the locks in ours."""


class FilesReplaced(Unavailable):
    """A file of the database was deleted or replaced under the running server."""

    def __init__(self) -> None:
        super().__init__("The database file was deleted or replaced. The operators must restore it.")


class OpenFiles:
    """The files of one database, by device and inode. A database in memory has none."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._all: list[tuple[str, int, int]] = []
        self._written: list[tuple[str, int, int]] = []

    def remember(self) -> None:
        """To be called once the first connection has all files open. Raises FilesReplaced."""
        if self._path in ("", ":memory:"):
            return
        try:
            found = [(self._path + suffix, os.stat(self._path + suffix)) for suffix in _SUFFIXES]
        except OSError as error:
            raise FilesReplaced from error
        self._all = [(name, status.st_dev, status.st_ino) for name, status in found]
        self._written = self._all[:2]

    def check_written(self) -> None:
        """Check the files that hold what was committed. Raises FilesReplaced."""
        _check(self._written)

    def check(self) -> None:
        """Check all files. Raises FilesReplaced."""
        _check(self._all)


def _check(files: Iterable[tuple[str, int, int]]) -> None:
    try:
        for name, device, inode in files:
            status = os.stat(name)
            if status.st_ino != inode or status.st_dev != device:
                raise FilesReplaced
    except OSError as error:
        raise FilesReplaced from error
