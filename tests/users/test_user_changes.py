"""`User.changes`: who did what to a user, and when, for admins; it never has a secret."""

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gql_service.domain.maintenance.user_change_retention import UserChangeWalk
from tests.support.cli_processes import command
from tests.support.retention import DAY
from tests.support.service import Service, serving
from tests.support.users import ask, codes, corrupt, guest, verdict, write
from tests.support.world import Caller, World

FIELDS = "id action field member oldValue newValue actorId source changedAt"
PAGE = (
    f"changes(first: $first, after: $after) {{ nodes {{ {FIELDS} }} pageInfo {{ hasNextPage endCursor }} }}"
)
QUERY = f"query ($id: ID!, $first: Int, $after: String) {{ user(by: {{userId: $id}}) {{ {PAGE} }} }}"
STATE = """username email emailVerified image language permissions isPlatformOwner profileFields
  recentProjects lastSeenReleaseVersion personalAgentPermissions passwordChangeDisabled
  optInDecisions { name optedIn decidedAt } badges { name } tokens(first: 100) { nodes { id revokedAt } }"""


@pytest.fixture(scope="module")
def world(service: Service) -> World:
    return World(service)


def changes_of(viewer: Caller, user: Caller, size: int = 100) -> list[dict[str, Any]]:
    """All changes of a user, oldest first, read in pages."""
    found: list[dict[str, Any]] = []
    after = None
    while True:
        page = viewer.ask(QUERY, id=user.id, first=size, after=after)["user"]["changes"]
        found += page["nodes"]
        if not page["pageInfo"]["hasNextPage"]:
            return found[::-1]
        after = page["pageInfo"]["endCursor"]


def summary(change: dict[str, Any]) -> tuple[Any, ...]:
    """What was done by a change, and by whom."""
    return tuple(change[name] for name in ("action", "field", "member", "oldValue", "newValue", "actorId"))


def new_changes(world: World, user: Caller, known: int) -> list[tuple[Any, ...]]:
    return [summary(each) for each in changes_of(world.admin, user)[known:]]


def test_a_new_user_has_their_creation_and_first_rights(world: World) -> None:
    permission, name = f"{world.tenant_id}::read", f"u_{uuid4().hex}"
    input = {
        "username": name,
        "tenantId": world.tenant_id,
        "email": f"{name}@b.c",
        "permissions": [permission],
    }
    created = write(world.admin, "createUser", input, "user { userId }")["user"]["userId"]
    nodes = world.admin.ask(QUERY, id=created)["user"]["changes"]["nodes"]
    by = world.admin.id
    assert [summary(each) for each in nodes[::-1]] == [
        ("CREATED", None, None, None, None, by),
        ("GRANTED", "permissions", permission, None, None, by),
    ]
    assert {each["source"] for each in nodes} == {"graphql"}


