"""`/metrics`: serves the metrics of all processes of a server, on an address of its own.

It runs in a process of its own and reads the files of the others. So it answers however busy these are, and
takes nothing of their time. Threads would not do: the parent of several workers forks.
"""

import os
import select
import shutil
import signal
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from prometheus_client import CollectorRegistry, Metric, start_http_server
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

from gql_service.observability.logging import report

_RETRY_INTERVAL = 1.0
"""Seconds between two attempts to listen, while an older server still has the address."""


class _LiveProcesses(Collector):
    """All metrics in a folder. Gauges of processes that have ended are left out; what they counted is not."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files = MultiProcessCollector(None, str(folder))  # type: ignore[no-untyped-call]

    def collect(self) -> Iterable[Metric]:
        for path in self._folder.glob("gauge_live*.db"):
            pid = int(path.stem.rpartition("_")[2])
            if not _is_running(pid):
                mark_process_dead(pid, str(self._folder))  # type: ignore[no-untyped-call]
        metrics: Iterable[Metric] = self._files.collect()  # type: ignore[no-untyped-call]
        return metrics


class MetricsServer:
    """Runs from `start` until `close`, or until this process and those that it has forked have ended."""

    def __init__(self, host: str, port: int) -> None:
        self._address = host, port
        self.folder = Path(tempfile.mkdtemp(prefix="gql-service-metrics-"))
        self._owner = os.getpid()
        self._pid = 0

    def start(self) -> None:
        """Start the process that listens. Threads must not run yet."""
        ending, self._running = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            try:
                os.close(self._running)
                signal.signal(signal.SIGTERM, signal.SIG_DFL)
                for each in (signal.SIGINT, signal.SIGHUP):  # a terminal sends them to all processes
                    signal.signal(each, signal.SIG_IGN)
                self._listen(ending)
            finally:
                os._exit(0)
        os.close(ending)

    def _listen(self, ending: int) -> None:
        """Listen. If the address is in use, go on trying: the server before this one may still have it."""
        registry = CollectorRegistry()
        registry.register(_LiveProcesses(self.folder))
        host, port = self._address
        is_first = True
        while not select.select([ending], [], [], 0 if is_first else _RETRY_INTERVAL)[0]:
            try:
                start_http_server(port, host, registry)
                report("serving metrics", address=f"{host}:{port}")
                os.read(ending, 1)
                return
            except OSError as error:
                if is_first:
                    report("the address of the metrics is not free yet", reason=str(error.strerror))
                is_first = False

    def close(self) -> None:
        """End the process and delete the folder. Processes that were forked must not."""
        if os.getpid() == self._owner:
            os.kill(self._pid, signal.SIGTERM)
            os.waitpid(self._pid, 0)
            os.close(self._running)
            shutil.rmtree(self.folder, ignore_errors=True)


def _is_running(pid: int) -> bool:
    with suppress(PermissionError):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
    return True
