"""A write that is repeated with its idempotency key is executed once, and returns the current document."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from gql_service.domain.maintenance import expiry
from gql_service.store.statement import Statement
from gql_service.store.tables import idempotency_keys
from tests.support.clock import HOUR, shifted
from tests.support.entries import set_entries
from tests.support.history import changes
from tests.support.http_clients import http_client
from tests.support.retention import prune, set_retention
from tests.support.service import Service, serving
from tests.support.world import Caller, World

PAYLOAD = "platformMetadata { metadata revision updatedAt } userErrors { code message field }"
PATCH = f"""mutation ($input: PatchPlatformMetadataInput!) {{
  patchPlatformMetadata(input: $input) {{ deletedKeys replayed {PAYLOAD} }} }}"""
REPLACE = f"""mutation ($input: ReplacePlatformMetadataInput!) {{
  replacePlatformMetadata(input: $input) {{ replayed {PAYLOAD} }} }}"""
CLEAR = f"""mutation ($input: ClearPlatformMetadataInput!) {{
  clearPlatformMetadata(input: $input) {{ replayed {PAYLOAD} }} }}"""


def send(caller: Caller, world: World, document: str = PATCH, /, **input: Any) -> Any:
    """The payload of a write that carries an idempotency key."""
    data = caller.ask(document, input={"platformKey": world.platform_key, "idempotencyKey": "k"} | input)
    return next(iter(data.values()))


def problem(payload: Any) -> tuple[str, list[str]]:
    (error,) = payload["userErrors"]
    assert payload["platformMetadata"] is None
    return error["code"], error["field"]


def revisions(world: World) -> list[int]:
    return [change["revision"] for change in changes(world, world.admin, world.member)]


def stored_responses(world: World) -> list[str]:
    """The stored responses to writes of the member's documents."""
    columns = idempotency_keys.c
    stored = Statement(select(columns.response).where(columns.user_id == world.member.id))
    return [row[0] for row in world.service.write(lambda tx: tx.fetch(stored))]


def current(world: World) -> Any:
    return world.member.rest("GET", world.platform_key).json()["metadata"]


def test_a_repeated_request_is_executed_once_and_gets_the_same_response(world: World) -> None:
    send(world.member, world, metadata={"old": 1}, idempotencyKey="before")
    first = send(world.member, world, metadata={"a": 1}, deleteKeys=["old"])
    assert (first["deletedKeys"], first["platformMetadata"]["revision"]) == (["old"], 2)
    assert first["replayed"] is False
    assert send(world.member, world, metadata={"a": 1}, deleteKeys=["old"]) == first | {"replayed": True}
    assert revisions(world) == [2, 1]


def test_a_repetition_shows_the_current_document_and_the_keys_deleted_by_the_first_request(
    world: World,
) -> None:
    send(world.member, world, metadata={"old": 1}, idempotencyKey="before")
    request = {"metadata": {"a": 1}, "deleteKeys": ["old"], "expectedRevision": 1}
    send(world.member, world, **request)
    send(world.member, world, metadata={"a": 2, "old": 2}, idempotencyKey="later")
    replayed = send(world.member, world, **request)
    assert (replayed["replayed"], replayed["deletedKeys"], replayed["userErrors"]) == (True, ["old"], [])
    assert replayed["platformMetadata"]["metadata"] == {"a": 2, "old": 2}
    assert (replayed["platformMetadata"]["revision"], revisions(world)) == (3, [3, 2, 1])


def test_a_repetition_shows_nothing_that_was_hidden_since(world: World) -> None:
    """The stored responses contain no values that would have to be hidden or encrypted later."""
    send(world.member, world, metadata={"a": "canary-a", "b": "canary-b"})
    hide, encrypt = {"metadataKey": "a", "isPublic": False}, {"metadataKey": "b", "category": "c"}
    set_entries(world.admin, world, hide, encrypt, username=world.member.username)
    replayed = send(world.member, world, metadata={"a": "canary-a", "b": "canary-b"})
    assert replayed["platformMetadata"]["metadata"] == {"b": "canary-b"}
    assert "canary" not in str(stored_responses(world))


def test_a_stored_response_is_small_however_large_the_document(world: World) -> None:
    world.member.rest("PATCH", world.platform_key, {"metadata": {f"k{n}": "x" * 10_000 for n in range(40)}})
    for number in range(10):
        send(world.member, world, metadata={"k0": "x" * 10_000}, idempotencyKey=str(number))
    assert revisions(world) == [1]
    assert [len(response) < 300 for response in stored_responses(world)] == [True] * 10


