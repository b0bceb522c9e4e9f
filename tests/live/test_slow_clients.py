"""Clients that do not read: what they have not got yet stays in the database, and nobody else notices."""

import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from gql_service.services import subscriptions
from tests.support.cli_processes import Server, serving_process
from tests.support.events import following
from tests.support.http_clients import PATIENCE
from tests.support.live import METADATA_CHANGED, PLATFORM_EVENTS, subscriber
from tests.support.patches import patch
from tests.support.service import serving, wait_until
from tests.support.world import World

pytestmark = pytest.mark.faults

UPDATE_USER = "mutation ($i: UpdateUserInput!) { updateUser(input: $i) { userErrors { code } } }"
CHANGES = 50
LARGE = {str(number): "x" * 100_000 for number in range(5)}
"""The document with which each change is told. Buffers of the system hold few of them."""


class Deaf:
    """A client with a small buffer, which reads only when it is told to."""

    def __init__(self, url: str, *messages: bytes) -> None:
        host, port = url.removeprefix("http://").split(":")
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self._socket.settimeout(PATIENCE)
        self._socket.connect((host, int(port)))
        self.port: int = self._socket.getsockname()[1]
        self._data = b""
        for each in messages:
            self._socket.sendall(each)

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def read(self, size: int) -> bytes:
        while len(self._data) < size:
            more = self._socket.recv(1 << 20)
            assert more, "the connection was closed"
            self._data += more
        part, self._data = self._data[:size], self._data[size:]
        return part

    def read_head(self) -> bytes:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += self.read(1)
        return head

    def message(self) -> Any:
        """The next text message of a WebSocket."""
        while True:
            first, length = self.read(2)
            if length >= 126:
                length = int.from_bytes(self.read(2 if length == 126 else 8))
            content = self.read(length)
            if first & 15 == 1:
                return json.loads(content)

    def close(self) -> None:
        self._socket.close()


def frame(content: bytes, opcode: int = 1) -> bytes:
    """A message of a client, with the mask 0."""
    length = bytes([0x80 | len(content)]) if len(content) < 126 else b"\xfe" + len(content).to_bytes(2)
    return bytes([0x80 | opcode]) + length + bytes(4) + content


def text(**message: Any) -> bytes:
    return frame(json.dumps(message).encode())


HANDSHAKE = (
    b"GET /graphql HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
)


def over_websocket(url: str, world: World, since: int = 1) -> Deaf:
    variables = {"key": world.platform_key, "since": since}
    return Deaf(
        url,
        HANDSHAKE,
        text(type="connection_init", payload={"Authorization": f"Token {world.member.token}"}),
        text(type="subscribe", id="1", payload={"query": METADATA_CHANGED, "variables": variables}),
    )


