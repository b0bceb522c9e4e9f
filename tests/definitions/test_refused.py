"""Definitions that are refused: contradictions, and invalid or too costly patterns and JSON Schemas."""

from typing import Any

import pytest

from tests.support.cost import assert_costs_at_most
from tests.support.definitions import define, definitions, metadata, patch, refused
from tests.support.world import World

CONTRADICTIONS: dict[str, tuple[str, dict[str, Any], list[str]]] = {
    "minimum above maximum": ("number", {"minimum": 2, "maximum": 1}, ["minimum"]),
    "first date after last": (
        "date",
        {"minimum": "2024-03-01T00:00:01Z", "maximum": "2024-03-01T01:00:00+01:00"},
        ["minimum"],
    ),
    "lengths": ("string", {"minLength": 2, "maxLength": 1}, ["minLength"]),
    "negative length": ("string", {"maxLength": -1}, ["maxLength"]),
    "bound that is not a number": ("number", {"minimum": "1"}, ["minimum"]),
    "bound that is a boolean": ("number", {"maximum": True}, ["maximum"]),
    "bound that is not a date": ("date", {"minimum": "soon"}, ["minimum"]),
    "bound that is a number": ("date", {"minimum": 5}, ["minimum"]),
    "date without offset": ("date", {"maximum": "2024-03-01T00:00:00"}, ["maximum"]),
    "bounds of a text": ("string", {"minimum": 1}, ["minimum"]),
    "bounds of json": ("json", {"maximum": 1}, ["maximum"]),
    "length of a number": ("number", {"minLength": 1}, ["minLength"]),
    "pattern of a number": ("number", {"pattern": "1"}, ["pattern"]),
    "pattern of binary data": ("binary", {"pattern": "a"}, ["pattern"]),
    "pattern of a boolean": ("boolean", {"pattern": "t"}, ["pattern"]),
    "an empty pattern": ("string", {"pattern": ""}, ["pattern"]),
    "a pattern that is too long": ("string", {"pattern": "a" * 2001}, ["pattern"]),
    "no choices": ("string", {"choices": []}, ["choices"]),
    "too large choices": ("string", {"choices": ["x" * 20_000, "y" * 20_000]}, ["choices"]),
    "choice of another type": ("number", {"choices": [1, "2"]}, ["choices", "1"]),
    "choice that is a boolean": ("number", {"choices": [True]}, ["choices", "0"]),
    "choice that is not a date": ("date", {"choices": ["2024-13-01"]}, ["choices", "0"]),
    "choice twice": ("string", {"choices": ["a", "b", "a"]}, ["choices", "2"]),
    "the same date twice": (
        "date",
        {"choices": ["2024-01-01T00:00:00Z", "2024-01-01T01:00:00+01:00"]},
        ["choices", "1"],
    ),
    "choice below the minimum": ("number", {"choices": [1, 2], "minimum": 2}, ["choices", "0"]),
    "choice that is too long": ("string", {"choices": ["a", "bb"], "maxLength": 1}, ["choices", "1"]),
    "choice without the pattern": ("string", {"choices": ["a"], "pattern": "b"}, ["choices", "0"]),
    "choice that breaks the schema": (
        "json",
        {"choices": [[], {}], "schema": {"type": "array"}},
        ["choices", "1"],
    ),
}


@pytest.mark.parametrize("name", CONTRADICTIONS)
def test_a_definition_that_contradicts_itself_is_refused(world: World, name: str) -> None:
    type_, rules, field = CONTRADICTIONS[name]
    error = refused(world, "key", type_, **rules)
    assert (error["code"], error["field"]) == ("INVALID_DEFINITION", field)
    assert len(error["message"]) < 600
    assert definitions(world) == []


PATTERNS = ["(?=a)b", "(?!a)b", "(?<=a)b", r"(a)\1", "(?P<x>a)(?P=x)", "[", "a{2,1}", "*", "(", "\\",
            "a{1000}{1000}", r"(?:\p{L}{1,100}){1,50}"]  # fmt: skip


