"""`gql-service erase` removes a user from all tables and, once it is vacuumed, from the file of SQLite."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Table, insert, select

from gql_service.domain.users import access_tokens, notifications
from gql_service.store import tables
from gql_service.store.statement import Statement
from tests.support.cli_processes import command
from tests.support.clock import HOUR, instant
from tests.support.entries import set_entries
from tests.support.history import changes, values
from tests.support.service import Service, serving
from tests.support.users import codes
from tests.support.world import Caller, World

NAME = "canary-name"
CANARIES = (NAME, "canary-id", f"{NAME}@example.com", "canary-image", "canary-profile", "canary-value",
            "canary-old", "canary-hidden", "canary-notice", "canary-label", "canary-category",
            "canary-key")  # fmt: skip


@pytest.fixture
def service(fresh_database_url: str) -> Iterator[Service]:
    with serving(fresh_database_url) as running:
        yield running


@pytest.fixture
def doomed(world: World) -> Caller:
    """An admin with data in every table, also in rows that belong to other users."""
    caller = world.new_user(
        username=NAME,
        id="canary-id",
        image="https://canary-image.example",
        permissions=[f"{world.tenant_id}::admin"],
        profile_fields={"firstName": {"value": "canary-profile"}},
    )
    own = {"metadataKey": "a", "isIndexed": True, "isPublic": True, "isEditable": True}
    for value in ("canary-old", "canary-value"):
        entry = own | {"metadataValue": value, "category": "canary-category"}
        assert set_entries(caller, world, entry, idempotencyKey=f"canary-key-{value}")["userErrors"] == []
    hidden = {"metadataKey": "b", "metadataValue": "canary-hidden", "validFrom": instant(world.service, HOUR)}
    for key in (world.platform_key, None):
        set_entries(world.owner, world, hidden, username=NAME, platformKey=key)
    _notify_and_award(world, caller)
    return caller


def _notify_and_award(world: World, caller: Caller) -> None:
    now = world.service.services.clock()
    badge = {"user_id": caller.id, "name": "projectCreated", "earned_at": 1}

    async def insert_rows(tx: Any) -> None:
        await notifications.notify(
            tx, caller.id, kind="k", title="canary-notice", body="canary-notice", now=now
        )
        await tx.execute(Statement(insert(tables.earned_badges)), **badge)
        await access_tokens.issue(tx, caller.id, label="canary-label", now=now)

    world.service.write(insert_rows)


def _all_rows(table: Table) -> Statement:
    """Without the positions of events, which are given in the background."""
    return Statement(select(*(column for column in table.c if column is not tables.events.c.position)))


def _everything(world: World) -> dict[str, list[Any]]:
    """All rows, as text and sorted, of all tables but tombstones and the counter of events."""

    async def read() -> dict[str, list[Any]]:
        async with world.service.services.database.read() as connection:
            return {
                table.name: sorted(str([*row]) for row in await connection.fetch(_all_rows(table)))
                for table in tables.metadata.sorted_tables
                if table not in (tables.tombstones, tables.event_counter)  # counts in the background
            }

    return world.service.run(read)


def _after_erasure(world: World) -> dict[str, list[Any]]:
    """All rows but the event of the erasure, which has the id of the user and nothing else of them."""
    rows = _everything(world)
    (event,) = (row for row in rows["events"] if "user.erased" in row)
    assert event.count("canary") == event.count("canary-id") == 1
    rows["events"].remove(event)
    return rows


def erase(world: World, *arguments: str) -> Any:
    return command(world.service.settings.database_url, "erase", NAME, "--yes", *arguments)


def test_all_rows_of_a_user_are_removed(world: World, doomed: Caller) -> None:
    before = {name: [row for row in rows if "canary" in row] for name, rows in _everything(world).items()}
    owned = {"users", "memberships", "permission_holders", "user_texts", "earned_badges", "notifications",
             "access_tokens", "user_changes", "events",
             "documents", "document_changes", "metadata_index", "idempotency_keys"}  # fmt: skip
    assert {name for name, rows in before.items() if rows} == owned
    assert all(canary in str(before) for canary in CANARIES)
    done = erase(world)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        f"Deleted {NAME}. Their data: answers to writes 2, badges 1, changes of the user 4, "
        "changes of their history 4, documents 2, entries of the search index 1, identities 0, "
        "memberships 1, notifications 1, parts of values in the search index 0, permissions 1, "
        "revocations 0, search texts 3, tokens 2.",
        "Data of others that named them: answers to writes 0, changes of history 0, changes of users 0, "
        "documents 0, tokens revoked 0.",
    ]
    after = _after_erasure(world)
    assert not [row for rows in after.values() for row in rows if "canary" in row]
    assert codes(doomed.graphql("{ me { id } }")) == "UNAUTHENTICATED"


def test_changes_made_for_others_are_kept_without_the_name(world: World, doomed: Caller) -> None:
    name = world.member.username
    by_others: dict[str, Any] = {"metadataKey": "k", "isPublic": True, "isEditable": True}
    set_entries(doomed, world, by_others | {"metadataValue": "1"}, username=name, idempotencyKey="again")
    other = set_entries(world.member, world, by_others | {"metadataValue": "2"}, idempotencyKey="mine")
    assert other["userErrors"] == []
    set_entries(doomed, world, {"metadataKey": "k2", "metadataValue": "v"}, username=name)
    world.member.rest("PATCH", world.platform_key, {"metadata": {"k": "3"}})
    before = _everything(world)
    done = erase(world)
    assert done.returncode == 0, done.stderr
    after = _after_erasure(world)
    assert "canary" not in str(after)
    assert (
        "answers to writes 1, changes of history 4, changes of users 0, documents 1, tokens revoked 0"
        in done.stdout
    )
    assert len(before["idempotency_keys"]) - len(after["idempotency_keys"]) == 3
    history = changes(world, world.admin, world.member)
    assert [values(each) for each in history] == [
        {"k": ("2", "3")}, {"k2": ("-", "v")}, {"k": ("1", "2")}, {"k": ("-", "1")},
    ]  # fmt: skip
    authors = [each["actor"] and each["actor"]["username"] for each in history]
    assert authors == [name, None, name, None]
    query = """query ($key: String!) { platformMetadata(platformKey: $key) { revision
      entry(key: "k") { value createdBy { username } updatedBy { username } } } }"""
    assert world.member.ask(query, key=world.platform_key)["platformMetadata"] == {
        "revision": 4,
        "entry": {"value": "3", "createdBy": None, "updatedBy": {"username": name}},
    }
    again = set_entries(world.member, world, by_others | {"metadataValue": "2"}, idempotencyKey="mine")
    assert (again["replayed"], again["platformMetadata"]["revision"]) == (True, 4)
    assert [each["createdBy"] for each in again["entries"]] == [None]


def test_tokens_issued_for_others_are_revoked(world: World, doomed: Caller) -> None:
    issue = f"""mutation {{ issueToken(input: {{username: "{world.member.username}"}}) {{ token }} }}"""
    issued = Caller(world.service, world.member.user, doomed.ask(issue)["issueToken"]["token"])
    assert issued.ask("{ me { username } }")["me"]["username"] == world.member.username
    done = erase(world)
    assert "tokens revoked 1." in done.stdout
    assert codes(issued.graphql("{ me { id } }")) == "UNAUTHENTICATED"
    assert world.member.ask("{ me { username } }")["me"]["username"] == world.member.username


def test_tokens_issued_for_oneself_are_erased_with_the_user(world: World, doomed: Caller) -> None:
    token = doomed.ask("mutation { issueToken(input: {}) { token } }")["issueToken"]["token"]
    issued = Caller(world.service, doomed.user, token)
    assert issued.ask("{ me { username } }")["me"]["username"] == NAME
    done = erase(world)
    assert (done.returncode, done.stderr) == (0, "")
    assert "tokens revoked 0." in done.stdout
    assert codes(issued.graphql("{ me { id } }")) == "UNAUTHENTICATED"


def test_data_of_others_is_kept(world: World, doomed: Caller) -> None:
    world.member.rest("PATCH", world.platform_key, {"metadata": {"a": 1}})
    before = _everything(world)
    assert erase(world).returncode == 0
    after = _after_erasure(world)
    assert after == {name: [row for row in rows if "canary" not in row] for name, rows in before.items()}


def test_an_unknown_user_is_reported_and_nothing_changes(world: World) -> None:
    before = _everything(world)
    done = erase(world)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"gql-service: There is no user {NAME}.\n"
    assert _everything(world) == before


def test_without_confirmation_nothing_is_removed(world: World, doomed: Caller) -> None:
    before = _everything(world)
    done = command(world.service.settings.database_url, "erase", NAME)
    assert done.returncode == 1
    assert "Permanently delete" in done.stderr
    assert _everything(world) == before


# The file of an SQLite database.


def _bytes(database_url: str) -> bytes:
    """The files of an SQLite database after a vacuum, with its write-ahead log."""
    path = Path(database_url.removeprefix("sqlite+aiosqlite:///"))
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("VACUUM")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return b"".join(part.read_bytes() for part in path.parent.glob(f"{path.name}*"))


ON_SQLITE = pytest.mark.parametrize("fresh_database_url", ["sqlite"], indirect=True)


@ON_SQLITE
def test_the_vacuumed_file_contains_nothing_of_the_user(
    world: World, doomed: Caller, fresh_database_url: str
) -> None:
    entry = {"metadataKey": "k", "metadataValue": "others"}
    set_entries(doomed, world, entry, username=world.member.username, idempotencyKey="again")
    assert all(canary.encode() in _bytes(fresh_database_url) for canary in CANARIES)
    assert erase(world).returncode == 0
    # The event of the erasure has the id, in its row and in an index.
    assert _bytes(fresh_database_url).count(b"canary-id") == 2
    assert b"canary" not in _bytes(fresh_database_url).replace(b"canary-id", b"")


@ON_SQLITE
def test_the_vacuumed_file_contains_no_cleared_values(world: World, fresh_database_url: str) -> None:
    for number in range(3):
        world.member.rest("PATCH", world.platform_key, {"metadata": {"a": f"canary-{number}"}})
    expiring: dict[str, Any] = {
        "metadataKey": "b",
        "metadataValue": "canary-4",
        "validUntil": instant(world.service, HOUR),
    }
    expiring |= {"isPublic": True, "isEditable": True, "isIndexed": True}
    set_entries(world.member, world, expiring, idempotencyKey="k")
    world.member.rest("PATCH", world.platform_key, {"delete_keys": ["a"]})
    assert b"canary-0" in _bytes(fresh_database_url)
    assert world.member.rest("DELETE", world.platform_key).status_code == 204
    assert b"canary" not in _bytes(fresh_database_url)


@ON_SQLITE
def test_clearing_keeps_hidden_entries_and_their_history(world: World, fresh_database_url: str) -> None:
    name = world.member.username
    for value in ("kept-old", "kept-new"):
        set_entries(world.admin, world, {"metadataKey": "h", "metadataValue": value}, username=name)
    world.member.rest("PATCH", world.platform_key, {"metadata": {"a": "canary"}})
    world.member.rest("DELETE", world.platform_key)
    found = _bytes(fresh_database_url)
    assert b"canary" not in found
    assert b"kept-old" in found
    assert b"kept-new" in found
