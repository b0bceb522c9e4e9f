"""Waking those who wait for events, when there are new ones for them."""

import asyncio
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator
from contextlib import contextmanager

from gql_service.domain.events.arrivals import MAX_ARRIVALS, Arrival, arrivals, last_position
from gql_service.domain.events.events import OF_TENANT
from gql_service.services.background import report_failure
from gql_service.store.database import Database

_RETRY_INTERVAL = 1.0

Topic = tuple[Hashable, ...]
ANY_EVENT: Topic = ("any",)
"""All events."""


def document_topic(user_id: str, platform_id: str) -> Topic:
    """The events of a document. Those of a user are events of the user-wide document."""
    return "document", user_id, platform_id


def definitions_topic(platform_id: str) -> Topic:
    """The events of the definitions of a platform."""
    return "definitions", platform_id


def platform_topics(tenant_id: str, platform_id: str) -> tuple[Topic, Topic]:
    """The events of a platform, and of its tenant as a whole."""
    return ("platform", tenant_id, platform_id), ("platform", tenant_id, OF_TENANT)


def _topics(arrival: Arrival) -> Iterator[Topic]:
    yield ANY_EVENT
    yield "platform", arrival.tenant_id, arrival.platform_id
    if arrival.user_id is not None:
        yield document_topic(arrival.user_id, arrival.platform_id)
    elif arrival.platform_id != OF_TENANT:
        yield definitions_topic(arrival.platform_id)


class Wakeup:
    """A flag that one task waits for. There are thousands, and an `asyncio.Event` takes 0.8 KB."""

    __slots__ = ("_is_set", "_waiter")

    def __init__(self) -> None:
        self._is_set = False
        self._waiter: asyncio.Future[None] | None = None

    def set(self) -> None:
        self._is_set = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def clear(self) -> None:
        self._is_set = False

    async def wait(self) -> None:
        """Wait until it is set."""
        while not self._is_set:
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None


class EventWakeups:
    """Reads the events of all processes once for all who wait in this one, and wakes those they concern.

    Nobody gets the events from here: whoever is woken reads what they need, as far as they have got. So
    nothing is queued for those who are slow.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: dict[Topic, set[Wakeup]] = defaultdict(set)
        self._is_due = asyncio.Event()
        self._is_used = asyncio.Event()
        self._position: int | None = None
        """The last event that was read; None if nobody has waited since."""

    @contextmanager
    def waiting(self, topics: Iterable[Topic]) -> Iterator[Wakeup]:
        """A flag that is set when there may be new events on one of the topics.

        Clear it before you read, and wait for it after that.
        """
        wakeup = Wakeup()
        topics = list(topics)
        for topic in topics:
            self._waiting[topic].add(wakeup)
        self._is_used.set()
        try:
            yield wakeup
        finally:
            for topic in topics:
                self._waiting[topic].discard(wakeup)
                if not self._waiting[topic]:
                    del self._waiting[topic]

    def wake(self) -> None:
        """There may be new events."""
        self._is_due.set()

    async def run(self) -> None:
        """Wake until cancelled. While nobody waits, nothing is read."""
        commits = self._database.commits
        while True:
            if not self._waiting:
                self._position = None
                self._is_used.clear()
                await commits.stop()
                await self._is_used.wait()
                commits.start(self.wake)
            try:
                await self._read()
            except Exception as error:
                report_failure(error)
                await asyncio.sleep(_RETRY_INTERVAL)
                continue
            await self._wait_for_news()

    async def _wait_for_news(self) -> None:
        self._look_later()
        try:
            await self._is_due.wait()
        finally:
            self._next_look.cancel()

    def _look_later(self) -> None:
        self._next_look = asyncio.get_running_loop().call_later(self._database.commits.interval, self._look)

    def _look(self) -> None:
        """Called a hundred times a second with SQLite, so by a timer, which costs less than a task."""
        if not self._waiting or self._database.commits.has_news():
            self._is_due.set()
        else:
            self._look_later()

    async def _read(self) -> None:
        """Read the new events, and wake those who wait for them; at first, wake all."""
        self._is_due.clear()
        numbers_events = self._database.numbers_events
        async with self._database.read() as connection:
            if self._position is None:
                self._position = await last_position(connection, numbers_events=numbers_events)
                for wakeups in self._waiting.values():
                    _set(wakeups)
            count = MAX_ARRIVALS
            while count == MAX_ARRIVALS:
                found = await arrivals(connection, self._position, numbers_events=numbers_events)
                count = len(found)
                if found:
                    self._position = found[-1].position
                for topic in {topic for arrival in found for topic in _topics(arrival)}:
                    _set(self._waiting.get(topic, ()))


def _set(wakeups: Iterable[Wakeup]) -> None:
    for each in wakeups:
        each.set()
