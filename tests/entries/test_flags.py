"""Flags restrict the user: hidden values stay unknown, and entries that are not editable stay unchanged."""

import re
from typing import Any

import pytest

from tests.support.entries import set_entries, stored
from tests.support.world import World

LATER = "2999-01-01T00:00:00Z"
UNSEEN: dict[str, dict[str, Any]] = {
    "hidden": {"isPublic": False},
    "not yet valid": {"isPublic": True, "validFrom": LATER},
    "hidden, not yet valid": {"isPublic": False, "validFrom": LATER},
}
unseen = pytest.mark.parametrize("flags", UNSEEN.values(), ids=UNSEEN)
GUESSES: list[dict[str, Any]] = [
    {"metadataValue": "secret"},
    {"metadataValue": "wrong"},
    {"metadataValue": "5", "valueType": "number"},
    {"metadataValue": "x", "valueType": "number"},
    {"valueType": "string"},
    {"valueType": "number"},
    {"valueType": "date"},
    {"isPublic": True},
    {"category": "c"},
    {"metadataValue": None},
    {},
]


def set_for_member(world: World, *entries: dict[str, Any]) -> None:
    """Set entries of the member, as an admin."""
    payload = set_entries(world.admin, world, *entries, username=world.member.username)
    assert payload["userErrors"] == []


@unseen
def test_every_guess_at_an_unseen_entry_that_is_not_editable_gets_the_same_response(
    world: World, flags: dict[str, Any]
) -> None:
    set_for_member(world, {"metadataKey": "k", "metadataValue": "secret", "isEditable": False, **flags})
    before = stored(world, world.member)
    payloads = [set_entries(world.member, world, {"metadataKey": "k", **guess}) for guess in GUESSES]
    for value in ("secret", "wrong", 5, None):
        response = world.member.rest("PATCH", world.platform_key, {"metadata": {"k": value}})
        assert (response.status_code, response.json()) == (
            400,
            {"metadata": ["You may not change 'k'. Ask a tenant admin to change it."]},
        )
    assert all(payload == payloads[0] for payload in payloads)
    assert [error["code"] for error in payloads[0]["userErrors"]] == ["KEY_NOT_EDITABLE"]
    assert stored(world, world.member) == before


@unseen
def test_a_right_guess_at_an_unseen_editable_value_gets_the_response_of_a_wrong_one(
    world: World, flags: dict[str, Any]
) -> None:
    entry = {"metadataValue": "secret", "isEditable": True, **flags}
    set_for_member(world, {"metadataKey": "right", **entry}, {"metadataKey": "wrong", **entry})
    responses = []
    for key, value in (("right", "secret"), ("wrong", "other")):
        payload = set_entries(world.member, world, {"metadataKey": key, "metadataValue": value})
        assert payload["userErrors"] == []
        responses.append((payload["platformMetadata"], payload["entries"]))
    assert responses == [({"metadata": {}, "revision": 2}, []), ({"metadata": {}, "revision": 3}, [])]
    for key, value in (("right", "secret"), ("wrong", "guess")):
        world.member.rest("PATCH", world.platform_key, {"metadata": {key: value}})
    assert stored(world, world.member)["revision"] == 5


@unseen
@pytest.mark.parametrize("attributes", [guess for guess in GUESSES if guess.get("metadataValue") is None])
def test_nothing_makes_an_unseen_value_visible_to_the_user(
    world: World, flags: dict[str, Any], attributes: dict[str, Any]
) -> None:
    set_for_member(world, {"metadataKey": "k", "metadataValue": "secret", "isEditable": True, **flags})
    before = stored(world, world.member)
    (error,) = set_entries(world.member, world, {"metadataKey": "k", **attributes})["userErrors"]
    assert (error["code"], error["field"]) == ("KEY_NOT_EDITABLE", ["entries", "0", "metadataValue"])
    assert stored(world, world.member) == before


def test_a_user_can_write_an_editable_entry_that_they_cannot_read(world: World) -> None:
    set_for_member(world, {"metadataKey": "k", "metadataValue": "", "isEditable": True, "category": "c"})
    world.member.rest("PATCH", world.platform_key, {"metadata": {"k": "mine"}})
    assert world.member.rest("GET", world.platform_key).json()["metadata"] == {}
    (entry,) = stored(world, world.member)["entries"]
    assert (entry["value"], entry["category"], entry["isPublic"]) == ("mine", "c", False)
    assert entry["updatedBy"] == {"username": world.member.username}