def over_events(url: str, world: World) -> Deaf:
    variables = {"key": world.platform_key, "since": 1}
    body = json.dumps({"query": METADATA_CHANGED, "variables": variables}).encode()
    head = (
        f"POST /graphql HTTP/1.1\r\nHost: x\r\nAuthorization: Token {world.member.token}\r\n"
        f"Accept: text/event-stream\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return Deaf(url, head.encode() + body)


Open = Callable[[str, World], Deaf]
TRANSPORTS = pytest.mark.parametrize("connect", [over_websocket, over_events])


def memory(server: Server) -> int:
    """Bytes that the process occupies."""
    pages = int(Path(f"/proc/{server.process.pid}/statm").read_text().split()[1])
    return pages * 4096


def is_open(server: Server, client: Deaf) -> bool:
    """Whether the server has a connection to the client, who would not notice its end without reading."""
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, remote, state, *_ = line.split()
        ports = [int(each.partition(":")[2], 16) for each in (local, remote)]
        if ports == [int(server.url.rpartition(":")[2]), client.port]:
            return state == "01"
    return False


@contextmanager
def large_document(folder: Path, **extra: str) -> Iterator[tuple[World, Server]]:
    """A server in a process of its own, where the member has a large document at revision 1."""
    database_url = f"sqlite+aiosqlite:///{folder / 'test.sqlite3'}"
    with serving(database_url) as service, serving_process(folder, database_url, extra=extra) as server:
        world = World(service)
        patch(world.member, world, metadata=LARGE)
        yield world, server


def change_often(world: World, server: Server) -> None:
    """Change the document many times; a subscriber who reads gets every change meanwhile."""
    begin = patch(world.member, world, metadata={"n": -1})["platformMetadata"]["revision"]
    with subscriber(server.url, world.member.token) as reader:
        small = METADATA_CHANGED.replace("platformMetadata { revision metadata }", "")
        reader.subscribe(small, key=world.platform_key, since=begin)
        for number in range(CHANGES):
            patch(world.member, world, metadata={"n": number})
            assert reader.next()["platformMetadataChanged"]["revision"] == begin + number + 1


@TRANSPORTS
def test_nothing_is_queued_for_a_client_that_does_not_read(tmp_path: Path, connect: Open) -> None:
    with large_document(tmp_path) as (world, server):
        deaf = connect(server.url, world)
        change_often(world, server)  # what the process keeps anyway
        before = memory(server)
        others = [connect(server.url, world) for _ in range(5)]
        change_often(world, server)
        # All would be 25 MB for each of them.
        assert memory(server) - before < 50_000_000
        for each in (deaf, *others):
            each.close()


@TRANSPORTS
def test_a_client_that_does_not_read_is_cut_off(tmp_path: Path, connect: Open) -> None:
    extra = {"GQL_SERVICE_SUBSCRIPTION_PING_INTERVAL": "1"}
    with large_document(tmp_path, **extra) as (world, server):
        for number in range(20):
            patch(world.member, world, metadata={"n": number})
        deaf = connect(server.url, world)
        wait_until(lambda: is_open(server, deaf))
        wait_until(lambda: not is_open(server, deaf))
        deaf.close()


def test_who_reads_late_misses_nothing(fresh_database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is far behind is told to read the document instead."""
    monkeypatch.setattr(subscriptions, "MAX_BEHIND", 30)
    with serving(fresh_database_url) as service:
        world = World(service)
        patch(world.member, world, metadata=LARGE)
        for far, count in ((False, 25), (True, 60)):
            begin = patch(world.member, world, metadata={"n": 0})["platformMetadata"]["revision"]
            deaf = over_websocket(service.url, world, since=begin)
            assert b" 101 " in deaf.read_head()
            assert deaf.message() == {"type": "connection_ack"}
            for number in range(count):
                patch(world.member, world, metadata={"n": number + 1})
            revisions, resyncs = list[int](), 0
            while not revisions or revisions[-1] < begin + count:
                change = deaf.message()["payload"]["data"]["platformMetadataChanged"]
                revisions.append(change["revision"])
                resyncs += change["resync"]
            deaf.close()
            assert resyncs == far
            if not far:
                assert revisions == list(range(begin + 1, begin + count + 1))


def test_who_loses_their_rights_gets_none_of_the_events_that_wait(world: World) -> None:
    """A page of events is read at once. It is sent as the client reads, which may be much later."""
    admin = world.new_user(permissions=[f"{world.tenant_id}::admin"])
    after = following(world).after
    for number in range(CHANGES):
        patch(world.member, world, metadata={f"{key:0100}": number for key in range(150)})
    copies = " ".join(f"k{number}: changedKeys" for number in range(15))
    query = PLATFORM_EVENTS.replace("changedKeys", copies)
    deaf = Deaf(
        world.service.url,
        HANDSHAKE,
        text(type="connection_init", payload={"Authorization": f"Token {admin.token}"}),
        text(
            type="subscribe",
            id="1",
            payload={"query": query, "variables": {"key": world.platform_key, "after": after}},
        ),
    )
    deaf.read_head()
    assert deaf.message() == {"type": "connection_ack"}
    assert deaf.message()["type"] == "next"
    change = {"username": admin.username, "permissions": []}
    assert world.owner.ask(UPDATE_USER, i=change)["updateUser"] == {"userErrors": []}
    time.sleep(1)  # until then it is known
    sent = 1
    while (message := deaf.message())["type"] == "next":
        sent += 1
        assert sent < CHANGES
    assert [error["extensions"]["code"] for error in message["payload"]] == ["FORBIDDEN"]
    deaf.close()


def test_pings_of_a_client_that_does_not_read(tmp_path: Path) -> None:
    """Answers to them are not queued either."""
    with large_document(tmp_path) as (world, server):
        for number in range(20):
            patch(world.member, world, metadata={"n": number})
        deaf = over_websocket(server.url, world)
        pings = frame(b"p" * 125, opcode=9) * 8000
        before = memory(server)
        for _ in range(60):
            deaf.send(pings)
        assert memory(server) - before < 30_000_000
        deaf.close()
