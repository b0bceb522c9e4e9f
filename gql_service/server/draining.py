"""The server of one process: uvicorn's, which drains before it stops.

To drain: `/health/ready` says no, connections are still accepted, and each response closes its connection.
A load balancer has the time to notice, and no client sends a request on a connection that is being closed.
"""

import asyncio
import os
import signal
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import uvicorn
from starlette.applications import Starlette
from uvicorn.server import ServerState

from gql_service.app import server_options
from gql_service.observability import logging
from gql_service.settings import Settings

SHUTDOWN_TIMEOUT = 10
"""Seconds in which the requests that still run after the drain must end."""
END_TIMEOUT = SHUTDOWN_TIMEOUT + 10
"""Seconds after the drain in which the process must have ended: the database is closed last."""
_LAST_READS = 0.1
"""Seconds between the end of accepting and the end of idle connections: what clients have sent is read."""


class _State(ServerState):
    """uvicorn's, known to all connections."""

    is_draining = False


class DrainingServer(uvicorn.Server):
    """SIGTERM or SIGINT starts the drain, a second one ends the process.

    All methods are for the event loop.
    """

    def __init__(self, application: Starlette, settings: Settings, signals: Sequence[signal.Signals]) -> None:
        """`signals` are those that start the drain."""
        config = uvicorn.Config(
            application,
            loop="uvloop",
            log_level=settings.log_level,
            timeout_graceful_shutdown=SHUTDOWN_TIMEOUT,
            **server_options(settings),
        )
        super().__init__(config)
        self.server_state = self._state = _State()
        self._application = application
        self._signals = signals
        self._drain_seconds = settings.drain_seconds
        self._drains_until: float | None = None
        self._is_retired = False
        self._has_signal = False
        self.loop: asyncio.AbstractEventLoop | None = None
        """None before it runs."""

    def drain(self) -> None:
        """Go on accepting connections until the end of the drain, for no other server may do so."""
        self._application.state.is_draining = True
        self._start_drain()

    def retire(self) -> None:
        """Stop accepting: a new process does it. Drain only until all connections are closed."""
        self._is_retired = True
        if self.started:
            self._close_listeners()
        self._start_drain()

    def stop(self) -> None:
        """Stop without a drain, after the requests that are running."""
        self._mark_connections()
        self.should_exit = True

    def _start_drain(self) -> None:
        if self._drains_until is not None:
            return
        if not self.started:
            self.should_exit = True
            return
        logging.report("draining", pid=os.getpid(), seconds=self._drain_seconds)
        self._mark_connections()
        self._drains_until = asyncio.get_running_loop().time() + self._drain_seconds
        _end_process_after(self._drain_seconds + END_TIMEOUT)

    def _mark_connections(self) -> None:
        """Let each response from now on close its connection, and end those that have no end of their own."""
        self._state.is_draining = True
        streams = getattr(self._application, "connections", None)
        if streams is not None:
            streams.drain()  # also if none is open: new ones are refused from now on
        for connection in list(self._state.connections):
            connection.drain()  # type: ignore[union-attr]  # they are `HttpProtocol`

    def _close_listeners(self) -> None:
        for server in self.servers:
            server.close()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self.loop = asyncio.get_running_loop()
        await super().startup(sockets)

    async def on_tick(self, counter: int) -> bool:
        is_at_end = await super().on_tick(counter)
        if self._drains_until is None:
            return is_at_end
        is_unused = self._is_retired and not self._state.connections
        return is_at_end or is_unused or asyncio.get_running_loop().time() >= self._drains_until

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """uvicorn closes connections that it takes for idle although their request has just arrived."""
        self._close_listeners()
        self._mark_connections()
        await asyncio.sleep(_LAST_READS)
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Replaces uvicorn's, which raises the signals again after the shutdown."""
        for each in self._signals:
            asyncio.get_running_loop().add_signal_handler(each, self._on_signal, each)
        yield

    def _on_signal(self, number: signal.Signals) -> None:
        if self._has_signal:
            logging.report("ended at once", "warning", pid=os.getpid(), signal=number.name)
            os._exit(1)
        self._has_signal = True
        self.drain()


def _end_process_after(seconds: float) -> None:
    """A thread of its own, because what hangs may be the event loop."""

    def end() -> None:
        logging.report("did not stop in time", "error", pid=os.getpid())
        os._exit(1)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
