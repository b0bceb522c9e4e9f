"""`/graphql` as server-sent events: the "distinct connections mode" of the protocol GraphQL over SSE.

See https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md. Why it is not Strawberry's:
docs/decisions/0016-own-transports-of-subscriptions.md.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress
from functools import partial

import orjson
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from gql_service.errors import RequestError
from gql_service.services.context import Services
from gql_service.services.subscribers import Subscriber
from gql_service.settings import Settings
from gql_service.web.authentication import Authenticator
from gql_service.web.connection import ABORT, END_WITH_CLIENT
from gql_service.web.content_negotiation import GRAPHQL_RESPONSE, JSON, negotiate
from gql_service.web.graphql import failure
from gql_service.web.graphql_parameters import Headers, Parameters, read_parameters
from gql_service.web.graphql_result import request_error
from gql_service.web.live_operations import LiveOperations, OperationFailed
from gql_service.web.open_connections import OpenConnections
from gql_service.web.request import body_limit, read_body
from gql_service.web.request_head import one_value_each
from gql_service.web.request_origin import RequestOrigin

EVENT_STREAM = "text/event-stream"
_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),  # or nginx would hold events back
    (b"vary", b"Accept, Authorization"),
]
_COMPLETE = b"event: complete\ndata:\n\n"
_PING = b":\n\n"
_MISSED_PINGS = 2
"""Pings for which a client may not read, before it is given up."""


def wants_stream(accept: bytes | None) -> bool:
    """Whether a client names a stream, and prefers it to a plain response. urql, for one, lists it last."""
    if accept is None or EVENT_STREAM.encode() not in accept.lower():
        return False
    return negotiate(accept, (JSON, GRAPHQL_RESPONSE, EVENT_STREAM)) == EVENT_STREAM


class EventStreamOrGraphQL:
    """Answers with a stream to who prefers one, and passes all other requests to the GraphQL endpoint."""

    def __init__(
        self,
        graphql: ASGIApp,
        services: Services,
        authenticator: Authenticator,
        operations: LiveOperations,
        connections: OpenConnections,
    ) -> None:
        self._graphql = graphql
        self._services = services
        self._authenticator = authenticator
        self._operations = operations
        self._connections = connections

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = one_value_each(scope["headers"])
        if scope["method"] not in ("GET", "POST") or not wants_stream(headers.get(b"accept")):
            await self._graphql(scope, receive, send)
            return
        try:
            self._connections.check_open()
            subscriber, parameters = await self._read(scope, headers, receive)
        except RequestError as error:
            await _refuse(self._services.settings, error, send)
            return
        except ClientDisconnect:
            return
        results = self._operations.results(subscriber, parameters, may_write=scope["method"] == "POST")
        ping_interval = self._services.settings.subscription_ping_interval
        stream = _EventStream(subscriber, results, send, ping_interval, scope["extensions"][ABORT])
        scope["extensions"][END_WITH_CLIENT]()
        with self._connections.opened(stream):
            if self._connections.is_draining:
                stream.drain()
            await stream.run(receive)

    async def _read(self, scope: Scope, headers: Headers, receive: Receive) -> tuple[Subscriber, Parameters]:
        """Raises RequestError or ClientDisconnect."""
        settings = self._services.settings
        origin = RequestOrigin(self._authenticator.proxies, scope.get("client"), scope["headers"])
        authorization = headers.get(b"authorization")
        subscriber = await self._authenticator.subscriber(self._services, authorization, origin)
        read = partial(read_body, receive, headers.get(b"content-length"))
        parameters = await read_parameters(
            scope["method"],
            scope["query_string"],
            headers,
            read,
            body_limit(settings),
            settings.max_json_values,
        )
        return subscriber, parameters


class _EventStream:
    """One response. See `open_connections.OpenConnection`."""

    def __init__(
        self,
        subscriber: Subscriber,
        results: AsyncGenerator[bytes, None],
        send: Send,
        ping_interval: float,
        abort: Callable[[], None],
    ) -> None:
        """`abort` closes the connection of a client that does not read: it could not be told anything."""
        self.subscriber: Subscriber | None = subscriber
        self._results = results
        self._send = send
        self._ping_interval = ping_interval
        self._abort = abort
        self._ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._pinging: asyncio.Task[None] | None = None
        self._reason: RequestError | None = None
        """Why it ends before its operation."""

    def revoke(self, error: RequestError) -> None:
        self._reason = error
        self._end()

    def drain(self) -> None:
        self._end()

    def _end(self, _task: "asyncio.Task[None] | None" = None) -> None:
        if not self._ended.done():
            self._ended.set_result(None)

    async def run(self, receive: Receive) -> None:
        """Send until the operation has ended, the client has gone, or the connection has to end."""
        await self._send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
        leaving = asyncio.create_task(_wait_for_disconnect(receive))
        writing = asyncio.create_task(self._write())
        tasks = [leaving, writing]
        for each in tasks:
            each.add_done_callback(self._end)
        self._ping()
        try:
            await self._ended
        finally:
            self._next_ping.cancel()
            if self._pinging is not None:
                tasks.append(self._pinging)
            for each in tasks:
                each.cancel()
            outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        reads = not any(isinstance(each, TimeoutError) for each in outcomes)
        if reads and leaving.cancelled():
            with suppress(TimeoutError):
                await self._finish(is_complete=not writing.cancelled())
                return
            reads = False
        if not reads:
            self._abort()
            await _wait_for_disconnect(receive)

    async def _finish(self, *, is_complete: bool) -> None:
        """End the response. Where the server stops, it says nothing of the operation: clients try again."""
        if self._reason is not None:
            await self._next(orjson.dumps(request_error(self._reason)[1]))
        ends_operation = is_complete or self._reason is not None
        await self._send_part(_COMPLETE if ends_operation else b"", more_body=False)

    async def _write(self) -> None:
        async with aclosing(self._results):
            try:
                async for result in self._results:
                    await self._next(result)
                    del result
            except OperationFailed as failure:
                await self._next(orjson.dumps({"errors": failure.errors}))

    async def _next(self, result: bytes) -> None:
        await self._send_part(b"event: next\ndata: %b\n\n" % result)

    def _ping(self) -> None:
        """Ping from now on, so that proxies do not take the connection for dead, and that we learn if it is.

        Not by a task that sleeps: there may be thousands.
        """
        if self._pinging is None:
            self._pinging = asyncio.create_task(self._send_part(_PING))
            self._pinging.add_done_callback(self._pinged)
        self._next_ping = asyncio.get_running_loop().call_later(self._ping_interval, self._ping)

    def _pinged(self, task: "asyncio.Task[None]") -> None:
        if task.cancelled() or task.exception() is None:
            self._pinging = None
        else:
            self._end()

    async def _send_part(self, part: bytes, *, more_body: bool = True) -> None:
        """Raises TimeoutError if the client does not read."""
        async with asyncio.timeout(_MISSED_PINGS * self._ping_interval):
            await self._send({"type": "http.response.body", "body": part, "more_body": more_body})


async def _wait_for_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _refuse(settings: Settings, error: RequestError, send: Send) -> None:
    """A plain response: the request was not understood, or its sender is not known."""
    status, body, headers = failure(settings, error)
    content = orjson.dumps(body)
    lines = [
        (b"content-type", f"{GRAPHQL_RESPONSE}; charset=utf-8".encode()),
        (b"cache-control", b"no-store"),
        (b"content-length", b"%d" % len(content)),
        *headers,
    ]
    await send({"type": "http.response.start", "status": status, "headers": lines})
    await send({"type": "http.response.body", "body": content})
