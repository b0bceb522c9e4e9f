"""Receivers that are slow, endless or no HTTP at all: each attempt ends, and is noted as what it was."""

import gzip
import socket
import struct
import time
from collections.abc import Iterator
from datetime import datetime
from email.utils import formatdate
from typing import Any

import pytest

from gql_service.services import webhook_sender
from tests.support.hostile_receiver import Behaviour, drips, floods, hostile, keeps_silent, sends
from tests.support.receiver import Answer, receiving
from tests.support.service import Service, serving, wait_until
from tests.support.webhooks import SETTINGS, create, deliveries, mutate
from tests.support.world import World

OK = b"HTTP/1.1 200 OK\r\n"


# What is tested here does not depend on the database.
pytestmark = [pytest.mark.faults, pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)]


@pytest.fixture(scope="module")
def service(database_url: str) -> Iterator[Service]:
    with serving(database_url, **SETTINGS) as running:
        yield running


@pytest.fixture
def world(service: Service) -> World:
    return World(service)


@pytest.fixture
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait for as long as the service does for real."""
    monkeypatch.setattr(webhook_sender, "_TIMEOUT", 1.0)
    monkeypatch.setattr(webhook_sender, "_BODY_TIMEOUT", 0.3)


def attempt(world: World, url: str) -> Any:
    """The delivery of a test after its first attempt."""
    mutate(world, "testWebhook", create(world, url)["webhook"]["webhookId"])
    wait_until(lambda: deliveries(world)[0]["attempts"] >= 1)
    return deliveries(world)[0]


def resets(connection: socket.socket) -> None:
    """Closes the connection with a reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


BOMB = gzip.compress(bytes(10_000_000))
ACCEPTED: dict[str, Behaviour] = {
    "a body that never ends": floods(OK + b"\r\n", b"a"),
    "a body that drips": drips(OK + b"\r\n", b"a"),
    "a body that drips in chunks": drips(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\na\r\n"),
    "a body of endless chunk extensions": floods(OK + b"Transfer-Encoding: chunked\r\n\r\n1;", b"a"),
    "less body than announced": sends(OK + b"Content-Length: 100\r\n\r\na"),
    "chunks that are malformed": sends(OK + b"Transfer-Encoding: chunked\r\n\r\nx\r\n"),
    "a compressed bomb": sends(OK + b"Content-Encoding: gzip\r\n\r\n" + BOMB),
    "early hints": sends(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 3 + OK + b"\r\n"),
    "HTTP/1.0": sends(b"HTTP/1.0 200 OK\r\n\r\n"),
}
FAILED: dict[str, tuple[str, Behaviour]] = {
    "headers that never end": ("INVALID_RESPONSE", floods(OK, b"a: b\r\n")),
    "a header that never ends": ("INVALID_RESPONSE", floods(OK + b"a: ", b"a")),
    "headers that drip": ("TIMEOUT", drips(OK, b"a: b\r\n")),
    "endless interim responses": ("INVALID_RESPONSE", floods(b"", b"HTTP/1.1 100 Continue\r\n\r\n")),
    "dripping interim responses": ("TIMEOUT", drips(b"", b"HTTP/1.1 100 Continue\r\n\r\n")),
    "silence": ("TIMEOUT", keeps_silent),
    "another protocol": (
        "INVALID_RESPONSE",
        sends(b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n"),
    ),
    "no HTTP": ("INVALID_RESPONSE", sends(b"220 mail.example.com ESMTP\r\n")),
    "a NUL in a header": ("INVALID_RESPONSE", sends(OK + b"a: \0\r\n\r\n")),
    "two lengths": ("INVALID_RESPONSE", sends(OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n")),
    "a negative length": ("INVALID_RESPONSE", sends(OK + b"Content-Length: -1\r\n\r\n")),
    "an unknown encoding": ("INVALID_RESPONSE", sends(OK + b"Transfer-Encoding: x\r\n\r\n")),
    "no response": ("CONNECTION_FAILED", sends(b"")),
    "a reset": ("CONNECTION_FAILED", resets),
    "half of a response": ("INVALID_RESPONSE", sends(b"HTTP/1.1 200")),
}


@pytest.mark.usefixtures("impatience")
@pytest.mark.parametrize("name", ACCEPTED)
def test_the_status_counts_whatever_body_comes(world: World, name: str) -> None:
    with hostile(ACCEPTED[name]) as receiver:
        delivery = attempt(world, receiver.url)
        assert (delivery["state"], delivery["status"], delivery["error"]) == ("DELIVERED", 200, None)
        assert len(delivery["response"]) <= 1024
        assert receiver.connections == 1


@pytest.mark.usefixtures("impatience")
@pytest.mark.parametrize("name", FAILED)
def test_what_is_no_response_is_a_failure(world: World, name: str) -> None:
    error, behaviour = FAILED[name]
    with hostile(behaviour) as receiver:
        delivery = attempt(world, receiver.url)
        assert (delivery["state"], delivery["status"], delivery["error"]) == ("PENDING", None, error)


@pytest.mark.usefixtures("impatience")
@pytest.mark.parametrize(
    ("error", "behaviour"),
    [
        ("TLS_FAILED", sends(OK + b"\r\n")),
        ("TLS_FAILED", floods(b"\x16\x03\x03\x40\x00", b"a")),
        ("TIMEOUT", keeps_silent),
    ],
)
def test_no_tls_is_a_failure(world: World, error: str, behaviour: Behaviour) -> None:
    with hostile(behaviour) as receiver:
        assert attempt(world, receiver.url.replace("http", "https"))["error"] == error


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120),
        ("0", 1),
        ("GMT", 600),
        ("-0000", 600),
        ("7200", 3600),
        ("9" * 60, 3600),
        ("9" * 9999, 1),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 1),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 3600),
        ("Fri, 31 Dec 99999999999999999999 23:59:59 GMT", 1),
        ("Fri, 31 Dec 2030 23:59:59 +9999999", 1),
        ("-5", 1),
        ("1.5", 1),
        ("\u00b2", 1),
        ("soon", 1),
        ("", 1),
    ],
)
def test_retry_after_is_respected_up_to_an_hour(world: World, value: str, seconds: int) -> None:
    """The value `GMT` or `-0000` is the date in ten minutes, with this time zone."""
    if value in ("GMT", "-0000"):
        value = formatdate(time.time() + seconds, usegmt=True).replace("GMT", value)
    with receiving() as receiver:
        receiver.answer = lambda _request: Answer(503, headers={"Retry-After": value})
        mutate(world, "testWebhook", create(world, receiver.url)["webhook"]["webhookId"])
        wait_until(lambda: len(receiver.requests) >= 1 and deliveries(world)[0]["attempts"] >= 1)
        delivery = deliveries(world)[0]
        assert delivery["error"] == "REFUSED"
        if seconds == 1:
            wait_until(lambda: len(receiver.requests) >= 2)
        else:
            until_next = _instant(delivery["nextAt"]) - _instant(delivery["attemptedAt"])
            assert seconds - 2 <= until_next <= seconds + 60
            assert len(receiver.requests) == 1


def _instant(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
