"""History is pruned by age and number; what is left tells no wrong past, and says how far back it reaches."""

import random
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Text, cast, select

from gql_service import instants
from gql_service.domain.maintenance import expiry
from gql_service.store import tables
from gql_service.store.statement import Statement
from tests.history.test_as_of_and_restore import restore
from tests.history.test_point_in_time_property import Life
from tests.support.clock import HOUR, instant
from tests.support.entries import set_entries
from tests.support.history import AS_OF, as_of, changes, history
from tests.support.retention import DAY, prune, set_retention
from tests.support.service import serving, wait_until
from tests.support.world import World

PRUNED_UNTIL = """query ($key: String!, $name: String) {
  platformMetadata(platformKey: $key, username: $name) { history(first: 1) { prunedUntil } } }"""
_ROWS = Statement(
    select(
        tables.document_changes.c.user_id,
        tables.document_changes.c.revision,
        cast(tables.document_changes.c.changes, Text),
    )
)


@pytest.fixture(autouse=True)
def _clean(world: World) -> Iterator[None]:
    """Prune what other tests have left, and reset the clock afterwards."""
    prune(world)
    offset = world.service.clock_offset
    yield
    world.service.clock_offset = offset


def wait(world: World, milliseconds: int = 1000) -> None:
    world.service.clock_offset += milliseconds


def write(world: World, count: int) -> None:
    """Patch the member's document, each time a second later."""
    for number in range(count):
        wait(world)
        response = world.member.rest("PATCH", world.platform_key, {"metadata": {"n": str(number)}})
        assert response.status_code == 200


def revisions(world: World) -> list[int]:
    return [change["revision"] for change in changes(world, world.member)]


def pruned_until(world: World) -> Any:
    data = world.member.ask(PRUNED_UNTIL, key=world.platform_key)
    return data["platformMetadata"]["history"]["prunedUntil"]


def stored(world: World) -> dict[int, str]:
    """The rows of the member's history by revision."""

    async def read() -> dict[int, str]:
        async with world.service.services.database.read() as connection:
            rows = await connection.fetch(_ROWS)
        return {revision: text for user, revision, text in rows if user == world.member.id}

    return world.service.run(read)


def refused_as_of(world: World, at: str) -> str:
    body = world.member.graphql(AS_OF, key=world.platform_key, at=at)
    assert [error["extensions"]["code"] for error in body["errors"]] == ["BAD_USER_INPUT"]
    return str(body["errors"][0]["message"])


def before(at: str) -> str:
    return instants.rfc3339(instants.parse_milliseconds(at) - 1)


