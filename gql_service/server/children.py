"""What the parent knows of its workers."""

import os
import signal
import socket
import time
from contextlib import suppress

from gql_service.observability.logging import report
from gql_service.server import worker

_MAX_DELAY = 30.0
"""Seconds between two attempts to start a worker that fails each time."""


class Starts:
    """The attempts to start the worker with this number."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.failures = 0
        """Since one was ready."""
        self.next_at = 0.0
        """When the next attempt may begin, in monotonic time."""

    def failed(self) -> float:
        """Returns the seconds until the next attempt."""
        self.failures += 1
        delay = min(0.5 * 2.0**self.failures, _MAX_DELAY)
        self.next_at = time.monotonic() + delay
        return delay


class Child:
    """A worker process."""

    def __init__(self, number: int, pid: int, link: socket.socket, replaces: "Child | None") -> None:
        self.number = number
        self.pid = pid
        self.link = link
        self.is_linked = True
        self.replaces = replaces
        """The worker that ends when this one is ready."""
        self.is_ready = False
        self.silence = 0.0
        """Seconds since the last heartbeat."""
        self.is_retired = False
        self.deadline: float | None = None
        """When it must have ended, in monotonic time; None if it may go on."""
        self._started_at = time.monotonic()

    @property
    def is_ending(self) -> bool:
        return self.deadline is not None

    def read(self) -> bool:
        """Read its messages. Returns whether it has become ready."""
        try:
            messages = self.link.recv(4096)
        except OSError:
            messages = b""
        self.is_linked = bool(messages)
        self.silence = 0.0
        if worker.READY not in messages:
            return False
        self.is_ready = True
        seconds = round(time.monotonic() - self._started_at, 3)
        report("worker ready", worker=self.number, pid=self.pid, seconds=seconds)
        return True

    def send(self, command: bytes) -> None:
        with suppress(OSError):  # it has ended
            self.link.send(command, socket.MSG_DONTWAIT)

    def exit_status(self) -> int | None:
        """The exit code, or minus the signal; None while it runs."""
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        return os.waitstatus_to_exitcode(status) if pid else None

    def kill(self) -> None:
        """`deadline` prevents that it is killed again and again."""
        self.deadline = float("inf")
        os.kill(self.pid, signal.SIGKILL)
