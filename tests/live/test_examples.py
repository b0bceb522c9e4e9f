"""The example clients: they do what they say, and miss nothing while servers restart."""

import sys
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.support.cli_processes import free_port, serving_process
from tests.support.live_clients import LiveClient, live_client
from tests.support.npm import copy_npm_project, run_npm_program
from tests.support.patches import patch
from tests.support.service import serving, wait_until
from tests.support.world import World

pytestmark = pytest.mark.clients

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
DEFINE = """mutation ($input: DefineMetadataInput!) {
  defineMetadata(input: $input) { userErrors { code message } } }"""


@pytest.fixture(scope="module")
def typescript(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The compiled example."""
    project = copy_npm_project("typescript", tmp_path_factory.mktemp("typescript") / "example", EXAMPLES)
    done = run_npm_program(project, "tsc")
    assert done.returncode == 0, done.stdout
    return project / "dist" / "client.js"


def define_flag(world: World) -> None:
    input: dict[str, Any] = {"platformKey": world.platform_key, "key": "checkout", "valueType": "boolean"}
    input |= {"category": "feature_flags", "default": True}
    assert world.admin.ask(DEFINE, input=input)["defineMetadata"] == {"userErrors": []}


def test_the_typescript_client(fresh_database_url: str, tmp_path: Path, typescript: Path) -> None:
    port = free_port()
    with serving(fresh_database_url) as service, ExitStack() as stack:
        world = World(service)
        define_flag(world)
        patch(world.member, world, metadata={"visits": 4, "theme": "dark"})
        command = ["node", str(typescript), f"http://127.0.0.1:{port}", world.platform_key, "checkout"]
        with serving_process(tmp_path, fresh_database_url, port=port):
            client = stack.enter_context(live_client(command, TOKEN=world.member.token))
            assert client.line() == {"session": {"id": world.member.id, "tenantId": world.tenant_id}}
            metadata = {"visits": 5, "theme": "dark"}
            assert client.line() == {"settings": {"revision": 2, "metadata": metadata}}
            flag = client.line()["flag"]
            assert (flag["value"], flag["reason"], flag["variant"]) == (True, "STATIC", "default")
            patch(world.member, world, metadata={"count": 1})
            assert client.line()["change"]["changedKeys"] == ["count"]
        for count in (2, 3):
            patch(world.member, world, metadata={"count": count})
        with serving_process(tmp_path, fresh_database_url, port=port):
            assert [client.line()["change"]["revision"] for _ in range(2)] == [4, 5]


def test_the_python_client(fresh_database_url: str, tmp_path: Path) -> None:
    port = free_port()
    with serving(fresh_database_url) as service:
        world = World(service)
        revisions: list[int] = []

        def write() -> int:
            count = len(revisions)
            payload = patch(world.member, world, metadata={"at": str(uuid4()), "count": count})
            return int(payload["platformMetadata"]["revision"])

        def follower() -> AbstractContextManager[LiveClient]:
            url, path = f"ws://127.0.0.1:{port}/graphql", tmp_path / "followed.sqlite3"
            program = [sys.executable, str(EXAMPLES / "follow_events.py")]
            return live_client([*program, url, world.platform_key, str(path)], TOKEN=world.admin.token)

        def read(client: LiveClient, until: int) -> None:
            while not revisions or revisions[-1] < until:
                revisions.append(client.line()["revision"])

        with follower() as client:
            with serving_process(tmp_path, fresh_database_url, port=port):
                wait_until(lambda: write() > 0 and client.has_line())  # it begins with what happens now
                read(client, write())
            last = [write(), write()][-1]
            with serving_process(tmp_path, fresh_database_url, port=port):
                read(client, last)
        last = [write(), write()][-1]
        with follower() as client, serving_process(tmp_path, fresh_database_url, port=port):
            read(client, last)
        # An event is printed again by a follower that was killed before it had stored the cursor.
        assert list(dict.fromkeys(revisions)) == list(range(revisions[0], last + 1))
