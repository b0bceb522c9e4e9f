"""`Platform.events`: every change once, in order, without values, for admins with the scope EVENTS."""

from typing import Any

import pytest

from gql_service.domain.events import pruning
from gql_service.domain.events.pruning import prune
from tests.access.test_scopes import limited
from tests.support import definitions
from tests.support.entries import set_entries
from tests.support.events import FEED, Follower, following, page
from tests.support.patches import patch
from tests.support.service import serving, wait_until
from tests.support.users import write
from tests.support.world import World

CLEAR = """mutation ($i: ClearPlatformMetadataInput!) { clearPlatformMetadata(input: $i) {
  userErrors { code } } }"""
DELETE_USER = "mutation ($i: DeleteUserInput!) { deleteUser(input: $i) { userErrors { code } } }"
DAY = 24 * 3600 * 1000


def facts(event: Any) -> tuple[Any, ...]:
    return event["type"], event["userId"], event["actorId"], event["revision"], event["changedKeys"]


def test_each_write_of_a_document_is_an_event(world: World) -> None:
    follower, member, admin = following(world), world.member, world.admin
    patch(member, world, metadata={"b": 1, "a": 2})
    member.rest("PATCH", world.platform_key, {"metadata": {"a": 3}, "delete_keys": ["b"]})
    patch(admin, world, username=member.username, metadata={"c": None})
    events = follower.wait_for(3)
    assert [facts(event) for event in events] == [
        ("DOCUMENT_CHANGED", member.id, member.id, 1, ["a", "b"]),
        ("DOCUMENT_CHANGED", member.id, member.id, 2, ["a", "b"]),
        ("DOCUMENT_CHANGED", member.id, admin.id, 3, ["c"]),
    ]
    assert {event["platformKey"] for event in events} == {world.platform_key}


def test_what_changes_nothing_is_no_event(world: World) -> None:
    follower = Follower(world.admin, world.platform_key)
    patch(world.member, world, metadata={"a": 1})
    follower.wait_for(1)
    patch(world.member, world, metadata={"a": 1.0})
    patch(world.member, world, metadata={"a": 2}, expectedRevision=7)
    patch(world.member, world, metadata={"a": 3})
    assert [event["revision"] for event in follower.wait_for(1)] == [2]


def test_admins_learn_of_hidden_keys(world: World) -> None:
    follower = following(world)
    entry = {"metadataKey": "secret", "metadataValue": "1", "isPublic": False}
    other = {"metadataKey": "a", "metadataValue": "1"}
    set_entries(world.admin, world, entry, other, username=world.member.username)
    (event,) = follower.wait_for(1)
    assert event["changedKeys"] == ["a", "secret"]


def test_events_of_the_tenant_belong_to_all_its_platforms(world: World) -> None:
    followers = [following(world), Follower(world.admin, world.new_platform())]
    foreign = Follower(world.foreign_admin, world.other_platform_key)
    world.member.ask(
        """mutation ($i: SetUserMetadataInput!) { setUserMetadata(input: $i) { userErrors { code } } }""",
        i={"entries": [{"metadataKey": "theme", "metadataValue": "dark"}]},
    )
    for follower in followers:
        (event,) = follower.wait_for(1)
        assert (event["platformKey"], event["changedKeys"]) == (None, ["theme"])
    assert foreign.new() == []


def test_definitions_are_events(world: World) -> None:
    follower = following(world)
    definitions.define(world, "plan", "string")
    definitions.define(world, "plan", "string")  # changes nothing
    world.admin.ask(
        "mutation ($i: RemoveMetadataDefinitionInput!) { removeMetadataDefinition(input: $i) "
        "{ userErrors { code } } }",
        i={"platformKey": world.platform_key, "key": "plan"},
    )
    assert [(event["type"], event["changedKeys"]) for event in follower.wait_for(2)] == [
        ("DEFINITION_CHANGED", ["plan"]),
        ("DEFINITION_REMOVED", ["plan"]),
    ]


def test_clearing_removes_the_names_of_keys(world: World) -> None:
    begin, member = Follower(world.admin, world.platform_key), world.member
    patch(member, world, metadata={"diagnosis": "x"})
    patch(world.colleague, world, metadata={"other": "x"})
    member.ask(CLEAR, i={"platformKey": world.platform_key})
    patch(member, world, metadata={"new": 1})
    events = begin.wait_for(4)
    assert [(event["type"], event["revision"], event["changedKeys"]) for event in events] == [
        ("DOCUMENT_CHANGED", 1, []),
        ("DOCUMENT_CHANGED", 1, ["other"]),
        ("DOCUMENT_CLEARED", 2, []),
        ("DOCUMENT_CHANGED", 3, ["new"]),
    ]


def test_erasing_a_user_leaves_one_event(world: World) -> None:
    begin, erased = Follower(world.admin, world.platform_key), world.new_user()
    patch(erased, world, metadata={"a": 1})
    patch(world.colleague, world, metadata={"a": 1})
    world.owner.ask(DELETE_USER, i={"username": erased.username})
    assert [(event["type"], event["userId"]) for event in begin.wait_for(2)] == [
        ("DOCUMENT_CHANGED", world.colleague.id),
        ("USER_ERASED", erased.id),
    ]


def test_an_erased_actor_is_forgotten(world: World) -> None:
    def actors() -> list[Any]:
        """Read from the start: a follower may be told that events of the erased user are gone."""
        return [event["actorId"] for event in Follower(world.admin, world.platform_key).new()]

    admin = world.new_user(permissions=[f"{world.tenant_id}::admin"])
    patch(admin, world, username=world.member.username, metadata={"a": 1})
    world.owner.ask(DELETE_USER, i={"username": admin.username})
    wait_until(lambda: actors() == [None, None])


