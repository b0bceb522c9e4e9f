"""Lists of users in the order of a metadata key: both directions, pages in both directions."""

import json
from typing import Any

import pytest

from gql_service.instants import rfc3339
from tests.search.test_operators import put
from tests.search.test_paths import define
from tests.support.service import Service
from tests.support.world import Caller, World

LIST = """query ($key: String!, $where: UserFilter, $order: UserOrder!, $first: Int, $after: String,
  $last: Int, $before: String) { platform(key: $key) { users(where: $where, orderBy: $order, first: $first,
  after: $after, last: $last, before: $before) { totalCount nodes { userId } edges { cursor }
  pageInfo { startCursor endCursor hasNextPage hasPreviousPage } } } }"""

VALUES = [
    ("number", "-3"),
    ("number", "7"),
    ("number", "7.0"),
    ("number", "7.5"),
    ("date", "2024-03-01T12:00:00+02:00"),
    ("date", "2024-03-01T10:00:00.5Z"),
    ("number", "9007199254740993"),
    ("string", "B"),
    ("string", "a"),
    ("string", "a"),
    ("string", "z" * 300),
    ("string", "ä"),
]
"""Values in their order, smallest first."""


class Ranking:
    """Users with these values under the key `k`, and some without a value to sort by."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.users = [world.new_user() for _ in VALUES]
        for equal in ((1, 2), (8, 9)):  # those with the same value are in the order of their ids
            first, second = sorted((self.users[index] for index in equal), key=lambda user: user.id)
            self.users[equal[0]], self.users[equal[1]] = first, second
        for user, (type_, value) in zip(self.users, VALUES, strict=True):
            put(world, user, "k", value, type_)
        put(world, world.new_user(), "k", "true", "boolean")
        put(world, world.new_user(), "k", "[1]", "json")
        put(world, world.new_user(), "other", "1")

    @property
    def ids(self) -> list[str]:
        return [user.id for user in self.users]


@pytest.fixture(scope="module")
def ranking(service: Service) -> Ranking:
    return Ranking(World(service))


def page(world: World, direction: str = "ASC", key: str = "k", path: Any = None, **arguments: Any) -> Any:
    order = {"key": key, "direction": direction, "path": path}
    data = world.admin.ask(LIST, key=world.platform_key, order=order, **arguments)
    return data["platform"]["users"]


def ids(connection: Any) -> list[str]:
    return [node["userId"] for node in connection["nodes"]]


def refusal(world: World, key: str = "k", **arguments: Any) -> str:
    body = world.admin.graphql(LIST, key=world.platform_key, order={"key": key}, **arguments)
    (error,) = body["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    return str(error["message"])


@pytest.mark.parametrize("direction", ["ASC", "DESC"])
@pytest.mark.parametrize("size", [1, 3, 5, 12, 50])
def test_pages_in_both_directions_are_the_list(ranking: Ranking, direction: str, size: int) -> None:
    expected = ranking.ids if direction == "ASC" else ranking.ids[::-1]
    for count, cursor, end, more in (
        ("first", "after", "endCursor", "hasNextPage"),
        ("last", "before", "startCursor", "hasPreviousPage"),
    ):
        seen: list[str] = []
        position: dict[str, Any] = {}
        while True:
            arguments: dict[str, Any] = {count: size} | position
            connection = page(ranking.world, direction, **arguments)
            assert connection["totalCount"] == len(VALUES)
            seen = seen + ids(connection) if count == "first" else ids(connection) + seen
            if not connection["pageInfo"][more]:
                break
            assert len(connection["nodes"]) == size
            position = {cursor: connection["pageInfo"][end]}
        assert seen == expected


@pytest.mark.parametrize("direction", ["ASC", "DESC"])
def test_pages_between_two_cursors(ranking: Ranking, direction: str) -> None:
    whole = page(ranking.world, direction, first=50)
    expected, cursors = ids(whole), [edge["cursor"] for edge in whole["edges"]]
    for start, end in ((0, 4), (1, 9), (5, 11), (3, 3), (9, 2)):
        between = page(ranking.world, direction, first=50, after=cursors[start], before=cursors[end])
        assert ids(between) == expected[start + 1 : end]


@pytest.mark.parametrize(
    ("condition", "indexes"),
    [
        ({"equals": 7}, [1, 2]),
        ({"in": ["a", 7.5, "B"]}, [3, 7, 8, 9]),
        ({"equalsIgnoreCase": "A"}, [8, 9]),
        ({"greaterThan": 7}, [3, 6]),
        ({"prefix": "a"}, [8, 9]),
        ({"contains": "z"}, [10]),
        ({"exists": True}, range(12)),
    ],
)
@pytest.mark.parametrize("direction", ["ASC", "DESC"])
def test_filtered_lists_are_ordered(ranking: Ranking, direction: str, condition: Any, indexes: Any) -> None:
    where = {"metadata": [{"key": "k"} | condition]}
    connection = page(ranking.world, direction, first=50, where=where)
    expected = [ranking.ids[index] for index in indexes]
    assert ids(connection) == (expected if direction == "ASC" else expected[::-1])
    assert connection["totalCount"] == len(expected)
    rest = page(ranking.world, direction, first=50, where=where, after=connection["edges"][0]["cursor"])
    assert ids(rest) == ids(connection)[1:]


def test_a_list_can_be_ordered_by_a_part_of_values(world: World) -> None:
    define(world, "/seats")
    for user, seats in ((world.member, 20), (world.colleague, 3), (world.admin, "many")):
        put(world, user, "plan", json.dumps({"seats": seats}), "json", isIndexed=False)
    expected = [world.colleague.id, world.member.id, world.admin.id]
    connection = page(world, key="plan", path="/seats", first=2)
    rest = page(world, key="plan", path="/seats", first=2, after=connection["pageInfo"]["endCursor"])
    assert ids(connection) + ids(rest) == expected
    assert connection["totalCount"] == 3
    assert ids(page(world, "DESC", key="plan", path="/seats", last=2)) == expected[1::-1]
    prefix = {"usernamePrefix": world.member.username}
    assert ids(page(world, key="plan", path="/seats", where=prefix)) == [world.member.id]


def test_users_whose_entries_are_not_valid_now_are_left_out(world: World) -> None:
    def score(user: Caller, value: int, **attributes: Any) -> None:
        put(world, user, "score", str(value), "number", **attributes)

    later = rfc3339(world.service.services.clock() + 3_600_000)
    score(world.member, 1)
    score(world.colleague, 2, validFrom=later)
    connection = page(world, key="score")
    assert (ids(connection), connection["totalCount"]) == ([world.member.id], 1)


def test_cursors_stay_right_while_values_change(world: World) -> None:
    users = [world.new_user() for _ in range(4)]
    for value, user in enumerate(users):
        put(world, user, "score", str(value), "number")
    first = page(world, key="score", first=2)
    put(world, users[1], "score", "9", "number")
    rest = page(world, key="score", after=first["pageInfo"]["endCursor"])
    assert ids(rest) == [users[2].id, users[3].id, users[1].id]


def test_invalid_orders_are_refused(world: World) -> None:
    put(world, world.member, "k", "a")
    put(world, world.member, "other", "a")
    assert "'nope' is not indexed" in refusal(world, "nope")
    cursor = page(world)["edges"][0]["cursor"]
    for wrong in (cursor[:-4], "AA==", "WzFd", "bnVsbA==", "dS0x"):
        assert "ursor" in refusal(world, after=wrong)
    assert "not valid for this order" in refusal(world, "other", after=cursor)
    assert "not valid for this order" in refusal(world, "other", before=cursor, last=3)
