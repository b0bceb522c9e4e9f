"""Malformed stored data: a clear error of the fields that read it, and of nothing else."""

import asyncio
from typing import Any

import httpx
import pytest
from sqlalchemy import LargeBinary, cast

from gql_service.store import tables
from tests.support.http_clients import async_http_client
from tests.support.service import Service
from tests.support.users import ask, codes, corrupt, guest, send, store, verdict, write
from tests.support.world import Caller, World

PERMISSIONS = [
    '{"TENANT::admin": true}', "5", "[1]", "null", '"TENANT::admin"', "[null]", '[["TENANT::admin"]]'
]  # fmt: skip
DECISIONS = [
    *("5", "null", "{}", '""', '{"name": "beta"}', "[5]", "[[]]", '["beta"]'),
    '[{"name": "beta", "opted_in": true}]',
    '[{"name": "beta", "opted_in": 1, "decided_at": 1}]',
    '[{"name": 5, "opted_in": true, "decided_at": 1}]',
    '[{"name": "beta", "opted_in": true, "decided_at": -1}]',
    '[{"name": "beta", "opted_in": true, "decided_at": "soon"}]',
    '[{"name": "beta", "opted_in": true, "decided_at": 1, "more": 1}]',
    '[{"name": "good", "opted_in": true, "decided_at": 1}, {"name": ""}]',
]
EARNED_AT = [-1, 2**53, 2**63 - 1]
NOT_OBJECTS = ["[]", "5", "null", '"x"', "[{}]", "true"]
NOT_PROFILES = [*NOT_OBJECTS, '{"firstName": 5}', '{"email": []}', '{"a": null}']
ON_SQLITE_ALONE: dict[str, list[Any]] = {  # whose columns take anything
    "permissions": ["", "{", "[", "\u20ac"],
    "optInDecisions": ["", "{", "[{]"],
    "badges": ["soon", 1.5, b"\xff", ""],
    "profileFields": ["", "{", b"\xff", 1.5],
    "recentProjects": ["", "{", b"\xff", 1.5],
    "personalAgentPermissions": ["", "{", b"\xff", 1.5],
}
FIELDS = {
    "permissions": "permissions",
    "optInDecisions": "optInDecisions { name }",
    "badges": "badges { name }",
    "profileFields": "profileFields",
    "recentProjects": "recentProjects",
    "personalAgentPermissions": "personalAgentPermissions",
}
COLUMNS = {
    "optInDecisions": "opt_in_decisions",
    "profileFields": "profile_fields",
    "recentProjects": "recent_projects",
    "personalAgentPermissions": "personal_agent_permissions",
}
WRITES: dict[str, Any] = {
    "optInDecisions": [{"name": "beta", "optedIn": True}],
    "profileFields": {"a": {"value": 1}},
    "recentProjects": {"a": 1},
    "personalAgentPermissions": {"a": {}},
}
CASES = (
    [("permissions", value) for value in PERMISSIONS]
    + [("optInDecisions", value) for value in DECISIONS]
    + [("badges", value) for value in EARNED_AT]
    + [("profileFields", value) for value in NOT_PROFILES]
    + [("recentProjects", value) for value in NOT_OBJECTS]
    + [("personalAgentPermissions", value) for value in NOT_OBJECTS]
)
LIST = """query ($key: String!) { platform(key: $key) { users(first: 100) {
  totalCount nodes { userId username language FIELD } } } }"""


@pytest.fixture(scope="module")
def world(service: Service) -> World:
    return World(service)


def user_with(world: World, field: str, value: Any, **facts: Any) -> Caller:
    """A new user with a malformed value in a field."""
    user = world.new_user(**facts)
    if field == "badges":
        store(world, tables.earned_badges, user_id=user.id, name="firstActionCreated", earned_at=1)
        store(world, tables.earned_badges, user_id=user.id, name="projectCreated", earned_at=value)
    elif field == "permissions":
        corrupt(world, user, permissions=value.replace("TENANT", world.tenant_id))
    else:
        corrupt(world, user, **{COLUMNS[field]: value})
    return user


def assert_clear(error: dict[str, Any], field: str, user: Caller) -> None:
    assert error["extensions"]["code"] == "MALFORMED_DATA"
    assert field in error["message"]
    assert user.id in error["message"]


def see(viewer: Caller, user: Caller, fields: str) -> dict[str, Any]:
    return viewer.graphql(f"query ($id: ID!) {{ user(by: {{userId: $id}}) {{ {fields} }} }}", id=user.id)


