"""Expected digests: a write succeeds only if the value of each listed key has the expected digest."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.patches import entries, patch, patched, read, refused, set_entries
from tests.support.world import World

ABSENT = "0" * 64


def digest_of(world: World, key: str) -> str:
    return str(entries(world.member, world)[key]["digest"])


def expect(key: str, digest: str | None) -> dict[str, Any]:
    return {"key": key, "digest": digest}


def test_a_write_succeeds_if_every_digest_matches(world: World) -> None:
    patched(world.member, world, metadata={"theme": "dark", "size": 14})
    theme, size = digest_of(world, "theme"), digest_of(world, "size")
    expected = [expect("theme", theme), expect("size", size), expect("new", None)]
    assert patched(world.member, world, metadata={"theme": "light"}, expectedDigests=expected) == {
        "theme": "light",
        "size": 14,
    }


def test_a_conflict_contains_the_revision_and_the_conflicting_entries_and_writes_nothing(
    world: World,
) -> None:
    patched(world.member, world, metadata={"theme": "dark", "size": 14, "other": 1})
    expected = [
        expect("theme", ABSENT),
        expect("size", digest_of(world, "size")),
        expect("other", None),
        expect("gone", ABSENT),
    ]
    before = read(world.member, world)
    payload = patch(world.member, world, metadata={"theme": "light"}, expectedDigests=expected)
    (error,) = payload["userErrors"]
    assert payload["platformMetadata"] is None
    assert (error["code"], error["field"]) == ("DIGEST_CONFLICT", ["expectedDigests"])
    assert error["message"] == (
        "The stored value of 'gone', 'other', 'theme' is not the expected one. "
        "Read it again, merge, and retry."
    )
    assert error["currentRevision"] == 1
    assert error["entries"] == [
        {"metadataKey": key, "value": value, "digest": digest_of(world, key)}
        for key, value in (("other", 1), ("theme", "dark"))
    ]
    assert read(world.member, world) == before


def test_the_digest_of_another_key_or_type_never_matches(world: World) -> None:
    patched(world.member, world, metadata={"a": "1", "b": "1", "c": 1})
    digests = {key: digest_of(world, key) for key in "abc"}
    assert len(set(digests.values())) == 3
    for key in "bc":
        expected = [expect("a", digests[key])]
        assert refused(world.member, world, metadata={"a": 2}, expectedDigests=expected) == (
            "DIGEST_CONFLICT",
            ["expectedDigests"],
        )


def test_writes_of_other_keys_do_not_conflict(world: World) -> None:
    patched(world.member, world, metadata={"a": 1, "b": 1})
    digest = digest_of(world, "a")
    patched(world.member, world, metadata={"b": 2})
    expected = [expect("a", digest)]
    assert patched(world.member, world, metadata={"a": 2}, expectedDigests=expected) == {"a": 2, "b": 2}


@pytest.mark.parametrize("text", ["", "x", "0" * 63, "0" * 65, "g" * 64, "A" * 64, "\u0660" * 64])
def test_an_invalid_digest_is_refused(world: World, text: str) -> None:
    expected = [expect("a", None), expect("b", text)]
    assert refused(world.member, world, metadata={"a": 1}, expectedDigests=expected) == (
        "INVALID_VALUE",
        ["expectedDigests", "1", "digest"],
    )


@pytest.mark.parametrize("keys", [[""], ["a", "a"], [" a"], ["x" * 256]])
def test_invalid_and_duplicate_keys_are_refused(world: World, keys: list[str]) -> None:
    expected = [expect(key, None) for key in keys]
    assert refused(world.member, world, metadata={"a": 1}, expectedDigests=expected) == (
        "INVALID_KEY",
        ["expectedDigests", str(len(keys) - 1), "key"],
    )


def test_an_entry_that_is_hidden_from_the_caller_counts_as_absent(world: World) -> None:
    entry = {"metadataKey": "secret", "metadataValue": "s", "isEditable": True}
    payload = set_entries(world.admin, world, entry, username=world.member.username)
    digest = payload["entries"][0]["digest"]
    for guess in (digest, ABSENT):  # the right digest reveals as little as a wrong one
        payload = patch(world.member, world, metadata={"a": 1}, expectedDigests=[expect("secret", guess)])
        (error,) = payload["userErrors"]
        assert (error["code"], error["entries"]) == ("DIGEST_CONFLICT", [])
    patched(world.member, world, metadata={"a": 1}, expectedDigests=[expect("secret", None)])
    name = world.member.username
    code, _ = refused(
        world.admin, world, username=name, metadata={"a": 2}, expectedDigests=[expect("secret", None)]
    )
    assert code == "DIGEST_CONFLICT"
    patched(world.admin, world, username=name, metadata={"a": 2}, expectedDigests=[expect("secret", digest)])


def test_an_entry_that_has_expired_counts_as_absent(world: World) -> None:
    until = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    entry = {"metadataKey": "k", "metadataValue": "v", "isPublic": True, "validUntil": until}
    name = world.member.username
    (set_,) = set_entries(world.admin, world, entry, username=name)["entries"]
    patched(
        world.admin, world, username=name, metadata={"a": 1}, expectedDigests=[expect("k", set_["digest"])]
    )
    world.service.clock_offset = 2 * 3600 * 1000
    try:
        payload = patch(
            world.admin,
            world,
            username=name,
            metadata={"a": 2},
            expectedDigests=[expect("k", set_["digest"])],
        )
        (error,) = payload["userErrors"]
        assert (error["code"], error["entries"]) == ("DIGEST_CONFLICT", [])
        patched(world.admin, world, username=name, metadata={"a": 2}, expectedDigests=[expect("k", None)])
    finally:
        world.service.clock_offset = 0


def test_setting_entries_replacing_and_clearing_expect_digests_too(world: World) -> None:
    patched(world.member, world, metadata={"a": 1})
    good, bad = [expect("a", digest_of(world, "a"))], [expect("a", None)]
    entry = {"metadataKey": "b", "metadataValue": "v"}
    user = {"username": world.member.username}
    payload = set_entries(world.admin, world, entry, expectedDigests=bad, **user)
    assert [error["code"] for error in payload["userErrors"]] == ["DIGEST_CONFLICT"]
    assert set_entries(world.admin, world, entry, expectedDigests=good, **user)["userErrors"] == []
    for name, more in (("replace", {"metadata": {"a": 1}}), ("clear", {})):
        mutation = f"""mutation ($input: {name.capitalize()}PlatformMetadataInput!) {{
          {name}PlatformMetadata(input: $input) {{ userErrors {{ code }} }} }}"""
        for digests, codes in ((bad, ["DIGEST_CONFLICT"]), (good, [])):
            input = {"platformKey": world.platform_key, "expectedDigests": digests} | more
            (payload,) = world.member.ask(mutation, input=input).values()
            assert [error["code"] for error in payload["userErrors"]] == codes


def test_an_expected_revision_is_checked_before_digests(world: World) -> None:
    patched(world.member, world, metadata={"a": 1})
    expected = [expect("a", None)]
    code, _ = refused(world.member, world, metadata={}, expectedRevision=7, expectedDigests=expected)
    assert code == "REVISION_CONFLICT"
