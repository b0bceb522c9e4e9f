"""The history of documents: one row for each write that changed something, with each key before and after.

Values of encrypted entries are never in it, not even as ciphertext.
"""

import re
from collections.abc import Callable, Mapping, Sequence, Set
from functools import cache
from typing import Any, NamedTuple

import orjson
from sqlalchemy import ColumnElement, bindparam, delete, insert, select, update

from gql_service import strict_json
from gql_service.domain.documents.entries import Entry, anonymize, to_history
from gql_service.domain.documents.rows import DocumentKey
from gql_service.domain.pagination import Page, PageRequest, keyset_of_each, page_of
from gql_service.errors import BadUserInput
from gql_service.store.connection import Connection, rows_as
from gql_service.store.sql_functions import any_of
from gql_service.store.statement import Statement
from gql_service.store.tables import document_changes
from gql_service.store.tables import documents as documents_table

BASELINE = "retention"
"""The `source` of a baseline, which stands for the changes that were pruned: see `pruning`."""
WINDOW_END_OF_BASELINE = 2**62
"""Later than every instant, so that a baseline is always found by its `window_end`."""


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
    window_end: int | None
    """The last `validUntil` in `changes`; None if there is none. See also `WINDOW_END_OF_BASELINE`."""

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
        window_end = self.window_end if self.is_baseline else _window_end(kept)
        return self._replace(changes=strict_json.dumps(kept), window_end=window_end)

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
    .values(changes=bindparam("changes"), window_end=bindparam("window_end"))
)
OWNER = {"user_id": documents_table.c.user_id, "platform_id": documents_table.c.platform_id}
OF_DOCUMENTS = (
    any_of(documents_table.c.user_id, "user_ids"),
    any_of(documents_table.c.platform_id, "platform_ids"),
)


def _page_of(columns: Sequence[ColumnElement[Any]], shape: PageRequest) -> Statement:
    """The same page of the history of each document."""
    revision = document_changes.c.revision
    return keyset_of_each(columns, OWNER, revision, shape, OF_DOCUMENTS, descending=True, scans=True)


_OLDEST = _page_of(
    [document_changes.c[name] for name in ("user_id", "platform_id", "source", "changed_at")],
    PageRequest(0, True, None, None),
)
_REVISION = re.compile(r"[1-9]\d{0,15}", re.ASCII)


def has_no_values(change: Mapping[str, Any]) -> bool:
    """Whether the history knows no more of the change of a key than that it happened."""
    return not ("old" in change or "new" in change)


def columns_of(changed: Mapping[str, tuple[Entry | None, Entry | None]]) -> dict[str, Any]:
    """The columns `changes` and `window_end` for a write, given each changed key before and after."""
    changes = {
        key: {
            side: to_history(entry) for side, entry in (("old", before), ("new", after)) if entry is not None
        }
        for key, (before, after) in changed.items()
    }
    return {"changes": strict_json.dumps(changes), "window_end": _window_end(changes)}


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
            _page(request.shape),
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
def _page(shape: PageRequest) -> Statement:
    return _page_of(_COLUMNS, shape)


async def pruned_until(connection: Connection, documents: Sequence[DocumentKey]) -> list[int | None]:
    """Up to which instant the changes of each document were pruned; None where none was."""
    rows = await connection.fetch(
        _OLDEST,
        user_ids={user for user, _ in documents},
        platform_ids={platform for _, platform in documents},
        size=1,
    )
    found = {(user, platform): at for user, platform, source, at in rows if source == BASELINE}
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


def _window_end(changes: Mapping[str, Mapping[str, Any]]) -> int | None:
    """The last `validUntil` in the changes of keys; None if there is none."""
    sides = [side for change in changes.values() for side in change.values() if type(side) is dict]
    return max([side["validUntil"] for side in sides if "validUntil" in side], default=None)


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
    rewritten = [(row.changes, change(row)) for row in rows]
    await transaction.execute_many(
        _REWRITE,
        [
            {**where, "at_revision": row.revision, "changes": row.changes, "window_end": row.window_end}
            for former, row in rewritten
            if row.changes != former
        ],
    )
