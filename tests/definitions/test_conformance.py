"""Existing data that does not conform to a new definition or mode: it is counted, reported, and kept."""

import asyncio
from base64 import b64encode
from collections.abc import Iterator
from typing import Any

import pytest

from gql_service.domain import tenants
from gql_service.store.connection import Connection
from tests.support.definitions import (
    DEFINE,
    define,
    definitions,
    metadata,
    patch,
    replace,
    set_entries,
    set_mode,
    try_to_define,
)
from tests.support.service import Service, serving
from tests.support.world import World


def create_users(world: World, *values: Any) -> None:
    """Create a user for each value, who has it under the key `key`."""
    for value in values:
        assert patch(world.new_user(), world, {"key": value, "other": 1})["userErrors"] == []


def test_nonconforming_data_is_counted_and_nothing_changes(world: World) -> None:
    create_users(world, 1, 2, 3, "text", None)
    patch(world.member, world, {"key": 7})
    payload = try_to_define(world, "key", "number", maximum=2)
    assert (payload["definition"], payload["brokenDocuments"]) == (None, 4)
    (error,) = payload["userErrors"]
    assert (error["code"], error["field"]) == ("DATA_BREAKS_DEFINITION", ["key"])
    assert error["message"].startswith("4 documents break this definition, such as that of ")
    assert "`" in error["message"]
    assert definitions(world) == []
    assert patch(world.member, world, {"key": 8})["userErrors"] == []
    assert try_to_define(world, "key", "json")["brokenDocuments"] == 5


def test_a_dry_run_counts_what_a_definition_would_break_and_changes_nothing(world: World) -> None:
    create_users(world, 1, 2, 3, "text")
    patch(world.member, world, {"other": 1})
    tried: dict[str, Any] = {"maximum": 2, "dryRun": True}
    payload = try_to_define(world, "key", "number", **tried)
    assert (payload["brokenDocuments"], payload["checkedDocuments"]) == (2, 4)
    (error,) = payload["userErrors"]
    assert (error["code"], error["field"]) == ("DATA_BREAKS_DEFINITION", ["key"])
    examples = {each["username"]: each["violation"] for each in payload["examples"]}
    assert set(examples.values()) == {
        "`maximum`: it must be at most 2",
        "`valueType`: it must be a number, not a string",
    }
    assert all(f"{name} ({text})" in error["message"] for name, text in examples.items())
    payload = try_to_define(world, "key", "number", force=True, **tried)
    assert (payload["brokenDocuments"], payload["userErrors"]) == (2, [])
    assert payload["definition"]["maximum"] == 2
    payload = try_to_define(world, "key", "string", pattern="(", dryRun=True)
    assert payload["userErrors"][0]["field"] == ["pattern"]
    assert definitions(world) == []
    assert patch(world.member, world, {"key": 8})["userErrors"] == []
    history = "query ($key: String!) { platform(key: $key) { definitionHistory { nodes { key } } } }"
    read = world.admin.ask(history, key=world.platform_key)["platform"]["definitionHistory"]
    assert read == {"nodes": []}


def test_no_write_waits_for_a_dry_run_and_no_dry_run_for_a_write(world: World) -> None:
    create_users(world, 1)
    locked = {"platformKey": world.platform_key, "key": "key", "valueType": "string", "dryRun": True}

    async def try_while_locked(tx: Connection) -> Any:
        (platform,) = await tenants.platforms_by_keys(tx, [world.platform_key])
        assert platform is not None
        await tx.lock([platform.id], exclusive=True)
        return await asyncio.to_thread(world.admin.ask, DEFINE, input=locked)

    payload = world.service.write(try_while_locked)["defineMetadata"]
    assert (payload["brokenDocuments"], payload["definition"]) == (1, None)


def test_a_forced_definition_leaves_existing_values_until_they_are_written(world: World) -> None:
    patch(world.member, world, {"key": "old", "same": "1"})
    payload = try_to_define(world, "key", "number", force=True)
    assert (payload["brokenDocuments"], payload["userErrors"]) == (1, [])
    assert payload["definition"]["valueType"] == "number"
    me = world.member
    before = patch(me, world, {})["platformMetadata"]
    assert before["metadata"] == {"key": "old", "same": "1"}
    assert patch(me, world, {"key": "old"})["platformMetadata"] == before
    assert replace(me, world, {"key": "old", "same": "1"})["platformMetadata"] == before
    assert patch(me, world, {"same": "2"})["platformMetadata"]["revision"] == before["revision"] + 1
    entry = {"metadataKey": "key", "category": "x"}
    assert set_entries(world.admin, world, entry, username=me.username)["userErrors"] == []
    for value in ("new", True):
        (error,) = patch(me, world, {"key": value})["userErrors"]
        assert error["code"] == "RULE_BROKEN"
    assert patch(me, world, {"key": 5})["userErrors"] == []
    assert try_to_define(world, "key", "number")["brokenDocuments"] == 0


