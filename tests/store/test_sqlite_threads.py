"""SQLite and threads: the event loop and a thread never share a connection, and every thread ends."""

import asyncio
import gc
import sqlite3
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import pytest
from sqlalchemy import bindparam, insert, literal, select, text

from gql_service.errors import Unavailable
from gql_service.settings import Settings
from gql_service.store import migrations, tables
from gql_service.store.connection import Connection
from gql_service.store.database import Database, open_database
from gql_service.store.statement import Statement
from tests.support.http_clients import PATIENCE
from tests.support.service import serving
from tests.support.world import World

T = TypeVar("T")

_ADD = Statement(insert(tables.tenants))
_IDS = Statement(select(tables.tenants.c.id))
_KEYED = Statement(select(literal(1)))
_SCAN = Statement(select(tables.tenants.c.id), scans=True)
_ECHO = Statement(select(literal("echo") + bindparam("value")), scans=True)
_DATA_VERSION = Statement(text("PRAGMA data_version"))
"""Changes when another connection has committed, which makes this one read all pages again."""
_LONG = (
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000000) SELECT max(i) FROM n"
)
_LONG_SCAN = Statement(text(_LONG), scans=True)
"""Takes about ten seconds."""


class Watched(sqlite3.Connection):
    """A connection that reports when two threads use it at the same time. Its commits are slow."""

    opened: ClassVar[list["Watched"]]
    overlaps: ClassVar[list[str]]
    started: ClassVar[list[tuple[int, str]]]
    """The thread and the SQL of every statement; commits are `COMMIT`."""
    errors: ClassVar[list[str]]
    commit_time: ClassVar[float] = 0.02

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._users: list[tuple[int, str]] = []
        self.is_closed = False
        super().__init__(*arguments, **options)
        Watched.opened.append(self)

    @contextmanager
    def used(self, what: str) -> Iterator[None]:
        user = threading.get_ident(), what
        Watched.overlaps += [f"{what} during {other}" for thread, other in self._users if thread != user[0]]
        self._users.append(user)
        try:
            yield
        except sqlite3.OperationalError as error:
            Watched.errors.append(str(error))
            raise
        finally:
            self._users.remove(user)

    def cursor(self, factory: Any = None) -> Any:
        return super().cursor(WatchedCursor)

    def execute(self, sql: str, *parameters: Any) -> sqlite3.Cursor:
        Watched.started.append((threading.get_ident(), sql))
        with self.used(sql):
            return super().execute(sql, *parameters)

    def commit(self) -> None:
        Watched.started.append((threading.get_ident(), "COMMIT"))
        with self.used("COMMIT"):
            time.sleep(Watched.commit_time)
            super().commit()

    def close(self) -> None:
        with self.used("close"):
            super().close()
        self.is_closed = True


class WatchedCursor(sqlite3.Cursor):
    def fetchall(self) -> list[Any]:
        assert isinstance(self.connection, Watched)
        with self.connection.used("fetch"):
            return super().fetchall()


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> type[Watched]:
    """Every SQLite connection that is opened is watched."""
    Watched.opened, Watched.overlaps, Watched.started, Watched.errors = [], [], [], []
    monkeypatch.setattr(sqlite3, "connect", partial(sqlite3.connect, factory=Watched))
    return Watched


def with_database(folder: Path, work: Callable[[Database], Awaitable[T]], **settings: Any) -> T:
    """Run `work` on a migrated SQLite database."""

    async def run() -> T:
        configured = Settings(database_url=f"sqlite:///{folder / 'test.sqlite3'}", **settings)
        await migrations.upgrade(configured)
        database = open_database(configured)
        try:
            return await work(database)
        finally:
            await database.close()

    return asyncio.run(run())


async def fetch(database: Database, statement: Statement, **parameters: Any) -> list[Any]:
    async with database.read() as connection:
        return [row[0] for row in await connection.fetch(statement, **parameters)]


async def add(database: Database, id: str) -> None:
    async def write(transaction: Connection) -> None:
        await transaction.execute(_ADD, id=id, name=id, created_at=0)
        await asyncio.sleep(0)
        assert (id,) in await transaction.fetch(_IDS)

    await database.write(write)


def started(watched: type[Watched], sql: str) -> bool:
    return any(each == sql for _, each in watched.started)


async def until_started(watched: type[Watched], sql: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not started(watched, sql):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.001)


async def loop_thread() -> int:
    return threading.get_ident()


def new_threads(before: set[threading.Thread]) -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread not in before}


