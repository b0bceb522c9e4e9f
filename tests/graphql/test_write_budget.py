"""What the writes of one request may cost together: the first are done, the rest are refused."""

from pathlib import Path
from typing import Any

import pytest

from tests.graphql.test_read_size import write_keys
from tests.support.service import serving
from tests.support.world import Caller, World

DEFINE = "mutation ($i: DefineMetadataInput!) { defineMetadata(input: $i) { userErrors { message } } }"
MESSAGE = (
    "The writes of the request process more than 16777216 bytes of stored data (GQL_SERVICE_MAX_READ_SIZE). "
    "Send the rest in another request."
)
PAYLOAD = "{ platformMetadata { revision } userErrors { code message field } }"
REFUSED = {
    "platformMetadata": None,
    "userErrors": [{"code": "TOO_MUCH_AT_ONCE", "message": MESSAGE, "field": []}],
}


def write_many(caller: Caller, field: str, *inputs: dict[str, Any]) -> list[Any]:
    """The payloads of a mutation that selects a field once for each input."""
    type_name = field[0].upper() + field[1:] + "Input"
    names = [f"i{index}" for index in range(len(inputs))]
    declarations = " ".join(f"${name}: {type_name}!" for name in names)
    fields = " ".join(f"{name}: {field}(input: ${name}) {PAYLOAD}" for name in names)
    answer = caller.ask(f"mutation ({declarations}) {{ {fields} }}", **dict(zip(names, inputs, strict=True)))
    return [answer[name] for name in names]


def done(revision: int) -> dict[str, Any]:
    return {"platformMetadata": {"revision": revision}, "userErrors": []}


def test_writes_of_a_large_document_are_done_until_the_budget_is_used_up(world: World) -> None:
    write_keys(world, 1)
    patches = [{"platformKey": world.platform_key, "metadata": {"n": number}} for number in range(10)]
    payloads = write_many(world.member, "patchPlatformMetadata", *patches)
    written = payloads.index(REFUSED)
    assert 1 <= written < 10
    assert payloads == [done(2 + number) for number in range(written)] + [REFUSED] * (10 - written)
    assert world.member.rest("GET", world.platform_key).json()["metadata"]["n"] == written - 1


def test_many_changed_keys_use_the_budget_up(world: World) -> None:
    keys = {f"k{index}": 1 for index in range(900)}
    inputs = [{"platformKey": world.platform_key, "metadata": keys | {"n": number}} for number in range(4)]
    payloads = write_many(world.member, "replacePlatformMetadata", *inputs)
    assert payloads[0] == done(1)
    assert payloads[-1] == REFUSED


def test_the_next_request_has_a_budget_of_its_own(world: World) -> None:
    write_keys(world, 1)
    large = {"platformKey": world.platform_key, "metadata": {"n": 1}}
    payloads = write_many(
        world.member, "patchPlatformMetadata", *[large | {"metadata": {"n": number}} for number in range(9)]
    )
    assert REFUSED in payloads
    assert write_many(world.member, "patchPlatformMetadata", large)[0]["userErrors"] == []


def test_restores_count_the_history_that_they_undo(world: World) -> None:
    write_keys(world, 12)
    base = {"platformKey": world.platform_key, "username": world.member.username}
    payloads = write_many(world.admin, "restorePlatformMetadata", base | {"revision": 1})
    assert payloads == [REFUSED]
    payloads = write_many(
        world.admin, "restorePlatformMetadata", *[base | {"revision": 11 - number} for number in range(6)]
    )
    assert payloads[0] == done(13)
    assert payloads[-1] == REFUSED


def define_indexed(world: World, keys: int) -> None:
    for number in range(keys):
        definition = {"platformKey": world.platform_key, "key": f"a{number}", "valueType": "json"}
        payload = world.admin.ask(DEFINE, i=definition | {"isIndexed": True})["defineMetadata"]
        assert payload["userErrors"] == []


def test_indexed_members_of_arrays_use_the_budget_up(world: World) -> None:
    define_indexed(world, 51)
    inputs = [
        {
            "platformKey": world.platform_key,
            "metadata": {f"a{key}": list(range(number, number + 100)) for key in range(30)},
        }
        for number in range(5)
    ]
    payloads = write_many(world.member, "patchPlatformMetadata", *inputs)
    assert payloads[:2] == [done(1), done(2)]
    assert payloads[-1] == REFUSED
    too_many = {"metadata": {f"a{key}": list(range(100)) for key in range(51)}}
    payloads = write_many(
        world.member, "replacePlatformMetadata", {"platformKey": world.platform_key} | too_many
    )
    assert payloads[0]["userErrors"][0]["code"] == "TOO_MUCH_AT_ONCE"
    assert world.member.rest("PUT", world.platform_key, too_many).status_code == 400
    for each in range(2):
        too_many["metadata"][f"a{each}"] = []
    assert world.member.rest("PUT", world.platform_key, too_many).status_code == 200


@pytest.mark.parametrize("on_error", ["REJECT_ALL", "REJECT_FAILED"])
def test_a_bulk_patch_is_one_request(world: World, on_error: str) -> None:
    users = [world.new_user() for _ in range(9)]
    for user in users:
        text = {f"k{index}": "x" * 1000 for index in range(900)}
        assert user.rest("PUT", world.platform_key, {"metadata": text}).status_code == 200
    answer = world.admin.ask(
        """mutation ($i: BulkPatchPlatformMetadataInput!) { bulkPatchPlatformMetadata(input: $i) {
          written failed results { userErrors { code field } } } }""",
        i={
            "platformKey": world.platform_key,
            "onError": on_error,
            "patches": [{"username": user.username, "metadata": {"n": 1}} for user in users],
        },
    )["bulkPatchPlatformMetadata"]
    assert answer["failed"] > 0
    assert answer["results"][-1]["userErrors"] == [{"code": "TOO_MUCH_AT_ONCE", "field": ["patches", "8"]}]
    assert answer["written"] == (0 if on_error == "REJECT_ALL" else 9 - answer["failed"])
    is_written = ["n" in user.rest("GET", world.platform_key).json()["metadata"] for user in users]
    assert is_written == [True] * answer["written"] + [False] * (9 - answer["written"])


def test_a_single_write_is_never_refused_for_its_document(tmp_path: Path) -> None:
    with serving(f"sqlite+aiosqlite:///{tmp_path / 'one.sqlite3'}", max_read_size=1) as service:
        world = World(service)
        for number in range(2):
            response = world.member.rest("PATCH", world.platform_key, {"metadata": {"n": number}})
            assert response.status_code == 200
        inputs = [{"platformKey": world.platform_key, "metadata": {"n": number}} for number in (2, 3)]
        first, second = write_many(world.member, "patchPlatformMetadata", *inputs)
        assert first == done(3)
        assert [error["code"] for error in second["userErrors"]] == ["TOO_MUCH_AT_ONCE"]
