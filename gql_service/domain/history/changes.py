"""The history of documents: one row for each write that changed something, with each key before and after.

Values of encrypted entries are never in it, not even as ciphertext.
"""

import re
from collections.abc import Callable, Mapping, Sequence, Set
from functools import cache
from typing import Any, NamedTuple

import orjson
from sqlalchemy import BigInteger, and_, bindparam, delete, func, insert, select, update

from gql_service import strict_json
from gql_service.domain.documents.entries import Entry, anonymize, to_history
from gql_service.domain.documents.rows import DocumentKey
from gql_service.domain.pagination import Page, PageRequest, page_of
from gql_service.errors import BadUserInput
from gql_service.store.connection import Connection, rows_as
from gql_service.store.sql_functions import any_of
from gql_service.store.statement import Statement
from gql_service.store.tables import document_changes

BASELINE = "retention"
"""The `source` of a baseline, which stands for the changes that were pruned: see `pruning`."""


class ChangeRow(NamedTuple):
    """A row of `document_changes`.

    `changes` is a JSON object: each key that was changed, with `old` and `new` as `entries.to_history` writes
    them. A side without an entry is left out. Where the values were removed later, a key has an empty object,
    or `{"deleted": true}` where the write had deleted it.
    """

    user_id: str
    platform_id: str
    revision: int
    actor_id: str | None
    changed_at: int
    source: str
    changes: str

    @property
    def document_key(self) -> DocumentKey:
        return self.user_id, self.platform_id

    @property
    def is_baseline(self) -> bool:
        return self.source == BASELINE

    def without_values(self, keep: Set[str]) -> "ChangeRow":
        """The same change, with no more than the names of all keys except those to keep."""
        changes = orjson.loads(self.changes)
        kept = {key: change if key in keep else _name_only(change) for key, change in changes.items()}
        return self._replace(changes=strict_json.dumps(kept))

    def concealing(self, keys: Set[str]) -> "ChangeRow":
        """The same change, with no more than the names of these keys."""
        return self.without_values(orjson.loads(self.changes).keys() - keys)

    def anonymized(self, user_id: str) -> "ChangeRow":
        """The same change without this user as the author of entries."""
        changes = orjson.loads(self.changes)
        for change in changes.values():
            for side in ("old", "new"):
                if side in change:
                    anonymize(change[side], user_id)
        return self._replace(changes=strict_json.dumps(changes))


_COLUMNS = [document_changes.c[name] for name in ChangeRow._fields]
_OF_DOCUMENT = (
    document_changes.c.user_id == bindparam("of_user"),
    document_changes.c.platform_id == bindparam("of_platform"),
)
_INSERT = Statement(insert(document_changes))
_ALL = Statement(select(*_COLUMNS).where(*_OF_DOCUMENT))
_DELETE_ALL = Statement(delete(document_changes).where(*_OF_DOCUMENT))
_REWRITE = Statement(
    update(document_changes)
    .where(*_OF_DOCUMENT, document_changes.c.revision == bindparam("at_revision"))
    .values(changes=bindparam("changes"))
)
_FIRST = (
    select(document_changes.c.user_id, document_changes.c.platform_id)
    .add_columns(func.min(document_changes.c.revision).label("revision"))
    .where(
        any_of(document_changes.c.user_id, "user_ids"), any_of(document_changes.c.platform_id, "platform_ids")
    )
    .group_by(document_changes.c.user_id, document_changes.c.platform_id)
    .subquery()
)
_BASELINES = Statement(
    select(document_changes.c.user_id, document_changes.c.platform_id, document_changes.c.changed_at)
    .join(_FIRST, and_(*(document_changes.c[column.name] == column for column in _FIRST.c)))
    .where(document_changes.c.source == bindparam("baseline", BASELINE)),
    scans=True,
)
_REVISION = re.compile(r"[1-9]\d{0,15}", re.ASCII)


def has_no_values(change: Mapping[str, Any]) -> bool:
    """Whether the history knows no more of the change of a key than that it happened."""
    return not ("old" in change or "new" in change)


def changes_text(changed: Mapping[str, tuple[Entry | None, Entry | None]]) -> str:
    """The text of the column `changes` for a write, given each changed key before and after."""
    return strict_json.dumps(
        {
            key: {
                side: to_history(entry)
                for side, entry in (("old", before), ("new", after))
                if entry is not None
            }
            for key, (before, after) in changed.items()
        }
    )


