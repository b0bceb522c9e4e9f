"""Sweeping: what has expired, and nobody sees any more, is deleted some time later.

It moves no revision and leaves no history: to all who ask, an expired entry was gone before.
"""

from collections.abc import Callable
from typing import NamedTuple

from gql_service.domain import documents, idempotency, index
from gql_service.store.connection import Connection
from gql_service.store.database import Database

MAX_BATCH = 100
"""Documents, and answers, of one transaction: while it holds its locks, others wait."""


class Swept(NamedTuple):
    """How much was deleted."""

    documents: int = 0
    """Those that entries were deleted from."""
    entries: int = 0
    answers: int = 0
    """Those kept for writes that are sent again, and old enough."""

    def __add__(self, other: object) -> "Swept":
        assert isinstance(other, Swept)
        return Swept(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))


async def sweep(database: Database, clock: Callable[[], int]) -> Swept:
    """Delete all that has expired, a batch a transaction. Any number of processes may do so at once.

    Raises Unavailable.
    """
    total = Swept()
    while True:
        batch = await database.write(lambda transaction: _sweep_some(transaction, clock()))
        total += batch
        if max(batch.documents, batch.answers) < MAX_BATCH:
            return total


async def _sweep_some(transaction: Connection, now: int) -> Swept:
    before = await documents.expired(transaction, now, MAX_BATCH)
    updates, after, entries = index.Updates(), [], 0
    for document in before:
        content = document.content()
        gone = content.expire(now)
        entries += len(gone)
        updates.remove(document[:2], gone)
        after.append(documents.swept(document, content))
    await documents.store(transaction, after, {document[:2]: document for document in before})
    await updates.store(transaction)
    answers = await idempotency.sweep(transaction, now, MAX_BATCH)
    return Swept(len(before), entries, answers)
