"""Validity windows: which are accepted, and how an entry behaves before, within and after its window."""

from typing import Any

import pytest

from tests.support.entries import set_entries, stored
from tests.support.world import World

FROM, UNTIL = ["entries", "0", "validFrom"], ["entries", "0", "validUntil"]
HOUR = 3_600_000


def put(world: World, *, key: str = "k", **attributes: Any) -> Any:
    """Set an entry of the member, as an admin."""
    return set_entries(
        world.admin,
        world,
        {"metadataKey": key, "isPublic": True, **attributes},
        username=world.member.username,
    )


def test_a_window_is_stored_in_utc_to_the_millisecond(world: World) -> None:
    window = {"validFrom": "2024-03-01T01:00:00.1239+02:00", "validUntil": "2999-12-31t23:59:59z"}
    (entry,) = put(world, metadataValue="v", **window)["entries"]
    assert (entry["validFrom"], entry["validUntil"]) == ("2024-02-29T23:00:00.123Z", "2999-12-31T23:59:59Z")


@pytest.mark.parametrize(
    ("start", "end", "field"),
    [
        ("2024-03-01T00:00:00Z", "2024-02-01T00:00:00Z", UNTIL),
        ("2024-03-01T00:00:00Z", "2024-03-01T00:00:00Z", UNTIL),
        ("2024-03-01T02:00:00+02:00", "2024-03-01T00:00:00Z", UNTIL),
        ("2024-03-01T00:00:00.0009Z", "2024-03-01T00:00:00.0001Z", UNTIL),
        ("2024-03-01T00:00:00", None, FROM),
        ("2024-03-01", None, FROM),
        ("2024-02-30T00:00:00Z", None, FROM),
        ("2024-03-01T00:00:00 Europe/Berlin", None, FROM),
        (None, "2024-03-01T00:00:00[Europe/Berlin]", UNTIL),
        (None, "2024-03-01T00:00:00 CEST", UNTIL),
        (None, "2024-03-01T00:00:00+25:00", UNTIL),
        (None, "1969-12-31T23:59:59.999Z", UNTIL),
        (None, "1970-01-01T00:00:00+00:01", UNTIL),
        ("9999-12-31T23:59:59-00:01", None, FROM),
        ("", None, FROM),
        ("tomorrow", None, FROM),
    ],
)
def test_an_invalid_window_is_refused_with_its_path(
    world: World, start: str | None, end: str | None, field: list[str]
) -> None:
    (error,) = put(world, metadataValue="v", validFrom=start, validUntil=end)["userErrors"]
    assert (error["code"], error["field"]) == ("INVALID_VALIDITY", field)
    assert stored(world, world.member)["revision"] == 0


@pytest.mark.parametrize("attributes", [{"validFrom": 5}, {"validUntil": True}, {"validFrom": "2" * 65}])
def test_an_instant_that_is_not_a_valid_text_is_bad_input(world: World, attributes: dict[str, Any]) -> None:
    entry = {"metadataKey": "k", "metadataValue": "v", **attributes}
    query = "mutation ($e: [UserMetadataInput!]!) { setUserMetadata(input: {entries: $e}) { deletedKeys } }"
    body = world.member.graphql(query, e=[entry])
    assert [error["extensions"]["code"] for error in body["errors"]] == ["BAD_USER_INPUT"]


@pytest.mark.parametrize(
    ("first", "second", "accepted"),
    [
        ({"validFrom": "2024-03-01T00:00:00Z"}, {"validUntil": "2024-02-01T00:00:00Z"}, False),
        ({"validFrom": "2024-03-01T00:00:00Z"}, {"validUntil": "2024-03-01T00:00:00Z"}, False),
        ({"validFrom": "2024-03-01T00:00:00Z"}, {"validUntil": "2999-01-01T00:00:00Z"}, True),
        ({"validUntil": "2999-01-01T00:00:00Z"}, {"validFrom": "2999-01-01T00:00:00Z"}, False),
        ({"validUntil": "2999-01-01T00:00:00Z"}, {"validFrom": "2998-01-01T00:00:00Z"}, True),
        (
            {"validFrom": "2024-03-01T00:00:00Z"},
            {"validFrom": None, "validUntil": "2024-02-01T00:00:00Z"},
            True,
        ),
    ],
)
def test_one_end_of_a_window_is_checked_against_the_stored_one(
    world: World, first: dict[str, Any], second: dict[str, Any], accepted: bool
) -> None:
    assert put(world, metadataValue="v", **first)["userErrors"] == []
    before = stored(world, world.member)
    payload = put(world, **second)
    if accepted:
        assert payload["userErrors"] == []
        (entry,) = payload["entries"]
        window = {"validFrom": None, "validUntil": None} | first | second
        assert {name: entry[name] for name in window} == window
    else:
        assert [(error["code"], error["field"]) for error in payload["userErrors"]] == [
            ("INVALID_VALIDITY", UNTIL)
        ]
        assert stored(world, world.member) == before