def check_page(request: PageRequest) -> PageRequest:
    """The cursors of a history are revisions. Raises BadUserInput for others."""
    for cursor in (request.after, request.before):
        if cursor is not None and not _REVISION.fullmatch(cursor):
            raise BadUserInput("The cursor is not one of a history. Use a cursor that `history` returned.")
    return request


async def pages(
    connection: Connection, documents: Sequence[DocumentKey], request: PageRequest
) -> list[Page[ChangeRow]]:
    """The same page of the history of each document, newest change first."""
    rows = rows_as(
        ChangeRow,
        await connection.fetch(
            _page(request.backwards, request.after is not None, request.before is not None),
            user_ids={user for user, _ in documents},
            platform_ids={platform for _, platform in documents},
            size=request.size + 1 + request.backwards,  # the oldest row may be a baseline
            after=int(request.after or 0),
            before=int(request.before or 0),
        ),
    )
    found: dict[DocumentKey, list[ChangeRow]] = {document: [] for document in documents}
    # Sorted here, for SQLite would copy the rows, which may be large.
    for row in sorted(rows, key=lambda row: row.revision, reverse=not request.backwards):
        if row.document_key in found and not row.is_baseline:
            found[row.document_key].append(row)
    return [page_of(found[document], request) for document in documents]


@cache
def _page(backwards: bool, after: bool, before: bool) -> Statement:
    """Rows are numbered by their keys alone, so that only the rows of the page are read whole."""
    rows = document_changes.c
    revision, owner = rows.revision, [rows.user_id, rows.platform_id]
    order = revision.asc() if backwards else revision.desc()
    number = func.row_number().over(partition_by=owner, order_by=order).label("number")
    keys = select(*owner, revision, number).where(
        any_of(rows.user_id, "user_ids"), any_of(rows.platform_id, "platform_ids")
    )
    if after:
        keys = keys.where(revision < bindparam("after", type_=BigInteger))
    if before:
        keys = keys.where(revision > bindparam("before", type_=BigInteger))
    numbered = keys.subquery()
    same_row = [rows[name] == numbered.c[name] for name in ("user_id", "platform_id", "revision")]
    page = select(*_COLUMNS).join(numbered, and_(*same_row))
    return Statement(page.where(numbered.c.number <= bindparam("size")), scans=True)


async def pruned_until(connection: Connection, documents: Sequence[DocumentKey]) -> list[int | None]:
    """Up to which instant the changes of each document were pruned; None where none was."""
    rows = await connection.fetch(
        _BASELINES,
        user_ids={user for user, _ in documents},
        platform_ids={platform for _, platform in documents},
    )
    found = {(user, platform): changed_at for user, platform, changed_at in rows}
    return [found.get(document) for document in documents]


async def record(transaction: Connection, rows: Sequence[ChangeRow]) -> None:
    """Add rows to the history."""
    await transaction.execute_many(_INSERT, [row._asdict() for row in rows])


async def forget(transaction: Connection, document: DocumentKey, keep: Set[str]) -> None:
    """Remove the values of all keys except those to keep; the whole history if there are none to keep."""
    where = _where(document)
    if keep:
        await _rewrite(transaction, where, lambda row: row.without_values(keep))
    else:
        await transaction.execute(_DELETE_ALL, **where)


async def conceal(transaction: Connection, document: DocumentKey, keys: Set[str]) -> None:
    """Remove the values of keys that are encrypted from now on."""
    await _rewrite(transaction, _where(document), lambda row: row.concealing(keys))


def _name_only(change: Mapping[str, Any]) -> Mapping[str, Any]:
    if has_no_values(change):
        return change
    return {} if "new" in change else {"deleted": True}


def _where(document: DocumentKey) -> dict[str, Any]:
    user_id, platform_id = document
    return {"of_user": user_id, "of_platform": platform_id}


async def _rewrite(
    transaction: Connection, where: Mapping[str, Any], change: Callable[[ChangeRow], ChangeRow]
) -> None:
    rows = rows_as(ChangeRow, await transaction.fetch(_ALL, **where))
    rewritten = [(row, change(row).changes) for row in rows]
    await transaction.execute_many(
        _REWRITE,
        [
            {**where, "at_revision": row.revision, "changes": changes}
            for row, changes in rewritten
            if changes != row.changes
        ],
    )
