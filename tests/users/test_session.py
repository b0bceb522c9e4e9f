"""`LocalAuthUser` has exactly the fields of its table; every new field of `User` is decided upon."""

from typing import Any

import pytest

from gql_service.store import tables
from tests.support.service import Service
from tests.support.users import codes, store, write
from tests.support.world import Caller, World

JSON: dict[str, Any] = {
    "profileFields": {
        "firstName": {"value": "Ada", "visibility": "private"},
        "email": {"visibility": "private"},
    },
    "recentProjects": {"p1": 1_713_800_000_000},
    "personalAgentPermissions": {"p1": {"task": {"read": True, "write": False}}},
}
ROWS = """id createdAt updatedAt tenantId email permissions profileFields badges optInDecisions revision
  passwordChangeDisabled projectCreationDisabled profileFieldChangeDisabled messagingDisabled isPlatformOwner
  recentProjects lastSeenReleaseVersion language personalAgentPermissions"""
NOT_IN_SESSION = frozenset(
    {
        "badgeProgress",
        "changes",
        "displayName",
        "documents",
        "emailVerified",
        "identities",
        "image",
        "notifications",
        "platformMetadata",
        "platforms",
        "tokens",
        "unreadNotificationCount",
        "userId",
        "userMetadata",
        "username",
    }
)
"""The fields of `User` that a session must not have. A new field is listed here or in the session."""
SELECTIONS = {
    "badges": "badges { name earnedAt }",
    "optInDecisions": "optInDecisions { name optedIn decidedAt }",
}


def fields_of(service: Service, type_name: str) -> set[str]:
    query = f'{{ __type(name: "{type_name}") {{ fields(includeDeprecated: true) {{ name }} }} }}'
    body = service.client.post("/graphql", json={"query": query}).json()
    return {field["name"] for field in body["data"]["__type"]["fields"]}


class Person:
    """A user with all fields set, and the expected session."""

    def __init__(self, world: World) -> None:
        self.caller = world.new_user(permissions=[f"{world.tenant_id}::read"])
        own = {
            "language": "de",
            "lastSeenReleaseVersion": "2.0",
            "optInDecisions": [{"name": "beta", "optedIn": True, "decidedAt": 1}],
        }
        flags = {field: True for field in ROWS.split() if field.endswith("Disabled")}
        self.expected: dict[str, Any] = own | flags | JSON | {"isPlatformOwner": True}
        self.created = world.service.services.clock()
        world.service.clock_offset += 5
        write(world.owner, "updateUser", {"username": self.caller.username} | self.expected)
        world.service.clock_offset -= 5
        badge = {"user_id": self.caller.id, "name": "projectCreated", "earned_at": 1_713_800_000_000}
        store(world, tables.earned_badges, **badge)
        email = self.caller.user.email
        self.expected |= {
            "id": self.caller.id,
            "tenantId": world.tenant_id,
            "email": email,
            "permissions": [f"{world.tenant_id}::read"],
            "profileFields": JSON["profileFields"] | {"email": {"visibility": "private", "value": email}},
            "badges": [{"name": "projectCreated", "earnedAt": 1_713_800_000_000}],
            "revision": 2,
            "createdAt": self.caller.user.created_at,
        }


@pytest.fixture(scope="module")
def person(service: Service) -> Person:
    return Person(World(service))


def session(caller: Caller, field: str) -> Any:
    return caller.ask(f"{{ session {{ {SELECTIONS.get(field, field)} }} }}")["session"][field]


def test_a_session_has_exactly_the_rows_of_the_table(service: Service) -> None:
    assert fields_of(service, "LocalAuthUser") == set(ROWS.split())


@pytest.mark.parametrize("row", [row for row in ROWS.split() if row != "updatedAt"])
def test_a_session_has(person: Person, row: str) -> None:
    value = session(person.caller, row)
    assert value == person.expected[row]
    assert type(value) is type(person.expected[row])


def test_a_session_has_updated_at_in_milliseconds(person: Person) -> None:
    """In milliseconds, like `createdAt`; elsewhere both are RFC 3339."""
    created, updated = session(person.caller, "createdAt"), session(person.caller, "updatedAt")
    assert type(updated) is int
    assert created + 5 <= updated <= person.created + 60_000


@pytest.mark.parametrize(
    "field", ["image", "emailVerified", "username", "displayName", "tokens(first: 1) { nodes { id } }"]
)
def test_a_session_does_not_have(person: Person, field: str) -> None:
    body = person.caller.graphql(f"{{ session {{ {field} }} }}")
    assert codes(body) == "GRAPHQL_VALIDATION_FAILED"
    assert "data" not in body


def test_every_field_of_a_user_is_in_the_session_or_listed_as_excluded(service: Service) -> None:
    in_session, of_user = fields_of(service, "LocalAuthUser"), fields_of(service, "User")
    assert of_user - in_session - NOT_IN_SESSION == set(), "decide: LocalAuthUser or NOT_IN_SESSION?"
    assert in_session & NOT_IN_SESSION == set()
    assert in_session | NOT_IN_SESSION == of_user


def test_every_caller_has_their_own_session(service: Service) -> None:
    world = World(service)
    for caller in (world.member, world.admin, world.stranger, world.owner):
        assert session(caller, "id") == caller.id
        assert session(caller, "permissions") == caller.user.permissions
    body = service.client.post("/graphql", json={"query": "{ session { id } }"}).json()
    assert codes(body) == "UNAUTHENTICATED"


def test_a_session_shows_changes_of_the_user_at_once(service: Service) -> None:
    world = World(service)
    for language, revision in (("de", 2), ("fr", 3), (None, 4)):
        write(world.admin, "updateUser", {"username": world.member.username, "language": language})
        assert session(world.member, "language") == language
        assert session(world.member, "revision") == revision
