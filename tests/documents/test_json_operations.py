"""Operations at JSON Pointers: on existing values, on missing values, and where they are impossible."""

import json
from typing import Any

import pytest

from tests.support.patches import PATCH, patch, patched, refused
from tests.support.world import World

START: dict[str, Any] = {
    "ui": {"theme": "dark", "size": 14, "": {"empty": 1}},
    "list": [1, [2, 3], {"a": 4}],
    "n": 5,
    "f": 0.5,
    "s": "text",
    "z": None,
    "t": True,
    "a/b": {"c~d": 1},
    "~1": 7,
}
MAX, MIN = 2**63 - 1, -(2**63)


def op(kind: str, path: str, **arguments: Any) -> dict[str, Any]:
    return {kind: {"path": path} | arguments}


DONE: dict[str, tuple[list[dict[str, Any]], dict[str, Any]]] = {
    "set a member": ([op("set", "/ui/theme", value="light")], {"ui": START["ui"] | {"theme": "light"}}),
    "set a key": ([op("set", "/s", value={"x": [None]})], {"s": {"x": [None]}}),
    "set null": ([op("set", "/s", value=None)], {"s": None}),
    "set a new key": ([op("set", "/new", value=1)], {"new": 1}),
    "set creates objects": ([op("set", "/new/0/-", value=1)], {"new": {"0": {"-": 1}}}),
    "set an item": ([op("set", "/list/1/0", value=9)], {"list": [1, [9, 3], {"a": 4}]}),
    "set after the last": ([op("set", "/list/1/-", value=9)], {"list": [1, [2, 3, 9], {"a": 4}]}),
    "set below an item": (
        [op("set", "/list/2/b/c", value=9)],
        {"list": [1, [2, 3], {"a": 4, "b": {"c": 9}}]},
    ),
    "escapes": (
        [op("set", "/a~1b/c~0d", value=2), op("increment", "/~01", by=1)],
        {"a/b": {"c~d": 2}, "~1": 8},
    ),
    "empty tokens": ([op("set", "/ui//empty", value=2)], {"ui": START["ui"] | {"": {"empty": 2}}}),
    "delete a member": ([op("delete", "/ui/")], {"ui": {"theme": "dark", "size": 14}}),
    "delete an item": ([op("delete", "/list/0")], {"list": [[2, 3], {"a": 4}]}),
    "delete a missing value": (
        [op("delete", "/gone"), op("delete", "/gone/x"), op("delete", "/ui/x"), op("delete", "/ui/x/y")],
        {},
    ),
    "increment": ([op("increment", "/ui/size", by=-20)], {"ui": START["ui"] | {"size": -6}}),
    "increment a missing value": ([op("increment", "/new/n", by=2)], {"new": {"n": 2}}),
    "increment by a float": ([op("increment", "/n", by=0.5)], {"n": 5.5}),
    "increment a float": ([op("increment", "/f", by=1)], {"f": 1.5}),
    "increment an item": ([op("increment", "/list/1/1", by=1)], {"list": [1, [2, 4], {"a": 4}]}),
    "increment to the bounds": (
        [op("increment", "/max", by=MAX), op("increment", "/min", by=MIN), op("increment", "/max", by=0)],
        {"max": MAX, "min": MIN},
    ),
    "append": ([op("append", "/list/1", value=None)], {"list": [1, [2, 3, None], {"a": 4}]}),
    "append to a missing value": (
        [op("append", "/new/x", value=1), op("append", "/new/x", value=2)],
        {"new": {"x": [1, 2]}},
    ),
    "one after the other": (
        [
            op("set", "/o", value={"list": []}),
            op("append", "/o/list", value={"n": 1}),
            op("increment", "/o/list/0/n", by=1),
            op("append", "/o/list", value=2),
            op("delete", "/o/list/0"),
            op("set", "/o/list/-", value=3),
        ],
        {"o": {"list": [2, 3]}},
    ),
}
IMPOSSIBLE: dict[str, tuple[dict[str, Any], str]] = {
    "through a string": (op("set", "/s/x", value=1), "'/s' is a string, so it contains no values."),
    "through a number": (op("delete", "/ui/size/x"), "'/ui/size' is a number, so it contains no values."),
    "through a boolean": (op("append", "/t/x", value=1), "'/t' is a boolean, so it contains no values."),
    "through null": (op("increment", "/z/x/y", by=1), "'/z' is null, so it contains no values."),
    "no slash": (op("set", "s", value=1), "The path 's' does not begin with a slash, as in /theme"),
    "the whole document": (op("set", "", value={}), "The path '' does not begin with a slash"),
    "an invalid escape": (op("set", "/a~2", value=1), "The path '/a~2' has a ~ that is not one of"),
    "an incomplete escape": (op("set", "/a~", value=1), "The path '/a~' has a ~ that is not one of"),
    "out of range": (op("set", "/list/3", value=1), "'/list/3' does not exist: the array has 3 items."),
    "far out of range": (op("delete", f"/list/1{'0' * 15}"), f"'/list/1{'0' * 15}' does not exist"),
    "after the last, to delete": (op("delete", "/list/-"), "'/list/-' does not exist"),
    "after the last, to add": (op("increment", "/list/-", by=1), "'/list/-' does not exist"),
    "after the last, to append": (op("append", "/list/1/-", value=1), "'/list/1/-' does not exist"),
    "after the last, on the way": (op("set", "/list/-/x", value=1), "'/list/-' does not exist"),
    "a leading zero": (op("set", "/list/01", value=1), "'/list/01' refers to an array item by '01', which"),
    "a sign": (op("set", "/list/+1", value=1), "'/list/+1' refers to an array item by '+1', which is no"),
    "a name for an index": (op("delete", "/list/a/b"), "'/list/a' refers to an array item by 'a', which"),
    "other digits": (op("delete", "/list/\u0661"), "'/list/\u0661' refers to an array item by"),
    "incrementing a string": (
        op("increment", "/s", by=1),
        "'/s' is a string; only numbers can be incremented.",
    ),
    "incrementing a boolean": (op("increment", "/t", by=1), "'/t' is a boolean; only numbers can be"),
    "incrementing null": (op("increment", "/z", by=1), "'/z' is null; only numbers can be incremented."),
    "incrementing an object": (op("increment", "/ui", by=1), "'/ui' is an object; only numbers can be"),
    "beyond 64 bits": (op("increment", "/n", by=MAX - 4), "'/n' would leave the range of 64-bit integers"),
    "appending to an object": (op("append", "/ui", value=1), "'/ui' is an object; only arrays can be"),
    "appending to null": (op("append", "/z", value=1), "'/z' is null; only arrays can be appended to."),
    "a path that is too deep": (
        op("set", "/n" + "/a" * 65, value=1),
        "The path has 66 steps; 65 are allowed",
    ),
}