def test_only_admins_with_the_scope_read_the_feed(world: World) -> None:
    assert page(limited(world.admin, {"READ", "ADMIN", "EVENTS"}), world.platform_key)["edges"] != []
    for caller in (
        world.member,
        limited(world.admin, {"READ", "ADMIN"}),
        limited(world.admin, {"READ", "EVENTS"}),
    ):
        body = caller.graphql(FEED, key=world.platform_key)
        assert body["data"]["platform"]["events"] is None
        assert body["errors"][0]["extensions"]["code"] == "FORBIDDEN"


@pytest.mark.parametrize("cursor", ["", "x", "-1", "99999999999999999999", "1.5", "٣", "MQ", "MS41", "LTE="])
def test_malformed_cursors_are_refused(world: World, cursor: str) -> None:
    for bounds in ({"after": cursor}, {"last": 1, "before": cursor}):
        (error,) = world.admin.graphql(FEED, key=world.platform_key, **bounds)["errors"]
        assert error["extensions"]["code"] == "BAD_USER_INPUT"


def newest(world: World, **window: Any) -> tuple[list[int | None], Any]:
    """The revisions of a page of the feed, and where it is."""
    found = world.admin.ask(FEED, key=world.platform_key, **window)["platform"]["events"]
    return [edge["node"]["revision"] for edge in found["edges"]], found["pageInfo"]


def test_the_newest_events_can_be_read_first(world: World) -> None:
    follower, other = following(world), world.new_platform()
    for number in range(5):
        patch(world.member, world, metadata={"a": number})
        patch(world.member, world, platformKey=other, metadata={"a": number})
    user_wide = {"entries": [{"metadataKey": "theme", "metadataValue": "dark"}]}
    write(world.member, "setUserMetadata", user_wide)
    begin = follower.after
    follower.wait_for(6)
    revisions, info = newest(world, last=2)
    assert (revisions, info["hasNextPage"], info["hasPreviousPage"]) == ([5, 1], False, True)
    revisions, older = newest(world, last=3, before=info["startCursor"])
    assert (revisions, older["hasNextPage"], older["hasPreviousPage"]) == ([2, 3, 4], True, True)
    revisions, oldest = newest(world, last=3, before=older["startCursor"], after=begin)
    assert (revisions, oldest["hasPreviousPage"]) == ([1], False)
    revisions, between = newest(world, first=2, after=begin, before=info["endCursor"])
    assert (revisions, between["hasNextPage"], between["hasPreviousPage"]) == ([1, 2], True, True)
    assert newest(world, last=9, after=info["endCursor"])[0] == []


def test_whoever_has_missed_deleted_events_is_told(
    fresh_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two transactions delete them."""
    monkeypatch.setattr(pruning, "_BATCH", 2)
    with serving(fresh_database_url) as service:
        world = World(service)
        quiet = world.new_platform()
        early, late = following(world), following(world)
        on_quiet = Follower(world.admin, quiet)
        patch(world.member, world, metadata={"a": 1})
        patch(world.admin, world, platformKey=quiet, metadata={"a": 1})
        assert [len(each.wait_for(1)) for each in (early, late, on_quiet)] == [1, 1, 1]
        patch(world.member, world, metadata={"a": 2})
        late.wait_for(1)
        services = world.service.services
        assert world.service.run(lambda: prune(services.database, services.clock() + 1)) >= 3
        for follower in (late, on_quiet):
            assert follower.new() == []
        (error,) = world.admin.graphql(FEED, key=world.platform_key, after=early.after)["errors"]
        assert error["extensions"]["code"] == "EVENTS_DELETED"
        patch(world.member, world, metadata={"a": 3})
        assert [event["revision"] for event in late.wait_for(1)] == [3]
        revisions, info = newest(world, last=9)
        assert (revisions, info["hasPreviousPage"]) == ([3], False)
        assert [event["revision"] for event in Follower(world.admin, world.platform_key).new()] == [3]


def test_events_are_kept_for_some_days(fresh_database_url: str) -> None:
    with serving(fresh_database_url, sweep_interval=1, event_max_age=3) as service:
        world = World(service)
        for number in range(2):
            patch(world.member, world, metadata={"a": number})
            service.clock_offset += 2 * DAY
        wait_until(lambda: newest(world, last=9)[0] == [2])


def test_what_happens_to_users_is_an_event(world: World) -> None:
    admin, user = world.admin, world.new_user()
    everything = Follower(admin, world.platform_key, ignores_new_users=False)
    assert [facts(event) for event in everything.wait_for(8)][-2:] == [
        ("USER_CREATED", user.id, None, None, []),
        ("TOKEN_ISSUED", user.id, None, None, ["tokens"]),
    ]
    follower = following(world)
    write(admin, "updateUser", {"username": user.username, "language": "de", "image": "https://a.example/b"})
    write(admin, "updateUser", {"username": user.username, "language": "de"})  # changes nothing
    write(admin, "checkBadge", {"username": user.username, "badge": "projectCreated"})
    user.ask("mutation { markNotificationsRead(input: {}) { readIds } }")
    issued = write(user, "issueToken", {}, "accessToken { id }")["accessToken"]["id"]
    write(admin, "revokeToken", {"id": issued})
    assert [facts(event)[:3] + facts(event)[4:] for event in follower.wait_for(6)] == [
        ("USER_CHANGED", user.id, admin.id, ["image", "language"]),
        ("BADGE_AWARDED", user.id, admin.id, ["badges"]),
        ("NOTIFICATION_CREATED", user.id, None, ["notifications"]),
        ("NOTIFICATION_READ", user.id, user.id, ["notifications"]),
        ("TOKEN_ISSUED", user.id, user.id, ["tokens"]),
        ("TOKEN_REVOKED", user.id, admin.id, ["tokens"]),
    ]