def test_each_field_is_told_with_its_values_and_actor(world: World) -> None:
    user, by, permission = world.new_user(), world.admin.id, f"{world.tenant_id}::read"
    known = len(changes_of(world.admin, user))
    name = user.username
    write(user, "updateUser", {"language": "de", "profileFields": {"city": {"value": 1}}})
    write(user, "updateUser", {"profileFields": {"city": {"value": True}}})  # not the same as 1
    write(world.admin, "updateUser", {"username": name, "email": f"x{name}@b.c", "permissions": [permission]})
    write(world.owner, "updateUser", {"username": name, "permissions": [], "isPlatformOwner": True})
    write(world.owner, "updateUser", {"username": name, "isPlatformOwner": False})
    write(world.admin, "renameUser", {"username": name, "newUsername": f"r{name}"})
    write(world.admin, "checkBadge", {"username": f"r{name}", "badge": "projectCreated"})
    issued = write(user, "issueToken", {"label": "ci"}, "accessToken { id }")["accessToken"]["id"]
    write(world.admin, "revokeToken", {"id": issued})
    first = user.token.split("_")[1]
    second = write(user, "issueToken", {"replaces": first, "overlapSeconds": 9}, "accessToken { id }")
    second = second["accessToken"]["id"]
    revoked = write(world.owner, "revokeTokens", {"username": f"r{name}"}, "revokedIds")["revokedIds"]
    changes = new_changes(world, user, known)
    shortened = changes.pop(-4)
    assert shortened[:4] == ("SHORTENED", "tokens", first, None)
    assert list(shortened[4]) == ["expiresAt"]
    assert changes == [
        ("CHANGED", "language", None, None, "de", user.id),
        ("CHANGED", "profileFields", "city", None, {"value": 1}, user.id),
        ("CHANGED", "profileFields", "city", {"value": 1}, {"value": True}, user.id),
        ("CHANGED", "email", None, f"{name}@example.com", f"x{name}@b.c", by),
        ("GRANTED", "permissions", permission, None, None, by),
        ("REMOVED", "permissions", permission, None, None, world.owner.id),
        ("CHANGED", "isPlatformOwner", None, False, True, world.owner.id),
        ("CHANGED", "isPlatformOwner", None, True, False, world.owner.id),
        ("CHANGED", "username", None, name, f"r{name}", by),
        ("AWARDED", "badges", "projectCreated", None, None, by),
        ("ISSUED", "tokens", issued, None, {"label": "ci", "expiresAt": None}, user.id),
        ("REVOKED", "tokens", issued, None, None, by),
        ("ISSUED", "tokens", second, None, {"label": "", "expiresAt": None}, user.id),
        *(("REVOKED", "tokens", each, None, None, world.owner.id) for each in revoked),
    ]
    assert {first, second} == set(revoked)


def test_what_changes_nothing_is_not_summary(world: World) -> None:
    user = world.new_user(language="de")
    write(world.admin, "checkBadge", {"username": user.username, "badge": "projectCreated"})
    issued = write(user, "issueToken", {}, "accessToken { id }")["accessToken"]["id"]
    write(user, "revokeToken", {"id": issued})
    before = changes_of(world.admin, user)
    write(user, "updateUser", {"language": "de"})
    write(world.admin, "renameUser", {"username": user.username, "newUsername": user.username})
    write(world.admin, "checkBadge", {"username": user.username, "badge": "projectCreated"})
    write(user, "revokeToken", {"id": issued})
    assert verdict(user, "updateUser", {"language": "xx"}) == "INVALID_VALUE language"
    assert verdict(user, "updateUser", {"email": "a@b.c"}) == "NOT_ALLOWED email"
    assert verdict(world.admin, "updateUser", {"username": user.username, "expectedRevision": 9}) != "OK"
    assert changes_of(world.admin, user) == before


def test_only_admins_of_the_home_tenant_read_changes(world: World) -> None:
    visitor = guest(world)
    for viewer, user in [
        (world.member, world.member),
        (world.colleague, world.member),
        (world.admin, visitor),
    ]:
        body = viewer.graphql(QUERY, id=user.id)
        assert codes(body) == "FORBIDDEN"
        assert body["data"]["user"] == {"changes": None}
    for viewer in (world.foreign_admin, world.owner):
        assert changes_of(viewer, visitor)[0]["action"] == "CREATED"
    token = write(world.admin, "issueToken", {"scopes": ["READ", "WRITE"]}, "token")["token"]
    assert (
        codes(Caller(world.service, world.admin.user, token).graphql(QUERY, id=world.member.id))
        == "FORBIDDEN"
    )


def test_an_admin_takes_a_permission_from_a_guest(world: World) -> None:
    visitor = guest(world)
    write(world.admin, "updateUser", {"username": visitor.username, "permissions": []})
    last = changes_of(world.foreign_admin, visitor)[-1]
    permission = f"{world.tenant_id}::editor"
    assert summary(last) == ("REMOVED", "permissions", permission, None, None, world.admin.id)
    query = QUERY.replace("actorId", "actor { username }")
    seen = world.owner.ask(query, id=visitor.id, first=1)["user"]["changes"]["nodes"]
    hidden = world.foreign_admin.ask(query, id=visitor.id, first=1)["user"]["changes"]["nodes"]
    assert [seen[0]["actor"], hidden[0]["actor"]] == [{"username": world.admin.username}, None]


