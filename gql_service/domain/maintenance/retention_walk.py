"""Pruning what is kept too long, by walking through all documents.

Nothing is indexed for it, so that writes cost no more. What is due is found by reading. It is deleted in
short transactions, because others wait for them. A document that is being written is left for the next walk.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Text, and_, bindparam, func, select, tuple_

from gql_service.domain.documents import rows as documents
from gql_service.domain.documents.rows import DocumentKey
from gql_service.domain.history import pruning
from gql_service.domain.history.changes import BASELINE
from gql_service.domain.history.pruning import MAX_SIZE, Bounds
from gql_service.domain.retention import HOUR, Retention
from gql_service.domain.writes import idempotency
from gql_service.store import tables
from gql_service.store.connection import Connection, rows_as
from gql_service.store.database import Database
from gql_service.store.statement import Statement

MAX_DOCUMENTS, MAX_CHANGES = 20, 200
"""Limits of one transaction."""
DOCUMENTS_PER_STEP = 10_000
"""Documents that are looked at between two waits of a server. Each takes microseconds."""
_PAGE_SIZE = 500

_documents, _changes, _answers = tables.documents.c, tables.document_changes.c, tables.idempotency_keys.c
_KEY = _documents.user_id, _documents.platform_id
_platforms = tables.platforms.c


def _of_changes(column: Any) -> Any:
    return select(column).where(
        _changes.user_id == _documents.user_id, _changes.platform_id == _documents.platform_id
    )


def _of_oldest_change(column: Any) -> Any:
    """Of the oldest one that is no baseline."""
    changes = _of_changes(column).where(_changes.source != bindparam("baseline", BASELINE))
    return changes.order_by(_changes.revision).limit(1).scalar_subquery()


_HAS_OLD_ANSWER = select(_answers.user_id).where(
    _answers.user_id == _documents.user_id,
    _answers.platform_id == _documents.platform_id,
    _answers.created_at <= bindparam("now", type_=BigInteger) - _platforms.idempotency_max_age * HOUR,
)
_STATES = (
    select(
        *_KEY,
        _of_changes(func.max(_changes.revision)).scalar_subquery().label("newest"),
        _of_oldest_change(_changes.revision).label("oldest"),
        _of_oldest_change(_changes.changed_at).label("oldest_at"),
        and_(_platforms.idempotency_max_age.is_not(None), _HAS_OLD_ANSWER.exists()).label("has_old_answer"),
        _platforms.history_max_age,
        _platforms.history_max_changes,
        _platforms.idempotency_max_age,
    )
    .outerjoin(tables.platforms, _platforms.id == _documents.platform_id)
    .where(
        tuple_(*_KEY) > tuple_(bindparam("after_user", type_=Text), bindparam("after_platform", type_=Text))
    )
    .order_by(*_KEY)
    .limit(bindparam("size"))
)
_PAGE = Statement(_STATES, scans=True)


class PruneResult(NamedTuple):
    """How much was deleted."""

    changes: int = 0
    answers: int = 0


class _State(NamedTuple):
    """What is kept of a document, and what its platform has chosen."""

    user_id: str
    platform_id: str
    newest: int | None
    oldest: int | None
    oldest_at: int | None
    has_old_answer: bool
    history_max_age: int | None
    history_max_changes: int | None
    idempotency_max_age: int | None

    @property
    def key(self) -> DocumentKey:
        return self.user_id, self.platform_id

    @property
    def own(self) -> Retention:
        return Retention(self.history_max_age, self.history_max_changes, self.idempotency_max_age)

    def bounds(self, retention: Retention, now: int) -> Bounds:
        """Which changes of the document are too many or too old."""
        most = retention.history_max_changes
        return Bounds(retention.changes_before(now), 0 if most is None else (self.newest or 0) - most + 1)


class RetentionWalk:
    """Walks through all documents again and again, some at each step. Processes may do so concurrently."""

    def __init__(self, database: Database, retention: Retention, clock: Callable[[], int]) -> None:
        self._database = database
        self._retention = retention
        self._clock = clock
        self._after: DocumentKey = ("", "")

    async def step(self, most: int = DOCUMENTS_PER_STEP) -> PruneResult:
        """Look at up to `most` documents, or at those up to the end, and prune what is due.

        Raises Unavailable.
        """
        changes = answers = 0
        for _ in range(0, most, _PAGE_SIZE):
            page = await self._next_page()
            due = [state for state in page if self._is_due(state)]
            for start in range(0, len(due), MAX_DOCUMENTS):
                pruned = await self._prune(due[start : start + MAX_DOCUMENTS])
                changes, answers = changes + pruned.changes, answers + pruned.answers
            if len(page) < _PAGE_SIZE:
                self._after = ("", "")
                break
            self._after = page[-1].key
        return PruneResult(changes, answers)

    async def whole(self) -> PruneResult:
        """Look at all documents, from the first one. Raises Unavailable."""
        self._after, total = ("", ""), PruneResult()
        while True:
            pruned = await self.step()
            total = PruneResult(total.changes + pruned.changes, total.answers + pruned.answers)
            if self._after == ("", ""):
                return total

    async def _next_page(self) -> list[_State]:
        user, platform = self._after
        async with self._database.read() as connection:
            rows = await connection.fetch(
                _PAGE, after_user=user, after_platform=platform, size=_PAGE_SIZE, now=self._clock()
            )
        return rows_as(_State, rows)

    def _is_due(self, state: _State) -> bool:
        if state.has_old_answer:
            return True
        if state.oldest_at is None or state.oldest is None:
            return False
        bounds = state.bounds(self._retention.shortened(state.own), self._clock())
        is_old = bounds.before is not None and state.oldest_at < bounds.before
        return is_old or state.oldest < bounds.revision

    async def _prune(self, due: Sequence[_State]) -> PruneResult:
        """Prune documents, in as many transactions as it takes."""
        rest = {state.key: state for state in due}
        total = PruneResult()
        while rest:
            states = list(rest.values())
            pruned, done = await self._database.write(partial(self._batch, states=states))
            total = PruneResult(total.changes + pruned.changes, total.answers + pruned.answers)
            for key in done:
                del rest[key]
        return total

    async def _batch(
        self, transaction: Connection, states: Sequence[_State]
    ) -> tuple[PruneResult, list[DocumentKey]]:
        """Prune within the limits of one transaction; returns also the documents that are done with."""
        changes = answers = size = 0
        done: list[DocumentKey] = []
        now = self._clock()
        idle = await documents.lock_idle(transaction, {state.key for state in states})
        for state in states:
            if state.key in idle:
                retention = self._retention.shortened(state.own)
                bounds = state.bounds(retention, now)
                pruned = await pruning.prune(transaction, state.key, bounds, MAX_CHANGES - changes)
                changes, size = changes + pruned.changes, size + pruned.size
                if not pruned.is_complete:
                    break
                if state.has_old_answer:
                    before = retention.answers_before(now)
                    answers += await idempotency.sweep_document(transaction, state.key, before)
            done.append(state.key)
            if changes >= MAX_CHANGES or size >= MAX_SIZE:
                break
        return PruneResult(changes, answers), done
