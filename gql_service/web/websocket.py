"""`/graphql` over a WebSocket: the protocol `graphql-transport-ws`.

See https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md. Why it is not Strawberry's:
docs/decisions/0016-own-transports-of-subscriptions.md.
"""

import asyncio
from contextlib import aclosing, suppress
from functools import partial
from typing import Any

import orjson
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.utils import ClientDisconnected

from gql_service import strict_json
from gql_service.errors import LimitExceeded, RequestError, Unavailable
from gql_service.quoting import shortened
from gql_service.services.context import Services
from gql_service.services.subscribers import Subscriber
from gql_service.settings import PREFIX
from gql_service.web.authentication import Authenticator
from gql_service.web.graphql_parameters import check_parameters
from gql_service.web.graphql_result import masked_error, request_error
from gql_service.web.live_operations import LiveOperations, OperationFailed
from gql_service.web.open_connections import OpenConnections
from gql_service.web.request import parse_body
from gql_service.web.request_head import one_value_each
from gql_service.web.request_origin import RequestOrigin

SUBPROTOCOL = "graphql-transport-ws"
INIT_TIMEOUT = 5.0
"""Seconds in which `connection_init` must come."""
_MAX_REASON = 123
"""Bytes of the reason of a close frame (RFC 6455, 5.5)."""
_MAX_ID = 256


