"""Clients of subscriptions: over WebSockets, and over server-sent events."""

import json
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from tests.support.http_clients import PATIENCE

PLATFORM_EVENTS = """subscription ($key: String!, $after: String) {
  platformEvents(platformKey: $key, after: $after) { cursor node {
    type platformKey userId actorId revision changedKeys occurredAt } } }"""
METADATA_CHANGED = """subscription ($key: String, $username: String, $since: Int) {
  platformMetadataChanged(platformKey: $key, username: $username, sinceRevision: $since) {
    revision changedKeys resync platformMetadata { revision metadata } } }"""
EFFECTIVE_CHANGED = """subscription ($key: String!, $since: String) {
  effectiveChanged(platformKey: $key, sinceVersion: $since) {
    changedKeys resync version evaluations { key value reason variant } } }"""
NOTIFICATION_RECEIVED = """subscription ($after: String) { notificationReceived(after: $after) {
  cursor notification { id title readAt } } }"""
PROTOCOL = "graphql-transport-ws"
START = "MA=="
"""The cursor before all events."""


class Socket:
    """A WebSocket that speaks graphql-transport-ws."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self._ids = count(1)

    def send(self, **message: Any) -> None:
        self.connection.send(json.dumps(message))

    def receive(self) -> Any:
        return json.loads(self.connection.recv(PATIENCE))

    def init(self, token: str | None, **payload: Any) -> None:
        if token is not None:
            payload["Authorization"] = f"Token {token}"
        self.send(type="connection_init", payload=payload)
        assert self.receive() == {"type": "connection_ack"}

    def subscribe(self, query: str, **variables: Any) -> str:
        """Begin an operation; returns its id."""
        id = str(next(self._ids))
        self.send(id=id, type="subscribe", payload={"query": query, "variables": variables})
        return id

    def next(self) -> Any:
        """The data of the next result of the only operation."""
        message = self.receive()
        assert message["type"] == "next", message
        assert "errors" not in message["payload"], message
        return message["payload"]["data"]

    def errors(self) -> Any:
        """The codes of the errors with which the operation ends."""
        message = self.receive()
        assert message["type"] == "error", message
        return [error["extensions"]["code"] for error in message["payload"]]

    def closed(self) -> tuple[int, str]:
        """Read until the server closes; returns its code and reason."""
        with pytest.raises(ConnectionClosed) as closed:
            deque(iter(lambda: self.connection.recv(PATIENCE), None))
        frame = closed.value.rcvd
        assert frame is not None
        return frame.code, frame.reason


@contextmanager
def socket(
    url: str, *, protocol: str | None = PROTOCOL, path: str = "/graphql", **options: Any
) -> Iterator[Socket]:
    """An open WebSocket, before `connection_init`."""
    subprotocols = None if protocol is None else [Subprotocol(protocol)]
    address = url.replace("http", "ws", 1) + path
    with connect(address, subprotocols=subprotocols, proxy=None, **options) as connection:
        yield Socket(connection)


@contextmanager
def subscriber(url: str, token: str) -> Iterator[Socket]:
    """A WebSocket that is ready for operations."""
    with socket(url) as opened:
        opened.init(token)
        yield opened


class Stream:
    """A response with server-sent events."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self._lines = response.iter_lines()

    def event(self) -> tuple[str, Any]:
        """The name and the data of the next event, without comments."""
        name, data = "", None
        for line in self._lines:
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("data:"):
                text = line.removeprefix("data:").strip()
                data = json.loads(text) if text else None
            elif not line and name:
                return name, data
        raise AssertionError("the stream has ended")

    def next(self) -> Any:
        name, data = self.event()
        assert name == "next", (name, data)
        assert "errors" not in data, data
        return data["data"]


@contextmanager
def stream(
    client: httpx.Client,
    token: str | None,
    query: str,
    *,
    method: str = "POST",
    path: str = "/graphql",
    **variables: Any,
) -> Iterator[Stream]:
    headers = {"Accept": "text/event-stream"}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    body: dict[str, Any] = {"json": {"query": query, "variables": variables}}
    if method == "GET":
        body = {"params": {"query": query, "variables": json.dumps(variables)}}
    with client.stream(method, path, headers=headers, **body) as response:
        yield Stream(response)
