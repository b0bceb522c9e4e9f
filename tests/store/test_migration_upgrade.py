"""The migration to typed entries: data of the version before it is exported, read and changed as before."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, create_engine
from sqlalchemy.ext.asyncio import create_async_engine

from gql_service.instants import rfc3339
from gql_service.store import migrations
from tests.support.entries import ENTRY, SET
from tests.support.service import serving
from tests.support.world import Caller
from tests.transfer.test_round_trip import (
    CREATED_AT,
    PLATFORM,
    Line,
    Shell,
    completed,
    document_line,
    jsonl,
    user_line,
)

CREATED, UPDATED = CREATED_AT + 7, CREATED_AT + 1007
# Rows as the version before wrote them, without columns that were added since.
ROWS = f"""
INSERT INTO tenants (id, name, created_at) VALUES ('acme', 'Acme', {CREATED_AT});
INSERT INTO platforms (id, key, tenant_id, name, created_at)
VALUES ('p-1', 'shop', 'acme', 'Shop', {CREATED_AT});
INSERT INTO users (id, tenant_id, username, email, profile_fields, permissions, is_platform_owner, revision,
  created_at, updated_at) VALUES
  ('u', 'acme', 'u', 'u@x.example', '{{}}', '[]', false, 1, {CREATED_AT}, {CREATED_AT}),
  ('v', 'acme', 'v', 'v@x.example', '{{}}', '["acme::admin"]', false, 1, {CREATED_AT}, {CREATED_AT});
INSERT INTO memberships (user_id, tenant_id) VALUES ('u', 'acme'), ('v', 'acme');
INSERT INTO documents (user_id, platform_id, metadata, revision, created_at, updated_at) VALUES
  ('u', 'p-1', '{{"a":1,"b":"ü","c":null,"d":{{"e":[1.0]}}}}', 4, {CREATED}, {UPDATED}),
  ('u', '', '{{"wide":true}}', 1, {CREATED}, {CREATED}),
  ('v', 'p-1', '{{}}', 9, {CREATED}, {UPDATED})
"""
DOCUMENT = f"""metadata revision createdAt updatedAt entries(first: 9) {{ totalCount nodes {{ {ENTRY} }} }}"""


def migrate_to(url: str, revision: str, rows: str) -> None:
    """Create the tables of a former version, with these rows."""

    def run(connection: Connection) -> None:
        config = Config()
        config.set_main_option("script_location", str(Path(migrations.__file__).parent))
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        for statement in rows.split(";\n"):
            connection.exec_driver_sql(statement)

    async def over_asyncpg(work: Callable[[Connection], None]) -> None:
        engine = create_async_engine(url)
        async with engine.begin() as transaction:
            await transaction.run_sync(work)
        await engine.dispose()

    if url.startswith("postgresql"):
        asyncio.run(over_asyncpg(run))
        return
    engine = create_engine(url.replace("+aiosqlite", ""))
    with engine.begin() as connection:
        run(connection)
    engine.dispose()


@pytest.fixture
def upgraded(fresh_database_url: str) -> Shell:
    """A database of the version before typed entries, upgraded."""
    migrate_to(fresh_database_url, "0002", ROWS)
    shell = Shell(fresh_database_url)
    assert shell.error("export", "-") == "The database is not up to date. Run: gql-service migrate"
    shell.output("migrate")
    return shell


def test_existing_data_is_exported_unchanged(upgraded: Shell) -> None:
    metadata = {"a": 1, "b": "ü", "c": None, "d": {"e": [1.0]}}
    age: Line = {"createdAt": CREATED, "updatedAt": UPDATED}
    assert upgraded.exported() == jsonl(
        [
            {"type": "tenant", "id": "acme", "name": "Acme", "createdAt": CREATED_AT},
            PLATFORM | {"id": "p-1", "key": "shop", "tenantId": "acme", "name": "Shop"},
            completed(user_line("u")),
            document_line("u", None, {"wide": True}, revision=1, createdAt=CREATED, updatedAt=CREATED),
            document_line("u", "shop", metadata, revision=4, **age),
            completed(user_line("v", permissions=["acme::admin"])),
            document_line("v", "shop", {}, revision=9, **age),
        ]
    )


def test_existing_data_can_be_read_and_changed(upgraded: Shell) -> None:
    tokens = {username: upgraded.output("token", "issue", username).strip() for username in ("u", "v")}
    with serving(upgraded.url) as service:

        def caller(username: str) -> Caller:
            (user,) = service.run(lambda: service.services.loaders.users_named.load_many([username]))
            assert user is not None
            return Caller(service, user, tokens[username])

        user, admin = caller("u"), caller("v")
        shop = f'query {{ platformMetadata(platformKey: "shop") {{ {DOCUMENT} }} }}'
        before = user.ask(shop)["platformMetadata"]
        assert before["metadata"] == {"a": 1, "b": "ü", "c": None, "d": {"e": [1.0]}}
        assert (before["revision"], before["entries"]["totalCount"]) == (4, 4)
        assert (before["createdAt"], before["updatedAt"]) == (rfc3339(CREATED), rfc3339(UPDATED))
        types = {entry["metadataKey"]: entry["valueType"] for entry in before["entries"]["nodes"]}
        assert types == {"a": "number", "b": "string", "c": "json", "d": "json"}
        for entry in before["entries"]["nodes"]:
            assert entry["createdAt"] == entry["updatedAt"] == rfc3339(CREATED)
            assert entry["createdBy"] is entry["updatedBy"] is None
            assert (entry["isPublic"], entry["isEditable"], entry["isEncrypted"]) == (True, True, False)
            assert entry["viewerCan"] == {"edit": True, "delete": True}

        assert user.rest("PATCH", "shop", {"metadata": {"a": 1, "b": "new", "f": 2}}).status_code == 200
        hide = {"platformKey": "shop", "username": "u", "entries": [{"metadataKey": "c", "isPublic": False}]}
        assert admin.ask(SET, input=hide)["setUserMetadata"]["userErrors"] == []
        after = user.ask(shop)["platformMetadata"]
        assert after["metadata"] == {"a": 1, "b": "new", "d": {"e": [1.0]}, "f": 2}
        assert (after["revision"], after["createdAt"]) == (6, before["createdAt"])
        entries = {entry["metadataKey"]: entry for entry in after["entries"]["nodes"]}
        assert entries["a"] == before["entries"]["nodes"][0]
        changed = entries["b"]
        assert (changed["createdAt"], changed["createdBy"]) == (rfc3339(CREATED), None)
        assert changed["updatedAt"] > rfc3339(UPDATED)
        assert changed["updatedBy"] == {"username": "u"}
        assert entries["f"]["createdAt"] == entries["f"]["updatedAt"] == changed["updatedAt"]
        assert user.ask("{ me { userMetadata { metadata revision } } }")["me"]["userMetadata"] == {
            "metadata": {"wide": True},
            "revision": 1,
        }
        assert user.rest("DELETE", "shop").status_code == 204
        kept = admin.ask(
            'query { platformMetadata(platformKey: "shop", username: "u") { metadata revision } }'
        )["platformMetadata"]
        assert kept == {"metadata": {"c": None}, "revision": 7}
        emptied = admin.ask(shop)["platformMetadata"]
        assert (emptied["metadata"], emptied["revision"]) == ({}, 9)
