"""The head and the framing of a request (RFC 9112): what is ambiguous or invalid gets one 400, and an end."""

import re
import time

import pytest

from tests.support.service import Service
from tests.support.world import REST, World
from tests.web.test_http_protocol import ANSWER, ASK, LIVE, connected, live, receive_all, received, request
from tests.web.test_upgrades import SMUGGLED, chunked

LENGTH = b"Content-Length: %d" % len(ASK)
CHUNKED = b"Transfer-Encoding: chunked"
TARGETS = (b"POST /graphql", b"PATCH " + REST.encode(), b"GET /health/live", b"GET /nowhere")
UNREADABLE_HEADS = {
    "two lengths that differ": (LENGTH, b"Content-Length: 3"),
    "two equal lengths": (LENGTH, LENGTH),
    "a list of lengths": (b"Content-Length: 27, 27",),
    "an empty length": (b"Content-Length:",),
    "a signed length": (b"Content-Length: +27",),
    "a hexadecimal length": (b"Content-Length: 0x1b",),
    "a length, then chunks": (LENGTH, CHUNKED),
    "chunks, then a length": (CHUNKED, LENGTH),
    "an empty transfer coding": (b"Transfer-Encoding:",),
    "chunked twice": (CHUNKED, CHUNKED),
    "a list of chunked": (b"Transfer-Encoding: chunked, chunked",),
    "no chunked": (b"Transfer-Encoding: identity",),
    "chunked not last": (b"Transfer-Encoding: chunked, gzip",),
    "almost chunked": (b"Transfer-Encoding: xchunked",),
    "chunked with a parameter": (b"Transfer-Encoding: chunked;a=b",),
    "a folded line": (b"X: a", b" b", LENGTH),
    "a folded coding": (b"Transfer-Encoding:", b" chunked"),
    "a space before the colon": (b"Content-Length : 27",),
    "a line feed alone": (b"X: a\nContent-Length: 27",),
    "a carriage return alone": (b"X: a\rContent-Length: 27",),
    "no name": (b": 27",),
    "a control character": (b"X: \x01",),
    "no colon": (b"Content-Length",),
}
BAD_CHUNKS = {
    "no number": b"zz\r\n",
    "an empty size": b"\r\n",
    "a negative size": b"-3\r\nabc\r\n0\r\n\r\n",
    "a prefix": b"0x3\r\nabc\r\n0\r\n\r\n",
    "a space": b"3 \r\nabc\r\n0\r\n\r\n",
    "a line feed alone": b"3\nabc\r\n0\r\n\r\n",
    "more than the size": b"3\r\nabcX\r\n0\r\n\r\n",
    "no line end": b"3\r\nabc0\r\n\r\n",
    "an overflow": b"fffffffffffffffff\r\n",
    "a line end in an extension": b'3;x="\r\n"\r\nabc\r\n0\r\n\r\n',
    "a length as a trailer": b"0\r\nContent-Length: 5\r\n\r\n",
}


def raw(target: bytes, *lines: bytes, version: bytes = b"1.1") -> bytes:
    """A request head of exactly these lines."""
    return b"\r\n".join([target + b" HTTP/" + version, *lines, b"", b""])


@pytest.fixture(scope="module")
def world(service: Service) -> World:
    """The tests share their users: no request changes anything."""
    return World(service)


def refusal(world: World, *pieces: bytes) -> bytes:
    """All that comes back, which must be one response."""
    with connected(world) as connection:
        for piece in pieces:
            connection.sendall(piece)
            time.sleep(0.002)
        text = receive_all(connection)
    assert text.count(b"HTTP/1.1 ") == 1, text
    assert b"\r\nconnection: close\r\n" in text
    return text


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(
    ("hosts", "message"),
    [
        ((), b"The request has no Host header."),
        ((b"Host: a", b"Host: a"), b"The request has more than one Host header."),
        ((b"Host: a", b"host: b"), b"The request has more than one Host header."),
        ((b"Host: a b",), b"The Host header is invalid."),
        ((b"Host: a, b",), b"The Host header is invalid."),
        ((b"Host: a/b",), b"The Host header is invalid."),
        ((b"Host: user@a",), b"The Host header is invalid."),
        ((b"Host: http://a",), b"The Host header is invalid."),
        ((b"Host: a:b",), b"The Host header is invalid."),
        ((b"Host: a:1:2",), b"The Host header is invalid."),
        ((b"Host: [::1",), b"The Host header is invalid."),
        ((b"Host: \xff",), b"The Host header is invalid."),
        ((b"Host: %2",), b"The Host header is invalid."),
    ],
)
def test_a_request_has_one_valid_host(
    world: World, target: bytes, hosts: tuple[bytes, ...], message: bytes
) -> None:
    text = refusal(world, raw(target, *hosts, b"Content-Length: 0") + SMUGGLED)
    assert text.startswith(b"HTTP/1.1 400 ")
    assert text.endswith(message)