@pytest.mark.parametrize(("operations", "changed"), DONE.values(), ids=DONE)
def test_an_operation_changes_the_document(world: World, operations: Any, changed: Any) -> None:
    patched(world.member, world, metadata=START)
    done = patched(world.member, world, operations=operations)
    assert json.dumps(done, sort_keys=True) == json.dumps(START | changed, sort_keys=True)


@pytest.mark.parametrize(("operation", "message"), IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_an_impossible_operation_is_reported_and_nothing_is_written(
    world: World, operation: Any, message: str
) -> None:
    patched(world.member, world, metadata=START)
    arguments = {
        "metadata": {"x": 1},
        "deleteKeys": ["n2"],
        "operations": [op("set", "/y", value=1), operation],
    }
    assert refused(world.member, world, **arguments) == ("INVALID_OPERATION", ["operations", "1", "path"])
    assert patch(world.member, world, **arguments)["userErrors"][0]["message"].startswith(message)


def test_floats_stay_finite(world: World) -> None:
    patched(world.member, world, metadata={"f": 1.7e308, "n": MAX})
    for by in (1.7e308, MAX):
        operations = [op("increment", "/f", by=by), op("increment", "/f", by=1.7e308)]
        code, field = refused(world.member, world, operations=operations)
        assert (code, field[0]) == ("INVALID_OPERATION", "operations")


@pytest.mark.parametrize(("key", "path"), [("", "/"), ("a ", "/a "), ("x" * 256, "/" + "x" * 256)])
def test_operations_refuse_invalid_keys(world: World, key: str, path: str) -> None:
    assert refused(world.member, world, operations=[op("set", path, value=1)]) == (
        "INVALID_KEY",
        ["operations", "0", "path"],
    )


def test_set_and_append_require_a_value(world: World) -> None:
    for kind in ("set", "append"):
        assert refused(world.member, world, operations=[op(kind, "/a")]) == (
            "INVALID_OPERATION",
            ["operations", "0", "value"],
        )


@pytest.mark.parametrize("by", ["1", True, None, [], 2**63 + 1])
def test_only_numbers_can_be_added(world: World, by: Any) -> None:
    body = world.member.graphql(
        PATCH, input={"platformKey": world.platform_key, "operations": [op("increment", "/a", by=by)]}
    )
    assert [error["extensions"]["code"] for error in body["errors"]] == ["BAD_USER_INPUT"]


@pytest.mark.parametrize("operation", [{}, op("set", "/a", value=1) | op("delete", "/b"), {"set": None}])
def test_an_operation_has_exactly_one_kind(world: World, operation: Any) -> None:
    body = world.member.graphql(PATCH, input={"platformKey": world.platform_key, "operations": [operation]})
    assert [error["extensions"]["code"] for error in body["errors"]] == ["BAD_USER_INPUT"]


def test_operations_can_be_literals(world: World) -> None:
    text = """mutation ($key: String!, $path: String!) { patchPlatformMetadata(input: {platformKey: $key,
      operations: [{set: {path: "/a", value: {b: [1, null]}}}, {increment: {path: $path, by: 1.5}},
        {append: {path: "/a/b", value: null}}]}) { platformMetadata { metadata } userErrors { message } } }"""
    payload = world.member.ask(text, key=world.platform_key, path="/n")["patchPlatformMetadata"]
    assert payload == {
        "platformMetadata": {"metadata": {"a": {"b": [1, None, None]}, "n": 1.5}},
        "userErrors": [],
    }


def test_operations_are_executed_after_deletions_and_new_values_in_the_same_revision(world: World) -> None:
    patched(world.member, world, metadata={"n": 5, "m": 5})
    payload = patch(
        world.member,
        world,
        deleteKeys=["n"],
        metadata={"m": 10},
        operations=[op("increment", "/n", by=1), op("increment", "/m", by=1), op("delete", "/m")],
    )
    assert payload["platformMetadata"] == {"metadata": {"n": 1}, "revision": 2}
    assert payload["deletedKeys"] == ["m"]


def test_a_patch_may_have_only_operations_or_an_empty_list_of_them(world: World) -> None:
    assert patch(world.member, world, operations=[])["platformMetadata"] == {"metadata": {}, "revision": 0}
    assert refused(world.member, world) == ("METADATA_REQUIRED", [])
    assert refused(world.member, world, operations=None) == ("METADATA_REQUIRED", [])


def test_a_patch_has_at_most_100_operations(world: World) -> None:
    operations = [op("set", f"/k{number}", value=number) for number in range(101)]
    body = world.member.graphql(PATCH, input={"platformKey": world.platform_key, "operations": operations})
    (error,) = body["errors"]
    assert error["extensions"]["code"] == "LIMIT_EXCEEDED"
    assert error["message"] == "`operations` has 101 items; 100 are allowed."
    assert len(patched(world.member, world, operations=operations[:100])) == 100
    limits = world.member.ask("{ limits { patchOperations bulkPatches } }")["limits"]
    assert limits == {"patchOperations": 100, "bulkPatches": 100}


def test_the_size_and_depth_of_the_result_are_limited(world: World) -> None:
    size = world.service.settings.max_value_size
    nested: Any = 1
    for _ in range(40):
        nested = [nested]
    patched(world.member, world, metadata={"big": ["x" * (size - 50)], "deep": nested})
    grow = [op("append", "/big", value="x" * 20)] * 3
    assert refused(world.member, world, operations=grow) == ("VALUE_TOO_LARGE", ["operations", "2", "path"])
    sink = [op("set", "/deep" + "/0" * 30, value=nested)]
    assert refused(world.member, world, operations=sink) == ("INVALID_VALUE", ["operations", "0", "path"])
