"""Patching many users at once: all patches or only the valid ones, with or without a dry run."""

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.support.http_clients import http_client
from tests.support.patches import ERRORS, PATCH, entries, read, set_entries
from tests.support.world import Caller, World

BULK = f"""mutation ($input: BulkPatchPlatformMetadataInput!) {{ bulkPatchPlatformMetadata(input: $input) {{
  written failed {ERRORS}
  results {{ username deletedKeys {ERRORS} platformMetadata {{ username metadata revision updatedAt
    one: metadata(keys: ["a"]) entries(first: 9) {{ nodes {{ metadataKey value }} }} }} }} }} }}"""


def bulk(caller: Caller, world: World, *patches: dict[str, Any], **input: Any) -> Any:
    arguments = {"platformKey": world.platform_key, "patches": list(patches)} | input
    return caller.ask(BULK, input=arguments)["bulkPatchPlatformMetadata"]


def people(world: World, count: int = 3) -> list[Caller]:
    return [world.new_user() for _ in range(count)]


def patch_for(user: Caller, **fields: Any) -> dict[str, Any]:
    return {"username": user.username} | fields


def states(users: list[Caller], world: World) -> list[Any]:
    return [read(user, world) for user in users]


def codes_and_fields(errors: list[dict[str, Any]]) -> list[tuple[str, list[str]]]:
    assert all(error["message"] for error in errors)
    return [(error["code"], error["field"]) for error in errors]


def test_each_user_gets_a_patch_of_their_own(world: World) -> None:
    first, second, third = users = people(world)
    bulk(world.admin, world, patch_for(second, metadata={"a": {"x": 1}, "b": 2}))
    payload = bulk(
        world.admin,
        world,
        patch_for(first, metadata={"a": 1}),
        patch_for(second, metadata={"a": {"y": 2}}, mode="MERGE_PATCH", deleteKeys=["b"], expectedRevision=1),
        patch_for(third, operations=[{"increment": {"path": "/a", "by": 5}}], expectedDigests=[{"key": "a"}]),
        patch_for(world.admin, deleteKeys=["nothing"]),
    )
    assert (payload["written"], payload["failed"], payload["userErrors"]) == (4, 0, [])
    assert [result["username"] for result in payload["results"]] == [
        *(user.username for user in users),
        world.admin.username,
    ]
    found = [result["platformMetadata"] for result in payload["results"]]
    assert [(each["metadata"], each["revision"]) for each in found] == [
        ({"a": 1}, 1),
        ({"a": {"x": 1, "y": 2}}, 2),
        ({"a": 5}, 1),
        ({}, 0),
    ]
    assert [result["deletedKeys"] for result in payload["results"]] == [[], ["b"], [], []]
    assert [each["metadata"] for each in found] == [each["metadata"] for each in states(users, world)] + [{}]


REFUSED: dict[str, tuple[dict[str, Any], str, list[str]]] = {
    "metadata": ({"metadata": {"ok": 1, "a ": 1}}, "INVALID_KEY", ["metadata", "a "]),
    "snake case": ({"metadata": {"x_y" * 99: 1}}, "INVALID_KEY", ["metadata", "x_y" * 99]),
    "nothing": ({}, "METADATA_REQUIRED", []),
    "operations": (
        {"operations": [{"increment": {"path": "/kept", "by": 1}}]},
        "INVALID_OPERATION",
        ["operations", "0", "path"],
    ),
    "revision": ({"metadata": {}, "expectedRevision": 9}, "REVISION_CONFLICT", ["expectedRevision"]),
    "digest": (
        {"metadata": {}, "expectedDigests": [{"key": "kept", "digest": "0" * 64}]},
        "DIGEST_CONFLICT",
        ["expectedDigests"],
    ),
    "no digest": (
        {"metadata": {}, "expectedDigests": [{"key": "kept", "digest": "x"}]},
        "INVALID_VALUE",
        ["expectedDigests", "0", "digest"],
    ),
}


