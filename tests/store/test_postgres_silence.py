"""PostgreSQL falls silent: connections stay open, but nothing arrives. Only deadlines of our own notice."""

import asyncio
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select

from gql_service.errors import OutcomeUnknown
from gql_service.observability.security_log import EventKind, SecurityEvent
from gql_service.settings import Settings
from gql_service.store import migrations, tables
from gql_service.store.connection import Connection
from gql_service.store.database import open_database
from gql_service.store.statement import Statement
from tests.support.cli_processes import command, serving_process
from tests.support.http_clients import PATIENCE
from tests.support.postgres import Postgres
from tests.support.service import serving, wait_until
from tests.support.tcp_proxy import Proxy, proxying
from tests.support.world import World

pytestmark = pytest.mark.faults

_DEADLINE = 1.0
_ADD_TENANT = Statement(insert(tables.tenants))
_TENANTS = Statement(select(tables.tenants.c.id))


def through(proxy: Proxy, server: Postgres, url: str) -> str:
    """A database, reached through the proxy."""
    return url.replace(f":{server.port}/", f":{proxy.port}/")


def test_writes_go_on_when_a_silent_database_can_be_reached_again(postgres_server: Postgres) -> None:
    url = postgres_server.create_database()
    with serving(url) as service:
        users = World(service)
    with (
        proxying(postgres_server.port) as proxy,
        serving(through(proxy, postgres_server, url), database_timeout=_DEADLINE) as service,
    ):
        world = users.on(service)

        def write(value: int) -> int:
            return world.member.rest("PATCH", world.platform_key, {"metadata": {"k": value}}).status_code

        assert write(1) == 200
        proxy.silence()
        silent = time.monotonic()
        assert write(2) == 503
        answered = time.monotonic()
        ready = service.client.get("/health/ready")
        assert ready.status_code == 503
        assert ready.json()["reason"] == "The database did not answer in time; try again."
        proxy.forward()
        forwarded = time.monotonic()
        wait_until(lambda: write(3) == 200)
        resumed = time.monotonic()
        wait_until(lambda: service.client.get("/health/ready").status_code == 200)
        assert world.member.rest("GET", world.platform_key).json()["metadata"] == {"k": 3}
    sys.stdout.write(
        f"silence: writes resumed {resumed - forwarded:.2f} s after the database could be reached again;"
        f" the write before waited {answered - silent:.2f} s\n"
    )


def test_sigterm_ends_a_server_whose_database_is_silent(postgres_server: Postgres, tmp_path: Path) -> None:
    with proxying(postgres_server.port) as proxy:
        url = through(proxy, postgres_server, postgres_server.create_database())
        assert command(url, "migrate").returncode == 0
        with serving_process(tmp_path, url, extra={"GQL_SERVICE_DATABASE_TIMEOUT": "1"}) as server:
            proxy.silence()
            assert server.stop() == 0


def test_a_command_gives_up_on_a_silent_database(postgres_server: Postgres) -> None:
    with proxying(postgres_server.port) as proxy:
        url = through(proxy, postgres_server, postgres_server.create_database())
        assert command(url, "migrate").returncode == 0
        proxy.silence()
        done = command(url, "user", "show", "nobody", database_timeout="0.5")
        assert done.returncode == 1
        assert done.stderr == "gql-service: The database did not answer in time; try again.\n"


async def tenants(settings: Settings) -> list[str]:
    database = open_database(settings)
    try:
        async with database.read() as connection:
            return [row[0] for row in await connection.fetch(_TENANTS)]
    finally:
        await database.close()


def test_a_cancelled_request_keeps_its_line_in_the_security_log(postgres_server: Postgres) -> None:
    """It is cancelled during the COMMIT, in which a deferred trigger waits for a lock."""
    logged: list[Any] = []

    async def cancel_during_commit() -> list[str]:
        settings = Settings(database_url=url, database_timeout=PATIENCE)
        database = open_database(settings)

        async def write(transaction: Connection) -> None:
            await transaction.execute(_ADD_TENANT, id="t", name="t", created_at=0)
            transaction.security_events.append(SecurityEvent(EventKind.TENANT_CREATED, "t"))

        with postgres_server.locking(url, "gate"):
            task = asyncio.create_task(database.write(write, logged.extend))
            await asyncio.to_thread(wait_until, commit_waits)
            task.cancel()
            await asyncio.sleep(0)
        with pytest.raises(asyncio.CancelledError):
            await task
        await database.close()
        return await tenants(settings)

    def commit_waits() -> bool:
        sessions = "SELECT query FROM pg_stat_activity WHERE datname = current_database()"
        return "COMMIT" in postgres_server.sql(url, f"{sessions} AND wait_event_type = 'Lock'").upper()

    url = postgres_server.create_database()
    asyncio.run(migrations.upgrade(Settings(database_url=url)))
    postgres_server.sql(
        url,
        "CREATE TABLE gate ()",
        "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS "
        "'BEGIN LOCK TABLE gate; RETURN NULL; END'",
        "CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON tenants DEFERRABLE INITIALLY DEFERRED "
        "FOR EACH ROW EXECUTE FUNCTION wait()",
    )
    assert asyncio.run(cancel_during_commit()) == ["t"]
    assert [event.target for event in logged] == ["t"]


def test_a_commit_that_gets_no_answer_is_of_unknown_outcome(postgres_server: Postgres) -> None:
    async def fall_silent() -> None:
        await migrations.upgrade(Settings(database_url=url))
        settings = Settings(database_url=url, database_timeout=_DEADLINE)
        database = open_database(settings)

        async def write(transaction: Connection) -> None:
            await transaction.execute(_ADD_TENANT, id="t", name="t", created_at=0)
            proxy.silence()

        with pytest.raises(OutcomeUnknown):
            await database.write(write)
        await database.close()

    with proxying(postgres_server.port) as proxy:
        url = through(proxy, postgres_server, postgres_server.create_database())
        asyncio.run(fall_silent())


def test_a_silent_host_does_not_use_up_the_time_of_the_next(postgres_server: Postgres) -> None:
    with proxying(postgres_server.port) as proxy:
        proxy.silence()
        here = f"127.0.0.1:{postgres_server.port}"
        url = postgres_server.create_database().replace(here, f"127.0.0.1:{proxy.port},{here}")
        with serving(url, database_timeout=2.0) as service:
            assert service.client.get("/health/ready").status_code == 200
            world = World(service)
            assert world.member.rest("PATCH", world.platform_key, {"metadata": {"k": 1}}).is_success
