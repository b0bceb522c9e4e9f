"""`mode: MERGE_PATCH`: RFC 7396 on the object as the caller sees it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.patches import entries, patch, patched, refused, set_entries
from tests.support.world import World

# Appendix A of RFC 7396. Examples whose documents are not objects are in BELOW_A_KEY.
EXAMPLES: list[tuple[Any, Any, Any]] = [
    ({"a": "b"}, {"a": "c"}, {"a": "c"}),
    ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
    ({"a": "b"}, {"a": None}, {}),
    ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
    ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
    ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
    ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
    ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
    ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
    ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
]
BELOW_A_KEY: list[tuple[Any, Any, Any]] = [
    *EXAMPLES,
    (["a", "b"], ["c", "d"], ["c", "d"]),
    ({"a": "b"}, ["c"], ["c"]),
    ({"a": "foo"}, "bar", "bar"),
    ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
]
DEEP = {"a": {"b": {"c": 1, "d": [{"e": None}]}}, "f": 2}


def store(world: World, metadata: dict[str, Any]) -> None:
    """Set the entire document, including nulls, which a merge patch cannot store."""
    assert world.member.rest("PUT", world.platform_key, {"metadata": metadata}).status_code == 200


@pytest.mark.parametrize(("target", "change", "result"), EXAMPLES)
def test_the_examples_of_the_rfc(world: World, target: Any, change: Any, result: Any) -> None:
    store(world, target)
    assert patched(world.member, world, metadata=change, mode="MERGE_PATCH") == result


@pytest.mark.parametrize(("target", "change", "result"), BELOW_A_KEY)
def test_the_examples_of_the_rfc_below_a_key(world: World, target: Any, change: Any, result: Any) -> None:
    store(world, {"k": target, "other": 1})
    assert patched(world.member, world, metadata={"k": change}, mode="MERGE_PATCH") == {
        "k": result,
        "other": 1,
    }


def test_null_inside_an_array_is_kept(world: World) -> None:
    assert patched(world.member, world, metadata={"a": [None, {"b": None}]}, mode="MERGE_PATCH") == {
        "a": [None, {"b": None}]
    }


def test_a_deep_merge_keeps_other_members(world: World) -> None:
    store(world, DEEP)
    change = {"a": {"b": {"x": {"y": 1}}, "z": 3}}
    expected = {"a": {"b": {"c": 1, "d": [{"e": None}], "x": {"y": 1}}, "z": 3}, "f": 2}
    assert patched(world.member, world, metadata=change, mode="MERGE_PATCH") == expected


@pytest.mark.parametrize("mode", ["MERGE", None])
def test_other_modes_replace_values_and_store_null(world: World, mode: str | None) -> None:
    store(world, DEEP)
    change = {"a": {"b": None}, "f": None}
    assert patched(world.member, world, metadata=change, mode=mode) == change


def test_removed_keys_are_returned_and_unknown_keys_are_ignored(world: World) -> None:
    store(world, {"a": 1, "b": 2})
    change = {"a": None, "nothing": None}
    payload = patch(world.member, world, metadata=change, mode="MERGE_PATCH", deleteKeys=["b"])
    assert payload["deletedKeys"] == ["a", "b"]
    assert payload["platformMetadata"] == {"metadata": {}, "revision": 2}


def test_a_patch_that_changes_nothing_keeps_the_revision(world: World) -> None:
    store(world, DEEP)
    change = {"a": {"b": {"c": 1, "gone": None}}, "gone": None}
    assert patch(world.member, world, metadata=change, mode="MERGE_PATCH")["platformMetadata"] == {
        "metadata": DEEP,
        "revision": 1,
    }


def test_values_that_the_caller_does_not_see_are_replaced_instead_of_merged(world: World) -> None:
    name = world.member.username
    hidden = {"metadataKey": "k", "metadataValue": '{"secret": 1}', "valueType": "json", "isEditable": True}
    soon = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    later = hidden | {"metadataKey": "later", "isPublic": True, "validFrom": soon}
    assert set_entries(world.admin, world, hidden, later, username=name)["userErrors"] == []
    patched(world.member, world, metadata={"k": {"mine": 1}, "later": {"x": 1}}, mode="MERGE_PATCH")
    found = entries(world.admin, world, name)
    assert {key: entry["value"] for key, entry in found.items()} == {"k": {"mine": 1}, "later": {"x": 1}}
    assert not found["k"]["isPublic"]
    assert found["later"]["validFrom"] is None


def test_admins_merge_with_hidden_values(world: World) -> None:
    name = world.member.username
    hidden = {"metadataKey": "k", "metadataValue": '{"a": 1}', "valueType": "json"}
    set_entries(world.admin, world, hidden, username=name)
    change = {"k": {"b": 2}}
    assert patched(world.admin, world, username=name, metadata=change, mode="MERGE_PATCH") == {
        "k": {"a": 1, "b": 2}
    }


@pytest.mark.parametrize("change", [{"k": {"b": 2}}, {"k": None}])
def test_a_key_that_is_not_editable_is_refused(world: World, change: dict[str, Any]) -> None:
    name = world.member.username
    fixed = {"metadataKey": "k", "metadataValue": '{"a": 1}', "valueType": "json", "isPublic": True}
    set_entries(world.admin, world, fixed, username=name)
    assert refused(world.member, world, metadata=change, mode="MERGE_PATCH") == (
        "KEY_NOT_EDITABLE",
        ["metadata", "k"],
    )
    same = {"k": {"a": 1}}
    assert patched(world.member, world, metadata=same, mode="MERGE_PATCH") == same


def test_the_size_of_the_result_is_limited(world: World) -> None:
    size = world.service.settings.max_value_size
    store(world, {"k": {"a": "x" * (size - 100)}})
    assert refused(world.member, world, metadata={"k": {"b": "x" * 100}}, mode="MERGE_PATCH") == (
        "VALUE_TOO_LARGE",
        ["metadata", "k"],
    )


def test_a_result_can_have_the_maximum_depth(world: World) -> None:
    def nested(levels: int, leaf: Any) -> Any:
        return leaf if levels == 0 else {"a": nested(levels - 1, leaf)}

    store(world, {"k": nested(60, 1)})
    deepest = {"k": nested(60, nested(4, 1))}
    assert patched(world.member, world, metadata=deepest, mode="MERGE_PATCH") == deepest