GUARDED = (
    {"metadataKey": "locked", "metadataValue": "v", "isPublic": True},
    {"metadataKey": "hidden", "metadataValue": "v", "isEditable": True},
    {"metadataKey": "secret", "metadataValue": "v"},
    {"metadataKey": "free", "metadataValue": "v", "isPublic": True, "isEditable": True},
)


def values(world: World) -> dict[str, Any]:
    return {entry["metadataKey"]: entry["value"] for entry in stored(world, world.member)["entries"]}


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_replace_and_clear_by_the_user_keep_entries_that_are_hidden_or_not_editable(
    world: World, method: str
) -> None:
    set_for_member(world, *GUARDED)
    body = {"metadata": {"new": 1}} if method == "PUT" else None
    assert world.member.rest(method, world.platform_key, body).is_success
    new = {"new": 1} if method == "PUT" else {}
    assert values(world) == {"locked": "v", "hidden": "v", "secret": "v"} | new
    assert world.admin.rest(method, world.platform_key, body, username=world.member.username).is_success
    assert values(world) == new


def test_writing_back_what_was_read_changes_nothing(world: World) -> None:
    typed = [
        ("date", "2024-03-01"), ("binary", "AA=="), ("json", '"text"'), ("json", "5"), ("json", "true"),
        ("number", "1.0"), ("string", "v"),
    ]  # fmt: skip
    set_for_member(
        world,
        *GUARDED,
        *(
            {"metadataKey": f"{index}{editable}", "metadataValue": text, "valueType": type_, "isPublic": True,
             "isEditable": editable}
            for index, (type_, text) in enumerate(typed)
            for editable in (False, True)
        ),
        {"metadataKey": "windowed", "metadataValue": "v", "isPublic": True, "validUntil": LATER},
    )  # fmt: skip
    before = stored(world, world.member)
    read = world.member.rest("GET", world.platform_key).json()["metadata"]
    assert len(read) == 2 * len(typed) + 3
    for method in ("PATCH", "PUT"):
        assert world.member.rest(method, world.platform_key, {"metadata": read}).json()["metadata"] == read
        assert stored(world, world.member) == before


def test_deleted_keys_contain_only_keys_that_the_user_saw(world: World) -> None:
    later = {"metadataKey": "later", "metadataValue": "v", "isPublic": True, "isEditable": True}
    set_for_member(world, *GUARDED, later | {"validFrom": LATER})
    patch = """mutation ($key: String!, $keys: [String!]!) { patchPlatformMetadata(
      input: {platformKey: $key, deleteKeys: $keys}) { deletedKeys userErrors { code field } } }"""
    keys = ["hidden", "later", "free", "none"]
    payload = world.member.ask(patch, key=world.platform_key, keys=keys)["patchPlatformMetadata"]
    assert payload == {"deletedKeys": ["free"], "userErrors": []}
    payload = world.member.ask(patch, key=world.platform_key, keys=["locked"])["patchPlatformMetadata"]
    assert payload["userErrors"] == [{"code": "KEY_NOT_EDITABLE", "field": ["deleteKeys", "locked"]}]


def test_deleting_a_hidden_key_is_like_deleting_a_missing_one(world: World) -> None:
    set_for_member(world, *GUARDED)
    before = stored(world, world.member)
    delete = """mutation ($input: PatchPlatformMetadataInput!) {
      patchPlatformMetadata(input: $input) {
        deletedKeys platformMetadata { revision metadata } userErrors { code } } }"""
    responses = []
    for key in ("secret", "hidden", "missing"):
        for how in (
            {"deleteKeys": [key]},
            {"mode": "MERGE_PATCH", "metadata": {key: None}},
            {"operations": [{"delete": {"path": f"/{key}"}}]},
        ):
            responses.append(world.member.ask(delete, input={"platformKey": world.platform_key} | how))
        response = world.member.rest("PATCH", world.platform_key, {"delete_keys": [key]})
        responses.append({"rest": (response.status_code, response.json(), response.headers["etag"])})
    assert responses[:4] == responses[4:8] == responses[8:]
    assert stored(world, world.member) == before


BINDING: list[tuple[dict[str, Any], str]] = [
    ({"isPublic": False}, "isPublic"),
    ({"isEditable": False}, "isEditable"),
    ({"isIndexed": True}, "isIndexed"),
    ({"isIndexed": False}, "isIndexed"),
    ({"isEncrypted": True}, "isEncrypted"),
    ({"isEncrypted": False}, "isEncrypted"),
    ({"source": "admin_panel"}, "source"),
    ({"source": None}, "source"),
]


