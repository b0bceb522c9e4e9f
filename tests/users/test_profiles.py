"""Profile fields and display names: what others see of them, and when they see the email address."""

from typing import Any

import pytest

from tests.support.service import Service
from tests.support.users import ask, codes, guest, verdict, write
from tests.support.world import Caller, World

EMAIL_PRIVATE = {"email": {"visibility": "private"}}
EMAIL_SHOWN = {"email": {"visibility": "tenant"}}
PROFILE: dict[str, Any] = {
    "firstName": {"value": "Ada", "visibility": "tenant"},
    "lastName": {"value": "Secret-Name", "visibility": "private"},
    "phone": {"value": "Secret-Number", "visibility": "private"},
    "city": {"value": "London"},
}
SEEN = {"firstName": PROFILE["firstName"], "city": PROFILE["city"]}
NAMED = "query ($n: String!) { user(by: {username: $n}) { displayName profileFields } }"


@pytest.fixture(scope="module")
def world(service: Service) -> World:
    return World(service)


def person(world: World, profile: dict[str, Any] | None = None, **facts: Any) -> Caller:
    return world.new_user(profile_fields=PROFILE if profile is None else profile, **facts)


def viewer(world: World, role: str) -> Caller:
    if role == "guest":
        return guest(world)
    caller: Caller = getattr(world, role)
    return caller


def profile(caller: Caller, user: Caller) -> Any:
    return ask(caller, user, "profileFields")["profileFields"]


@pytest.mark.parametrize(
    ("role", "sees"),
    [
        ("self", PROFILE),
        ("admin", PROFILE),
        ("owner", PROFILE),
        ("colleague", SEEN),
        ("guest", SEEN),
        ("stranger", None),
        ("foreign_admin", None),
    ],
)
def test_who_sees_which_profile_fields(world: World, role: str, sees: Any) -> None:
    target = person(world)
    caller = target if role == "self" else viewer(world, role)
    expected = sees and {"displayName": "Ada", "profileFields": sees}
    assert caller.ask(NAMED, n=target.username) == {"user": expected}


def test_nobody_sees_profile_fields_without_a_token(world: World) -> None:
    request = {"query": NAMED, "variables": {"n": person(world).username}}
    assert codes(world.service.client.post("/graphql", json=request).json()) == "UNAUTHENTICATED"


def test_an_admin_sees_no_more_of_a_guest_than_members_do(world: World) -> None:
    """Guests are administered in their home tenant."""
    target = person(world, tenant_id=world.other_tenant_id, permissions=[f"{world.tenant_id}::editor"])
    for caller, sees in (
        (world.admin, SEEN),
        (world.colleague, SEEN),
        (world.stranger, SEEN),
        (world.foreign_admin, PROFILE),
    ):
        assert profile(caller, target) == sees


