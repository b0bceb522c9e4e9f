"""Traces of real server processes, sent to a collector by OTLP over HTTP."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.support.cli_processes import serving_process
from tests.support.http_clients import http_client
from tests.support.service import wait_until
from tests.support.shop import new_shop

REST = "/api/core/users/platform-metadata/?platform_key=shop"
TRACE_ID, SPAN_ID = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SECRET = "s3cret-value"
QUERY = 'query Named { me { username platformMetadata(platformKey: "shop") { metadata } } }'


class Collector:
    """Receives traces."""

    def __init__(self) -> None:
        self.spans: list[Any] = []
        self.services: set[str] = set()
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                for each in ExportTraceServiceRequest.FromString(body).resource_spans:
                    attributes = {item.key: item.value.string_value for item in each.resource.attributes}
                    collector.services.add(attributes["service.name"])
                    collector.spans += [span for scope in each.scope_spans for span in scope.spans]
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_arguments: object) -> None:
                """Standard error is for the tests."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def environment(self) -> dict[str, str]:
        return {
            "GQL_SERVICE_TRACING": "true",
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{self.server.server_address[1]}",
            "OTEL_BSP_SCHEDULE_DELAY": "50",
        }

    def trace(self, name: str) -> list[Any]:
        """The spans of the first trace whose root has this name, once it has arrived, by start."""

        def roots() -> list[Any]:
            return [span for span in list(self.spans) if span.name == name]

        wait_until(lambda: bool(roots()))
        found = [span for span in self.spans if span.trace_id == roots()[0].trace_id]
        return sorted(found, key=lambda span: span.start_time_unix_nano)


@pytest.fixture
def collector() -> Iterator[Collector]:
    collector = Collector()
    yield collector
    collector.server.shutdown()
    collector.server.server_close()


@contextmanager
def traced(
    folder: Path, url: str, collector: Collector, **extra: str
) -> Iterator[tuple[Any, dict[str, str]]]:
    """A client of a traced server, and the headers of a user."""
    token = new_shop(url)
    environment = collector.environment | extra
    with serving_process(folder, url, extra=environment) as server, http_client(server.url) as client:
        yield client, {"Authorization": f"Token {token}"}
        server.stop()


def parents(spans: list[Any]) -> dict[str, str | None]:
    """The name of the parent of each span."""
    names = {span.span_id: span.name for span in spans}
    return {span.name: names.get(span.parent_span_id) for span in spans}


def attributes(span: Any) -> dict[str, Any]:
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in span.attributes}


@pytest.mark.parametrize("cors", ["[]", '["https://app.example.com"]'])
def test_a_trace_has_the_request_its_operation_loaders_and_statements(
    fresh_database_url: str, tmp_path: Path, collector: Collector, cors: str
) -> None:
    """Through the shortcut of `POST /graphql`, and, with CORS, through ASGI."""
    with traced(tmp_path, fresh_database_url, collector, GQL_SERVICE_CORS_ORIGINS=cors) as (client, headers):
        response = client.post("/graphql", json={"query": QUERY}, headers=headers)
        assert response.status_code == 200
        spans = collector.trace("POST /graphql")
    found = parents(spans)
    assert found["POST /graphql"] is None
    assert found["load principals"] == "POST /graphql"
    assert found["query Named"] == "POST /graphql"
    assert found["load platforms"] == found["load documents"] == "query Named"
    assert found["SELECT documents"] == "load documents"
    (root,) = [span for span in spans if span.name == "POST /graphql"]
    assert attributes(root) == {
        "http.request.method": "POST",
        "url.path": "/graphql",
        "http.response.status_code": 200,
        "http.response.body.size": len(response.content),
        "gql_service.request_id": response.headers["x-request-id"],
    }
    for span in spans:
        assert root.start_time_unix_nano <= span.start_time_unix_nano <= span.end_time_unix_nano
        assert span.end_time_unix_nano <= root.end_time_unix_nano
    assert collector.services == {"gql-service"}


