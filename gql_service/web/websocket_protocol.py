"""WebSocket connections: uvicorn's protocol, on the library `websockets`.

Thousands of them may be open. So what uvicorn keeps for each, and need not, is replaced or released.
"""

import asyncio
import logging
from collections import deque
from typing import Any

from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

_LOGGER = logging.getLogger("uvicorn.error.websocket")
_LOGGER.setLevel(logging.WARNING)
"""uvicorn would log the URL of each connection, which may have secrets."""


class _Messages:
    """What has come from the client, for one reader. An `asyncio.Queue` takes 3 KB while it is empty."""

    __slots__ = ("_messages", "_waiter")

    def __init__(self) -> None:
        self._messages: deque[Any] | None = None
        self._waiter: asyncio.Future[None] | None = None

    def empty(self) -> bool:
        return self._messages is None

    def put_nowait(self, message: Any) -> None:
        if self._messages is None:
            self._messages = deque()
        self._messages.append(message)
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def get(self) -> Any:
        while self._messages is None:
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        message = self._messages.popleft()
        if not self._messages:
            self._messages = None
        return message


class _Writable:
    """Whether the client reads, as an event that is set at first. Until it is cleared, it takes no memory."""

    __slots__ = ("_event",)

    def __init__(self) -> None:
        self._event: asyncio.Event | None = None

    def is_set(self) -> bool:
        return self._event is None

    def clear(self) -> None:
        if self._event is None:
            self._event = asyncio.Event()

    def set(self) -> None:
        if self._event is not None:
            self._event.set()
            self._event = None

    async def wait(self) -> None:
        while self._event is not None:
            await self._event.wait()


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """One connection, which `web.http_protocol` has handed over.

    - It is passed to the endpoint directly, as `web.http_protocol` does with requests, if the application has
      an attribute `websockets`.
    - A client that does not read is cut off when it has to end. uvicorn would wait until it has read.
    - While a client does not read, its pings are not answered: the answers would fill the memory.
    - When the server stops, the application closes the connection: see `web.open_connections`.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.logger = self.conn.logger = _LOGGER
        self.queue: Any = _Messages()
        self.writable: Any = _Writable()
        self._open_connections = getattr(self.app, "connections", None)
        if self._open_connections is not None:
            self.tasks = self._open_connections.tasks
        self.app = getattr(self.app, "websockets", None) or self.app

    def drain(self) -> None:
        """Called by the server when it begins to drain, and when it stops."""
        if self._open_connections is not None:
            self._open_connections.drain()

    def shutdown(self) -> None:
        self.drain()

    def handle_ping(self) -> None:
        answer = b"".join(self.conn.data_to_send())
        if self.writable.is_set():
            self.transport.write(answer)

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        self.transport.abort()

    async def send(self, message: Any) -> None:
        """Raises ClientDisconnected after the connection was closed by either side."""
        if self.close_sent or self.transport.is_closing():
            raise ClientDisconnected
        closes = message["type"] == "websocket.close"
        if closes:
            self.writable.set()
        await super().send(message)
        if message["type"] == "websocket.http.response.body":
            self.handshake_complete = True  # it was refused: uvicorn would report that nothing was answered
        if message["type"] == "websocket.accept":
            # The scope has the head, and the library would keep two more copies.
            self.request.headers.clear()
            del self.request, self.response
        if closes and self.close_timer is not None:
            self.close_timer.cancel()
            self.close_timer = self.loop.call_later(self.close_timeout, self.transport.abort)
