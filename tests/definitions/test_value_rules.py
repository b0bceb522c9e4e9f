"""Each rule of a definition with values that keep and that break it, through every door."""

import json
from typing import Any

import pytest

from tests.support.cost import assert_costs_at_most
from tests.support.definitions import define, metadata, patch, replace, set_entries
from tests.support.world import World

TREE = {
    "type": "object",
    "required": ["name"],
    "properties": {"name": {"$ref": "#/$defs/name"}, "left": {"$ref": "#"}, "right": {"$ref": "#"}},
    "additionalProperties": False,
    "$defs": {"name": {"type": "string", "maxLength": 3}},
}
RULES: dict[str, tuple[str, dict[str, Any], list[Any], dict[str, list[Any]]]] = {
    "a number's bounds": (
        "number",
        {"minimum": -1, "maximum": 9.5},
        [-1, 0, 9.5, 9, 1e-300],
        {
            "minimum": [-2, -1.0000001, -1e308],
            "maximum": [9.6, 2**63 - 1],
            "valueType": ["1", True, None, {}],
        },
    ),
    "a bound beyond what a double keeps": (
        "number",
        {"minimum": 2**53 + 1},
        [2**53 + 1, 2**62],
        {"minimum": [2**53]},
    ),
    "a text's length": (
        "string",
        {"minLength": 1, "maxLength": 3},
        ["a", "äöü", "😀😀😀"],
        {"minLength": [""], "maxLength": ["abcd", "😀😀😀😀"], "valueType": [1, None, ["a"]]},
    ),
    "a pattern for the whole text": (
        "string",
        {"pattern": "^[a-z]+-[0-9]{2}$"},
        ["ab-12", "z-00"],
        {"pattern": ["", "ab-1", "AB-12", " ab-12", "ab-12 "]},
    ),
    "a pattern to be found": ("string", {"pattern": "[0-9]"}, ["a1b", "1"], {"pattern": ["ab", ""]}),
    "texts to choose from": ("string", {"choices": ["a", "b"]}, ["a", "b"], {"choices": ["c", "A", ""]}),
    "numbers to choose from": (
        "number",
        {"choices": [1, 2.5]},
        [1, 2.5],
        {"choices": [0, 2, 2.50001], "valueType": ["1"]},
    ),
    "a boolean to choose from": (
        "boolean",
        {"choices": [True]},
        [True],
        {"choices": [False], "valueType": [1, "true"]},
    ),
    "values to choose from": (
        "json",
        {"choices": [{"a": [1, None]}, [2]]},
        [{"a": [1, None]}, [2]],
        {"choices": [{"a": [1]}, {}, None, 2]},
    ),
    "dates between two instants": (
        "date",
        {"minimum": "2024-03-01", "maximum": "2024-03-31T12:00:00+02:00"},
        ["2024-03-01", "2024-03-01T00:00:00Z", "2024-03-31T10:00:00Z", "2024-03-31"],
        {
            "minimum": ["2024-02-29", "2024-02-29T23:59:59.999Z", "2024-03-01T00:30:00+01:00"],
            "maximum": ["2024-04-01", "2024-03-31T10:00:00.001Z"],
            "valueType": ["yesterday", "2024-02-30", 20240301, None],
        },
    ),
    "the bytes of binary data": (
        "binary",
        {"minLength": 1, "maxLength": 3},
        ["YQ==", "YWI=", "YWJj"],
        {"minLength": [""], "maxLength": ["YWJjZA=="], "valueType": ["YQ", "a", 1]},
    ),
    "a schema of JSON": (
        "json",
        {"schema": TREE},
        [
            {"name": "a"},
            {"name": "abc", "left": {"name": "b"}, "right": {"name": "c", "left": {"name": "d"}}},
        ],
        {"schema": [{}, [], None, {"name": "abcd"}, {"name": "a", "x": 1}, {"name": "a", "left": {}}]},
    ),
    "whole numbers by a schema": (
        "number",
        {"schema": {"type": "integer"}, "minimum": 0},
        [0, 5, 5.0],
        {"schema": [5.5], "minimum": [-1]},
    ),
}


def as_text(type_: str, value: Any) -> str:
    return value if type_ in ("string", "date", "binary") and isinstance(value, str) else json.dumps(value)


