"""Requests without ASGI: `POST /graphql`, and the evaluation of flags. Uses internals of uvicorn.

ASGI's scope and messages take a fifth of the time of a small query. `tests/web/test_uvicorn_internals.py`
lists what is used of uvicorn.
"""

import asyncio
from collections.abc import Coroutine, Iterable
from functools import lru_cache
from typing import Any, Protocol

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from gql_service.observability.requests import RequestObserver
from gql_service.web.client_address import TrustedProxies
from gql_service.web.graphql_parameters import Headers, ReadBody
from gql_service.web.request import BodyLimit, read_body
from gql_service.web.request_head import HeaderLines
from gql_service.web.request_origin import RequestOrigin
from gql_service.web.response import HttpResponse
from gql_service.web.security_headers import API_HEADERS

_SCOPE = {"method": "POST"}
"""The only part of the ASGI scope that uvicorn reads if it responds to an operation itself."""


class _NoEvent:
    """Replaces an `asyncio.Event` for which nobody waits. It takes no time to create."""

    def set(self) -> None:
        """Nobody has to be told."""


class DirectEndpoint(Protocol):
    """What responds to the requests of one path."""

    @property
    def name(self) -> str:
        """The endpoint, for logs and metrics."""

    @property
    def path(self) -> str: ...
    @property
    def operation(self) -> str | None:
        """What its requests do, for logs and metrics; None if the request says so."""

    @property
    def proxies(self) -> TrustedProxies: ...
    @property
    def observer(self) -> RequestObserver: ...

    def respond(
        self, method: str, query_string: bytes, headers: Headers, read: ReadBody, origin: RequestOrigin
    ) -> Coroutine[Any, Any, HttpResponse | None]:
        """The response; None if the client has disconnected."""


class DirectRequest(RequestResponseCycle, RequestOrigin):
    """One POST request. uvicorn runs it, collects its body, and responds with 500 if it fails."""

    access_log = False
    scope: Any = _SCOPE
    waiting_for_100_continue = disconnected = response_started = response_complete = False
    more_body = True
    chunked_encoding = None
    expected_content_length = 0
    message_event: Any = _NoEvent()

    def __init__(
        self, protocol: HttpToolsProtocol, endpoint: DirectEndpoint, headers: Headers, lines: HeaderLines
    ) -> None:
        """`headers` has `one_value_each` of `lines`."""
        self.body = bytearray()
        self.logger = protocol.logger
        self.transport = protocol.transport
        self.flow = protocol.flow
        self.default_headers = protocol.server_state.default_headers
        self.keep_alive = protocol.parser.get_http_version() != "1.0" and protocol.parser.should_keep_alive()
        self.on_response = protocol.on_response_complete
        self._endpoint = endpoint
        self._headers = headers
        self._proxies = endpoint.proxies
        self._peer = protocol.client
        self._lines = lines

    async def respond(self, *_asgi: object) -> None:
        """Called by uvicorn in place of the ASGI application."""
        response = await self._endpoint.respond("POST", b"", self._headers, self._read, self)
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if response is None or self.disconnected:
            self._abandon()
            return
        self.response_started = self.response_complete = True
        self.transport.write(self._encode(response))
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()

    def _abandon(self) -> None:
        """The client has disconnected before the response."""

    async def _read(self, limit: BodyLimit) -> bytes:
        """The body, which has nearly always arrived before it is read."""
        if self.more_body or self.disconnected or len(self.body) > limit.size:
            self.message_event = asyncio.Event()  # `receive` waits for it
            self.message_event.set()
            receive: Any = self.receive
            return await read_body(receive, self._headers.get(b"content-length"), limit)
        return bytes(self.body)

    def _encode(self, response: HttpResponse, extra: bytes = b"") -> bytes:
        """`extra` has complete lines of further headers."""
        parts = [STATUS_LINE[response.status], _DEFAULT_LINES.encode(self.default_headers), extra]
        if not self.keep_alive:
            parts.append(b"connection: close\r\n")
        if response.etag is not None:
            parts.append(b"etag: %b\r\n" % response.etag)
        if response.status == 304:  # whose content length would be that of the body it stands for
            parts += (_header_lines(response.headers), b"\r\n")
        else:
            content_length = b"content-length: %d\r\n\r\n" % len(response.body)
            parts += (_header_lines(response.headers), content_length, response.body)
        return b"".join(parts)


class _DefaultLines:
    """The headers of every response as bytes. uvicorn replaces its list every second, because of the date."""

    def __init__(self) -> None:
        self._headers: list[tuple[bytes, bytes]] = []
        self._lines = b""

    def encode(self, headers: list[tuple[bytes, bytes]]) -> bytes:
        if headers is not self._headers:
            self._headers, self._lines = headers, _encode_lines([*headers, *API_HEADERS])
        return self._lines


_DEFAULT_LINES = _DefaultLines()


def _encode_lines(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    return b"".join([b"%b: %b\r\n" % header for header in headers])


@lru_cache(64)
def _header_lines(headers: tuple[tuple[bytes, bytes], ...]) -> bytes:
    return _encode_lines(headers)
