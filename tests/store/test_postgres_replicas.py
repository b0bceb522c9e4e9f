"""Read replicas: a standby answers searches, histories and lists, but never what the caller must see anew."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import require
from tests.support import pooler, postgres, replication
from tests.support.cli_processes import command, free_port
from tests.support.postgres import Postgres
from tests.support.replication import Cluster, replicating
from tests.support.service import Service, serving, wait_until
from tests.support.tcp_proxy import Proxy, proxying
from tests.support.world import REST, Caller, World

pytestmark = pytest.mark.faults

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
    options = {"replica_max_lag": ANY_LAG, "database_replica_url": replica_url} | settings
    with serving(url, **options) as service:
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


def test_pages_of_different_servers_fit_together(world: World, cluster: Cluster) -> None:
    query = """query ($key: String!, $after: String) { platform(key: $key) { users(first: 2, after: $after) {
      nodes { userId } pageInfo { endCursor hasNextPage } } } }"""

    def page(after: str | None, read_after: str | None) -> tuple[list[str], str, bool]:
        body = send(world.admin, query, read_after, key=world.platform_key, after=after).json()
        users = body["data"]["platform"]["users"]
        info = users["pageInfo"]
        return [each["userId"] for each in users["nodes"]], info["endCursor"], info["hasNextPage"]

    with standing_still(cluster):
        latecomers = {world.new_user().id for _ in range(4)}
        position = patch(world, {"k": 1}).headers["X-Read-After"]
        found, cursor, has_more = page(None, None)
        while has_more:
            more, cursor, has_more = page(cursor, position)
            found += more
        assert found == sorted(set(found))
        expected = {user for user in user_ids(world, position) if user > found[1]}
        assert expected <= set(found)
        assert {user for user in latecomers if user > found[1]} <= set(found)


def test_users_who_are_gone_are_not_found(world: World, cluster: Cluster) -> None:
    with standing_still(cluster):
        url = world.service.settings.database_url
        done = command(url, "erase", world.colleague.username, "--yes")
        assert done.returncode == 0, done.stderr
        assert world.colleague.id not in user_ids(world)


@pytest.mark.parametrize("change", ["system", "timeline"])
def test_a_position_of_another_cluster_or_timeline_is_not_reached(
    world: World, cluster: Cluster, change: str
) -> None:
    with standing_still(cluster):
        system, timeline, _ = patch(world, {"k": 1}).headers["X-Read-After"].split("-")
        assert history(world, f"{system}-{timeline}-1") == []  # an early position: the standby answers
        if change == "system":
            system = f"{int(system, 16) ^ 1:x}"
        else:
            timeline = f"{int(timeline, 16) + 1:x}"
        assert history(world, f"{system}-{timeline}-1") == [1]


@pytest.mark.parametrize(
    "value", ["", "0", "1-2", "x-1-1", "1-1-1-1", "1-1-11111111111111111", "1-1-1, 1-1-1"]
)
def test_a_malformed_position_is_refused_and_nothing_is_written(world: World, value: str) -> None:
    headers = {"X-Read-After": value}
    message = "`X-Read-After` must be the value of that header in the response to a write."
    response = send(world.member, PATCH, value, key=world.platform_key, metadata={"k": 1})
    assert response.status_code == 400
    assert response.json()["errors"] == [{"message": message, "extensions": {"code": "BAD_USER_INPUT"}}]
    response = world.member.rest("PATCH", world.platform_key, {"metadata": {"k": 1}}, headers=headers)
    assert (response.status_code, response.json()) == (400, {"error": message})
    assert world.member.rest("GET", world.platform_key).headers["ETag"] == '"0"'


def test_only_the_responses_to_writes_have_a_position(world: World) -> None:
    assert "X-Read-After" not in send(world.member, HISTORY, key=world.platform_key).headers
    assert "X-Read-After" not in world.member.rest("GET", world.platform_key).headers
    anonymous = world.service.client.post("/graphql", json={"query": "mutation { __typename }"})
    assert "X-Read-After" not in anonymous.headers
    assert "X-Read-After" not in world.service.client.patch(REST).headers
    assert "X-Read-After" in world.member.rest("DELETE", world.platform_key).headers


def test_pages_of_other_origins_may_send_and_read_positions(cluster: Cluster) -> None:
    origin = "https://app.example.com"
    with serving_with_replica(cluster, cors_origins=[origin]) as service:
        world, asks = World(service), {"Origin": origin, "Access-Control-Request-Method": "POST"}
        asks["Access-Control-Request-Headers"] = "authorization, content-type, x-read-after"
        assert service.client.options("/graphql", headers=asks).status_code == 200
        body = {"query": PATCH, "variables": {"key": world.platform_key, "metadata": {"k": 1}}}
        headers = {"Origin": origin, "Authorization": f"Bearer {world.member.token}"}
        response = service.client.post("/graphql", json=body, headers=headers)
        assert "X-Read-After" in response.headers
        assert "X-Read-After" in response.headers["Access-Control-Expose-Headers"].split(", ")


def test_without_replicas_there_are_no_positions(fresh_database_url: str) -> None:
    with serving(fresh_database_url) as service:
        world = World(service)
        assert "X-Read-After" not in patch(world, {"k": 1}).headers
        assert history(world, "anything") == [1]
        assert world.owner.ask(REPLICAS)["serviceStatus"]["database"]["replicas"] == []


def delay(cluster: Cluster, interval: str) -> None:
    """Let the standby replay commits only when they are so old."""
    cluster.sql(cluster.standby, f"ALTER SYSTEM SET recovery_min_apply_delay = '{interval}'")
    cluster.sql(cluster.standby, "SELECT pg_reload_conf()")


def hold_lock(cluster: Cluster, url: str) -> None:
    """Let the standby replay a lock of `document_changes`, but not its end.

    A commit before it, such as one of a background task, is delayed as well, and the lock with it. Then it
    is tried again.
    """
    locked = "SELECT count(*) > 0 FROM pg_locks WHERE mode = 'AccessExclusiveLock'"
    for _ in range(20):
        delay(cluster, "0")
        end = cluster.sql(cluster.primary, "SELECT pg_current_wal_lsn()")
        wait_for(cluster, f"SELECT pg_last_wal_replay_lsn() >= '{end}'")
        delay(cluster, "1h")
        cluster.primary.run_sql(url, "BEGIN; LOCK TABLE document_changes IN ACCESS EXCLUSIVE MODE; COMMIT")
        for _ in range(40):
            if cluster.sql(cluster.standby, locked) == "t":
                return
            time.sleep(0.05)
    pytest.fail("the standby never replayed the lock alone")


def wait_for(cluster: Cluster, condition: str) -> None:
    """Wait until a query of the standby is true."""
    wait_until(lambda: cluster.sql(cluster.standby, condition) == "t")


def test_a_lagging_replica_is_not_used(cluster: Cluster) -> None:
    with serving_with_replica(cluster, replica_max_lag=1) as service:
        world = replicated_world(service, cluster)
        delay(cluster, "1h")
        try:
            patch(world, {"k": 1})
            wait_until(lambda: replica(world)["problem"] == "It is too far behind.")
            assert not replica(world)["isUsed"]
            assert replica(world)["lagSeconds"] > 1
            assert history(world) == [1]
            assert service.client.get("/health/ready").status_code == 200
        finally:
            delay(cluster, "0")
        wait_until(lambda: replica(world)["isUsed"])


def test_a_replica_of_an_idle_primary_is_not_behind(cluster: Cluster) -> None:
    with serving_with_replica(cluster, replica_max_lag=1) as service:
        world = replicated_world(service, cluster)
        cluster.sql(cluster.primary, "SELECT pg_switch_wal()")  # the next position is behind a header
        old = "SELECT now() - pg_last_xact_replay_timestamp() > '3 s'"
        wait_for(cluster, old)
        assert replica(world)["isUsed"]


def test_a_statement_that_the_replica_cancels_is_run_on_the_primary(world: World, cluster: Cluster) -> None:
    """A lock that the standby replays, while the end of its transaction is delayed, makes a query wait."""
    found: list[list[int]] = []
    try:
        hold_lock(cluster, world.service.settings.database_url)
        patch(world, {"k": 1})
        reader = threading.Thread(target=lambda: found.append(history(world)))
        reader.start()
        cancel = (
            "SELECT count(pg_cancel_backend(pid)) > 0 FROM pg_stat_activity"
            " WHERE wait_event_type = 'Lock' AND query LIKE '%document_changes%'"
        )
        wait_for(cluster, cancel)
        reader.join()
    finally:
        delay(cluster, "0")
    assert found == [[1]]


@pytest.fixture
def other_service(cluster: Cluster) -> Iterator[tuple[Service, Proxy]]:
    """A server that reaches the standby through a proxy."""
    url = cluster.primary.create_database()
    with proxying(cluster.standby.port) as proxy:
        replica_url = url.replace(f":{cluster.primary.port}/", f":{proxy.port}/")
        settings = {"database_replica_url": replica_url, "replica_max_lag": ANY_LAG}
        with serving(url, **settings) as service:
            yield service, proxy


def test_a_silent_replica_is_replaced_by_the_primary_until_it_is_back(
    other_service: tuple[Service, Proxy], cluster: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    service, proxy = other_service
    world = replicated_world(service, cluster)
    caplog.clear()
    proxy.silence()
    assert world.member.id in user_ids(world)
    wait_until(lambda: replica(world)["problem"] == "It did not answer in time.")
    assert service.client.get("/health/ready").status_code == 200
    patch(world, {"k": 1})
    assert history(world) == [1]
    proxy.forward()
    wait_until(lambda: replica(world)["isUsed"])
    log = caplog.text
    assert (log.count("replica is not used"), log.count("replica is used")) == (1, 1)


def test_each_host_of_the_url_is_a_replica(cluster: Cluster) -> None:
    """One of them is down, one is the primary itself."""
    url, down = cluster.primary.create_database(), free_port()
    hosts = [f"127.0.0.1:{port}" for port in (down, cluster.primary.port, cluster.standby.port)]
    replica_url = url.replace(hosts[1], ",".join(hosts))
    with serving(url, database_replica_url=replica_url, replica_max_lag=ANY_LAG) as service:
        world = World(service)
        catch_up(cluster)

        def states() -> dict[str, str | None]:
            found = world.owner.ask(REPLICAS)["serviceStatus"]["database"]["replicas"]
            return {each["name"]: each["problem"] for each in found}

        wait_until(lambda: states()[hosts[2]] is None)
        assert "It cannot be used: " in str(states()[hosts[0]])
        assert states()[hosts[1]] == "It is not a replica: it replays no log."
        with standing_still(cluster):
            patch(world, {"k": 1})
            assert history(world) == []


def test_replicas_work_behind_transaction_poolers(cluster: Cluster) -> None:
    require("PgBouncer", pooler.PROGRAM is not None)
    url = cluster.primary.create_database()
    with pooler.pooling(cluster.primary) as primary, pooler.pooling(cluster.standby) as standby:
        here = f":{cluster.primary.port}/"
        replica_url = url.replace(here, f":{standby}/")
        settings = {"database_replica_url": replica_url, "replica_max_lag": ANY_LAG, "database_pooler": True}
        with serving(url.replace(here, f":{primary}/"), **settings) as service:
            world = replicated_world(service, cluster)
            with standing_still(cluster):
                position = patch(world, {"k": 1}).headers["X-Read-After"]
                assert history(world) == []
                assert history(world, position) == [1]


def test_a_replica_of_another_database_is_not_used(postgres_server: Postgres, cluster: Cluster) -> None:
    replica_url = f"postgresql://tester@127.0.0.1:{cluster.standby.port}/postgres"
    settings = {"database_replica_url": replica_url, "replica_max_lag": ANY_LAG}
    with serving(postgres_server.create_database(), **settings) as service:
        world = World(service)
        wait_until(lambda: replica(world)["problem"] == "It is not a replica of this database.")
        assert world.member.id in user_ids(world)


def test_doctor_tells_whether_a_replica_can_be_used(cluster: Cluster) -> None:
    url = cluster.primary.create_database()
    catch_up(cluster)
    assert command(url, "migrate").returncode == 0
    catch_up(cluster)
    for port, end in (
        (cluster.standby.port, "it can answer searches, histories and lists"),
        (cluster.primary.port, "It is not a replica: it replays no log."),
    ):
        replica_url = url.replace(f":{cluster.primary.port}/", f":{port}/")
        lines = command(url, "doctor", database_replica_url=replica_url).stdout.splitlines()
        assert any(f"replica 127.0.0.1:{port}" in line and line.endswith(end) for line in lines), lines


@pytest.mark.parametrize(
    ("database_url", "replica_url", "message"),
    [
        (
            "sqlite:///data",
            "postgresql://db/x",
            "only PostgreSQL has replicas, but GQL_SERVICE_DATABASE_URL is",
        ),
        ("postgresql://db/x", "sqlite:///data", "use postgresql://user@host/database"),
        (
            "postgresql://db/x",
            "postgresql://db/x?target_session_attrs=primary",
            "a replica cannot be written",
        ),
        ("postgresql://db/x", "postgresql://db/x?sslmode=maybe", "sslmode must be one of"),
    ],
)
def test_a_wrong_url_ends_the_start(
    tmp_path: Path, database_url: str, replica_url: str, message: str
) -> None:
    database_url = database_url.replace("///", f"///{tmp_path}/")
    done = command(database_url, "serve", "--port", "0", database_replica_url=replica_url)
    assert done.returncode == 1
    assert f"GQL_SERVICE_DATABASE_REPLICA_URL: {message}" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_replica_that_was_promoted_is_not_used_any_more() -> None:
    """It keeps the position of its last replay."""
    with (
        postgres.running() as primary,
        replicating(primary, synchronous=False) as own,
        serving_with_replica(own) as service,
    ):
        world = replicated_world(service, own)
        own.promote()
        wait_until(lambda: replica(world)["problem"] == "It is not a replica: it replays no log.")
        patch(world, {"k": 1})
        assert history(world) == [1]
