"""The database: migrations create the tables, SQLite is durable, and writes are retried and rolled back."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import bindparam, func, insert, select
from sqlalchemy.ext.asyncio import create_async_engine

from gql_service.errors import Unavailable
from gql_service.observability.security_log import EventKind, SecurityEvent
from gql_service.settings import Settings
from gql_service.store import migrations, tables
from gql_service.store.connection import Connection, LostRace
from gql_service.store.database import Database, open_database
from gql_service.store.sqlite_connection import InlineConnection, connect
from gql_service.store.statement import Statement
from tests.support.http_clients import PATIENCE

T = TypeVar("T")


_ADD_TENANT = Statement(insert(tables.tenants))
_USER_COLUMNS = (
    "id tenant_id username email profile_fields permissions is_platform_owner revision created_at updated_at"
)
_ADD_USER = Statement(insert(tables.users).values({name: bindparam(name) for name in _USER_COLUMNS.split()}))
_TENANTS = Statement(select(tables.tenants.c.id))
_PROFILES = Statement(select(tables.users.c.profile_fields))


def with_database(url: str, work: Callable[[Database], Awaitable[T]], **settings: Any) -> T:
    """Run `work` on a migrated database."""

    async def run() -> T:
        configured = Settings(database_url=url, **settings)
        database = open_database(configured)
        try:
            await migrations.upgrade(configured)
            return await work(database)
        finally:
            await database.close()

    return asyncio.run(run())


async def add_tenant(transaction: Connection, id: str) -> None:
    await transaction.execute(_ADD_TENANT, id=id, name=id, created_at=0)


async def tenants(database: Database) -> list[str]:
    async with database.read() as connection:
        return [row[0] for row in await connection.fetch(_TENANTS)]


def _is_for(dialect: str) -> Any:
    """Tells what a database has: one index is on PostgreSQL only."""
    return lambda _object, name, *_: dialect == "postgresql" or name != "ix_events_all_positions"


def test_migrations_create_exactly_the_tables(fresh_database_url: str) -> None:
    async def differences() -> Any:
        await migrations.upgrade(Settings(database_url=fresh_database_url))
        engine = create_async_engine(Settings(database_url=fresh_database_url).database_url)
        async with engine.connect() as connection:
            found = await connection.run_sync(
                lambda sync: compare_metadata(
                    MigrationContext.configure(
                        sync, opts={"compare_type": True, "include_object": _is_for(sync.dialect.name)}
                    ),
                    tables.metadata,
                )
            )
        await engine.dispose()
        return found

    assert asyncio.run(differences()) == []


def test_repeated_and_concurrent_migrations_succeed(fresh_database_url: str) -> None:
    settings = Settings(database_url=fresh_database_url)

    async def again() -> migrations.State:
        await asyncio.gather(*(migrations.upgrade(settings) for _ in range(3)))
        return await migrations.state(settings)

    assert asyncio.run(again()) is migrations.State.CURRENT


def test_sqlite_is_configured_for_durability(tmp_path: Path) -> None:
    with closing(connect(str(tmp_path / "test.sqlite3"))) as connection:
        pragmas = ("journal_mode", "synchronous", "foreign_keys")
        found = [connection.execute(f"PRAGMA {pragma}").fetchone()[0] for pragma in pragmas]
    assert found == ["wal", 2, 1]


def test_json_text_is_read_back_byte_by_byte(fresh_database_url: str) -> None:
    stored = '{"b": 1.0,"a":[1e3, "\\u00e9"], "a":2}'

    async def round_trip(database: Database) -> str:
        async def write(transaction: Connection) -> None:
            await add_tenant(transaction, "t")
            user = {"id": "u", "tenant_id": "t", "username": "u", "email": "e", "profile_fields": stored}
            more = {"permissions": "[]", "is_platform_owner": False, "revision": 1}
            await transaction.execute(_ADD_USER, **user, **more, created_at=0, updated_at=0)

        await database.write(write)
        async with database.read() as connection:
            return str((await connection.fetch(_PROFILES))[0][0])

    assert with_database(fresh_database_url, round_trip) == stored


def test_a_failed_write_is_rolled_back(fresh_database_url: str) -> None:
    async def fail(database: Database) -> list[str]:
        async def write(transaction: Connection) -> None:
            await add_tenant(transaction, "half")
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await database.write(write)
        return await tenants(database)

    assert with_database(fresh_database_url, fail) == []


def test_a_cancelled_write_is_rolled_back_and_blocks_no_other(fresh_database_url: str) -> None:
    async def cancel(database: Database) -> list[str]:
        begun, go_on = asyncio.Event(), asyncio.Event()

        async def write(transaction: Connection) -> None:
            await add_tenant(transaction, "cancelled")
            begun.set()
            await go_on.wait()

        task = asyncio.create_task(database.write(write))
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        go_on.set()
        await database.write(lambda transaction: add_tenant(transaction, "next"))
        return await tenants(database)

    assert with_database(fresh_database_url, cancel) == ["next"]


def test_writes_that_share_a_commit_fail_independently(fresh_database_url: str) -> None:
    async def share_commit(database: Database) -> tuple[list[bool], list[str]]:
        async def one(number: int) -> None:
            async def write(transaction: Connection) -> None:
                await add_tenant(transaction, f"{number:02}")
                if number % 3 == 0:
                    raise ZeroDivisionError

            await database.write(write)

        results = await asyncio.gather(*(one(number) for number in range(30)), return_exceptions=True)
        return [isinstance(each, ZeroDivisionError) for each in results], sorted(await tenants(database))

    failed, stored = with_database(fresh_database_url, share_commit)
    assert failed == [number % 3 == 0 for number in range(30)]
    assert stored == [f"{number:02}" for number in range(30) if number % 3]


def test_the_state_of_the_tables_is_read_while_somebody_writes(tmp_path: Path) -> None:
    """Every command reads it first, also while an import holds the lock for writing."""
    file = tmp_path / "test.sqlite3"
    settings = Settings(database_url=f"sqlite+aiosqlite:///{file}")
    asyncio.run(migrations.upgrade(settings))
    with closing(connect(str(file))) as writer:
        writer.execute("BEGIN IMMEDIATE")
        assert asyncio.run(migrations.state(settings)) is migrations.State.CURRENT


def note(transaction: Connection, target: str) -> None:
    transaction.security_events.append(SecurityEvent(EventKind.TENANT_CREATED, target))


def test_security_events_are_those_of_the_attempt_that_was_committed(fresh_database_url: str) -> None:
    async def lose(database: Database) -> list[str | None]:
        attempts: list[int] = []
        logged: list[str | None] = []

        async def write(transaction: Connection) -> None:
            attempts.append(1)
            note(transaction, f"attempt{len(attempts)}")
            if len(attempts) < 3:
                raise LostRace

        async def fail(transaction: Connection) -> None:
            note(transaction, "failed")
            raise ZeroDivisionError

        await database.write(write, lambda events: logged.extend(each.target for each in events))
        with pytest.raises(ZeroDivisionError):
            await database.write(fail, lambda events: logged.extend(each.target for each in events))
        return logged

    assert with_database(fresh_database_url, lose) == ["attempt3"]


def test_a_failing_log_fails_no_write_that_shares_the_commit(tmp_path: Path) -> None:
    async def share_commit(database: Database) -> list[str]:
        def fail(_events: object) -> None:
            raise ZeroDivisionError

        async def one(id: str) -> str:
            async def write(transaction: Connection) -> str:
                note(transaction, id)
                await add_tenant(transaction, id)
                return id

            return await database.write(write, fail)

        assert await asyncio.gather(*map(one, "abc")) == ["a", "b", "c"]
        return sorted(await tenants(database))

    assert with_database(f"sqlite+aiosqlite:///{tmp_path / 'test.sqlite3'}", share_commit) == ["a", "b", "c"]


def test_there_are_no_security_events_if_the_commit_fails(tmp_path: Path) -> None:
    """SQLite checks a deferred foreign key when it commits."""

    async def fail(database: Database) -> list[SecurityEvent]:
        logged: list[SecurityEvent] = []

        async def write(transaction: Connection) -> None:
            assert isinstance(transaction, InlineConnection)
            transaction._raw.execute("PRAGMA defer_foreign_keys=ON")
            user = {"id": "u", "tenant_id": "none", "username": "u", "email": "e", "profile_fields": "{}"}
            more = {"permissions": "[]", "is_platform_owner": False, "revision": 1}
            await transaction.execute(_ADD_USER, **user, **more, created_at=0, updated_at=0)
            note(transaction, "u")

        with pytest.raises(sqlite3.IntegrityError):
            await database.write(write, logged.extend)
        return logged

    assert with_database(f"sqlite+aiosqlite:///{tmp_path / 'test.sqlite3'}", fail) == []


def test_a_write_that_lost_a_race_is_retried(fresh_database_url: str) -> None:
    async def lose(database: Database) -> list[str]:
        attempts = []

        async def write(transaction: Connection) -> None:
            attempts.append(1)
            await add_tenant(transaction, f"attempt{len(attempts)}")
            if len(attempts) < 3:
                raise LostRace

        await database.write(write)
        return await tenants(database)

    assert with_database(fresh_database_url, lose) == ["attempt3"]


def test_a_deadlock_is_retried(postgres_server: Any) -> None:
    async def deadlock(database: Database) -> int:
        attempts = 0
        both = asyncio.Barrier(2)

        def locking(first: int, second: int) -> Callable[[Connection], Awaitable[None]]:
            async def write(transaction: Connection) -> None:
                nonlocal attempts
                attempts += 1
                is_first = attempts <= 2
                await transaction.fetch(Statement(select(func.pg_advisory_xact_lock(first))))
                if is_first:
                    await both.wait()
                await transaction.fetch(Statement(select(func.pg_advisory_xact_lock(second))))

            return write

        await asyncio.gather(database.write(locking(1, 2)), database.write(locking(2, 1)))
        return attempts

    assert with_database(postgres_server.create_database(), deadlock) > 2


def test_a_database_that_stays_locked_is_unavailable(fresh_database_url: str) -> None:
    async def wait(database: Database) -> None:
        holding, done = asyncio.Event(), asyncio.Event()

        async def hold(transaction: Connection) -> None:
            await add_tenant(transaction, "t")
            holding.set()
            await done.wait()

        other = open_database(Settings(database_url=fresh_database_url, database_timeout=PATIENCE))
        holder = asyncio.create_task(other.write(hold))
        await holding.wait()
        with pytest.raises(Unavailable):
            await database.write(lambda transaction: add_tenant(transaction, "t"))
        done.set()
        await holder
        await other.close()

    with_database(fresh_database_url, wait, database_timeout=0.5)


def test_an_unreachable_database_is_unavailable() -> None:
    async def ask() -> None:
        database = open_database(Settings(database_url="postgresql://nobody@127.0.0.1:1/nothing"))
        with pytest.raises(Unavailable):
            async with database.read() as connection:
                await connection.fetch(_TENANTS)
        with pytest.raises(Unavailable):
            await database.write(lambda transaction: add_tenant(transaction, "t"))

    asyncio.run(ask())
