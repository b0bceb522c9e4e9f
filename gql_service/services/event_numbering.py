"""Numbers the events of PostgreSQL soon after they were committed. SQLite needs no numbering."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from gql_service.domain.events.numbering import MAX_NUMBERED, number
from gql_service.services.background import report_failure
from gql_service.store.database import Database

_POLL_INTERVAL = 1.0
"""Seconds after which events are looked for that another process has left, for example because it died."""
_PAUSE = 0.005
"""Seconds between two transactions that number. Meanwhile, more events are committed."""
_PAUSE_PER_EVENT = 0.001
"""Seconds more after each event of the last one: where much is written, each commit has to be for many."""
_MAX_PAUSE = 0.1


class EventNumbering:
    """Numbers the events of all processes. Each process has one, and only one numbers at a time."""

    def __init__(self, database: Database, on_numbered: Callable[[], None]) -> None:
        """`on_numbered` is called when events have got their positions."""
        self._database = database
        self._on_numbered = on_numbered
        self._is_due = asyncio.Event()

    def wake(self) -> None:
        """Events were committed."""
        self._is_due.set()

    async def run(self) -> None:
        """Number until cancelled."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(_POLL_INTERVAL):
                    await self._is_due.wait()
            is_expected = self._is_due.is_set()
            self._is_due.clear()
            try:
                count = await self._database.write(partial(number, is_expected=is_expected))
            except Exception as error:
                report_failure(error)
                await asyncio.sleep(_POLL_INTERVAL)
                self._is_due.set()
                continue
            if count:
                self._on_numbered()
            if count is None or count == MAX_NUMBERED:
                self._is_due.set()
            await asyncio.sleep(_pause_after(count or 0))


def _pause_after(count: int) -> float:
    """The time until the next transaction, after one that has numbered this many events."""
    return _PAUSE if count == MAX_NUMBERED else min(_MAX_PAUSE, _PAUSE + count * _PAUSE_PER_EVENT)
