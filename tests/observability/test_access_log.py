"""The access log, request ids and traces, of real server processes."""

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.cli_processes import Server, command, serving_process
from tests.support.http_clients import http_client
from tests.support.service import wait_until
from tests.support.shop import new_shop

REST = "/api/core/users/platform-metadata/"
TRACE_ID, SPAN_ID = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SECRET = "s3cret-value"


@contextmanager
def server_with(folder: Path, *arguments: str, **settings: str) -> Iterator[tuple[Server, str]]:
    """A server process with demo tables, and the token of a user."""
    url = f"sqlite:///{folder / 'data.sqlite3'}"
    token = new_shop(url)
    extra = {f"GQL_SERVICE_{name.upper()}": value for name, value in settings.items()}
    with serving_process(folder, url, *arguments, extra=extra) as server:
        yield server, token


def log_lines(server: Server, event: str, count: int) -> list[dict[str, Any]]:
    """The lines of an event, once there are `count` of them; those of health checks are left out."""

    def found() -> list[dict[str, Any]]:
        parsed = [json.loads(line) for line in server.output.splitlines(keepends=True) if line.endswith("\n")]
        return [
            line
            for line in parsed
            if line["event"] == event and not str(line.get("path")).startswith("/health")
        ]

    wait_until(lambda: len(found()) >= count)
    return found()