class Close(Exception):
    """The connection has to be closed with a code and a reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason.encode()[:_MAX_REASON].decode(errors="ignore")


class WebSocketEndpoint:
    """Accepts WebSockets."""

    def __init__(
        self,
        services: Services,
        authenticator: Authenticator,
        operations: LiveOperations,
        connections: OpenConnections,
    ) -> None:
        self.services = services
        self.authenticator = authenticator
        self.operations = operations
        self._connections = connections
        self._origins = frozenset(services.settings.cors_origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()  # the request to connect
        try:
            is_allowed = self._is_allowed(scope)
            self._connections.check_open()
        except Unavailable as error:
            await _refuse(send, error.status, error.message, (b"retry-after", b"%d" % error.retry_after))
            return
        except Exception as error:
            await _refuse(send, 500, masked_error(error)["message"])
            return
        if not is_allowed:
            await send({"type": "websocket.close"})  # 403
            return
        connection = WebSocketConnection(self, scope, receive, send)
        with self._connections.opened(connection):
            await connection.run()

    def _is_allowed(self, scope: Scope) -> bool:
        """Whether the page that connects may do so. Browsers send its origin, and check nothing."""
        headers = one_value_each(scope["headers"])
        origin = headers.get(b"origin")
        if origin is None:
            return True
        text = origin.decode("latin-1")
        host = headers.get(b"host", b"").decode("latin-1").lower()
        # The scheme is that of the browser's side of a proxy, which is not known here.
        return bool(self._origins & {text, "*"}) or text.lower().partition("://")[2] == host


class WebSocketConnection:
    """One WebSocket. See `open_connections.OpenConnection`."""

    def __init__(self, endpoint: WebSocketEndpoint, scope: Scope, receive: Receive, send: Send) -> None:
        self._endpoint = endpoint
        self._settings = endpoint.services.settings
        self._scope = scope
        self._receive = receive
        self._send = send
        self._operations: dict[str, asyncio.Task[None]] = {}
        self._closing: asyncio.Task[None] | None = None
        self._is_initialised = False
        self.subscriber: Subscriber | None = None

    async def run(self) -> None:
        """Handle messages until the connection is closed by either side."""
        is_supported = SUBPROTOCOL in self._scope["subprotocols"]
        subprotocol = SUBPROTOCOL if is_supported else None
        timer = asyncio.get_running_loop().call_later(INIT_TIMEOUT, self._check_initialised)
        try:
            await self._send({"type": "websocket.accept", "subprotocol": subprotocol})
            if not is_supported:
                raise Close(4406, "Subprotocol not acceptable")
            while (message := await self._receive())["type"] == "websocket.receive":
                await self._handle(self._parse(message))
        except Close as close:
            await self._close(close)
        except ClientDisconnected:
            pass
        except Exception as error:
            await self._close(Close(4500, masked_error(error)["message"]))
        finally:
            timer.cancel()
            await self._cancel_operations()

    def revoke(self, error: RequestError) -> None:
        self._close_soon(Close(4403, error.message))

    def drain(self) -> None:
        self._close_soon(Close(1001, "The server is about to stop"))

    def _check_initialised(self) -> None:
        if not self._is_initialised:
            self._close_soon(Close(4408, "Connection initialisation timeout"))

    def _close_soon(self, close: Close) -> None:
        """Close from outside of `run`, which learns of it as of a client that disconnects."""
        if self._closing is None:
            self._closing = asyncio.create_task(self._close(close))

    async def _close(self, close: Close) -> None:
        await self._cancel_operations()
        with suppress(ClientDisconnected):
            await self._send({"type": "websocket.close", "code": close.code, "reason": close.reason})

    async def _cancel_operations(self) -> None:
        tasks = list(self._operations.values())
        for each in tasks:
            each.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _parse(self, message: Any) -> dict[str, Any]:
        """Raises Close."""
        text = message.get("text")
        if text is None:
            raise Close(4400, "Send text messages")
        content = text.encode()
        if self.subscriber is None and len(content) > self._settings.max_anonymous_body_size:
            raise Close(1009, "Message too big")
        try:
            parsed = parse_body(content, self._settings.max_json_values)
        except (strict_json.InvalidJson, LimitExceeded) as error:
            raise Close(4400, f"Invalid message: {error}") from None
        if not isinstance(parsed, dict) or not isinstance(parsed.get("type"), str):
            raise Close(4400, "Invalid message: it must be an object with a `type`")
        return parsed

    async def _handle(self, message: dict[str, Any]) -> None:
        """Raises Close."""
        match message["type"]:
            case "connection_init":
                await self._initialise(message.get("payload"))
            case "ping":
                await self._send_message({"type": "pong"})
            case "pong":
                pass
            case "subscribe":
                self._subscribe(message)
            case "complete":
                if task := self._operations.pop(_id(message), None):
                    task.cancel()
            case _:
                raise Close(4400, f"Invalid message: unknown type {shortened(message['type'], 50)}")

    async def _initialise(self, payload: Any) -> None:
        if self._is_initialised:
            raise Close(4429, "Too many initialisation requests")
        if payload is not None and not isinstance(payload, dict):
            raise Close(4400, "Invalid message: `payload` must be an object")
        self._is_initialised = True
        authorization = _authorization(payload or {}) or one_value_each(self._scope["headers"]).get(
            b"authorization"
        )
        endpoint, scope = self._endpoint, self._scope
        origin = RequestOrigin(endpoint.authenticator.proxies, scope.get("client"), scope["headers"])
        try:
            subscriber = await endpoint.authenticator.subscriber(endpoint.services, authorization, origin)
        except Unavailable as error:
            raise Close(1013, error.message) from None
        except RequestError as error:
            raise Close(4403, error.message) from None
        self.subscriber = subscriber
        await self._send_message({"type": "connection_ack"})

    def _subscribe(self, message: dict[str, Any]) -> None:
        if self.subscriber is None:
            raise Close(4401, "Unauthorized")
        id = _id(message)
        if id in self._operations:
            raise Close(4409, f"Subscriber for {id} already exists")
        has_room = len(self._operations) < self._settings.max_connection_subscriptions
        task = asyncio.create_task(self._operate(id, message.get("payload"), self.subscriber, has_room))
        self._operations[id] = task
        task.add_done_callback(partial(self._forget, id))

    def _forget(self, id: str, task: asyncio.Task[None]) -> None:
        if self._operations.get(id) is task:
            del self._operations[id]

    async def _operate(self, id: str, payload: Any, subscriber: Subscriber, has_room: bool) -> None:
        """Execute an operation, and send its results."""
        try:
            if not has_room:
                raise self._too_many_operations()
            results = self._endpoint.operations.results(subscriber, check_parameters(payload))
            async with aclosing(results):
                async for result in results:
                    await self._send_message({"id": id, "type": "next", "payload": orjson.Fragment(result)})
                    del result  # it would be kept until the next one
            await self._send_message({"id": id, "type": "complete"})
        except RequestError as error:
            await self._send_errors(id, request_error(error)[1]["errors"])
        except OperationFailed as failure:
            await self._send_errors(id, failure.errors)
        except ClientDisconnected:
            pass
        except Exception as error:
            await self._send_errors(id, [masked_error(error)])

    def _too_many_operations(self) -> LimitExceeded:
        return LimitExceeded(
            f"The connection has {self._settings.max_connection_subscriptions} operations already "
            f"({PREFIX}MAX_CONNECTION_SUBSCRIPTIONS). Complete one first."
        )

    async def _send_errors(self, id: str, errors: list[Any]) -> None:
        with suppress(ClientDisconnected):
            await self._send_message({"id": id, "type": "error", "payload": errors})

    async def _send_message(self, message: dict[str, Any]) -> None:
        """Raises ClientDisconnected."""
        await self._send({"type": "websocket.send", "text": orjson.dumps(message).decode()})


async def _refuse(send: Send, status: int, message: str, *headers: tuple[bytes, bytes]) -> None:
    """Answer the handshake with an error. The extension `websocket.http.response` of ASGI is uvicorn's."""
    await send({"type": "websocket.http.response.start", "status": status, "headers": list(headers)})
    await send({"type": "websocket.http.response.body", "body": message.encode()})


def _authorization(payload: dict[str, Any]) -> bytes | None:
    """The `Authorization` of `connection_init`, in any case, as header names are."""
    for name, value in payload.items():
        if name.lower() == "authorization" and isinstance(value, str):
            return value.encode("latin-1", errors="replace")
    return None


def _id(message: dict[str, Any]) -> str:
    """Raises Close."""
    id = message.get("id")
    if not isinstance(id, str) or not id or len(id) > _MAX_ID:
        raise Close(4400, f"Invalid message: `id` must be a string of 1 to {_MAX_ID} characters")
    return id
