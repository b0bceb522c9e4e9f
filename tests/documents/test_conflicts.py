"""Two clients at once: a conflict contains all that the loser needs to succeed with one more request."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from tests.support.http_clients import http_client
from tests.support.patches import PATCH, patched, read
from tests.support.world import Caller, World


class Client:
    """A frontend with its own connection, which counts its requests."""

    def __init__(self, caller: Caller, world: World) -> None:
        self._http = http_client(world.service.url)
        self._caller = caller
        self._key = world.platform_key
        self.document = read(caller, world)
        self.requests = 0

    def close(self) -> None:
        self._http.close()

    @property
    def digests(self) -> dict[str, str]:
        return {node["metadataKey"]: node["digest"] for node in self.document["entries"]["nodes"]}

    def patch(self, **input: Any) -> Any:
        self.requests += 1
        body = {"query": PATCH, "variables": {"input": {"platformKey": self._key} | input}}
        headers = {"Authorization": f"Bearer {self._caller.token}"}
        return self._http.post("/graphql", json=body, headers=headers).json()["data"]["patchPlatformMetadata"]


def race(world: World, first: Callable[[Client], Any], second: Callable[[Client], Any]) -> list[Any]:
    """Both clients read, and then write at the same moment; returns the results of both writes."""
    clients = [Client(world.member, world), Client(world.member, world)]
    start = Barrier(2)

    def run(write: Callable[[Client], Any], client: Client) -> Any:
        start.wait()
        return write(client)

    try:
        with ThreadPoolExecutor(2) as pool:
            return list(pool.map(run, [first, second], clients))
    finally:
        for client in clients:
            client.close()


def adding(tag: str) -> Callable[[Client], int]:
    """Add a tag to a list, by revision; after a conflict, to the current list. Returns the request count."""

    def write(client: Client) -> int:
        tags = [*client.document["metadata"]["tags"], tag]
        payload = client.patch(metadata={"tags": tags}, expectedRevision=client.document["revision"])
        if payload["userErrors"]:
            (conflict,) = payload["userErrors"]
            assert (conflict["code"], conflict["field"]) == ("REVISION_CONFLICT", ["expectedRevision"])
            (current,) = conflict["entries"]
            assert current["metadataKey"] == "tags"
            merged = [*current["value"], tag]
            payload = client.patch(metadata={"tags": merged}, expectedRevision=conflict["currentRevision"])
        assert payload["userErrors"] == []
        return client.requests

    return write


def test_the_loser_of_a_revision_merges_and_succeeds_with_one_more_request(world: World) -> None:
    patched(world.member, world, metadata={"tags": ["start"], "other": 1})
    for round_ in range(10):
        assert sorted(race(world, adding(f"a{round_}"), adding(f"b{round_}"))) == [1, 2]
    final = read(world.member, world)
    expected = {"start"} | {f"{name}{number}" for name in "ab" for number in range(10)}
    assert (len(final["metadata"]["tags"]), set(final["metadata"]["tags"])) == (21, expected)
    assert final["revision"] == 21


def appending(tag: str) -> Callable[[Client], int]:
    """Like `adding`, but by the digest of the key."""

    def write(client: Client) -> int:
        tags, expected = [*client.document["metadata"]["tags"], tag], client.digests["tags"]
        payload = client.patch(metadata={"tags": tags}, expectedDigests=[{"key": "tags", "digest": expected}])
        if payload["userErrors"]:
            (conflict,) = payload["userErrors"]
            (current,) = conflict["entries"]
            assert (conflict["code"], current["metadataKey"]) == ("DIGEST_CONFLICT", "tags")
            again = [{"key": "tags", "digest": current["digest"]}]
            payload = client.patch(metadata={"tags": [*current["value"], tag]}, expectedDigests=again)
        assert payload["userErrors"] == []
        return client.requests

    return write


def test_the_loser_of_a_digest_merges_and_succeeds_with_one_more_request(world: World) -> None:
    patched(world.member, world, metadata={"tags": ["start"]})
    for round_ in range(10):
        assert sorted(race(world, appending(f"a{round_}"), appending(f"b{round_}"))) == [1, 2]
    assert len(set(read(world.member, world)["metadata"]["tags"])) == 21


def creating(client: Client) -> int:
    payload = client.patch(metadata={"first": 1}, expectedDigests=[{"key": "first", "digest": None}])
    return len(payload["userErrors"])


def test_of_two_who_expect_a_key_to_be_absent_one_creates_it(world: World) -> None:
    assert sorted(race(world, creating, creating)) == [0, 1]


def setting(key: str) -> Callable[[Client], Any]:
    def write(client: Client) -> Any:
        expected = [{"key": key, "digest": client.digests[key]}]
        return client.patch(metadata={key: "mine"}, expectedDigests=expected)["userErrors"]

    return write


def test_clients_that_write_different_keys_do_not_conflict_by_digest(world: World) -> None:
    for _ in range(5):
        patched(world.member, world, metadata={"a": 1, "b": 1})
        assert race(world, setting("a"), setting("b")) == [[], []]
        assert read(world.member, world)["metadata"] == {"a": "mine", "b": "mine"}
