"""The databases: SQLite files, or a PostgreSQL server started here. Data is loaded once; each server gets a
copy."""

import asyncio
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Protocol

import asyncpg

from bench.data import Dataset, load
from tests.support import postgres


class Backend(Protocol):
    """Creates databases. URLs are `sqlite:///…` or `postgresql://…`."""

    name: str
    version: str

    def loaded(self, users: int, *, conditional: bool = False) -> tuple[str, Dataset]:
        """The URL of a new database with this many users, ready to be copied: see `data.load`."""

    def copy(self, url: str) -> str:
        """The URL of a new copy of a database. The database must have no connections."""

    def execute(self, url: str, statement: str) -> None:
        """Run a statement of SQL."""

    def rows(self, url: str, query: str) -> list[str]:
        """The rows of a query; `|` separates the columns."""


class Sqlite:
    """Each database is a file in one folder."""

    name = "sqlite"
    version = sqlite3.sqlite_version

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = 0

    def loaded(self, users: int, *, conditional: bool = False) -> tuple[str, Dataset]:
        url = self._new()
        dataset = asyncio.run(load(url, users, conditional=conditional))
        with closing(sqlite3.connect(_file(url))) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return url, dataset

    def copy(self, url: str) -> str:
        copy = self._new()
        shutil.copyfile(_file(url), _file(copy))
        return copy

    def execute(self, url: str, statement: str) -> None:
        with closing(sqlite3.connect(_file(url))) as connection, connection:
            connection.execute(statement)

    def rows(self, url: str, query: str) -> list[str]:
        with closing(sqlite3.connect(_file(url))) as connection:
            found = connection.execute(query).fetchall()
        return ["|".join("" if each is None else str(each) for each in row) for row in found]

    def _new(self) -> str:
        self._count += 1
        return f"sqlite:///{self._folder / f'bench-{self._count}.sqlite3'}"


def _file(url: str) -> str:
    return url.removeprefix("sqlite:///")


class Postgres:
    """Each database is one of the same server."""

    name = "postgres"

    def __init__(self, server: postgres.Postgres) -> None:
        self._server = server
        self._count = 0
        self.version = asyncio.run(_server_version(server.port))

    def loaded(self, users: int, *, conditional: bool = False) -> tuple[str, Dataset]:
        url = self._new()
        dataset = asyncio.run(load(url, users, conditional=conditional))
        self._psql("VACUUM ANALYZE", url.rpartition("/")[2])
        return url, dataset

    def copy(self, url: str) -> str:
        return self._new(f" TEMPLATE {url.rpartition('/')[2]}")

    def execute(self, url: str, statement: str) -> None:
        self._psql(statement, url.rpartition("/")[2])

    def rows(self, url: str, query: str) -> list[str]:
        return self._server.sql(url, query).splitlines()

    def _new(self, origin: str = "") -> str:
        self._count += 1
        self._psql(f"CREATE DATABASE bench_{self._count}{origin}")
        return f"postgresql://tester@127.0.0.1:{self._server.port}/bench_{self._count}"

    def _psql(self, statement: str, database: str = "postgres") -> None:
        connection_options = ("-h", str(self._server.folder), "-p", str(self._server.port), "-U", "tester")
        self._server.run("psql", *connection_options, "-d", database, "-qc", statement)


async def _server_version(port: int) -> str:
    connection = await asyncpg.connect(host="127.0.0.1", port=port, user="tester", database="postgres")
    try:
        return str(await connection.fetchval("SHOW server_version"))
    finally:
        await connection.close()


@contextmanager
def running(name: str, folder: Path) -> Iterator[Backend]:
    """A backend by its name, deleted at the end."""
    if name == "sqlite":
        yield Sqlite(folder)
        return
    with postgres.running() as server:
        yield Postgres(server)
