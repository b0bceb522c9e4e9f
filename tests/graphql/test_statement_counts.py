"""The data loaders: the number of SQL statements is constant, whatever the size of the page."""

import re
import sqlite3
from contextlib import closing

import pytest
from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from gql_service.domain import tenants
from gql_service.domain.documents import rows as documents
from gql_service.domain.history import point_in_time
from gql_service.domain.pagination import PageRequest
from gql_service.domain.users import access_tokens, badges
from gql_service.domain.users import rows as users
from gql_service.domain.writes import idempotency
from gql_service.store import tables
from tests.support.entries import set_entries
from tests.support.world import World

USERS = """query ($key: String!, $first: Int!) { platform(key: $key) { users(first: $first) { nodes {
  username badges { name } platformMetadata(platformKey: $key) { metadata user { displayName } } } } } }"""


@pytest.mark.parametrize("size", [2, 7])
def test_a_page_of_users_is_a_constant_number_of_statements(world: World, size: int) -> None:
    for _ in range(size):
        world.new_user()
    with world.service.statements() as seen:
        data = world.admin.ask(USERS, key=world.platform_key, first=size)
    assert len(data["platform"]["users"]["nodes"]) == size
    tables = [statement.split("FROM")[1].split()[0] for statement in seen]
    assert tables[:3] == ["access_tokens", "platforms", "users"]
    assert sorted(tables[3:]) == ["documents", "earned_badges", "users"]


@pytest.mark.parametrize("size", [2, 7])
def test_a_page_of_conditional_documents_takes_no_more_statements(world: World, size: int) -> None:
    entry = {"metadataKey": "k", "metadataValue": "v", "validUntil": "2999-01-01T00:00:00Z"}
    for _ in range(size):
        assert not set_entries(world.admin, world, entry, username=world.new_user().username)["userErrors"]
    with world.service.statements() as seen:
        data = world.admin.ask(USERS, key=world.platform_key, first=100)
    users = data["platform"]["users"]["nodes"]
    assert [user["platformMetadata"]["metadata"] for user in users].count({"k": "v"}) == size
    tables = [statement.split("FROM")[1].split()[0] for statement in seen]
    assert tables[:3] == ["access_tokens", "platforms", "users"]
    assert sorted(tables[3:]) == ["documents", "earned_badges", "users"]


ENTRIES = """query ($key: String!, $first: Int!) { platform(key: $key) { users(first: $first) { nodes {
  platformMetadata(platformKey: $key) { metadata(keys: ["k"]) entry(key: "k") { value createdBy { username } }
    entries(first: 2) { nodes { value updatedBy { username } } } } } } } }"""


def test_entries_of_many_documents_are_read_by_one_statement(world: World) -> None:
    entry = {"metadataKey": "k", "metadataValue": "v"}
    for user in (world.member, world.colleague, world.admin):
        assert not set_entries(world.admin, world, entry, username=user.username)["userErrors"]
    with world.service.statements() as seen:
        data = world.admin.ask(ENTRIES, key=world.platform_key, first=3)
    documents = [user["platformMetadata"] for user in data["platform"]["users"]["nodes"]]
    assert [document["entry"]["value"] for document in documents] == ["v"] * 3
    tables = [statement.split("FROM")[1].split()[0] for statement in seen]
    assert tables.count("documents") <= 3, "the documents, once for lists and once for each document"
    assert tables.count("users") == 2, "the page, and who has written the entries"


def test_many_aliases_are_read_by_one_statement(world: World) -> None:
    aliases = " ".join(
        f'a{index}: user(by: {{userId: "{caller.id}"}}) {{ username }}'
        for index, caller in enumerate([world.member, world.colleague, world.admin])
    )
    with world.service.statements() as seen:
        world.member.ask(f"{{ {aliases} }}")
    assert len(seen) == 2  # the token, the users


def test_a_write_is_one_transaction_of_few_statements(world: World) -> None:
    patch = """mutation ($key: String!) { patchPlatformMetadata(input: {platformKey: $key,
      metadata: {a: 1}}) { platformMetadata { metadata revision } } }"""
    with world.service.statements() as seen:
        world.member.ask(patch, key=world.platform_key)
    tables = [re.search(r"(?:FROM|INTO) (?!unnest)(\w+)", statement) for statement in seen]
    is_postgres = "$1" in seen[0]
    is_new = ["documents"] if is_postgres else []  # on PostgreSQL, it could also be locked
    assert [table[1] for table in tables if table] == [
        "access_tokens", "platforms", "platforms", "documents", *is_new, "documents",
        "document_changes", "events",
    ]  # fmt: skip # token, platform, its definitions, lock, insert, history, event
    assert len(seen) - len([table for table in tables if table]) == (1 if is_postgres else 0)  # advisory lock


HOT = {
    "users by id": users._BY_IDS,
    "users by name": users._BY_USERNAMES,
    "badges": badges._BY_USERS,
    "documents": documents._READ,
    "tokens": access_tokens._HOLDERS,
    "platforms": tenants._PLATFORMS_BY_KEYS,
    "expired documents": documents._EXPIRED,
    "old answers": idempotency._SWEEP,
    "later changes": point_in_time._LATER,
    "members": users._page(PageRequest(0, False, None, None)),
}


@pytest.mark.parametrize("name", HOT)
def test_sqlite_uses_an_index_for_the_most_frequent_reads(name: str) -> None:
    with closing(sqlite3.connect(":memory:")) as database:
        for table in tables.metadata.sorted_tables:
            database.execute(str(CreateTable(table).compile(dialect=sqlite.dialect())))
            for index in table.indexes:
                database.execute(str(CreateIndex(index).compile(dialect=sqlite.dialect())))
        for sql in (HOT[name].for_sqlite.sql, HOT[name].for_sqlite_single_key.sql):
            plan = database.execute(f"EXPLAIN QUERY PLAN {sql}", ["[]"] * sql.count("?")).fetchall()
            read = [row[3] for row in plan if "json_each" not in row[3]]
            assert not [step for step in read if step.startswith("SCAN")], plan
