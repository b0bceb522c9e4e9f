"""Serving, in this process or in several workers."""

import os
import signal
import socket
from collections.abc import Sequence

from gql_service.app import create_app
from gql_service.observability import logging
from gql_service.server import listener, worker
from gql_service.server.draining import DrainingServer
from gql_service.server.supervisor import Supervisor
from gql_service.settings import Settings


def serve(
    settings: Settings, trusted_documents: Sequence[str], listeners: Sequence[socket.socket], workers: int
) -> int:
    """Serve until a signal stops it. Returns the exit code of the process."""
    for each in listeners:
        logging.report("listening", address=listener.address_of(each), workers=workers)
    if workers > 1:
        return Supervisor(settings, trusted_documents, listeners, workers).run()
    return _serve_alone(settings, trusted_documents, listeners)


def _serve_alone(
    settings: Settings, trusted_documents: Sequence[str], listeners: Sequence[socket.socket]
) -> int:
    signals = [*worker.STOP_SIGNALS]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # it is ignored under `nohup`
        signals.append(signal.SIGHUP)
    server = DrainingServer(create_app(settings, trusted_documents), settings, signals)
    server.run(list(listeners))
    logging.report("stopped", pid=os.getpid())
    return 0