@pytest.mark.parametrize("pattern", PATTERNS)
def test_an_invalid_or_too_costly_pattern_is_refused(world: World, pattern: str) -> None:
    error = refused(world, "key", "string", pattern=pattern)
    assert (error["code"], error["field"]) == ("INVALID_DEFINITION", ["pattern"])
    schemas: list[Any] = [{"items": {"pattern": pattern}}, {"patternProperties": {pattern: {}}}]
    for schema in schemas:
        error = refused(world, "key", "json", schema=schema)
        assert (error["code"], error["field"]) == ("INVALID_DEFINITION", ["schema"])
    assert definitions(world) == []


def nested_schema(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {}
    for _ in range(levels):
        schema = {"not": schema}
    return schema


def exponential_schema(levels: int) -> dict[str, Any]:
    """A schema that checks 2^levels times whether a value is an integer."""
    names = {f"a{index}": {"allOf": [{"$ref": f"#/$defs/a{index + 1}"}] * 2} for index in range(levels)}
    return {"$defs": names | {f"a{levels}": {"type": "integer"}}, "$ref": "#/$defs/a0"}


def chained_schema(length: int) -> dict[str, Any]:
    """A schema that applies `length` references to a value, and itself to the items."""
    names: dict[str, Any] = {f"a{index}": {"$ref": f"#/$defs/a{index + 1}"} for index in range(length)}
    return {"$defs": names | {f"a{length}": {"items": {"$ref": "#"}}}, "$ref": "#/$defs/a0"}


SCHEMAS: dict[str, tuple[Any, str]] = {
    "not an object": (True, "is a JSON object"),
    "a list": ([], "is a JSON object"),
    "an unknown type": ({"type": "strin"}, "at #/type"),
    "an unknown type inside": ({"properties": {"a": {"type": 1}}}, "at #/properties/a/type"),
    "a bound that is a text": ({"minimum": "x"}, "at #/minimum"),
    "a keyword of another kind": ({"required": "a"}, "at #/required"),
    "alternatives that are not a list": ({"anyOf": {}}, "at #/anyOf"),
    "no alternatives": ({"oneOf": []}, "at #/oneOf"),
    "too large": ({"description": "x" * 17_000}, "bytes"),
    "too deep": (nested_schema(40), "nested deeper"),
    "another draft": ({"$schema": "http://json-schema.org/draft-07/schema#"}, "draft 2020-12"),
    "an unknown draft": ({"$schema": 5}, "draft 2020-12"),
    "a reference by http": ({"$ref": "http://127.0.0.1:1/schema.json"}, "only to its own parts"),
    "a reference by https": ({"items": {"$ref": "https://example.com/s"}}, "only to its own parts"),
    "a reference to a file": ({"$ref": "file:///etc/hostname"}, "only to its own parts"),
    "a relative reference": ({"$ref": "other.json"}, "only to its own parts"),
    "the schema of schemas": (
        {"$ref": "https://json-schema.org/draft/2020-12/schema"},
        "only to its own parts",
    ),
    "a reference in an unused part": ({"$defs": {"a": {"$ref": "file:///x"}}}, "only to its own parts"),
    "a reference that is not a text": ({"$ref": 5}, "only to its own parts"),
    "a reference to an anchor": ({"$ref": "#there"}, "only to its own parts"),
    "a reference that leads nowhere": ({"$ref": "#/$defs/none"}, "does not exist"),
    "a reference to a part that is not a schema": ({"$ref": "#/title", "title": "x"}, "not a JSON Schema"),
    "another base": ({"$id": "http://127.0.0.1:1/", "$ref": "#"}, "`$id`"),
    "another base inside": ({"items": {"$id": "http://127.0.0.1:1/"}}, "`$id`"),
    "an anchor": ({"$defs": {"a": {"$anchor": "there"}}}, "`$anchor`"),
    "a dynamic reference": ({"$dynamicAnchor": "a", "$dynamicRef": "#a"}, "`$dynamic"),
    "a reference to itself": ({"$ref": "#"}, "For the same value"),
    "references to each other": (
        {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"allOf": [{"$ref": "#/$defs/a"}]}}},
        "For the same value",
    ),
    "a negated reference to itself": ({"not": {"$ref": "#"}}, "For the same value"),
    "a long chain": (chained_schema(300), "For the same value"),
    "work doubled by each reference": (exponential_schema(40), "too long"),
    "work doubled by each level": ({"anyOf": [{"items": {"$ref": "#"}}] * 2}, "too long"),
    "work doubled by each property": (
        {"properties": {"a": {"$ref": "#"}}, "patternProperties": {"a": {"$ref": "#"}}},
        "too long",
    ),
    "unevaluated properties": (
        {"unevaluatedProperties": False, "anyOf": [{"properties": {"a": {"$ref": "#"}}}] * 3},
        "too long",
    ),
    "many patterns": ({"patternProperties": {f"a{index}": {} for index in range(21)}}, "more than 20"),
}


