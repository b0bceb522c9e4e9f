"""What every HTTP connection needs, on asyncio alone: joined writes, and limits for request heads."""

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

HAND_OVER = "gql_service.hand_over"
"""An extension of ASGI: a function that hands the connection over to a `Successor`, after the start of a
response in chunks. The application then has nothing more to do with it."""
MAX_HEAD_SIZE = 64 * 1024
"""Bytes of a request head or of trailers, not counting the read that contains their beginning."""
HEAD_TIMEOUT = 5.0
"""Seconds in which a request head must arrive, from its first byte."""


HttpConnections = set[Any]
"""The open connections that a uvicorn server knows."""


class Successor(Protocol):
    """Continues a response, and has the connection for itself."""

    def take_over(self, transport: "WriteBuffer", http_connections: HttpConnections) -> None:
        """Called once, unless the client has gone already."""
        ...


class WriteBuffer:
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


class HeadLimits:
    """Limits the size of the request heads on a connection, and the time in which each must arrive.

    A connection has one timer, because a timer for each request is slow.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, keep_alive: float, close: Callable[[], None]) -> None:
        """`close` is called if no head begins for `keep_alive` seconds, or if a head takes too long."""
        self._loop = loop
        self._keep_alive = keep_alive
        self._close = close
        self._timer: asyncio.TimerHandle | None = None
        self._deadline: float | None = None
        """When the connection is closed; None while the connection does not wait for a head."""
        self.is_in_head = False
        self._is_head_timed = False
        self.unparsed = 0
        """Bytes received since the parser last made progress. To be increased before each read is parsed, and
        reset by a body and by the end of a message."""

    def wait(self) -> None:
        """The connection is open, or a response is complete: a request head is next."""
        self._is_head_timed = self.is_in_head
        self._deadline = self._loop.time() + (HEAD_TIMEOUT if self.is_in_head else self._keep_alive)
        if self._timer is None:
            self._timer = self._loop.call_at(self._deadline, self._check_deadline)

    def hurry(self) -> None:
        """The server stops: the next head must arrive soon."""
        if self._deadline is not None:
            self._deadline = min(self._deadline, self._loop.time() + HEAD_TIMEOUT)
            self.stop()
            self._timer = self._loop.call_at(self._deadline, self._check_deadline)

    def start_head(self) -> None:
        """A head has begun."""
        self.unparsed = 0
        self.is_in_head = True
        self._is_head_timed = False

    def finish_head(self) -> None:
        """The head is complete. The time of its body and its response does not count."""
        self.unparsed = 0
        self.is_in_head = False
        self._deadline = None

    def time_head(self) -> None:
        """A read has ended within a head: the rest must arrive in time."""
        if not self._is_head_timed and self._deadline is not None:
            self._is_head_timed = True
            self._deadline = self._loop.time() + HEAD_TIMEOUT
            self.stop()
            self._timer = self._loop.call_at(self._deadline, self._check_deadline)

    def stop(self) -> None:
        """Cancel the timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def end(self) -> None:
        """The connection is lost."""
        self.stop()
        self._close = _do_nothing

    def _check_deadline(self) -> None:
        self._timer = None
        if self._deadline is None:
            return
        if self._deadline > self._loop.time():
            self._timer = self._loop.call_at(self._deadline, self._check_deadline)
        else:
            self._close()


def _do_nothing() -> None:
    """Stands in for closing what is closed."""
