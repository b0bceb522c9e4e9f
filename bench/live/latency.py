"""How soon after a commit its subscribers learn of it, also beside other writes, and one who stalls."""

import asyncio
import itertools
import socket
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any, NamedTuple

import orjson

from bench.data import Dataset, Person
from bench.live import clients
from bench.live.clients import DOCUMENTS, EVENTS, REVISIONS, Result, Written
from bench.servers import Server

_INTERVAL = 0.2
"""Seconds between two measured writes."""
_PATIENCE = 30.0
"""Seconds to wait for events that are late."""
_STALL_SIZE = 20_000
"""Characters of the document that the subscriber who does not read is told of."""


class Latencies(NamedTuple):
    """Of all subscribers of one kind, in milliseconds."""

    after_commit: Sequence[float]
    """From the response to the write."""
    after_request: Sequence[float]
    """From the request of the write, which takes its time as well."""

    @classmethod
    def of(cls, writes: dict[int, Written], arrivals: dict[int, list[float]]) -> "Latencies":
        pairs = [(writes[revision], at) for revision, times in arrivals.items() for at in times]
        return cls(
            sorted(max(0.0, at - write.answered_at) * 1000 for write, at in pairs),
            sorted((at - write.sent_at) * 1000 for write, at in pairs),
        )


def percentile(values: Sequence[float], share: float) -> float:
    return values[min(len(values) - 1, int(len(values) * share))]


class Latency:
    """Measures one server. All measured writes are those of one document."""

    def __init__(self, server: Server, dataset: Dataset, followed: Person) -> None:
        self._server = server
        self._dataset = dataset
        self._followed = followed
        self._token = dataset.tokens["admin"]
        self._values = itertools.count()

    async def measure(
        self, transport: str, *, subscribers: int, writes: int, rate: int, stalled: bool = False
    ) -> Latencies:
        """Half of the subscribers follow the document, the others the platform. `rate` is that of the other
        writes, of other documents, in a second. If `stalled`, another subscriber never reads.

        Raises RuntimeError if one of them has missed a change.
        """
        arrivals: dict[int, list[float]] = defaultdict(list)
        async with AsyncExitStack() as stack:
            writer = await stack.enter_async_context(clients.writing(self._server.port, self._token))
            if stalled:
                note = {"note": "x" * _STALL_SIZE}
                await writer.patch(self._followed.username, note)
                await stack.enter_async_context(self._stalled())
            for number in range(subscribers):
                results = await stack.enter_async_context(self._subscribed(transport, number))
                await stack.enter_async_context(_running(self._note(results, arrivals)))
            await asyncio.sleep(1)
            if rate:
                await stack.enter_async_context(_running(self._write_others(rate)))
            done = await self._write(writer, writes)
            await self._wait_for(arrivals, done, subscribers)
        return Latencies.of(done, arrivals)

    @asynccontextmanager
    async def _subscribed(self, transport: str, number: int) -> AsyncIterator[AsyncIterator[Result]]:
        username = self._followed.username
        query, variables = (REVISIONS, {"username": username}) if number % 2 else (EVENTS, {})
        port = self._server.port
        async with clients.subscribed(transport, port, self._token, query, **variables) as results:
            yield results

    async def _note(self, results: AsyncIterator[Result], arrivals: dict[int, list[float]]) -> None:
        async for arrived_at, data in results:
            revision = self._revision(data)
            if revision is not None:
                arrivals[revision].append(arrived_at)

    def _revision(self, data: Any) -> int | None:
        """Of the measured document; None if the event is another one."""
        event = data.get("platformMetadataChanged")
        if event is None:
            event = data["platformEvents"]["node"]
            if event["type"] != "DOCUMENT_CHANGED" or event["userId"] != self._followed.id:
                return None
        return int(event["revision"])

    async def _write(self, writer: clients.Writer, count: int) -> dict[int, Written]:
        written = {}
        for _ in range(count):
            one = await writer.patch(self._followed.username, {"n": next(self._values)})
            written[one.revision] = one
            await asyncio.sleep(_INTERVAL)
        return written

    async def _write_others(self, rate: int) -> None:
        """Write other documents until cancelled. A write that takes long is not waited for."""
        others = [each for each in self._dataset.sample if each != self._followed]
        async with AsyncExitStack() as stack:
            writers = [
                await stack.enter_async_context(clients.writing(self._server.port, self._token))
                for _ in range(4)
            ]

            async def write(writer: clients.Writer, first: int) -> None:
                for person in itertools.cycle(others[first :: len(writers)]):
                    await writer.patch(person.username, {"n": next(self._values)})
                    await asyncio.sleep(len(writers) / rate)

            await asyncio.gather(*(write(writer, first) for first, writer in enumerate(writers)))

    @asynccontextmanager
    async def _stalled(self) -> AsyncIterator[None]:
        """A subscriber who never reads."""
        body = {"query": DOCUMENTS, "variables": {"key": "bench", "username": self._followed.username}}
        loop, connection = asyncio.get_running_loop(), socket.socket()
        with connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.setblocking(False)
            await loop.sock_connect(connection, ("127.0.0.1", self._server.port))
            request = clients.request(self._token, orjson.dumps(body), accept="text/event-stream")
            await loop.sock_sendall(connection, request)
            yield

    async def _wait_for(
        self, arrivals: dict[int, list[float]], written: dict[int, Written], subscribers: int
    ) -> None:
        deadline = time.monotonic() + _PATIENCE
        while any(len(arrivals[each]) < subscribers for each in written) and time.monotonic() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        for each in written:
            if len(arrivals[each]) != subscribers:
                raise RuntimeError(f"Revision {each} came {len(arrivals[each])} times, not {subscribers}.")
        for extra in set(arrivals) - set(written):
            del arrivals[extra]


@asynccontextmanager
async def _running(work: Any) -> AsyncIterator[None]:
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
