"""Finding users by their metadata: what each operator matches, and which searches are refused."""

from typing import Any

import pytest

from gql_service.instants import rfc3339
from gql_service.store import tables
from tests.support.entries import set_entries
from tests.support.service import Service
from tests.support.users import run_sql
from tests.support.world import Caller, World

SEARCH = """query ($key: String!, $where: UserFilter, $first: Int, $after: String, $last: Int,
  $before: String) { platform(key: $key) { users(where: $where, first: $first, after: $after, last: $last,
  before: $before) { totalCount nodes { userId } pageInfo { startCursor endCursor hasNextPage
  hasPreviousPage } } } }"""


def search(world: World, *conditions: dict[str, Any], by: Caller | None = None, **arguments: Any) -> Any:
    """The connection with the users who meet all conditions."""
    arguments.setdefault("first", 100 if "last" not in arguments else None)
    where = {"metadata": list(conditions)} | arguments.pop("where", {})
    data = (by or world.admin).ask(SEARCH, key=world.platform_key, where=where, **arguments)
    return data["platform"]["users"]


def found(world: World, *conditions: dict[str, Any]) -> set[str]:
    """The ids of the users who meet all conditions, after checking their order and `totalCount`."""
    connection = search(world, *conditions)
    ids = [node["userId"] for node in connection["nodes"]]
    assert ids == sorted(ids)
    assert connection["totalCount"] == len(ids) == len(set(ids))
    return set(ids)


