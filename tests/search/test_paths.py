"""Searching by parts of values, at the paths that the definition of the key declares."""

import base64
import json
from typing import Any

from tests.search.test_operators import found, put, refusal
from tests.support.entries import set_entries
from tests.support.service import serving
from tests.support.world import World

DEFINE = """mutation ($input: DefineMetadataInput!) { defineMetadata(input: $input) {
  definition { indexedPaths } userErrors { code field message } } }"""
REMOVE = """mutation ($input: RemoveMetadataDefinitionInput!) { removeMetadataDefinition(input: $input) {
  removed } }"""


def define(world: World, *paths: Any, value_type: str = "json") -> Any:
    """Define the key `plan` with these paths."""
    input = {"platformKey": world.platform_key, "key": "plan", "valueType": value_type}
    return world.admin.ask(DEFINE, input=input | {"indexedPaths": list(paths) or None})["defineMetadata"]


def at(path: str, **operators: Any) -> dict[str, Any]:
    return {"key": "plan", "path": path} | operators


def fill(world: World, **attributes: Any) -> None:
    """Plans of two users."""
    for user, value in (
        (world.member, {"tier": "Gold", "seats": 7, "tags": ["a", 1], "a/b": {"c": None}}),
        (world.colleague, {"tier": "silver", "seats": 20, "tags": [], "list": [{"x": "deep"}]}),
    ):
        put(world, user, "plan", json.dumps(value), "json", **attributes)


def test_existing_entries_are_found_as_soon_as_a_path_is_declared(world: World) -> None:
    fill(world, isIndexed=False)
    assert "'/tier' of 'plan' is not indexed" in refusal(world, at("/tier", equals="Gold"))
    paths = ["/tier", "/seats", "/tags", "/a~1b/c", "/list/0/x"]
    assert define(world, *paths) == {"definition": {"indexedPaths": paths}, "userErrors": []}
    member, colleague = {world.member.id}, {world.colleague.id}
    assert found(world, at("/tier", equals="Gold")) == member
    assert found(world, at("/tier", equals="gold")) == set()
    assert found(world, at("/tier", equalsIgnoreCase="gold")) == member
    assert found(world, at("/tier", **{"in": ["silver", "Gold"]})) == member | colleague
    assert found(world, at("/tier", prefix="sil")) == colleague
    assert found(world, at("/tier", contains="ol")) == member
    assert found(world, at("/tier", greaterThan="a")) == colleague
    assert found(world, at("/seats", greaterThan=7)) == colleague
    assert found(world, at("/seats", greaterThanOrEqual=7, lessThan=20)) == member
    assert found(world, at("/seats", equals=7.0)) == member
    assert found(world, at("/tags", contains="a")) == member
    assert found(world, at("/tags", equals=[])) == colleague
    assert found(world, at("/tags", exists=True)) == member | colleague
    assert found(world, at("/a~1b/c", equals=None)) == member
    assert found(world, at("/list/0/x", equals="deep")) == colleague
    assert found(world, at("/list/0/x", exists=True), at("/seats", exists=True)) == colleague
    assert world.member.id in found(world, at("/list/0/x", exists=False))
    assert "'/other'" in refusal(world, at("/other", exists=True))
    assert "'plan' is not indexed" in refusal(world, {"key": "plan", "exists": True})


def test_the_index_follows_writes_and_definitions(world: World) -> None:
    define(world, "/tier")
    fill(world)
    gold = at("/tier", equals="Gold")
    assert found(world, gold) == {world.member.id}
    put(world, world.member, "plan", '{"tier": "basic"}', "json", isIndexed=False)
    assert found(world, gold) == set()
    assert found(world, at("/tier", equals="basic")) == {world.member.id}
    set_entries(world.admin, world, username=world.member.username, deleteKeys=["plan"])
    assert found(world, at("/tier", exists=True)) == {world.colleague.id}
    define(world, "/seats")
    assert "not indexed" in refusal(world, at("/tier", exists=True))
    assert found(world, at("/seats", equals=20)) == {world.colleague.id}
    define(world)
    assert "not indexed" in refusal(world, at("/seats", exists=True))
    define(world, "/tier")
    input = {"platformKey": world.platform_key, "key": "plan"}
    assert world.admin.ask(REMOVE, input=input)["removeMetadataDefinition"]["removed"]
    define(world, "/seats")
    assert found(world, at("/seats", exists=True)) == {world.colleague.id}


def test_bad_paths_are_refused_and_nothing_changes(world: World) -> None:
    for paths, message in (
        (["tier"], "does not begin with a slash"),
        (["/~2"], "~"),
        (["/a", "/a"], "listed twice"),
        (["/" + "a" * 200], "at most 200 characters"),
    ):
        payload = define(world, *paths)
        assert payload["definition"] is None
        (error,) = payload["userErrors"]
        assert (error["code"], error["field"][0]) == ("INVALID_DEFINITION", "indexedPaths"), error
        assert message in error["message"]
    (error,) = define(world, "/a", value_type="string")["userErrors"]
    assert "not a rule for values of the type string" in error["message"]
    body = world.admin.graphql(
        DEFINE,
        input={"platformKey": world.platform_key, "key": "plan", "valueType": "json"}
        | {"indexedPaths": [f"/{number}" for number in range(11)]},
    )
    assert body["errors"][0]["extensions"]["code"] == "LIMIT_EXCEEDED"
    assert "not indexed" in refusal(world, at("/a", exists=True))


def test_encrypted_entries_have_no_paths(database_url: str) -> None:
    with serving(database_url, encryption_keys={"k1": base64.b64encode(b"k" * 32).decode()}) as service:
        world = World(service)
        put(world, world.member, "plan", '{"tier": "Gold", "tags": ["a"]}', "json", isEncrypted=True)
        define(world, "/tier", "/tags")
        put(world, world.colleague, "plan", '{"tier": "Gold"}', "json", isEncrypted=True)
        put(world, world.admin, "plan", '{"tier": "Gold"}', "json")
        assert found(world, at("/tier", equals="Gold")) == {world.admin.id}
        assert found(world, at("/tags", contains="a")) == set()
        put(world, world.admin, "plan", '{"tier": "Gold"}', "json", isEncrypted=True)
        assert found(world, at("/tier", exists=True)) == set()
