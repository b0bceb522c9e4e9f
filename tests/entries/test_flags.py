"""What flags keep from the user themself: hidden values stay unknown, and what may not be changed stays."""

from typing import Any

import pytest

from tests.support.entries import set_entries, stored
from tests.support.world import World

LATER = "2999-01-01T00:00:00Z"
UNSEEN: dict[str, dict[str, Any]] = {
    "hidden": {"isPublic": False},
    "to come": {"isPublic": True, "validFrom": LATER},
    "hidden, to come": {"isPublic": False, "validFrom": LATER},
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


def given(world: World, *entries: dict[str, Any]) -> None:
    """An admin sets entries of the member."""
    payload = set_entries(world.admin, world, *entries, username=world.member.username)
    assert payload["userErrors"] == []


@unseen
def test_no_guess_at_what_is_unseen_and_not_editable_is_answered_differently(
    world: World, flags: dict[str, Any]
) -> None:
    given(world, {"metadataKey": "k", "metadataValue": "secret", "isEditable": False, **flags})
    before = stored(world, world.member)
    answers = [set_entries(world.member, world, {"metadataKey": "k", **guess}) for guess in GUESSES]
    for value in ("secret", "wrong", 5, None):
        answer = world.member.rest("PATCH", world.platform_key, {"metadata": {"k": value}})
        assert (answer.status_code, answer.json()) == (
            400,
            {"metadata": ["You may not change 'k'. Ask a tenant admin to change it."]},
        )
    assert all(answer == answers[0] for answer in answers)
    assert [error["code"] for error in answers[0]["userErrors"]] == ["KEY_NOT_EDITABLE"]
    assert stored(world, world.member) == before


@unseen
def test_a_right_guess_at_what_is_unseen_but_editable_looks_like_a_wrong_one(
    world: World, flags: dict[str, Any]
) -> None:
    entry = {"metadataValue": "secret", "isEditable": True, **flags}
    given(world, {"metadataKey": "right", **entry}, {"metadataKey": "wrong", **entry})
    looks = []
    for key, value in (("right", "secret"), ("wrong", "other")):
        payload = set_entries(world.member, world, {"metadataKey": key, "metadataValue": value})
        assert payload["userErrors"] == []
        looks.append((payload["platformMetadata"], payload["entries"]))
    assert looks == [({"metadata": {}, "revision": 2}, []), ({"metadata": {}, "revision": 3}, [])]
    for key, value in (("right", "secret"), ("wrong", "guess")):
        world.member.rest("PATCH", world.platform_key, {"metadata": {key: value}})
    assert stored(world, world.member)["revision"] == 5


@unseen
@pytest.mark.parametrize("said", [guess for guess in GUESSES if guess.get("metadataValue") is None])
def test_nothing_makes_an_unseen_value_visible_to_the_user(
    world: World, flags: dict[str, Any], said: dict[str, Any]
) -> None:
    given(world, {"metadataKey": "k", "metadataValue": "secret", "isEditable": True, **flags})
    before = stored(world, world.member)
    (error,) = set_entries(world.member, world, {"metadataKey": "k", **said})["userErrors"]
    assert (error["code"], error["field"]) == ("KEY_NOT_EDITABLE", ["entries", "0", "metadataValue"])
    assert stored(world, world.member) == before


def test_a_user_may_fill_in_what_they_cannot_read(world: World) -> None:
    given(world, {"metadataKey": "k", "metadataValue": "", "isEditable": True, "category": "c"})
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
def test_a_users_own_replace_and_clear_leave_what_is_hidden_or_not_editable(
    world: World, method: str
) -> None:
    given(world, *GUARDED)
    body = {"metadata": {"new": 1}} if method == "PUT" else None
    assert world.member.rest(method, world.platform_key, body).is_success
    new = {"new": 1} if method == "PUT" else {}
    assert values(world) == {"locked": "v", "hidden": "v", "secret": "v"} | new
    assert world.admin.rest(method, world.platform_key, body, username=world.member.username).is_success
    assert values(world) == new


def test_who_sends_back_what_they_have_read_changes_nothing(world: World) -> None:
    typed = [
        ("date", "2024-03-01"), ("binary", "AA=="), ("json", '"text"'), ("json", "5"), ("json", "true"),
        ("number", "1.0"), ("string", "v"),
    ]  # fmt: skip
    given(
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


def test_deleted_keys_tell_of_no_key_the_user_does_not_see(world: World) -> None:
    later = {"metadataKey": "later", "metadataValue": "v", "isPublic": True, "isEditable": True}
    given(world, *GUARDED, later | {"validFrom": LATER})
    patch = """mutation ($key: String!, $keys: [String!]!) { patchPlatformMetadata(
      input: {platformKey: $key, deleteKeys: $keys}) { deletedKeys userErrors { code field } } }"""
    keys = ["hidden", "later", "free", "none"]
    payload = world.member.ask(patch, key=world.platform_key, keys=keys)["patchPlatformMetadata"]
    assert payload == {"deletedKeys": ["free"], "userErrors": []}
    for key in ("locked", "secret"):
        payload = world.member.ask(patch, key=world.platform_key, keys=[key])["patchPlatformMetadata"]
        assert payload["userErrors"] == [{"code": "KEY_NOT_EDITABLE", "field": ["deleteKeys", key]}]


def test_one_key_that_may_not_be_changed_fails_the_whole_write(world: World) -> None:
    given(world, *GUARDED)
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
    given(world, *GUARDED)
    entries = [{"metadataKey": key, "metadataValue": "w"} for key in ("hidden", "secret", "locked", "free")]
    everything = ["free", "hidden", "locked", "secret"]
    for caller, shown in ((world.member, ["free", "locked"]), (world.admin, everything)):
        payload = set_entries(caller, world, *entries, expectedRevision=7, username=world.member.username)
        (conflict,) = payload["userErrors"]
        assert conflict["currentRevision"] == 1
        assert [entry["metadataKey"] for entry in conflict["entries"]] == shown


def test_a_user_may_not_ask_for_what_is_not_valid(world: World) -> None:
    query = """query ($key: String!) { platformMetadata(platformKey: $key) {
      entries(first: 1, includeInactive: true) { totalCount } } }"""
    body = world.member.graphql(query, key=world.platform_key)
    assert [error["extensions"]["code"] for error in body["errors"]] == ["FORBIDDEN"]


def test_reads_that_depend_on_time_are_never_answered_as_unchanged(world: World) -> None:
    headers = {"If-None-Match": '"1"'}
    world.member.rest("PATCH", world.platform_key, {"metadata": {"k": 1}})
    assert world.member.rest("GET", world.platform_key, headers=headers).status_code == 304
    headers = {"If-None-Match": '"2"'}
    until = {"metadataKey": "k", "validUntil": "2033-05-18T03:33:20Z"}
    given(world, until)
    answer = world.member.rest("GET", world.platform_key, headers=headers)
    assert (answer.status_code, answer.headers["etag"], answer.json()["metadata"]) == (200, '"2"', {"k": 1})
    with world.service.at(2_000_000_000_000):
        answer = world.member.rest("GET", world.platform_key, headers=headers)
        assert (answer.status_code, answer.headers["etag"], answer.json()["metadata"]) == (200, '"2"', {})


def test_the_user_wide_document_is_guarded_alike(world: World) -> None:
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