def test_a_deleted_tenant_is_taken_from_everybody(world: World) -> None:
    tenant = world.new_tenant()
    users = [
        world.new_user(permissions=[f"{tenant}::{each}" for each in ("read", "write")]) for _ in range(2)
    ]
    write(world.owner, "deleteTenant", {"tenantId": tenant})
    for user in users:
        assert [summary(each) for each in changes_of(world.admin, user)[-2:]] == [
            ("REMOVED", "permissions", f"{tenant}::{each}", None, None, world.owner.id)
            for each in ("read", "write")
        ]


def test_a_malformed_value_is_told_as_unknown(world: World) -> None:
    user = world.new_user()
    corrupt(world, user, permissions="17")
    write(world.owner, "updateUser", {"username": user.username, "language": "de"})
    assert summary(changes_of(world.owner, user)[-1])[1:5] == ("language", None, None, "de")


def test_no_secret_is_summary(world: World) -> None:
    user = world.new_user()
    token = write(user, "issueToken", {"label": "x"}, "token")["token"]
    assert token.rsplit("_", 1)[1] not in json.dumps(changes_of(world.admin, user))


def test_pages_are_stable_and_newest_first(world: World) -> None:
    user = world.new_user()
    for language in ("de", "en", "fr", "it", "es"):
        write(user, "updateUser", {"language": language})
    everything = changes_of(world.admin, user)
    assert changes_of(world.admin, user, size=2) == everything
    assert [each["newValue"] for each in everything[-5:]] == ["de", "en", "fr", "it", "es"]
    assert [each["id"] for each in everything] == sorted((each["id"] for each in everything), reverse=True)
    query = "query ($id: ID!, $b: String) { user(by: {userId: $id}) { changes(last: 2, before: $b) { edges {"
    query += " cursor node { id } } pageInfo { hasPreviousPage } } } }"
    last = world.admin.ask(query, id=user.id)["user"]["changes"]
    assert [each["node"]["id"] for each in last["edges"]] == [everything[1]["id"], everything[0]["id"]]
    bad = world.admin.graphql(QUERY, id=user.id, after="%")
    assert codes(bad) == "BAD_USER_INPUT"


def test_changes_of_many_users_come_together(world: World) -> None:
    users = [world.new_user(language=each) for each in ("de", "en")]
    ids = [user.id for user in users]
    query = "query ($t: ID!, $ids: [ID!]) { users(tenantId: $t, where: {userIds: $ids}) { nodes { userId"
    query += " changes(last: 1) { nodes { action } } } } }"
    nodes = world.admin.ask(query, t=world.tenant_id, ids=ids)["users"]["nodes"]
    assert {each["userId"]: each["changes"]["nodes"] for each in nodes} == {
        id: [{"action": "CREATED"}] for id in ids
    }


def test_the_command_line_writes_and_lists_changes(world: World) -> None:
    user, url = world.new_user(), world.service.settings.database_url
    for arguments in (
        ["user", "update", user.username, "--language", "de"],
        ["user", "badge", user.username, "projectCreated"],
        ["token", "revoke-all", user.username],
    ):
        assert command(url, *arguments).returncode == 0
    done = command(url, "user", "changes", user.username, "--json")
    assert done.returncode == 0, done.stderr
    listed = json.loads(done.stdout)
    assert listed[::-1] == changes_of(world.admin, user)
    assert [(each["action"], each["actorId"], each["source"]) for each in listed[:3]] == [
        (action, None, "cli") for action in ("REVOKED", "AWARDED", "CHANGED")
    ]
    lines = command(url, "user", "changes", user.username).stdout.splitlines()
    assert len(lines) == len(listed)
    assert lines[2].split("\t")[2:] == ["cli", "CHANGED", "language", "", "", "de"]
    assert command(url, "user", "changes", "nobody").returncode == 1


