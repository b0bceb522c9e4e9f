"""Tenants and platforms: created, listed, renamed and deleted, by the API and the command line alike."""

import json
import threading
from base64 import b64encode
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select

from gql_service.auth.policy import Policy
from gql_service.auth.principal import Principal
from gql_service.domain.definitions.define import remove_definition
from gql_service.domain.maintenance import deletion
from gql_service.domain.writes.changes import replace
from gql_service.domain.writes.unit_of_work import Write, any_revision
from gql_service.errors import NotFound
from gql_service.store import tables
from gql_service.store.statement import Statement
from tests.support.cli_processes import command, run_command
from tests.support.service import serving
from tests.support.users import codes, verdict, write
from tests.support.world import Caller, World


def fresh(prefix: str = "x") -> str:
    return f"{prefix}-{uuid4().hex}"


def run(world: World, *arguments: str) -> Any:
    """The JSON of a command, which must succeed."""
    done = command(world.service.settings.database_url, *arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def rows_of(world: World, platform_id: str) -> int:
    """How many rows of all tables belong to documents of a platform."""

    async def count() -> int:
        async with world.service.services.database.read() as connection:
            found = 0
            for table in tables.metadata.sorted_tables:
                if "platform_id" in table.c:
                    rows = await connection.fetch(Statement(select(table.c.platform_id)))
                    found += sum(id == platform_id for (id,) in rows)
            return found

    return world.service.run(count)


def platform_id(world: World, key: str) -> str:
    (platform,) = world.service.run(lambda: world.service.services.loaders.platforms.load_many([key]))
    assert platform is not None
    return platform.id


def purge(world: World) -> int:
    return world.service.run(lambda: deletion.purge(world.service.services.database))


def keys(caller: Caller, field: str = "platforms") -> list[str]:
    """The keys of all platforms in a list, over several pages."""
    query = f"""query ($a: String) {{ {field}(first: 2, after: $a) {{
      nodes {{ key }} pageInfo {{ hasNextPage endCursor }} }} }}"""
    found: list[str] = []
    after = None
    while True:
        page = caller.ask(query, a=after)[field]
        found += [node["key"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            return found


def test_a_tenant_from_its_creation_to_its_end(world: World) -> None:
    owner, id = world.owner, fresh()
    select = "tenant { tenantId name createdAt }"
    created = write(owner, "createTenant", {"name": "Acme", "tenantId": id}, select)["tenant"]
    assert (created["tenantId"], created["name"]) == (id, "Acme")
    renamed = write(owner, "renameTenant", {"tenantId": id, "name": "New"}, select)["tenant"]
    assert renamed == created | {"name": "New"}
    query = "query ($a: String) { tenants(first: 1, after: $a) { nodes { tenantId name } } }"
    before = b64encode(id[:-1].encode()).decode()
    assert owner.ask(query, a=before)["tenants"]["nodes"] == [{"tenantId": id, "name": "New"}]
    deleted = write(owner, "deleteTenant", {"tenantId": id}, "deletedTenantId contents { users platforms }")
    assert deleted == {"deletedTenantId": id, "contents": {"users": 0, "platforms": 0}}
    assert verdict(owner, "deleteTenant", {"tenantId": id}) == "NOT_FOUND"
    assert verdict(owner, "renameTenant", {"tenantId": id, "name": "x"}) == "NOT_FOUND"
    assert verdict(owner, "createTenant", {"name": "Acme", "tenantId": id}) == "TAKEN tenantId"


@pytest.mark.parametrize(
    ("mutation", "input", "expected"),
    [
        ("createTenant", {"name": " "}, "INVALID_VALUE name"),
        ("createTenant", {"name": "x" * 201}, "INVALID_VALUE name"),
        ("createTenant", {"name": "x", "tenantId": "a b"}, "INVALID_VALUE tenantId"),
        ("createTenant", {"name": "x", "tenantId": "TENANT"}, "TAKEN tenantId"),
        ("renameTenant", {"tenantId": "TENANT", "name": ""}, "INVALID_VALUE name"),
        ("renameTenant", {"tenantId": "none", "name": "x"}, "NOT_FOUND"),
        ("deleteTenant", {"tenantId": "none"}, "NOT_FOUND"),
        ("deleteTenant", {"tenantId": "TENANT"}, "NOT_EMPTY force"),
        ("deleteTenant", {"tenantId": "OWN", "force": True}, "NOT_ALLOWED tenantId"),
        ("createPlatform", {"key": "A", "tenantId": "TENANT"}, "INVALID_VALUE key"),
        ("createPlatform", {"key": "KEY", "tenantId": "TENANT"}, "TAKEN key"),
        ("createPlatform", {"key": "fresh", "tenantId": "none"}, "UNKNOWN_TENANT tenantId"),
        ("createPlatform", {"key": "fresh", "tenantId": "TENANT", "name": ""}, "INVALID_VALUE name"),
        ("renamePlatform", {"platformKey": "KEY", "name": ""}, "INVALID_VALUE name"),
        ("renamePlatform", {"platformKey": "none", "name": "x"}, "NOT_FOUND"),
        ("deletePlatform", {"platformKey": "none"}, "NOT_FOUND"),
    ],
)
def test_bad_input_changes_nothing(world: World, mutation: str, input: dict[str, Any], expected: str) -> None:
    texts = {"TENANT": world.tenant_id, "OWN": world.other_tenant_id, "KEY": world.platform_key}
    input = {
        name: texts.get(value, value) if isinstance(value, str) else value for name, value in input.items()
    }
    query = "query ($k: String!) { platform(key: $k) { key name tenantId users { totalCount } } }"
    before = world.owner.ask(query, k=world.platform_key)
    assert verdict(world.owner, mutation, input) == expected
    assert world.owner.ask(query, k=world.platform_key) == before
    assert world.owner.ask(query, k="fresh") == {"platform": None}


def test_the_platforms_of_each_viewer(world: World) -> None:
    other = world.new_platform()
    own = sorted([world.platform_key, other])
    assert keys(world.member) == keys(world.admin) == own
    guest = world.new_user(world.other_tenant_id, permissions=[f"{world.tenant_id}::read"])
    assert keys(guest) == sorted([*own, world.other_platform_key])
    assert set(keys(world.owner)) >= {*own, world.other_platform_key}
    query = """query ($id: ID!) { user(by: {userId: $id}) {
      platforms { nodes { key } } documents { nodes { platformKey metadata } } } }"""
    guest.rest("PATCH", world.platform_key, {"metadata": {"a": 1}})
    guest.rest("PATCH", world.other_platform_key, {"metadata": {"b": 2}})
    guest.ask("mutation { patchPlatformMetadata(input: {metadata: {c: 3}}) { userErrors { code } } }")

    def seen_by(viewer: Caller) -> tuple[list[str], set[Any]]:
        user = viewer.ask(query, id=guest.id)["user"]
        documents = user["documents"]["nodes"]
        assert len(documents) == len({each["platformKey"] for each in documents})
        return [each["key"] for each in user["platforms"]["nodes"]], {
            each["platformKey"] for each in documents
        }

    everything = sorted([*own, world.other_platform_key])
    assert seen_by(guest) == (everything, {None, world.platform_key, world.other_platform_key})
    assert seen_by(world.owner) == (everything, {None, world.platform_key, world.other_platform_key})
    assert seen_by(world.foreign_admin) == ([world.other_platform_key], {None, world.other_platform_key})
    first = guest.ask("{ me { documents(first: 1) { nodes { platformKey metadata } } } }")
    assert first["me"]["documents"]["nodes"] == [{"platformKey": None, "metadata": {"c": 3}}]


def test_a_deleted_platform_is_gone_at_once_and_its_documents_later(world: World) -> None:
    key, owner = world.platform_key, world.owner
    define = {"platformKey": key, "key": "plan", "valueType": "string", "isIndexed": True}
    write(world.admin, "defineMetadata", define)
    write(world.admin, "defineMetadata", define | {"key": "tags", "valueType": "json"})
    users = [world.new_user() for _ in range(25)]
    for user in users:
        user.rest("PATCH", key, {"metadata": {"plan": "a", "tags": ["x", "y"]}})
    for number in range(3):
        users[0].rest("PATCH", key, {"metadata": {"plan": str(number)}})
    id = platform_id(world, key)
    assert verdict(owner, "deletePlatform", {"platformKey": key}) == "NOT_EMPTY force"
    select = "contents { documents definitions } deletedPlatformKey"
    planned = write(owner, "deletePlatform", {"platformKey": key, "dryRun": True}, select)
    assert planned == {"contents": {"documents": 25, "definitions": 2}, "deletedPlatformKey": None}
    assert users[0].rest("GET", key).status_code == 200
    done = write(owner, "deletePlatform", {"platformKey": key, "force": True}, select)
    assert done == planned | {"deletedPlatformKey": key}
    for method in ("GET", "PATCH"):
        assert users[0].rest(method, key, {"metadata": {"a": 1}}).status_code == 404
    assert codes(world.admin.graphql("query ($k: String!) { platformMetadata(platformKey: $k) { revision } }",
                                     k=key)) == "NOT_FOUND"  # fmt: skip
    assert verdict(owner, "deletePlatform", {"platformKey": key}) == "NOT_FOUND"
    assert verdict(owner, "createPlatform", {"key": key, "tenantId": world.tenant_id}) == "TAKEN key"
    assert rows_of(world, id) > 25
    assert purge(world) >= 25
    assert rows_of(world, id) == 0
    assert purge(world) == 0


def test_an_export_leaves_out_what_is_left_of_a_deleted_platform(fresh_database_url: str) -> None:
    run_command(fresh_database_url, "migrate")
    with serving(fresh_database_url) as service:
        world = World(service)
        world.member.rest("PATCH", world.platform_key, {"metadata": {"a": 1}})
        write(world.owner, "deletePlatform", {"platformKey": world.platform_key, "force": True})
        exported = command(fresh_database_url, "export", "-")
    assert exported.returncode == 0, exported.stderr
    assert world.platform_key not in exported.stdout
    assert '"type":"document"' not in exported.stdout


def test_who_has_opened_a_platform_before_its_end_defines_nothing(world: World) -> None:
    (platform,) = world.service.run(
        lambda: world.service.services.loaders.platforms.load_many([world.platform_key])
    )
    assert platform is not None
    access = Policy().platform_for_operator(platform)
    write(world.owner, "deletePlatform", {"platformKey": world.platform_key})
    with pytest.raises(NotFound):
        world.service.write(lambda tx: remove_definition(tx, access, "plan", now=0))


def test_who_has_opened_a_document_before_the_end_of_its_platform_writes_nothing(world: World) -> None:
    services, user = world.service.services, world.member
    (platform,) = world.service.run(lambda: services.loaders.platforms.load_many([world.platform_key]))
    assert platform is not None
    caller = Principal.create(user.id, user.username, world.tenant_id, (), is_platform_owner=False)
    access = Policy().platform_document(caller, platform, user.user)
    change = replace({"a": 1}, services.write_settings.limits)
    write(world.owner, "deletePlatform", {"platformKey": world.platform_key})
    with pytest.raises(NotFound):
        world.service.run(lambda: services.writer.write(Write(access, change, any_revision, "test")))
    assert rows_of(world, platform.id) == 1  # that says what is still to be purged
    purge(world)


def test_an_interrupted_purge_goes_on(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each transaction deletes a part; what is left is found again by the next sweep."""
    key, user = world.platform_key, world.member
    for number in range(6):
        user.rest("PATCH", key, {"metadata": {"n": number}})
    world.colleague.rest("PATCH", key, {"metadata": {"n": 1}})
    id = platform_id(world, key)
    write(world.owner, "deletePlatform", {"platformKey": key, "force": True})
    monkeypatch.setattr(deletion, "_MAX_CHANGES", 2)
    sizes = [rows_of(world, id)]
    while rows_of(world, id):
        world.service.write(deletion._purge_batch)
        sizes.append(rows_of(world, id))
    assert sizes == sorted(sizes, reverse=True)
    assert len(sizes) > 4


def test_a_tenant_is_deleted_with_its_users_and_permissions(world: World) -> None:
    tenant = world.new_tenant()
    key = world.new_platform(tenant)
    users = [world.new_user(tenant) for _ in range(3)]
    for user in users:
        user.rest("PATCH", key, {"metadata": {"a": 1}})
    kept = f"{world.tenant_id}::read"
    guest = world.new_user(permissions=[f"{tenant}::admin", kept, f"{tenant}::read"])
    select = "deletedTenantId contents { users guests platforms documents }"
    planned = write(world.owner, "deleteTenant", {"tenantId": tenant, "dryRun": True}, select)
    contents = {"users": 3, "guests": 1, "platforms": 1, "documents": 3}
    assert planned == {"deletedTenantId": None, "contents": contents}
    done = write(world.owner, "deleteTenant", {"tenantId": tenant, "force": True}, select)
    assert done == {"deletedTenantId": tenant, "contents": contents}
    assert guest.ask("{ me { permissions } }") == {"me": {"permissions": [kept]}}
    for user in users:
        assert codes(user.graphql("{ me { id } }")) == "UNAUTHENTICATED"
    assert verdict(world.owner, "createPlatform", {"key": key, "tenantId": world.tenant_id}) == "TAKEN key"
    new = {"username": fresh("u"), "tenantId": tenant, "email": "a@b.example"}
    assert verdict(world.owner, "createUser", new) == "UNKNOWN_TENANT tenantId"
    grant = {"username": guest.username, "permissions": [f"{tenant}::read"]}
    assert verdict(world.owner, "updateUser", grant) == "UNKNOWN_TENANT permissions"
    purge(world)


def test_a_large_tenant_takes_several_requests(world: World) -> None:
    tenant = world.new_tenant()
    for _ in range(21):
        world.new_user(tenant)
    select, input = "deletedTenantId contents { users }", {"tenantId": tenant, "force": True}
    first = write(world.owner, "deleteTenant", input, select)
    assert first == {"deletedTenantId": None, "contents": {"users": 21}}
    second = write(world.owner, "deleteTenant", input, select)
    assert second == {"deletedTenantId": tenant, "contents": {"users": 1}}


def test_a_platform_is_deleted_while_users_write(world: World) -> None:
    """Every write is done before, or finds no platform; no document is left."""
    users, key, outcomes = [world.new_user() for _ in range(4)], world.platform_key, list[int]()
    id, deleted = platform_id(world, key), threading.Event()

    def write_often(user: Caller) -> None:
        for number in range(200):
            outcomes.append(user.rest("PATCH", key, {"metadata": {"n": number}}).status_code)
            if deleted.is_set() and outcomes[-1] == 404:
                return

    threads = [threading.Thread(target=write_often, args=(user,)) for user in users]
    for thread in threads:
        thread.start()
    write(world.owner, "deletePlatform", {"platformKey": key, "force": True})
    deleted.set()
    for thread in threads:
        thread.join()
    purge(world)
    assert set(outcomes) <= {200, 404}
    assert rows_of(world, id) == 0


def test_the_command_line_does_the_same(world: World) -> None:
    tenant, key = fresh(), fresh("p")
    run(world, "tenant", "create", "Acme", "--id", tenant)
    assert run(world, "tenant", "rename", tenant, "New")["name"] == "New"
    assert {"id": tenant, "name": "New"}.items() <= next(
        each for each in run(world, "tenant", "list") if each["id"] == tenant
    ).items()
    run(world, "platform", "create", key, "--tenant", tenant)
    assert run(world, "platform", "rename", key, "Shop")["name"] == "Shop"
    assert (key, "Shop") in [(each["key"], each["name"]) for each in run(world, "platform", "list")]
    user = world.new_user(tenant)
    user.rest("PATCH", key, {"metadata": {"a": 1}})
    id = platform_id(world, key)
    url = world.service.settings.database_url
    for what in (("platform", "delete", key), ("tenant", "delete", tenant)):
        refused = command(url, *what, "--yes")
        assert (refused.returncode, refused.stdout) == (1, "")
        assert "use --force" in refused.stderr
        assert run(world, *what, "--dry-run")["documents"] == 1
    assert run(world, "platform", "delete", key, "--force", "--yes")["documents"] == 1
    assert rows_of(world, id) == 0
    assert run(world, "tenant", "delete", tenant, "--force", "--yes")["users"] == 1
    for words in (f"platform delete {key}", f"tenant delete {tenant}", f"tenant rename {tenant} x"):
        gone = command(url, *words.split())
        assert (gone.returncode, gone.stdout) == (1, "")
