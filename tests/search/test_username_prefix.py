"""`usernamePrefix`: upper and lower case differ, on every database, whatever its collation is."""

from typing import Any
from uuid import uuid4

import pytest

from tests.search.test_operators import put, search
from tests.support.cli_processes import run_command
from tests.support.postgres import Postgres
from tests.support.service import serving
from tests.support.world import Caller, World

NAMES = ("ab", "a-b", "a.b1", "a_b", "ab1", "abc", "aB", "a+B", "ABx", "äb", "aäb", "aß", "日本", "z")
PREFIXES = ("a", "A", "ab", "aB", "AB", "a-", "a.b", "a_", "a+", "ä", "aä", "aa\u0308", "as", "日",
            "zz", "a b", "%", "_", "\U0010ffff", "a\U0010ffff", "\ud7ff")  # fmt: skip


def found(world: World, prefix: str, *conditions: dict[str, Any]) -> list[str]:
    """The ids of all users who are found, by pages in both directions."""
    where = {"usernamePrefix": prefix}
    ids: list[list[str]] = []
    for size, cursor, more, end in (
        ("first", "after", "hasNextPage", "endCursor"),
        ("last", "before", "hasPreviousPage", "startCursor"),
    ):
        pages: list[str] = []
        position: dict[str, Any] = {}
        while True:
            page = search(world, *conditions, where=where, **(position | {size: 3}))
            of_page = [node["userId"] for node in page["nodes"]]
            pages = pages + of_page if size == "first" else of_page + pages
            position = {cursor: page["pageInfo"][end]}
            if not page["pageInfo"][more]:
                break
        assert page["totalCount"] == len(pages)
        ids.append(pages)
    assert ids[0] == ids[1] == sorted(ids[0])
    return ids[0]


def folded_apart(names: tuple[str, ...]) -> dict[str, str]:
    """Names of which no two are spellings of one, by what they begin with."""
    return {name: f"{name}{number}" for number, name in enumerate(names)}


def assert_found(world: World, users: dict[str, Caller], unique: str) -> None:
    for prefix in PREFIXES:
        expected = [user.id for name, user in users.items() if name.startswith(prefix)]
        assert found(world, unique + prefix) == sorted(expected), prefix


def test_names_that_begin_with_a_text_are_found(world: World) -> None:
    unique = str(uuid4().int)  # no letters, so that those of any script may follow
    names = folded_apart(NAMES).values()
    users = {name: world.new_user(username=unique + name) for name in names}
    guest = world.new_user(
        world.other_tenant_id, username=f"{unique}ab-guest", permissions=[f"{world.tenant_id}::read"]
    )
    world.new_user(world.other_tenant_id, username=f"{unique}ab-stranger")
    assert_found(world, users | {"ab-guest": guest}, unique)
    for user in users.values():
        put(world, user, "plan", "gold")
    gold = {"key": "plan", "equals": "gold"}
    expected = sorted(user.id for name, user in users.items() if name.startswith("ab"))
    assert found(world, f"{unique}ab", gold) == expected
    assert found(world, f"{unique}ab", {"key": "plan", "prefix": "g"}) == expected
    assert found(world, f"{unique}ab", {"key": "plan", "exists": False}) == [guest.id]


@pytest.mark.parametrize("conditions", [[], [{"key": "plan", "exists": True}]], ids=["alone", "with another"])
def test_the_collation_of_the_database_does_not_matter(
    postgres_server: Postgres, conditions: list[dict[str, Any]]
) -> None:
    name = f"english_{uuid4().hex}"
    create = f"CREATE DATABASE {name} TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en-US'"
    postgres_server.sql("postgresql://x/postgres", create)
    url = f"postgresql+asyncpg://tester@127.0.0.1:{postgres_server.port}/{name}"
    run_command(url, "migrate")
    with serving(url) as service:
        world = World(service)
        users = {name: world.new_user(username=name) for name in folded_apart(NAMES).values()}
        for user in users.values():
            put(world, user, "plan", "gold")
        for prefix in PREFIXES:
            expected = [user.id for name, user in users.items() if name.startswith(prefix)]
            assert found(world, prefix, *conditions) == sorted(expected), prefix
