"""Event streams: connections that `web.http_protocol` hands over as soon as the response has begun.

Thousands of them may be open. So neither the request, nor the middleware, nor a task of theirs is kept: one
task sends the results, and everything else is called by the connection or by a timer.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import orjson

from gql_service.errors import RequestError
from gql_service.services.subscribers import Subscriber
from gql_service.web.connection import HttpConnections, WriteBuffer
from gql_service.web.graphql_result import masked_error, request_error
from gql_service.web.live_operations import OperationFailed
from gql_service.web.open_connections import OpenConnections

_COMPLETE = b"event: complete\ndata:\n\n"
_PING = b":\n\n"
_MISSED_PINGS = 2
"""Pings for which a client may not read, before it is given up."""


class EventStream(asyncio.Protocol):
    """The rest of one response, in chunks. See `open_connections.OpenConnection`.

    Nothing more is read from the connection, which ends with the response. A client that closes its side has
    gone: it does not wait for the end of what has no end.
    """

    __slots__ = (
        "_connections",
        "_http_connections",
        "_missed_pings",
        "_next_ping",
        "_ping_interval",
        "_reason",
        "_results",
        "_resumed",
        "_transport",
        "_writing",
        "subscriber",
    )

    def __init__(
        self,
        subscriber: Subscriber,
        results: AsyncGenerator[bytes, None],
        connections: OpenConnections,
        ping_interval: float,
    ) -> None:
        self.subscriber: Subscriber | None = subscriber
        self._results = results
        self._connections = connections
        self._ping_interval = ping_interval
        self._reason: RequestError | None = None
        """Why it ends before its operation."""
        self._resumed: asyncio.Future[None] | None = None
        """Is done when the client reads again. None if it reads."""
        self._missed_pings = 0

    def take_over(self, transport: WriteBuffer, http_connections: HttpConnections) -> None:
        """Continue on a connection. The server waits for all `http_connections` when it stops."""
        self._transport = transport
        self._http_connections = http_connections
        http_connections.add(self)
        transport.set_protocol(self)
        loop = asyncio.get_running_loop()
        self._next_ping = loop.call_later(self._ping_interval, self._ping)
        self._writing = loop.create_task(self._write())
        self._writing.add_done_callback(self._end)

    def revoke(self, error: RequestError) -> None:
        self._reason = error
        self._writing.cancel()

    def drain(self) -> None:
        self._writing.cancel()

    def shutdown(self) -> None:
        """Called by uvicorn."""
        self.drain()

    def connection_lost(self, _error: Exception | None) -> None:
        self._http_connections.discard(self)
        self._next_ping.cancel()
        self._writing.cancel()

    def pause_writing(self) -> None:
        self._resumed = asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        if self._resumed is not None and not self._resumed.done():
            self._resumed.set_result(None)
        self._resumed, self._missed_pings = None, 0

    async def _write(self) -> None:
        """Send the results. Raises OperationFailed."""
        with self._connections.opened(self):
            if self._connections.is_draining:
                raise asyncio.CancelledError
            async with aclosing(self._results):
                async for result in self._results:
                    self._send_result(result)
                    del result
                    if self._resumed is not None:
                        await self._resumed

    def _end(self, writing: asyncio.Task[None]) -> None:
        """End the response. Where the server stops, it says nothing of the operation: clients try again."""
        error = None if writing.cancelled() else writing.exception()
        if self._reason is not None:
            self._send_result(orjson.dumps(request_error(self._reason)[1]))
        elif isinstance(error, OperationFailed):
            self._send_result(orjson.dumps({"errors": error.errors}))
        elif error is not None:
            self._send_result(orjson.dumps({"errors": [masked_error(error)]}))
        if self._reason is not None or not writing.cancelled():
            self._send(_COMPLETE)
        if not self._transport.is_closing():
            self._transport.write(b"0\r\n\r\n")
            self._transport.close()
            self._next_ping.cancel()
            patience = _MISSED_PINGS * self._ping_interval
            self._next_ping = asyncio.get_running_loop().call_later(patience, self._transport.abort)

    def _ping(self) -> None:
        """Proxies must not take the connection for dead, and we have to learn if it is."""
        if self._resumed is None:
            self._send(_PING)
        else:
            self._missed_pings += 1
        if self._missed_pings == _MISSED_PINGS:
            self._transport.abort()
        else:
            self._next_ping = asyncio.get_running_loop().call_later(self._ping_interval, self._ping)

    def _send_result(self, result: bytes) -> None:
        self._send(b"event: next\ndata: %b\n\n" % result)

    def _send(self, part: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(b"%x\r\n%b\r\n" % (len(part), part))
