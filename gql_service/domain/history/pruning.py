"""Deleting the oldest changes of a document. A baseline takes their place.

The baseline is a row with the revision and the time of the newest change that was pruned. From then on, the
past of the document is known. It keeps what the past still needs of the pruned changes: entries with an end,
for an entry that has expired is nowhere else. It is a row like the others, so that whatever hides, encrypts,
clears or anonymizes the history reaches it.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson
from sqlalchemy import BigInteger, bindparam, delete, select

from gql_service import strict_json
from gql_service.domain.documents.rows import DocumentKey
from gql_service.domain.history.changes import BASELINE, WINDOW_END_OF_BASELINE, ChangeRow, record
from gql_service.store.connection import Connection, rows_as
from gql_service.store.statement import Statement
from gql_service.store.tables import document_changes

_ROWS_PER_READ = 10
MAX_SIZE = 2 * 1024 * 1024
"""Characters of the changes that are pruned at once, as far as no single one has more."""

_OF_DOCUMENT = (
    document_changes.c.user_id == bindparam("of_user"),
    document_changes.c.platform_id == bindparam("of_platform"),
)
_OLDEST = Statement(
    select(*(document_changes.c[name] for name in ChangeRow._fields))
    .where(*_OF_DOCUMENT, document_changes.c.revision > bindparam("after", type_=BigInteger))
    .order_by(document_changes.c.revision)
    .limit(bindparam("size"))
)
_DELETE = Statement(
    delete(document_changes).where(
        *_OF_DOCUMENT, document_changes.c.revision <= bindparam("until", type_=BigInteger)
    )
)


class Pruned(NamedTuple):
    """What was done to one history."""

    changes: int
    """How many were deleted."""
    size: int
    """Their characters."""
    is_complete: bool
    """Whether all that is excluded was deleted."""


class Bounds(NamedTuple):
    """Which changes of a document are too many or too old."""

    before: int | None
    """An instant."""
    revision: int
    """The first revision to keep for its number."""

    def exclude(self, row: ChangeRow) -> bool:
        """Whether a change is to be pruned."""
        return row.revision < self.revision or (self.before is not None and row.changed_at < self.before)


async def prune(transaction: Connection, document: DocumentKey, bounds: Bounds, most: int) -> Pruned:
    """Prune up to `most` changes of a document that is locked, the oldest first."""
    rows, is_complete = await _excluded(transaction, document, bounds, most)
    count = sum(not row.is_baseline for row in rows)
    if count:
        user, platform = document
        until = rows[-1].revision
        await transaction.execute(_DELETE, of_user=user, of_platform=platform, until=until)
        await record(transaction, [_baseline(rows)])
    return Pruned(count, sum(len(row.changes) for row in rows), is_complete)


async def _excluded(
    transaction: Connection, document: DocumentKey, bounds: Bounds, most: int
) -> tuple[list[ChangeRow], bool]:
    """The rows to prune: the baseline, if there is one, and what follows it. Also whether these are all."""
    found: list[ChangeRow] = []
    user, platform = document
    size, after = 0, 0
    while len(found) <= most and size < MAX_SIZE:
        count = min(_ROWS_PER_READ, most + 1 - len(found))
        rows = rows_as(
            ChangeRow,
            await transaction.fetch(_OLDEST, of_user=user, of_platform=platform, after=after, size=count),
        )
        for row in rows:
            if not row.is_baseline and not bounds.exclude(row):
                return found, True
            found.append(row)
            size += len(row.changes)
        if len(rows) < count:
            return found, True
        after = rows[-1].revision
    return found, False


def _baseline(pruned: list[ChangeRow]) -> ChangeRow:
    """The row that stands for these, the oldest first."""
    newest, at = pruned[-1], max(row.changed_at for row in pruned)
    windows: dict[str, Mapping[str, Any]] = {}
    for row in pruned:
        if windows or '"validUntil"' in row.changes:
            for key, change in orjson.loads(row.changes).items():
                windows.pop(key, None)
                if change.get("new", {}).get("validUntil", 0) > at:
                    windows[key] = {"new": change["new"]}
    return newest._replace(
        actor_id=None,
        changed_at=at,
        source=BASELINE,
        changes=strict_json.dumps(windows),
        window_end=WINDOW_END_OF_BASELINE,
    )
