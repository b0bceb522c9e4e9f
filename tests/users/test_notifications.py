"""Notifications: listed newest first, counted, and marked as read by their user only."""

from datetime import datetime
from typing import Any

import pytest

from tests.support.service import Service
from tests.support.users import ask, codes, guest, notify, send, unchanged, verdict, write
from tests.support.world import Caller, World

PAGE = """query ($first: Int, $after: String, $last: Int, $before: String) { me {
  notifications(first: $first, after: $after, last: $last, before: $before) {
    edges { cursor node { id } } nodes { id title readAt }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } }"""


@pytest.fixture(scope="module")
def world(service: Service) -> World:
    return World(service)


@pytest.fixture
def user(world: World) -> Caller:
    return world.new_user()


def page(user: Caller, **arguments: Any) -> Any:
    return user.ask(PAGE, **arguments)["me"]["notifications"]


def titles(page: Any) -> str:
    return "".join(node["title"] for node in page["nodes"])


def mark(user: Caller, **input: Any) -> list[str]:
    read: list[str] = write(user, "markNotificationsRead", input, "readIds")["readIds"]
    return read


def unread(user: Caller) -> int:
    count: int = ask(user, user, "unreadNotificationCount")["unreadNotificationCount"]
    assert count == sum(node["readAt"] is None for node in page(user, first=100)["nodes"])
    return count


def test_a_notification_has_a_kind_a_text_and_timestamps(world: World, user: Caller) -> None:
    before = world.service.services.clock()
    write(world.admin, "checkBadge", {"username": user.username, "badge": "projectCreated"})
    after = world.service.services.clock()
    fields = "notifications(first: 1) { nodes { id kind title body createdAt readAt } }"
    (notification,) = ask(user, user, fields)["notifications"]["nodes"]
    assert (notification["kind"], notification["readAt"]) == ("badge", None)
    assert notification["title"]
    assert notification["body"]
    created = datetime.fromisoformat(notification["createdAt"]).timestamp() * 1000
    assert before <= round(created) <= after


def test_notifications_are_listed_newest_first(world: World, user: Caller) -> None:
    notify(world, user, *"abcde")
    assert titles(page(user, first=100)) == "edcba"
    notify(world, user, "f", now=world.service.services.clock() + 1000)
    assert titles(page(user, first=3)) == "fed"


def test_notifications_of_the_same_millisecond_are_listed_newest_first(world: World, user: Caller) -> None:
    now, letters = world.service.services.clock(), "abcdefghijklmnopqrstuvwxyz"
    for title in letters:
        notify(world, user, title, now=now)
    assert titles(page(user, first=100)) == letters[::-1]
    notify(world, user, "0", now=now - 1)
    notify(world, user, "1", now=now + 1)
    assert titles(page(user, first=100)) == f"1{letters[::-1]}0"


@pytest.mark.parametrize("size", [1, 2, 3, 5, 6, 100])
def test_forward_pages_have_every_notification_exactly_once(world: World, user: Caller, size: int) -> None:
    notify(world, user, *"abcde")
    seen, cursor, more = "", None, True
    while more and len(seen) < 10:
        found = page(user, first=size, after=cursor)
        info = found["pageInfo"]
        assert [edge["node"]["id"] for edge in found["edges"]] == [node["id"] for node in found["nodes"]]
        assert info["startCursor"] == found["edges"][0]["cursor"]
        assert info["endCursor"] == found["edges"][-1]["cursor"]
        seen, cursor, more = seen + titles(found), info["endCursor"], info["hasNextPage"]
    assert seen == "edcba"


@pytest.mark.parametrize("size", [1, 2, 3, 5, 6, 100])
def test_backward_pages_have_every_notification_exactly_once(world: World, user: Caller, size: int) -> None:
    notify(world, user, *"abcde")
    seen, cursor, more = "", None, True
    while more and len(seen) < 10:
        found = page(user, last=size, before=cursor)
        info = found["pageInfo"]
        seen, cursor, more = titles(found) + seen, info["startCursor"], info["hasPreviousPage"]
    assert seen == "edcba"


def test_a_page_without_a_size_has_20_items(world: World, user: Caller) -> None:
    letters = "abcdefghijklmnopqrstu"
    notify(world, user, *letters)
    found = page(user)
    assert titles(found) == letters[:0:-1]
    assert found["pageInfo"]["hasNextPage"]


def test_a_page_between_two_cursors(world: World, user: Caller) -> None:
    notify(world, user, *"abcde")
    cursors = [edge["cursor"] for edge in page(user, first=5)["edges"]]
    assert titles(page(user, first=9, after=cursors[0], before=cursors[4])) == "dcb"
    assert titles(page(user, last=2, after=cursors[0], before=cursors[4])) == "cb"
    assert titles(page(user, first=9, after=cursors[4])) == ""
    assert titles(page(user, last=9, before=cursors[0])) == ""


def test_a_user_without_notifications_has_an_empty_page(user: Caller) -> None:
    empty = page(user, first=1)
    assert empty["edges"] == empty["nodes"] == []
    assert empty["pageInfo"] == {
        "hasNextPage": False,
        "hasPreviousPage": False,
        "startCursor": None,
        "endCursor": None,
    }


