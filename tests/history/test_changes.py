"""The history of a document, as each viewer may know it."""

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.support.clock import HOUR, instant, shifted
from tests.support.entries import set_entries
from tests.support.history import HISTORY, changes, history, values
from tests.support.service import serving
from tests.support.users import codes
from tests.support.world import World

CIPHER_KEYS = {"k": base64.b64encode(bytes(32)).decode()}


@contextmanager
def serving_with_keys(database_url: str) -> Iterator[World]:
    """A service that can encrypt."""
    with serving(database_url, encryption_keys=CIPHER_KEYS) as service:
        yield World(service)


def patch(world: World, **metadata: Any) -> None:
    assert world.member.rest("PATCH", world.platform_key, {"metadata": metadata}).status_code == 200


def entry(key: str, value: str, **more: Any) -> dict[str, Any]:
    return {"metadataKey": key, "metadataValue": value, "isPublic": True, "isEditable": True} | more


def by_admin(world: World, *entries: dict[str, Any], **more: Any) -> None:
    given = {"username": world.member.username} | more
    assert set_entries(world.admin, world, *entries, **given)["userErrors"] == []


def test_each_write_is_told_with_who_wrote_what_when_by_which_door(world: World) -> None:
    patch(world, a=1, b="x")
    by_admin(world, entry("a", "2", valueType="number", category="c"), deleteKeys=["b"])
    second, first = changes(world, world.member)
    assert [first["revision"], second["revision"]] == [1, 2]
    assert first["changedAt"] <= second["changedAt"] <= instant(world.service)
    assert [first["source"], second["source"]] == ["rest", "graphql"]
    assert first["actor"] == {"username": world.member.username}
    assert second["actor"] == {"username": world.admin.username}
    assert (first["changedKeys"], first["deletedKeys"]) == (["a", "b"], [])
    assert (second["changedKeys"], second["deletedKeys"]) == (["a"], ["b"])
    assert values(first) == {"a": ("-", 1), "b": ("-", "x")}
    assert values(second) == {"a": (1, 2), "b": ("x", "-")}
    told = second["changes"][0]
    assert (told["old"]["category"], told["new"]["category"]) == (None, "c")
    assert (told["new"]["valueType"], told["new"]["isPublic"], told["new"]["isIndexed"]) == (
        "number", True, False,
    )  # fmt: skip


def test_a_write_that_changes_nothing_is_not_told(world: World) -> None:
    patch(world, a=1)
    patch(world, a=1)
    assert len(changes(world, world.member)) == 1
    assert changes(world, world.colleague) == []


def test_pages_are_stable_while_writes_go_on(world: World) -> None:
    for number in range(5):
        patch(world, n=number)
    page = history(world, world.member, first=2)
    assert [each["node"]["revision"] for each in page["edges"]] == [5, 4]
    assert page["pageInfo"]["hasNextPage"]
    assert page["pageInfo"]["endCursor"] == page["edges"][1]["cursor"]
    patch(world, n=5)
    page = history(world, world.member, first=2, after=page["pageInfo"]["endCursor"])
    assert [each["revision"] for each in page["nodes"]] == [3, 2]
    assert page["pageInfo"] | {"startCursor": "", "endCursor": ""} == {
        "hasNextPage": True, "hasPreviousPage": True, "startCursor": "", "endCursor": "",
    }  # fmt: skip
    backwards = history(world, world.member, last=2, before=page["edges"][1]["cursor"])
    assert [each["revision"] for each in backwards["nodes"]] == [4, 3]
    oldest = history(world, world.member, last=2)
    assert [each["revision"] for each in oldest["nodes"]] == [2, 1]
    assert (oldest["pageInfo"]["hasPreviousPage"], oldest["pageInfo"]["hasNextPage"]) == (True, False)


@pytest.mark.parametrize(
    "page",
    [{}, {"first": 0}, {"first": 1, "last": 1}, {"first": 1, "after": "?"}, {"first": 1, "after": "eA=="},
     {"first": 1, "before": base64.b64encode(b"-1").decode()},
     {"first": 1, "before": base64.b64encode(b"9" * 30).decode()}],
)  # fmt: skip
def test_a_bad_page_is_refused(world: World, page: dict[str, Any]) -> None:
    assert codes(world.member.graphql(HISTORY, key=world.platform_key, **page)) == "BAD_USER_INPUT"


def test_a_user_is_told_of_what_they_saw_and_an_admin_of_everything(world: World) -> None:
    by_admin(world, entry("a", "hidden first", isPublic=False))
    by_admin(world, entry("a", "then public"))
    by_admin(world, entry("a", "public still"), entry("never", "seen", isPublic=False))
    by_admin(world, entry("never", "seen either", isPublic=False), deleteKeys=["a"])
    told = [values(change) for change in reversed(changes(world, world.member))]
    assert told == [
        {}, {"a": ("-", "then public")}, {"a": ("then public", "public still")}, {"a": ("public still", "-")},
    ]  # fmt: skip
    keys = [change["changedKeys"] + change["deletedKeys"] for change in changes(world, world.member)]
    assert keys == [["a"], ["a"], ["a"], []]
    everything = [values(change) for change in reversed(changes(world, world.admin, world.member))]
    assert everything == [
        {"a": ("-", "hidden first")}, {"a": ("hidden first", "then public")},
        {"a": ("then public", "public still"), "never": ("-", "seen")},
        {"a": ("public still", "-"), "never": ("seen", "seen either")},
    ]  # fmt: skip