def test_changes_are_kept_as_long_as_history(fresh_database_url: str) -> None:
    with serving(fresh_database_url, history_max_age=2, history_max_changes=4) as service:
        world, walk = (
            World(service),
            UserChangeWalk(
                service.services.database, service.services.write_settings.retention, service.services.clock
            ),
        )
        user, other = world.new_user(), world.new_user()
        for language in ("de", "en", "fr"):
            write(user, "updateUser", {"language": language})
        everything = changes_of(world.admin, user)
        assert service.run(walk.whole) == len(everything) - 4
        assert changes_of(world.admin, user) == everything[-4:]
        service.clock_offset += 3 * DAY
        write(user, "updateUser", {"language": "it"})
        assert service.run(walk.whole) > 4  # those of all others, too
        assert [each["newValue"] for each in changes_of(world.admin, user)] == ["it"]
        assert changes_of(world.admin, other) == []
        write(user, "updateUser", {"language": "es"})
        assert [each["newValue"] for each in changes_of(world.admin, user)] == ["it", "es"]
        done = command(fresh_database_url, "sweep", "--json")
        assert json.loads(done.stdout)["userChanges"] == 0


def test_erasing_removes_changes_and_the_actor(world: World) -> None:
    admin = world.new_user(permissions=[f"{world.tenant_id}::admin"])
    user = world.new_user()
    write(admin, "updateUser", {"username": user.username, "language": "de"})
    token = write(admin, "issueToken", {"username": user.username}, "accessToken { id }")["accessToken"]["id"]
    own = len(changes_of(world.admin, admin))
    select = "deletion { userChanges changedUserChanges revokedTokens }"
    deletion = write(world.admin, "deleteUser", {"username": admin.username}, select)["deletion"]
    assert deletion == {"userChanges": own, "changedUserChanges": 2, "revokedTokens": 1}
    assert [summary(each) for each in changes_of(world.admin, user)[-3:]] == [
        ("CHANGED", "language", None, None, "de", None),
        ("ISSUED", "tokens", token, None, {"label": "", "expiresAt": None}, None),
        ("REVOKED", "tokens", token, None, None, world.admin.id),
    ]
    assert changes_of(world.admin, user)[-2]["source"] == "graphql"


Operation = tuple[str, dict[str, Any]]
_NAMES = st.sampled_from(["a", "b", "c"])
_PERMISSIONS = st.lists(st.sampled_from(["read", "write", "view"]), max_size=3, unique=True)
_UPDATES = st.fixed_dictionaries(
    {},
    optional={
        "language": st.sampled_from(["de", "en", None]),
        "image": st.sampled_from(["https://a/1.png", None]),
        "emailVerified": st.booleans(),
        "permissions": _PERMISSIONS,
        "profileFields": st.dictionaries(
            _NAMES,
            st.none() | st.builds(lambda value: {"value": value}, st.sampled_from([1, True, "x", 1.5])),
        ),
        "recentProjects": st.dictionaries(_NAMES, st.none() | st.sampled_from([1, 2])),
        "personalAgentPermissions": st.dictionaries(
            _NAMES,
            st.none() | st.builds(lambda may: {"t": {"read": may, "write": False}}, st.booleans()),
        ),
        "optInDecisions": st.lists(
            st.builds(
                lambda name, yes: {"name": name, "optedIn": yes, "decidedAt": 1}, _NAMES, st.booleans()
            ),
            max_size=2,
            unique_by=lambda each: each["name"],
        ),
    },
)
_OPERATIONS: Any = st.one_of(
    st.tuples(st.just("update"), _UPDATES),
    st.tuples(st.sampled_from(["rename", "badge", "issue", "revoke"]), st.just({})),
)