@pytest.mark.parametrize(
    "host",
    [b"a", b"A.example.com", b"a:", b"a:8000", b"127.0.0.1:1", b"[::1]:80", b"[v1.a:b]", b"a_b", b"%41", b""],
)
def test_a_valid_host_is_accepted(world: World, host: bytes) -> None:
    with connected(world) as connection:
        start = raw(b"POST /graphql", b"Host: " + host, b"Content-Type: application/json", LENGTH)
        connection.sendall(start + ASK)
        received(connection, ANSWER)


def test_http_1_0_needs_no_host_but_has_at_most_one(world: World) -> None:
    with connected(world) as connection:
        connection.sendall(raw(b"GET /health/live", version=b"1.0"))
        assert receive_all(connection).endswith(LIVE)
    for target in TARGETS:
        text = refusal(world, raw(target, b"Host: a", b"Host: a", version=b"1.0"))
        assert text.startswith(b"HTTP/1.1 400 ")


def test_an_upgrade_has_one_valid_host(world: World) -> None:
    text = refusal(world, raw(TARGETS[0], b"Connection: Upgrade", b"Upgrade: h2c", LENGTH) + ASK)
    assert text.endswith(b"The request has no Host header.")


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", UNREADABLE_HEADS)
def test_a_head_that_is_ambiguous_is_refused(world: World, target: bytes, name: str) -> None:
    text = refusal(world, raw(target, b"Host: x", *UNREADABLE_HEADS[name]) + chunked(ASK) + SMUGGLED)
    assert text.startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("target", TARGETS[:2])
@pytest.mark.parametrize("coding", [b"gzip, chunked", b"br,CHUNKED", b"gzip\r\nTransfer-Encoding: chunked"])
def test_a_transfer_coding_that_is_not_supported_is_501(world: World, target: bytes, coding: bytes) -> None:
    start = raw(target, b"Host: x", b"Transfer-Encoding: " + coding)
    assert refusal(world, start + chunked(ASK) + SMUGGLED).startswith(b"HTTP/1.1 501 ")


def test_the_name_of_the_transfer_coding_has_no_case(world: World) -> None:
    start = raw(TARGETS[0], b"Host: x", b"Content-Type: application/json", b"transfer-encoding: Chunked")
    with connected(world) as connection:
        connection.sendall(start + chunked(ASK) + live())
        received(connection, LIVE)


@pytest.mark.parametrize("name", BAD_CHUNKS)
def test_a_chunk_that_cannot_be_read_is_refused(world: World, name: str) -> None:
    start = raw(TARGETS[0], b"Host: x", b"Content-Type: application/json", CHUNKED)
    text = refusal(world, start, BAD_CHUNKS[name] + SMUGGLED)
    assert text.startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    "bad",
    [raw(TARGETS[2]), b"garbage\r\n\r\n", raw(TARGETS[0], b"Host: x", CHUNKED) + b"zz\r\n"],
    ids=["no host", "garbage", "a bad chunk"],
)
def test_an_error_comes_after_the_responses_to_earlier_requests(world: World, bad: bytes) -> None:
    """It would be taken for the response to one of them."""
    with connected(world) as connection:
        connection.sendall(request() + live() + request() + bad)
        text = receive_all(connection)
    assert re.findall(rb"HTTP/1.1 (\d+)", text) == [b"200", b"200", b"200", b"400"]
