"""Bad input of mutations on users, in variables and literals: a clear error, never 500, and no write."""

from typing import Any

import pytest

from tests.support.service import Service
from tests.support.users import codes, guest, unchanged, verdict
from tests.support.world import Caller, World

NOT_INSTANTS: list[Any] = [-1, 1.5, 2**53, 2**63 - 1, True, False, "1", "2024-01-15T10:30:00Z", {}, []]
NOT_BOOLEANS: list[Any] = [0, 1, 1.0, "true", "", [], {}]
NOT_TEXTS: list[Any] = [0, 1, 1.5, True, [], {}, ["de"]]
NOT_OBJECTS: list[Any] = [0, True, "", "{}", [], [{}]]
MANY = range(101)
LONG = "x" * 101


def decisions(**wrong: Any) -> list[dict[str, Any]]:
    return [{"name": "beta", "optedIn": True, "decidedAt": 1} | wrong]


def under(name: str, values: list[Any]) -> list[Any]:
    return [{name: value} for value in values]


INVALID: dict[str, list[Any]] = {
    "language": ["", " ", "d", "deu", "DE", "De", "de-DE", "de_DE", "xx", " de", "de\n", "日本", "x" * 500],
    "lastSeenReleaseVersion": ["", "x" * 65],
    "profileFields": [
        None,
        *under("a", [0, 1.5, True, "", "x", [], [{}]]),
        *under("a", under("value", [[], {}, ["x"], {"value": 1}, "x" * 2001])),
        *under("a", under("visibility", [None, "", "public", "TENANT", 1, True, [], ["tenant"], {}])),
        {"a": {"value": 1, "more": 1}},
        {"a": {"Value": 1}},
        {"": {"value": 1}},
        {LONG: {"value": 1}},
        {"email": {"value": "a@b"}},
        {str(number): {"value": number} for number in MANY},
        {"good": {"value": 1}, "bad": 1},
    ],
    "recentProjects": [
        None,
        *under("p", NOT_INSTANTS),
        {"": 1},
        {LONG: 1},
        {str(number): number for number in MANY},
        {"good": 1, "bad": -1},
    ],
    "personalAgentPermissions": [
        None,
        *under("p", [0, True, "x", [], [{}]]),
        *under("p", under("t", [None, True, "read", [], {}, {"read": True}, {"write": False}])),
        *under("p", under("t", [{"read": True, "write": bad} for bad in (None, *NOT_BOOLEANS)])),
        {"p": {"t": {"read": True, "write": True, "delete": True}}},
        {"": {}},
        {LONG: {}},
        {str(number): {} for number in MANY},
    ],
    "optInDecisions": [
        None,
        decisions(name=""),
        decisions(name=LONG),
        [*decisions(), *decisions(name="")],
    ],
}
WRONG_TYPES: dict[str, list[Any]] = {
    "language": NOT_TEXTS,
    "lastSeenReleaseVersion": NOT_TEXTS,
    "profileFields": NOT_OBJECTS,
    "recentProjects": NOT_OBJECTS,
    "personalAgentPermissions": NOT_OBJECTS,
    "optInDecisions": [
        *(decisions(decidedAt=value) for value in NOT_INSTANTS),
        *(decisions(optedIn=value) for value in (None, *NOT_BOOLEANS)),
        *(decisions(name=value) for value in (None, *NOT_TEXTS)),
        decisions(more=1),
        [None],
        [{"name": "beta"}],
        [{"optedIn": True}],
        "beta",
        {},
    ],
    "username": NOT_TEXTS,
    "expectedRevision": [1.5, "1", True, 2**31, -(2**31) - 1, [], {}],
}
ADMINS_INVALID: dict[str, list[Any]] = {
    "email": [
        None,
        "",
        " ",
        "ada",
        "ada@",
        "@example.com",
        "a@b@c",
        "a b@c",
        "a@b c",
        "a@b\n",
        "x" * 65 + "@y",
    ],
    "image": [
        "",
        " ",
        "x",
        "ftp://a/b",
        "javascript:alert(1)",
        "data:,x",
        "//a/b",
        "https://",
        "https://a b",
    ],
    "permissions": [
        None,
        *([each] for each in ("", "x", "T", "T::", "::read", "T:read", "T::a b", "T::a::b")),
    ],
    "emailVerified": [None],
    "passwordChangeDisabled": [None],
    "projectCreationDisabled": [None],
    "profileFieldChangeDisabled": [None],
    "messagingDisabled": [None],
}
ADMINS_WRONG_TYPES: dict[str, list[Any]] = {
    "email": NOT_TEXTS,
    "image": NOT_TEXTS,
    "permissions": [[None], [1], [True], [[]], 1, {}],
    "emailVerified": NOT_BOOLEANS,
    "messagingDisabled": NOT_BOOLEANS,
    "isPlatformOwner": NOT_BOOLEANS,
}


@pytest.fixture(scope="module")
def world(service: Service) -> World:
    return World(service)


def refusals(caller: Caller, user: Caller, field: str, values: list[Any]) -> set[str]:
    """The outcomes of setting a field to each of these values."""
    target = {} if field == "username" else {"username": user.username}
    return {verdict(caller, "updateUser", target | {field: value}) for value in values}