@pytest.mark.parametrize("name", RULES)
def test_a_value_that_keeps_the_rules_is_written_by_every_door(world: World, name: str) -> None:
    type_, rules, good, _ = RULES[name]
    define(world, "key", type_, **rules)
    me = world.admin
    for value in good:
        assert patch(me, world, {"key": value})["userErrors"] == []
        assert replace(me, world, {})["userErrors"] == []
        assert me.rest("PATCH", world.platform_key, {"metadata": {"key": value}}).status_code == 200
        assert me.rest("PUT", world.platform_key, {"metadata": {"key": value, "x": 1}}).status_code == 200
        assert replace(me, world, {"key": value})["userErrors"] == []
        assert replace(me, world, {})["userErrors"] == []
        payload = set_entries(me, world, {"metadataKey": "key", "metadataValue": as_text(type_, value)})
        assert payload["userErrors"] == []
        assert payload["entries"][0]["valueType"] == type_


@pytest.mark.parametrize("name", RULES)
def test_a_value_that_breaks_a_rule_is_refused_by_every_door(world: World, name: str) -> None:
    type_, rules, _, bad = RULES[name]
    define(world, "key", type_, **rules)
    me = world.admin
    for rule, values in bad.items():
        for value in values:
            for write in (patch, replace):
                (error,) = write(me, world, {"fine": 1, "key": value})["userErrors"]
                assert (error["code"], error["field"]) == ("RULE_BROKEN", ["metadata", "key"]), value
                assert "'key'" in error["message"]
                assert f"`{rule}`" in error["message"], (value, error)
            for method in ("PATCH", "PUT"):
                answer = me.rest(method, world.platform_key, {"metadata": {"key": value}})
                assert (answer.status_code, list(answer.json())) == (400, ["metadata"])
                assert f"`{rule}`" in answer.json()["metadata"][0]
            if type_ == "string" and rule == "valueType":
                continue  # any text is one
            fine = {"metadataKey": "fine", "metadataValue": "1"}
            entry = {"metadataKey": "key", "metadataValue": as_text(type_, value)}
            (error,) = set_entries(me, world, fine, entry)["userErrors"]
            assert error["field"] == ["entries", "1", "metadataValue"]
            assert error["code"] == ("INVALID_VALUE" if rule == "valueType" else "RULE_BROKEN"), value
    assert metadata(me, world) == {}


def test_an_entry_of_another_type_than_defined_is_refused(world: World) -> None:
    define(world, "day", "date")
    entry = {"metadataKey": "day", "metadataValue": "2024-01-01", "valueType": "string"}
    (error,) = set_entries(world.admin, world, entry)["userErrors"]
    assert (error["code"], error["field"]) == ("RULE_BROKEN", ["entries", "0", "metadataValue"])
    assert error["message"] == (
        "The value of 'day' breaks a rule of its definition, `valueType`: it must be a date, not a string."
    )


def test_where_a_value_breaks_its_schema_is_told(world: World) -> None:
    define(world, "tree", "json", schema=TREE)
    value = {"name": "a", "left": {"name": "b", "right": {"name": "abcd"}}}
    (error,) = patch(world.member, world, {"tree": value})["userErrors"]
    assert error["message"].endswith(", #/$defs/name/maxLength, at /left/right/name.")
    (error,) = patch(world.member, world, {"tree": {"left": {}}})["userErrors"]
    assert "#/required" in error["message"]


LIST = {"type": "array", "items": {"type": "object", "properties": {"n/m": {"minimum": 1}}}}


def test_a_fault_in_a_list_is_told_with_its_index(world: World) -> None:
    define(world, "list", "json", schema=LIST)
    (error,) = patch(world.member, world, {"list": [{"n/m": 1}, {"n/m": 2}, {"n/m": 0}]})["userErrors"]
    assert error["message"].endswith(", #/items/properties/n~1m/minimum, at /2/n~1m.")


def test_an_error_quotes_nothing_of_the_value(world: World) -> None:
    define(world, "text", "string", pattern="^x+$")
    define(world, "choice", "string", choices=["a", "b" * 1000])
    for key, value in (("text", "canary" * 1000), ("choice", "canary")):
        (error,) = patch(world.member, world, {key: value})["userErrors"]
        assert "canary" not in error["message"]
        assert len(error["message"]) < 500