def test_every_kind_of_write_can_be_repeated(world: World) -> None:
    replaced = send(world.member, world, REPLACE, metadata={"a": 1}, idempotencyKey="replace")
    entry = {"metadataKey": "b", "metadataValue": "v", "isPublic": True, "isEditable": True}
    entered = set_entries(world.member, world, entry, idempotencyKey="set")
    world.member.rest("PATCH", world.platform_key, {"metadata": {"a": "moved on"}})
    assert (replaced["replayed"], entered["userErrors"]) == (False, [])
    again = send(world.member, world, REPLACE, metadata={"a": 1}, idempotencyKey="replace")
    assert (again["replayed"], again["platformMetadata"]["revision"]) == (True, 3)
    again = set_entries(world.member, world, entry, idempotencyKey="set")
    assert (again["entries"], again["platformMetadata"]["revision"]) == (entered["entries"], 3)
    assert current(world) == {"a": "moved on", "b": "v"}
    cleared = send(world.member, world, CLEAR, idempotencyKey="clear")
    assert (cleared["replayed"], cleared["platformMetadata"]["revision"]) == (False, 4)
    world.member.rest("PATCH", world.platform_key, {"metadata": {"a": "after"}})
    again = send(world.member, world, CLEAR, idempotencyKey="clear")
    assert (again["replayed"], again["platformMetadata"]["revision"]) == (True, 5)
    assert current(world) == {"a": "after"}


def test_a_repetition_does_not_restore_cleared_entries(world: World) -> None:
    send(world.member, world, metadata={"old": 1}, idempotencyKey="before")
    send(world.member, world, metadata={"canary": 1}, deleteKeys=["old"])
    send(world.member, world, CLEAR, idempotencyKey="clear")
    replayed = send(world.member, world, metadata={"canary": 1}, deleteKeys=["old"])
    assert (replayed["replayed"], replayed["deletedKeys"]) == (True, [])
    assert (replayed["platformMetadata"]["metadata"], replayed["platformMetadata"]["revision"]) == ({}, 3)
    other = send(world.member, world, metadata={"canary": 2})
    assert problem(other) == ("IDEMPOTENCY_KEY_REUSED", ["idempotencyKey"])
    assert "old" not in str(stored_responses(world))


BULK = """mutation ($input: BulkPatchPlatformMetadataInput!) { bulkPatchPlatformMetadata(input: $input) {
  written failed results { replayed deletedKeys platformMetadata { metadata revision } } } }"""


def written_by(interface: str, world: World) -> tuple[bool, Any]:
    """Send the same write with the same key; whether it was replayed, and the content now."""
    if interface == "rest":
        body, headers = {"metadata": {"canary": 1}}, {"Idempotency-Key": "k"}
        response = world.member.rest("PATCH", world.platform_key, body, headers=headers)
        return response.headers.get("idempotency-replayed") == "true", response.json()["metadata"]
    if interface == "bulk":
        patch = {"username": world.member.username, "metadata": {"canary": 1}}
        input = {"platformKey": world.platform_key, "patches": [patch], "idempotencyKey": "k"}
        (result,) = world.admin.ask(BULK, input=input)["bulkPatchPlatformMetadata"]["results"]
        return result["replayed"], result["platformMetadata"]["metadata"]
    if interface == "set":
        entry = {"metadataKey": "canary", "metadataValue": "1", "valueType": "number", "isPublic": True}
        payload = set_entries(world.member, world, entry | {"isEditable": True}, idempotencyKey="k")
        return payload["replayed"], payload["platformMetadata"]["metadata"]
    payload = send(world.member, world, PATCH if interface == "patch" else REPLACE, metadata={"canary": 1})
    return payload["replayed"], payload["platformMetadata"]["metadata"]


@pytest.mark.parametrize("clear", ["rest", "graphql"])
@pytest.mark.parametrize("interface", ["patch", "replace", "set", "bulk", "rest"])
def test_no_interface_brings_back_what_was_cleared(world: World, interface: str, clear: str) -> None:
    assert written_by(interface, world) == (False, {"canary": 1})
    if clear == "rest":
        assert world.member.rest("DELETE", world.platform_key).status_code == 204
    else:
        assert send(world.member, world, CLEAR, idempotencyKey=f"clear {interface}")["userErrors"] == []
    assert written_by(interface, world) == (True, {})
    assert current(world) == {}
    assert "canary" not in str(stored_responses(world))
    world.member.rest("PATCH", world.platform_key, {"metadata": {"new": 1}})
    assert written_by(interface, world) == (True, {"new": 1})