@pytest.mark.parametrize(("broken", "code", "field"), REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("dry", [False, True])
def test_on_error_decides_whether_one_refusal_refuses_all_patches(
    world: World, broken: dict[str, Any], code: str, field: list[str], dry: bool
) -> None:
    first, second, third = users = people(world)
    bulk(world.admin, world, patch_for(second, metadata={"kept": "text"}))
    before = states(users, world)
    patches = [
        patch_for(first, metadata={"a": 1}),
        patch_for(second, **broken),
        patch_for(third, deleteKeys=["x"]),
    ]
    payload = bulk(world.admin, world, *patches, dryRun=dry)
    assert (payload["written"], payload["failed"], payload["userErrors"]) == (0, 1, [])
    assert [result["platformMetadata"] for result in payload["results"]] == [None] * 3
    refusals = [codes_and_fields(result["userErrors"]) for result in payload["results"]]
    assert refusals == [[], [(code, ["patches", "1", *field])], []]
    assert states(users, world) == before

    payload = bulk(world.admin, world, *patches, onError="REJECT_FAILED", dryRun=dry)
    assert (payload["written"], payload["failed"], payload["userErrors"]) == (2, 1, [])
    refusals = [codes_and_fields(result["userErrors"]) for result in payload["results"]]
    assert refusals == [[], [(code, ["patches", "1", *field])], []]
    assert payload["results"][0]["platformMetadata"]["metadata"] == {"a": 1}
    after = states(users, world)
    assert after[1:] == before[1:]
    assert (after[0] == before[0]) is dry


def test_a_conflict_contains_the_current_revision_and_entries(world: World) -> None:
    (user,) = people(world, 1)
    bulk(world.admin, world, patch_for(user, metadata={"a": 1, "b": 2}))
    payload = bulk(world.admin, world, patch_for(user, metadata={"a": 3}, expectedRevision=0))
    (error,) = payload["results"][0]["userErrors"]
    assert error["currentRevision"] == 1
    (entry,) = error["entries"]
    assert (entry["metadataKey"], entry["value"]) == ("a", 1)


def test_users_who_are_not_on_the_platform_are_refused(world: World) -> None:
    (user,) = people(world, 1)
    patches = [
        patch_for(user, metadata={"a": 1}),
        {"username": "no_such_user", "metadata": {"a": 1}},
        patch_for(world.stranger, metadata={"a": 1}),
    ]
    payload = bulk(world.admin, world, *patches, onError="REJECT_FAILED")
    assert [codes_and_fields(result["userErrors"]) for result in payload["results"]] == [
        [],
        [("UNKNOWN_USER", ["patches", "1", "username"])],
        [("UNKNOWN_USER", ["patches", "2", "username"])],
    ]
    assert (payload["written"], payload["failed"]) == (1, 2)
    assert bulk(world.admin, world, *patches)["written"] == 0


def test_a_dry_run_has_the_result_of_the_write_and_writes_nothing(world: World) -> None:
    users = people(world)
    hidden = {"metadataKey": "h", "metadataValue": "v"}
    set_entries(world.admin, world, hidden, username=users[0].username)
    before = states(users, world)
    patches = [patch_for(user, metadata={"a": index, "h": "w"}) for index, user in enumerate(users)]
    with world.service.statements() as seen:
        dry = bulk(world.admin, world, *patches, dryRun=True, idempotencyKey="once")
    assert not [statement for statement in seen if statement.split()[0] in ("INSERT", "UPDATE", "DELETE")]
    assert states(users, world) == before
    assert "h" not in entries(users[0], world)
    wet = bulk(world.admin, world, *patches, idempotencyKey="once")
    for payload in (dry, wet):
        for result in payload["results"]:
            del result["platformMetadata"]["updatedAt"]
    assert dry == wet
    assert [result["platformMetadata"]["entries"]["nodes"] for result in wet["results"]] == [
        [{"metadataKey": "a", "value": index}, {"metadataKey": "h", "value": "w"}] for index in range(3)
    ]
    assert [result["platformMetadata"]["one"] for result in wet["results"]] == [{"a": n} for n in range(3)]


def test_a_repeated_bulk_patch_retries_only_the_refused_patches(world: World) -> None:
    first, second = people(world, 2)
    count = [{"increment": {"path": "/n", "by": 1}}]
    bulk(world.admin, world, patch_for(second, metadata={"n": "text"}))
    patches = [patch_for(first, operations=count), patch_for(second, operations=count)]
    again = {"onError": "REJECT_FAILED", "idempotencyKey": "k"}
    assert bulk(world.admin, world, *patches, **again)["written"] == 1
    assert bulk(world.admin, world, *patches, **again)["written"] == 1
    bulk(world.admin, world, patch_for(second, metadata={"n": 1}))
    assert bulk(world.admin, world, *patches, **again)["written"] == 2
    assert [each["metadata"] for each in states([first, second], world)] == [{"n": 1}, {"n": 2}]
    payload = bulk(world.admin, world, patch_for(first, metadata={"other": 1}), idempotencyKey="k")
    assert codes_and_fields(payload["results"][0]["userErrors"]) == [
        ("IDEMPOTENCY_KEY_REUSED", ["idempotencyKey"])
    ]


def test_an_invalid_list_of_patches_is_refused_entirely(world: World) -> None:
    first, second = users = people(world, 2)
    before = states(users, world)
    one = patch_for(first, metadata={"a": 1})
    lists: list[tuple[list[dict[str, Any]], dict[str, Any], tuple[str, list[str]]]] = [
        (
            [one, patch_for(second, metadata={"a": 1}), one],
            {},
            ("INVALID_VALUE", ["patches", "2", "username"]),
        ),
        ([], {}, ("INVALID_VALUE", ["patches"])),
        ([one], {"idempotencyKey": ""}, ("INVALID_KEY", ["idempotencyKey"])),
    ]
    text = """mutation ($input: BulkPatchPlatformMetadataInput!) { bulkPatchPlatformMetadata(input: $input) {
      written failed results { username } userErrors { code field message } } }"""
    for patches, more, expected in lists:
        input = {"platformKey": world.platform_key, "patches": patches, "onError": "REJECT_FAILED"} | more
        payload = world.admin.ask(text, input=input)["bulkPatchPlatformMetadata"]
        assert codes_and_fields(payload.pop("userErrors")) == [expected]
        assert payload == {"written": 0, "failed": 0, "results": []}
    too_many = {"platformKey": world.platform_key, "patches": [{"username": f"u{n}"} for n in range(101)]}
    (error,) = world.admin.graphql(text, input=too_many)["errors"]
    assert error["extensions"]["code"] == "LIMIT_EXCEEDED"
    assert error["message"] == "`patches` has 101 items; 100 are allowed."
    assert states(users, world) == before


def test_only_admins_patch_in_bulk_even_their_own_document(world: World) -> None:
    patches = [patch_for(world.member, metadata={"a": 1})]
    input = {"platformKey": world.platform_key, "patches": patches}
    for caller, code in (
        (world.member, "FORBIDDEN"),
        (world.colleague, "FORBIDDEN"),
        (world.foreign_admin, "NOT_FOUND"),
    ):
        body = caller.graphql(BULK, input=input | {"patches": [*patches, {"username": "nobody"}]})
        assert [error["extensions"]["code"] for error in body["errors"]] == [code]
    assert bulk(world.owner, world, *patches)["written"] == 1


def test_bulk_and_single_patches_of_the_same_users_lose_nothing(world: World) -> None:
    users = people(world, 5)
    count = [{"increment": {"path": "/n", "by": 1}}]

    def run(number: int) -> None:
        one = users[number % 5]
        input = {"platformKey": world.platform_key, "operations": count, "username": one.username}
        order = users if number % 2 else users[::-1]
        with http_client(world.service.url) as client:
            headers = {"Authorization": f"Bearer {world.admin.token}"}
            patches = [patch_for(user, operations=count) for user in order]
            for query, variables in (
                (BULK, {"platformKey": world.platform_key, "patches": patches}),
                (PATCH, input),
            ):
                body = {"query": query, "variables": {"input": variables}}
                (payload,) = client.post("/graphql", json=body, headers=headers).json()["data"].values()
                assert payload["userErrors"] == []

    with ThreadPoolExecutor(10) as clients:
        list(clients.map(run, range(20)))
    assert [each["metadata"] for each in states(users, world)] == [{"n": 24}] * 5


@pytest.mark.parametrize("size", [2, 9])
def test_a_bulk_patch_takes_a_constant_number_of_statements(world: World, size: int) -> None:
    users = people(world, size)
    with world.service.statements() as seen:
        payload = bulk(world.admin, world, *(patch_for(user, metadata={"a": 1}) for user in users))
    assert payload["written"] == size
    reads = [
        re.search(r"FROM (?!unnest)(\w+)", statement) for statement in seen if statement.startswith("SELECT")
    ]
    assert [read[1] for read in reads if read] == [
        "access_tokens", "platforms", "users", "users", "platforms", "documents",
        ]  # fmt: skip # token, platform, users, those who still exist, definitions, lock
    rows = {statement for statement in seen if not statement.startswith("SELECT")}  # one a row on SQLite
    assert len(rows) == 3  # documents, history, events


def test_a_bulk_patch_costs_its_selection_once_per_user(world: World) -> None:
    users = [patch_for(user, metadata={"a": 1}) for user in people(world, 2)]
    text = BULK.replace("entries(first: 9)", "entries(first: 100)")
    input = {"platformKey": world.platform_key, "patches": users * 9}
    (error,) = world.admin.graphql(text, input=input)["errors"]
    assert error["extensions"]["code"] == "LIMIT_EXCEEDED"
    assert world.admin.ask(text, input=input | {"patches": users})
    apart = """mutation ($patches: [UserPatchInput!]!) { bulkPatchPlatformMetadata(input: {platformKey: "x",
      patches: $patches}) { results { platformMetadata { entries(first: 100) { nodes { value } } } } } }"""
    for size, code in ((4, "NOT_FOUND"), (5, "LIMIT_EXCEEDED")):
        body = world.admin.graphql(apart, patches=[{"username": "x"}] * size)
        assert [error["extensions"]["code"] for error in body["errors"]] == [code]
    literal = """mutation {{ bulkPatchPlatformMetadata(input: {{platformKey: "x", patches: [{}]}}) {{
      results {{ platformMetadata {{ entries(first: 100) {{ nodes {{ value }} }} }} }} }} }}"""
    for size, code in ((4, "NOT_FOUND"), (5, "LIMIT_EXCEEDED")):
        body = world.admin.graphql(literal.format('{username: "x"} ' * size))
        assert [error["extensions"]["code"] for error in body["errors"]] == [code]
