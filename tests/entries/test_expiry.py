"""Entries expire exactly at their end, without a sweep; a sweep deletes them without other effects."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Text, cast, func, insert, select

from gql_service import instants
from gql_service.domain.maintenance import expiry
from gql_service.domain.maintenance.expiry import SweepResult
from gql_service.settings import Settings
from gql_service.store import tables
from gql_service.store.database import Database, open_database
from gql_service.store.statement import Statement
from tests.support.cli_processes import run_command, serving_process
from tests.support.clock import HOUR, instant, shifted
from tests.support.entries import set_entries
from tests.support.service import Service, serving, wait_until
from tests.support.world import Caller, World

_INDEX = Statement(select(tables.metadata_index.c.user_id, tables.metadata_index.c.key))
_CONDITIONS = func.coalesce(cast(tables.documents.c.conditions, Text), "{}")
_DOCUMENTS = Statement(
    select(tables.documents.c.user_id, _CONDITIONS + cast(tables.documents.c.attributes, Text))
)
_COUNT = Statement(select(func.count()).select_from(tables.idempotency_keys))
STATE = """query ($key: String!, $name: String) { platformMetadata(platformKey: $key, username: $name) {
  metadata revision updatedAt entries(first: 100) { nodes { metadataKey value createdAt } } } }"""


def expiring(world: World, key: str = "promo", **more: Any) -> dict[str, Any]:
    return {
        "metadataKey": key,
        "metadataValue": f"value of {key}",
        "isPublic": True,
        "isEditable": True,
        "isIndexed": True,
        "validUntil": instant(world.service, HOUR),
    } | more


def sweep(world: World) -> SweepResult:
    services = world.service.services
    return world.service.run(lambda: expiry.sweep(services.database, services.clock))


def rows(world: World, statement: Statement, caller: Caller) -> list[Any]:
    async def read() -> list[Any]:
        async with world.service.services.database.read() as connection:
            return [row[1] for row in await connection.fetch(statement) if row[0] == caller.id]

    return world.service.run(read)


def state(world: World, caller: Caller) -> Any:
    return caller.ask(STATE, key=world.platform_key)["platformMetadata"]


def test_a_sweep_deletes_expired_entries_without_a_trace(world: World) -> None:
    kept = {"metadataKey": "kept", "metadataValue": "v", "isPublic": True, "isEditable": True}
    set_entries(world.admin, world, expiring(world), kept, username=world.member.username)
    with shifted(world.service, HOUR):
        before = state(world, world.member)
        assert before["metadata"] == {"kept": "v"}
        assert "value of promo" in rows(world, _DOCUMENTS, world.member)[0]
        assert sweep(world).entries >= 1
        assert state(world, world.member) == before
        assert "promo" not in rows(world, _DOCUMENTS, world.member)[0]
        assert rows(world, _INDEX, world.member) == []
        assert sweep(world) == SweepResult()


def test_a_sweep_keeps_valid_entries(world: World) -> None:
    set_entries(world.admin, world, expiring(world), username=world.member.username)
    with shifted(world.service, HOUR - 60_000):
        sweep(world)
        assert state(world, world.member)["metadata"] == {"promo": "value of promo"}
        assert rows(world, _INDEX, world.member) == ["promo"]


PATCH = """mutation ($key: String, $metadata: JSONObject, $delete: [String!], $revision: Int) {
  patchPlatformMetadata(input: {platformKey: $key, metadata: $metadata, deleteKeys: $delete,
    expectedRevision: $revision}) {
    deletedKeys platformMetadata { metadata revision } userErrors { code
      ... on RevisionConflict { currentRevision entries { metadataKey digest } } } } }"""


def _patch(world: World, **more: Any) -> Any:
    return world.admin.ask(PATCH, key=world.platform_key, **more)["patchPlatformMetadata"]


def _replace(world: World) -> Any:
    response = world.admin.rest("PUT", world.platform_key, {"metadata": {"other": 1}})
    return response.json()["metadata"], response.headers["etag"]


def _set(world: World) -> Any:
    """Set the key as a new entry: omitted attributes have defaults, and a value is required."""
    without = set_entries(world.admin, world, {"metadataKey": "promo", "category": "c"})["userErrors"]
    payload = set_entries(world.admin, world, {"metadataKey": "promo", "metadataValue": "new"})
    (entry,) = payload["entries"]
    assert entry["createdAt"] == entry["updatedAt"]
    names = ("value", "isPublic", "validUntil", "category")
    return without[0]["code"], {name: entry[name] for name in names}, payload["platformMetadata"]


OPERATIONS: dict[str, Callable[[World], Any]] = {
    "read": lambda world: state(world, world.admin)["metadata"],
    "setting the key as part of an object": lambda world: _patch(world, metadata={"promo": 1}),
    "deleting the key": lambda world: _patch(world, delete=["promo"]),
    "another key": lambda world: _patch(world, metadata={"other": 1}),
    "a conflict": lambda world: _patch(world, metadata={"promo": 1}, revision=7),
    "replace": _replace,
    "set": _set,
    "clear": lambda world: world.admin.rest("DELETE", world.platform_key).headers["etag"],
}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_expired_entry_counts_as_missing_before_and_after_a_sweep(world: World, operation: str) -> None:
    outcomes = []
    for swept in (False, True):
        world.admin = world.new_user(permissions=[f"{world.tenant_id}::admin"])
        set_entries(world.admin, world, expiring(world), expiring(world, "later", validUntil=None))
        with shifted(world.service, HOUR):
            if swept:
                sweep(world)
            outcome = OPERATIONS[operation](world)
            outcomes.append(
                (outcome, state(world, world.admin)["metadata"], rows(world, _INDEX, world.admin))
            )
            assert (
                operation == "read"
                or "value of promo" not in rows(world, _DOCUMENTS, world.admin)[0]
                or (operation in ("another key", "deleting the key", "a conflict") and not swept)
            )
    without_promo = [(*each[:2], [key for key in each[2] if key != "promo"]) for each in outcomes]
    assert without_promo[0] == without_promo[1]


def test_a_cached_response_is_stale_after_an_entry_has_expired_and_was_swept(world: World) -> None:
    set_entries(world.admin, world, expiring(world), username=world.member.username)
    response = world.member.rest("GET", world.platform_key)
    assert response.json()["metadata"] == {"promo": "value of promo"}
    with shifted(world.service, HOUR):
        sweep(world)
        again = world.member.rest(
            "GET", world.platform_key, headers={"If-None-Match": response.headers["etag"]}
        )
        assert (again.status_code, again.json()["metadata"]) == (200, {})


def test_clearing_deletes_expired_entries(world: World) -> None:
    set_entries(world.admin, world, expiring(world), username=world.member.username)
    with shifted(world.service, HOUR):
        assert world.member.rest("DELETE", world.platform_key).headers["etag"] == '"1"'
        assert rows(world, _DOCUMENTS, world.member) == ["{}{}"]
        assert rows(world, _INDEX, world.member) == []


def test_expired_entries_do_not_count_towards_the_limits_of_a_document(fresh_database_url: str) -> None:
    with serving(fresh_database_url, max_metadata_keys=2, max_metadata_size=1000) as service:
        world = World(service)
        long = {"metadataValue": "x" * 900}
        set_entries(
            world.admin,
            world,
            expiring(world, **long),
            expiring(world, "other"),
            username=world.member.username,
        )
        full = world.member.rest("PATCH", world.platform_key, {"metadata": {"new": 1}})
        assert full.status_code == 413
        with shifted(service, HOUR):
            new = world.member.rest("PATCH", world.platform_key, {"metadata": {"new": "y" * 900}})
            assert (new.status_code, state(world, world.member)["revision"]) == (200, 2)
            assert rows(world, _INDEX, world.member) == []


def _idempotency_rows(count: int, now: int) -> list[dict[str, Any]]:
    row = {"user_id": "u", "platform_id": "", "request": b"", "response": "{}", "created_at": now}
    return [row | {"key": f"u:{number}"} for number in range(count)]


def test_concurrent_sweeps_delete_every_entry_exactly_once(fresh_database_url: str) -> None:
    with serving(fresh_database_url) as service:
        world = World(service)
        members = [world.new_user() for _ in range(50)]
        for member in members:
            set_entries(world.admin, world, expiring(world), username=member.username)
        stale = [
            row | {"user_id": world.member.id} for row in _idempotency_rows(450, instants.now() - 24 * HOUR)
        ]
        fresh = [row | {"user_id": world.admin.id} for row in _idempotency_rows(3, instants.now())]
        add = Statement(insert(tables.idempotency_keys))
        service.write(lambda transaction: transaction.execute_many(add, stale + fresh))

    async def sweep_all(databases: list[Database]) -> tuple[list[SweepResult], Any]:
        later = instants.now() + HOUR
        swept = await asyncio.gather(*(expiry.sweep(each, lambda: later) for each in databases))
        async with databases[0].read() as connection:
            left = (await connection.fetch(_COUNT))[0][0]
        for database in databases:
            await database.close()
        return swept, left

    settings = Settings(database_url=fresh_database_url)
    swept, left = asyncio.run(sweep_all([open_database(settings) for _ in range(4)]))
    assert sum(each.entries for each in swept) == 50
    assert sum(each.answers for each in swept) == 450
    assert left == 3


def test_a_server_sweeps_by_itself_survives_a_failure_and_stops_cleanly(fresh_database_url: str) -> None:
    with serving(fresh_database_url, sweep_interval=0.05) as service:
        world = World(service)
        set_entries(world.admin, world, expiring(world), username=world.member.username)
        failures = _failing_once(service)
        with shifted(service, HOUR):
            wait_until(lambda: rows(world, _DOCUMENTS, world.member) == ["{}{}"])
            assert not failures
            assert state(world, world.member)["revision"] == 1


def _failing_once(service: Service) -> list[Exception]:
    """Let the next sweep fail; returns the failures that have not happened yet."""
    failures: list[Exception] = [ZeroDivisionError()]

    def observe(sql: str) -> None:
        if failures and "expires_at <=" in sql:
            raise failures.pop()

    service.services.database.observers.append(observe)
    return failures


def test_the_command_sweeps_once_and_prints_the_counts(fresh_database_url: str) -> None:
    with serving(fresh_database_url) as service:
        world = World(service)
        with shifted(service, -2 * HOUR):
            set_entries(
                world.admin, world, expiring(world, "a"), expiring(world, "b"), username=world.member.username
            )
    rest = "0 answers to writes, 0 changes of history, 0 changes of users and 0 events."
    assert run_command(fresh_database_url, "sweep") == f"Deleted 2 expired entries, {rest}"
    assert run_command(fresh_database_url, "sweep") == f"Deleted 0 expired entries, {rest}"


def test_a_process_that_sweeps_stops_at_once(fresh_database_url: str, tmp_path: Path) -> None:
    extra = {"GQL_SERVICE_SWEEP_INTERVAL": "0.001"}
    with serving(fresh_database_url) as service:
        world = World(service)
        with shifted(service, -2 * HOUR):
            set_entries(world.admin, world, expiring(world), username=world.member.username)
        with serving_process(tmp_path, fresh_database_url, extra=extra) as server:
            wait_until(lambda: rows(world, _DOCUMENTS, world.member) == ["{}{}"])
            assert server.stop() == 0
        assert "error" not in server.output
