"""Definitions and modes: setting, reading, replacing and removing them, and their effect on writes."""

from base64 import b64encode
from typing import Any

import pytest

from tests.support.definitions import (
    DEFINE,
    MODE,
    PROPERTIES,
    READ,
    REMOVE,
    define,
    definitions,
    metadata,
    patch,
    refused,
    replace,
    set_entries,
    set_mode,
)
from tests.support.world import World


def remove(world: World, key: str) -> Any:
    arguments = {"platformKey": world.platform_key, "key": key}
    return world.admin.ask(REMOVE, input=arguments)["removeMetadataDefinition"]


def test_members_read_a_definition_as_it_was_set(world: World) -> None:
    plan = {
        "key": "plan",
        "valueType": "string",
        "minLength": 1,
        "maxLength": 9,
        "pattern": "^[a-z]+$",
        "choices": ["free", "pro"],
        "schema": {"type": "string"},
        "isEncrypted": False,
        "isIndexed": True,
        "isPublic": True,
        "isEditable": False,
        "category": "billing",
        "description": "What they pay for",
    }
    rules = {name: rule for name, rule in plan.items() if name not in ("key", "valueType")}
    unset = dict.fromkeys(PROPERTIES.split())
    define(world, "plan", "string", **rules)
    define(world, "age", "number", minimum=0, maximum=150.5)
    define(world, "Day", "date", minimum="2024-01-01T01:00:00+01:00", choices=["2024-05-05"])
    assert definitions(world) == [
        unset | {"key": "Day", "valueType": "date", "minimum": "2024-01-01T00:00:00Z"}
        | {"choices": ["2024-05-05"]},
        unset | {"key": "age", "valueType": "number", "minimum": 0, "maximum": 150.5},
        unset | plan,
    ]  # fmt: skip
    assert set_mode(world, "STRICT")["platform"] == {"key": world.platform_key, "mode": "STRICT"}
    assert world.member.ask(READ, key=world.platform_key)["platform"]["mode"] == "STRICT"


def test_a_definition_is_replaced_completely_and_removed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = define(world, "a", "number", minimum=1, category="x")
    monkeypatch.setattr(world.service, "clock_offset", 5000)
    second = define(world, "a", "number", maximum=5)
    assert (second["minimum"], second["maximum"], second["category"]) == (None, 5, None)
    assert second["createdAt"] == first["createdAt"]
    assert second["updatedAt"] > first["updatedAt"]
    monkeypatch.setattr(world.service, "clock_offset", 10_000)
    assert define(world, "a", "number", maximum=5) == second
    assert remove(world, "a") == {"removed": True, "userErrors": []}
    assert remove(world, "a") == {"removed": False, "userErrors": []}
    assert definitions(world) == []
    assert patch(world.member, world, {"a": "text"})["userErrors"] == []


@pytest.mark.parametrize(
    ("key", "code"), [("", "INVALID_KEY"), (" a", "INVALID_KEY"), ("k" * 256, "INVALID_KEY")]
)
def test_only_valid_keys_can_be_defined(world: World, key: str, code: str) -> None:
    error = refused(world, key, "string")
    assert (error["code"], error["field"]) == (code, ["key"])
    assert "k" * 81 not in error["message"]
    assert ("…" in error["message"]) is (len(key) > 80)


@pytest.mark.parametrize(("name", "limit"), [("category", 100), ("description", 500)])
def test_the_texts_of_a_definition_have_a_maximum_length(world: World, name: str, limit: int) -> None:
    define(world, "key", "string", **{name: "x" * limit})
    error = refused(world, "key", "string", **{name: "x" * (limit + 1)})
    assert (error["code"], error["field"]) == ("INVALID_VALUE", [name])


MUTATIONS = {
    "define": (DEFINE, {"key": "a", "valueType": "string"}),
    "remove": (REMOVE, {"key": "a"}),
    "mode": (MODE, {"mode": "STRICT"}),
}


@pytest.mark.parametrize("name", MUTATIONS)
def test_only_admins_of_the_platform_change_definitions(world: World, name: str) -> None:
    mutation, arguments = MUTATIONS[name]

    def outcome(caller: Any, key: str) -> tuple[str, str]:
        (error,) = caller.graphql(mutation, input=arguments | {"platformKey": key})["errors"]
        return error["extensions"]["code"], error["message"]

    forbidden = ("FORBIDDEN", "Only tenant admins can administer a platform")
    unknown = ("NOT_FOUND", "Platform not found")
    assert outcome(world.member, world.platform_key) == forbidden
    for caller in (world.stranger, world.foreign_admin):
        assert outcome(caller, world.platform_key) == unknown
    assert outcome(world.admin, world.other_platform_key) == unknown
    assert outcome(world.admin, "nowhere") == unknown
    world.owner.ask(mutation, input=arguments | {"platformKey": world.platform_key})