def test_changes_that_are_too_old_are_pruned(world: World) -> None:
    set_retention(world, historyMaxAge=1)
    write(world, 3)
    wait(world, DAY // 2)
    write(world, 2)
    assert prune(world).changes == 0
    assert pruned_until(world) is None
    wait(world, DAY // 2)
    times = [change["changedAt"] for change in changes(world, world.member)]
    assert prune(world).changes == 3
    assert revisions(world) == [5, 4]
    assert pruned_until(world) == times[2]
    assert len(stored(world)) == 3
    assert prune(world).changes == 0


def test_changes_that_are_too_many_are_pruned(world: World) -> None:
    set_retention(world, historyMaxChanges=2)
    write(world, 2)
    assert prune(world).changes == 0
    for expected in (3, 6, 9):
        write(world, 3)
        assert prune(world).changes == 3
        assert revisions(world) == [expected + 2, expected + 1]
        assert len(stored(world)) == 3


def test_pages_end_where_the_history_does(world: World) -> None:
    set_retention(world, historyMaxChanges=4)
    write(world, 6)
    prune(world)

    def page(**arguments: Any) -> Any:
        found = history(world, world.member, **arguments)
        info = found["pageInfo"]
        return [node["revision"] for node in found["nodes"]], info["hasNextPage"], info["hasPreviousPage"]

    assert page(first=4) == ([6, 5, 4, 3], False, False)
    assert page(first=3) == ([6, 5, 4], True, False)
    assert page(last=2) == ([4, 3], False, True)
    assert page(last=3) == ([5, 4, 3], False, True)
    assert page(last=4) == ([6, 5, 4, 3], False, False)
    cursor = history(world, world.member, first=3)["pageInfo"]["endCursor"]
    assert page(first=5, after=cursor) == ([3], False, True)


def test_no_past_is_told_that_is_not_known_any_more(world: World) -> None:
    set_retention(world, historyMaxChanges=2)
    write(world, 5)
    times = {change["revision"]: change["changedAt"] for change in changes(world, world.member)}
    prune(world)
    assert pruned_until(world) == times[3]
    assert as_of(world, world.member, times[3]) == {"n": "2"}
    assert as_of(world, world.member, before(times[5])) == {"n": "3"}
    for at in (before(times[3]), times[1]):
        assert times[3] in refused_as_of(world, at)
    assert as_of(world, world.member, before(times[1])) == {}
    for revision in (1, 2, 3):
        assert [error["code"] for error in restore(world, revision)["userErrors"]] == ["UNKNOWN_REVISION"]
    assert restore(world, 4)["platformMetadata"]["metadata"] == {"n": "3"}


def test_an_entry_that_has_expired_is_known_as_long_as_its_time_is(world: World) -> None:
    """It was set by a change that is pruned, and swept: nothing but the baseline tells that it existed."""
    set_retention(world, historyMaxChanges=1)
    promo = {"metadataKey": "promo", "metadataValue": "canary", "isPublic": True, "isEditable": True}
    set_entries(world.member, world, promo | {"validUntil": instant(world.service, HOUR)})
    write(world, 3)
    assert prune(world).changes == 3
    wait(world)
    seen = instant(world.service, -1)
    wait(world, HOUR)
    services = world.service.services
    world.service.run(lambda: expiry.sweep(services.database, services.clock))
    assert as_of(world, world.member, seen) == {"n": "2", "promo": "canary"}
    assert as_of(world, world.member, instant(world.service, -1)) == {"n": "2"}
    write(world, 2)
    prune(world)
    assert "canary" not in str(stored(world))


@pytest.mark.parametrize("what", ["clear", "delete"])
def test_what_deletes_values_reaches_the_pruned_changes(world: World, what: str) -> None:
    set_retention(world, historyMaxChanges=1)
    promo = {"metadataKey": "promo", "metadataValue": "canary", "isPublic": True, "isEditable": True}
    set_entries(world.member, world, promo | {"validUntil": instant(world.service, DAY)})
    write(world, 2)
    assert prune(world).changes == 2
    assert "canary" in str(stored(world))
    if what == "delete":
        world.member.rest("PATCH", world.platform_key, {"delete_keys": ["promo"]})
        write(world, 2)
        prune(world)
    else:
        world.member.rest("DELETE", world.platform_key)
    assert "canary" not in str(stored(world))


@pytest.mark.parametrize("seed", range(3))
def test_every_instant_that_is_kept_reads_as_it_did(world: World, seed: int) -> None:
    life, choose = Life(world, seed), random.Random(seed)
    for number in range(14):
        life.change()
        if number in (5, 9, 13):
            set_retention(world, historyMaxChanges=choose.randrange(2, 6))
            prune(world)
    data = world.admin.ask(PRUNED_UNTIL, key=world.platform_key, name=world.member.username)
    until = instants.parse_milliseconds(data["platformMetadata"]["history"]["prunedUntil"])
    kept = [(at, seen) for at, seen in life.seen_by_admin if instants.parse_milliseconds(at) >= until]
    assert 0 < len(kept) < len(life.seen_by_admin)
    for at, seen in kept:
        assert as_of(world, world.admin, at, world.member) == seen


def test_long_histories_are_pruned_in_small_transactions(fresh_database_url: str) -> None:
    with serving(fresh_database_url, history_max_changes=5) as service:
        world = World(service)
        write(world, 260)
        with service.statements() as statements:
            assert prune(world).changes == 255
        assert sum(statement.startswith("DELETE FROM document_changes") for statement in statements) == 2
        assert revisions(world) == [260, 259, 258, 257, 256]


def test_a_server_prunes_by_itself(fresh_database_url: str) -> None:
    with serving(fresh_database_url, sweep_interval=0.05, history_max_changes=2) as service:
        world = World(service)
        write(world, 6)
        wait_until(lambda: len(stored(world)) == 3)
        assert revisions(world) == [6, 5]


def test_without_limits_everything_is_kept(fresh_database_url: str) -> None:
    with serving(fresh_database_url, history_max_changes=0, history_max_age=0) as service:
        world = World(service)
        write(world, 3)
        wait(world, 40_000 * DAY)
        assert prune(world).changes == 0
        assert revisions(world) == [3, 2, 1]
        assert set_retention(world, historyMaxAge=100)["userErrors"] == []
        assert prune(world).changes == 3
        assert revisions(world) == []
        assert pruned_until(world) is not None


def test_a_platform_keeps_less_than_the_service_and_not_more(world: World) -> None:
    kept = {"historyMaxAge": 365, "historyMaxChanges": 10_000, "idempotencyMaxAge": 24}
    payload = set_retention(world, historyMaxAge=30)
    assert payload["platform"]["retention"] == kept | {"historyMaxAge": 30}
    for name, number in {"historyMaxAge": 366, "historyMaxChanges": 0, "idempotencyMaxAge": 25}.items():
        payload = set_retention(world, **{name: number})
        assert payload["platform"] is None
        (error,) = payload["userErrors"]
        assert (error["code"], error["field"]) == ("INVALID_VALUE", [name])
        assert "not more" in error["message"]
    assert set_retention(world)["platform"]["retention"] == kept
