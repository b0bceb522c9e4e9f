"""The listening sockets: opened by this process, or passed to it by the one that started it."""

import os
import socket
from collections.abc import Sequence

from gql_service.settings import SocketActivation

_BACKLOG = 2048
_FIRST_PASSED = 3
"""The number of the first file descriptor that systemd passes."""


class CannotListen(Exception):
    """The message says which address or file descriptor, and why."""


def open_listeners(host: str, port: int, descriptor: int | None = None) -> list[socket.socket]:
    """The sockets to accept connections from. Raises CannotListen.

    `descriptor` is that of an open listening socket. Without it, sockets of systemd's socket activation come
    before `host` and `port`.
    """
    if descriptor is not None:
        return [_inherited(descriptor)]
    activation = SocketActivation()
    if activation.fds and activation.pid == os.getpid():
        return [_inherited(_FIRST_PASSED + each) for each in range(activation.fds)]
    return _listen(host, port)


def address_of(listener: socket.socket) -> str:
    """The address as clients write it."""
    name = listener.getsockname()
    if not isinstance(name, tuple):
        return f"unix:{name if isinstance(name, str) else os.fsdecode(name)}"
    host, port = name[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def close(listeners: Sequence[socket.socket]) -> None:
    for listener in listeners:
        listener.close()


def _inherited(descriptor: int) -> socket.socket:
    try:
        listener = socket.socket(fileno=descriptor)
    except OSError as error:
        raise CannotListen(
            f"The file descriptor {descriptor} is not an open socket: {error.strerror}."
        ) from None
    if not listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        raise CannotListen(
            f"The file descriptor {descriptor} is a socket that does not listen. Call listen() on it first."
        )
    listener.setblocking(False)
    return listener


def _listen(host: str, port: int) -> list[socket.socket]:
    """A socket for each address of the host, all with the same port."""
    listeners: list[socket.socket] = []
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, _, _, _, address in dict.fromkeys(found):
            listeners.append(_bound(family, (address[0], port, *address[2:])))
            port = listeners[0].getsockname()[1]  # where it was 0: the port that the system has chosen
    except OSError as error:
        close(listeners)
        raise CannotListen(f"Cannot listen on {host}, port {port}: {error.strerror}.") from None
    return listeners


def _bound(family: int, address: tuple[object, ...]) -> socket.socket:
    """Raises OSError."""
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener
