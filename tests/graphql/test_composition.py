"""The schema beside those of other services, composed by three composers of gateways."""

import json
import subprocess
from typing import Any

import pytest

from gql_service.schema.build import build_schema
from tests.support.npm import npm_project
from tests.support.service import Service

pytestmark = pytest.mark.clients

COMPOSERS = ["apollo", "theguild", "wundergraph"]
COMBINATIONS = ["alone", "pages", "nodes", "roles", "references", "all"]
OWN_QUERIES = {
    "me", "session", "badgeCatalog", "user", "platform", "platformMetadata", "limits", "serviceStatus",
    "users", "platforms", "tenants", "platformOwners", "exportUser",
}  # fmt: skip


@pytest.fixture(scope="module")
def composed(service: Service) -> Any:
    """What each composer makes of the published schema and each combination of neighbours."""
    response = service.client.post("/graphql", json={"query": "{ _service { sdl } }"})
    sdl = response.json()["data"]["_service"]["sdl"]
    done = subprocess.run(
        ["node", "compose.mjs"],
        cwd=npm_project("composition"),
        input=sdl,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("composer", COMPOSERS)
@pytest.mark.parametrize("combination", COMBINATIONS)
def test_the_schema_composes(composed: Any, composer: str, combination: str) -> None:
    result = composed[composer][combination]
    assert result["errors"] == []
    assert set(result["queries"]) >= OWN_QUERIES


@pytest.mark.parametrize("composer", COMPOSERS)
def test_node_is_the_neighbours(composed: Any, composer: str) -> None:
    assert set(composed[composer]["alone"]["queries"]) == OWN_QUERIES
    assert {"node", "nodes"} <= set(composed[composer]["nodes"]["queries"])


@pytest.mark.parametrize("composer", COMPOSERS)
def test_the_roles_of_the_service_do_not_leak_into_the_graph(composed: Any, composer: str) -> None:
    assert "Role" not in composed[composer]["alone"]["enums"]
    assert composed[composer]["roles"]["enums"]["Role"] == ["READER", "AUTHOR"]


def test_the_schema_needs_no_later_version_of_federation_than_its_directives() -> None:
    link = '@link(url: "https://specs.apollo.dev/federation/v2.0", import: ["@key", "@shareable"])'
    assert f"schema {link} {{" in build_schema().as_subgraph_str()