@pytest.fixture(scope="module")
def logging_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with an access log, which several tests share."""
    with server_with(tmp_path_factory.mktemp("logging"), access_log="true") as (server, _token):
        yield server


def line_of(server: Server, response: httpx.Response) -> dict[str, Any]:
    """The line of the access log for a request."""
    id = response.headers["x-request-id"]

    def found() -> list[dict[str, Any]]:
        return [line for line in log_lines(server, "request", 1) if line["request_id"] == id]

    wait_until(lambda: bool(found()))
    (line,) = found()
    return line


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("cors", ["[]", '["https://app.example.com"]'])
def test_every_request_has_one_line(tmp_path: Path, cors: str, workers: str) -> None:
    with (
        server_with(tmp_path, "--workers", workers, access_log="true", cors_origins=cors) as (server, token),
        http_client(server.url) as client,
    ):
        bearer, basic = {"Authorization": f"Bearer {token}"}, {"Authorization": f"Token {token}"}
        named = {"query": "query Named { me { username } }"}
        sent = [
            client.post("/graphql", json=named, headers=bearer),
            client.post("/graphql", json={"query": "{ me { username } }"}, headers=bearer),
            client.post("/graphql", json={"query": "{ nothing }"}),
            client.get("/graphql", params={"query": f"{{ __typename }} # {SECRET}"}, headers=bearer),
            client.get(REST, params={"platform_key": "shop"}, headers=basic),
            client.patch(f"{REST}?platform_key=shop", json={"metadata": {"a": SECRET}}, headers=basic),
            client.get(f'/no"where/{chr(228)}?q={SECRET}'),
        ]
        lines = log_lines(server, "request", len(sent))
        assert SECRET not in server.output
    by_id = {line["request_id"]: line for line in lines}
    assert len(by_id) == len(lines) == len(sent), "each has an id of its own"
    seen = []
    for response in sent:
        line = by_id[response.headers["x-request-id"]]
        assert line.keys() == {
            "method", "path", "status", "duration_ms", "bytes", "door", "operation", "request_id",
            "trace_id", "event", "log", "level", "timestamp",
        }  # fmt: skip
        assert line["status"] == response.status_code
        assert line["bytes"] == len(response.content)
        assert line["duration_ms"] > 0
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", line["timestamp"])
        seen.append((line["method"], line["path"], line["door"], line["operation"]))
    assert seen == [
        ("POST", "/graphql", "graphql", "Named"),
        ("POST", "/graphql", "graphql", None),
        ("POST", "/graphql", "graphql", None),
        ("GET", "/graphql", "graphql", None),
        ("GET", REST, "rest", "GET"),
        ("PATCH", REST, "rest", "PATCH"),
        ("GET", '/no"where/\u00e4', "other", None),
    ]


def test_by_default_there_is_no_access_log(tmp_path: Path) -> None:
    with server_with(tmp_path) as (server, token):
        response = server.ask("{ me { username } }", token)
        assert "x-request-id" not in response.headers, "nothing is paid for it"
        assert '"event":"request"' not in server.output


def test_a_request_id_comes_back_and_is_in_every_line(tmp_path: Path) -> None:
    """Also without an access log."""
    with server_with(tmp_path, trust="log") as (server, token), http_client(server.url) as client:
        ids = {"X-Request-Id": "from-proxy.1", "traceparent": f"00-{TRACE_ID}-{SPAN_ID}-01"}
        headers = {"Authorization": f"Bearer {token}"} | ids
        response = client.post("/graphql", json={"query": "{ me { username } }"}, headers=headers)
        assert response.headers["x-request-id"] == "from-proxy.1"
        (line,) = log_lines(server, "untrusted document", 1)
        assert (line["request_id"], line["trace_id"]) == ("from-proxy.1", TRACE_ID)
        found = client.get(REST, params={"platform_key": "shop"}, headers=headers | {"X-Request-Id": "b"})
        assert found.headers["x-request-id"] == "b"
        assert server.ask("{ me { id } }", token).status_code == 200
        assert "request_id" not in log_lines(server, "untrusted document", 2)[-1]


def test_the_security_log_has_the_same_id(tmp_path: Path) -> None:
    with server_with(tmp_path, access_log="true") as (server, _token), http_client(server.url) as client:
        sent = [
            client.post("/graphql", json={"query": "{ me { id } }"}, headers=wrong("Bearer")),
            client.get(REST, params={"platform_key": "shop"}, headers=wrong("Token")),
        ]
        assert [response.status_code for response in sent] == [401, 401]
        lines = log_lines(server, "authentication.failed", 2)
    assert [each.headers["x-request-id"] for each in sent] == [line["request_id"] for line in lines]


def wrong(scheme: str) -> dict[str, str]:
    return {"Authorization": f"{scheme} wrong"}


@pytest.mark.parametrize("id", ["", "a b", "x" * 129, 'a"b'])
def test_an_invalid_request_id_is_replaced(logging_server: Server, id: str) -> None:
    with http_client(logging_server.url) as client:
        response = client.post("/graphql", json={"query": "{ __typename }"}, headers={"X-Request-Id": id})
        assert re.fullmatch("[0-9a-f]{16}", response.headers["x-request-id"])


@pytest.mark.parametrize(
    ("trace_parent", "trace_id"),
    [
        (f"00-{TRACE_ID}-{SPAN_ID}-00", TRACE_ID),
        (f"01-{TRACE_ID}-{SPAN_ID}-01-later", TRACE_ID),
        (f"00-{TRACE_ID}-{SPAN_ID}-01-later", None),
        (f"00-{'0' * 32}-{SPAN_ID}-01", None),
        (f"00-{TRACE_ID}-{'0' * 16}-01", None),
        (f"ff-{TRACE_ID}-{SPAN_ID}-01", None),
        (f"00-{TRACE_ID.upper()}-{SPAN_ID}-01", None),
    ],
)
def test_a_trace_is_continued_if_it_is_valid(
    logging_server: Server, trace_parent: str, trace_id: str | None
) -> None:
    with http_client(logging_server.url) as client:
        headers = {"traceparent": trace_parent}
        response = client.post("/graphql", json={"query": "{ __typename }"}, headers=headers)
    assert line_of(logging_server, response)["trace_id"] == trace_id


def test_slow_requests_are_warnings(tmp_path: Path) -> None:
    with server_with(tmp_path, slow_request="20") as (server, _token), http_client(server.url) as client:
        json_type = {"Content-Type": "application/json"}
        assert client.post("/graphql", content=late_body(), headers=json_type).status_code == 200
        (line,) = log_lines(server, "slow request", 1)
    assert (line["level"], line["path"], line["operation"]) == ("warning", "/graphql", "Slow")
    assert line["duration_ms"] >= 20
    assert line["request_id"]


def late_body() -> Iterator[bytes]:
    """A body whose end comes late, so that the request is slow on any machine."""
    yield b'{"query": '
    time.sleep(0.1)
    yield b'"query Slow { __typename }"}'


def test_lines_of_two_workers_are_never_mixed(tmp_path: Path) -> None:
    with server_with(tmp_path, "--workers", "2", access_log="true") as (server, _token):
        with http_client(server.url) as client:
            for _ in range(300):
                client.post("/graphql", json={"query": "{ __typename }"})
        assert len(log_lines(server, "request", 300)) == 300


def test_a_command_has_no_access_log(tmp_path: Path) -> None:
    done = command(f"sqlite:///{tmp_path}/data", "migrate", access_log="true", slow_request="1")
    assert (done.returncode, done.stderr) == (0, "")
