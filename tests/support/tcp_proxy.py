"""A TCP proxy in front of PostgreSQL that can do harm to a commit, or fall silent.

Silence: its connections stay open, but nothing is forwarded any more.
"""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import Enum, auto

from tests.support.http_clients import PATIENCE

_Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
_COMMIT = b"Q\0\0\0\x0bCOMMIT\0"
"""The message of the protocol: its kind, its length, and the statement."""
_ROLLBACK = b"Q\0\0\0\x0dROLLBACK\0"


class AtCommit(Enum):
    """What happens at a commit."""

    CUT_BEFORE = auto()
    """The connection is cut, and the server gets no COMMIT."""
    CUT_AFTER = auto()
    """The server commits, and the connection is cut instead of its answer."""
    ROLL_BACK = auto()
    """The server rolls back, and says so, as after a statement that has failed."""


class Proxy:
    """`silence()` stops the connections that are open now, and new ones until `forward()`."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._loop = asyncio.new_event_loop()
        self._open: set[asyncio.Task[None]] = set()
        self._writers: list[asyncio.StreamWriter] = []
        self._is_silent = False
        self.at_next_commit: AtCommit | None = None
        self.port = 0

    def silence(self) -> None:
        self._run(self._stop_forwarding())

    def forward(self) -> None:
        """Forward new connections. Those that fell silent stay so."""
        self._is_silent = False

    async def start(self) -> asyncio.Server:
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        return server

    def _run(self, work: "asyncio.Future[None] | object") -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE)  # type: ignore[arg-type]

    async def _stop_forwarding(self) -> None:
        self._is_silent = True
        for task in self._open:
            task.cancel()
        self._open.clear()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        if self._is_silent:
            return
        try:
            upstream = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.close()
            return
        self._writers.append(upstream[1])
        answers = asyncio.create_task(_copy(upstream[0], writer))
        requests = asyncio.create_task(self._copy_requests((reader, writer), upstream, answers))
        self._open |= {answers, requests}

    async def _copy_requests(self, client: _Streams, server: _Streams, answers: "asyncio.Task[None]") -> None:
        with suppress(OSError):
            while data := await client[0].read(65536):
                harm = None
                if data == _COMMIT:
                    harm, self.at_next_commit = self.at_next_commit, None
                if harm is AtCommit.CUT_AFTER:
                    answers.cancel()
                    await asyncio.wait([answers])
                    server[1].write(data)
                    await server[0].read(65536)  # the answer, which is lost
                if harm in (AtCommit.CUT_BEFORE, AtCommit.CUT_AFTER):
                    client[1].close()
                    break
                server[1].write(_ROLLBACK if harm is AtCommit.ROLL_BACK else data)
                await server[1].drain()
            server[1].close()

    def run(self, ready: threading.Event, stop: asyncio.Event) -> None:
        async def serve() -> None:
            server = await self.start()
            ready.set()
            await stop.wait()
            server.close()
            for writer in self._writers:
                writer.transport.abort()
            for task in self._open:
                task.cancel()

        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(serve())


async def _copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await source.read(65536):
            sink.write(data)
            await sink.drain()
        sink.close()


@contextmanager
def proxying(target: int) -> Iterator[Proxy]:
    """Run a proxy in front of this port of loopback."""
    proxy = Proxy(target)
    ready, stop = threading.Event(), asyncio.Event()
    thread = threading.Thread(target=proxy.run, args=(ready, stop), daemon=True)
    thread.start()
    assert ready.wait(PATIENCE)
    try:
        yield proxy
    finally:
        proxy._loop.call_soon_threadsafe(stop.set)
        thread.join(PATIENCE)
