"""Who may change which field of which user."""

from typing import Any
from uuid import uuid4

import pytest

from tests.support.service import Service
from tests.support.users import NOBODY, ask, guest, send, unchanged, verdict, write
from tests.support.world import Caller, World

OWN: dict[str, Any] = {
    "language": "de",
    "profileFields": {"city": {"value": "London"}},
    "recentProjects": {"p1": 1},
    "lastSeenReleaseVersion": "2.0",
    "optInDecisions": [{"name": "beta", "optedIn": True, "decidedAt": 1}],
    "personalAgentPermissions": {"p1": {"task": {"read": True, "write": False}}},
}
ADMINS: dict[str, Any] = {
    "email": "new@example.org",
    "emailVerified": True,
    "image": "https://example.com/new.png",
    "permissions": [],
    "passwordChangeDisabled": True,
    "projectCreationDisabled": True,
    "profileFieldChangeDisabled": True,
    "messagingDisabled": True,
}
OWNERS: dict[str, Any] = {"isPlatformOwner": True}
ALL = OWN | ADMINS | OWNERS
SELECT = {"optInDecisions": "optInDecisions { name optedIn decidedAt }"}
NO_CHANGE = "NOT_ALLOWED {}"


@pytest.fixture(scope="module")
def world(service: Service) -> World:
    return World(service)


def person(world: World) -> Caller:
    return world.new_user(permissions=[f"{world.tenant_id}::read"])


def field_of(world: World, user: Caller, field: str) -> Any:
    return ask(world.owner, user, SELECT.get(field, field))[field]


def attempt(world: World, caller: Caller, user: Caller, field: str) -> str:
    """Change a field of a user, and check that a refusal changes nothing."""
    value = f"{uuid4().hex}@example.org" if field == "email" else ALL[field]
    input = {"username": user.username, field: value}
    before = field_of(world, user, field)
    outcome = verdict(caller, "updateUser", input)
    assert (field_of(world, user, field) == before) == (outcome != "OK")
    return outcome


def test_every_input_field_is_assigned_to_an_editor(service: Service) -> None:
    query = '{ __type(name: "UpdateUserInput") { inputFields { name } } }'
    body = service.client.post("/graphql", json={"query": query}).json()
    names = {field["name"] for field in body["data"]["__type"]["inputFields"]}
    assert names == ALL.keys() | {"username", "expectedRevision"}, "decide: own, an admin's, or an owner's?"


@pytest.mark.parametrize("field", ALL)
def test_who_may_change(world: World, field: str) -> None:
    refused = f"NOT_ALLOWED {field}"
    admins = "OK" if field not in OWNERS else refused
    user = person(world)
    assert attempt(world, user, user, field) == ("OK" if field in OWN else refused)
    guest_admin = guest(world, "admin")
    for caller, outcome in [
        (world.admin, admins),
        (guest_admin, admins),
        (world.owner, "OK"),
        (world.colleague, "FORBIDDEN"),
        (guest(world), "FORBIDDEN"),
        (world.stranger, "FORBIDDEN"),
        (world.foreign_admin, "NOT_FOUND"),
    ]:
        assert attempt(world, caller, person(world), field) == outcome, caller


@pytest.mark.parametrize("field", ALL)
def test_admins_change_themselves_as_they_change_others(world: World, field: str) -> None:
    admin = world.new_user(permissions=[f"{world.tenant_id}::admin"])
    assert attempt(world, admin, admin, field) == ("OK" if field not in OWNERS else f"NOT_ALLOWED {field}")


@pytest.mark.parametrize("field", ALL)
def test_a_guest_admin_does_not_administer_themselves(world: World, field: str) -> None:
    """Guests are administered in their home tenant, so that no other tenant can give them rights there."""
    admin = guest(world, "admin")
    assert attempt(world, admin, admin, field) == ("OK" if field in OWN else f"NOT_ALLOWED {field}")
    taken = "OK" if field == "permissions" else "NOT_FOUND"
    assert attempt(world, world.admin, guest(world), field) == taken


def test_an_admin_takes_permissions_of_their_tenant_from_guests(world: World) -> None:
    own, foreign = f"{world.tenant_id}::admin", f"{world.other_tenant_id}::admin"
    user = world.new_user(world.other_tenant_id, permissions=[own, f"{world.tenant_id}::read", foreign])

    def take(*left: str, caller: Caller = world.admin, user: Caller = user) -> str:
        return verdict(caller, "updateUser", {"username": user.username, "permissions": list(left)})

    assert take(f"{world.tenant_id}::read", f"{world.tenant_id}::more") == "NOT_ALLOWED permissions"
    assert take(own, f"{world.tenant_id}::read", f"{world.other_tenant_id}::more") == "OK"
    assert set(field_of(world, user, "permissions")) == {own, f"{world.tenant_id}::read", foreign}
    assert take(f"{world.tenant_id}::read") == "OK"
    assert set(field_of(world, user, "permissions")) == {f"{world.tenant_id}::read", foreign}
    assert take() == "OK"
    assert field_of(world, user, "permissions") == [foreign]
    assert take() == "NOT_FOUND"  # the user is a stranger from now on
    assert take(f"{world.tenant_id}::read", user=world.stranger) == "NOT_FOUND"


