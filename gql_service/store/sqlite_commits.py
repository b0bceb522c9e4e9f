"""Learning of the commits of other processes to a SQLite file."""

import sqlite3
from collections.abc import Callable

from gql_service.store.commits import SQLITE_DATA_VERSION
from gql_service.store.sqlite_connection import connect

_INTERVAL = 0.01


class SqliteCommits:
    """See `store.commits.CommitWatch`.

    `PRAGMA data_version` changes with each commit of another connection, and takes some microseconds.
    """

    interval = _INTERVAL

    def __init__(self, path: str) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._version: int | None = None

    def start(self, on_news: Callable[[], None]) -> None:
        """The commits of this process are told by `Database.on_events`, before they are seen here."""

    def has_news(self) -> bool:
        former = self._version
        try:
            if self._connection is None:
                self._connection = connect(self._path)
            (self._version,) = self._connection.execute(SQLITE_DATA_VERSION).fetchone()
        except sqlite3.Error:  # requests report what is wrong with the file
            self._close()
            return True
        return self._version != former

    async def stop(self) -> None:
        self._close()

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection, self._version = None, None