def test_a_write_by_rest_is_traced_without_its_values(
    fresh_database_url: str, tmp_path: Path, collector: Collector
) -> None:
    with traced(tmp_path, fresh_database_url, collector) as (client, headers):
        body = {"metadata": {"a": SECRET}}
        assert client.patch(REST, json=body, headers=headers).status_code == 200
        spans = collector.trace("PATCH /api/core/users/platform-metadata/")
    assert "INSERT documents" in parents(spans)
    assert SECRET not in str(collector.spans)


@pytest.mark.parametrize("path", ["/graphql", REST])
def test_a_trace_is_continued(tmp_path: Path, collector: Collector, path: str) -> None:
    with traced(tmp_path, f"sqlite:///{tmp_path}/data", collector) as (client, headers):
        headers |= {"traceparent": f"00-{TRACE_ID}-{SPAN_ID}-01"}
        client.post(path, json={"query": QUERY}, headers=headers)
        wait_until(lambda: any(span.trace_id.hex() == TRACE_ID for span in list(collector.spans)))
        (root,) = [span for span in collector.spans if span.parent_span_id.hex() == SPAN_ID]
    assert root.name.startswith("POST")


def test_a_trace_that_is_not_sampled_is_not_sent(tmp_path: Path, collector: Collector) -> None:
    with traced(tmp_path, f"sqlite:///{tmp_path}/data", collector) as (client, headers):
        unsampled = {"traceparent": f"00-{TRACE_ID}-{SPAN_ID}-00"}
        client.post("/graphql", json={"query": QUERY}, headers=headers | unsampled)
        client.get(REST, headers=headers)
        collector.trace("GET /api/core/users/platform-metadata/")
    assert TRACE_ID not in {span.trace_id.hex() for span in collector.spans}


def test_new_traces_are_limited_unless_a_sampler_is_set(tmp_path: Path, collector: Collector) -> None:
    url = f"sqlite:///{tmp_path}/data"
    with traced(tmp_path, url, collector, OTEL_TRACES_SAMPLER="always_on") as (client, headers):
        for _ in range(60):
            client.post("/graphql", json={"query": QUERY}, headers=headers)

        def count() -> int:
            return len([span for span in list(collector.spans) if span.name == "POST /graphql"])

        wait_until(lambda: count() == 60)
    assert len({span.trace_id for span in collector.spans if span.name == "POST /graphql"}) == 60


def test_ten_new_traces_a_second_begin_by_default(tmp_path: Path, collector: Collector) -> None:
    """As many as were saved up, and as many as the time allows. Traces of others are never left out."""
    continued = 30
    with traced(tmp_path, f"sqlite:///{tmp_path}/data", collector) as (client, headers):
        started = time.monotonic()
        for number in range(200):
            client.post("/graphql", json={"query": QUERY}, headers=headers)
            if number < continued:
                parent = {"traceparent": f"00-{number + 1:032x}-{SPAN_ID}-01"}
                client.post("/graphql", json={"query": QUERY}, headers=headers | parent)
        seconds = time.monotonic() - started
    roots = [span for span in collector.spans if span.name == "POST /graphql"]
    others = [span for span in roots if span.parent_span_id.hex() == SPAN_ID]
    assert len(others) == continued
    assert 10 <= len(roots) - continued <= 10 + 10 * seconds


def test_new_traces_begin_again_after_some_time(tmp_path: Path, collector: Collector) -> None:
    with traced(tmp_path, f"sqlite:///{tmp_path}/data", collector) as (client, headers):

        def count() -> int:
            client.post("/graphql", json={"query": QUERY}, headers=headers)
            return len([span for span in list(collector.spans) if span.name == "POST /graphql"])

        wait_until(lambda: count() > 12)


def test_a_collector_that_is_down_stops_nothing(tmp_path: Path, collector: Collector) -> None:
    down = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_EXPORTER_OTLP_TIMEOUT": "1"}
    with traced(tmp_path, f"sqlite:///{tmp_path}/data", collector, **down) as (client, headers):
        for _ in range(5):
            assert client.post("/graphql", json={"query": QUERY}, headers=headers).status_code == 200