def test_a_string_that_looks_like_a_date_does_not_conform_to_the_type_date(world: World) -> None:
    create_users(world, "2024-01-01")
    payload = try_to_define(world, "key", "date")
    assert payload["brokenDocuments"] == 1
    assert "it must be a date, not a string" in payload["userErrors"][0]["message"]


def test_the_report_counts_hidden_and_future_entries_but_not_expired_ones(world: World) -> None:
    future, past = "2190-01-01T00:00:00Z", "2025-01-01T00:00:00Z"
    entries: list[dict[str, Any]] = [{"isPublic": False}, {"validFrom": future}, {"validUntil": past}]
    for attributes in entries:
        entry = {"metadataKey": "key", "metadataValue": "x", "isPublic": True} | attributes
        user = world.new_user()
        assert set_entries(world.admin, world, entry, username=user.username)["userErrors"] == []
    assert try_to_define(world, "key", "number")["brokenDocuments"] == 2
    assert set_mode(world, "STRICT")["brokenDocuments"] == 2


def test_documents_of_other_platforms_and_other_keys_do_not_count(world: World) -> None:
    other = world.new_platform()
    patch(world.member, world, {"key": "x"}, platformKey=other)
    patch(world.member, world, {"key": "x"}, platformKey=None)
    patch(world.member, world, {"other": {"key": "x"}, "text": '"key":', "Key": 1, "ke": 2})
    assert try_to_define(world, "key", "number")["brokenDocuments"] == 0


def test_documents_are_found_by_keys_with_any_characters(world: World) -> None:
    key = 'a"b\\c\n é % _ 😀'
    patch(world.member, world, {key: "x"})
    assert try_to_define(world, key, "number")["brokenDocuments"] == 1


def test_a_strict_mode_reports_documents_with_undefined_keys(world: World) -> None:
    create_users(world, 1, 2)
    define(world, "key", "number")
    payload = set_mode(world, "STRICT")
    assert (payload["platform"], payload["brokenDocuments"]) == (None, 2)
    (error,) = payload["userErrors"]
    assert (error["code"], error["field"]) == ("DATA_BREAKS_DEFINITION", ["mode"])
    assert "'other'" in error["message"]
    assert patch(world.member, world, {"free": 1})["userErrors"] == []
    payload = set_mode(world, "STRICT", force=True)
    assert (payload["platform"]["mode"], payload["brokenDocuments"]) == ("STRICT", 3)
    assert replace(world.member, world, {"free": 1})["userErrors"] == []
    (error,) = patch(world.member, world, {"free": 2})["userErrors"]
    assert error["code"] == "KEY_NOT_DEFINED"


@pytest.fixture
def encrypting_service(fresh_database_url: str) -> Iterator[Service]:
    keys = {"k1": b64encode(b"1" * 32).decode()}
    with serving(fresh_database_url, encryption_keys=keys) as running:
        yield running


def test_encrypted_values_are_checked_and_never_quoted(encrypting_service: Service) -> None:
    world = World(encrypting_service)
    entry = {"metadataKey": "key", "metadataValue": "canary-1", "isEncrypted": True, "isPublic": True}
    assert set_entries(world.admin, world, entry, username=world.member.username)["userErrors"] == []
    payload = try_to_define(world, "key", "string", pattern="^[0-9]+$")
    assert payload["brokenDocuments"] == 1
    assert "canary" not in str(payload)
    define(world, "key", "string", pattern="^canary-[0-9]$")
    schema = {"properties": {"a": {"patternProperties": {"^c": {"items": {"maximum": 1}}}}}}
    define(world, "deep", "json", schema=schema, isEncrypted=True)
    for key, value in (("key", "canary-x"), ("deep", {"a": {"canary": [5]}})):
        (error,) = patch(world.admin, world, {key: value}, username=world.member.username)["userErrors"]
        assert error["code"] == "RULE_BROKEN"
        assert "canary-x" not in error["message"]
        assert '"canary' not in error["message"]
        assert "/a/canary" not in error["message"]
    good = {"key": "canary-2", "deep": {"a": {"canary": [1]}}}
    assert patch(world.admin, world, good, username=world.member.username)["userErrors"] == []
    assert metadata(world.member, world) == good