def apply(world: World, user: Caller, name: str, operation: Operation) -> str:
    """Do an operation; returns the name of the user after it."""
    kind, input = operation
    if kind == "rename":
        write(world.owner, "renameUser", {"username": name, "newUsername": f"v{name}"})
        return f"v{name}"
    if kind == "update":
        tenant = world.other_tenant_id
        permissions = {"permissions": [f"{tenant}::{each}" for each in input.get("permissions", ())]}
        given_permissions = permissions if "permissions" in input else {}
        write(world.owner, "updateUser", {"username": name} | input | given_permissions)
    elif kind == "badge":
        write(world.owner, "checkBadge", {"username": name, "badge": "projectCreated"})
    elif kind == "issue":
        write(world.owner, "issueToken", {"username": name})
    else:
        write(world.owner, "revokeTokens", {"username": name})
    return name


def state_of(world: World, user: Caller) -> dict[str, Any]:
    """What changes tell of a user, in a form that undoing can change."""
    state: dict[str, Any] = ask(world.owner, user, STATE)
    state["permissions"] = set(state["permissions"])
    state["badges"] = {each["name"] for each in state["badges"]}
    state["optInDecisions"] = {each.pop("name"): each for each in state["optInDecisions"]}
    state["tokens"] = {each["id"]: each["revokedAt"] is None for each in state["tokens"]["nodes"]}
    return state


def canonical(value: Any) -> str:
    """`true` and 1 differ as JSON, not in Python."""
    return json.dumps(value, sort_keys=True)


def canonical_state(state: dict[str, Any]) -> str:
    return canonical({name: sorted(each) if isinstance(each, set) else each for name, each in state.items()})


def undo(state: dict[str, Any], change: dict[str, Any]) -> None:
    """Turn the state after a change into the one before it."""
    field, member, old = change["field"], change["member"], change["oldValue"]
    match change["action"]:
        case "GRANTED" | "AWARDED":
            state[field].remove(member)
        case "REMOVED":
            state[field].add(member)
        case "ISSUED":
            assert state[field].pop(member)
        case "REVOKED":
            state[field][member] = True
        case "CHANGED" if field == "permissions":
            assert sorted(old) == sorted(change["newValue"])  # another order
        case "CHANGED" if member is None:
            assert state[field] == change["newValue"]
            state[field] = old
        case "CHANGED":
            assert canonical(state[field].get(member)) == canonical(change["newValue"])
            if old is None:
                del state[field][member]
            else:
                state[field][member] = old


@settings(max_examples=20)
@given(st.lists(_OPERATIONS, min_size=1, max_size=8))
def test_undoing_changes_gives_each_earlier_state(world: World, operations: list[Operation]) -> None:
    user = world.new_user()
    name, states = user.username, [state_of(world, user)]
    counts = [len(changes_of(world.owner, user))]
    for operation in operations:
        name = apply(world, user, name, operation)
        states.append(state_of(world, user))
        counts.append(len(changes_of(world.owner, user)))
    changes, state = changes_of(world.owner, user, size=7), states[-1]
    for count, expected in zip(counts[-2::-1], states[-2::-1], strict=True):
        while len(changes) > count:
            undo(state, changes.pop())
        assert canonical_state(state) == canonical_state(expected)


def test_an_import_records_the_creation(fresh_database_url: str, tmp_path: Path) -> None:
    lines = [
        {"type": "tenant", "id": "t", "name": "T", "createdAt": 1},
        {"type": "user", "id": "u", "tenantId": "t", "username": "ann", "email": "a@b.c", "createdAt": 1,
         "permissions": ["t::read"]},
    ]  # fmt: skip
    file = tmp_path / "all.jsonl"
    file.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    assert command(fresh_database_url, "migrate").returncode == 0
    for _ in range(2):  # the second one changes nothing
        assert command(fresh_database_url, "import", str(file)).returncode == 0
    listed = json.loads(command(fresh_database_url, "user", "changes", "ann", "--json").stdout)
    assert [(each["action"], each["member"], each["source"], each["actorId"]) for each in listed] == [
        ("GRANTED", "t::read", "import", None),
        ("CREATED", None, "import", None),
    ]