def test_no_connection_is_used_by_two_threads_at_once(watched: type[Watched], tmp_path: Path) -> None:
    async def mix(database: Database) -> None:
        async def keep_adding(writer: int) -> None:
            for number in range(10):
                await add(database, f"{writer}.{number}")

        async def keep_reading(statement: Statement) -> int:
            reads = 0
            while not writing.done():
                await fetch(database, statement)
                reads += 1
                await asyncio.sleep(0)
            return reads

        writing = asyncio.gather(*(keep_adding(writer) for writer in range(4)))
        reads = await asyncio.gather(*(keep_reading(each) for each in (_IDS, _IDS, _SCAN, _SCAN)))
        await writing
        assert min(reads) >= 10, "readers wait for no commit"
        assert len(await fetch(database, _IDS)) == 40

    with_database(tmp_path, mix)
    assert watched.overlaps == []
    loop, commits = threading.get_ident(), [thread for thread, sql in watched.started if sql == "COMMIT"]
    assert len(commits) >= 10
    assert loop not in commits, "a slow disk is left to a thread"


def test_a_quick_disk_is_noticed_however_long_the_way_to_the_thread_takes(
    watched: type[Watched], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def add_some(database: Database) -> list[int]:
        async def keep_busy() -> None:
            while True:
                time.sleep(0.003)  # noqa: ASYNC251 - the loop is to be busy
                await asyncio.sleep(0)

        busy = asyncio.create_task(keep_busy())
        await add(database, "slow")
        monkeypatch.setattr(watched, "commit_time", 0)
        number, deadline = 0, time.monotonic() + PATIENCE
        while commits()[-1] != loop and time.monotonic() < deadline:  # other programs use the disk, too
            await add(database, f"quick.{number}")
            number += 1
        busy.cancel()
        return commits()

    def commits() -> list[int]:
        return [thread for thread, sql in watched.started if sql == "COMMIT"]

    loop = threading.get_ident()
    seen = with_database(tmp_path, add_some)
    assert seen[0] != loop, "nothing is known of the disk yet"
    assert seen[1] != loop, "the first one was slow"
    assert seen[-1] == loop


def test_reads_see_nothing_that_is_not_committed(
    watched: type[Watched], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def look(database: Database) -> dict[str, list[Any]]:
        seen = {}

        async def fail(transaction: Connection) -> None:
            await transaction.execute(_ADD, id="failed", name="failed", created_at=0)
            seen["in a transaction"] = await fetch(database, _IDS)
            raise Unavailable("It was to fail.")

        await add(database, "first")
        with pytest.raises(Unavailable):
            await database.write(fail)
        seen["after a failure"] = await fetch(database, _IDS)
        watched.started.clear()
        write = asyncio.create_task(add(database, "second"))
        await until_started(watched, "COMMIT")
        seen["while it commits"] = await fetch(database, _IDS)
        assert not write.done()
        await write
        seen["afterwards"] = await fetch(database, _IDS)
        return seen

    monkeypatch.setattr(watched, "commit_time", 0.2)
    assert with_database(tmp_path, look) == {
        "in a transaction": ["first"],
        "after a failure": ["first"],
        "while it commits": ["first"],
        "afterwards": ["first", "second"],
    }
    assert watched.overlaps == []


def test_reads_keep_their_cache_when_the_same_process_writes(tmp_path: Path) -> None:
    async def write_and_read(database: Database) -> list[Any]:
        versions = []
        for number in range(3):
            await add(database, str(number))
            versions += await fetch(database, _DATA_VERSION)
        return versions

    assert len(set(with_database(tmp_path, write_and_read))) == 1


def test_a_cancelled_commit_ends_before_its_connection_is_used_again(
    watched: type[Watched], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An event loop that shuts down cancels all its tasks, the one that commits among them."""

    async def cancel_all(database: Database) -> list[Any]:
        await fetch(database, _IDS)
        watched.started.clear()
        write = asyncio.create_task(add(database, "first"))
        await until_started(watched, "COMMIT")
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for _ in range(3):
            for task in tasks:
                task.cancel()
            await asyncio.sleep(0.001)
        await asyncio.gather(*tasks, return_exceptions=True)
        assert write.cancelled()
        await add(database, "second")
        return sorted(await fetch(database, _IDS))

    monkeypatch.setattr(watched, "commit_time", 0.2)
    assert with_database(tmp_path, cancel_all) == ["first", "second"]
    assert watched.overlaps == []


def test_a_cancelled_scan_is_interrupted_and_the_next_one_runs(
    watched: type[Watched], tmp_path: Path
) -> None:
    async def cancel(database: Database) -> list[Any]:
        scan = asyncio.create_task(fetch(database, _LONG_SCAN))
        await until_started(watched, _LONG)
        following = asyncio.create_task(fetch(database, _ECHO, value="1"))
        scan.cancel()
        with pytest.raises(asyncio.CancelledError):
            await scan
        assert watched.errors == ["interrupted"]
        return [*await following, *await fetch(database, _ECHO, value="2")]

    assert with_database(tmp_path, cancel) == ["echo1", "echo2"]
    assert watched.overlaps == []


def test_a_scan_that_is_cancelled_before_its_turn_never_runs(watched: type[Watched], tmp_path: Path) -> None:
    async def cancel(database: Database) -> None:
        running = asyncio.create_task(fetch(database, _LONG_SCAN))
        await until_started(watched, _LONG)
        waiting = asyncio.create_task(fetch(database, _ECHO, value=""))
        await asyncio.sleep(0.01)
        for task in (waiting, running):
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        await fetch(database, _SCAN)

    with_database(tmp_path, cancel)
    assert not started(watched, _ECHO.for_sqlite.sql)


@pytest.mark.parametrize("use", ["nothing", "a keyed read", "a scan", "a write"])
def test_closing_closes_every_connection_that_was_opened(
    watched: type[Watched], tmp_path: Path, use: str
) -> None:
    async def do(database: Database) -> None:
        if use == "a write":
            await add(database, "t")
        elif use != "nothing":
            await fetch(database, _KEYED if use == "a keyed read" else _SCAN)

    before = set(threading.enumerate())
    with_database(tmp_path, do)
    assert all(connection.is_closed for connection in watched.opened)
    for thread in new_threads(before):
        thread.join(PATIENCE)
    assert new_threads(before) == set()


def test_a_closed_database_opens_no_connection(watched: type[Watched], tmp_path: Path) -> None:
    async def close(database: Database) -> None:
        await fetch(database, _SCAN)
        await database.close()
        for statement in (_IDS, _SCAN):
            with pytest.raises(Unavailable):
                await fetch(database, statement)
        with pytest.raises(Unavailable):
            await add(database, "t")

    with_database(tmp_path, close)
    assert all(connection.is_closed for connection in watched.opened)


def test_the_service_ends_its_threads_and_closes_its_connections(
    watched: type[Watched], tmp_path: Path
) -> None:
    before = set(threading.enumerate())
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with serving(f"sqlite:///{tmp_path / 'test.sqlite3'}") as service:
            world = World(service)

            def write_and_scan(number: int) -> None:
                body = {"metadata": {f"key{number}": number}}
                assert world.member.rest("PATCH", world.platform_key, body).status_code == 200
                count = "query($key: String!) { platform(key: $key) { users(first: 1) { totalCount } } }"
                assert world.admin.ask(count, key=world.platform_key)["platform"]["users"]["totalCount"] > 0

            with ThreadPoolExecutor(8) as clients:
                list(clients.map(write_and_scan, range(16)))
            commits = {thread for thread, sql in watched.started if sql == "COMMIT"}
            assert commits - {service.run(loop_thread)}
        for thread in new_threads(before):
            thread.join(PATIENCE)
        assert new_threads(before) == set()
        assert all(connection.is_closed for connection in watched.opened)
        gc.collect()
    assert [str(each.message) for each in caught if issubclass(each.category, ResourceWarning)] == []


_USE = """
import asyncio, os, sys
from gql_service.observability import logging
from gql_service.settings import Settings
from gql_service.store import migrations
from gql_service.store.database import open_database
from gql_service.store.statement import Statement
from sqlalchemy import bindparam, select, literal

scan = Statement(select(literal("scanned ") + bindparam("value")), scans=True)

async def use(transaction):
    pass

async def main():
    logging.configure("debug")
    database = open_database(Settings(database_url=f"sqlite:///{sys.argv[1]}"))
    await database.write(use)
    async with database.read() as connection:
        print((await connection.fetch(scan, value="needle"))[0][0])
    if sys.argv[2] == "close":
        await database.close()
    else:
        globals()["kept"] = database

asyncio.run(main())
"""


def used_by_a_process(path: Path, then: str) -> subprocess.CompletedProcess[str]:
    """A process that commits and scans in threads, logs everything, and then closes the database or not."""
    command = [sys.executable, "-c", _USE, str(path), then]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)


def test_a_process_that_ends_without_closing_waits_for_no_thread(tmp_path: Path) -> None:
    """Like a server that receives two signals to stop."""
    done = used_by_a_process(tmp_path / "test.sqlite3", "end")
    assert (done.returncode, done.stdout) == (0, "scanned needle\n")


def test_values_of_statements_are_not_logged_at_any_level(tmp_path: Path) -> None:
    done = used_by_a_process(tmp_path / "test.sqlite3", "close")
    assert (done.returncode, done.stdout) == (0, "scanned needle\n")
    assert "needle" not in done.stderr
