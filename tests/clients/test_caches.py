"""The normalized caches of Apollo Client and urql, as documented: which types have an identity."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from graphql import GraphQLSchema, build_schema, is_interface_type, is_object_type

from tests.support.cli_processes import command
from tests.support.documented_clients import CACHES, value_types
from tests.support.npm import copy_npm_project
from tests.support.world import World

pytestmark = pytest.mark.clients

CACHE_NAMES = ["apollo", "urql"]
KEY = "query ($key: String!) { "
LISTS = KEY + "platformMetadata(platformKey: $key) { id entries(first: 2) { %s } history(first: 2) { %s } } }"
QUERIES = [
    KEY + "platformMetadata(platformKey: $key) { id revision metadata user { id username } } }",
    KEY + "platform(key: $key) { id name definitions { key valueType } users(first: 2) { nodes { id } } } }",
    LISTS % ("nodes { id metadataKey value }", "nodes { revision changes { key old { value } } }"),
    LISTS
    % ("totalCount edges { cursor node { id isPublic viewerCan { edit } } }", "pageInfo { hasNextPage }"),
    LISTS % ("pageInfo { endCursor } nodes { id viewerCan { delete } createdBy { id } }", "edges { cursor }"),
    "{ me { id displayName badges { name earnedAt } badgeProgress { earned } optInDecisions { name } } }",
    "{ me { id badgeProgress { total locked { name title } } tokens(first: 2) { nodes { id label } } } }",
    "{ me { id notifications(first: 2) { nodes { id } } userMetadata { id revision metadata } } }",
    "{ session { id tenantId badges { name } } badgeCatalog { name title } limits { pageSize } }",
    "{ session { id createdAt } limits { nodes valueBytes } }",
]
PATCH = """mutation ($input: PatchPlatformMetadataInput!) { patchPlatformMetadata(input: $input) {
  platformMetadata { id revision metadata } userErrors { ... on RevisionConflict { currentRevision } } } }"""


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    done = command("sqlite+aiosqlite:////nowhere/at/all.sqlite3", "export-schema", "--api")
    return build_schema(done.stdout)


def test_every_type_has_an_id_or_is_documented_as_a_value(schema: GraphQLSchema) -> None:
    roots = {schema.query_type, schema.mutation_type}
    types = [each for each in schema.type_map.values() if is_object_type(each) and each not in roots]
    ids = {each.name: str(each.fields["id"].type) for each in types if "id" in each.fields}
    assert set(ids.values()) == {"ID!"}
    without_id = {each.name for each in types if not each.name.startswith("__")} - ids.keys()
    assert value_types() == without_id


def test_the_types_of_every_interface_are_documented(schema: GraphQLSchema) -> None:
    interfaces = [type_ for type_ in schema.type_map.values() if is_interface_type(type_)]
    assert interfaces
    for interface in interfaces:
        names = sorted(type_.name for type_ in schema.get_possible_types(interface))
        assert f"{interface.name}: {json.dumps(names)}," in CACHES


def run_cache(cache: str, folder: Path, world: World, configuration: str) -> Any:
    """The warnings of a cache, and what the queries find in it after a write."""
    project = copy_npm_project("caches", folder / "client")
    (project / "configuration.mjs").write_text(configuration)
    queries = [{"query": query, "variables": {"key": world.platform_key}} for query in QUERIES]
    write = {"platformKey": world.platform_key, "metadata": {"theme": "dark"}}
    done = subprocess.run(
        ["node", "--conditions=development", "caches.mjs", cache],  # otherwise, Apollo does not warn
        cwd=project,
        input=json.dumps(
            {
                "url": f"{world.service.url}/graphql",
                "token": world.admin.token,
                "operations": [*queries, {"query": PATCH, "variables": {"input": write}}],
            }
        ),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def without_typenames(value: Any) -> Any:
    """A result without what caches add to it."""
    if isinstance(value, list):
        return [without_typenames(item) for item in value]
    if isinstance(value, dict):
        return {key: without_typenames(item) for key, item in value.items() if key != "__typename"}
    return value


@pytest.fixture
def documented(world: World) -> World:
    """A world whose admin has a document with history."""
    for metadata in ({"theme": "light", "size": {"n": [1, None]}}, {"theme": "none"}):
        world.admin.ask(PATCH, input={"platformKey": world.platform_key, "metadata": metadata})
    return world


@pytest.mark.parametrize("cache", CACHE_NAMES)
def test_everything_is_found_in_the_cache_and_is_up_to_date(
    documented: World, tmp_path: Path, cache: str
) -> None:
    expected = [documented.admin.ask(query, key=documented.platform_key) for query in QUERIES]
    result = run_cache(cache, tmp_path, documented, CACHES)
    document = expected[0]["platformMetadata"]
    document["revision"], document["metadata"]["theme"] = 3, "dark"  # the mutation updates what a query found
    assert result["warnings"] == []
    found = without_typenames(result["found"])
    assert found == expected


@pytest.mark.parametrize("cache", CACHE_NAMES)
def test_a_cache_warns_of_a_value_that_the_configuration_lacks(
    documented: World, tmp_path: Path, cache: str
) -> None:
    result = run_cache(cache, tmp_path, documented, CACHES.replace('"BadgeProgress", ', ""))
    assert any("adgeProgress" in warning for warning in result["warnings"]), result["warnings"]
