"""The history of a document, as each viewer may see it."""

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
    """A world whose service can encrypt."""
    with serving(database_url, encryption_keys=CIPHER_KEYS) as service:
        yield World(service)


def patch(world: World, **metadata: Any) -> None:
    assert world.member.rest("PATCH", world.platform_key, {"metadata": metadata}).status_code == 200


def entry(key: str, value: str, **more: Any) -> dict[str, Any]:
    return {"metadataKey": key, "metadataValue": value, "isPublic": True, "isEditable": True} | more


def by_admin(world: World, *entries: dict[str, Any], **more: Any) -> None:
    arguments = {"username": world.member.username} | more
    assert set_entries(world.admin, world, *entries, **arguments)["userErrors"] == []


def test_each_change_has_its_actor_source_time_keys_and_values(world: World) -> None:
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
    old, new = second["changes"][0]["old"], second["changes"][0]["new"]
    assert (old["category"], new["category"]) == (None, "c")
    assert (new["valueType"], new["isPublic"], new["isIndexed"]) == (
        "number", True, False,
    )  # fmt: skip


def test_a_write_that_changes_nothing_is_not_in_the_history(world: World) -> None:
    patch(world, a=1)
    patch(world, a=1)
    assert len(changes(world, world.member)) == 1
    assert changes(world, world.colleague) == []


def test_pages_are_stable_during_writes(world: World) -> None:
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
    [{"first": 0}, {"first": 1, "last": 1}, {"first": 1, "after": "?"}, {"first": 1, "after": "eA=="},
     {"first": 1, "before": base64.b64encode(b"-1").decode()},
     {"first": 1, "before": base64.b64encode(b"9" * 30).decode()}],
)  # fmt: skip
def test_a_bad_page_is_refused(world: World, page: dict[str, Any]) -> None:
    assert codes(world.member.graphql(HISTORY, key=world.platform_key, **page)) == "BAD_USER_INPUT"


def test_users_see_the_changes_of_what_they_saw_and_admins_see_all_changes(world: World) -> None:
    by_admin(world, entry("a", "hidden first", isPublic=False))
    by_admin(world, entry("a", "then public"))
    by_admin(world, entry("a", "public still"), entry("never", "seen", isPublic=False))
    by_admin(world, entry("never", "seen either", isPublic=False), deleteKeys=["a"])
    seen_by_user = [values(change) for change in reversed(changes(world, world.member))]
    assert seen_by_user == [
        {"a": ("-", "then public")}, {"a": ("then public", "public still")}, {"a": ("public still", "-")},
    ]  # fmt: skip
    keys = [change["changedKeys"] + change["deletedKeys"] for change in changes(world, world.member)]
    assert keys == [["a"], ["a"], ["a"]]
    seen_by_admin = [values(change) for change in reversed(changes(world, world.admin, world.member))]
    assert seen_by_admin == [
        {"a": ("-", "hidden first")}, {"a": ("hidden first", "then public")},
        {"a": ("then public", "public still"), "never": ("-", "seen")},
        {"a": ("public still", "-"), "never": ("seen", "seen either")},
    ]  # fmt: skip


def test_entries_that_are_hidden_now_have_no_history_for_the_user(world: World) -> None:
    by_admin(world, entry("a", "public once"))
    by_admin(world, entry("a", "public once", isPublic=False))
    assert changes(world, world.member) == []
    by_admin(world, deleteKeys=["a"])
    assert [values(change) for change in changes(world, world.member)] == [
        {"a": ("public once", "-")}, {"a": ("-", "public once")},
    ]  # fmt: skip


def test_pages_leave_out_changes_of_hidden_keys_alone(world: World) -> None:
    for number in range(4):
        by_admin(world, entry("a", str(number)))
        for hidden in range(7):  # more than are read at a time
            by_admin(world, entry("h", f"{number} {hidden}", isPublic=False))
    page = history(world, world.member, first=3)
    assert [each["revision"] for each in page["nodes"]] == [25, 17, 9]
    assert page["pageInfo"]["hasNextPage"]
    last = history(world, world.member, first=3, after=page["edges"][2]["cursor"])
    assert [each["revision"] for each in last["nodes"]] == [1]
    assert not last["pageInfo"]["hasNextPage"]
    backwards = history(world, world.member, last=2, before=page["edges"][2]["cursor"])
    assert [each["revision"] for each in backwards["nodes"]] == [25, 17]
    assert not backwards["pageInfo"]["hasPreviousPage"]
    exact = history(world, world.member, first=4)
    assert [each["revision"] for each in exact["nodes"]] == [25, 17, 9, 1]
    assert not exact["pageInfo"]["hasNextPage"]
    oldest = history(world, world.member, last=1)
    assert [each["revision"] for each in oldest["nodes"]] == [1]
    assert oldest["pageInfo"]["hasPreviousPage"]
    assert len(history(world, world.admin, world.member, first=40)["nodes"]) == 32


