"""Read replicas: a standby answers searches, histories and lists, but never what the caller must see anew."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from tests.conftest import require
from tests.support import postgres, replication
from tests.support.replication import Cluster, replicating
from tests.support.service import Service, serving, wait_until
from tests.support.world import Caller, World

ANY_LAG = 86_400
"""Seconds. A standby that has replayed nothing for a while is still used."""
USERS = "query ($key: String!) { platform(key: $key) { users(first: 100) { totalCount nodes { userId } } } }"
HISTORY = """query ($key: String!) { platformMetadata(platformKey: $key) {
  revision metadata history(first: 100) { nodes { revision } } } }"""
PATCH = """mutation ($key: String!, $metadata: JSONObject!) {
  patchPlatformMetadata(input: {platformKey: $key, metadata: $metadata}) {
    platformMetadata { revision history(first: 100) { nodes { revision } } } userErrors { __typename } } }"""
REPLICAS = "{ serviceStatus { database { replicas { name isUsed problem lagSeconds } } } }"


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    missing = [program for program in replication.PROGRAMS if not postgres.is_installed(program)]
    require("PostgreSQL (" + ", ".join(replication.PROGRAMS) + ")", not missing)
    with postgres.running() as primary, replicating(primary, synchronous=False) as both:
        yield both


@contextmanager
def serving_with_replica(cluster: Cluster, **settings: Any) -> Iterator[Service]:
    url = cluster.primary.create_database()
    replica_url = url.replace(f":{cluster.primary.port}/", f":{cluster.standby.port}/")
    given = {"replica_max_lag": ANY_LAG, "database_replica_url": replica_url} | settings
    with serving(url, **given) as service:
        yield service


@pytest.fixture(scope="module")
def service(cluster: Cluster) -> Iterator[Service]:
    with serving_with_replica(cluster) as running:
        yield running


@pytest.fixture
def world(service: Service, cluster: Cluster) -> World:
    return replicated_world(service, cluster)


def replicated_world(service: Service, cluster: Cluster) -> World:
    """Users whom the standby has, too."""
    world = World(service)
    catch_up(cluster)
    wait_until(lambda: replica(world)["isUsed"])
    return world


def catch_up(cluster: Cluster) -> None:
    """Wait until the standby has replayed all that was committed."""
    cluster.sql(cluster.standby, "SELECT pg_wal_replay_resume()")
    here = cluster.sql(cluster.primary, "SELECT pg_current_wal_insert_lsn()")
    has_replayed = f"SELECT pg_last_wal_replay_lsn() >= '{here}'"
    cluster.sql(cluster.primary, "SELECT pg_logical_emit_message(true, 'test', 'one record more')")
    wait_until(lambda: cluster.sql(cluster.standby, has_replayed) == "t")


@contextmanager
def standing_still(cluster: Cluster) -> Iterator[None]:
    """The standby replays nothing within the block."""
    catch_up(cluster)
    cluster.sql(cluster.standby, "SELECT pg_wal_replay_pause()")
    is_paused = "SELECT pg_get_wal_replay_pause_state() = 'paused'"
    wait_until(lambda: cluster.sql(cluster.standby, is_paused) == "t")
    try:
        yield
    finally:
        cluster.sql(cluster.standby, "SELECT pg_wal_replay_resume()")


def replica(world: World) -> dict[str, Any]:
    (found,) = world.owner.ask(REPLICAS)["serviceStatus"]["database"]["replicas"]
    return dict(found)


def send(caller: Caller, query: str, read_after: str | None = None, **variables: Any) -> httpx.Response:
    headers = {"Authorization": f"Bearer {caller.token}", "Accept": "application/graphql-response+json"}
    if read_after is not None:
        headers["X-Read-After"] = read_after
    client = caller.service.client
    return client.post("/graphql", json={"query": query, "variables": variables}, headers=headers)


def user_ids(world: World, read_after: str | None = None) -> set[str]:
    body = send(world.admin, USERS, read_after, key=world.platform_key).json()
    users = body["data"]["platform"]["users"]
    assert users["totalCount"] == len(users["nodes"])
    return {each["userId"] for each in users["nodes"]}


def history(world: World, read_after: str | None = None) -> list[int]:
    body = send(world.member, HISTORY, read_after, key=world.platform_key).json()
    return [each["revision"] for each in body["data"]["platformMetadata"]["history"]["nodes"]]


def patch(world: World, metadata: dict[str, Any]) -> httpx.Response:
    response = send(world.member, PATCH, key=world.platform_key, metadata=metadata)
    assert response.json()["data"]["patchPlatformMetadata"]["userErrors"] == []
    return response


def test_a_write_is_seen_where_its_position_is_sent_back(world: World, cluster: Cluster) -> None:
    with standing_still(cluster):
        position = patch(world, {"k": 1}).headers["X-Read-After"]
        assert history(world) == []  # the standby has answered
        assert history(world, position) == [1]
        rest = world.member.rest("PATCH", world.platform_key, {"metadata": {"k": 2}})
        assert history(world, rest.headers["X-Read-After"]) == [2, 1]
    catch_up(cluster)
    wait_until(lambda: history(world) == [2, 1])


def test_searches_are_answered_by_the_replica(world: World, cluster: Cluster) -> None:
    before = user_ids(world)
    with standing_still(cluster):
        latecomer = world.new_user()
        position = patch(world, {"k": 1}).headers["X-Read-After"]
        assert user_ids(world) == before
        assert user_ids(world, position) == before | {latecomer.id}


def test_documents_permissions_and_tokens_are_read_from_the_primary(world: World, cluster: Cluster) -> None:
    with standing_still(cluster):
        patch(world, {"k": 1})
        body = send(world.member, HISTORY, key=world.platform_key).json()["data"]["platformMetadata"]
        assert (body["revision"], body["metadata"]) == (1, {"k": 1})
        latecomer = world.new_user(permissions=[f"{world.tenant_id}::admin"])
        assert latecomer.ask("{ me { username } }")["me"]["username"] == latecomer.username
        other = latecomer.rest("GET", world.platform_key, username=world.member.username)
        assert other.json()["metadata"] == {"k": 1}


def test_the_payload_of_a_write_is_read_from_the_primary(world: World, cluster: Cluster) -> None:
    with standing_still(cluster):
        payload = patch(world, {"k": 1}).json()["data"]["patchPlatformMetadata"]["platformMetadata"]
        assert payload["history"]["nodes"] == [{"revision": 1}]
