"""The bytes of HTTP: a response leaves in one piece, and in the order of the requests."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.world import World

ASK = b'{"query": "{ __typename }"}'
ANSWER = b'{"data":{"__typename":"Query"}}'


def request(*headers: bytes, method: bytes = b"POST", path: bytes = b"/graphql", body: bytes = ASK) -> bytes:
    length = b"Content-Length: %d" % len(body)
    lines = [method + b" " + path + b" HTTP/1.1", b"Host: x", b"Content-Type: application/json", length]
    return b"\r\n".join([*lines, *headers, b"", body])


@contextmanager
def connected(world: World) -> Iterator[socket.socket]:
    host, port = world.service.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        yield connection


def received(connection: socket.socket, until: bytes, times: int = 1) -> bytes:
    data = b""
    while data.count(until) < times:
        more = connection.recv(65536)
        assert more, data
        data += more
    return data


def test_head_and_body_arrive_together(world: World) -> None:
    with connected(world) as connection:
        connection.sendall(request())
        assert connection.recv(65536).endswith(ANSWER)


def test_pipelined_requests_are_answered_in_their_order(world: World) -> None:
    second = ASK.replace(b"{ __", b"{ second: __")
    with connected(world) as connection:
        connection.sendall(request() + request(body=second) + request())
        bodies = received(connection, b'":"Query"}}', 3).split(b"HTTP/1.1 200 OK")[1:]
    assert [b"second" in body for body in bodies] == [False, True, False]


def test_a_response_is_whole_before_the_connection_closes(world: World) -> None:
    with connected(world) as connection:
        connection.sendall(request(b"Connection: close"))
        data = b""
        while more := connection.recv(65536):
            data += more
    assert data.startswith(b"HTTP/1.1 200 OK")
    assert data.endswith(ANSWER)


def test_a_large_response_arrives_whole(world: World) -> None:
    sdl = world.service.client.post("/graphql", json={"query": "{ _service { sdl } }"}).json()
    assert len(sdl["data"]["_service"]["sdl"]) > 20_000


def test_a_head_request_has_no_body(world: World) -> None:
    head = request(method=b"HEAD", path=b"/graphql?query=%7B__typename%7D", body=b"")
    with connected(world) as connection:
        connection.sendall(head + request())
        data = received(connection, ANSWER)
    assert data.count(b"HTTP/1.1 200 OK") == 2
    assert data.count(ANSWER) == 1
