"""Pages while rows are added: no row is repeated or missing. Also, the cost of a page."""

from typing import Any, NamedTuple
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gql_service.store import tables
from tests.support.service import Service
from tests.support.users import EVERYTHING, notify, store
from tests.support.world import Caller, World

USERS = """query ($key: String!, $first: Int, $after: String, $last: Int, $before: String) {
  platform(key: $key) { users(first: $first, after: $after, last: $last, before: $before) {
    edges { cursor node { userId } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } }"""
NOTIFICATIONS = """query ($id: ID!, $first: Int, $after: String, $last: Int, $before: String) {
  user(by: {userId: $id}) { notifications(first: $first, after: $after, last: $last, before: $before) {
    edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } }"""
SHORT = settings(max_examples=12, derandomize=True)
SUFFIX = st.text("abAB09-_", min_size=1, max_size=3)


class Walk(NamedTuple):
    """A walk through a list: the initial rows, the size of each page, and the rows added before it."""

    first: list[str]
    steps: list[tuple[int, list[str]]]
    backwards: bool


def walks(added: st.SearchStrategy[str]) -> st.SearchStrategy[Walk]:
    step = st.tuples(st.integers(1, 3), st.lists(added, max_size=2))
    return st.builds(Walk, st.lists(added, max_size=5), st.lists(step, min_size=1, max_size=5), st.booleans())


@pytest.fixture(scope="module")
def world(service: Service) -> World:
    return World(service)


def assert_complete(walk: Walk, add: Any, read: Any) -> None:
    """Walk to the end of a list. `add` returns the ids of added rows, `read` returns a page."""
    throughout, seen = set(add(walk.first)), list[str]()
    existing, cursor, more, steps = set(throughout), None, True, list(walk.steps)
    while more:
        size, added = steps.pop(0) if steps else (3, [])
        existing |= set(add(added))
        arguments = {"last": size, "before": cursor} if walk.backwards else {"first": size, "after": cursor}
        page = read(**arguments)
        ids = [next(iter(edge["node"].values())) for edge in page["edges"]]
        info = page["pageInfo"]
        more = info["hasPreviousPage" if walk.backwards else "hasNextPage"]
        assert len(ids) == size or not more
        if ids:
            cursor = info["startCursor" if walk.backwards else "endCursor"]
        seen = ids + seen if walk.backwards else seen + ids
        assert len(seen) == len(set(seen)), "a row came twice"
    assert throughout <= set(seen) <= existing, "a row is missing or was never there"


@SHORT
@given(walk=walks(SUFFIX))
def test_users_added_while_a_list_is_read_do_not_affect_others(world: World, walk: Walk) -> None:
    tenant, mark = world.new_tenant(), uuid4().hex[:12]
    key = world.new_platform(tenant)

    def add(suffixes: list[str]) -> list[str]:
        ids = {f"{suffix}{mark}{uuid4().hex[:4]}" for suffix in suffixes}
        return [world.new_user(tenant, id=id).id for id in ids]

    def read(**arguments: Any) -> Any:
        return world.owner.ask(USERS, key=key, **arguments)["platform"]["users"]

    assert_complete(walk, add, read)


@SHORT
@given(walk=walks(st.sampled_from("abc")))
def test_notifications_added_while_a_list_is_read_do_not_affect_others(world: World, walk: Walk) -> None:
    user = world.new_user()

    def add(titles: list[str]) -> list[str]:
        return notify(world, user, *titles)

    def read(**arguments: Any) -> Any:
        return user.ask(NOTIFICATIONS, id=user.id, **arguments)["user"]["notifications"]

    assert_complete(walk, add, read)