@pytest.mark.parametrize(
    "arguments",
    [
        {"first": 1, "last": 1},
        {"first": 0},
        {"first": -1},
        {"first": 101},
        {"last": 101},
        {"last": 0},
        {"first": 1, "after": "not base64"},
        {"first": 1, "after": "é"},
        {"last": 1, "before": "/w=="},
        {"first": 1, "after": "AA=="},
        {"first": 1.5},
        {"first": "1"},
        {"first": True},
    ],
    ids=repr,
)
def test_bad_pages_are_refused(user: Caller, arguments: dict[str, Any]) -> None:
    assert codes(user.graphql(PAGE, **arguments)) == "BAD_USER_INPUT"


@pytest.mark.parametrize(
    "cursor", ["", "eA==", "4oKs", "Zg==", "eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHg="]
)
def test_a_cursor_without_a_row_is_a_valid_position(world: World, user: Caller, cursor: str) -> None:
    notify(world, user, *"abc")
    assert titles(page(user, last=9, before=cursor)) + titles(page(user, first=9, after=cursor)) == "cba"


def test_marking_all_as_read_marks_the_unread_ones_once(world: World, user: Caller) -> None:
    ids = notify(world, user, *"abc")
    assert unread(user) == 3
    assert sorted(mark(user)) == sorted(ids)
    assert unread(user) == 0
    with unchanged(world, user):
        for input in ({}, {"ids": None}, {"ids": ids}):
            assert mark(user, **input) == []
    notify(world, user, "d")
    assert (unread(user), len(mark(user, ids=None)), unread(user)) == (1, 1, 0)


def test_marking_some_as_read_marks_only_these(world: World, user: Caller) -> None:
    first, second, third = notify(world, user, *"abc")
    assert mark(user, ids=[]) == []
    assert unread(user) == 3
    assert mark(user, ids=[second, second]) == [second]
    assert [node["title"] for node in page(user, first=9)["nodes"] if node["readAt"]] == ["b"]
    assert sorted(mark(user, ids=[first, second, third])) == sorted([first, third])
    assert unread(user) == 0


def test_marking_again_keeps_the_first_read_at(world: World, user: Caller) -> None:
    ids = notify(world, user, "a")
    mark(user, ids=ids)
    before = page(user, first=1)["nodes"]
    assert before[0]["readAt"]
    world.service.clock_offset += 5000
    assert mark(user) == mark(user, ids=ids) == []
    world.service.clock_offset -= 5000
    assert page(user, first=1)["nodes"] == before


def test_notifications_of_others_cannot_be_marked(world: World, user: Caller) -> None:
    own, others = notify(world, user, "a"), notify(world, world.member, "b")
    with unchanged(world, user):
        for caller in (world.colleague, world.admin, world.owner, world.stranger):
            assert mark(caller, ids=own) == []
    with unchanged(world, world.member):
        assert mark(user, ids=[*others, *own]) == own
        notify(world, user, "c")
        assert len(mark(user)) == 1
    assert unread(world.member) == 1
    mark(world.member)


@pytest.mark.parametrize("id", ["", " ", "no-such-id", "é", "0" * 5000, "%", "' OR 1=1 --", "[]"])
def test_unknown_ids_mark_nothing(world: World, user: Caller, id: str) -> None:
    notify(world, user, "a")
    with unchanged(world, user):
        assert mark(user, ids=[id]) == []


def test_a_thousand_ids_are_marked_at_once(world: World, user: Caller) -> None:
    ids = notify(world, user, "a", "b")
    unknown = [f"unknown-{number}" for number in range(998)]
    assert verdict(user, "markNotificationsRead", {"ids": [*unknown, *ids, "unknown"]}) == "LIMIT_EXCEEDED"
    assert sorted(mark(user, ids=unknown + ids)) == sorted(ids)


def test_an_invalid_list_of_ids_is_refused(world: World, user: Caller) -> None:
    notify(world, user, "a")
    bad: list[Any] = [[None], [[]], [True], [1.5], {}, True, [{}]]
    with unchanged(world, user):
        for ids in bad:
            assert verdict(user, "markNotificationsRead", {"ids": ids}) == "BAD_USER_INPUT"
        assert verdict(user, "markNotificationsRead", {"username": user.username}) == "BAD_USER_INPUT"
        body = {"query": "mutation { markNotificationsRead(input: {}) { readIds } }"}
        assert codes(world.service.client.post("/graphql", json=body).json()) == "UNAUTHENTICATED"


def test_who_sees_the_notifications_of_a_user(world: World, user: Caller) -> None:
    notify(world, user, "a")
    for field in ("notifications(first: 1) { nodes { title } }", "unreadNotificationCount"):
        query = f"query ($id: ID!) {{ user(by: {{userId: $id}}) {{ {field} }} }}"
        for viewer in (user, world.admin, world.owner):
            assert "errors" not in viewer.graphql(query, id=user.id)
        for viewer in (world.colleague, guest(world)):
            assert codes(viewer.graphql(query, id=user.id)) == "FORBIDDEN"
        for viewer in (world.stranger, world.foreign_admin):
            assert viewer.graphql(query, id=user.id) == {"data": {"user": None}}


def test_admins_mark_their_own_notifications_only(world: World, user: Caller) -> None:
    notify(world, user, "a")
    with unchanged(world, user):
        body = send(world.admin, "markNotificationsRead", {}, "readIds")
        assert body["data"]["markNotificationsRead"] == {"userErrors": [], "readIds": []}
