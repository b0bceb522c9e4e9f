"""Sweeping: what has expired, and nobody sees any more, is deleted some time later.

It moves no revision and leaves no history: to all who ask, an expired entry was gone before.
"""

from collections.abc import Callable
from typing import NamedTuple

from gql_service.domain.documents import rows as documents
from gql_service.domain.search import index
from gql_service.domain.writes import idempotency
from gql_service.store.connection import Connection
from gql_service.store.database import Database

MAX_DOCUMENTS, MAX_ANSWERS = 20, 200
"""What one transaction deletes: while it holds its locks, others wait, and documents may be large."""


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
        if batch.documents < MAX_DOCUMENTS and batch.answers < MAX_ANSWERS:
            return total


async def _sweep_some(transaction: Connection, now: int) -> Swept:
    before = await documents.expired(transaction, now, MAX_DOCUMENTS)
    updates, after, entries = index.Updates(), [], 0
    for document in before:
        content = document.content()
        gone = content.expire(now)
        entries += len(gone)
        updates.remove(document.key, gone)
        after.append(documents.without_expired(document, content))
    await documents.store(transaction, after, {document.key: document for document in before})
    await updates.store(transaction)
    answers = await idempotency.sweep(transaction, now, MAX_ANSWERS)
    return Swept(len(before), entries, answers)
