"""HTTP on the wire: a response is written in one piece, in the order of the requests.

POST requests of GraphQL take a shortcut, all others are handled by uvicorn. Here they share connections.
"""

import json
import logging
import re
import select
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.http_clients import PATIENCE
from tests.support.service import Service, serving
from tests.support.world import World

ASK = b'{"query": "{ __typename }"}'
ANSWER = b'{"data":{"__typename":"Query"}}'


LIVE = b'{"status":"ok"}'


def head(
    *headers: bytes,
    method: bytes = b"POST",
    path: bytes = b"/graphql",
    version: bytes = b"1.1",
    length: int | None = len(ASK),
) -> bytes:
    lines = [method + b" " + path + b" HTTP/" + version, b"Host: x", b"Content-Type: application/json"]
    if length is not None:
        lines.append(b"Content-Length: %d" % length)
    return b"\r\n".join([*lines, *headers, b"", b""])


def request(*headers: bytes, method: bytes = b"POST", path: bytes = b"/graphql", body: bytes = ASK) -> bytes:
    return head(*headers, method=method, path=path, length=len(body)) + body


def live() -> bytes:
    return request(method=b"GET", path=b"/health/live", body=b"")


@contextmanager
def connected(at: World | Service) -> Iterator[socket.socket]:
    service = at.service if isinstance(at, World) else at
    host, port = service.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=PATIENCE) as connection:
        yield connection


def received(connection: socket.socket, until: bytes, times: int = 1) -> bytes:
    data = b""
    while data.count(until) < times:
        more = connection.recv(65536)
        assert more, data
        data += more
    return data


def receive_all(connection: socket.socket) -> bytes:
    data = b""
    while more := connection.recv(65536):
        data += more
    return data


def test_head_and_body_arrive_in_one_piece(world: World) -> None:
    with connected(world) as connection:
        connection.sendall(request())
        assert connection.recv(65536).endswith(ANSWER)


def test_pipelined_requests_are_answered_in_their_order(world: World) -> None:
    second = ASK.replace(b"{ __", b"{ second: __")
    with connected(world) as connection:
        connection.sendall(request() + request(body=second) + request())
        bodies = received(connection, b'":"Query"}}', 3).split(b"HTTP/1.1 200 OK")[1:]
    assert [b"second" in body for body in bodies] == [False, True, False]


def test_a_response_is_complete_before_the_connection_closes(world: World) -> None:
    with connected(world) as connection:
        connection.sendall(request(b"Connection: close"))
        data = receive_all(connection)
    assert data.startswith(b"HTTP/1.1 200 OK")
    assert b"\r\nconnection: close\r\n" in data
    assert data.endswith(ANSWER)


def test_a_large_response_arrives_completely(world: World) -> None:
    sdl = world.service.client.post("/graphql", json={"query": "{ _service { sdl } }"}).json()
    assert len(sdl["data"]["_service"]["sdl"]) > 20_000


def test_a_head_request_has_no_body(world: World) -> None:
    with connected(world) as connection:
        connection.sendall(
            request(method=b"HEAD", path=b"/graphql?query=%7B__typename%7D", body=b"") + request()
        )
        data = received(connection, ANSWER)
    assert data.count(b"HTTP/1.1 200 OK") == 2
    assert data.count(ANSWER) == 1


@pytest.mark.parametrize("size", [1, 7, 60, 150])
def test_a_request_may_arrive_in_pieces(world: World, size: int) -> None:
    text = request()
    with connected(world) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for start in range(0, len(text), size):
            connection.sendall(text[start : start + size])
            time.sleep(0.001)
        assert received(connection, ANSWER).startswith(b"HTTP/1.1 200 OK")


def test_a_connection_serves_shortcut_and_other_requests_alternately(world: World) -> None:
    with connected(world) as connection:
        for _ in range(3):
            connection.sendall(request())
            assert b"connection: close" not in received(connection, ANSWER)
            connection.sendall(live())
            received(connection, LIVE)


def test_a_response_has_a_date_and_a_length(world: World) -> None:
    with connected(world) as connection:
        connection.sendall(request())
        data = received(connection, ANSWER).lower()
    assert re.search(rb"\r\ndate: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d gmt\r\n", data)
    assert b"\r\ncontent-length: %d\r\n" % len(ANSWER) in data
    assert b"\r\ncache-control: no-store\r\n" in data


def test_http_1_0_gets_one_response_per_connection(world: World) -> None:
    with connected(world) as connection:
        connection.sendall(head(version=b"1.0") + ASK)
        data = receive_all(connection)
    assert data.count(ANSWER) == 1
    assert b"\r\nconnection: close\r\n" in data


def test_a_client_may_expect_100_continue(world: World) -> None:
    with connected(world) as connection:
        connection.sendall(head(b"Expect: 100-continue"))
        assert received(connection, b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(ASK)
        received(connection, ANSWER)


def test_a_body_may_come_in_chunks(world: World) -> None:
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (ASK[:9], ASK[9:])) + b"0\r\n\r\n"
    with connected(world) as connection:
        connection.sendall(head(b"Transfer-Encoding: chunked", length=None) + chunks + request())
        received(connection, ANSWER, 2)


