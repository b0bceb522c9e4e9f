"""A receiver of webhooks that does not speak HTTP as it should: it sends any bytes, in any time."""

import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

Behaviour = Callable[[socket.socket], None]
"""What it does with a connection on which a request has come. The connection is closed after it."""


class HostileReceiver:
    """It treats all connections in the same way."""

    def __init__(self, listener: socket.socket, behaviour: Behaviour) -> None:
        self._listener = listener
        self._behaviour = behaviour
        self.connections = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}/"

    def serve(self) -> None:
        """Serve until the listener is closed."""
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                threading.Thread(target=self._treat, args=(connection,), daemon=True).start()

    def _treat(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            _read_request(connection)
            self._behaviour(connection)


def _read_request(connection: socket.socket) -> None:
    """Read it to its end, if it is one: a connection that is closed with unread data is reset, and its
    response may be lost."""
    data = connection.recv(65536)
    if not data.startswith(b"POST "):
        return
    while (end := data.find(b"\r\n\r\n")) < 0:
        data += connection.recv(65536)
    length = re.search(rb"\r\ncontent-length: (\d+)", data[:end], re.IGNORECASE)
    assert length is not None, data
    while len(data) < end + len(b"\r\n\r\n") + int(length[1]):
        data += connection.recv(65536)


@contextmanager
def hostile(behaviour: Behaviour) -> Iterator[HostileReceiver]:
    """A receiver with this behaviour, within the block."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        receiver = HostileReceiver(listener, behaviour)
        threading.Thread(target=receiver.serve, daemon=True).start()
        try:
            yield receiver
        finally:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)


def keeps_silent(connection: socket.socket) -> None:
    """Waits for the other side to close the connection."""
    while connection.recv(4096):
        pass


def sends(data: bytes) -> Behaviour:
    """Sends this, and closes the connection."""
    return lambda connection: connection.sendall(data)


def floods(beginning: bytes, again: bytes) -> Behaviour:
    """Sends this, and then that again and again, until the other side closes the connection."""

    def flood(connection: socket.socket) -> None:
        connection.sendall(beginning)
        block = again * (65536 // len(again))
        while True:
            connection.sendall(block)

    return flood


def drips(beginning: bytes, again: bytes) -> Behaviour:
    """The same, but slowly."""

    def drip(connection: socket.socket) -> None:
        connection.sendall(beginning)
        while True:
            connection.sendall(again)
            threading.Event().wait(0.05)

    return drip
