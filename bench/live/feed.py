"""How fast one follower gets a long feed, from its start."""

import time
from functools import partial
from typing import NamedTuple

from bench.data import PLATFORM, TENANT, Person
from bench.live import clients
from bench.live.clients import EVENTS
from bench.servers import Server
from gql_service import instants
from gql_service.domain import tenants
from gql_service.domain.events import events
from gql_service.domain.events.events import Event, EventType
from gql_service.settings import Settings
from gql_service.store.connection import Connection
from gql_service.store.database import open_database

START = "MA=="
"""The cursor before all events."""
_CHUNK = 500


class Throughput(NamedTuple):
    """How long one follower took."""

    events: int
    seconds: float
    server_seconds: float
    """Of the server's processor."""

    def __str__(self) -> str:
        return (
            f"{self.events / self.seconds:,.0f} events/s, {self.seconds / self.events * 1e6:.0f} µs each, "
            f"of which {self.server_seconds / self.events * 1e6:.0f} µs of the server's processor"
        )


async def record(url: str, person: Person, count: int) -> None:
    """Store this many events of a document, without the writes that they tell of."""
    database, now = open_database(Settings(database_url=url)), instants.now()

    async def chunk(transaction: Connection, first: int) -> None:
        (platform,) = await tenants.platforms_by_keys(transaction, [PLATFORM])
        assert platform is not None, "it was loaded"
        new = [
            Event(
                EventType.DOCUMENT_CHANGED,
                TENANT,
                platform.id,
                person.id,
                person.id,
                now,
                revision,
                ("theme",),
            )
            for revision in range(first, first + _CHUNK)
        ]
        await events.record(transaction, new)

    try:
        for first in range(1, count + 1, _CHUNK):
            await database.write(partial(chunk, first=first))
    finally:
        await database.close()


async def follow(server: Server, token: str, transport: str, count: int) -> Throughput:
    """Follow the feed from its start. Raises RuntimeError if events are missing, or not in order."""
    revisions, started, before = list[int](), time.perf_counter(), server.processor_seconds()
    async with clients.subscribed(transport, server.port, token, EVENTS, after=START) as results:
        async for _, data in results:
            node = data["platformEvents"]["node"]
            if node["type"] == "DOCUMENT_CHANGED":
                revisions.append(node["revision"])
            if len(revisions) == count:
                break
    seconds = time.perf_counter() - started
    if revisions != list(range(1, count + 1)):
        raise RuntimeError("Events are missing, or not in their order.")
    return Throughput(count, seconds, server.processor_seconds() - before)
