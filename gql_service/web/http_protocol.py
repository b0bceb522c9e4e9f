"""HTTP/1.1 connections. Extends uvicorn's protocol:

- `POST /graphql` and the evaluation of flags go to their endpoints directly (`web/shortcut.py`).
- A request begins at once if it comes alone (`web/lone_requests.py`), and else with others (`web/waves.py`).
- Each response is written by one system call. uvicorn writes the head and the body separately, as two
  packets, which takes a third of the time of a small query.
- Request heads that are too large or too slow end the connection (`web/connection.py`).
- A request for a WebSocket on `/graphql` is handed over to `web/websocket_protocol.py`.
- Any other request to upgrade to another protocol is answered as if it had no `Upgrade` header. uvicorn
  would lose its body, or execute the body as the next request (its issue 2722).
- Requests without a valid `Host` are rejected (`web/request_head.py`).
- While the server drains, responses close the connection.
- The error for a malformed request is sent after the responses to the requests before it.

Pipelining, flow control and shutdown are uvicorn's.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context
from functools import partial
from time import perf_counter
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from gql_service.web.connection import HAND_OVER, MAX_HEAD_SIZE, HeadLimits, Successor, WriteBuffer
from gql_service.web.graphql import GraphQLEndpoint
from gql_service.web.graphql_parameters import Headers
from gql_service.web.lone_requests import LoneRequests
from gql_service.web.observation import ARRIVED, ObservedDirectRequest, brings_id
from gql_service.web.ofrep import OfrepEndpoint
from gql_service.web.open_connections import OpenConnections
from gql_service.web.request_head import (
    InvalidRequest,
    check,
    is_plain,
    one_value_each,
    request_head,
    without_upgrade,
)
from gql_service.web.security_headers import API_HEADERS
from gql_service.web.shortcut import DirectEndpoint, DirectRequest
from gql_service.web.waves import Waves

_DISCARD: Any = deque(maxlen=0)
"""Replaces the list of headers once the head is complete, to drop trailers."""
_TOO_LARGE = InvalidRequest(400, "The head of the request is too large.")


class HttpProtocol(HttpToolsProtocol):
    """One connection. The shortcut is used if the application has the attributes `graphql` and `ofrep`."""

    _due: DirectRequest | None = None
    """The request that has arrived with the data that is being parsed."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.access_log = self.access_log and self.config.access_log  # to uvicorn any handler is a wish
        self._limits = HeadLimits(self.loop, self.timeout_keep_alive, self._close)
        self._is_in_body = False
        """Whether the head of the last request is complete, and its body is not."""
        self._head_without_upgrade: bytes | None = None
        """The head of the last request if it asks for an upgrade, until it is parsed again."""
        self._websocket_head: bytes | None = None
        """The head of the last request if it becomes a WebSocket."""
        self._is_at_end = False
        """Whether the client has closed its side, after complete requests."""
        self._refusal: InvalidRequest | None = None
        """Why nothing more is read from the connection."""
        self._is_draining: bool = getattr(self.server_state, "is_draining", False)
        self._last: RequestResponseCycle | None = None
        """The request whose response closes the connection because the server is draining."""
        may_bypass_uvicorn = not (self.access_log or self.root_path or self.limit_concurrency)
        graphql = getattr(self.app, "graphql", None) if may_bypass_uvicorn else None
        self._graphql: GraphQLEndpoint | None = graphql
        self._ofrep: OfrepEndpoint | None = getattr(self.app, "ofrep", None) if may_bypass_uvicorn else None
        self._lone_requests: LoneRequests | None = getattr(self.app, "lone_requests", None)
        self._waves: Waves | None = getattr(self.app, "waves", None)
        self._connections: OpenConnections | None = getattr(self.app, "connections", None)
        observes = self._graphql is not None and self._graphql.observer.is_on
        self._request_type = ObservedDirectRequest if observes else DirectRequest

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(WriteBuffer(transport, self.loop))  # type: ignore[arg-type]
        self._extensions: dict[str, Callable[[Successor], None]] = {HAND_OVER: self._hand_over}
        self._limits.wait()

    def eof_received(self) -> bool:  # type: ignore[override]
        """The client has sent all it wanted to. Keep the connection open for responses that are under way."""
        is_responding = self.cycle is not None and not self.cycle.response_complete
        self._is_at_end = is_responding and not self._is_in_body
        return self._is_at_end

    def _hand_over(self, successor: Successor) -> None:
        """Let another protocol continue the response of `cycle`, which has begun."""
        if self.cycle.disconnected:
            return
        self._limits.stop()
        self.connections.discard(self)
        successor.take_over(self.transport, self.connections)  # type: ignore[arg-type]
        if self._is_at_end:
            self.transport.close()
        self.cycle.disconnected = True  # uvicorn would miss the rest of the response
        self.__dict__.clear()  # as in `_become_websocket`

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        # What refers to this in a circle would keep it, and the last request with its plan, until the cyclic
        # garbage collector runs, which it does rarely.
        self._limits.end()
        self._extensions[HAND_OVER] = _nobody_is_there

    def data_received(self, data: bytes) -> None:
        if self._refusal is not None:
            return
        limits = self._limits
        limits.unparsed += len(data)
        try:
            self._parse(data)
        except httptools.HttpParserError as error:
            self._begin_due()
            self._refuse(_to_refusal(error))
            return
        self._begin_due()
        if limits.is_in_head:
            limits.time_head()
        if limits.unparsed > MAX_HEAD_SIZE and not self.transport.is_closing():
            self._refuse(_TOO_LARGE)

    def _parse(self, data: bytes | memoryview) -> None:
        """Raises HttpParserError."""
        while True:
            try:
                self.parser.feed_data(data)
            except httptools.HttpParserUpgrade as upgrade:
                end_of_head = upgrade.args[0]
            else:
                return
            if self._websocket_head is not None:
                self._become_websocket(self._websocket_head + data[end_of_head:])
                return
            # The parser takes the head for the whole message. A new one parses it again, then the body.
            assert self._head_without_upgrade is not None
            head, self._head_without_upgrade = self._head_without_upgrade, None
            self.parser = httptools.HttpRequestParser(self)
            self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as in uvicorn
            self.parser.feed_data(head)
            data = memoryview(data)[end_of_head:]

    def drain(self) -> None:
        """Close the connection after the response to the last request that has arrived."""
        self._is_draining = True
        if self.cycle is not None:
            self._close_after(self.cycle)
        if self._connections is not None:
            self._connections.drain()

    def _close_after(self, request: RequestResponseCycle) -> None:
        former, self._last = self._last, None
        if former is not None and not former.response_started:
            former.keep_alive = True  # it was the last one, until this one came
        if request.keep_alive and not request.response_started:
            request.keep_alive = False
            self._last = request

    def shutdown(self) -> None:
        """Called by uvicorn. It would close a connection whose request is arriving, or is expected."""
        if self._limits.is_in_head or self.cycle is None:
            self.drain()
            self._limits.hurry()
        else:
            if self._connections is not None:
                self._connections.drain()
            super().shutdown()

    def _refuse(self, refusal: InvalidRequest) -> None:
        """Send the error after the responses that are under way, and close the connection."""
        self._refusal = refusal
        if refusal.status == 400:
            self.logger.warning("Invalid HTTP request received.")
        if self._is_in_body and self.pipeline and self.pipeline[0][0] is self.cycle:
            self.pipeline.popleft()  # the error is the response to this request
        elif self._is_in_body:
            if self.cycle.response_started:
                self.transport.close()
            else:
                self.cycle.disconnected = True
                self._send_refusal(refusal)
            return
        if self.cycle is None or self.cycle.response_complete:
            self._send_refusal(refusal)

    def _send_refusal(self, refusal: InvalidRequest) -> None:
        message = refusal.message.encode("ascii")
        headers = [
            *self.server_state.default_headers,
            *API_HEADERS,
            (b"content-type", b"text/plain; charset=utf-8"),
            (b"content-length", b"%d" % len(message)),
            (b"connection", b"close"),
        ]
        lines = [b"%b: %b\r\n" % header for header in headers]
        self.transport.write(b"".join([STATUS_LINE[refusal.status], *lines, b"\r\n", message]))
        self.transport.close()

    def on_response_complete(self) -> None:
        """Does what uvicorn does, but keeps one timer per connection instead of one per request."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        elif self._refusal is not None:
            self._send_refusal(self._refusal)
        elif self._is_at_end:
            self.transport.close()
        else:
            self._limits.wait()

    def _close(self) -> None:
        self.transport.close()

    def on_message_begin(self) -> None:
        self._limits.start_head()
        self.url = b""
        self.headers = []

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value.rstrip(b" \t")))  # the parser has removed leading space

    def on_body(self, body: bytes) -> None:
        self._limits.unparsed = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        if self._head_without_upgrade is None and self._websocket_head is None:
            self._limits.unparsed = 0
            self._is_in_body = False
            super().on_message_complete()

    def on_headers_complete(self) -> None:
        self._limits.finish_head()
        if self.parser.should_upgrade():
            if self._asks_for_websocket():
                check(self.parser.get_http_version(), self.headers)
                self._websocket_head = request_head(b"GET", self.url, "1.1", self.headers)
            else:
                self._decline_upgrade()
            return
        headers = one_value_each(self.headers)
        if not is_plain(headers, self.headers):
            check(self.parser.get_http_version(), self.headers)
        graphql = self._graphql
        if (
            graphql is None
            or self.url != b"/graphql"
            or self.parser.get_method() != b"POST"
            or b"expect" in headers
            or headers.get(b"accept", b"").find(b"event-stream") >= 0  # quicker than `in`
        ):
            self._pass_on(headers)
        else:
            self._start(graphql, headers)
        self.headers = _DISCARD
        self._is_in_body = True
        if self._is_draining:
            self._close_after(self.cycle)

    def _asks_for_websocket(self) -> bool:
        """Whether the request is the handshake of a WebSocket, and no response is under way."""
        upgrades = [value.strip().lower() for name, value in self.headers if name == b"upgrade"]
        return (
            upgrades == [b"websocket"]
            and self.url.partition(b"?")[0] in (b"/graphql", b"/graphql/")
            and self.parser.get_method() == b"GET"
            and self.parser.get_http_version() == "1.1"
            and self.ws_protocol_class is not None
            and (self.cycle is None or self.cycle.response_complete)
        )

    def _become_websocket(self, data: bytes) -> None:
        """Hand the connection over, with the head of its request and what has come after that."""
        assert self.ws_protocol_class is not None, "it was asked before"
        self._limits.stop()
        self.connections.discard(self)
        config, state, transport = self.config, self.server_state, self.transport
        protocol: Any = self.ws_protocol_class(  # type: ignore[call-arg]
            config, state, self.app_state
        )
        protocol.connection_made(transport)
        transport.set_protocol(protocol)
        self.__dict__.clear()  # it is in cycles, which are collected late, and would be kept with all it has
        protocol.data_received(data)

    def _decline_upgrade(self) -> None:
        """Let `_parse` continue. The next callback is `on_message_complete`, before the body."""
        method = self.parser.get_method()
        if method == b"CONNECT":
            raise InvalidRequest(501, "CONNECT is not supported.")
        version, lines = self.parser.get_http_version(), self.headers
        self._head_without_upgrade = without_upgrade(method, self.url, version, lines)

    def _pass_on(self, headers: Headers) -> None:
        """Find who responds to a request that is not for GraphQL."""
        is_plain_post = self.parser.get_method() == b"POST" and b"expect" not in headers
        target = self._ofrep.target(self.url) if self._ofrep is not None and is_plain_post else None
        if target is None:
            self._pass_to_uvicorn()
        else:
            self._start(target, headers)

    def _start(self, endpoint: DirectEndpoint, headers: Headers) -> None:
        """Respond to a request now, or after those before it."""
        request_type = ObservedDirectRequest if brings_id(headers) else self._request_type
        request = request_type(self, endpoint, headers, self.headers)
        previous, self.cycle = self.cycle, request
        if previous is None or previous.response_complete:
            self._due = request
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((request, request.respond))

    def _begin_due(self) -> None:
        """Run the request that has arrived: at once if it is alone, or else in a task, with others."""
        request, self._due = self._due, None
        if request is None:
            return
        lone = self._lone_requests
        if lone is not None and not request.more_body and not self.tasks and lone.is_alone(self):
            lone.run(request.run_asgi(request.respond), partial(self._go_on, request))
            return
        self._start_asgi_task(request, request.respond)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        """Called by uvicorn, too: run a request in a task, now or with others."""
        begin = partial(super()._start_asgi_task, cycle, app)
        if self._waves is None:
            begin()
        else:
            self._waves.join(begin, self.tasks)

    def _go_on(self, request: DirectRequest, rest: Coroutine[Any, Any, None], context: Context) -> None:
        """Let a request wait, in a task."""
        task = self.loop.create_task(rest, context=context)
        if request.timeout is not None:
            request.timeout.task = task
        task.add_done_callback(self.tasks.discard)
        self.tasks.add(task)

    def _pass_to_uvicorn(self) -> None:
        """Call the callbacks that uvicorn has missed so far."""
        url, lines = self.url, self.headers
        if self.parser.get_http_version() == "1.0":  # which has no interim responses (RFC 9110, 10.1.1)
            lines = [line for line in lines if line[0] != b"expect"]
        super().on_message_begin()
        scope: Any = self.scope  # uvicorn's type has neither our extensions nor our key
        scope["extensions"], scope[ARRIVED] = self._extensions, perf_counter()
        super().on_url(url)
        for name, value in lines:
            super().on_header(name, value)
        super().on_headers_complete()


def _nobody_is_there(_successor: Successor) -> None:
    """Stands in for handing over a connection that is lost."""


def _to_refusal(error: httptools.HttpParserError) -> InvalidRequest:
    """The response to a request that the parser, or one of its callbacks, rejects."""
    cause = error.__context__
    if isinstance(cause, InvalidRequest):
        return cause
    if isinstance(error, httptools.HttpParserCallbackError):
        return InvalidRequest(400, "Invalid HTTP request.")
    return InvalidRequest(400, f"Invalid HTTP request: {error}.")
