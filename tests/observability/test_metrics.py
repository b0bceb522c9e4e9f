"""Metrics of real server processes, on an address of their own."""

import json
import os
import re
import signal
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from gql_service.observability.metrics import METRICS
from tests.support.cli_processes import Server, command, environment, free_port, run_command, serving_process
from tests.support.http_clients import http_client
from tests.support.postgres import Postgres
from tests.support.server_log import wait_for
from tests.support.service import wait_until
from tests.support.shop import new_shop

ROOT = Path(__file__).parent.parent.parent
REST = "/api/core/users/platform-metadata/?platform_key=shop"
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


class Measured:
    """A server with its metrics."""

    def __init__(self, server: Server, token: str, address: str) -> None:
        self.server = server
        self.token = token
        self.address = address

    def samples(self) -> Samples:
        with http_client(f"http://{self.address}") as client:
            answer = client.get("/metrics")
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/plain")
        return {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(answer.text)
            for sample in family.samples
        }

    def names(self) -> set[str]:
        """The names of the metrics, without the suffixes that Prometheus adds."""
        return {re.sub("_(total|bucket|sum|count)$", "", name) for name, _labels in self.samples()}

    def value(self, name: str, **labels: str) -> float:
        return self.samples().get((f"gql_service_{name}", frozenset(labels.items())), 0)

    def wait_for(self, value: float, name: str, **labels: str) -> None:
        """Wait until the metric has this value; it must not exceed it."""
        wait_until(lambda: self.value(name, **labels) >= value)
        assert self.value(name, **labels) == value


@contextmanager
def measured(
    folder: Path, url: str, *arguments: str, token: str | None = None, **settings: str
) -> Iterator[Measured]:
    """With `token`, the database exists already."""
    token = token or new_shop(url)
    address = f"127.0.0.1:{free_port()}"
    extra = {f"GQL_SERVICE_{name.upper()}": value for name, value in settings.items()}
    extra |= {"GQL_SERVICE_METRICS_ADDRESS": address, "TMPDIR": str(folder)}
    with serving_process(folder, url, *arguments, extra=extra) as server:
        wait_until(lambda: "serving metrics" in server.output)
        yield Measured(server, token, address)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_requests_are_counted_by_operation_door_and_status(
    fresh_database_url: str, tmp_path: Path, workers: str
) -> None:
    with (
        measured(tmp_path, fresh_database_url, "--workers", workers) as service,
        http_client(service.server.url) as client,
    ):
        headers = {"Authorization": f"Token {service.token}"}
        for _ in range(20):
            client.post("/graphql", json={"query": "query Named { me { username } }"}, headers=headers)
        client.post("/graphql", json={"query": "{ nothing }"}, headers={"Accept": "application/json"})
        client.patch(REST, json={"metadata": {"a": 1}}, headers=headers)
        client.get(REST)
        service.wait_for(20, "requests_total", door="graphql", operation="Named", status="200")
        service.wait_for(1, "requests_total", door="rest", operation="PATCH", status="200")
        service.wait_for(1, "requests_total", door="rest", operation="GET", status="401")
        service.wait_for(20, "request_seconds_count", door="graphql", operation="Named")
        service.wait_for(20, "request_seconds_bucket", door="graphql", operation="Named", le="+Inf")
        service.wait_for(1, "writer_batch_writes_sum")
        service.wait_for(1, "statement_seconds_count", statement="INSERT documents")
        wait_until(lambda: service.value("memory_bytes") > 1_000_000)  # written last
        assert service.value("request_seconds_sum", door="graphql", operation="Named") > 0
        assert service.value("loader_batch_keys_sum", loader="platforms") >= 1
        assert service.value("document_lookups_total", result="hit") >= 15
        assert service.value("document_lookups_total", result="miss") >= 2
        assert service.value("cached_documents") >= 1
        assert service.value("cached_documents_bytes") > 0
        assert service.value("event_loop_lag_seconds_count") > 0
        assert service.value("cpu_seconds_total") > 0
        connections = [service.value("pool_connections", state=state) for state in ("used", "idle")]
        assert (sum(connections) > 0) == fresh_database_url.startswith("postgresql")


def test_every_metric_is_served(fresh_database_url: str, tmp_path: Path) -> None:
    with (
        measured(tmp_path, fresh_database_url, sweep_interval="0.1") as service,
        http_client(service.server.url) as client,
    ):
        client.patch(REST, json={"metadata": {"a": 1}}, headers={"Authorization": f"Token {service.token}"})
        expected = {definition.name for definition in METRICS} - {"gql_service_database_errors"}
        wait_until(lambda: expected <= service.names())
        assert service.names() == expected


def test_the_number_of_operation_names_is_bounded(tmp_path: Path) -> None:
    with (
        measured(tmp_path, f"sqlite:///{tmp_path}/data") as service,
        http_client(service.server.url) as client,
    ):
        for number in range(150):
            client.post("/graphql", json={"query": f"query Name{number} {{ __typename }}"})
        labels = {"door": "graphql", "operation": "other", "status": "200"}
        wait_until(lambda: service.value("requests_total", **labels) > 40)
        samples = service.samples()
    assert len({dict(labels)["operation"] for _name, labels in samples if "operation" in dict(labels)}) <= 101


@pytest.mark.parametrize("workers", ["1", "2"])
def test_what_is_stored_is_measured_once_for_all_workers(
    fresh_database_url: str, tmp_path: Path, workers: str
) -> None:
    token = new_shop(fresh_database_url)
    with (
        serving_process(tmp_path, fresh_database_url) as server,
        http_client(server.url) as client,
    ):
        for value in range(3):
            body, headers = {"metadata": {"a": value}}, {"Authorization": f"Token {token}"}
            assert client.patch(REST, json=body, headers=headers).status_code == 200
    options = ("--workers", workers)
    with measured(tmp_path, fresh_database_url, *options, token=token, sweep_interval="0.1") as service:
        wait_until(lambda: service.value("database_bytes") > 0)
        samples = service.samples()
    stored = json.loads(command(fresh_database_url, "sizes", "--json").stdout)
    (shop,) = [row for row in stored["platforms"] if row["platform"] == "shop"]
    assert (shop["documents"]["rows"], shop["history"]["rows"]) == (1, 3)
    for kind, name in [("documents", "documents"), ("history", "history"), ("search_index", "searchIndex")]:
        labels = frozenset({"platform": "shop", "kind": kind}.items())
        assert samples["gql_service_stored_rows", labels] == shop[name]["rows"]
        assert samples["gql_service_stored_bytes", labels] == shop[name]["bytes"]


