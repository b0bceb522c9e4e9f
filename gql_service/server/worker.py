"""A worker process, and its link to the parent: a pair of sockets that ends when one of the two ends.

The worker sends READY once and then a HEARTBEAT each second, from its event loop. The parent sends commands.
"""

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Sequence

from gql_service.app import create_app
from gql_service.observability import logging
from gql_service.server.draining import SHUTDOWN_TIMEOUT, DrainingServer
from gql_service.settings import Settings

READY, HEARTBEAT = b"r", b"."
DRAIN, RETIRE = b"d", b"t"
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_TICKS_PER_HEARTBEAT = 10
_FAILED = 1


class _WorkerServer(DrainingServer):
    """Tells the parent that it is ready, and that its event loop turns."""

    def __init__(self, settings: Settings, trusted_documents: Sequence[str], link: socket.socket) -> None:
        super().__init__(create_app(settings, trusted_documents), settings, STOP_SIGNALS)
        self._link = link

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._send(READY)

    async def on_tick(self, counter: int) -> bool:
        if counter % _TICKS_PER_HEARTBEAT == 0:
            self._send(HEARTBEAT)
        return await super().on_tick(counter)

    def _send(self, message: bytes) -> None:
        try:
            self._link.send(message, socket.MSG_DONTWAIT)
        except OSError:
            """The parent is stopped and reads nothing, or has ended: `_follow_parent` notices."""


def run_worker(
    settings: Settings,
    trusted_documents: Sequence[str],
    listeners: Sequence[socket.socket],
    link: socket.socket,
) -> int:
    """Serve until the parent says otherwise or ends. Returns the exit code of the process."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # the parent's matter: a terminal sends it to all
    commands = _Commands()
    threading.Thread(target=_follow_parent, args=(link, commands), daemon=True).start()
    try:
        server = _WorkerServer(settings, trusted_documents, link)
        commands.server = server
        server.run(list(listeners))
    except SystemExit as exit:
        return exit.code if isinstance(exit.code, int) else _FAILED
    except BaseException as error:
        logging.report_unexpected(error)
        return _FAILED
    return 0


def _receive(link: socket.socket) -> bytes:
    """The next command; nothing if the parent has ended."""
    try:
        return link.recv(1)
    except OSError:  # it has not read all heartbeats
        return b""


class _Commands:
    """Passes the commands of the parent from a thread to the server, if there is one already."""

    server: DrainingServer | None = None

    def call(self, command: Callable[[DrainingServer], None]) -> None:
        server = self.server
        if server is None or server.loop is None:
            os._exit(0)  # it has not served anything yet
        server.loop.call_soon_threadsafe(command, server)


def _follow_parent(link: socket.socket, commands: _Commands) -> None:
    """In a thread, so that it works if the event loop hangs."""
    while command := _receive(link):
        commands.call(DrainingServer.drain if command == DRAIN else DrainingServer.retire)
    logging.report("the parent process has ended", "warning", pid=os.getpid())
    commands.call(DrainingServer.stop)
    time.sleep(SHUTDOWN_TIMEOUT + 1)
    os._exit(_FAILED)
