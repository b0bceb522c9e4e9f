"""Deleting expired entries and stored answers, some time after they have expired.

This changes no revision and adds no history: for every reader, an expired entry was already absent.
"""

from collections.abc import Callable
from typing import NamedTuple

from gql_service.domain.documents import rows as documents
from gql_service.domain.documents.rows import DocumentKey, MetadataDocument
from gql_service.domain.retention import Retention
from gql_service.domain.search import index
from gql_service.domain.writes import idempotency
from gql_service.store.connection import Connection
from gql_service.store.database import Database

MAX_DOCUMENTS, MAX_ANSWERS = 20, 200
"""Limits of one transaction, as others wait for its locks, and documents may be large."""


_DEFAULT = Retention()


class SweepResult(NamedTuple):
    """How much was deleted."""

    documents: int = 0
    """Documents that had expired entries."""
    entries: int = 0
    answers: int = 0
    """Expired idempotency keys with their stored answers."""

    def __add__(self, other: object) -> "SweepResult":
        assert isinstance(other, SweepResult)
        return SweepResult(
            self.documents + other.documents, self.entries + other.entries, self.answers + other.answers
        )


async def sweep(database: Database, clock: Callable[[], int], retention: Retention = _DEFAULT) -> SweepResult:
    """Delete everything that has expired, in transactions of limited size. Processes may do so concurrently.

    Platforms that keep answers for a shorter time are left to the `RetentionWalk`. Raises Unavailable.
    """
    total = SweepResult()
    while True:
        batch = await database.write(lambda transaction: _sweep_batch(transaction, clock(), retention))
        total += batch
        if batch.documents < MAX_DOCUMENTS and batch.answers < MAX_ANSWERS:
            return total


async def _sweep_batch(transaction: Connection, now: int, retention: Retention) -> SweepResult:
    updates, entries = index.Updates(), 0
    before, after = dict[DocumentKey, MetadataDocument](), list[MetadataDocument]()
    for document in await documents.expired(transaction, now, MAX_DOCUMENTS):
        key = document.key
        content = document.content()
        expired_keys = content.expire(now)
        entries += len(expired_keys)
        updates.remove(key, expired_keys)
        before[key] = document
        after.append(documents.without_expired(document, content))
    await documents.store(transaction, after, before)
    await updates.store(transaction)
    answers = await idempotency.sweep(transaction, retention.answers_before(now), MAX_ANSWERS)
    return SweepResult(len(before), entries, answers)
