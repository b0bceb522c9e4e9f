"""Each rule of a definition with valid and invalid values, written through every API."""

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
    "bounds of a number": (
        "number",
        {"minimum": -1, "maximum": 9.5},
        [-1, 0, 9.5, 9, 1e-300],
        {
            "minimum": [-2, -1.0000001, -1e308],
            "maximum": [9.6, 2**63 - 1],
            "valueType": ["1", True, None, {}],
        },
    ),
    "a bound that no double represents": (
        "number",
        {"minimum": 2**53 + 1},
        [2**53 + 1, 2**62],
        {"minimum": [2**53]},
    ),
    "length of a text": (
        "string",
        {"minLength": 1, "maxLength": 3},
        ["a", "äöü", "😀😀😀"],
        {"minLength": [""], "maxLength": ["abcd", "😀😀😀😀"], "valueType": [1, None, ["a"]]},
    ),
    "an anchored pattern": (
        "string",
        {"pattern": "^[a-z]+-[0-9]{2}$"},
        ["ab-12", "z-00"],
        {"pattern": ["", "ab-1", "AB-12", " ab-12", "ab-12 "]},
    ),
    "an unanchored pattern": ("string", {"pattern": "[0-9]"}, ["a1b", "1"], {"pattern": ["ab", ""]}),
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
    "a recursive schema": (
        "json",
        {"schema": TREE},
        [
            {"name": "a"},
            {"name": "abc", "left": {"name": "b"}, "right": {"name": "c", "left": {"name": "d"}}},
        ],
        {"schema": [{}, [], None, {"name": "abcd"}, {"name": "a", "x": 1}, {"name": "a", "left": {}}]},
    ),
    "a schema for integers": (
        "number",
        {"schema": {"type": "integer"}, "minimum": 0},
        [0, 5, 5.0],
        {"schema": [5.5], "minimum": [-1]},
    ),
}


def as_text(type_: str, value: Any) -> str:
    return value if type_ in ("string", "date", "binary") and isinstance(value, str) else json.dumps(value)


@pytest.mark.parametrize("name", RULES)
def test_a_valid_value_can_be_written_through_every_api(world: World, name: str) -> None:
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
def test_a_value_that_breaks_a_rule_is_refused_by_every_api(world: World, name: str) -> None:
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
                response = me.rest(method, world.platform_key, {"metadata": {"key": value}})
                assert (response.status_code, list(response.json())) == (400, ["metadata"])
                assert f"`{rule}`" in response.json()["metadata"][0]
            if type_ == "string" and rule == "valueType":
                continue  # any text is a string
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


def test_the_message_says_where_a_value_breaks_its_schema(world: World) -> None:
    define(world, "tree", "json", schema=TREE)
    value = {"name": "a", "left": {"name": "b", "right": {"name": "abcd"}}}
    (error,) = patch(world.member, world, {"tree": value})["userErrors"]
    assert error["message"].endswith(", #/$defs/name/maxLength, at /left/right/name.")
    (error,) = patch(world.member, world, {"tree": {"left": {}}})["userErrors"]
    assert "#/required" in error["message"]


LIST = {"type": "array", "items": {"type": "object", "properties": {"n/m": {"minimum": 1}}}}


def test_the_path_of_a_violation_in_a_list_has_its_index(world: World) -> None:
    define(world, "list", "json", schema=LIST)
    (error,) = patch(world.member, world, {"list": [{"n/m": 1}, {"n/m": 2}, {"n/m": 0}]})["userErrors"]
    assert error["message"].endswith(", #/items/properties/n~1m/minimum, at /2/n~1m.")


def test_the_message_does_not_quote_the_value(world: World) -> None:
    define(world, "text", "string", pattern="^x+$")
    define(world, "choice", "string", choices=["a", "b" * 1000])
    for key, value in (("text", "canary" * 1000), ("choice", "canary")):
        (error,) = patch(world.member, world, {key: value})["userErrors"]
        assert "canary" not in error["message"]
        assert len(error["message"]) < 500


CHEAP = 5
"""The most that it may cost to write or refuse a value with rules: so many times a value without rules."""
BACKTRACKING_PATTERNS = [
    "(a+)+$",
    "(a|aa)+$",
    "^(a|a)*$",
    "(.*)*x",
    r"^(\w+\s?)*$",
    "(x+x+)+y",
    "a*a*a*a*a*a*b",
]


@pytest.mark.parametrize("pattern", BACKTRACKING_PATTERNS)
def test_patterns_do_not_backtrack(world: World, pattern: str) -> None:
    define(world, "text", "string", pattern=pattern)
    define(world, "json", "json", schema={"items": {"pattern": pattern}})
    text = "a" * 100 * 1024 + "!"
    for key, value in (("text", text), ("json", [text]), ("json", ["a" * 40 + "!"] * 2000)):
        assert_checked_quickly(world, key, value)


def assert_checked_quickly(world: World, key: str, value: Any) -> None:
    """The first write compiles the rules, the next one does not."""

    def write(key: str) -> None:
        for caller in (world.member, world.colleague):
            patch(caller, world, {key: value})

    assert_costs_at_most(CHEAP, lambda: write("without-rules"), lambda: write(key))


SLOW_CHECKS: dict[str, tuple[str, dict[str, Any], Any]] = {
    "a pattern with many states": ("string", {"pattern": "1[01]{3000}x"}, "01" * 60_000),
    "a pattern with fewer states": ("string", {"pattern": "1[01]{50}x"}, "01" * 60_000),
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
    "multiples": ("json", {"schema": {"items": {"multipleOf": 1e-300}}}, [1e300] * 20_000),
    "a long allOf": (
        "json",
        {"schema": {"items": {"allOf": [{"minimum": -index} for index in range(300)]}}},
        [1] * 60_000,
    ),
    "violations of every alternative": (
        "json",
        {"schema": {"anyOf": [{"items": {"minimum": 2 + index}} for index in range(20)]}},
        [1] * 60_000,
    ),
    "patterns of property names": (
        "json",
        {"schema": {"patternProperties": {f"[01]*{index}x": {} for index in range(20)}}},
        {f"{index:016b}": 1 for index in range(6000)},
    ),
}


@pytest.mark.parametrize("name", SLOW_CHECKS)
def test_a_value_that_is_slow_to_check_is_answered_quickly(world: World, name: str) -> None:
    type_, rules, value = SLOW_CHECKS[name]
    define(world, "key", type_, **rules)
    assert_checked_quickly(world, "key", value)


def test_a_value_too_large_to_check_is_refused_with_the_allowed_size(world: World) -> None:
    define(world, "key", "string", pattern="1[01]{3000}x")
    (error,) = patch(world.member, world, {"key": "01" * 60_000})["userErrors"]
    assert error["code"] == "RULE_BROKEN"
    assert "cannot be checked in time for a value of more than " in error["message"]
    (error,) = patch(world.member, world, {"key": "01" * 100})["userErrors"]
    assert "`pattern`" in error["message"]


def test_a_recursive_schema_checks_all_levels_of_a_value(world: World) -> None:
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
