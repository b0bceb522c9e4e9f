"""Requests to upgrade to another protocol: each gets one response, as if it had no `Upgrade` header.

The parser takes the head of such a request for the whole message, and the body for another protocol. A server
that ignores the header must not lose the body, nor execute it as the next request.
"""

import shutil
import socket
import subprocess
import time

import pytest

from tests.conftest import require
from tests.support.http_clients import PATIENCE
from tests.support.world import REST, World
from tests.web.test_http_protocol import (
    ANSWER,
    ASK,
    LIVE,
    connected,
    head,
    live,
    receive_all,
    received,
    request,
)

UPGRADE = (b"Connection: Upgrade", b"Upgrade: foo")
# What the HttpClient of Java 17 sends by default, to the byte, in two packets.
JAVA_HEAD = (
    b"POST /graphql HTTP/1.1\r\nConnection: Upgrade, HTTP2-Settings\r\nContent-Length: 27\r\n"
    b"Host: 127.0.0.1:7999\r\nHTTP2-Settings: AAEAAEAAAAIAAAAAAAMAAAAAAAQBAAAAAAUAAEAAAAYABgAA\r\n"
    b"Upgrade: h2c\r\nUser-Agent: Java-http-client/17.0.15\r\nContent-Type: application/json\r\n\r\n"
)
SMUGGLED = b"GET /health/live HTTP/1.1\r\nHost: evil\r\n\r\n"


def chunked(*parts: bytes) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (*parts, b""))


def rest(world: World, *headers: bytes, length: int | None) -> bytes:
    """The head of a PATCH request by the member."""
    path = f"{REST}?platform_key={world.platform_key}".encode()
    token = b"Authorization: Token " + world.member.token.encode()
    return head(token, *headers, method=b"PATCH", path=path, length=length)


def split_everywhere(world: World, data: bytes, answer: bytes) -> None:
    """Send a request in two pieces, for each way to do so. It and the next one get one response each."""
    with connected(world) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for at in range(len(data) + 1):
            connection.sendall(data[:at])
            time.sleep(0.0005)
            connection.sendall(data[at:] + live())
            text = received(connection, LIVE)
            assert text.count(b"HTTP/1.1 ") == text.count(b"HTTP/1.1 200 OK") == 2, (at, text)
            assert text.index(answer) < text.index(LIVE)


def test_an_upgrade_of_graphql_is_answered_wherever_its_bytes_are_split(world: World) -> None:
    split_everywhere(world, request(*UPGRADE), ANSWER)


def test_an_upgrade_of_graphql_may_come_in_chunks(world: World) -> None:
    start = head(*UPGRADE, b"Transfer-Encoding: chunked", length=None)
    split_everywhere(world, start + chunked(ASK[:5], ASK[5:]), ANSWER)


def test_an_upgrade_of_rest_is_answered_wherever_its_bytes_are_split(world: World) -> None:
    body = b'{"metadata":{"a":1}}'
    split_everywhere(world, rest(world, *UPGRADE, length=len(body)) + body, b'"metadata":{"a":1}')
    start = rest(world, *UPGRADE, b"Transfer-Encoding: chunked", length=None)
    split_everywhere(world, start + chunked(b'{"metadata"', b':{"a":2}}'), b'"metadata":{"a":2}')


@pytest.mark.parametrize("is_chunked", [False, True])
@pytest.mark.parametrize("path", [b"/graphql", REST.encode(), b"/health/live", b"/nowhere"])
def test_a_body_is_never_executed_as_a_request(world: World, path: bytes, is_chunked: bool) -> None:
    """Whether the body arrives with the head or after it, and whatever it contains."""
    if is_chunked:
        start, body = head(*UPGRADE, b"Transfer-Encoding: chunked", path=path, length=None), chunked(SMUGGLED)
    else:
        start, body = head(*UPGRADE, path=path, length=len(SMUGGLED)), SMUGGLED
    for pieces in ([start + body], [start, body]):
        with connected(world) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for piece in pieces:
                connection.sendall(piece)
                time.sleep(0.01)
            connection.sendall(request(b"Connection: close"))
            text = receive_all(connection)
        assert text.count(b"HTTP/1.1 ") == 2
        assert text.endswith(ANSWER)
        assert LIVE not in text or path == b"/health/live"