@pytest.mark.parametrize("field", INVALID)
def test_invalid_values_from_users_are_user_errors(world: World, field: str) -> None:
    with unchanged(world, world.member):
        assert refusals(world.member, world.member, field, INVALID[field]) == {f"INVALID_VALUE {field}"}


@pytest.mark.parametrize("field", WRONG_TYPES)
def test_values_of_wrong_types_from_users_are_bad_input(world: World, field: str) -> None:
    with unchanged(world, world.member):
        assert refusals(world.member, world.member, field, WRONG_TYPES[field]) == {"BAD_USER_INPUT"}


@pytest.mark.parametrize("field", ADMINS_INVALID)
def test_invalid_values_from_admins_and_owners_are_user_errors(world: World, field: str) -> None:
    values = [
        [each.replace("T", world.tenant_id) for each in value] if isinstance(value, list) else value
        for value in ADMINS_INVALID[field]
    ]
    with unchanged(world, world.member):
        assert refusals(world.owner, world.member, field, values) == {f"INVALID_VALUE {field}"}
        if field == "permissions":  # one of no tenant is of none that the admin administers
            values = [
                None,
                [f"{world.tenant_id}::"],
                [f"{world.tenant_id}::a b"],
                [f"{world.tenant_id}::a::b"],
            ]
        assert refusals(world.admin, world.member, field, values) == {f"INVALID_VALUE {field}"}


@pytest.mark.parametrize("field", ADMINS_WRONG_TYPES)
def test_values_of_wrong_types_from_admins_are_bad_input(world: World, field: str) -> None:
    with unchanged(world, world.member):
        assert refusals(world.admin, world.member, field, ADMINS_WRONG_TYPES[field]) == {"BAD_USER_INPUT"}


def test_platform_ownership_cannot_be_null(world: World) -> None:
    with unchanged(world, world.member):
        outcome = refusals(world.owner, world.member, "isPlatformOwner", [None])
        assert outcome == {"INVALID_VALUE isPlatformOwner"}


LITERALS = {
    "a negative instant": ("decidedAt: -1", ""),
    "a fractional instant": ("decidedAt: 1.5", ""),
    "an exponent": ("decidedAt: 1e3", ""),
    "2^53": ("decidedAt: 9007199254740992", ""),
    "an integer of 5,000 digits": ("decidedAt: " + "9" * 5000, ""),
    "true": ("decidedAt: true", ""),
    "a text": ('decidedAt: "1"', ""),
    "an enum value": ("decidedAt: NOW", ""),
    "a list": ("decidedAt: [1]", ""),
    "an object": ("decidedAt: {}", ""),
    "a null name": ("", "name: null"),
    "a number for a name": ("", "name: 1"),
}


@pytest.mark.parametrize(("decided_at", "name"), LITERALS.values(), ids=LITERALS)
def test_a_bad_literal_is_refused(world: World, decided_at: str, name: str) -> None:
    decision = f"{{ {name or 'name: $name'}, optedIn: true, {decided_at} }}".replace("$name", '"beta"')
    with unchanged(world, world.member):
        body = world.member.graphql(
            f"mutation {{ updateUser(input: {{optInDecisions: [{decision}]}}) {{ userErrors {{ code }} }} }}"
        )
        assert codes(body) == "GRAPHQL_VALIDATION_FAILED"


def test_the_largest_instant_is_kept_exactly(world: World) -> None:
    user = world.new_user()
    for text in ("9007199254740991", "0"):
        body = user.ask(f"""mutation {{ updateUser(input: {{recentProjects: {{p: {text}}}, optInDecisions: [
          {{name: "beta", optedIn: true, decidedAt: {text}}}]}}) {{
          user {{ recentProjects optInDecisions {{ decidedAt }} }} }} }}""")
        returned = body["updateUser"]["user"]
        assert returned == {"recentProjects": {"p": int(text)}, "optInDecisions": [{"decidedAt": int(text)}]}


def test_an_unknown_badge_is_refused(world: World) -> None:
    target = {"username": world.member.username}
    with unchanged(world, world.member):
        for badge in (
            "",
            " ",
            "nope",
            "ProjectCreated",
            "projectCreated ",
            "PROJECT_CREATED",
            "x" * 500,
            "é",
        ):
            assert verdict(world.admin, "checkBadge", target | {"badge": badge}) == "UNKNOWN_BADGE badge"
        for bad in (None, *NOT_TEXTS):
            assert verdict(world.admin, "checkBadge", target | {"badge": bad}) == "BAD_USER_INPUT"
            assert verdict(world.admin, "checkBadge", {"username": bad, "badge": "projectCreated"}) == (
                "BAD_USER_INPUT"
            )


def test_an_unknown_field_is_refused(world: World) -> None:
    with unchanged(world, world.member):
        for field in (
            "badges",
            "displayName",
            "revision",
            "tenantId",
            "userId",
            "id",
            "createdAt",
            "user_id",
        ):
            assert verdict(world.owner, "updateUser", {"username": world.member.username, field: "x"}) == (
                "BAD_USER_INPUT"
            )


def test_a_malformed_permission_is_refused_before_it_is_looked_up(world: World) -> None:
    caller = guest(world, "admin")
    with unchanged(world, world.member):
        for permission in ("::", ":::", "x::y::z", "\u20ac::read", " ::read"):
            outcome = refusals(caller, world.member, "permissions", [[permission]])
            assert outcome <= {"INVALID_VALUE permissions", "NOT_ALLOWED permissions"}
