"""What subscribers cost who are told nothing: memory, processor time, and the speed of other requests."""

import asyncio
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from functools import partial
from typing import NamedTuple

from bench.live import clients
from bench.live.clients import REVISIONS
from bench.load import Load
from bench.rounds import Measured, rate, rate_per_core, take_turns
from bench.servers import Server
from bench.works import ONE

_AT_A_TIME = 20
"""Connections that are opened at a time."""
_STARTED_WITHIN = 300.0
_SETTLED_AFTER = 2.0
_IDLE_SECONDS = 5.0
_CONNECTIONS = 16


class Idle:
    """Subscribers with a connection and a token each, in a thread of their own: they answer pings."""

    def __init__(self, server: Server, transport: str, tokens: Sequence[str]) -> None:
        self._server = server
        self._transport = transport
        self._tokens = tokens
        self._are_open = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._end = asyncio.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    @contextmanager
    def open(self) -> Iterator[None]:
        """While all of them are subscribed. Raises RuntimeError if they cannot be."""
        self._thread.start()
        try:
            if not self._are_open.wait(_STARTED_WITHIN) or self._failure is not None:
                raise RuntimeError("The subscribers could not connect.") from self._failure
            yield
        finally:
            self._loop.call_soon_threadsafe(self._end.set)
            self._thread.join(_STARTED_WITHIN)

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
                runner.run(self._subscribe())
        except BaseException as error:
            self._failure = error
            self._are_open.set()
            raise

    async def _subscribe(self) -> None:
        async with AsyncExitStack() as stack:
            for start in range(0, len(self._tokens), _AT_A_TIME):
                opening = [
                    clients.subscribed(self._transport, self._server.port, token, REVISIONS)
                    for token in self._tokens[start : start + _AT_A_TIME]
                ]
                await asyncio.gather(*(stack.enter_async_context(each) for each in opening))
            self._are_open.set()
            await self._end.wait()


class Costs(NamedTuple):
    """What the subscribers cost."""

    memory: float
    """KiB for each of them."""
    cores: float
    """The share of a core that the server uses while nothing happens."""
    lone_cores: float
    """The same without subscribers."""
    speed: float
    """The requests in a second of the work `one`, divided by those of a server without subscribers."""
    efficiency: float
    """The same in a second of the processor."""

    def __str__(self) -> str:
        return (
            f"{self.memory:.1f} KiB each; idle: {self.cores:.1%} of a core, {self.lone_cores:.1%} without; "
            f"one: {self.speed:.2f} times as fast, {self.efficiency:.2f} per processor time"
        )


def weigh(
    load: Load, lone: Server, server: Server, transport: str, tokens: Sequence[str], rounds: int, seconds: int
) -> Costs:
    """Measure a server with subscribers against one that has none. They take turns."""
    runs = {
        name: partial(load.run, each, ONE, connections=_CONNECTIONS, seconds=seconds)
        for name, each in (("lone", lone), ("server", server))
    }
    take_turns(runs, 1)
    before = sum(server.resident_memory())
    with Idle(server, transport, tokens).open():
        time.sleep(_SETTLED_AFTER)
        memory = (sum(server.resident_memory()) - before) / len(tokens) / 1024
        cores, lone_cores = (_cores_when_idle(each) for each in (server, lone))
        measured = Measured(ONE.name, _CONNECTIONS, take_turns(runs, rounds))
    ratios = [measured.ratio("server", "lone", of) for of in (rate, rate_per_core)]
    return Costs(memory, cores, lone_cores, *ratios)


def _cores_when_idle(server: Server) -> float:
    started, before = time.monotonic(), server.processor_seconds()
    time.sleep(_IDLE_SECONDS)
    return (server.processor_seconds() - before) / (time.monotonic() - started)
