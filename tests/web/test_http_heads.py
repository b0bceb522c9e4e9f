"""Request heads that never end or never arrive: they occupy no memory, and no connection for long."""

import asyncio
import json
import select
import socket
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from gql_service.settings import Settings
from tests.support.http_clients import PATIENCE
from tests.support.service import serving
from tests.support.world import World
from tests.web.test_http_protocol import ANSWER, ASK, connected, head, receive_all, received, request

BUFFER = 64 * 1024
PIECE = b"x" * 16_384
CHUNKED = head(b"Transfer-Encoding: chunked", length=None) + b"%x\r\n%b\r\n" % (len(ASK), ASK)
ENDLESS = {
    "a path": (b"GET /", PIECE),
    "a name": (b"GET / HTTP/1.1\r\n", PIECE),
    "a value": (b"GET / HTTP/1.1\r\nHost: ", PIECE),
    "headers": (b"GET / HTTP/1.1\r\n", b"X: y\r\n" * 3000),
    "headers of a post": (head()[:-2], b"X: y\r\n" * 3000),
    "trailers": (CHUNKED + b"0\r\n", b"X: y\r\n" * 3000),
    "a trailer": (CHUNKED + b"0\r\nX: ", PIECE),
    "an extension of a chunk": (CHUNKED + b"5;", PIECE),
    "empty lines": (b"", b"\r\n" * 8000),
}


@pytest.mark.parametrize("name", ENDLESS)
def test_an_endless_head_closes_the_connection(world: World, name: str) -> None:
    start, piece = ENDLESS[name]
    with connected(world) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)  # no more data is in transit
        connection.sendall(start)
        sent = 0
        try:
            while sent < 10_000_000:
                connection.sendall(piece)
                sent += len(piece)
                time.sleep(0.001)
            pytest.fail("it could be sent")
        except ConnectionError:
            pass
    assert sent < 4_000_000  # the buffers of the system hold some of it
    assert world.member.ask("{ __typename }")


def test_an_endless_head_gets_an_error_message(world: World) -> None:
    """A client that is still sending when the connection is closed may miss the message, and tries again."""
    data = b""
    for _ in range(20):
        with suppress(ConnectionError):
            data = answer_to_an_endless_head(world)
            break
    assert data.startswith(b"HTTP/1.1 400 ")
    assert b"\r\nconnection: close\r\n" in data
    assert data.endswith(b"The head of the request is too large.")


def answer_to_an_endless_head(world: World) -> bytes:
    with connected(world) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nX: ")
        for _ in range(10):
            connection.sendall(PIECE)
            if select.select([connection], [], [], 0.1)[0]:
                break
        return receive_all(connection)


def test_a_long_head_and_a_long_body_in_pieces_are_accepted(world: World) -> None:
    token = f"Authorization: Bearer {world.member.token}".encode()
    with connected(world) as connection:
        connection.sendall(head(token, b"X: " + b"y" * 50_000, length=len(ASK) + 500_000))
        connection.sendall(ASK)
        for _ in range(100):
            connection.sendall(b" " * 5000)
            time.sleep(0.001)
        received(connection, ANSWER)
        connection.sendall(request())
        received(connection, ANSWER)


def is_closed(connection: socket.socket) -> bool:
    """The server closes the connection, and has sent nothing before."""
    if not select.select([connection], [], [], 0)[0]:
        return False
    with suppress(ConnectionError):
        assert connection.recv(65536) == b""
    return True


def test_a_head_that_has_begun_must_arrive_in_five_seconds(fresh_database_url: str) -> None:
    """Whatever the connection sends. The time between requests, of a response or of a body does not count."""
    with (
        serving(fresh_database_url) as service,
        connected(service) as silent,
        connected(service) as idle,
        connected(service) as slow,
        connected(service) as again,
        connected(service) as busy,
    ):
        for connection in (idle, again):
            connection.sendall(request())
            received(connection, ANSWER)
        started = time.monotonic()
        slow.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        slow.sendall(b"GET / HTTP/1.1\r\n")
        again.sendall(b"G")
        busy.sendall(head())
        closed: list[socket.socket] = []
        while len(closed) < 2:
            assert time.monotonic() - started < PATIENCE, "they are never closed"
            time.sleep(0.25)
            with suppress(ConnectionError):
                slow.sendall(b"X")
            closed += [each for each in (slow, again) if each not in closed and is_closed(each)]
            assert not closed or time.monotonic() - started > 4
        busy.sendall(ASK)
        received(busy, ANSWER)
        for connection in (silent, idle):
            assert not is_closed(connection)
            connection.sendall(request())
            received(connection, ANSWER)