def test_a_slow_operation_keeps_its_place_in_the_order_of_responses(world: World) -> None:
    """A write waits for its commit; the requests after it on the connection need not wait."""
    token = b"Authorization: Bearer " + world.member.token.encode()
    patch = """mutation ($key: String!, $at: Int!) { patchPlatformMetadata(
      input: {platformKey: $key, metadata: {at: $at}}) { platformMetadata { revision } } }"""
    variables = [{"key": world.platform_key, "at": at} for at in range(3)]
    patches = [json.dumps({"query": patch, "variables": each}).encode() for each in variables]
    with connected(world) as connection:
        connection.sendall(b"".join(request(token, body=patch) + live() + request() for patch in patches))
        data = received(connection, ANSWER, 3)
    found = re.findall(rb'"revision":(\d)|(status)|(__typename)', data)
    assert found == [
        each
        for revision in (b"1", b"2", b"3")
        for each in ((revision, b"", b""), (b"", b"status", b""), (b"", b"", b"__typename"))
    ]


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_that_is_too_large_is_refused_before_it_is_received(world: World, chunked: bool) -> None:
    largest = world.service.settings.max_body_size
    with connected(world) as connection:
        if chunked:
            start = head(b"Transfer-Encoding: chunked", length=None)
            connection.sendall(start + b"%x\r\n" % (largest + 1) + b" " * (largest + 1))
        else:
            connection.sendall(head(length=largest + 1))
        assert received(connection, b"LIMIT_EXCEEDED").startswith(b"HTTP/1.1 413 ")


def test_after_a_rejected_body_the_connection_remains_usable(world: World) -> None:
    largest = world.service.settings.max_body_size
    with connected(world) as connection:
        connection.sendall(head(length=largest + 1))
        received(connection, b"LIMIT_EXCEEDED")
        connection.sendall(b" " * (largest + 1) + request())
        received(connection, ANSWER)


@pytest.mark.parametrize("sent", [head(length=1000) + ASK, request(), request() + request()[:90]])
def test_a_client_that_disconnects_affects_nobody_else(
    world: World, sent: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        for _ in range(5):
            with connected(world) as connection:
                connection.sendall(sent)
        assert world.member.ask("{ __typename }") == {"__typename": "Query"}
    assert not caplog.records


def test_a_large_body_and_a_large_response_pass_through_small_buffers(world: World) -> None:
    padding = b" " * (world.service.settings.max_body_size - 1000)
    body = b'{"query": "{ _service { sdl } }"}' + padding
    with connected(world) as connection:
        token = f"Authorization: Bearer {world.member.token}".encode()
        connection.sendall(request(token, body=body) * 2)
        time.sleep(0.2)
        data = received(connection, b'"}}}', 2)
    assert len(data) > 40_000


def test_running_requests_are_completed_when_the_server_stops(fresh_database_url: str) -> None:
    with serving(fresh_database_url) as service, connected(service) as begun, connected(service) as idle:
        begun.sendall(head() + ASK[:5])
        idle.sendall(request())
        received(idle, ANSWER)
        stopping = threading.Thread(target=service.stop)
        stopping.start()
        assert idle.recv(65536) == b""
        begun.sendall(ASK[5:])
        data = receive_all(begun)
        stopping.join()
    assert data.endswith(ANSWER)
    assert b"\r\nconnection: close\r\n" in data


def test_stopping_under_load_truncates_no_response(fresh_database_url: str) -> None:
    """A connection may be closed between two requests, but never within a response."""
    responses: list[bytes] = []

    def ask_until_closed(service: Service) -> None:
        with connected(service) as connection:
            while True:
                try:
                    connection.sendall(request())
                    data = connection.recv(65536)
                except ConnectionError:
                    return
                if not data:
                    return
                responses.append(data)

    with serving(fresh_database_url) as service:
        threads = [threading.Thread(target=ask_until_closed, args=(service,)) for _ in range(8)]
        for thread in threads:
            thread.start()
        while len(responses) < 50:
            time.sleep(0.01)
        service.stop()
        for thread in threads:
            thread.join(PATIENCE)
            assert not thread.is_alive()
    assert all(data.startswith(b"HTTP/1.1 200 OK") and data.endswith(ANSWER) for data in responses)


def test_a_connection_is_closed_when_it_was_idle_for_the_time_of_the_setting(tmp_path: Path) -> None:
    """And not earlier: the timeout starts at the end of the last response."""
    at = f"sqlite+aiosqlite:///{tmp_path / 'test.sqlite3'}"
    with serving(at, keep_alive=7) as service, connected(service) as unused, connected(service) as used:
        unused.sendall(request())
        received(unused, ANSWER)
        answered_at = time.monotonic()
        while not select.select([unused], [], [], 0.25)[0]:
            used.sendall(request())
            received(used, ANSWER)
            assert time.monotonic() - answered_at < PATIENCE, "it is never closed"
        assert unused.recv(1) == b""
        assert time.monotonic() - answered_at > 6.5
        used.sendall(request())
        received(used, ANSWER)