@pytest.mark.parametrize("name", SCHEMAS)
def test_an_invalid_or_too_costly_schema_is_refused_quickly(world: World, name: str) -> None:
    schema, message = SCHEMAS[name]
    error = refused(world, "key", "json", schema=schema)
    assert (error["code"], error["field"]) == ("INVALID_DEFINITION", ["schema"])
    assert message in error["message"], error
    assert len(error["message"]) < 600
    assert definitions(world) == []
    assert_costs_at_most(
        20,
        lambda: define(world, "another", "json", schema={}),
        lambda: refused(world, "key", "json", schema=schema),
    )


ACCEPTED: dict[str, Any] = {
    "with its draft": {"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object"},
    "empty": {},
    "unknown keywords": {"x-form": {"$ref": "http://nowhere"}, "title": "A", "default": {"$id": "x"}},
    "properties named like keywords": {"properties": {"$ref": {"type": "string"}, "$id": {"enum": ["$ref"]}}},
    "data that looks like schemas": {
        "enum": [{"$ref": "http://nowhere"}],
        "const": {"$ref": "http://nowhere"},
    },
    "names with escapes": {"$ref": "#/$defs/a~1b%20c~0", "$defs": {"a/b c~": {}}},
    "a binary tree": {"properties": {"l": {"$ref": "#"}, "r": {"$ref": "#"}}},
    "many alternatives": {"oneOf": [{"properties": {"kind": {"const": str(index)}}} for index in range(60)]},
    "a chain": chained_schema(90),
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_a_schema_that_only_looks_dangerous_is_accepted(world: World, name: str) -> None:
    assert define(world, "key", "json", schema=ACCEPTED[name])["schema"] == ACCEPTED[name]


def test_a_chain_of_references_does_not_exhaust_the_stack(world: World) -> None:
    define(world, "deep", "json", schema=chained_schema(90))
    value: Any = 1
    for _ in range(60):
        value = [value]
    assert patch(world.member, world, {"deep": value})["userErrors"] == []


def test_formats_are_not_enforced(world: World) -> None:
    define(world, "mail", "string", schema={"format": "email"})
    assert patch(world.member, world, {"mail": "no address"})["userErrors"] == []
    assert metadata(world.member, world) == {"mail": "no address"}


def test_the_total_size_of_the_rules_of_a_platform_is_limited(world: World) -> None:
    schema = {"description": "x" * 16_000}
    for index in range(16):
        define(world, f"k{index}", "json", schema=schema)
    error = refused(world, "k16", "json", schema=schema)
    assert error["code"] == "INVALID_DEFINITION"
    assert "262144 are allowed" in error["message"]
    assert len(definitions(world)) == 16