@pytest.mark.parametrize(
    ("document", "other"),
    [
        (PATCH, {"metadata": {"a": 2}}),
        (PATCH, {"metadata": {"a": True}}),
        (PATCH, {"metadata": {"a": 1}, "deleteKeys": []}),
        (PATCH, {"metadata": {"a": 1}, "expectedRevision": 1}),
        (REPLACE, {"metadata": {"a": 1}}),
        (CLEAR, {}),
    ],
)
def test_the_key_of_a_different_request_is_refused(world: World, document: str, other: Any) -> None:
    first = send(world.member, world, metadata={"a": 1})
    refused = send(world.member, world, document, **other)
    assert problem(refused) == ("IDEMPOTENCY_KEY_REUSED", ["idempotencyKey"])
    assert "Make up a new key" in refused["userErrors"][0]["message"]
    assert send(world.member, world, metadata={"a": 1}) == first | {"replayed": True}
    assert revisions(world) == [1]


def test_senders_and_documents_have_separate_keys(world: World) -> None:
    name, other = world.member.username, world.new_platform()
    send(world.member, world, metadata={"a": 1})
    send(world.admin, world, metadata={"a": 2}, username=name)
    assert (current(world), revisions(world)) == ({"a": 2}, [2, 1])
    send(world.admin, world, metadata={"a": 3}, username=world.colleague.username)
    send(world.member, world, metadata={"a": 4}, platformKey=other)
    assert world.colleague.rest("GET", world.platform_key).json()["metadata"] == {"a": 3}
    assert world.member.rest("GET", other).json()["metadata"] == {"a": 4}


@pytest.mark.parametrize("swept", [False, True])
def test_a_key_can_be_reused_after_a_day(world: World, swept: bool) -> None:
    send(world.member, world, metadata={"a": 1})
    world.member.rest("PATCH", world.platform_key, {"metadata": {"a": 2}})
    services = world.service.services
    with shifted(world.service, 24 * HOUR - 60_000):
        assert send(world.member, world, metadata={"a": 1})["replayed"]
    with shifted(world.service, 24 * HOUR):
        if swept:
            world.service.run(lambda: expiry.sweep(services.database, services.clock))
        assert not send(world.member, world, metadata={"a": 3})["replayed"]
        assert send(world.member, world, metadata={"a": 3})["replayed"]
        assert revisions(world) == [3, 2, 1]


async def sweep(service: Service) -> None:
    services = service.services
    await expiry.sweep(services.database, services.clock, services.write_settings.retention)


def test_a_platform_may_forget_keys_earlier(world: World) -> None:
    set_retention(world, idempotencyMaxAge=2)
    send(world.member, world, metadata={"a": 1})
    other = {"platformKey": world.new_platform()}
    send(world.member, world, metadata={"a": 1}, **other)
    world.member.rest("PATCH", world.platform_key, {"metadata": {"a": 2}})
    with shifted(world.service, 2 * HOUR - 60_000):
        assert send(world.member, world, metadata={"a": 1})["replayed"]
        prune(world)
        assert len(stored_responses(world)) == 2
    with shifted(world.service, 2 * HOUR):
        prune(world)
        assert len(stored_responses(world)) == 1
        assert send(world.member, world, metadata={"a": 1}, **other)["replayed"]
        assert not send(world.member, world, metadata={"a": 1})["replayed"]
        assert revisions(world) == [3, 2, 1]


def test_keys_are_known_as_long_as_the_settings_say(fresh_database_url: str) -> None:
    with serving(fresh_database_url, idempotency_max_age=48) as service:
        world = World(service)
        send(world.member, world, metadata={"a": 1})
        for hours, replayed in ((47, True), (48, False)):
            with shifted(service, hours * HOUR):
                service.run(lambda: sweep(service))
                assert send(world.member, world, metadata={"a": 1})["replayed"] is replayed


