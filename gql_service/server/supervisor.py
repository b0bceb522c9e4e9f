"""The parent of several workers: it owns the listening sockets, forks the workers and replaces them.

It has imported the application already, so a worker starts quickly and shares that memory. A worker that
ends is replaced; so is one whose event loop does not turn. How long a worker takes to start does not matter.
"""

import gc
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from gql_service.environment import InvalidSettings, read_trusted_documents
from gql_service.observability.logging import report
from gql_service.server import worker
from gql_service.server.children import Child, Starts
from gql_service.server.draining import END_TIMEOUT
from gql_service.settings import Settings

_TICK = 1.0
"""Seconds after which the parent looks at its workers even if nothing has happened."""
_STOP_SIGNALS = worker.STOP_SIGNALS
Details = dict[str, Any]
_SIGNALS = (*_STOP_SIGNALS, signal.SIGHUP, signal.SIGCHLD)


class Supervisor:
    """Runs until a signal stops it, or until no worker can start. Single-threaded, because it forks."""

    def __init__(
        self,
        settings: Settings,
        trusted_documents: Sequence[str],
        listeners: Sequence[socket.socket],
        workers: int,
    ) -> None:
        self._settings = settings
        self._trusted_documents = trusted_documents
        """Their texts. Workers must not read them by themselves: all must trust the same."""
        self._listeners = listeners
        self._starts = [Starts(number) for number in range(1, workers + 1)]
        self._children: list[Child] = []
        self._signals: list[int] = []
        self._outdated: list[Child] = []
        """Those that SIGHUP replaces, one by one."""
        self._was_ready = False
        self._is_stopping = False
        self._exit_code = 0

    def run(self) -> int:
        """Returns the exit code of the process."""
        gc.freeze()  # collections in a worker would copy the memory that it shares with the others
        with self._signals_received() as wakeup:
            before = time.monotonic()
            while self._children or not self._is_stopping:
                if not self._is_stopping:
                    self._start_missing()
                    self._replace_outdated()
                self._wait(wakeup)
                now = time.monotonic()
                self._check(min(now - before, _TICK), now)
                before = now
        report("stopped", pid=os.getpid())
        return self._exit_code

    @contextmanager
    def _signals_received(self) -> Iterator[socket.socket]:
        """Collects the signals. The socket has bytes to read when there is one."""
        wakeup, remote = socket.socketpair()
        for each in (wakeup, remote):
            each.setblocking(False)
        signals = [each for each in _SIGNALS if signal.getsignal(each) is not signal.SIG_IGN]  # by `nohup`
        former = {each: signal.signal(each, self._on_signal) for each in signals}
        signal.set_wakeup_fd(remote.fileno())
        self._own_sockets = [wakeup, remote]
        try:
            yield wakeup
        finally:
            signal.set_wakeup_fd(-1)
            for number, handler in former.items():
                signal.signal(number, handler)
            wakeup.close()
            remote.close()

    def _on_signal(self, number: int, _frame: object) -> None:
        self._signals.append(number)

    def _wait(self, wakeup: socket.socket) -> None:
        """Wait for a message or a signal, and handle all that there are."""
        links = {child.link: child for child in self._children if child.is_linked}
        for readable in select.select([wakeup, *links], [], [], _TICK)[0]:
            if readable is wakeup:
                wakeup.recv(4096)
            else:
                self._read(links[readable])
        while self._signals:
            number = self._signals.pop(0)
            if number == signal.SIGHUP:
                self._outdate()
            elif number in _STOP_SIGNALS:
                self._stop(signal.Signals(number))

    def _read(self, child: Child) -> None:
        if child.read():
            self._was_ready = True
            self._starts[child.number - 1].failures = 0
            if child.replaces in self._children:
                self._retire(child.replaces)

    # Starting

    def _start_missing(self) -> None:
        served = {child.number for child in self._children if not child.is_ending}
        for starts in self._starts:
            if starts.number not in served and time.monotonic() >= starts.next_at:
                self._start(starts.number)

    def _start(self, number: int, replaces: Child | None = None) -> None:
        link, remote = socket.socketpair()
        sys.stdout.flush()
        sys.stderr.flush()
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        try:
            pid = os.fork()
        except OSError as error:
            link.close()
            remote.close()
            seconds = self._starts[number - 1].failed()
            report("worker cannot be started", "error", worker=number, cause=str(error), retry_in=seconds)
            return
        else:
            if pid == 0:
                link.close()
                self._become_worker(remote)
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        remote.close()
        self._children.append(Child(number, pid, link, replaces))
        details: Details = {"replaces": replaces.pid} if replaces else {}
        report("worker started", worker=number, pid=pid, **details)

    def _become_worker(self, link: socket.socket) -> None:
        """Never returns. A copy of another worker's link would hide the end of the parent from it."""
        code = 1
        try:
            signal.set_wakeup_fd(-1)
            for each in _SIGNALS:
                signal.signal(each, signal.SIG_DFL)
            for other in [*self._own_sockets, *(child.link for child in self._children)]:
                other.close()
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
            code = worker.run_worker(self._settings, self._trusted_documents, self._listeners, link)
        finally:
            os._exit(code)

    # Looking after

    def _check(self, elapsed: float, now: float) -> None:
        """`elapsed` is at most a tick, so that time in which the parent itself was stopped does not count."""
        for child in list(self._children):
            status = child.exit_status()
            if status is not None:
                self._children.remove(child)
                self._after_end(child, status)
            elif child.deadline is not None and now > child.deadline:
                child.kill()
                report("worker did not stop in time", "error", worker=child.number, pid=child.pid)
            elif child.is_ready and not child.is_ending:
                child.silence += elapsed
                if child.silence > self._settings.worker_timeout:
                    child.kill()
                    seconds = self._settings.worker_timeout
                    report(
                        "worker does not respond",
                        "error",
                        worker=child.number,
                        pid=child.pid,
                        seconds=seconds,
                    )

    def _after_end(self, child: Child, status: int) -> None:
        child.link.close()
        how: Details = {"exit_code": status} if status >= 0 else {"signal": signal.Signals(-status).name}
        is_expected = child.is_retired or self._is_stopping
        if not is_expected and not child.is_ready:
            how["retry_in"] = self._starts[child.number - 1].failed()
        report(
            "worker ended", "info" if is_expected else "warning", worker=child.number, pid=child.pid, **how
        )
        if not is_expected and child.replaces in self._children:
            self._outdated.clear()
            report("worker is not replaced", "error", worker=child.number, pid=child.replaces.pid)
        if not self._was_ready and not self._children and all(each.failures for each in self._starts):
            report("no worker can start: see the lines before", "error", workers=len(self._starts))
            self._is_stopping, self._exit_code = True, 1

    # Replacing and stopping

    def _outdate(self) -> None:
        if self._is_stopping:
            return
        try:
            self._trusted_documents = read_trusted_documents(self._settings)
        except InvalidSettings as error:
            for problem in error.problems:
                report("workers are not replaced", "error", cause=problem)
            return
        self._outdated = [child for child in self._children if not child.is_ending]
        report("replacing all workers", workers=len(self._outdated))

    def _replace_outdated(self) -> None:
        """Start the next replacement when the last one is complete: there is one process more at most."""
        if any(child.is_ending or not child.is_ready for child in self._children):
            return
        while self._outdated:
            child = self._outdated.pop(0)
            if child in self._children:
                self._start(child.number, child)
                return

    def _retire(self, child: Child) -> None:
        child.is_retired = True
        self._end(child, worker.RETIRE)

    def _end(self, child: Child, command: bytes) -> None:
        child.deadline = time.monotonic() + self._settings.drain_seconds + END_TIMEOUT
        child.send(command)

    def _stop(self, number: signal.Signals) -> None:
        if self._is_stopping:
            report("ended at once", "warning", pid=os.getpid(), signal=number.name)
            self._exit_code = 1
            for child in self._children:
                child.kill()
            return
        self._is_stopping = True
        report("stopping", pid=os.getpid(), signal=number.name)
        for child in self._children:
            if not child.is_ending:
                self._end(child, worker.DRAIN)
