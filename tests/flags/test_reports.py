"""What admins are told about definitions: their history, previews of rollouts, adoption, and the schema."""

from typing import Any

import jsonschema_rs
import pytest
from sqlalchemy import select

from gql_service.store import tables
from tests.support.definitions import REMOVE, define, patch, set_entries, set_mode
from tests.support.flags import bucket, define_flag, evaluations, variant
from tests.support.stored import fetch, platform_id
from tests.support.world import Caller, World

HISTORY = """query ($key: String!, $of: String, $first: Int, $after: String) { platform(key: $key) {
  definitionHistory(key: $of, first: $first, after: $after) {
    nodes { key changedAt actor { username } definition { default enabled variants { weight } } }
    pageInfo { hasNextPage endCursor } } } }"""
PREVIEW = """query ($key: String!, $of: String!, $variants: [VariantWeightInput!]!, $salt: String) {
  platform(key: $key) { rolloutPreview(key: $of, variants: $variants, salt: $salt) {
    members overrides moved variants { name weight members membersNow } } } }"""
ADOPTION = """query ($key: String!, $keys: [String!]) { platform(key: $key) {
  adoption(keys: $keys) { documents keys { key documents } } } }"""
SCHEMA = "query ($key: String!) { platform(key: $key) { metadataSchema } }"


def of_platform(caller: Caller, world: World, query: str, **variables: Any) -> Any:
    (field,) = caller.ask(query, key=world.platform_key, **variables)["platform"].values()
    return field


