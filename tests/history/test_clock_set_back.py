"""The time of a document never goes back, even if the clock does."""

from typing import Any

from gql_service import instants
from tests.support.clock import HOUR, instant, shifted
from tests.support.entries import set_entries
from tests.support.history import as_of, changes, values
from tests.support.world import World

READ = """query ($key: String!) { platformMetadata(platformKey: $key) {
  createdAt updatedAt entries(first: 9) { nodes { metadataKey createdAt updatedAt } } } }"""


def put(world: World, **metadata: Any) -> None:
    response = world.member.rest("PUT", world.platform_key, {"metadata": metadata})
    assert response.status_code == 200


def document(world: World) -> Any:
    return world.member.ask(READ, key=world.platform_key)["platformMetadata"]


def test_a_write_after_the_clock_was_set_back_gets_the_time_of_the_write_before(world: World) -> None:
    with shifted(world.service, HOUR):
        put(world, a=1)
        first = document(world)
    put(world, a=2, b=1)
    second = document(world)
    assert second["createdAt"] == first["createdAt"]
    assert second["updatedAt"] == first["updatedAt"]
    assert {entry["createdAt"] for entry in second["entries"]["nodes"]} == {first["createdAt"]}
    assert {entry["updatedAt"] for entry in second["entries"]["nodes"]} == {first["updatedAt"]}
    assert [change["changedAt"] for change in changes(world, world.member)] == [first["updatedAt"]] * 2
    with shifted(world.service, 2 * HOUR):
        put(world, a=3)
        assert document(world)["updatedAt"] > second["updatedAt"]


def test_past_instants_tell_what_was_written_until_then(world: World) -> None:
    before = instant(world.service, -1)
    put(world, a="first")
    with shifted(world.service, HOUR):
        put(world, a="ahead")
    put(world, a="ahead", b="set back")
    put(world, a="last", b="set back")
    with shifted(world.service, 2 * HOUR):
        put(world, a="later", b="set back")
        written = changes(world, world.member)
        *_, ahead, _ = (change["changedAt"] for change in written)
        for viewer in (world.member, world.admin):
            assert as_of(world, viewer, before, world.member) == {}
            assert as_of(world, viewer, ahead, world.member) == {"a": "last", "b": "set back"}
            just_before = instants.rfc3339(instants.parse_milliseconds(ahead) - 1)
            assert as_of(world, viewer, just_before, world.member) == {"a": "first"}
    assert [values(change) for change in written] == [
        {"a": ("last", "later")}, {"a": ("ahead", "last")}, {"b": ("-", "set back")},
        {"a": ("first", "ahead")}, {"a": ("-", "first")},
    ]  # fmt: skip


def test_entries_are_valid_by_the_clock_and_not_by_the_time_of_the_document(world: World) -> None:
    with shifted(world.service, HOUR):
        put(world, a=1)
    ended = {"metadataKey": "ended", "validUntil": instant(world.service, HOUR // 2)}
    begins = {"metadataKey": "begins", "validFrom": instant(world.service, HOUR // 2)}
    shared = {"metadataValue": "v", "isPublic": True, "isEditable": True}
    for entry in (ended, begins):
        assert set_entries(world.member, world, entry | shared)["userErrors"] == []
    assert world.member.rest("GET", world.platform_key).json()["metadata"] == {"a": 1, "ended": "v"}
