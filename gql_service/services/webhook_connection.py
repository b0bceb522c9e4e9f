"""Connections to the receivers of webhooks: only to addresses that were checked, and with bounds.

Receivers belong to tenants. None of them may reach the network of the service, or keep it busy.
"""

import asyncio
import socket
import ssl
from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from ipaddress import ip_address
from threading import Thread
from typing import Any

import httpcore

from gql_service.domain.webhooks.destinations import AllowedNetworks, Destination, NotAllowed

_CONNECT_TIMEOUT = 5.0
"""Seconds for each address."""
_MAX_ADDRESSES = 3
_MAX_RECEIVED = 64 * 1024
"""Bytes of a response that are read, its headers and interim responses included."""
_MAX_READ = 4096
"""Bytes that are read and parsed at a time: a flood of tiny interim responses must not hold the loop."""


class HostNotFound(Exception):
    """The name of a host cannot be resolved."""


class TlsFailed(Exception):
    """The receiver has no certificate of its host that is trusted, or no TLS at all."""


class CheckedBackend(httpcore.AsyncNetworkBackend):
    """Opens the connection for one request of httpcore: resolves the host, and checks its addresses.

    Only the connection goes to the address: `Host`, SNI and the certificate are about the name.
    """

    def __init__(self, networks: AllowedNetworks, destination: Destination) -> None:
        self._networks = networks
        self._destination = destination
        self._backend = httpcore.AnyIOBackend()
        self._stream: httpcore.AsyncNetworkStream | None = None

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's own
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first address that answers. Raises NotAllowed or HostNotFound."""
        addresses = await self._addresses(host, port)
        for address in addresses[:-1]:
            with suppress(httpcore.ConnectError, httpcore.ConnectTimeout):
                return await self._connect(address, port)
        return await self._connect(addresses[-1], port)

    async def close(self) -> None:
        """Close the connection. httpcore does not where it is cancelled during the handshake of TLS."""
        if self._stream is not None:
            await self._stream.aclose()

    async def _connect(self, address: str, port: int) -> httpcore.AsyncNetworkStream:
        self._stream = await self._backend.connect_tcp(address, port, _CONNECT_TIMEOUT)
        return _BoundedStream(self._stream)

    async def _addresses(self, host: str, port: int) -> list[str]:
        """Some addresses of the host to which webhooks may be sent."""
        try:
            found = await resolve(host, port)
        except (OSError, ValueError):  # the latter if it is malformed
            raise HostNotFound from None
        refusal, allowed = NotAllowed("no address"), []
        for address in dict.fromkeys(found):
            try:
                self._networks.check_address(address, is_secure=self._destination.is_secure)
            except NotAllowed as error:
                refusal = error
            else:
                allowed.append(address)
        if not allowed:
            raise refusal
        return allowed[:_MAX_ADDRESSES]


class _BoundedStream(httpcore.AsyncNetworkStream):
    """A connection from which only so much is read."""

    def __init__(self, stream: httpcore.AsyncNetworkStream) -> None:
        self._stream = stream
        self._left = _MAX_RECEIVED

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109
        if not self._left:
            raise httpcore.RemoteProtocolError("The response is too long.")
        found = await self._stream.read(min(max_bytes, _MAX_READ, self._left), timeout)
        if not found and self._left == _MAX_RECEIVED:
            raise httpcore.ReadError("The connection was closed without a response.")
        self._left -= len(found)
        await asyncio.sleep(0)  # what has come already is read without waiting
        return found

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> httpcore.AsyncNetworkStream:
        try:
            return _BoundedStream(await self._stream.start_tls(ssl_context, server_hostname, timeout))
        except httpcore.ConnectError:
            raise TlsFailed from None

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


async def resolve(host: str, port: int) -> list[str]:
    """The IP addresses of a host. Raises OSError or ValueError.

    Each name has a thread of its own. The pool of the event loop has few, and names that nobody answers for
    would keep others waiting; and the process could not end before their time is over.
    """
    with suppress(ValueError):
        return [str(ip_address(host))]
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[list[str]] = loop.create_future()

    def look_up() -> None:
        found: list[str] | BaseException
        try:
            found = [
                str(address[0]) for *_, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            ]
        except BaseException as error:
            found = error
        with suppress(RuntimeError):  # the loop was closed meanwhile
            loop.call_soon_threadsafe(partial(_settle, answer, found))

    Thread(target=look_up, daemon=True).start()
    return await answer


def _settle(answer: asyncio.Future[list[str]], found: list[str] | BaseException) -> None:
    if answer.cancelled():
        return
    if isinstance(found, BaseException):
        answer.set_exception(found)
    else:
        answer.set_result(found)