CHEAP = 5
"""How many times what it costs to write a value without rules it may cost to write, or refuse, one with."""
EXPLODING = ["(a+)+$", "(a|aa)+$", "^(a|a)*$", "(.*)*x", r"^(\w+\s?)*$", "(x+x+)+y", "a*a*a*a*a*a*b"]


@pytest.mark.parametrize("pattern", EXPLODING)
def test_a_pattern_cannot_explode(world: World, pattern: str) -> None:
    define(world, "text", "string", pattern=pattern)
    define(world, "json", "json", schema={"items": {"pattern": pattern}})
    text = "a" * 100 * 1024 + "!"
    for key, value in (("text", text), ("json", [text]), ("json", ["a" * 40 + "!"] * 2000)):
        assert_checked_quickly(world, key, value)


def assert_checked_quickly(world: World, key: str, value: Any) -> None:
    """Whoever is the first to write has the rules compiled; whoever comes next does not."""

    def write(key: str) -> None:
        for caller in (world.member, world.colleague):
            patch(caller, world, {key: value})

    assert_costs_at_most(CHEAP, lambda: write("without-rules"), lambda: write(key))


SLOW: dict[str, tuple[str, dict[str, Any], Any]] = {
    "a pattern with many states": ("string", {"pattern": "1[01]{3000}x"}, "01" * 60_000),
    "a pattern with not so many": ("string", {"pattern": "1[01]{50}x"}, "01" * 60_000),
    "a large pattern": ("string", {"pattern": "^.{1,200}$"}, "é" * 60_000),
    "unique items": ("json", {"schema": {"uniqueItems": True}}, list(range(20_000))),
    "unique objects": (
        "json",
        {"schema": {"uniqueItems": True}},
        [{"a": index, "b": [index]} for index in range(4000)],
    ),
    "alternatives": (
        "json",
        {"schema": {"items": {"oneOf": [{"const": index} for index in range(100)]}}},
        [1] * 60_000,
    ),
    "choices of many kinds": (
        "json",
        {"schema": {"items": {"not": {"enum": ["a", *range(2, 300)]}}}},
        [1] * 60_000,
    ),
    "steps": ("json", {"schema": {"items": {"multipleOf": 1e-300}}}, [1e300] * 20_000),
    "all of many": (
        "json",
        {"schema": {"items": {"allOf": [{"minimum": -index} for index in range(300)]}}},
        [1] * 60_000,
    ),
    "faults in every alternative": (
        "json",
        {"schema": {"anyOf": [{"items": {"minimum": 2 + index}} for index in range(20)]}},
        [1] * 60_000,
    ),
    "patterns of names": (
        "json",
        {"schema": {"patternProperties": {f"[01]*{index}x": {} for index in range(20)}}},
        {f"{index:016b}": 1 for index in range(6000)},
    ),
}


@pytest.mark.parametrize("name", SLOW)
def test_what_takes_long_to_check_is_answered_quickly(world: World, name: str) -> None:
    type_, rules, value = SLOW[name]
    define(world, "key", type_, **rules)
    assert_checked_quickly(world, "key", value)


def test_a_value_that_is_too_much_work_is_refused_with_the_size_that_is_not(world: World) -> None:
    define(world, "key", "string", pattern="1[01]{3000}x")
    (error,) = patch(world.member, world, {"key": "01" * 60_000})["userErrors"]
    assert error["code"] == "RULE_BROKEN"
    assert "too much work for a value of more than " in error["message"]
    (error,) = patch(world.member, world, {"key": "01" * 100})["userErrors"]
    assert "`pattern`" in error["message"]


def test_a_recursive_schema_goes_as_deep_as_a_value(world: World) -> None:
    define(world, "deep", "json", schema={"type": "array", "items": {"$ref": "#"}})
    value: list[Any] = []
    for _ in range(62):
        value = [value]
    assert patch(world.member, world, {"deep": value})["userErrors"] == []
    innermost = value
    while innermost[0]:
        innermost = innermost[0]
    innermost[0] = [1]
    (error,) = patch(world.member, world, {"deep": value})["userErrors"]
    assert error["code"] in ("RULE_BROKEN", "INVALID_VALUE")