@pytest.mark.parametrize(
    "route",
    [
        'user(by: {username: "NAME"}) { FIELDS }',
        'platformMetadata(platformKey: "KEY", username: "NAME") { user { FIELDS } }',
        '_entities(representations: [{__typename: "User", username: "NAME"}]) { ... on User { FIELDS } }',
        'platform(key: "KEY") { users(first: 1, where: {usernamePrefix: "NAME"}) { nodes { FIELDS } } }',
    ],
)
@pytest.mark.parametrize("role", ["colleague", "guest", "stranger"])
def test_other_members_see_private_fields_by_no_route(world: World, role: str, route: str) -> None:
    target = person(world, PROFILE | EMAIL_PRIVATE)
    for fields in (
        "displayName profileFields image username",
        "displayName",
        "profileFields badges { name }",
    ):
        query = route.replace("FIELDS", fields).replace("NAME", target.username)
        response = str(viewer(world, role).graphql(f"{{ {query.replace('KEY', world.platform_key)} }}"))
        assert "Secret" not in response
        assert target.user.email not in response


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, None),
        ({"firstName": {"value": "Ada"}, "lastName": {"value": "Lovelace"}}, "Ada Lovelace"),
        ({"firstName": {"value": "Ada", "visibility": "tenant"}}, "Ada"),
        ({"lastName": {"value": "Lovelace"}}, "Lovelace"),
        ({"firstName": {"value": "Ada"}, "lastName": {"value": "X", "visibility": "private"}}, "Ada"),
        (
            {"firstName": {"value": "X", "visibility": "private"}, "lastName": {"value": "Lovelace"}},
            "Lovelace",
        ),
        ({"firstName": {"value": "X", "visibility": "private"}}, None),
        ({"firstName": {"value": "Ada"}, "lastName": {"value": ""}}, "Ada"),
        ({"firstName": {"value": ""}}, None),
        ({"firstName": {}}, None),
        ({"firstName": {"visibility": "tenant"}}, None),
        ({"firstName": {"visibility": "tenant"}, "lastName": {"value": "Lovelace"}}, "Lovelace"),
        ({"email": {"visibility": "tenant"}}, None),
        ({"firstname": {"value": "Ada"}, "displayName": {"value": "Eve"}}, None),
    ],
    ids=repr,
)
def test_the_display_name_is_computed(world: World, fields: dict[str, Any], expected: str | None) -> None:
    """First and last name without missing and private ones, or else the username."""
    target = world.new_user()
    write(target, "updateUser", {"profileFields": fields})
    for caller in (target, world.colleague, world.admin):
        assert ask(caller, target, "displayName")["displayName"] == (expected or target.username)


@pytest.mark.parametrize("value", [None, 0, 36, 1.5, True, False, "", " ", "\t\n", "x" * 2000], ids=repr)
def test_every_storable_name_can_be_displayed(world: World, value: Any) -> None:
    target = world.new_user()
    input = {"profileFields": {"firstName": {"value": value}}}
    if verdict(target, "updateUser", input) != "OK":
        return
    name = ask(world.colleague, target, "displayName")["displayName"]
    assert name.strip(), "a blank name does not identify anybody"


def test_the_profile_field_email_has_no_value(world: World) -> None:
    target = world.new_user()
    for field in ({"value": "mine@example.com"}, {"value": None}, {"value": "x", "visibility": "tenant"}):
        for caller in (target, world.admin):
            input = {"username": target.username, "profileFields": {"email": field}}
            assert verdict(caller, "updateUser", input) == "INVALID_VALUE profileFields"
    assert ask(target, target, "email profileFields") == {"email": target.user.email, "profileFields": {}}


@pytest.mark.parametrize(
    ("fields", "visible"),
    [({}, False), (EMAIL_PRIVATE, False), ({"email": {}}, False), (EMAIL_SHOWN, True)],
)
def test_members_see_the_address_only_if_it_is_visible_to_the_tenant(
    world: World, fields: Any, visible: bool
) -> None:
    target = person(world, fields)
    address = {"value": target.user.email, "visibility": "tenant"}
    for caller in (world.colleague, guest(world)):
        assert profile(caller, target) == ({"email": address} if visible else {})
        assert codes(caller.graphql(NAMED.replace("displayName", "email"), n=target.username)) == "FORBIDDEN"
    for caller in (target, world.admin, world.owner):
        own = profile(caller, target)
        assert own.keys() == fields.keys()
        assert all(field["value"] == target.user.email for field in own.values())


def test_the_address_shown_is_always_the_canonical_one(world: World) -> None:
    target = person(world, EMAIL_SHOWN)
    new = "new-address@example.org"
    write(world.admin, "updateUser", {"username": target.username, "email": new})
    assert profile(world.colleague, target)["email"]["value"] == new
    write(target, "updateUser", {"profileFields": EMAIL_PRIVATE})
    assert profile(world.colleague, target) == {}


def test_hiding_a_field_hides_it_at_once(world: World) -> None:
    target = person(world)
    hidden = {name: field | {"visibility": "private"} for name, field in PROFILE.items()}
    write(target, "updateUser", {"profileFields": hidden})
    assert ask(world.colleague, target, "displayName profileFields") == {
        "displayName": target.username,
        "profileFields": {},
    }
    assert profile(target, target) == hidden
