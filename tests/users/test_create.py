"""`createUser`: valid and invalid input; a refusal creates nothing."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest

from tests.support.http_clients import http_client
from tests.support.service import Service
from tests.support.users import NOBODY, ask, codes, send, unchanged, verdict, write
from tests.support.world import Caller, World

SELECT = "user { userId username tenantId email revision }"


@pytest.fixture(scope="module")
def world(service: Service) -> World:
    return World(service)


def valid(world: World, **more: Any) -> dict[str, Any]:
    """A valid input, with additional or other fields."""
    return {
        "username": f"u_{uuid4().hex}",
        "tenantId": world.tenant_id,
        "email": f"{uuid4().hex}@example.com",
    } | more


def test_all_fields_can_be_set(world: World) -> None:
    values: dict[str, Any] = {
        "language": "de",
        "profileFields": {"firstName": {"value": "Ada"}, "email": {"visibility": "tenant"}},
        "recentProjects": {"p1": 1},
        "lastSeenReleaseVersion": "2.0",
        "optInDecisions": [{"name": "beta", "optedIn": True, "decidedAt": 1}],
        "personalAgentPermissions": {"p1": {"task": {"read": True, "write": False}}},
        "emailVerified": True,
        "image": "https://example.com/ada.png",
        "permissions": [f"{world.tenant_id}::read", f"{world.other_tenant_id}::admin"],
        "passwordChangeDisabled": True,
        "projectCreationDisabled": True,
        "profileFieldChangeDisabled": True,
        "messagingDisabled": True,
        "isPlatformOwner": True,
    }
    query = '{ __type(name: "CreateUserInput") { inputFields { name } } }'
    names = {each["name"] for each in world.member.ask(query)["__type"]["inputFields"]}
    assert names == values.keys() | {"username", "tenantId", "email", "userId"}
    input = valid(world, userId=f"id-{uuid4().hex}", **values)
    payload = write(world.owner, "createUser", input, SELECT)
    assert payload["user"] == {
        "userId": input["userId"],
        "username": input["username"],
        "tenantId": world.tenant_id,
        "email": input["email"],
        "revision": 1,
    }
    user = Caller(world.service, world.member.user._replace(user_id=input["userId"]), "")
    fields = " ".join(values.keys() - {"optInDecisions"})
    stored = ask(world.owner, user, f"{fields} displayName optInDecisions {{ name optedIn decidedAt }}")
    values["profileFields"]["email"]["value"] = input["email"]
    assert stored == values | {"displayName": "Ada"}


def test_an_admin_creates_users_of_their_tenant_and_they_are_its_members(world: World) -> None:
    input = valid(world)
    row = write(world.admin, "createUser", input, SELECT)["user"]
    token = write(world.admin, "issueToken", {"username": input["username"]}, "token")["token"]
    user = Caller(world.service, world.member.user._replace(user_id=row["userId"]), token)
    assert ask(user, user, "tenantId permissions") == {"tenantId": world.tenant_id, "permissions": []}
    assert user.rest("GET", world.platform_key).status_code == 200
    assert user.rest("GET", world.other_platform_key).status_code == 404
    query = """query ($key: String!, $name: String!) { platform(key: $key) {
      users(first: 2, where: {usernamePrefix: $name}) { nodes { userId } } } }"""
    found = world.admin.ask(query, key=world.platform_key, name=input["username"])
    assert found["platform"]["users"]["nodes"] == [{"userId": row["userId"]}]


def test_ids_are_random_by_default(world: World) -> None:
    ids = {write(world.admin, "createUser", valid(world), SELECT)["user"]["userId"] for _ in range(3)}
    ids |= {write(world.admin, "createUser", valid(world, userId=None), SELECT)["user"]["userId"]}
    assert len(ids) == 4


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("username", ["", " ", "a b", "a\n", "a/b", "a:b", "a,b", "ada!", "x" * 151, "a\u200bb", "😀"]),
        (
            "email",
            ["", " ", "ada", "ada@", "@example.com", "a@b@c", "a b@c", "a@b c", "a@b\n", "x" * 65 + "@y"],
        ),
        ("userId", ["", " ", "a b", "a/b", "a.b", "é", "x" * 65, "a\n"]),
        ("language", ["", "d", "deu", "DE", "de-DE", "xx"]),
        ("image", ["", "x", "ftp://a/b", "javascript:alert(1)", "//a/b", "https://", "https://a b"]),
        ("permissions", [["x"], ["::read"], ["T::"], ["T:read"], ["T::a b"], ["T::a::b"], ["T ::a"]]),
        ("emailVerified", [None]),
        ("permissions", [None]),
        ("profileFields", [None]),
        ("recentProjects", [None]),
        ("personalAgentPermissions", [None]),
        ("optInDecisions", [None]),
        ("messagingDisabled", [None]),
        ("isPlatformOwner", [None]),
    ],
)
def test_malformed_values_are_user_errors(world: World, field: str, values: list[Any]) -> None:
    with unchanged(world, world.member):
        for value in values:
            if value and isinstance(value, list):
                value = [value[0].replace("T", world.tenant_id)]
            outcome = verdict(world.owner, "createUser", valid(world, **{field: value}))
            assert outcome == f"INVALID_VALUE {field}", value


@pytest.mark.parametrize(
    "field", ["permissions", "email", "emailVerified", "optInDecisions", "messagingDisabled"]
)
def test_null_is_refused_from_admins_and_owners_alike(world: World, field: str) -> None:
    expected = "BAD_USER_INPUT" if field == "email" else f"INVALID_VALUE {field}"
    for caller in (world.admin, world.owner):
        assert verdict(caller, "createUser", valid(world, **{field: None})) == expected


@pytest.mark.parametrize("field", ["username", "tenantId", "email"])
def test_required_fields_must_be_provided(world: World, field: str) -> None:
    input = valid(world)
    for values in (
        input | {field: None},
        {name: input[name] for name in input if name != field},
        input | {field: []},
    ):
        assert codes(send(world.admin, "createUser", values)) == "BAD_USER_INPUT"


@pytest.mark.parametrize(
    "username", ["a", "0", "Ada.Lovelace", "ada@example.com", "a+b-c_d", "é", "名前", "x" * 120]
)
def test_valid_usernames_are_accepted(world: World, username: str) -> None:
    unique = f"{username}{str(uuid4().int)[:30]}"  # digits are of no script
    payload = write(world.admin, "createUser", valid(world, username=unique), SELECT)
    assert payload["user"]["username"] == unique


def test_a_username_taken_in_any_tenant_is_refused(world: World) -> None:
    taken = [world.member.username, world.stranger.username, world.member.username.upper()]
    with unchanged(world, world.member, world.stranger):
        for caller in (world.admin, world.owner):
            for username in taken:
                input = valid(world, username=username, email=f"{uuid4().hex}@example.com")
                assert verdict(caller, "createUser", input) == "TAKEN username"


def test_a_taken_id_is_refused(world: World) -> None:
    with unchanged(world, world.member, world.stranger):
        for user in (world.member, world.stranger):
            assert verdict(world.admin, "createUser", valid(world, userId=user.id)) == "TAKEN userId"


@pytest.mark.parametrize("field", ["username", "userId"])
def test_one_of_two_concurrent_creations_is_refused(world: World, field: str) -> None:
    query = "mutation ($input: CreateUserInput!) { createUser(input: $input) { userErrors { code field } } }"
    taken = uuid4().hex

    def create(_: int) -> Any:
        with http_client(world.service.url) as client:
            body = {"query": query, "variables": {"input": valid(world, **{field: taken})}}
            headers = {"Authorization": f"Token {world.admin.token}"}
            return client.post("/graphql", json=body, headers=headers).json()["data"]["createUser"][
                "userErrors"
            ]

    with ThreadPoolExecutor(8) as racers:
        outcomes = sorted(racers.map(create, range(8)), key=len)
    assert outcomes == [[]] + [[{"code": "TAKEN", "field": [field]}]] * 7


def test_an_unknown_tenant_is_refused(world: World) -> None:
    with unchanged(world, world.member):
        for tenant in ("no-such-tenant", "", " ", "é", "x" * 500):
            outcome = verdict(world.owner, "createUser", valid(world, tenantId=tenant))
            assert outcome == "UNKNOWN_TENANT tenantId"
            assert verdict(world.admin, "createUser", valid(world, tenantId=tenant)) == "FORBIDDEN"
        values = [f"{world.tenant_id}::read", "no-such-tenant::read"]
        outcome = verdict(world.owner, "createUser", valid(world, permissions=values))
        assert outcome == "UNKNOWN_TENANT permissions"


def test_another_tenant_is_refused_like_an_unknown_one(world: World) -> None:
    def response_to(caller: Caller, tenant: str) -> Any:
        return send(caller, "createUser", valid(world, tenantId=tenant))

    with unchanged(world, world.member, world.stranger):
        for caller in (world.admin, world.member, world.stranger):
            foreign = response_to(
                caller, world.tenant_id if caller is world.stranger else world.other_tenant_id
            )
            assert codes(foreign) == "FORBIDDEN"
            assert response_to(caller, "no-such-tenant") == foreign
        assert response_to(world.member, world.tenant_id) == response_to(world.member, "no-such-tenant")


def test_only_admins_learn_whether_a_name_is_taken(world: World) -> None:
    for caller in (world.member, world.stranger, world.foreign_admin):
        responses = [
            send(caller, "createUser", valid(world, username=username, userId=id))
            for username, id in ((world.member.username, world.member.id), (NOBODY, NOBODY))
        ]
        assert responses[0] == responses[1]
        assert codes(responses[0]) == "FORBIDDEN"


def test_a_refused_permission_creates_no_user(world: World) -> None:
    input = valid(world, permissions=["no-such-tenant::read"])
    assert verdict(world.owner, "createUser", input) == "UNKNOWN_TENANT permissions"
    assert verdict(world.owner, "createUser", input | {"permissions": []}) == "OK"