def test_the_key_is_a_header_in_rest(world: World) -> None:
    def rest(method: str, body: Any = None, key: str = "k", **headers: str) -> httpx.Response:
        all_headers = {"Idempotency-Key": key} | headers
        return world.member.rest(method, world.platform_key, body, headers=all_headers)

    assert "idempotency-replayed" not in rest("PATCH", {"metadata": {"a": 1}}).headers
    replaced = rest("PUT", {"metadata": {"a": 2}}, "put", **{"If-Match": '"1"'})
    again = rest("PATCH", {"metadata": {"a": 1}})
    assert (again.status_code, again.headers["idempotency-replayed"]) == (200, "true")
    assert (again.json(), again.headers["etag"]) == (replaced.json(), '"2"')
    assert rest("PUT", {"metadata": {"a": 2}}, "put", **{"If-Match": '"1"'}).json() == replaced.json()
    assert current(world) == {"a": 2}
    reused = rest("PUT", {"metadata": {"a": 1}})
    assert (reused.status_code, list(reused.json())) == (409, ["idempotency_key"])
    assert rest("DELETE", key="x" * 256).status_code == 400
    assert rest("DELETE", key="clear").status_code == 204
    rest("PATCH", {"metadata": {"a": 3}}, "later")
    again = rest("DELETE", key="clear")
    assert (again.status_code, again.headers["idempotency-replayed"]) == (204, "true")
    assert again.headers["etag"] == '"4"'
    assert current(world) == {"a": 3}


def test_a_refused_write_does_not_use_up_its_key(world: World) -> None:
    send(world.member, world, metadata={"a": 1}, idempotencyKey="first")
    stale = {"metadata": {"a": 2}, "expectedRevision": 0}
    assert problem(send(world.member, world, **stale))[0] == "REVISION_CONFLICT"
    assert problem(send(world.member, world, metadata={"": 1}))[0] == "INVALID_KEY"
    done = send(world.member, world, metadata={"a": 2}, expectedRevision=1)
    assert done["platformMetadata"] | {"updatedAt": ""} == {
        "metadata": {"a": 2}, "revision": 2, "updatedAt": "",
    }  # fmt: skip


def test_a_write_without_effect_is_not_executed_when_it_is_repeated(world: World) -> None:
    send(world.member, world, metadata={}, deleteKeys=["a"])
    send(world.member, world, metadata={"a": 1}, idempotencyKey="other")
    send(world.member, world, metadata={}, deleteKeys=["a"])
    assert current(world) == {"a": 1}


@pytest.mark.parametrize("key", ["", "x" * 256, "a\0b"])
def test_a_bad_key_is_refused(world: World, key: str) -> None:
    body = world.member.graphql(
        PATCH, input={"platformKey": world.platform_key, "idempotencyKey": key, "metadata": {"a": 1}}
    )
    if "errors" in body:
        assert body["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    else:
        assert problem(body["data"]["patchPlatformMetadata"]) == ("INVALID_KEY", ["idempotencyKey"])
    assert current(world) == {}


@pytest.mark.parametrize("exists", [False, True])
def test_of_concurrent_equal_requests_exactly_one_is_executed(world: World, exists: bool) -> None:
    if exists:
        world.member.rest("PATCH", world.platform_key, {"metadata": {"n": 0}})
    with serving(world.service.settings.database_url) as second, ThreadPoolExecutor(20) as clients:
        urls = [world.service.url, second.url] * 10
        payloads = list(clients.map(lambda url: _race(world, url, {"n": 1}), urls))
    assert sorted(payload.pop("replayed") for payload in payloads) == [False] + [True] * 19
    assert all(payload == payloads[0] for payload in payloads)
    assert revisions(world) == ([2, 1] if exists else [1])


def test_of_concurrent_different_requests_one_is_executed_and_the_others_are_refused(world: World) -> None:
    with serving(world.service.settings.database_url) as second, ThreadPoolExecutor(20) as clients:
        urls = [world.service.url, second.url] * 10
        payloads = list(clients.map(lambda each: _race(world, each[1], {"n": each[0]}), enumerate(urls)))
    refused = [payload["userErrors"][0]["code"] for payload in payloads if payload["userErrors"]]
    assert refused == ["IDEMPOTENCY_KEY_REUSED"] * 19
    assert revisions(world) == [1]


def _race(world: World, url: str, metadata: dict[str, Any]) -> Any:
    """Send a patch on a new connection."""
    variables = {"input": {"platformKey": world.platform_key, "idempotencyKey": "k", "metadata": metadata}}
    with http_client(url) as client:
        response = client.post(
            "/graphql",
            json={"query": PATCH, "variables": variables},
            headers={"Authorization": f"Bearer {world.member.token}"},
        )
    return response.json()["data"]["patchPlatformMetadata"]