def test_a_connection_without_a_head_is_closed_after_the_time_of_the_setting(tmp_path: Path) -> None:
    """Also if it has never sent one, or sends nothing but empty lines."""
    at = f"sqlite+aiosqlite:///{tmp_path / 'test.sqlite3'}"
    with serving(at, keep_alive=1) as service, connected(service) as silent, connected(service) as again:
        again.sendall(request())
        received(again, ANSWER)
        started = time.monotonic()
        still_open = [silent, again]
        while still_open:
            assert time.monotonic() - started < PATIENCE, "they are never closed"
            time.sleep(0.1)
            with suppress(ConnectionError):
                again.sendall(b"\r\n")
            still_open = [each for each in still_open if not is_closed(each)]
        assert time.monotonic() - started > 0.8


def test_a_head_has_its_five_seconds_however_short_the_time_between_requests(tmp_path: Path) -> None:
    at = f"sqlite+aiosqlite:///{tmp_path / 'test.sqlite3'}"
    with serving(at, keep_alive=1) as service, connected(service) as connection:
        connection.sendall(request()[:20])
        time.sleep(2.5)
        connection.sendall(request()[20:])
        received(connection, ANSWER)


def test_by_default_a_connection_outlives_the_idle_timeout_of_load_balancers() -> None:
    """AWS closes idle connections after 60 seconds by default."""
    assert Settings().keep_alive > 60


def test_a_slow_head_does_not_cut_off_the_previous_response(tmp_path: Path) -> None:
    at = f"sqlite+aiosqlite:///{tmp_path / 'test.sqlite3'}"
    with serving(at) as service, connected(service) as connection:
        world = World(service)
        token = b"Authorization: Bearer " + world.member.token.encode()
        query = (
            "mutation ($key: String!) { clearPlatformMetadata(input: {platformKey: $key}) { __typename } }"
        )
        body = json.dumps({"query": query, "variables": {"key": world.platform_key}}).encode()
        lock_taken = threading.Event()

        async def hold(_transaction: object) -> None:
            lock_taken.set()
            await asyncio.sleep(6)

        holding = threading.Thread(target=service.write, args=(hold,))
        holding.start()
        assert lock_taken.wait(PATIENCE)
        connection.sendall(request(token, body=body) + b"GET / HT")
        assert b"ClearPlatformMetadataPayload" in received(connection, b"}}")
        holding.join()


@pytest.mark.parametrize("host", [b"HOST:x   ", b"Host: x\t", b"Host: [::1]:80 "])
@pytest.mark.parametrize("path", [b"/graphql", b"/graphql/"])
def test_white_space_around_a_value_is_not_part_of_it(world: World, host: bytes, path: bytes) -> None:
    data = request(b"Connection: close", b"Accept: application/json ", path=path).replace(b"Host: x", host)
    with connected(world) as connection:
        connection.sendall(data)
        answer = receive_all(connection)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.endswith(ANSWER)


@pytest.mark.parametrize("path", [b"/graphql", b"/graphql/"])
def test_a_list_may_have_several_lines(world: World, path: bytes) -> None:
    for headers, status in (
        ((b"Accept: image/png", b"Accept: application/json"), b"200"),
        ((b"Accept: application/json;q=0.5", b"Accept: application/graphql-response+json"), b"200"),
        ((b"Content-Encoding: identity", b"Content-Encoding: gzip"), b"415"),
    ):
        with connected(world) as connection:
            connection.sendall(request(b"Connection: close", *headers, path=path))
            answer = receive_all(connection)
        assert answer.startswith(b"HTTP/1.1 " + status), (headers, answer)


@pytest.mark.parametrize("path", [b"/graphql", b"/graphql/"])
def test_a_client_that_closes_its_side_gets_all_responses(world: World, path: bytes) -> None:
    with connected(world) as connection:
        connection.sendall(request(path=path) * 5)
        connection.shutdown(socket.SHUT_WR)
        assert receive_all(connection).count(ANSWER) == 5


@pytest.mark.parametrize("path", [b"/graphql", b"/graphql/"])
def test_a_request_that_is_cut_off_closes_the_connection(world: World, path: bytes) -> None:
    for data in (request(path=path)[:-1], request(path=path)[:30], b""):
        with connected(world) as connection:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            assert receive_all(connection) == b""


def test_http_1_0_gets_no_interim_response(world: World) -> None:
    with connected(world) as connection:
        connection.sendall(head(b"Expect: 100-continue", version=b"1.0") + ASK)
        answer = receive_all(connection)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.endswith(ANSWER)