def test_upgrades_and_other_requests_share_a_connection_in_order(world: World) -> None:
    asks = [request(*UPGRADE, body=b'{"query": "{ a%d: __typename }"}' % at) for at in range(20)]
    with connected(world) as connection:
        connection.sendall(b"".join(ask + live() for ask in asks))
        text = received(connection, LIVE, 20)
    assert text.count(b"HTTP/1.1 200 OK") == 40
    places = [text.index(b'"a%d"' % at) for at in range(20)]
    assert places == sorted(places)


def test_what_java_sends_by_default_is_answered(world: World) -> None:
    for pieces in ([JAVA_HEAD + ASK], [JAVA_HEAD, ASK]):
        with connected(world) as connection:
            for piece in pieces:
                connection.sendall(piece)
                time.sleep(0.01)
            assert received(connection, ANSWER).startswith(b"HTTP/1.1 200 OK")
            connection.sendall(request())
            received(connection, ANSWER)


@pytest.mark.parametrize("body", [ASK, b" " * 20_000 + ASK])
def test_curl_asks_for_http_2_and_is_answered(world: World, body: bytes) -> None:
    """For a large body, it expects `100 Continue` as well."""
    require("curl", shutil.which("curl") is not None)
    headers = ["-H", "Content-Type: application/json", "-H", "Expect: 100-continue"]
    command = ["curl", "-sS", "--http2", *headers, "--data-binary", "@-", f"{world.service.url}/graphql"]
    done = subprocess.run(command, input=body, capture_output=True, timeout=PATIENCE, check=False)
    assert (done.stdout, done.stderr) == (ANSWER, b"")


@pytest.mark.parametrize(
    "headers",
    [
        (
            b"Connection: upgrade",
            b"Upgrade: websocket",
            b"Sec-WebSocket-Version: 13",
            b"Sec-WebSocket-Key: eA==",
        ),
        (b"Connection: keep-alive, Upgrade", b"Upgrade: WebSocket"),
        (b"Connection: Upgrade", b"Upgrade: h2c, websocket"),
        (b"Connection: Upgrade", b"Upgrade: h2c", b"Upgrade: foo/2"),
        (b"Upgrade: h2c",),
        (b"Connection: Upgrade",),
    ],
)
def test_paths_without_websockets_answer_as_usual(world: World, headers: tuple[bytes, ...]) -> None:
    with connected(world) as connection:
        connection.sendall(request(*headers, method=b"GET", path=b"/health/live", body=b""))
        received(connection, LIVE)
        connection.sendall(request(*headers))
        received(connection, ANSWER)
        connection.sendall(request(*headers, method=b"GET", path=REST.encode(), body=b""))
        assert received(connection, b"}").startswith(b"HTTP/1.1 401 ")


def test_an_upgrade_that_closes_the_connection_is_answered(world: World) -> None:
    for start in (
        head(b"Connection: close, Upgrade", b"Upgrade: h2c"),
        head(*UPGRADE, version=b"1.0"),
    ):
        with connected(world) as connection:
            connection.sendall(start + ASK + SMUGGLED)
            text = receive_all(connection)
        assert text.count(b"HTTP/1.1 ") == 1
        assert text.endswith(ANSWER)


def test_an_upgrade_may_expect_100_continue(world: World) -> None:
    with connected(world) as connection:
        connection.sendall(head(*UPGRADE, b"Expect: 100-continue"))
        assert received(connection, b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(ASK)
        received(connection, ANSWER)


def test_connect_is_refused(world: World) -> None:
    """The parser treats it like an upgrade: what follows belongs to the other host."""
    with connected(world) as connection:
        connection.sendall(b"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n" + SMUGGLED)
        text = receive_all(connection)
    assert text.startswith(b"HTTP/1.1 501 ")
    assert text.count(b"HTTP/1.1 ") == 1
    assert text.endswith(b"CONNECT is not supported.")


def test_large_upgrades_pass_through_small_buffers(world: World) -> None:
    padding = b" " * (world.service.settings.max_body_size - 1000)
    token = f"Authorization: Bearer {world.member.token}".encode()
    with connected(world) as connection:
        connection.sendall(request(token, *UPGRADE, body=ASK + padding) * 2)
        received(connection, ANSWER, 2)
