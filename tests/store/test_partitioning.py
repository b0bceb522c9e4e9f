"""The tables of users' data can be distributed by user, as `docs/scaling.md` describes."""

import re
from pathlib import Path

from gql_service.store.tables import metadata
from tests.search.test_operators import found, put
from tests.support.cli_processes import run_command
from tests.support.history import changes
from tests.support.postgres import Postgres
from tests.support.service import serving
from tests.support.world import World

STATEMENTS = (Path(__file__).parents[2] / "docs" / "scaling.md").read_text()
REFERENCE_TABLES = re.findall(r"create_reference_table\('(\w+)'\)", STATEMENTS)
DISTRIBUTED_TABLES = re.findall(r"create_distributed_table\('(\w+)', 'user_id'", STATEMENTS)
BULK_PATCH = """mutation ($i: BulkPatchPlatformMetadataInput!) {
  bulkPatchPlatformMetadata(input: $i) { written }
}"""
RESTORE = """mutation ($i: RestorePlatformMetadataInput!) {
  restorePlatformMetadata(input: $i) { platformMetadata { metadata } userErrors { message } }
}"""
PARTITION = """
ALTER TABLE {table} RENAME TO whole;
CREATE TABLE {table} (LIKE whole INCLUDING ALL) PARTITION BY HASH (user_id);
ALTER TABLE {table} ADD FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE;
CREATE TABLE {table}_0 PARTITION OF {table} FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE {table}_1 PARTITION OF {table} FOR VALUES WITH (MODULUS 2, REMAINDER 1);
DROP TABLE whole;
"""


def test_the_document_names_every_table_once() -> None:
    assert sorted(REFERENCE_TABLES + DISTRIBUTED_TABLES) == sorted(metadata.tables)


def test_distributed_tables_refer_to_users_alone() -> None:
    """A reference table must not refer to a distributed one, and rows of two users may be on two nodes."""
    for name in DISTRIBUTED_TABLES:
        keys = metadata.tables[name].foreign_keys
        assert {(key.parent.name, key.target_fullname) for key in keys} == {("user_id", "users.id")}
    for name in REFERENCE_TABLES:
        targets = {key.column.table.name for key in metadata.tables[name].foreign_keys}
        assert targets <= set(REFERENCE_TABLES)


def test_the_service_works_on_partitioned_tables(postgres_server: Postgres) -> None:
    url = postgres_server.create_database()
    run_command(url, "migrate")
    for table in DISTRIBUTED_TABLES:
        postgres_server.run_sql(url, PARTITION.format(table=table))
    with serving(url) as service:
        world = World(service)
        users = [world.new_user() for _ in range(8)]
        for value in range(2):
            patches = [{"username": user.username, "metadata": {"value": value}} for user in users]
            bulk = {"platformKey": world.platform_key, "patches": patches}
            assert world.admin.ask(BULK_PATCH, i=bulk)["bulkPatchPlatformMetadata"] == {"written": 8}
        for number, user in enumerate(users):
            put(world, user, "number", str(number), "number")
        assert found(world, {"key": "number", "greaterThanOrEqual": 3}) == {user.id for user in users[3:]}
        user = users[0]
        assert [change["revision"] for change in changes(world, world.admin, user)] == [3, 2, 1]
        restore = {"platformKey": world.platform_key, "username": user.username, "revision": 1}
        payload = world.admin.ask(RESTORE, i=restore)["restorePlatformMetadata"]
        assert payload == {"platformMetadata": {"metadata": {"value": 0}}, "userErrors": []}
        run_command(url, "erase", user.username, "--yes")
        assert found(world, {"key": "number", "exists": True}) == {user.id for user in users[1:]}
