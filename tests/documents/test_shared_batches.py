"""Writes of several users share transactions, but neither their failures nor their waits for locks."""

import asyncio
import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import Any

import asyncpg
import httpx
import pytest

from tests.support.postgres import Postgres
from tests.support.service import Service, serving, wait_until
from tests.support.world import Caller, World

OTHERS = 30


def patch(caller: Caller, world: World, value: Any) -> httpx.Response:
    return caller.rest("PATCH", world.platform_key, {"metadata": {"k": value}})


def is_postgres(service: Service) -> bool:
    return service.settings.database_url.startswith("postgresql")


def run_sql(service: Service, *statements: str) -> None:
    """Run SQL from outside of the service."""
    if is_postgres(service):

        async def run() -> None:
            connection = await asyncpg.connect(dsn(service))
            for statement in statements:
                await connection.execute(statement)
            await connection.close()

        asyncio.run(run())
    else:
        with closing(sqlite3.connect(sqlite_path(service))) as connection, connection:
            for statement in statements:
                connection.execute(statement)


def dsn(service: Service) -> str:
    return service.settings.database_url.replace("+asyncpg", "")


def sqlite_path(service: Service) -> str:
    return service.settings.database_url.partition("///")[2]


@contextmanager
def holding(service: Service, *statements: str) -> Iterator[None]:
    """Another program has run these statements in a transaction, and neither commits nor goes on."""
    if not is_postgres(service):
        with closing(sqlite3.connect(sqlite_path(service))) as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield
            connection.rollback()
        return
    loop = asyncio.new_event_loop()

    async def begin() -> Any:
        connection = await asyncpg.connect(dsn(service))
        await connection.execute("; ".join(["BEGIN", *statements]))
        return connection

    connection = loop.run_until_complete(begin())
    try:
        yield
    finally:
        loop.run_until_complete(connection.close())
        loop.close()


def trigger(service: Service, caller: Caller, statement: str) -> list[str]:
    """The SQL that runs a statement before a document of this user is inserted."""
    condition = f"NEW.user_id = '{caller.id}'"
    if is_postgres(service):
        body = f"BEGIN IF {condition} THEN {statement}; END IF; RETURN NEW; END"
        return [
            f"CREATE FUNCTION run() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$",
            "CREATE TRIGGER run BEFORE INSERT ON documents FOR EACH ROW EXECUTE FUNCTION run()",
        ]
    return [f"CREATE TRIGGER run BEFORE INSERT ON documents WHEN {condition} BEGIN {statement}; END"]


def patch_together(world: World, callers: list[Caller]) -> list[httpx.Response]:
    """Send a patch for each caller while the service cannot write, so that they share a transaction."""
    with ThreadPoolExecutor(len(callers)) as pool:
        with holding(world.service, "LOCK TABLE document_changes IN EXCLUSIVE MODE"):
            patches = [pool.submit(patch, caller, world, 1) for caller in callers]
            time.sleep(0.3)
        return [each.result() for each in patches]


def stored(caller: Caller, world: World) -> Any:
    response = caller.rest("GET", world.platform_key)
    return response.json()["metadata"], response.headers["ETag"]


def test_the_write_of_a_user_who_was_erased_meanwhile_fails_alone(fresh_database_url: str) -> None:
    with serving(fresh_database_url) as service:
        world = World(service)
        others = [world.new_user() for _ in range(OTHERS)]
        erase = f"DELETE FROM users WHERE id = '{world.member.id}'"
        run_sql(service, *trigger(service, world.member, erase))
        *done, refused = patch_together(world, [*others, world.member])
        assert (refused.status_code, refused.json()) == (404, {"error": "User not found"})
        assert {each.status_code for each in done} == {200}
        assert [stored(other, world) for other in others] == [({"k": 1}, '"1"')] * OTHERS, "each once"


def test_a_write_that_fails_unexpectedly_fails_alone(fresh_database_url: str) -> None:
    with serving(fresh_database_url) as service:
        world = World(service)
        others = [world.new_user() for _ in range(OTHERS)]
        fail = "RAISE division_by_zero" if is_postgres(service) else "SELECT RAISE(ABORT, 'no')"
        run_sql(service, *trigger(service, world.member, fail))
        *done, failed = patch_together(world, [*others, world.member])
        assert failed.status_code == 500
        assert {each.status_code for each in done} == {200}
        assert [stored(other, world) for other in others] == [({"k": 1}, '"1"')] * OTHERS, "each once"


LOCKS = {
    "the document": "SELECT 1 FROM documents WHERE user_id = '{id}' FOR UPDATE",
    "its user": "SELECT 1 FROM users WHERE id = '{id}' FOR UPDATE",
    "its history": "INSERT INTO document_changes VALUES ('{id}', {platform}, 2, NULL, 0, 'x', '{{}}')",
    "its definitions": "SELECT pg_advisory_xact_lock(hashtextextended({platform}, 0))",
}


@pytest.mark.parametrize("what", LOCKS)
def test_only_writes_of_a_locked_document_wait(postgres_server: Postgres, what: str) -> None:
    with serving(postgres_server.create_database()) as service:
        world = World(service)
        own = World(service) if what == "its definitions" else world
        callers = [own.new_user() for _ in range(OTHERS)]
        assert patch(world.member, world, 0).status_code == 200
        platform_id = f"(SELECT id FROM platforms WHERE key = '{world.platform_key}')"
        statement = LOCKS[what].format(id=world.member.id, platform=platform_id)
        with ThreadPoolExecutor(4) as pool:
            with holding(service, statement):
                first = pool.submit(patch, world.member, world, 1)
                for caller in callers:
                    assert patch(caller, own, 1).status_code == 200
                second = pool.submit(patch, world.member, world, 2)
                for caller in callers:
                    assert patch(caller, own, 2).status_code == 200
                assert not first.done()
                assert not second.done()
            assert (first.result().status_code, second.result().status_code) == (200, 200)
        assert stored(world.member, world) == ({"k": 2}, '"3"'), "in their order"


def test_many_locked_documents_leave_connections_for_others(postgres_server: Postgres) -> None:
    with serving(postgres_server.create_database(), database_pool_size=2) as service:
        world = World(service)
        locked = [world.new_user() for _ in range(8)]
        for caller in locked:
            assert patch(caller, world, 0).status_code == 200
        ids = ", ".join(f"'{caller.id}'" for caller in locked)
        with ThreadPoolExecutor(len(locked)) as pool:
            with holding(service, f"SELECT 1 FROM documents WHERE user_id IN ({ids}) FOR UPDATE"):
                waiting = [pool.submit(patch, caller, world, 1) for caller in locked]
                wait_until(lambda: len(service.services.writer._lanes) == len(locked))
                for value in range(5):
                    assert patch(world.member, world, value).status_code == 200
                assert not any(each.done() for each in waiting)
            assert {each.result().status_code for each in waiting} == {200}


def test_a_document_that_stays_locked_is_unavailable(postgres_server: Postgres) -> None:
    url = postgres_server.create_database()
    with serving(url) as service:
        users = World(service)
    with serving(url, database_timeout=1) as service:
        world = users.on(service)
        assert patch(world.member, world, 0).status_code == 200
        with holding(service, LOCKS["the document"].format(id=world.member.id)):
            refused = patch(world.member, world, 1)
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
        assert patch(world.member, world, 2).status_code == 200
