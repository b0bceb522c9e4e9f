"""The clients that applications use, against a server that is killed, stopped and started again."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from tests.support.cli_processes import Server, free_port, serving_process
from tests.support.http_clients import PATIENCE
from tests.support.live import METADATA_CHANGED, PLATFORM_EVENTS, subscriber
from tests.support.live_clients import GQL_CLIENTS, NPM_CLIENTS, LiveClient, follow
from tests.support.npm import npm_project
from tests.support.patches import patch
from tests.support.service import serving, wait_until
from tests.support.world import World

pytestmark = pytest.mark.clients

REFUSALS = {
    "graphql-sse": {"status": 401},
    "urql-sse": {"codes": ["UNAUTHENTICATED"]},
    "gql-aiohttp": {"close": None},  # it does not tell the code
}
"""What a client tells of a wrong token. The others tell the code of the close frame."""


@pytest.fixture(params=[*NPM_CLIENTS, *GQL_CLIENTS])
def client(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def following(
    client: str, world: World, *, query: str = METADATA_CHANGED, url: str = "", token: str = ""
) -> AbstractContextManager[LiveClient]:
    """The client, as it follows the member's document from the start."""
    return follow(client, url or world.service.url, token or world.member.token, world.platform_key, query)


def test_a_change_comes_with_its_data(world: World, client: str) -> None:
    with following(client, world) as follower:
        patch(world.member, world, metadata={"a": [1, None, "ä"]})
        change = follower.line()
        assert (change["revision"], change["changedKeys"], change["resync"]) == (1, ["a"], False)
        document = change["platformMetadata"]
        assert (document["revision"], document["metadata"]) == (1, {"a": [1, None, "ä"]})


@contextmanager
def restartable(database_url: str, folder: Path, port: int, **settings: str) -> Iterator[Server]:
    extra = {f"GQL_SERVICE_{name.upper()}": value for name, value in settings.items()}
    with serving_process(folder, database_url, port=port, extra=extra) as server:
        yield server


def test_a_client_goes_on_after_restarts_and_misses_nothing(
    fresh_database_url: str, tmp_path: Path, client: str
) -> None:
    port, counter = free_port(), 0
    with serving(fresh_database_url) as service:
        world = World(service)
        seen: list[int] = []

        def write() -> None:
            nonlocal counter
            counter += 1
            patch(world.member, world, metadata={"counter": counter})

        with following(client, world, url=f"http://127.0.0.1:{port}") as follower:
            for is_killed in (True, False):
                with restartable(fresh_database_url, tmp_path, port) as server:
                    write()
                    seen += follower.changes(counter)
                    if not is_killed:
                        server.stop()
                write()
                write()
            with restartable(fresh_database_url, tmp_path, port):
                write()
                seen += follower.changes(counter)
        assert seen == list(range(1, counter + 1))


def test_the_error_of_an_operation_reaches_the_client(world: World, client: str) -> None:
    with following(client, world, query=PLATFORM_EVENTS) as follower:
        assert follower.line() == {"codes": ["FORBIDDEN"]}


def test_a_wrong_token_is_told(world: World, client: str) -> None:
    with following(client, world, token="upm_wrong") as follower:
        assert follower.line() == REFUSALS.get(client, {"close": 4403})


def test_a_client_that_completes_ends_the_stream_of_the_server(fresh_database_url: str, client: str) -> None:
    with serving(fresh_database_url, max_user_subscriptions=1) as service:
        world = World(service)
        patch(world.member, world, metadata={"a": 1})
        with following(client, world) as follower:
            assert follower.changes(1) == [1]
            with subscriber(service.url, world.member.token) as other:
                other.subscribe(METADATA_CHANGED)
                assert other.errors() == ["LIMIT_EXCEEDED"]
                follower.complete()

                def has_room() -> bool:
                    other.subscribe(METADATA_CHANGED, key=world.platform_key, since=0)
                    return bool(other.receive()["type"] == "next")

                wait_until(has_room)


def test_the_queries_of_urql_are_no_streams(world: World) -> None:
    """It would accept one."""
    program = npm_project("live-clients") / "urql-query.mjs"
    command = ["node", str(program), f"{world.service.url}/graphql", world.member.token]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    response = json.loads(done.stdout)
    assert "text/event-stream" in response["accept"]
    assert response["contentType"] == "application/graphql-response+json; charset=utf-8"
    assert (response["username"], response["hasNext"]) == (world.member.username, False)
