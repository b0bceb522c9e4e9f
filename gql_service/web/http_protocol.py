"""HTTP/1.1 connections. Extends uvicorn's protocol in three ways:

- `POST /graphql` is passed to the GraphQL endpoint directly, without ASGI. ASGI's scope and messages take a
  fifth of the time of a small query.
- Each response is written by one system call. uvicorn writes the head and the body separately, as two
  packets, which takes a third of the time of a small query.
- Request heads that are too large or too slow end the connection.

Pipelining, flow control, keep-alive and shutdown are uvicorn's.
"""

import asyncio
from collections import deque
from functools import lru_cache
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from gql_service.web.graphql import GraphQLEndpoint, GraphQLResponse, Headers
from gql_service.web.request import BodyLimit, read_body

_SCOPE = {"method": "POST"}
"""The only part of the ASGI scope that uvicorn reads if it responds to an operation itself."""
_MAX_HEAD_SIZE = 64 * 1024
"""Bytes of a request head or of trailers, not counting the read that contains their beginning."""
_DISCARD: Any = deque(maxlen=0)
"""Replaces the list of headers once the head is complete, to drop trailers."""
_TOO_LARGE = "The head of the request is too large."


class HttpProtocol(HttpToolsProtocol):
    """One connection. The shortcut is used if the application has an attribute `graphql`."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.access_log = self.access_log and self.config.access_log  # to uvicorn any handler is a wish
        self._waiting_since: float | None = None
        """When the connection started to wait for a request head, or for the rest of one; else None."""
        self._unparsed_size = 0
        """Bytes received since the parser last made progress."""
        self._made_progress = False
        may_bypass_uvicorn = not (self.access_log or self.root_path or self.limit_concurrency)
        graphql = getattr(self.app, "graphql", None) if may_bypass_uvicorn else None
        self._graphql: GraphQLEndpoint | None = graphql

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(_WriteBuffer(transport, self.loop))  # type: ignore[arg-type]
        self._waiting_since = self.loop.time()
        self._close_after(self.timeout_keep_alive)

    def data_received(self, data: bytes) -> None:
        self._made_progress = False
        super().data_received(data)
        if self._made_progress:
            self._unparsed_size = 0
            return
        self._unparsed_size += len(data)
        if self._unparsed_size > _MAX_HEAD_SIZE and not self.transport.is_closing():
            if self._is_responding():
                self.transport.close()  # the client would take a 400 for the response that is under way
            else:
                self.send_400_response(_TOO_LARGE)

    def on_response_complete(self) -> None:
        """Does what uvicorn does, but keeps one timer per connection instead of one per request."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
            return
        self._waiting_since = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self._close_after(self.timeout_keep_alive)

    def _unset_keepalive_if_required(self) -> None:
        """uvicorn stops the keep-alive timer when data arrives; here, only a complete head stops it."""

    def timeout_keep_alive_handler(self) -> None:
        self.timeout_keep_alive_task = None
        if self._waiting_since is None or self._is_responding():
            return
        remaining = self._waiting_since + self.timeout_keep_alive - self.loop.time()
        if remaining > 0:
            self._close_after(remaining)
        else:
            super().timeout_keep_alive_handler()

    def _close_after(self, seconds: float) -> None:
        """Check after `seconds` whether the connection has waited too long for a head."""
        self.timeout_keep_alive_task = self.loop.call_later(seconds, self.timeout_keep_alive_handler)

    def _is_responding(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def on_message_begin(self) -> None:
        self._waiting_since = self.loop.time()
        self._made_progress = True
        self.url = b""
        self.headers = []

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value))

    def on_body(self, body: bytes) -> None:
        self._made_progress = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._made_progress = True
        super().on_message_complete()

    def on_headers_complete(self) -> None:
        self._waiting_since = None
        self._made_progress = True
        graphql = self._graphql
        if graphql is None or self.url != b"/graphql" or self.parser.get_method() != b"POST":
            self._pass_to_uvicorn()
            return
        headers = dict(reversed(self.headers))  # keeps the first value of each
        if b"expect" in headers or b"upgrade" in headers:
            self._pass_to_uvicorn()
            return
        self.headers = _DISCARD
        previous = self.cycle
        cycle = self.cycle = _GraphQLRequest(self, graphql, headers)
        if previous is None or previous.response_complete:
            self._start_asgi_task(cycle, cycle.respond)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((cycle, cycle.respond))

    def _pass_to_uvicorn(self) -> None:
        """Call the callbacks that uvicorn has missed so far."""
        url, headers = self.url, self.headers
        super().on_message_begin()
        super().on_url(url)
        for name, value in headers:
            super().on_header(name, value)
        super().on_headers_complete()
        if not self.parser.should_upgrade():
            self.headers = _DISCARD


class _GraphQLRequest(RequestResponseCycle):
    """One `POST /graphql`. uvicorn runs it, collects its body, and responds with 500 if it fails."""

    access_log = False
    scope: Any = _SCOPE
    waiting_for_100_continue = disconnected = response_started = response_complete = False
    more_body = True
    chunked_encoding = None
    expected_content_length = 0

    def __init__(self, protocol: HttpProtocol, graphql: GraphQLEndpoint, headers: Headers) -> None:
        self.body = bytearray()
        self.message_event = asyncio.Event()
        self.logger = protocol.logger
        self.transport = protocol.transport
        self.flow = protocol.flow
        self.default_headers = protocol.server_state.default_headers
        self.keep_alive = protocol.parser.get_http_version() != "1.0" and protocol.parser.should_keep_alive()
        self.on_response = protocol.on_response_complete
        self._graphql = graphql
        self._headers = headers

    async def respond(self, *_asgi: object) -> None:
        """Called by uvicorn in place of the ASGI application."""
        response = await self._graphql.respond("POST", b"", self._headers, self._read)
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if response is None or self.disconnected:
            return
        self.response_started = self.response_complete = True
        self.transport.write(self._encode(response))
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()

    async def _read(self, limit: BodyLimit) -> bytes:
        """The body, which has nearly always arrived before it is read."""
        if self.more_body or self.disconnected or len(self.body) > limit.size:
            receive: Any = self.receive
            return await read_body(receive, self._headers.get(b"content-length"), limit)
        return bytes(self.body)

    def _encode(self, response: GraphQLResponse) -> bytes:
        parts = [STATUS_LINE[response.status]]
        for name, value in self.default_headers:
            parts += (name, b": ", value, b"\r\n")
        if not self.keep_alive:
            parts.append(b"connection: close\r\n")
        content_length = b"content-length: %d\r\n\r\n" % len(response.body)
        parts += (_header_lines(response.headers), content_length, response.body)
        return b"".join(parts)


@lru_cache(64)
def _header_lines(headers: tuple[tuple[bytes, bytes], ...]) -> bytes:
    return b"".join([b"%b: %b\r\n" % header for header in headers])


class _WriteBuffer:
    """A transport that joins all writes of one turn of the event loop into one."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._chunks: list[bytes] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        if not self._chunks:
            self._loop.call_soon(self._flush)
        self._chunks.append(data)

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        chunks, self._chunks = self._chunks, []
        if chunks:
            self._transport.write(b"".join(chunks))