def test_without_a_size_a_page_has_the_first_20(world: World) -> None:
    user = world.new_user()
    ids = notify(world, user, *map(str, range(23)))
    newest_first = ids[::-1]
    for pages, expected in (
        ([{}, {"first": None}, {"first": None, "last": None}, {"last": None}], newest_first[:20]),
        ([{"first": 2, "last": None}], newest_first[:2]),
        ([{"first": None, "last": 2}], newest_first[-2:]),
    ):
        for arguments in pages:
            page = user.ask(NOTIFICATIONS, id=user.id, **arguments)["user"]["notifications"]
            assert [edge["node"]["id"] for edge in page["edges"]] == expected
    page = user.ask("{ me { notifications { nodes { id } pageInfo { hasNextPage endCursor } } } }")
    page = page["me"]["notifications"]
    assert ([node["id"] for node in page["nodes"]], page["pageInfo"]["hasNextPage"]) == (
        newest_first[:20],
        True,
    )
    page = user.ask(NOTIFICATIONS, id=user.id, after=page["pageInfo"]["endCursor"])["user"]["notifications"]
    assert [edge["node"]["id"] for edge in page["edges"]] == newest_first[20:]
    (error,) = user.graphql(NOTIFICATIONS, id=user.id, first=1, last=1)["errors"]
    assert error["message"] == "Provide either `first` or `last`, not both."


def test_a_user_with_several_permissions_is_listed_once(world: World) -> None:
    """A user who is a member by two permissions is listed once."""
    tenant = world.tenant_id
    world.new_user(permissions=[f"{tenant}::a", f"{tenant}::b", f"{world.other_tenant_id}::c"])
    for key in (world.platform_key, world.other_platform_key):
        edges = world.owner.ask(USERS, key=key, first=100)["platform"]["users"]["edges"]
        assert len(edges) == len({edge["node"]["userId"] for edge in edges})


PAGE = """query ($key: String!, $first: Int!) { platform(key: $key) { users(first: $first) {
  totalCount pageInfo { endCursor } nodes { FIELDS } } } }"""
PARTS = {
    "columns": "displayName image email emailVerified language permissions isPlatformOwner profileFields",
    "maps": "recentProjects personalAgentPermissions optInDecisions { name optedIn decidedAt }",
    "badges": "badges { name earnedAt badge { title } }",
    "progress": "badgeProgress { earned total locked { name } }",
    "badges and progress": "badges { name } badgeProgress { earned }",
    "unread": "unreadNotificationCount",
    "notifications": "notifications(first: 2) { nodes { title } edges { cursor } pageInfo { hasNextPage } }",
    "tokens": "tokens(first: 3) { nodes { id label createdAt } edges { cursor } pageInfo { hasNextPage } }",
    "documents": 'platformMetadata(platformKey: "KEY") { metadata } userMetadata { metadata }',
    "everything": EVERYTHING + " notifications(first: 2) { nodes { title } } badgeProgress { earned }",
}


@pytest.fixture(scope="module")
def crowd(world: World) -> tuple[Caller, str]:
    """Twelve users with all kinds of data; returns their admin and the key of their platform."""
    tenant = world.new_tenant()
    for _ in range(12):
        user = world.new_user(tenant, profile_fields={"firstName": {"value": "Ada"}})
        notify(world, user, "a", "b", "c")
        store(world, tables.earned_badges, user_id=user.id, name="projectCreated", earned_at=1)
    return world.new_user(tenant, permissions=[f"{tenant}::admin"]), world.new_platform(tenant)


@pytest.mark.parametrize("part", PARTS)
def test_a_page_takes_as_many_statements_whatever_its_size(
    world: World, crowd: tuple[Caller, str], part: str
) -> None:
    admin, key = crowd
    counts = []
    for size in (1, 3, 10):
        query = PAGE.replace("FIELDS", PARTS[part].replace("KEY", key))
        with world.service.statements() as statements:
            nodes = admin.ask(query, key=key, first=size)["platform"]["users"]["nodes"]
        assert len(nodes) == size
        counts.append(len(statements))
    assert counts[0] == counts[1] == counts[2]


def test_a_page_with_badges_notifications_and_progress_is_few_statements(
    world: World, crowd: tuple[Caller, str]
) -> None:
    """The statements for the caller, the platform, the page, its count, and each table."""
    admin, key = crowd
    query = PAGE.replace("FIELDS", "badges { name } badgeProgress { earned } unreadNotificationCount")
    with world.service.statements() as statements:
        admin.ask(query, key=key, first=10)
    read = sorted(statement.split("FROM ")[1].split()[0] for statement in statements)
    assert read == ["access_tokens", "earned_badges", "memberships", "notifications", "platforms", "users"]
