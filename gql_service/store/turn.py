"""Reads that wait for the end of a turn of the event loop, so that those of all requests are combined."""

import asyncio
from collections.abc import Callable
from typing import Protocol


class Snapshots(Protocol):
    """Lets a connection read the same data for a while."""

    def begin_snapshot(self) -> None:
        """From now on, unless that was called already."""

    def end_snapshot(self) -> None:
        """Until now, if there is a snapshot."""


class RunningReads:
    """Counts reads that the event loop waits for."""

    __slots__ = ("count", "on_end")

    def __init__(self) -> None:
        self.count = 0
        self.on_end: Callable[[], None] | None = None
        """Called once, when none runs any more."""

    def add(self, read: asyncio.Task[None]) -> None:
        """Count a read until it has ended."""
        self.count += 1
        read.add_done_callback(self._remove)

    def _remove(self, _read: asyncio.Task[None]) -> None:
        self.count -= 1
        if self.count == 0 and self.on_end is not None:
            on_end, self.on_end = self.on_end, None
            on_end()


class Turn:
    """The reads that are due. While it is held, they wait for `run` instead, and all see the same data."""

    __slots__ = ("_due", "_is_held", "_loop", "_snapshots", "rounds", "running")

    def __init__(self, snapshots: Snapshots | None = None) -> None:
        """Only who has `snapshots` may hold it."""
        self._due: list[Callable[[], None]] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._snapshots = snapshots
        self._is_held = False
        self.rounds = 0
        """How many times it has read."""
        self.running = RunningReads()

    def add(self, read: Callable[[], None]) -> None:
        """Call this in the next turn, or when `run` is called."""
        if not self._due and not self._is_held:
            self._run_soon()
        self._due.append(read)

    def run(self) -> bool:
        """Read now. Returns whether anything was due."""
        due, self._due = self._due, []
        if not due:
            return False
        self.rounds += 1
        if self._is_held and self._snapshots is not None:
            self._snapshots.begin_snapshot()
        for read in due:
            read()
        return True

    def forget_running(self) -> None:
        """Count only reads that begin from now on."""
        self.running.on_end = None
        self.running = RunningReads()

    def hold(self) -> None:
        """Whoever holds it calls `run`, and then `release`."""
        self._is_held = True

    def release(self) -> None:
        self._is_held = False
        if self._snapshots is not None:
            self._snapshots.end_snapshot()
        if self._due:
            self._run_soon()

    def _run_soon(self) -> None:
        loop = self._loop
        if loop is None:  # asking for it each time is a system call
            loop = self._loop = asyncio.get_running_loop()
        loop.call_soon(self.run)