def test_users_see_no_changes_of_entries_that_are_not_valid_yet(world: World) -> None:
    by_admin(world, entry("a", "soon", validFrom=instant(world.service, HOUR)))
    assert changes(world, world.member) == []
    assert values(changes(world, world.admin, world.member)[0]) == {"a": ("-", "soon")}
    with shifted(world.service, HOUR):
        assert values(changes(world, world.member)[0]) == {"a": ("-", "soon")}


def test_users_never_see_changes_of_entries_withdrawn_before_they_were_valid(world: World) -> None:
    by_admin(world, entry("a", "withdrawn", validFrom=instant(world.service, HOUR)))
    by_admin(world, entry("a", "instead"))
    with shifted(world.service, 2 * HOUR):
        assert [values(change) for change in changes(world, world.member)] == [{"a": ("-", "instead")}]


def test_values_of_encrypted_entries_are_not_in_history(fresh_database_url: str) -> None:
    with serving_with_keys(fresh_database_url) as world:
        by_admin(world, entry("a", "CANARY-1", isEncrypted=True))
        by_admin(world, entry("a", "CANARY-2"))
        by_admin(world, entry("a", "plain", isEncrypted=False))
        history_of_member = changes(world, world.admin, world.member)
        assert [values(change) for change in history_of_member] == [
            {"a": ("*", "plain")}, {"a": ("*", "*")}, {"a": ("-", "*")},
        ]  # fmt: skip
        assert "CANARY" not in str(history_of_member)


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
    for size in (7, 50):  # of eight users, so some on each page have a history
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


def test_a_user_sees_the_author_of_an_entry_if_they_may_see_that_user(world: World) -> None:
    by_admin(world, entry("a", "v"))
    set_entries(world.owner, world, entry("b", "v"), username=world.member.username)
    query = """query ($key: String!) { platformMetadata(platformKey: $key) {
      entries(first: 9) { nodes { createdBy { username } updatedBy { username } } } } }"""
    nodes = world.member.ask(query, key=world.platform_key)["platformMetadata"]["entries"]["nodes"]
    admin = {"username": world.admin.username}
    assert nodes == [{"createdBy": admin, "updatedBy": admin}, {"createdBy": None, "updatedBy": None}]
    assert [each["actor"] for each in changes(world, world.member)] == [None, admin]


# The history after clearing.


def test_clearing_deletes_all_history_before_it(world: World) -> None:
    patch(world, a="gone", b="gone")
    world.member.rest("DELETE", world.platform_key)
    patch(world, a="new")
    seen_by_admin = changes(world, world.admin, world.member)
    assert [(each["revision"], each["changedKeys"], each["deletedKeys"]) for each in seen_by_admin] == [
        (3, ["a"], []), (2, [], ["a", "b"]),
    ]  # fmt: skip
    assert [values(each) for each in seen_by_admin] == [{"a": ("-", "new")}, {}]
    assert changes(world, world.member)[1]["deletedKeys"] == []


def test_clearing_by_a_user_keeps_the_history_of_entries_hidden_from_them(world: World) -> None:
    by_admin(world, entry("hidden", "stays", isPublic=False), entry("mine", "goes"))
    by_admin(world, entry("hidden", "stays too", isPublic=False))
    world.member.rest("DELETE", world.platform_key)
    assert [values(each) for each in changes(world, world.admin, world.member)] == [
        {}, {"hidden": ("stays", "stays too")}, {"hidden": ("-", "stays")},
    ]  # fmt: skip
    assert [each["changedKeys"] for each in changes(world, world.member)] == [[]]  # their own write


def test_clearing_an_empty_document_deletes_its_history(world: World) -> None:
    patch(world, a="gone")
    world.member.rest("PATCH", world.platform_key, {"delete_keys": ["a"]})
    assert world.member.rest("DELETE", world.platform_key).headers["etag"] == '"2"'
    assert changes(world, world.member) == []