def test_what_is_hidden_now_has_no_past_for_the_user(world: World) -> None:
    by_admin(world, entry("a", "public once"))
    by_admin(world, entry("a", "public once", isPublic=False))
    assert [values(change) for change in changes(world, world.member)] == [{}, {}]
    assert [change["changedKeys"] for change in changes(world, world.member)] == [[], []]
    by_admin(world, deleteKeys=["a"])
    assert [values(change) for change in changes(world, world.member)] == [
        {}, {"a": ("public once", "-")}, {"a": ("-", "public once")},
    ]  # fmt: skip


def test_what_is_not_valid_yet_is_unknown_to_the_user_until_it_is(world: World) -> None:
    by_admin(world, entry("a", "soon", validFrom=instant(world.service, HOUR)))
    assert values(changes(world, world.member)[0]) == {}
    assert values(changes(world, world.admin, world.member)[0]) == {"a": ("-", "soon")}
    with shifted(world.service, HOUR):
        assert values(changes(world, world.member)[0]) == {"a": ("-", "soon")}


def test_what_was_withdrawn_before_it_was_valid_stays_unknown_to_the_user(world: World) -> None:
    by_admin(world, entry("a", "withdrawn", validFrom=instant(world.service, HOUR)))
    by_admin(world, entry("a", "instead"))
    with shifted(world.service, 2 * HOUR):
        assert [values(change) for change in changes(world, world.member)] == [{"a": ("-", "instead")}, {}]


def test_values_of_encrypted_entries_are_not_in_history(fresh_database_url: str) -> None:
    with serving_with_keys(fresh_database_url) as world:
        by_admin(world, entry("a", "CANARY-1", isEncrypted=True))
        by_admin(world, entry("a", "CANARY-2"))
        by_admin(world, entry("a", "plain", isEncrypted=False))
        told = changes(world, world.admin, world.member)
        assert [values(change) for change in told] == [
            {"a": ("*", "plain")}, {"a": ("*", "*")}, {"a": ("-", "*")},
        ]  # fmt: skip
        assert "CANARY" not in str(told)


def test_the_history_of_many_documents_is_a_constant_number_of_statements(world: World) -> None:
    members = [world.new_user() for _ in range(5)]
    for number, member in enumerate(members):
        for revision in range(number + 1):
            member.rest("PATCH", world.platform_key, {"metadata": {"n": revision}})
    query = """query ($key: String!, $prefix: String!, $first: Int!) { platform(key: $key) {
      users(first: $first, where: {usernamePrefix: $prefix}) { nodes { username
        platformMetadata(platformKey: $key) { history(first: 2) {
          nodes { revision actor { username } changes { key } } } } } } } }"""
    counts = []
    for size in (7, 50):  # of eight, so that some have a history whichever come first
        with world.service.statements() as seen:
            data = world.admin.ask(query, key=world.platform_key, prefix="u_", first=size)
        counts.append(len(seen))
    assert counts[0] == counts[1]
    found = {
        node["username"]: [change["revision"] for change in node["platformMetadata"]["history"]["nodes"]]
        for node in data["platform"]["users"]["nodes"]
    }
    for number, member in enumerate(members):
        assert found[member.username] == [number + 1, number][: number + 1]


def test_a_user_may_ask_who_wrote_an_entry_and_is_told_whom_they_may_know(world: World) -> None:
    by_admin(world, entry("a", "v"))
    set_entries(world.owner, world, entry("b", "v"), username=world.member.username)
    query = """query ($key: String!) { platformMetadata(platformKey: $key) {
      entries(first: 9) { nodes { createdBy { username } updatedBy { username } } } } }"""
    nodes = world.member.ask(query, key=world.platform_key)["platformMetadata"]["entries"]["nodes"]
    known = {"username": world.admin.username}
    assert nodes == [{"createdBy": known, "updatedBy": known}, {"createdBy": None, "updatedBy": None}]
    assert [each["actor"] for each in changes(world, world.member)] == [None, known]


# What clearing leaves.


def test_clearing_leaves_of_the_past_no_more_than_that_it_was_cleared(world: World) -> None:
    patch(world, a="gone", b="gone")
    world.member.rest("DELETE", world.platform_key)
    patch(world, a="new")
    told = changes(world, world.admin, world.member)
    assert [(each["revision"], each["changedKeys"], each["deletedKeys"]) for each in told] == [
        (3, ["a"], []), (2, [], ["a", "b"]),
    ]  # fmt: skip
    assert [values(each) for each in told] == [{"a": ("-", "new")}, {}]
    assert changes(world, world.member)[1]["deletedKeys"] == []


def test_a_user_who_clears_keeps_the_past_of_what_is_hidden_from_them(world: World) -> None:
    by_admin(world, entry("hidden", "stays", isPublic=False), entry("mine", "goes"))
    by_admin(world, entry("hidden", "stays too", isPublic=False))
    world.member.rest("DELETE", world.platform_key)
    assert [values(each) for each in changes(world, world.admin, world.member)] == [
        {}, {"hidden": ("stays", "stays too")}, {"hidden": ("-", "stays")},
    ]  # fmt: skip
    assert [each["changedKeys"] for each in changes(world, world.member)] == [[], [], []]


def test_clearing_what_is_empty_already_forgets_its_history(world: World) -> None:
    patch(world, a="gone")
    world.member.rest("PATCH", world.platform_key, {"delete_keys": ["a"]})
    assert world.member.rest("DELETE", world.platform_key).headers["etag"] == '"2"'
    assert changes(world, world.member) == []
