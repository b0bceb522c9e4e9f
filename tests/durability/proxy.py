"""A proxy between clients and a server that can cut, change and repeat what it forwards."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from tests.durability.http_messages import connect, read_message


class Upstream:
    """The proxy's connection to the server, for one connection of a client."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._connection: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def send(self, request: bytes) -> None:
        self._connection = self._connection or await connect(self._port)
        self._connection[1].write(request)

    async def receive(self) -> bytes:
        assert self._connection is not None
        return await read_message(self._connection[0])

    async def exchange(self, request: bytes) -> bytes:
        """The response to a request."""
        await self.send(request)
        return await self.receive()

    def close(self) -> None:
        if self._connection is not None:
            self._connection[1].close()


Handler = Callable[[bytes, Upstream], Awaitable[bytes]]
"""Answers a request of a client. Raises Cut to close the connection instead."""


class Cut(Exception):
    """The connection to the client is closed after this part of the response."""

    def __init__(self, part: bytes = b"") -> None:
        super().__init__()
        self.part = part


@asynccontextmanager
async def proxying(port: int, handler: Handler) -> AsyncIterator[int]:
    """Run a proxy in front of the server on this port. Yields the proxy's own port."""
    clients: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        clients[task] = writer
        try:
            await _serve(reader, writer, port, handler)
        finally:
            del clients[task]
            writer.close()

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        server.close()
        for writer in clients.values():
            writer.transport.abort()
        if clients:
            await asyncio.wait(clients)


async def _serve(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int, handler: Handler
) -> None:
    """Answer one client until its connection or that to the server ends."""
    upstream = Upstream(port)
    try:
        with suppress(OSError, asyncio.IncompleteReadError):
            while True:
                try:
                    writer.write(await handler(await read_message(reader), upstream))
                except Cut as cut:
                    writer.write(cut.part)
                    return
    finally:
        upstream.close()
