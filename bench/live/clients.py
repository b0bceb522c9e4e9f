"""Subscribers over both transports, and a writer that keeps its connection.

They are as thin as possible, because they share the machine with the server.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import orjson
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from bench.data import PLATFORM

TRANSPORTS = ("websocket", "sse")
REVISIONS = """subscription ($key: String, $username: String) {
  platformMetadataChanged(platformKey: $key, username: $username) { revision } }"""
DOCUMENTS = REVISIONS.replace("{ revision }", "{ revision platformMetadata { metadata } }")
EVENTS = """subscription ($key: String!, $after: String) {
  platformEvents(platformKey: $key, after: $after) { cursor node { type userId revision } } }"""
PATCH = """mutation ($key: String!, $username: String!, $metadata: JSONObject!) {
  patchPlatformMetadata(input: {platformKey: $key, username: $username, metadata: $metadata}) {
    platformMetadata { revision } userErrors { message } } }"""
OPENED_WITHIN = 120.0


class Result(NamedTuple):
    """What a subscriber has got."""

    arrived_at: float
    """By `time.perf_counter`."""
    data: Mapping[str, Any]


@asynccontextmanager
async def subscribed(
    transport: str, port: int, token: str, query: str, **variables: Any
) -> AsyncIterator[AsyncIterator[Result]]:
    """The results of a subscription. The server has received it."""
    payload = {"query": query, "variables": {"key": PLATFORM} | variables}
    if transport == "sse":
        async with _stream(port, token, payload) as reader:
            yield _events(reader)
    else:
        async with _websocket(port, token, payload) as socket:
            yield _messages(socket)


@asynccontextmanager
async def _websocket(port: int, token: str, payload: Mapping[str, Any]) -> AsyncIterator[Any]:
    url, protocol = f"ws://127.0.0.1:{port}/graphql", Subprotocol("graphql-transport-ws")
    connecting = connect(
        url,
        subprotocols=[protocol],
        proxy=None,
        compression=None,
        open_timeout=OPENED_WITHIN,
        close_timeout=1,
    )
    async with connecting as socket:
        init = {"type": "connection_init", "payload": {"Authorization": f"Token {token}"}}
        await socket.send(orjson.dumps(init).decode())
        assert orjson.loads(await socket.recv()) == {"type": "connection_ack"}
        await socket.send(orjson.dumps({"id": "1", "type": "subscribe", "payload": payload}).decode())
        await socket.send('{"type":"ping"}')
        assert orjson.loads(await socket.recv()) == {"type": "pong"}
        yield socket


async def _messages(socket: Any) -> AsyncIterator[Result]:
    async for text in socket:
        arrived_at, message = time.perf_counter(), orjson.loads(text)
        assert message["type"] == "next", message
        yield _result(arrived_at, message["payload"])


@asynccontextmanager
async def _stream(port: int, token: str, payload: Mapping[str, Any]) -> AsyncIterator[asyncio.StreamReader]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request(token, orjson.dumps(payload), accept="text/event-stream"))
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        yield reader
    finally:
        writer.close()


async def _events(reader: asyncio.StreamReader) -> AsyncIterator[Result]:
    """Each event is a chunk of its own, so its data is a line of its own."""
    while line := await reader.readline():
        if line.startswith(b"data: "):
            yield _result(time.perf_counter(), orjson.loads(line[6:]))


def _result(arrived_at: float, payload: Mapping[str, Any]) -> Result:
    assert "errors" not in payload, payload
    return Result(arrived_at, payload["data"])


def request(token: str, body: bytes, accept: str = "application/json") -> bytes:
    """A request that keeps its connection."""
    head = (
        f"POST /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nAccept: {accept}\r\n"
        f"Authorization: Bearer {token}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class Written(NamedTuple):
    """A write that has succeeded. The instants are by `time.perf_counter`."""

    revision: int
    sent_at: float
    answered_at: float
    """When its response came, shortly after the commit."""


class Writer:
    """Patches documents over one connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, token: str) -> None:
        self._reader = reader
        self._writer = writer
        self._token = token

    async def patch(self, username: str, metadata: Mapping[str, Any]) -> Written:
        variables = {"key": PLATFORM, "username": username, "metadata": metadata}
        body = orjson.dumps({"query": PATCH, "variables": variables})
        sent_at = time.perf_counter()
        self._writer.write(request(self._token, body))
        head = await self._reader.readuntil(b"\r\n\r\n")
        answered_at = time.perf_counter()
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        payload = orjson.loads(await self._reader.readexactly(length))["data"]["patchPlatformMetadata"]
        assert not payload["userErrors"], payload
        return Written(payload["platformMetadata"]["revision"], sent_at, answered_at)


@asynccontextmanager
async def writing(port: int, token: str) -> AsyncIterator[Writer]:
    """A writer with a connection of its own."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Writer(reader, writer, token)
    finally:
        writer.close()
