"""`users(where:)` and `user(by: {email})`: admins find the members of their tenant, always by an index."""

import asyncio
import sqlite3
from contextlib import closing
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from gql_service.domain.pagination import PageRequest, page_parameters
from gql_service.domain.search import directory
from gql_service.domain.search.directory import user_search
from gql_service.settings import Settings
from gql_service.store import migrations, tables
from tests.support.postgres import Postgres
from tests.support.users import codes, write
from tests.support.world import Caller, World
from tests.transfer.test_round_trip import Shell

FIND = """query ($t: ID, $w: DirectoryFilter, $n: Int, $a: String) {
  users(tenantId: $t, where: $w, first: $n, after: $a) {
    totalCount nodes { userId } pageInfo { hasNextPage endCursor } } }"""


def found(admin: Caller, where: dict[str, Any] | None = None, **more: Any) -> list[str]:
    """The ids of all users who are found, over several pages."""
    ids: list[str] = []
    after = None
    while True:
        page = admin.ask(FIND, w=where, n=2, a=after, **more)["users"]
        ids += [node["userId"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            assert page["totalCount"] == len(ids)
            assert ids == sorted(ids)
            return ids


def person(world: World, first: str, last: str, **more: Any) -> Caller:
    fields = {"firstName": {"value": first}, "lastName": {"value": last, "visibility": "private"}}
    return world.new_user(profile_fields=fields, **more)


def test_users_are_found_by_what_begins_their_texts(world: World) -> None:
    unique = uuid4().hex
    ada = person(world, f"Ada{unique}", f"Love{unique}")
    grace = person(world, f"Grace{unique}", "Hopper", username=f"Gr\u00e4ce-{unique}")
    for text, expected in [
        (f"ada{unique}", [ada]),
        (f"ADA{unique.upper()[:9]}", [ada]),
        (f"love{unique}", [ada]),
        (f"Ada{unique} Lov", [ada]),
        (f"grace{unique} hop", [grace]),
        (f"GR\u00c4CE-{unique}", [grace]),
        (f"gra\u0308ce-{unique}", [grace]),
        (f"{ada.username}@ex", [ada]),
        (f"{unique}", []),
        ("%", []),
        ("_", []),
    ]:
        assert found(world.admin, {"text": text}) == sorted(user.id for user in expected), text


def test_users_are_found_by_lists(world: World) -> None:
    one, two, guest = (
        world.new_user(),
        world.new_user(),
        world.new_user(world.other_tenant_id, permissions=[f"{world.tenant_id}::read"]),
    )
    everybody = sorted([one.id, two.id, guest.id])
    names = [one.username.upper(), two.username, guest.username, world.stranger.username]
    ids = [one.id, two.id, guest.id, world.stranger.id, "none"]
    emails = [f"{user.username}@EXAMPLE.com" for user in (one, two, guest)]
    assert found(world.admin, {"usernames": names}) == everybody
    assert found(world.admin, {"userIds": ids}) == everybody
    assert found(world.admin, {"emails": emails}) == sorted([one.id, two.id])
    assert found(world.admin, {"usernames": names, "emails": emails[:1]}) == [one.id]
    assert found(world.admin, {"userIds": ids, "text": one.username}) == [one.id]
    assert found(world.admin, {"usernames": []}) == []
    members = [user.id for user in (world.member, world.colleague, world.admin)]
    assert found(world.admin) == found(world.admin, {}) == sorted([*everybody, *members])
    assert found(world.owner, {"userIds": ids}, t=world.tenant_id) == everybody


def test_admins_do_not_find_guests_by_what_they_may_not_read(world: World) -> None:
    unique = uuid4().hex
    guest = person(world, f"Joe{unique}", f"Doe{unique}", tenant_id=world.other_tenant_id)
    text = [guest.username, f"{guest.username}@e", f"joe{unique}", f"doe{unique}"]
    assert [found(world.admin, {"text": each}) for each in text] == [[], [], [], []]
    input = {"username": guest.username, "permissions": [f"{world.tenant_id}::read"]}
    write(world.owner, "updateUser", input)
    assert [found(world.admin, {"text": each}) for each in text] == [[guest.id], [], [guest.id], []]
    own = [found(world.foreign_admin, {"text": each}) for each in text]
    assert own == [[guest.id]] * 4
    write(world.owner, "updateUser", input | {"permissions": []})
    assert [found(world.admin, {"text": each}) for each in text] == [[], [], [], []]


def test_texts_follow_changes(world: World) -> None:
    unique = uuid4().hex
    user = person(world, f"Eve{unique}", "x")
    profile = {"firstName": {"value": f"Mia{unique}"}}
    change = {"username": user.username, "profileFields": profile, "email": f"mia{unique}@x.example"}
    write(world.admin, "updateUser", change)
    name = f"mia-{unique}"
    write(world.admin, "renameUser", {"username": user.username, "newUsername": name})
    for text, expected in [
        (f"eve{unique}", []),
        (user.username, []),
        (f"mia{unique}", [user.id]),
        (f"mia{unique}@x", [user.id]),
        (name, [user.id]),
    ]:
        assert found(world.admin, {"text": text}) == expected, text


def test_the_admins_of_a_tenant_are_found(world: World) -> None:
    permission = f"{world.tenant_id}::admin"
    guest = world.new_user(world.other_tenant_id, permissions=[permission])
    near = [f"{world.tenant_id}::administrator", f"{world.other_tenant_id}::admin"]
    world.new_user(permissions=near)
    admins = sorted([world.admin.id, guest.id])
    assert found(world.admin, {"isAdmin": True}) == admins
    assert found(world.owner, {"isAdmin": True}, t=world.tenant_id) == admins
    assert found(world.owner, {"isAdmin": True}, t="") == []
    names = {"usernames": [world.admin.username, world.member.username]}
    assert found(world.admin, {"isAdmin": True} | names) == [world.admin.id]
    assert found(world.admin, {"isAdmin": True, "text": guest.username}) == [guest.id]
    assert found(world.admin, {"isAdmin": True, "emails": [f"{guest.username}@example.com"]}) == []
    assert len(found(world.admin, {"isAdmin": False})) == 5
    assert codes(world.member.graphql(FIND, w={"isAdmin": True})) == "FORBIDDEN"
    write(world.owner, "updateUser", {"username": guest.username, "permissions": []})
    assert found(world.admin, {"isAdmin": True}) == [world.admin.id]


OWNERS = """query ($n: Int, $a: String) { platformOwners(first: $n, after: $a) {
  totalCount nodes { userId isPlatformOwner } pageInfo { hasNextPage endCursor } } }"""


def test_platform_owners_list_each_other(world: World) -> None:
    other = world.new_user(is_platform_owner=True)
    ids: list[str] = []
    after, has_next = None, True
    while has_next:
        page = world.owner.ask(OWNERS, n=1, a=after)["platformOwners"]
        assert all(each["isPlatformOwner"] for each in page["nodes"])
        ids += [each["userId"] for each in page["nodes"]]
        after, has_next = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
    assert page["totalCount"] == len(ids)
    assert {world.owner.id, other.id} <= set(ids)
    assert world.admin.id not in ids
    assert codes(world.admin.graphql(OWNERS)) == "FORBIDDEN"


def test_who_may_find_users(world: World) -> None:
    where = {"usernames": [world.member.username]}
    for caller, tenant in [
        (world.member, world.tenant_id),
        (world.member, None),
        (world.foreign_admin, world.tenant_id),
        (world.admin, world.other_tenant_id),
        (world.admin, "none"),
    ]:
        assert codes(caller.graphql(FIND, w=where, t=tenant)) == "FORBIDDEN"
    assert found(world.owner, where, t="none") == []
    assert codes(world.owner.graphql(FIND, w=where, t="\0")) == "BAD_USER_INPUT"


@pytest.mark.parametrize(
    "where", [{"text": ""}, {"text": "x" * 201}, {"text": "\0"}, {"usernames": ["x"] * 101}]
)
def test_bad_filters_are_refused(world: World, where: dict[str, Any]) -> None:
    assert codes(world.admin.graphql(FIND, w=where)) in ("BAD_USER_INPUT", "LIMIT_EXCEEDED")


def test_a_user_by_email_is_for_admins_of_the_home_tenant(world: World) -> None:
    query = "query ($e: String!, $t: ID!) { user(by: {email: {address: $e, tenantId: $t}}) { userId } }"
    address = f"{world.member.username}@EXAMPLE.COM"
    for caller, tenant, expected in [
        (world.admin, world.tenant_id, {"userId": world.member.id}),
        (world.owner, world.tenant_id, {"userId": world.member.id}),
        (world.foreign_admin, world.other_tenant_id, None),
        (world.member, world.tenant_id, None),
        (world.foreign_admin, world.tenant_id, None),
        (world.owner, world.other_tenant_id, None),
        (world.owner, ":", None),
    ]:
        assert caller.ask(query, e=address, t=tenant) == {"user": expected}
    for email, tenant in (("\0", world.tenant_id), (address, "\0")):
        assert codes(world.owner.graphql(query, e=email, t=tenant)) == "BAD_USER_INPUT"


def test_the_command_line_finds_them(tmp_path: Any) -> None:
    shell = Shell(f"sqlite+aiosqlite:///{tmp_path / 'data.sqlite3'}")
    shell.output("migrate")
    shell.output("tenant", "create", "Acme", "--id", "acme")
    for name in ("ann", "bob"):
        shell.output("user", "create", name, "--tenant", "acme", "--email", f"{name}@x.example")
    shell.output("user", "update", "ann", "--permission", "acme::admin")
    options = (["--text", "AN"], ["--email", "Ann@x.example"], ["--username", "ANN"], ["--admins"])
    for option in options:
        listed = shell.output("user", "list", "--tenant", "acme", *option)
        assert [line.split("\t")[0] for line in listed.splitlines()] == ["ann"]


SEARCHES = {
    "text": (user_search("t", None, None, None, "u1234"), "user_texts"),
    "usernames": (user_search("t", ["u12", "u13"], None, None, None), "uq_users_name_key"),
    "emails": (user_search("t", None, None, ["a", "b"], None), "uq_users_tenant_id_email_key"),
    "userIds": (user_search("t", None, ["a", "b"], None, None), "users"),
}
PAGES = [
    PageRequest(20, False, None, None),
    PageRequest(20, False, "u1", None),
    PageRequest(5, True, None, "u9"),
]


def statements(name: str) -> list[tuple[Any, dict[str, Any]]]:
    search, _ = SEARCHES[name]
    of = (search.lists, search.text is not None)
    pages = [directory._page(*of, request.shape) for request in PAGES]
    parameters = [search.parameters | page_parameters(request) for request in PAGES]
    return [*zip(pages, parameters, strict=True), (directory._count(*of), search.parameters)]


@pytest.mark.parametrize("name", SEARCHES)
def test_sqlite_never_scans(name: str) -> None:
    with closing(sqlite3.connect(":memory:")) as database:
        for table in tables.metadata.sorted_tables:
            database.execute(str(CreateTable(table).compile(dialect=sqlite.dialect())))
            for index in table.indexes:
                database.execute(str(CreateIndex(index).compile(dialect=sqlite.dialect())))
        for statement, parameters in statements(name):
            sql, bind, _ = statement.for_sqlite
            rows = database.execute(f"EXPLAIN QUERY PLAN {sql}", bind(parameters)).fetchall()
            plan = [row[3] for row in rows]
            scans = [step for step in plan if step.startswith("SCAN")]
            assert all("json_each" in step or step in ("SCAN page", "SCAN anon_1") for step in scans), plan


@pytest.fixture(scope="module")
def postgres_url(postgres_server: Postgres) -> str:
    """A database with so many users that PostgreSQL prefers an index."""
    url: str = postgres_server.create_database()

    async def fill() -> None:
        await migrations.upgrade(Settings(database_url=url))
        connection = await asyncpg.connect(url.replace("+asyncpg", ""))
        await connection.execute("""
          INSERT INTO tenants VALUES ('t', 't', 0);
          INSERT INTO users (id, tenant_id, username, email, profile_fields, permissions, is_platform_owner,
            revision, created_at, updated_at, name_key, email_key)
            SELECT id, 't', id, id, '{}', '[]', false, 1, 0, 0, id, id
            FROM (SELECT 'u' || lpad(n::text, 5, '0') AS id FROM generate_series(0, 19999) n) x;
          INSERT INTO memberships SELECT id, 't' FROM users;
          INSERT INTO user_texts SELECT 't', id, id FROM users""")
        await connection.execute("VACUUM ANALYZE")
        await connection.close()

    asyncio.run(fill())
    return url


@pytest.mark.parametrize("name", SEARCHES)
def test_postgres_never_scans(postgres_url: str, name: str) -> None:
    async def explain(prepared: Any, parameters: dict[str, Any]) -> str:
        connection = await asyncpg.connect(postgres_url.replace("+asyncpg", ""))
        try:
            rows = await connection.fetch(f"EXPLAIN {prepared.sql}", *prepared.bind(parameters))
        finally:
            await connection.close()
        return "\n".join(row[0] for row in rows)

    for statement, parameters in statements(name):
        plan = asyncio.run(explain(statement.for_postgres, parameters))
        assert "Seq Scan" not in plan, plan