@pytest.mark.parametrize(("field", "value"), CASES)
def test_the_error_names_the_user_and_the_field(world: World, field: str, value: Any) -> None:
    user = user_with(world, field, value)
    for viewer in (world.owner, world.admin):
        body = see(viewer, user, f"username {FIELDS[field]}")
        (error,) = body["errors"]
        assert_clear(error, field, user)
        assert error["path"] == ["user", field]


@pytest.mark.parametrize("field", ON_SQLITE_ALONE)
def test_the_error_names_the_user_and_the_field_for_any_value_in_sqlite(world: World, field: str) -> None:
    if world.service.settings.database_url.startswith("sqlite"):
        for value in ON_SQLITE_ALONE[field]:
            user = user_with(world, field, value)
            (error,) = see(world.owner, user, FIELDS[field])["errors"]
            assert_clear(error, field, user)


def test_a_badge_whose_name_is_not_a_text_is_an_error_of_its_user_only(world: World) -> None:
    if world.service.settings.database_url.startswith("sqlite"):
        user, other = user_with(world, "badges", 1), user_with(world, "badges", 1)
        store(world, tables.earned_badges, user_id=user.id, name=cast(b"\xff", LargeBinary), earned_at=1)
        ids = [ask(world.owner, each, "id")["id"] for each in (user, other)]
        query = "query ($ids: [ID!]!) { nodes(ids: $ids) { ... on User { badges { name } } } }"
        body = world.owner.graphql(query, ids=ids)
        (error,) = body["errors"]
        assert_clear(error, "badges", user)
        assert [node["badges"] is None for node in body["data"]["nodes"]] == [True, False]


@pytest.mark.parametrize("field", FIELDS)
def test_other_fields_of_the_same_user_are_readable(world: World, field: str) -> None:
    value = dict(CASES)[field]
    user = user_with(world, field, value, language="de")
    good = {each: text for each, text in FIELDS.items() if each != field}
    body = see(world.owner, user, f"username language displayName {' '.join(FIELDS.values())}")
    assert body["data"]["user"] is not None, body["errors"]
    readable = ask(world.owner, user, f"username language displayName {' '.join(good.values())}")
    assert body["data"]["user"] == readable | {field: None}


@pytest.mark.parametrize("field", FIELDS)
def test_other_users_of_a_list_are_readable(service: Service, field: str) -> None:
    world = World(service)
    good = world.owner.ask(LIST.replace("FIELD", FIELDS[field]), key=world.platform_key)
    user = user_with(world, field, dict(CASES)[field], language="de")
    body = world.owner.graphql(LIST.replace("FIELD", FIELDS[field]), key=world.platform_key)
    (error,) = body["errors"]
    assert_clear(error, field, user)
    assert body["data"]["platform"] is not None, error["path"]
    users = body["data"]["platform"]["users"]
    assert users["totalCount"] == len(users["nodes"]) == good["platform"]["users"]["totalCount"] + 1
    others = [row for row in users["nodes"] if row["userId"] != user.id]
    assert others == good["platform"]["users"]["nodes"]
    (spoilt,) = [row for row in users["nodes"] if row["userId"] == user.id]
    assert spoilt == {"userId": user.id, "username": user.username, "language": "de", field: None}


@pytest.mark.parametrize("field", FIELDS)
def test_a_list_without_the_malformed_field_has_no_errors(service: Service, field: str) -> None:
    world = World(service)
    user = user_with(world, field, dict(CASES)[field])
    query = LIST.replace("FIELD", "displayName email image")
    for viewer in (world.admin, world.owner):
        nodes = viewer.ask(query, key=world.platform_key)["platform"]["users"]["nodes"]
        assert user.id in {row["userId"] for row in nodes}


@pytest.mark.parametrize("field", [field for field in FIELDS if field != "permissions"])
def test_other_fields_of_a_session_are_readable(world: World, field: str) -> None:
    user = user_with(world, field, dict(CASES)[field], language="de")
    assert user.ask("{ session { id language permissions } }")["session"]["language"] == "de"
    body = user.graphql(f"{{ session {{ id language {FIELDS[field]} }} }}")
    (error,) = body["errors"]
    assert_clear(error, field, user)
    assert body["data"] == {"session": {"id": user.id, "language": "de", field: None}}


@pytest.mark.parametrize("value", PERMISSIONS)
def test_callers_with_malformed_permissions_get_a_clear_error(world: World, value: str) -> None:
    """In GraphQL and REST alike, and never an internal error."""
    user = user_with(world, "permissions", value)
    body, response = user.graphql("{ me { username } }"), user.rest("GET", world.platform_key)
    if "errors" in body:
        assert_clear(body["errors"][0], "permissions", user)
        assert "permissions" in response.text
    else:
        assert body == {"data": {"me": {"username": user.username}}}
        assert response.status_code == 200


