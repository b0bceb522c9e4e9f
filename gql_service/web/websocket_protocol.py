"""WebSocket connections: uvicorn's protocol, on the library `websockets`."""

import logging
from typing import Any

from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

_LOGGER = logging.getLogger("uvicorn.error.websocket")
_LOGGER.setLevel(logging.WARNING)
"""uvicorn would log the URL of each connection, which may have secrets."""


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """One connection, which `web.http_protocol` has handed over.

    - A client that does not read is cut off when it has to end. uvicorn would wait until it has read.
    - While a client does not read, its pings are not answered: the answers would fill the memory.
    - When the server stops, the application closes the connection: see `web.open_connections`.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.logger = self.conn.logger = _LOGGER

    def drain(self) -> None:
        """Called by the server when it begins to drain, and when it stops."""
        connections = getattr(self.app, "connections", None)
        if connections is not None:
            connections.drain()

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
        if closes and self.close_timer is not None:
            self.close_timer.cancel()
            self.close_timer = self.loop.call_later(self.close_timeout, self.transport.abort)
