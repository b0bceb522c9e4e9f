"""Counts the writes of each platform in memory, and stores the counts now and then.

A row that every write changed would be a lock that all writes wait for. So a process that is killed loses
what it has counted in the last seconds.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from gql_service.auth.access import USER_WIDE
from gql_service.domain.maintenance import write_counts
from gql_service.domain.maintenance.write_counts import DAY
from gql_service.domain.writes.idempotency import WriteResult
from gql_service.services.background import report_failure
from gql_service.store.database import Database


class WriteCounts:
    """The counts of one process."""

    interval = 10.0
    """Seconds between two times at which the counts are stored."""

    def __init__(self, database: Database, clock: Callable[[], int]) -> None:
        self._database = database
        self._clock = clock
        self._pending: Counter[tuple[str, int]] = Counter()

    @property
    def pending(self) -> Mapping[tuple[str, int], int]:
        """Writes by platform id and day that are not stored yet."""
        return self._pending

    def add(self, results: Iterable[object]) -> None:
        """Count those of the results of committed writes that have changed the document of a platform."""
        for each in results:
            if type(each) is WriteResult and each.changed and each.document.platform_id != USER_WIDE:
                self._pending[each.document.platform_id, self._clock() // DAY] += 1

    async def flush(self) -> None:
        """Store the counts. If the database cannot write now, they stay for the next time."""
        if not self._pending:
            return
        counts, self._pending = self._pending, Counter()
        try:
            await self._database.write(lambda transaction: write_counts.add(transaction, counts))
        except Exception as error:
            self._pending.update(counts)
            report_failure(error)

    async def run(self) -> None:
        """Store the counts again and again, until cancelled."""
        while True:
            await asyncio.sleep(self.interval)
            await self.flush()