@pytest.mark.parametrize("value", PERMISSIONS)
def test_malformed_permissions_give_no_rights(world: World, value: str) -> None:
    """Even if they contain the text of a permission."""
    user = user_with(world, "permissions", value)
    body = see(user, world.member, "email")
    assert (body.get("data") or {}).get("user") is None
    for mutation, more in (("updateUser", {"language": "de"}), ("issueToken", {})):
        assert verdict(user, mutation, {"username": world.member.username} | more) != "OK"
    assert user.rest("GET", world.platform_key, username=world.member.username).status_code >= 400


@pytest.mark.parametrize("value", ["5", "[1]"])
def test_concurrent_requests_of_others_succeed(world: World, value: str) -> None:
    """Callers are looked up together; a malformed one must not affect the others."""
    spoilt = user_with(world, "permissions", value)
    callers = [spoilt, world.member, world.colleague, world.admin] * 10

    async def run() -> list[httpx.Response]:
        async with async_http_client() as client:
            body = {"query": "{ me { userId } }"}
            return await asyncio.gather(
                *(
                    client.post(
                        f"{world.service.url}/graphql",
                        json=body,
                        headers={"Authorization": f"Bearer {caller.token}"},
                    )
                    for caller in callers
                )
            )

    for _ in range(3):
        responses = [response.json() for response in asyncio.run(run())]
        for caller, response in zip(callers, responses, strict=True):
            assert caller is spoilt or response == {"data": {"me": {"userId": caller.id}}}


@pytest.mark.parametrize("value", PERMISSIONS[:3])
def test_viewers_without_access_do_not_learn_that_a_user_is_malformed(world: World, value: str) -> None:
    user = user_with(world, "permissions", value)
    for viewer in (world.stranger, world.foreign_admin):
        assert see(viewer, user, "userId") == {"data": {"user": None}}
        query = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }"
        own = ask(viewer, viewer, "id")["id"]
        spoilt = ask(world.owner, user, "id")["id"]
        assert viewer.ask(query, ids=[spoilt, own]) == {"nodes": [None, {"id": own}]}


@pytest.mark.parametrize("field", WRITES)
def test_a_change_that_merges_into_malformed_data_is_refused(world: World, field: str) -> None:
    user = user_with(world, field, "5")
    input = {"username": user.username, field: WRITES[field]}
    for caller in (user, world.admin):
        assert verdict(caller, "updateUser", input) == "MALFORMED_DATA"
    assert verdict(user, "updateUser", {"language": "de"}) == "OK"
    assert ask(user, user, "revision language") == {"revision": 2, "language": "de"}


def test_a_badge_can_be_awarded_to_a_user_with_a_malformed_one(world: World) -> None:
    user = user_with(world, "badges", -1)
    select = "awarded earnedBadge { name } user { username }"
    input = {"username": user.username, "badge": "firstDataTypeCreated"}
    for awarded in (True, False):
        assert write(world.admin, "checkBadge", input, select) == {
            "awarded": awarded,
            "earnedBadge": {"name": "firstDataTypeCreated"},
            "user": {"username": user.username},
        }
    assert ask(user, user, "unreadNotificationCount") == {"unreadNotificationCount": 1}
    assert codes(see(user, user, "badges { name }")) == "MALFORMED_DATA"


def test_a_malformed_badge_is_not_awarded_again_and_is_an_error_when_read(world: World) -> None:
    user = user_with(world, "badges", -1)
    input = {"username": user.username, "badge": "projectCreated"}
    assert write(world.admin, "checkBadge", input, "awarded") == {"awarded": False}
    body = send(world.admin, "checkBadge", input, "awarded earnedBadge { name } user { username }")
    (error,) = body["errors"]
    assert_clear(error, "badges", user)
    assert error["path"] == ["checkBadge", "earnedBadge"]
    assert body["data"]["checkBadge"] == {
        "userErrors": [],
        "awarded": False,
        "earnedBadge": None,
        "user": {"username": user.username},
    }


@pytest.mark.parametrize("value", NOT_PROFILES)
def test_the_display_name_falls_back_to_the_username_if_profile_fields_are_malformed(
    world: World, value: str
) -> None:
    user = user_with(world, "profileFields", value)
    for viewer in (world.colleague, world.admin, user):
        assert ask(viewer, user, "displayName")["displayName"]
    (error,) = see(world.colleague, user, "displayName profileFields")["errors"]
    assert_clear(error, "profileFields", user)


def test_a_guest_with_malformed_permissions_is_not_a_member(world: World) -> None:
    user = guest(world)
    corrupt(world, user, permissions="5")
    body = see(world.colleague, user, "username")
    assert body["data"]["user"] is None