def test_new_entries_get_the_defaults_of_their_definition(world: World) -> None:
    define(world, "plan", "string", isPublic=True, isIndexed=True, category="billing", description="Plan")
    entry_input = {"metadataKey": "plan", "metadataValue": "free"}
    (entry,) = set_entries(world.admin, world, entry_input)["entries"]
    assert (entry["isPublic"], entry["isIndexed"], entry["isEditable"]) == (True, True, False)
    assert (entry["category"], entry["description"]) == ("billing", "Plan")
    explicit = entry_input | {"isPublic": False, "category": "mine"}
    (entry,) = set_entries(world.admin, world, explicit, deleteKeys=["plan"])["entries"]
    assert (entry["isPublic"], entry["category"], entry["description"]) == (False, "mine", "Plan")


def test_a_hidden_default_hides_values_that_are_written_as_an_object(world: World) -> None:
    define(world, "score", "number", isPublic=False)
    assert patch(world.member, world, {"score": 5})["platformMetadata"]["metadata"] == {}


def test_users_cannot_create_an_entry_whose_key_is_not_editable(world: World) -> None:
    define(world, "role", "string", isEditable=False)
    (error,) = patch(world.member, world, {"role": "boss"})["userErrors"]
    assert (error["code"], error["field"]) == ("KEY_NOT_EDITABLE", ["metadata", "role"])
    written = patch(world.admin, world, {"role": "boss"}, username=world.member.username)
    assert written["userErrors"] == []
    assert metadata(world.member, world) == {"role": "boss"}
    (error,) = patch(world.member, world, {"role": "king"})["userErrors"]
    assert error["code"] == "KEY_NOT_EDITABLE"
    assert patch(world.member, world, {"role": "boss", "x": 1})["userErrors"] == []


def test_strings_in_an_object_get_the_defined_type(world: World) -> None:
    define(world, "day", "date")
    define(world, "icon", "binary")
    patch(world.admin, world, {"day": "2024-03-01T01:00:00+01:00", "icon": "YQ=="})
    assert metadata(world.admin, world) == {"day": "2024-03-01T00:00:00Z", "icon": "YQ=="}
    query = """query ($key: String!) { platformMetadata(platformKey: $key) {
      day: entry(key: "day") { valueType } icon: entry(key: "icon") { valueType } } }"""
    found = world.admin.ask(query, key=world.platform_key)["platformMetadata"]
    assert found == {"day": {"valueType": "date"}, "icon": {"valueType": "binary"}}


def test_a_strict_platform_accepts_only_defined_keys(world: World) -> None:
    define(world, "a", "number")
    assert set_mode(world, "STRICT")["userErrors"] == []
    me = world.member
    for write in (patch, replace):
        assert write(me, world, {"a": 1})["userErrors"] == []
        (error,) = write(me, world, {"a": 2, "b": 1})["userErrors"]
        assert (error["code"], error["field"]) == ("KEY_NOT_DEFINED", ["metadata", "b"])
        assert "'b'" in error["message"]
    response = me.rest("PATCH", world.platform_key, {"metadata": {"b": 1}})
    assert (response.status_code, list(response.json())) == (400, ["metadata"])
    good = {"metadataKey": "a", "metadataValue": "3"}
    bad = {"metadataKey": "b", "metadataValue": "3"}
    (error,) = set_entries(world.admin, world, good, bad)["userErrors"]
    assert (error["code"], error["field"]) == ("KEY_NOT_DEFINED", ["entries", "1", "metadataValue"])
    assert metadata(me, world) == {"a": 1}
    assert set_mode(world, "OPEN")["userErrors"] == []
    assert patch(me, world, {"b": 1})["userErrors"] == []


def test_definitions_apply_only_to_their_platform(world: World) -> None:
    define(world, "a", "number")
    set_mode(world, "STRICT")
    me = world.member
    assert patch(me, world, {"a": "x", "b": 1}, platformKey=None)["userErrors"] == []
    assert patch(me, world, {"a": "x", "b": 1}, platformKey=world.new_platform())["userErrors"] == []


def test_definitions_of_several_platforms_are_read_by_one_statement(world: World) -> None:
    keys = [world.platform_key, *(world.new_platform() for _ in range(4))]
    define(world, "a", "number")
    ids = [b64encode(f"Platform:{key}".encode()).decode() for key in keys]
    query = "query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Platform { definitions { key } mode } } }"
    for size in (1, 5):
        with world.service.statements() as seen:
            found = world.member.ask(query, ids=ids[:size])["nodes"]
        assert [len(each["definitions"]) for each in found] == [1, 0, 0, 0, 0][:size]
        assert len([sql for sql in seen if "FROM metadata_definitions" in sql]) == 1