def test_every_change_of_a_definition_is_kept_with_its_actor(world: World) -> None:
    define_flag(world, "a", default=False)
    define_flag(world, "b")
    define_flag(world, "a", default=False, enabled=False)
    define_flag(world, "a", default=False, enabled=False)  # changes nothing
    world.admin.ask(REMOVE, input={"platformKey": world.platform_key, "key": "a"})
    history = of_platform(world.admin, world, HISTORY)
    states = [
        (each["key"], each["definition"] and (each["definition"]["default"], each["definition"]["enabled"]))
        for each in history["nodes"]
    ]
    assert states == [("a", None), ("a", (False, False)), ("b", (None, True)), ("a", (False, True))]
    assert {each["actor"]["username"] for each in history["nodes"]} == {world.admin.username}
    page = of_platform(world.admin, world, HISTORY, of="a", first=2)
    assert [each["key"] for each in page["nodes"]] == ["a", "a"]
    assert page["pageInfo"]["hasNextPage"]
    rest = of_platform(world.admin, world, HISTORY, of="a", after=page["pageInfo"]["endCursor"])
    assert [each["definition"]["enabled"] for each in rest["nodes"]] == [True]
    body = world.admin.graphql(HISTORY, key=world.platform_key, after="eA==")
    assert body["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


def test_an_erased_admin_leaves_the_history_of_definitions(world: World) -> None:
    admin = world.new_user(permissions=[f"{world.tenant_id}::admin"])
    input = {"platformKey": world.platform_key, "key": "a", "valueType": "string"}
    define_query = "mutation ($input: DefineMetadataInput!) { defineMetadata(input: $input) { __typename } }"
    admin.ask(define_query, input=input)
    assert of_platform(world.admin, world, HISTORY)["nodes"][0]["actor"]["username"] == admin.username
    delete = """mutation ($name: String!) { deleteUser(input: {username: $name}) { userErrors { code } } }"""
    assert world.admin.ask(delete, name=admin.username)["deleteUser"]["userErrors"] == []
    assert of_platform(world.admin, world, HISTORY)["nodes"][0]["actor"] is None
    changes = tables.definition_changes
    rows = fetch(world, select(changes.c.actor_id).where(changes.c.platform_id == platform_id(world)))
    assert [tuple(row) for row in rows] == [(None,)]


def test_a_preview_counts_members_and_those_whose_own_value_decides(world: World) -> None:
    members = [world.new_user() for _ in range(20)] + [world.member, world.colleague, world.admin]
    presentation: dict[str, Any] = {
        "variants": [variant("on", True, 30_000), variant("off", False, 20_000)],
        "default": False,
    }
    define_flag(world, "flag", userWideFallback=True, **presentation)
    patch(members[0], world, {"flag": True})
    wide = {"metadataKey": "flag", "metadataValue": "true", "valueType": "boolean"}
    set_entries(members[1], world, wide, platformKey=None)
    set_entries(members[2], world, wide | {"metadataKey": "other"})
    preview = of_platform(world.admin, world, PREVIEW, of="flag", variants=[{"name": "on", "weight": 60_000}])
    assert (preview["members"], preview["overrides"]) == (len(members), 2)
    now = _count(members, world)
    moved = _variants(members, world)
    define_flag(
        world, "flag", userWideFallback=True, default=False,
        variants=[variant("on", True, 60_000), variant("off", False, 20_000)],
    )  # fmt: skip
    then = _count(members, world)
    assert {each["name"]: each["membersNow"] for each in preview["variants"]} == now
    assert {each["name"]: each["members"] for each in preview["variants"]} == then
    assert preview["moved"] == sum(moved[id] != name for id, name in _variants(members, world).items())
    assert [each["weight"] for each in preview["variants"]] == [20_000, 60_000, 20_000]


def _variants(members: list[Caller], world: World) -> dict[str, str | None]:
    found = {each.id: evaluations(each, world)["flag"] for each in members}
    return {id: name for id, (_, reason, name) in found.items() if reason != "TARGETING_MATCH"}


def _count(members: list[Caller], world: World) -> dict[str | None, int]:
    names = list(_variants(members, world).values())
    return {name: names.count(name) for name in (None, "on", "off")}


@pytest.mark.parametrize(
    ("of", "weights", "message"),
    [
        ("flag", {"no": 1}, "no variant 'no'"),
        ("flag", {"on": 100_001}, "add up to 100001"),
        ("flag", {"on": -1}, "0 or more"),
    ],
)
def test_a_preview_of_impossible_weights_is_refused(
    world: World, of: str, weights: dict[str, int], message: str
) -> None:
    define_flag(world, "flag", variants=[variant("on", True, 1)])
    variants = [{"name": name, "weight": weight} for name, weight in weights.items()]
    body = world.admin.graphql(PREVIEW, key=world.platform_key, of=of, variants=variants)
    assert message in body["errors"][0]["message"]
    assert body["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


def test_a_user_is_in_the_bucket_that_the_documentation_says(world: World) -> None:
    members = [world.new_user() for _ in range(10)]
    define_flag(world, "flag", variants=[variant("on", True, 50_000)], salt="grün")
    id = platform_id(world)
    for each in members:
        is_in = bucket(id, "flag", "grün", each.id) < 50_000
        assert (evaluations(each, world)["flag"][2] == "on") == is_in


def test_adoption_counts_the_documents_with_a_valid_entry(world: World) -> None:
    define(world, "theme", "string")
    define(world, "unused", "string")
    patch(world.member, world, {"theme": "dark", "other": 1})
    patch(world.colleague, world, {"theme": "light"})
    entries: list[dict[str, Any]] = [
        {"metadataKey": "theme", "metadataValue": "x", "isPublic": False},
        {"metadataKey": "past", "metadataValue": "x", "validUntil": "2001-01-01T00:00:00Z"},
        {"metadataKey": "future", "metadataValue": "x", "validFrom": "2900-01-01T00:00:00Z"},
        {"metadataKey": "window", "metadataValue": "x", "validUntil": "2900-01-01T00:00:00Z"},
    ]
    set_entries(world.admin, world, *entries)
    found = of_platform(world.admin, world, ADOPTION)
    assert found == {
        "documents": 3,
        "keys": [{"key": "theme", "documents": 3}, {"key": "unused", "documents": 0}],
    }
    found = of_platform(world.admin, world, ADOPTION, keys=["other", "past", "future", "window", "window"])
    assert {each["key"]: each["documents"] for each in found["keys"]} == {
        "future": 0, "other": 1, "past": 0, "window": 1,
    }  # fmt: skip


VALUES: dict[str, tuple[dict[str, Any], list[Any], list[Any]]] = {
    "size": ({"valueType": "number", "minimum": 1, "maximum": 9}, [1, 2.5], [0, "1", True, None]),
    "plan": ({"valueType": "string", "choices": ["free", "pro"]}, ["free"], ["x", 1]),
    "nick": (
        {"valueType": "string", "minLength": 2, "maxLength": 3, "pattern": "^[a-zü]+$"},
        ["aü"],
        ["a", "A1"],
    ),
    "on": ({"valueType": "boolean"}, [True, False], [1, "true"]),
    "born": ({"valueType": "date", "minimum": "2000-01-01"}, ["2001-01-01"], [1]),
    "blob": ({"valueType": "binary", "maxLength": 9}, ["aGk="], [1]),
    "any": ({"valueType": "json"}, [None, {"a": []}, 1, "x"], []),
    "a/b~c %": (
        {
            "valueType": "json",
            "schema": {
                "type": "object",
                "properties": {
                    "child": {"$ref": "#"},
                    "enum": {"$ref": "#/$defs/leaf"},
                    "odd": {"const": {"$ref": "#/$defs/leaf"}},
                },
                "$defs": {"leaf": {"type": "integer"}},
                "additionalProperties": False,
            },
        },
        [{}, {"child": {"child": {"enum": 1}}}, {"odd": {"$ref": "#/$defs/leaf"}}],
        [{"child": {"enum": "x"}}, {"child": {"other": 1}}, 1, {"odd": 1}],
    ),
}


def test_the_schema_of_a_platform_accepts_what_the_service_accepts(world: World) -> None:
    for key, (rules, _, _) in VALUES.items():
        define(world, key, rules["valueType"], **{n: r for n, r in rules.items() if n != "valueType"})
    define_flag(world, "shown", "string", default="d", title="T", description="D")
    define_flag(world, "hidden", isPublic=False)
    define_flag(world, "internal", clientVisible=False)
    schema = of_platform(world.member, world, SCHEMA)
    assert schema["properties"].keys() == {*VALUES, "shown"}
    assert of_platform(world.admin, world, SCHEMA)["properties"].keys() == {
        *VALUES, "shown", "hidden", "internal",
    }  # fmt: skip
    assert schema["properties"]["shown"] == {
        "type": "string", "default": "d", "title": "T", "description": "D",
    }  # fmt: skip
    jsonschema_rs.meta.validate(schema)
    validator = jsonschema_rs.Draft202012Validator(schema)
    for key, (_, good, bad) in VALUES.items():
        for value in good:
            assert patch(world.member, world, {key: value})["userErrors"] == []
            assert validator.is_valid({key: value}), (key, value)
        for value in bad:
            assert patch(world.member, world, {key: value})["userErrors"] != [], (key, value)
            assert not validator.is_valid({key: value}), (key, value)
    assert validator.is_valid({"undefined": 1})
    set_mode(world, "STRICT")
    strict = jsonschema_rs.Draft202012Validator(of_platform(world.member, world, SCHEMA))
    assert not strict.is_valid({"undefined": 1})
    assert strict.is_valid({"size": 2})


WRITES = """query ($key: String!, $days: Int! = 2) { platform(key: $key) {
  writesPerDay(days: $days) { day writes } } }"""
BULK = """mutation ($input: BulkPatchPlatformMetadataInput!) { bulkPatchPlatformMetadata(input: $input) {
  written } }"""


def test_writes_are_counted_by_day(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.service.run(world.service.services.write_counts.flush)
    patch(world.member, world, {"a": 1})
    patch(world.member, world, {"a": 1})  # changes nothing
    set_entries(world.member, world, {"metadataKey": "a", "metadataValue": "1"}, platformKey=None)
    monkeypatch.setattr(world.service, "clock_offset", 86_400_000)
    patch(world.member, world, {"a": 2})
    patches = [{"username": each.username, "metadata": {"b": 1}} for each in (world.member, world.colleague)]
    bulk: dict[str, Any] = {"platformKey": world.platform_key, "patches": patches}
    for inputs in ({"dryRun": True}, {"onError": "REJECT_ALL"}):
        world.admin.ask(BULK, input=bulk | inputs)
    patches.append({"username": "nobody", "metadata": {"b": 2}})
    world.admin.ask(BULK, input=bulk | {"onError": "REJECT_ALL"})
    for _ in range(2):  # not stored yet, and stored
        found = of_platform(world.admin, world, WRITES)
        assert [each["writes"] for each in found] == [1, 3]
        days = [each["day"] for each in found]
        assert days == sorted(days)
        world.service.run(world.service.services.write_counts.flush)
        assert not world.service.services.write_counts.pending
    patch(world.member, world, {"a": 3})
    world.service.run(world.service.services.write_counts.flush)
    assert [each["writes"] for each in of_platform(world.admin, world, WRITES)] == [1, 4]
    body = world.admin.graphql(WRITES, key=world.platform_key, days=367)
    assert body["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


def test_writes_of_a_deleted_platform_are_forgotten(world: World) -> None:
    key = world.new_platform()
    input = {"platformKey": key, "metadata": {"a": 1}}
    write = (
        "mutation ($input: PatchPlatformMetadataInput!) { patchPlatformMetadata(input: $input) { replayed } }"
    )
    delete = """mutation ($key: String!) { deletePlatform(input: {platformKey: $key, force: true}) {
      deletedPlatformKey } }"""
    world.member.ask(write, input=input)
    world.service.run(world.service.services.write_counts.flush)
    world.member.ask(write, input=input | {"metadata": {"a": 2}})
    assert world.owner.ask(delete, key=key)["deletePlatform"]["deletedPlatformKey"] == key
    world.service.run(world.service.services.write_counts.flush)
    assert not world.service.services.write_counts.pending
