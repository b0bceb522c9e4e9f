"""Limits on what is stored of a user, and on the length of error messages."""

import json
from typing import Any

import pytest

from tests.support.service import Service
from tests.support.users import send, unchanged, verdict, write
from tests.support.world import Caller, World

LONG = "x" * 100_000
ALLOWED = {"read": True, "write": False}


@pytest.fixture(scope="module")
def world(service: Service) -> World:
    return World(service)


def update(caller: Caller, user: Caller, field: str, value: Any) -> str:
    return verdict(caller, "updateUser", {"username": user.username, field: value})


def test_a_user_has_at_most_a_thousand_permissions(world: World) -> None:
    many = [f"{world.tenant_id}::p{number}" for number in range(1001)]
    for caller in (world.admin, world.owner):
        with unchanged(world, world.member):
            assert update(caller, world.member, "permissions", many) == "LIMIT_EXCEEDED"
    assert update(world.admin, world.new_user(), "permissions", many[1:]) == "OK"


@pytest.mark.parametrize(
    ("field", "value"),
    [("profileFields", {"value": 1}), ("recentProjects", 1), ("personalAgentPermissions", {"t": ALLOWED})],
)
def test_several_writes_cannot_exceed_the_limit_of_a_map(world: World, field: str, value: Any) -> None:
    user = world.new_user()
    names = [f"{'x' * 97}{number:03}" for number in range(100)]
    write(user, "updateUser", {field: dict.fromkeys(names[:60], value)})
    write(user, "updateUser", {field: dict.fromkeys(names[60:], value)})
    with unchanged(world, user):
        assert update(user, user, field, {"one more": value}) == f"INVALID_VALUE {field}"
    assert update(user, user, field, {"one more": value, names[0]: None}) == "OK"


def test_several_writes_cannot_exceed_the_limit_of_decisions(world: World) -> None:
    user = world.new_user()
    decisions = [{"name": f"d{number}", "optedIn": True, "decidedAt": 1} for number in range(101)]
    for part in (decisions[:60], decisions[60:100], decisions[:10]):
        write(user, "updateUser", {"optInDecisions": part})
    with unchanged(world, user):
        outcome = update(user, user, "optInDecisions", decisions[100:])
        assert outcome == "INVALID_VALUE optInDecisions"


@pytest.mark.parametrize(
    "types",
    [{f"type {number}": ALLOWED for number in range(2000)}, {"": ALLOWED}, {"x" * 5000: ALLOWED}],
    ids=["2,000 types", "an empty name", "a name of 5,000 characters"],
)
def test_the_types_of_a_project_are_limited(world: World, types: Any) -> None:
    """Otherwise, a hundred projects, each as large as a request, could make a row of a hundred megabytes."""
    user = world.new_user()
    with unchanged(world, user):
        outcome = update(user, user, "personalAgentPermissions", {"project": types})
        assert outcome == "INVALID_VALUE personalAgentPermissions"


@pytest.mark.parametrize(
    ("mutation", "input"),
    [
        ("updateUser", {"language": LONG}),
        ("updateUser", {"lastSeenReleaseVersion": LONG}),
        ("updateUser", {"username": LONG}),
        ("updateUser", {"username": "NAME", "permissions": [f"{LONG}::read"]}),
        ("updateUser", {"username": "NAME", "permissions": [f"TENANT::{LONG}"]}),
        ("updateUser", {"username": "NAME", "email": LONG}),
        ("updateUser", {"username": "NAME", "image": LONG}),
        ("updateUser", {"profileFields": {LONG: 1}}),
        ("updateUser", {"profileFields": {"a": {"visibility": LONG}}}),
        ("updateUser", {"recentProjects": {LONG: 1}}),
        ("updateUser", {"optInDecisions": [{"name": LONG, "optedIn": True}]}),
        ("createUser", {"username": "ada", "email": "a@b", "tenantId": LONG}),
        ("createUser", {"username": LONG, "email": "a@b", "tenantId": "TENANT"}),
        ("createUser", {"username": "ada", "email": "a@b", "tenantId": "TENANT", "userId": LONG}),
        ("checkBadge", {"username": "NAME", "badge": LONG}),
        ("issueToken", {"label": LONG}),
        ("issueToken", {"replaces": LONG}),
        ("revokeToken", {"id": LONG}),
    ],
    ids=lambda value: value if isinstance(value, str) else [*value][-1],
)
def test_a_refusal_does_not_repeat_a_long_input(world: World, mutation: str, input: dict[str, Any]) -> None:
    text = json.dumps(input).replace("NAME", world.member.username).replace("TENANT", world.tenant_id)
    for caller in (world.admin, world.owner):
        response = json.dumps(send(caller, mutation, json.loads(text)))
        assert '"code"' in response
        assert "INTERNAL" not in response
        assert len(response) < 3000
