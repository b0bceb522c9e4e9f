"""Relay: its compiler, TypeScript with what it generates, and its store before the service."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.support.cli_processes import command
from tests.support.documented_clients import scalar_types
from tests.support.npm import copy_npm_project, run_npm_program
from tests.support.world import World

pytestmark = pytest.mark.clients


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A client with the exported schema and the documented map of scalars, compiled."""
    client = copy_npm_project("relay", tmp_path_factory.mktemp("relay") / "client")
    schema = command("sqlite+aiosqlite:////nowhere/at/all.sqlite3", "export-schema", "--api")
    (client / "schema.graphql").write_text(schema.stdout)
    configured = configure(client, scalar_types())
    assert configured.returncode == 0, configured.stdout
    checked = run_npm_program(client, "tsc")
    assert checked.returncode == 0, checked.stdout
    return client


def configure(client: Path, scalars: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run Relay's compiler with a map of scalars."""
    config = {
        "src": "src",
        "schema": "schema.graphql",
        "language": "typescript",
        "customScalarTypes": scalars,
        "requireCustomScalarTypes": True,
    }
    (client / "relay.config.json").write_text(json.dumps(config))
    return run_npm_program(client, "relay-compiler", "relay.config.json")


def test_pages_and_mutations_update_the_store(client: Path, world: World) -> None:
    metadata = {"a": 1, "b": [None], "c": "text"}
    world.member.ask(
        """mutation ($input: PatchPlatformMetadataInput!) {
          patchPlatformMetadata(input: $input) { userErrors { message } } }""",
        input={"platformKey": world.platform_key, "metadata": metadata},
    )
    arguments = [f"{world.service.url}/graphql", world.member.token, world.platform_key]
    done = subprocess.run(
        ["node", "dist/main.js", *arguments], cwd=client, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    first, second, third = json.loads(done.stdout)
    assert first["entries"] == [["a", 1], ["b", [None]]]
    assert second["entries"] == [["a", 1], ["b", [None]], ["c", "text"]]
    assert (second["revision"], second["metadata"]) == (1, metadata)
    assert (third["revision"], third["metadata"]) == (2, metadata | {"a": {"changed": True}})


def test_a_scalar_that_the_map_lacks_is_an_error(client: Path) -> None:
    scalars = {name: type_ for name, type_ in scalar_types().items() if name != "JSONObject"}
    configured = configure(client, scalars)
    assert configured.returncode != 0
    assert "JSONObject" in configured.stdout + configured.stderr