def test_the_number_of_platforms_is_bounded(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/data"
    token = new_shop(url)
    with closing(sqlite3.connect(tmp_path / "data")) as database, database:
        columns = [row[1] for row in database.execute("PRAGMA table_info(platforms)")]
        copied = ", ".join({"id": "'p' || n", "key": "'p' || n"}.get(each, each) for each in columns)
        numbers = "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 30)"
        database.execute(f"{numbers} INSERT INTO platforms SELECT {copied} FROM platforms, numbers")
    with measured(tmp_path, url, token=token, sweep_interval="0.1") as service:
        wait_until(lambda: service.value("database_bytes") > 0)
        samples = service.samples()
    names = {dict(labels)["platform"] for _name, labels in samples if "platform" in dict(labels)}
    assert len(names) == 22
    assert names >= {"(user-wide)", "(other)"}


def test_keys_that_wait_to_be_read_are_counted(tmp_path: Path, postgres_server: Postgres) -> None:
    url = postgres_server.create_database()
    with (
        measured(tmp_path, url) as service,
        http_client(service.server.url) as client,
        ThreadPoolExecutor() as pool,
    ):
        headers = {"Authorization": f"Token {service.token}"}
        body = {"query": "{ me { badges { name } } }"}
        with postgres_server.holding(url, "LOCK TABLE earned_badges IN ACCESS EXCLUSIVE MODE"):
            answers = [pool.submit(client.post, "/graphql", json=body, headers=headers) for _ in range(3)]
            service.wait_for(3, "loader_waiting_keys", loader="badges")
            assert service.value("loader_waiting_keys", loader="platforms") == 0
        assert [each.result().status_code for each in answers] == [200] * 3
        wait_until(lambda: service.value("loader_waiting_keys", loader="badges") == 0)


def test_database_errors_are_counted_by_class(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/data"
    with measured(tmp_path, url) as service, http_client(service.server.url) as client:
        with closing(sqlite3.connect(tmp_path / "data")) as other, other:
            other.execute("DROP TABLE earned_badges")
        headers = {"Authorization": f"Token {service.token}"}
        client.post("/graphql", json={"query": "{ me { badges { name } } }"}, headers=headers)
        service.wait_for(1, "database_errors_total", error="SQLITE_ERROR")


def test_what_a_worker_has_counted_outlives_it(tmp_path: Path) -> None:
    """Its requests still count. Its gauges do not: the new workers have cached no document."""
    url = f"sqlite:///{tmp_path}/data"
    with (
        measured(tmp_path, url, "--workers", "2") as service,
        http_client(service.server.url) as client,
    ):
        headers = {"Authorization": f"Token {service.token}"}
        for _ in range(20):
            client.post("/graphql", json={"query": "query Named { me { username } }"}, headers=headers)
        service.wait_for(20, "requests_total", door="graphql", operation="Named", status="200")
        service.wait_for(1, "cached_documents")
        workers = [line["pid"] for line in wait_for(lambda: service.server.output, "worker ready", 2)]
        for pid in workers:
            os.kill(pid, signal.SIGKILL)
        wait_for(lambda: service.server.output, "worker ready", 4)
        wait_until(lambda: service.value("cached_documents") == 0)
        gauges = {path.name for path in tmp_path.glob("gql-service-metrics-*/gauge_*.db")}
        assert gauges.isdisjoint(f"gauge_livesum_{pid}.db" for pid in workers)
        service.wait_for(20, "requests_total", door="graphql", operation="Named", status="200")
        assert service.server.stop() == 0
    assert list(tmp_path.glob("gql-service-metrics-*")) == []


def test_an_address_that_is_in_use_does_not_stop_the_server(tmp_path: Path) -> None:
    """A rolling restart: the new server gets the address when the old one has ended."""
    url = f"sqlite:///{tmp_path}/data"
    with measured(tmp_path, url) as old:
        extra = {"GQL_SERVICE_METRICS_ADDRESS": old.address}
        with serving_process(tmp_path, url, extra=extra) as new:
            wait_until(lambda: "the address of the metrics is not free yet" in new.output)
            assert old.server.stop() == 0
            wait_until(lambda: "serving metrics" in new.output)
            assert old.names()
            new.stop()


def test_by_default_nothing_is_served(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/data"
    run_command(url, "migrate")
    with serving_process(tmp_path, url) as server, http_client(server.url) as client:
        assert client.get("/metrics").status_code == 404
    assert "GQL_SERVICE_METRICS_ADDRESS" not in environment(url)


def test_every_metric_of_the_dashboard_exists_and_is_shown() -> None:
    dashboard = json.loads((ROOT / "deploy/grafana/dashboard.json").read_text())
    expressions = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]
    used = {name for each in expressions for name in re.findall(r"gql_service_\w+", each)}
    suffixes = {"counter": ["_total"], "gauge": [""], "histogram": ["_bucket", "_sum", "_count"]}
    existing = {f"{each.name}{suffix}" for each in METRICS for suffix in suffixes[each.type]}
    assert used <= existing
    assert {each.name for each in METRICS} == {
        each.name for each in METRICS if any(name.startswith(each.name) for name in used)
    }


def test_every_metric_is_documented() -> None:
    text = (ROOT / "docs/operations.md").read_text()
    suffixes = {"counter": "_total", "gauge": "", "histogram": ""}
    assert [each.name for each in METRICS if f"`{each.name}{suffixes[each.type]}`" not in text] == []
