"""Pages of users, and what is read of one, cost the same whatever the number of users."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from gql_service.domain.pagination import PageRequest
from gql_service.domain.search import directory, members
from gql_service.domain.search.directory import MANY_TEXTS, UserSearch
from gql_service.domain.search.members import MemberSearch
from gql_service.domain.users import rows as users
from gql_service.store.connection import Connection
from tests.support.rows_read import analyze, assert_reads_no_more, rows_read
from tests.support.service import Service, serving
from tests.support.world import World

FEW, MANY = MANY_TEXTS // 3 + 1, 2 * (MANY_TEXTS // 3 + 1)
PAGES = {
    "the first": PageRequest(20, False, None, None),
    "the last": PageRequest(20, True, None, None),
    "after": PageRequest(20, False, "a-0100", None),
}


def fill(world: World, tenant: str, size: int) -> None:
    """Add users to a tenant who are found by three texts that begin with an `a`."""
    ann = world.member.user._replace(
        tenant_id=tenant, stored_profile_fields='{"firstName":{"value":"Ann"}}', stored_permissions="[]"
    )
    ids = [f"a-{number:04}-{tenant}" for number in range(size)]
    people = [ann._replace(user_id=id, username=id, email=f"{id}@x.example") for id in ids]
    for number in (3, size - 3):
        people[number] = people[number]._replace(stored_permissions=f'["{tenant}::admin"]')
    people[-3] = people[-3]._replace(tenant_id=world.tenant_id)  # a guest
    world.service.write(partial(users.insert_users, rows=people))


def assert_same_cost(world: World, what: str, *reads: Callable[[Connection], Any]) -> None:
    assert_reads_no_more(world.service.settings.database_url, what, *reads)


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def service(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A server on a database for this module only: PostgreSQL's plans depend on what else is in there."""
    url = f"sqlite+aiosqlite:///{tmp_path_factory.mktemp('users') / 'test.sqlite3'}"
    if request.param == "postgres":
        url = request.getfixturevalue("postgres_server").create_database()
    with serving(url) as running:
        yield running


@pytest.fixture(scope="module")
def tenants(service: Service) -> list[str]:
    """A tenant with few users, and one with many."""
    world = World(service)
    created = [world.new_tenant(), world.new_tenant()]
    for tenant, size in zip(created, (FEW, MANY), strict=True):
        fill(world, tenant, size)
    analyze(service.settings.database_url)
    return created


def test_users_cost_the_same_in_large_tenants(world: World, tenants: list[str]) -> None:
    for text in ("a", None):
        for page, request in PAGES.items():
            searches = [UserSearch(tenant, text=text) for tenant in tenants]
            reads = [partial(directory.page, search=each, request=request) for each in searches]
            assert_same_cost(world, f"{page} of {text}", *reads)
    ids = [f"a-0007-{tenant}" for tenant in tenants]
    assert_same_cost(world, "by id", *[partial(users.by_ids, ids=[id]) for id in ids])
    assert_same_cost(world, "by name", *[partial(users.by_usernames, usernames=[id]) for id in ids])


PREFIXES = {
    "of all": "a-",
    "of a hundred": "a-00",
    "of one": "a-0007-",
    "in upper case": "A-",
    "of none": "b",
}


def test_names_that_begin_with_a_text_cost_the_same_in_large_tenants(
    world: World, tenants: list[str]
) -> None:
    for what, prefix in PREFIXES.items():
        searches = [MemberSearch(tenant, "", prefix) for tenant in tenants]
        for page, request in PAGES.items():
            reads = [partial(members.page, members=each, request=request, now=0) for each in searches]
            assert_same_cost(world, f"{page} of names {what}", *reads)
            if "of a" not in what:  # almost no name
                assert rows_read(world.service.settings.database_url, reads[0]) < FEW
        if what != "of all":
            counts = [partial(members.count, members=each, now=0) for each in searches]
            assert_same_cost(world, f"the number of names {what}", *counts)


def test_admins_cost_the_same_in_large_tenants(world: World, tenants: list[str]) -> None:
    for lists in ({}, {"text": "a"}, {"user_ids": ("a-0003",)}):
        searches = [UserSearch(tenant, permission=f"{tenant}::admin", **lists) for tenant in tenants]
        reads = [partial(directory.page, search=each, request=PAGES["the first"]) for each in searches]
        assert_same_cost(world, f"admins {lists}", *reads)
        assert lists or rows_read(world.service.settings.database_url, reads[0]) < FEW
        counts = [partial(directory.count, search=each) for each in searches]
        assert_same_cost(world, f"the number of admins {lists}", *counts)


def test_platform_owners_cost_the_same_among_many_users(world: World, tenants: list[str]) -> None:
    """Of 2,000 users, the few owners are all that is read."""
    url, search = world.service.settings.database_url, directory.PLATFORM_OWNERS
    assert 1 <= world.owner.ask("{ platformOwners { totalCount } }")["platformOwners"]["totalCount"] < 10
    for request in PAGES.values():
        assert rows_read(url, partial(directory.page, search=search, request=request)) < FEW
    assert rows_read(url, partial(directory.count, search=search)) < FEW


def test_all_users_with_a_common_beginning_are_found_and_counted(world: World, tenants: list[str]) -> None:
    """As many as are read in the order of the members, and those of the tenant alone."""
    tenant, *_ = tenants
    key = world.new_platform(tenant)
    query = """query ($key: String!, $prefix: String!, $first: Int, $after: String, $last: Int,
      $before: String) { platform(key: $key) { users(where: {usernamePrefix: $prefix}, first: $first,
      after: $after, last: $last, before: $before) { totalCount nodes { userId }
      pageInfo { startCursor endCursor hasNextPage } } } }"""
    everybody = [f"a-{number:04}-{tenant}" for number in range(FEW)]

    def ask(prefix: str, **arguments: Any) -> Any:
        return world.owner.ask(query, key=key, prefix=prefix, **arguments)["platform"]["users"]

    found: list[str] = []
    after = None
    while True:
        page = ask("a-", first=100, after=after)
        assert page["totalCount"] == FEW
        found += [node["userId"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert found == everybody
    last = ask("a-", last=30)
    before = ask("a-", last=30, before=last["pageInfo"]["startCursor"])
    found = [node["userId"] for each in (before, last) for node in each["nodes"]]
    assert found == everybody[-60:]
    for prefix, count in (("a-000", 10), ("A-", 0), ("a-0007-", 1)):
        assert ask(prefix)["totalCount"] == count


def test_all_users_with_a_common_text_are_found_and_counted(world: World, tenants: list[str]) -> None:
    tenant, *_ = tenants
    query = """query ($t: ID!, $text: String!, $after: String) {
      users(tenantId: $t, where: {text: $text}, first: 100, after: $after) {
      totalCount nodes { userId } pageInfo { endCursor hasNextPage } } }"""
    found: list[str] = []
    after = None
    while True:
        page = world.owner.ask(query, t=tenant, text="a", after=after)["users"]
        assert page["totalCount"] == FEW
        found += [node["userId"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert found == [f"a-{number:04}-{tenant}" for number in range(FEW)]
    for text, count in (("ann", FEW), ("a-000", 10), ("none", 0)):
        assert world.owner.ask(query, t=tenant, text=text)["users"]["totalCount"] == count