@pytest.mark.parametrize(("attributes", "name"), BINDING)
@pytest.mark.parametrize("key", ["new", "free", "hidden", "secret", "locked"])
def test_users_do_not_set_what_binds_them(
    world: World, attributes: dict[str, Any], name: str, key: str
) -> None:
    set_for_member(world, *GUARDED)
    before = stored(world, world.member)
    (error,) = set_entries(world.member, world, {"metadataKey": key, "metadataValue": "w", **attributes})[
        "userErrors"
    ]
    assert (error["code"], error["field"]) == ("NOT_ALLOWED", ["entries", "0", name])
    assert stored(world, world.member) == before


def test_new_entries_of_users_are_public_and_editable(world: World) -> None:
    new: list[dict[str, Any]] = [
        {"metadataKey": "bare", "metadataValue": "v"},
        {"metadataKey": "null", "metadataValue": "v", "isPublic": None, "isEditable": None},
        {"metadataKey": "true", "metadataValue": "v", "isPublic": True, "isEditable": True},
    ]
    payload = set_entries(world.member, world, *new)
    assert [(each["isPublic"], each["isEditable"]) for each in payload["entries"]] == [(True, True)] * 3
    assert payload["platformMetadata"]["metadata"] == {"bare": "v", "null": "v", "true": "v"}
    set_for_member(world, {"metadataKey": "by admin", "metadataValue": "v"})
    assert "by admin" not in payload["platformMetadata"]["metadata"]
    by_admin = {each["metadataKey"]: each for each in stored(world, world.member)["entries"]}["by admin"]
    assert (by_admin["isPublic"], by_admin["isEditable"]) == (False, False)


def test_what_is_bound_by_a_definition_stays_bound(world: World) -> None:
    define = """mutation ($key: String!) { defineMetadata(input: {platformKey: $key, key: "plan",
      valueType: string, choices: ["free", "pro"], isPublic: false, isEditable: true, isIndexed: true}) {
      userErrors { message } } }"""
    assert world.admin.ask(define, key=world.platform_key)["defineMetadata"]["userErrors"] == []
    read = "query ($key: String!) { platform(key: $key) { definitions { key choices } } }"
    assert world.member.ask(read, key=world.platform_key)["platform"]["definitions"] == []
    assert len(world.admin.ask(read, key=world.platform_key)["platform"]["definitions"]) == 1
    (error,) = set_entries(world.member, world, {"metadataKey": "plan", "metadataValue": "gold"})[
        "userErrors"
    ]
    assert error["code"] == "RULE_BROKEN"
    assert error["message"] == "The definition of 'plan' does not allow this value."
    payload = set_entries(
        world.member, world, {"metadataKey": "plan", "metadataValue": "pro", "isPublic": True}
    )
    assert (payload["userErrors"], payload["entries"]) == ([], [])
    (entry,) = stored(world, world.member)["entries"]
    assert (entry["isPublic"], entry["isIndexed"]) == (False, True)


def test_one_key_that_is_not_editable_refuses_the_entire_write(world: World) -> None:
    set_for_member(world, *GUARDED)
    before = stored(world, world.member)
    for body in (
        {"metadata": {"free": "w", "locked": "w"}},
        {"delete_keys": ["free", "locked"]},
        {"metadata": {"locked": "v"}, "delete_keys": ["locked"]},
        {"metadata": {"secret": "v"}, "delete_keys": ["free"]},
    ):
        assert world.member.rest("PATCH", world.platform_key, body).status_code == 400
    assert world.member.rest("PUT", world.platform_key, {"metadata": {"locked": "w"}}).status_code == 400
    assert stored(world, world.member) == before


def test_a_conflict_shows_the_user_no_hidden_entry(world: World) -> None:
    set_for_member(world, *GUARDED)
    entries = [{"metadataKey": key, "metadataValue": "w"} for key in ("hidden", "secret", "locked", "free")]
    all_keys = ["free", "hidden", "locked", "secret"]
    for caller, keys in ((world.member, ["free", "locked"]), (world.admin, all_keys)):
        payload = set_entries(caller, world, *entries, expectedRevision=7, username=world.member.username)
        (conflict,) = payload["userErrors"]
        assert conflict["currentRevision"] == 1
        assert [entry["metadataKey"] for entry in conflict["entries"]] == keys