def test_nobody_changes_anything_without_a_token(world: World) -> None:
    query = "mutation ($u: String) { updateUser(input: {username: $u, language: null}) { user { id } } }"
    for username in (None, world.member.username, NOBODY):
        request = {"query": query, "variables": {"u": username}}
        body = world.service.client.post("/graphql", json=request).json()
        assert [error["extensions"]["code"] for error in body["errors"]] == ["UNAUTHENTICATED"]


def test_the_default_user_is_the_caller(world: World) -> None:
    user = world.new_user()
    for language, target in (("de", {}), ("fr", {"username": None}), ("en", {"username": user.username})):
        response = write(user, "updateUser", target | {"language": language}, "user { userId language }")
        assert response["user"] == {"userId": user.id, "language": language}


@pytest.mark.parametrize("mutation", ["updateUser", "issueToken", "checkBadge"])
def test_an_empty_username_is_not_the_caller(world: World, mutation: str) -> None:
    """An empty text is not an absent one: it must not change the caller."""
    input = {"username": ""} | ({"badge": "projectCreated"} if mutation == "checkBadge" else {})
    with unchanged(world, world.colleague, world.admin):
        assert verdict(world.colleague, mutation, input) == "FORBIDDEN"
        assert verdict(world.admin, mutation, input) == "NOT_FOUND"


@pytest.mark.parametrize("mutation", ["updateUser", "issueToken", "checkBadge"])
def test_usernames_cannot_be_probed(world: World, mutation: str) -> None:
    """403 comes before 404, and invisible users are refused like unknown ones."""
    badge = {"badge": "projectCreated"} if mutation == "checkBadge" else {}

    def response_to(caller: Caller, username: str) -> Any:
        return send(caller, mutation, badge | {"username": username})

    for caller, code in [
        (world.colleague, "FORBIDDEN"),
        (guest(world), "FORBIDDEN"),
        (world.stranger, "FORBIDDEN"),
        (world.foreign_admin, "NOT_FOUND"),
    ]:
        missing = response_to(caller, NOBODY)
        assert [error["extensions"]["code"] for error in missing["errors"]] == [code]
        for user in (world.member, world.admin):
            assert response_to(caller, user.username) == missing
    guest_of_ours = guest(world)
    assert response_to(world.admin, guest_of_ours.username) == response_to(world.admin, NOBODY)


def test_existing_and_unknown_users_cost_the_same_statements(world: World) -> None:
    counts = set()
    for username in (world.member.username, NOBODY):
        with world.service.statements() as statements:
            send(world.colleague, "updateUser", {"username": username, "language": "de"})
        counts.add(len(statements))
    assert len(counts) == 1


def test_one_refused_field_refuses_the_entire_write(world: World) -> None:
    user = person(world)
    with unchanged(world, user):
        for field in ADMINS | OWNERS:
            input = OWN | {field: ALL[field]}
            assert verdict(user, "updateUser", input) == f"NOT_ALLOWED {field}"
        owners = {"username": user.username} | OWN | ADMINS | OWNERS
        assert verdict(world.admin, "updateUser", owners) == "NOT_ALLOWED isPlatformOwner"
        assert verdict(world.owner, "updateUser", owners | {"language": "xx"}) == "INVALID_VALUE language"


def test_disabled_profile_changes_restrict_the_user_but_not_admins(world: World) -> None:
    user = world.new_user(profile_fields={"city": {"value": "London"}})
    write(world.admin, "updateUser", {"username": user.username, "profileFieldChangeDisabled": True})
    input: dict[str, Any] = {"username": user.username, "profileFields": {"city": {"value": "Paris"}}}
    with unchanged(world, user):
        removal, nothing = {"profileFields": {"city": None}}, dict[str, Any](profileFields={})
        for request in (input, removal, nothing, input | OWN):
            assert verdict(user, "updateUser", request) == "NOT_ALLOWED profileFields"
    others = {field: value for field, value in OWN.items() if field != "profileFields"}
    assert verdict(user, "updateUser", others) == "OK"
    for caller in (world.admin, world.owner):
        input["profileFields"]["city"]["value"] += "!"
        assert verdict(caller, "updateUser", input) == "OK"
    write(world.admin, "updateUser", {"username": user.username, "profileFieldChangeDisabled": False})
    assert verdict(user, "updateUser", {"profileFields": {"city": None}}) == "OK"


def test_other_flags_are_stored_and_readable_but_restrict_nothing_here(world: World) -> None:
    flags = "passwordChangeDisabled projectCreationDisabled messagingDisabled"
    user = world.new_user()
    write(world.admin, "updateUser", {"username": user.username} | dict.fromkeys(flags.split(), True))
    assert verdict(user, "updateUser", OWN) == "OK"
    assert user.ask(f"{{ session {{ {flags} }} }}")["session"] == dict.fromkeys(flags.split(), True)


def test_an_admin_whose_profile_changes_are_disabled_is_still_an_admin(world: World) -> None:
    admin = world.new_user(permissions=[f"{world.tenant_id}::admin"], profile_field_change_disabled=True)
    assert verdict(admin, "updateUser", {"profileFields": {"a": {"value": 1}}}) == "OK"
