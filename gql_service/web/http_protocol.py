"""HTTP/1.1 connections: uvicorn's, with a short cut for posted operations, one system call a response, and an
end to heads that are endless or slow.

uvicorn writes head and body one after the other, and each write is a system call and a packet of its own:
together a third of what a small query costs. ASGI's scope and messages are another fifth, so what comes most
goes to the GraphQL endpoint without them; pipelining, flow control, keep-alive and shutdown stay uvicorn's.
"""

import asyncio
from collections import deque
from functools import lru_cache
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from gql_service.web.graphql import Answer, GraphQLEndpoint, Headers
from gql_service.web.request import read_body

_SCOPE = {"method": "POST"}
"""All that uvicorn looks at when it answers for an operation itself."""
_MAX_HEAD_SIZE = 64 * 1024
"""Bytes of a head, or of a body's trailers, that may come besides those that its beginning comes with."""
_FORGETTING: Any = deque(maxlen=0)
_TOO_LARGE = "The head of the request is too large."


class HttpProtocol(HttpToolsProtocol):
    """uvicorn's protocol; an application that has a `graphql` endpoint lets posted operations go there."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.access_log = self.access_log and self.config.access_log  # to uvicorn any handler is a wish
        self._waiting_since: float | None = None
        """Since when the next head is awaited, or the rest of one that has begun."""
        self._unfinished, self._advanced = 0, False
        is_as_always = not (self.access_log or self.root_path or self.limit_concurrency)
        self._graphql: GraphQLEndpoint | None = getattr(self.app, "graphql", None) if is_as_always else None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(_Gathering(transport, self.loop))  # type: ignore[arg-type]
        self._waiting_since = self.loop.time()
        self._close_after(self.timeout_keep_alive)

    def data_received(self, data: bytes) -> None:
        self._advanced = False
        super().data_received(data)
        if self._advanced:
            self._unfinished = 0
            return
        self._unfinished += len(data)
        if self._unfinished > _MAX_HEAD_SIZE and not self.transport.is_closing():
            if self._is_answering():
                self.transport.close()  # what is said now would be taken for the answer
            else:
                self.send_400_response(_TOO_LARGE)

    def on_response_complete(self) -> None:
        """As uvicorn does it, but for the timer, which outlives requests instead of being made for each."""
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
        """What ends the waiting is a whole head, not whatever comes."""

    def timeout_keep_alive_handler(self) -> None:
        self.timeout_keep_alive_task = None
        if self._waiting_since is None or self._is_answering():
            return
        rest = self._waiting_since + self.timeout_keep_alive - self.loop.time()
        if rest > 0:
            self._close_after(rest)
        else:
            super().timeout_keep_alive_handler()

    def _close_after(self, seconds: float) -> None:
        """Close the connection then, if it still waits since long enough."""
        self.timeout_keep_alive_task = self.loop.call_later(seconds, self.timeout_keep_alive_handler)

    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def on_message_begin(self) -> None:
        self._waiting_since = self.loop.time()
        self._advanced = True
        self.url = b""
        self.headers = []

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value))

    def on_body(self, body: bytes) -> None:
        self._advanced = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._advanced = True
        super().on_message_complete()

    def on_headers_complete(self) -> None:
        self._waiting_since = None
        self._advanced = True
        graphql = self._graphql
        if graphql is None or self.url != b"/graphql" or self.parser.get_method() != b"POST":
            self._leave_to_uvicorn()
            return
        headers = dict(reversed(self.headers))  # the first value of each
        if b"expect" in headers or b"upgrade" in headers:
            self._leave_to_uvicorn()
            return
        self.headers = _FORGETTING  # what follows now are trailers
        before = self.cycle
        cycle = self.cycle = _Operation(self, graphql, headers)
        if before is None or before.response_complete:
            self._start_asgi_task(cycle, cycle.answer)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((cycle, cycle.answer))

    def _leave_to_uvicorn(self) -> None:
        """Tell it all that it has missed."""
        url, headers = self.url, self.headers
        super().on_message_begin()
        super().on_url(url)
        for name, value in headers:
            super().on_header(name, value)
        super().on_headers_complete()
        if not self.parser.should_upgrade():
            self.headers = _FORGETTING


class _Operation(RequestResponseCycle):
    """One posted operation. uvicorn runs it, collects its body, and answers for it where it breaks."""

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

    async def answer(self, *_asgi: object) -> None:
        answer = await self._graphql.answer("POST", b"", self._headers, self._read)
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if answer is None or self.disconnected:
            return
        self.response_started = self.response_complete = True
        self.transport.write(self._rendered(answer))
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()

    async def _read(self, max_size: int) -> bytes:
        """Nearly always the body is there before anybody asks for it."""
        if self.more_body or self.disconnected or len(self.body) > max_size:
            receive: Any = self.receive
            return await read_body(receive, self._headers.get(b"content-length"), max_size)
        return bytes(self.body)

    def _rendered(self, answer: Answer) -> bytes:
        parts = [STATUS_LINE[answer.status]]
        for name, value in self.default_headers:
            parts += (name, b": ", value, b"\r\n")
        if not self.keep_alive:
            parts.append(b"connection: close\r\n")
        parts += (_lines(answer.headers), b"content-length: %d\r\n\r\n" % len(answer.body), answer.body)
        return b"".join(parts)


@lru_cache(64)
def _lines(headers: tuple[tuple[bytes, bytes], ...]) -> bytes:
    return b"".join([b"%b: %b\r\n" % header for header in headers])


class _Gathering:
    """Passes everything to the transport behind it; writes, at the end of the turn."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._written: list[bytes] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        if not self._written:
            self._loop.call_soon(self._flush)
        self._written.append(data)

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        written, self._written = self._written, []
        if written:
            self._transport.write(b"".join(written))