def test_a_user_cannot_include_inactive_entries(world: World) -> None:
    query = """query ($key: String!) { platformMetadata(platformKey: $key) {
      entries(first: 1, includeInactive: true) { totalCount } } }"""
    body = world.member.graphql(query, key=world.platform_key)
    assert [error["extensions"]["code"] for error in body["errors"]] == ["FORBIDDEN"]


def test_reads_that_depend_on_time_are_304_until_it_changes_them(world: World) -> None:
    headers = {"If-None-Match": '"1"'}
    world.member.rest("PATCH", world.platform_key, {"metadata": {"k": 1}})
    assert world.member.rest("GET", world.platform_key, headers=headers).status_code == 304
    headers = {"If-None-Match": '"2"'}
    until = {"metadataKey": "k", "validUntil": "2033-05-18T03:33:20Z"}
    set_for_member(world, until)
    response = world.member.rest("GET", world.platform_key, headers=headers)
    assert (response.status_code, response.json()["metadata"]) == (200, {"k": 1})
    tag = response.headers["etag"]
    assert re.fullmatch(r'"2\.[0-9a-f]{16}"', tag)
    headers = {"If-None-Match": tag}
    again = world.member.rest("GET", world.platform_key, headers=headers)
    assert (again.status_code, again.headers["etag"]) == (304, tag)
    with world.service.at(2_000_000_000_000):
        response = world.member.rest("GET", world.platform_key, headers=headers)
        assert (response.status_code, response.headers["etag"], response.json()["metadata"]) == (
            200,
            '"2"',
            {},
        )


def test_entries_that_a_user_does_not_see_do_not_change_their_tag(world: World) -> None:
    hidden = {"metadataKey": "h", "metadataValue": "v", "isPublic": False}
    set_for_member(world, hidden, {"metadataKey": "k", "metadataValue": "v", "isPublic": True})
    response = world.member.rest("GET", world.platform_key)
    assert (response.headers["etag"], response.json()["metadata"]) == ('"1"', {"k": "v"})
    known = {"If-None-Match": '"1"'}
    assert world.member.rest("GET", world.platform_key, headers=known).status_code == 304

    # The admin sees more at this revision, under another tag.
    other = world.admin.rest("GET", world.platform_key, username=world.member.username, headers=known)
    assert (other.status_code, other.json()["metadata"]) == (200, {"h": "v", "k": "v"})
    tag = other.headers["etag"]
    assert tag != '"1"'
    known = {"If-None-Match": tag}
    again = world.admin.rest("GET", world.platform_key, username=world.member.username, headers=known)
    assert (again.status_code, again.headers["etag"]) == (304, tag)
    assert world.member.rest("GET", world.platform_key, headers=known).status_code == 200

    # For a write, the revision in the tag counts.
    body = {"metadata": {"k": "w"}}
    stale = {"If-Match": tag.replace("1.", "7.", 1)}
    assert world.member.rest("PATCH", world.platform_key, body, headers=stale).status_code == 412
    written = world.admin.rest(
        "PATCH", world.platform_key, body, username=world.member.username, headers={"If-Match": tag}
    )
    assert (written.status_code, written.headers["etag"][:3]) == (200, '"2.')


def test_flags_also_restrict_the_user_wide_document(world: World) -> None:
    wide = {"platformKey": None}
    payload = set_entries(world.admin, world, *GUARDED, username=world.member.username, **wide)
    assert payload["userErrors"] == []
    read = "{ me { userMetadata { metadata entries(first: 9) { nodes { viewerCan { edit } } } } } }"
    seen = world.member.ask(read)["me"]["userMetadata"]
    assert seen["metadata"] == {"free": "v", "locked": "v"}
    assert [entry["viewerCan"]["edit"] for entry in seen["entries"]["nodes"]] == [True, False]
    for key, code in (("free", None), ("locked", "KEY_NOT_EDITABLE"), ("secret", "KEY_NOT_EDITABLE")):
        changed = set_entries(world.member, world, {"metadataKey": key, "metadataValue": "w"}, **wide)
        assert [error["code"] for error in changed["userErrors"]] == ([code] if code else [])
    query = "mutation ($i: SetUserMetadataInput!) { setUserMetadata(input: $i) { deletedKeys } }"
    for other in (world.colleague, world.foreign_admin, world.stranger):
        body = other.graphql(query, i={"username": world.member.username, "deleteKeys": ["free"]})
        assert [error["extensions"]["code"] for error in body["errors"]] == ["FORBIDDEN"]
