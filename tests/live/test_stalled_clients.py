"""Clients that stop reading, among many that read: the others get each change once and in order."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.live.test_slow_clients import HANDSHAKE, memory, text
from tests.support.cli_processes import Server, serving_process
from tests.support.http_clients import http_client
from tests.support.patches import PATCH, patch
from tests.support.service import serving
from tests.support.world import Caller, World

pytestmark = pytest.mark.faults

OTHERS, CHANGES = 99, 150
SMALL = """subscription ($key: String!) { platformMetadataChanged(platformKey: $key, sinceRevision: 1) {
  revision resync } }"""
COPIES, VALUE = 15, "x" * 20_000
LARGE = SMALL.replace(
    "resync", "resync " + " ".join(f"d{number}: platformMetadata {{ metadata }}" for number in range(COPIES))
)
UNREAD = COPIES * len(VALUE) * CHANGES
"""Bytes of the large results of all changes: 45 MB for each client that reads none."""
EACH = list(range(2, CHANGES + 2))
"""The revisions of the changes."""


def opening(caller: Caller, world: World, query: str, *, over_websocket: bool) -> bytes:
    """What a client sends to subscribe."""
    payload = {"query": query, "variables": {"key": world.platform_key}}
    authorization = f"Token {caller.token}"
    if over_websocket:
        init = text(type="connection_init", payload={"Authorization": authorization})
        return HANDSHAKE + init + text(type="subscribe", id="1", payload=payload)
    body = json.dumps(payload).encode()
    head = (
        f"POST /graphql HTTP/1.1\r\nHost: x\r\nAuthorization: {authorization}\r\n"
        "Accept: text/event-stream\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def connect(server: Server) -> socket.socket:
    """A connection with a small buffer, from which nothing is read yet."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.connect(("127.0.0.1", int(server.url.rpartition(":")[2])))
    return connection


async def websocket_results(reader: asyncio.StreamReader) -> AsyncIterator[Any]:
    await reader.readuntil(b"\r\n\r\n")
    while True:
        _, length = await reader.readexactly(2)
        if length >= 126:
            length = int.from_bytes(await reader.readexactly(2 if length == 126 else 8))
        message = json.loads(await reader.readexactly(length))
        if message["type"] != "connection_ack":
            assert message["type"] == "next", message
            yield message["payload"]


async def stream_results(reader: asyncio.StreamReader) -> AsyncIterator[Any]:
    await reader.readuntil(b"\r\n\r\n")
    while line := await reader.readline():
        if line.startswith(b"data: "):
            yield json.loads(line.removeprefix(b"data: "))


async def read(connection: socket.socket, *, over_websocket: bool) -> list[int]:
    """The revisions of the changes that a client gets, until it has the last one."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    reader, writer = await asyncio.open_connection(sock=connection, limit=2 << 20)
    revisions = list[int]()
    async for result in (websocket_results if over_websocket else stream_results)(reader):
        change = result["data"]["platformMetadataChanged"]
        assert not change["resync"]
        revisions.append(change["revision"])
        if revisions[-1] == CHANGES + 1:
            break
    writer.close()
    return revisions


@contextmanager
def writing(server: Server, world: World) -> Iterator[Callable[[], int]]:
    """What makes the changes, while others get answers. Returns by how many bytes the server grows."""
    with http_client(server.url) as client:

        def ask(caller: Caller, query: str, **variables: Any) -> Any:
            headers = {"Authorization": f"Token {caller.token}"}
            body = {"query": query, "variables": variables}
            return client.post("/graphql", json=body, headers=headers).json()["data"]

        def change() -> int:
            before = memory(server)
            for number in range(CHANGES):
                input = {"platformKey": world.platform_key, "metadata": {"n": number}}
                written = ask(world.member, PATCH, input=input)["patchPlatformMetadata"]
                assert written["platformMetadata"]["revision"] == number + 2
                if number % 10 == 0:
                    found = ask(world.colleague, "{ me { username } }")
                    assert found["me"]["username"] == world.colleague.username
            return memory(server) - before

        yield change


def test_stalled_clients_disturb_nobody(fresh_database_url: str, tmp_path: Path) -> None:
    """When they read again, they have missed nothing: the rest was not kept for them, but is read then."""
    extra = {
        "GQL_SERVICE_MAX_USER_SUBSCRIPTIONS": "1000",
        "GQL_SERVICE_MAX_DOCUMENT_COST": "100000",
        "GQL_SERVICE_SUBSCRIPTION_PING_INTERVAL": "60",
    }
    transports = [number % 2 == 0 for number in range(OTHERS)]
    with (
        serving(fresh_database_url) as service,
        serving_process(tmp_path, fresh_database_url, extra=extra) as server,
    ):
        world = World(service)
        patch(world.member, world, metadata={"value": VALUE})
        stalled = {is_websocket: connect(server) for is_websocket in (True, False)}
        for is_websocket, connection in stalled.items():
            connection.sendall(opening(world.member, world, LARGE, over_websocket=is_websocket))

        async def run(change: Callable[[], int]) -> int:
            connections = [connect(server) for _ in transports]
            for connection, is_websocket in zip(connections, transports, strict=True):
                connection.sendall(opening(world.member, world, SMALL, over_websocket=is_websocket))
            changing = asyncio.create_task(asyncio.to_thread(change))
            reading = [
                read(connection, over_websocket=is_websocket)
                for connection, is_websocket in zip(connections, transports, strict=True)
            ]
            for revisions in await asyncio.gather(*reading):
                assert revisions == EACH
            return await changing

        with writing(server, world) as change:
            growth = asyncio.run(run(change))
        assert growth < UNREAD / 3
        for is_websocket, connection in stalled.items():
            assert asyncio.run(read(connection, over_websocket=is_websocket)) == EACH