def refusal(world: World, *conditions: dict[str, Any]) -> str:
    """The message with which a search is refused."""
    variables = {"key": world.platform_key, "where": {"metadata": list(conditions)}, "first": 9}
    body = world.admin.graphql(SEARCH, **variables)
    (error,) = body["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT", error
    return str(error["message"])


def put(world: World, user: Caller, key: str, value: str, type_: str = "string", **attributes: Any) -> None:
    """Set an indexed entry of a user, as an admin."""
    entry = {"metadataKey": key, "metadataValue": value, "valueType": type_, "isIndexed": True} | attributes
    payload = set_entries(world.admin, world, entry, username=user.username)
    assert payload["userErrors"] == []


class Directory:
    """Users, who are named after the value that they have under the key `k`."""

    def __init__(self, world: World, values: dict[str, tuple[str, str]]) -> None:
        self.world = world
        self.users = {name: world.new_user() for name in values}
        for name, (type_, value) in values.items():
            put(world, self.users[name], "k", value, type_)

    def found(self, **operators: Any) -> str:
        """The names of the users found, in alphabetical order, separated by spaces."""
        ids = found(self.world, {"key": "k"} | operators)
        return " ".join(sorted(name for name, user in self.users.items() if user.id in ids))


@pytest.fixture(scope="module")
def directory(service: Service) -> Directory:
    values = {
        "ant": ("string", "ant"),
        "anteater": ("string", "anteater"),
        "umlaut": ("string", "änt"),
        "emoji": ("string", "an😀"),
        "last": ("string", "an\U0010ffff!"),
        "long": ("string", "z" * 400),
        "datelike": ("string", "2024-03-01T10:00:00Z"),
        "one": ("number", "1"),
        "one_float": ("number", "1.0"),
        "zero": ("number", "-0.0"),
        "big": ("number", "9007199254740993"),
        "yes": ("boolean", "true"),
        "null": ("json", "null"),
        "list": ("json", '[1, {"b": 2, "a": 1}]'),
        "day": ("date", "2024-03-01"),
        "instant": ("date", "2024-03-01T12:00:00+02:00"),
        "later": ("date", "2024-03-01T10:00:00.5Z"),
        "bytes": ("binary", "AAEC"),
    }
    return Directory(World(service), values)


@pytest.mark.parametrize(
    ("operators", "names"),
    [
        ({"equals": "ant"}, "ant"),
        ({"equals": "Ant"}, ""),
        ({"equals": 1}, "one one_float"),
        ({"equals": 1.0}, "one one_float"),
        ({"equals": "1"}, ""),
        ({"equals": 0}, "zero"),
        ({"equals": 9007199254740993}, "big"),
        ({"equals": 9007199254740992}, ""),
        ({"equals": True}, "yes"),
        ({"equals": None}, "null"),
        ({"equals": [1, {"a": 1, "b": 2}]}, "list"),
        ({"equals": "AAEC"}, "bytes"),
        ({"equals": "z" * 400}, "long"),
        ({"equals": "2024-03-01"}, "day"),
        ({"equals": "2024-03-01T10:00:00Z"}, "datelike instant"),
        ({"equals": "2024-03-01T11:00:00+01:00"}, "instant"),
        ({"in": ["ant", 1, [], "none"]}, "ant one one_float"),
        ({"in": ["2024-03-01T11:00:00+01:00", "ant"]}, "ant instant"),
        ({"in": []}, ""),
        ({"in": ["ant", "anteater"], "equals": "ant"}, "ant"),
        ({"in": ["ant"], "equals": "anteater"}, ""),
        ({"in": ["ant", "anteater", "yes", "long"], "greaterThan": "ant"}, "anteater"),
        ({"prefix": "ant"}, "ant anteater"),
        ({"prefix": "an"}, "ant anteater emoji last"),
        ({"prefix": "an\U0010ffff"}, "last"),
        ({"prefix": "ä"}, "umlaut"),
        ({"prefix": "2024-03-01T10"}, "datelike instant later"),
        ({"prefix": "z" * 200}, "long"),
        ({"prefix": "ant", "lessThan": "ante"}, "ant"),
        ({"greaterThan": "ant", "lessThan": "zz"}, "anteater emoji last"),
        ({"greaterThanOrEqual": "ant", "lessThanOrEqual": "anteater"}, "ant anteater"),
        ({"greaterThan": "z" * 200}, "long umlaut"),
        ({"greaterThan": 0}, "big one one_float"),
        ({"greaterThanOrEqual": 0, "lessThan": 1.5}, "one one_float zero"),
        ({"lessThan": 0}, ""),
        ({"greaterThan": "2024-03-01", "lessThan": "2024-03-02"}, "datelike instant later"),
        ({"greaterThanOrEqual": "2024-03-01T11:30:00+01:30", "lessThan": "2025-01-01"}, "instant later"),
        ({"greaterThan": "2024-03-01T10:00:00.2Z", "lessThan": "2024-03-01T10:00:01Z"}, "datelike later"),
        ({"lessThan": "2024-03-01T00:00:00.000001Z", "greaterThan": "2000-01-01"}, "day"),
    ],
)  # fmt: skip
def test_operators_find_matching_values(directory: Directory, operators: dict[str, Any], names: str) -> None:
    assert directory.found(**operators) == names


@pytest.mark.parametrize(
    "where",
    [
        'metadata: [{key: "k", in: ["ant"], equals: "ant"}]',
        'metadata: {key: "k", equals: $value}',
        'metadata: [{key: "k", in: [$value, "b"], prefix: "a"}], usernamePrefix: null',
    ],
)
def test_conditions_can_be_written_as_literals(directory: Directory, where: str) -> None:
    query = f"""query ($key: String!, $value: JSON!) {{ platform(key: $key) {{
      users(first: 9, where: {{{where}}}) {{ nodes {{ userId }} }} }} }}"""
    if "$value" not in where:
        query = query.replace(", $value: JSON!", "")
    data = directory.world.admin.ask(query, key=directory.world.platform_key, value="ant")
    assert data["platform"]["users"]["nodes"] == [{"userId": directory.users["ant"].id}]


def test_exists_matches_indexed_entries(directory: Directory) -> None:
    everybody = set(directory.users)
    assert directory.found(exists=True).split() == sorted(everybody)
    other = directory.world.new_user()
    missing = found(directory.world, {"key": "k", "exists": False})
    assert other.id in missing
    assert not missing & {user.id for user in directory.users.values()}


def test_users_must_meet_all_conditions(world: World) -> None:
    both, plan, neither = world.new_user(), world.new_user(), world.new_user()
    put(world, both, "plan", "gold")
    put(world, plan, "plan", "gold")
    put(world, both, "score", "7", "number", isPublic=True)
    gold, high = {"key": "plan", "equals": "gold"}, {"key": "score", "greaterThan": 5}
    assert found(world, gold) == {both.id, plan.id}
    assert found(world, gold, high) == {both.id}
    assert found(world, high, {"key": "plan", "exists": True}) == {both.id}
    assert found(world, {"key": "score", "exists": False}, gold) == {plan.id}
    nothing = found(world, {"key": "score", "exists": False}, {"key": "plan", "exists": False})
    assert neither.id in nothing
    assert not nothing & {both.id, plan.id}
    prefix = {"usernamePrefix": both.username}
    assert search(world, gold, where=prefix)["totalCount"] == 1
    assert search(world, {"key": "score", "exists": False}, where=prefix)["nodes"] == []


def test_only_currently_valid_entries_match(world: World) -> None:
    clock = world.service.services.clock
    start, end = clock() + 3_600_000, clock() + 7_200_000
    pending, other = world.new_user(), world.new_user()
    put(world, other, "flag", "off")
    put(world, pending, "flag", "on", validFrom=rfc3339(start), validUntil=rfc3339(end))
    on, present = {"key": "flag", "equals": "on"}, {"key": "flag", "exists": True}
    assert (found(world, on), found(world, present)) == (set(), {other.id})
    assert pending.id in found(world, {"key": "flag", "exists": False})
    try:
        world.service.clock_offset += 5_400_000
        assert (found(world, on), found(world, present)) == ({pending.id}, {pending.id, other.id})
        assert pending.id not in found(world, {"key": "flag", "exists": False})
        world.service.clock_offset += 3_600_000
        assert (found(world, on), found(world, present)) == (set(), {other.id})
    finally:
        world.service.clock_offset = 0


def test_changed_entries_are_found_by_their_new_values(world: World) -> None:
    user = world.member
    put(world, user, "k", "a")
    put(world, user, "k", "b")
    assert (found(world, {"key": "k", "equals": "a"}), found(world, {"key": "k", "equals": "b"})) == (
        set(), {user.id},
    )  # fmt: skip
    put(world, world.colleague, "k", "other")
    patch = {"platformKey": world.platform_key, "username": user.username, "metadata": {"k": 5}}
    world.admin.ask(
        "mutation ($input: PatchPlatformMetadataInput!) { patchPlatformMetadata(input: $input) "
        "{ userErrors { code } } }", input=patch,
    )  # fmt: skip
    assert found(world, {"key": "k", "greaterThan": 4}) == {user.id}
    set_entries(world.admin, world, {"metadataKey": "k", "isIndexed": False}, username=user.username)
    assert found(world, {"key": "k", "exists": True}) == {world.colleague.id}
    put(world, user, "k", "b")
    set_entries(world.admin, world, username=user.username, deleteKeys=["k"])
    assert found(world, {"key": "k", "exists": True}) == {world.colleague.id}


def test_users_who_left_the_tenant_are_not_found(world: World) -> None:
    put(world, world.member, "k", "a")
    run_sql(world, tables.memberships.delete().where(tables.memberships.c.user_id == world.member.id))
    assert found(world, {"key": "k", "exists": True}) == set()


def test_keys_of_another_platform_are_not_indexed(world: World) -> None:
    put(world, world.member, "k", "a")
    conditions = [{"key": "k", "equals": "a"}]
    variables = {"key": world.other_platform_key, "where": {"metadata": conditions}, "first": 9}
    body = world.owner.graphql(SEARCH, **variables)
    assert "not indexed" in body["errors"][0]["message"]


def test_only_admins_can_search(world: World) -> None:
    put(world, world.member, "k", "a")
    variables = {
        "key": world.platform_key,
        "where": {"metadata": [{"key": "k", "equals": "a"}]},
        "first": 9,
    }
    body = world.member.graphql(SEARCH, **variables)
    assert body["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert world.foreign_admin.graphql(SEARCH, **variables)["data"]["platform"] is None


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ({"key": "nope", "equals": 1}, "'nope' is not indexed"),
        ({"key": "nope", "exists": False}, "'nope' is not indexed"),
        ({"key": "plain", "equals": 1}, "'plain' is not indexed"),
        ({"key": "k"}, "at least one operator"),
        ({"key": "k", "prefix": None, "in": None}, "at least one operator"),
        ({"key": "k", "prefix": "a" * 201}, "this one has 201"),
        ({"key": "k", "lessThan": "a" * 201}, "this one has 201"),
        ({"key": "k", "greaterThan": True}, "all numbers, or all texts"),
        ({"key": "k", "lessThan": [1]}, "all numbers, or all texts"),
        ({"key": "k", "lessThan": "a", "greaterThan": 1}, "all numbers, or all texts"),
        ({"key": "k", "exists": False, "equals": 1}, "cannot be combined"),
        ({"key": "k\0", "equals": 1}, "U+0000"),
        ({"key": "k", "prefix": "\0"}, "U+0000"),
    ],
)  # fmt: skip
def test_an_invalid_search_is_refused(world: World, condition: Any, message: str) -> None:
    put(world, world.member, "k", "a")
    put(world, world.member, "plain", "a", isIndexed=False)
    assert message in refusal(world, condition)
    body = world.admin.graphql(SEARCH, key=world.platform_key, where={"metadata": [{"key": "k"}] * 6})
    (error,) = body["errors"]
    assert error["extensions"]["code"] == "LIMIT_EXCEEDED"
    assert error["message"] == "`metadata` has 6 items; 5 are allowed."