def seen(world: World) -> Any:
    query = """query ($key: String!) { platformMetadata(platformKey: $key) { metadata revision
      entry(key: "k") { value } } }"""
    found = world.member.ask(query, key=world.platform_key)["platformMetadata"]
    assert (found["entry"] is not None) == ("k" in found["metadata"])
    return found["metadata"], found["revision"]


def test_an_entry_is_valid_from_its_first_instant_until_just_before_its_last(world: World) -> None:
    start, end = 2_000_000_000_000, 2_000_000_060_000
    window = {"validFrom": "2033-05-18T03:33:20Z", "validUntil": "2033-05-18T03:34:20Z"}
    assert put(world, metadataValue="v", **window)["userErrors"] == []
    for instant, valid in [(start - 1, False), (start, True), (end - 1, True), (end, False)]:
        with world.service.at(instant):
            assert seen(world) == ({"k": "v"} if valid else {}, 1), instant


def test_an_expired_entry_counts_as_missing(world: World) -> None:
    assert (
        put(world, metadataValue="old", category="c", validUntil="2033-05-18T03:33:20Z")["userErrors"] == []
    )
    with world.service.at(2_000_000_000_000):
        (error,) = put(world, category="d")["userErrors"]
        assert (error["code"], error["message"]) == (
            "INVALID_VALUE",
            "'k' needs a value that is not null.",
        )
        payload = set_entries(world.admin, world, deleteKeys=["k"], username=world.member.username)
        assert (payload["deletedKeys"], payload["platformMetadata"]["revision"]) == ([], 1)
        (entry,) = put(world, metadataValue="new")["entries"]
        assert (entry["category"], entry["validUntil"]) == (None, None)
        assert entry["createdAt"] == entry["updatedAt"] == "2033-05-18T03:33:20Z"


def test_a_user_may_write_a_key_whose_entry_has_expired(world: World) -> None:
    window = {"validUntil": "2033-05-18T03:33:20Z"}
    assert put(world, metadataValue="theirs", isEditable=False, **window)["userErrors"] == []
    patch = {"metadata": {"k": "mine"}}
    assert world.member.rest("PATCH", world.platform_key, patch).status_code == 400
    with world.service.at(2_000_000_000_000):
        assert world.member.rest("PATCH", world.platform_key, patch).json()["metadata"] == {"k": "mine"}


def test_an_entry_whose_end_has_passed_is_stored(world: World) -> None:
    payload = put(world, metadataValue="v", validUntil="2024-06-01T00:00:00Z")
    assert payload["userErrors"] == []
    assert [entry["metadataKey"] for entry in payload["entries"]] == ["k"]
    assert seen(world) == ({}, 1)
    assert [entry["value"] for entry in stored(world, world.member)["entries"]] == ["v"]
    again = put(world, metadataValue="v", validUntil="2024-06-01T00:00:00Z")
    assert again["platformMetadata"]["revision"] == 2, (
        "an expired entry counts as missing, so this is a new one"
    )


def test_an_entry_may_be_made_to_expire_at_once(world: World) -> None:
    assert put(world, metadataValue="v")["userErrors"] == []
    assert put(world, validUntil="2024-06-01T00:00:00Z")["platformMetadata"]["revision"] == 2
    assert seen(world) == ({}, 2)


def test_writing_the_object_makes_a_value_valid_without_end(world: World) -> None:
    window = {"validFrom": "2024-03-01T00:00:00Z", "validUntil": "2999-01-01T00:00:00Z"}
    assert put(world, metadataValue="v", category="c", isEditable=True, **window)["userErrors"] == []
    world.member.rest("PATCH", world.platform_key, {"metadata": {"k": "w"}})
    (entry,) = stored(world, world.member)["entries"]
    assert (entry["value"], entry["category"], entry["validFrom"], entry["validUntil"]) == (
        "w",
        "c",
        None,
        None,
    )


def test_only_admins_see_entries_that_are_valid_at_another_instant(world: World) -> None:
    put(world, key="now", metadataValue="v", validUntil="2033-05-18T03:33:20Z")
    put(world, key="later", metadataValue="v", validFrom="2033-05-18T03:33:20Z")
    put(world, key="always", metadataValue="v")
    query = """query ($key: String!, $name: String, $at: DateTime) {
      platformMetadata(platformKey: $key, username: $name) { metadata(asOf: $at) } }"""

    def at(caller: Any, instant: str) -> list[str]:
        variables = {"key": world.platform_key, "name": world.member.username, "at": instant}
        return sorted(caller.ask(query, **variables)["platformMetadata"]["metadata"])

    before, after = "2033-05-18T03:33:19.999Z", "2033-05-18T05:33:20+02:00"
    assert (at(world.admin, before), at(world.admin, after)) == (["always", "now"], ["always", "later"])
    assert (at(world.member, before), at(world.member, after)) == (["always", "now"], ["always"])
