"""The history of documents: a row for each write that changed something, with the old and new of each key.

The values of encrypted entries are never in it, encrypted or not.
"""

import re
from collections.abc import Callable, Mapping, Sequence, Set
from functools import cache
from typing import Any, NamedTuple

import orjson
from sqlalchemy import BigInteger, and_, bindparam, delete, func, insert, select, update

from gql_service import strict_json
from gql_service.domain.documents.entries import Entry, described, unsign
from gql_service.domain.documents.rows import Key
from gql_service.domain.pagination import Page, PageRequest, page_of
from gql_service.errors import BadUserInput
from gql_service.store.connection import Connection, rows_as
from gql_service.store.sql_functions import any_of
from gql_service.store.statement import Statement
from gql_service.store.tables import document_changes

_OF_DOCUMENT = (
    document_changes.c.user_id == bindparam("of_user"),
    document_changes.c.platform_id == bindparam("of_platform"),
)
_INSERT = Statement(insert(document_changes))
_ALL = Statement(select(document_changes).where(*_OF_DOCUMENT))
_DELETE_ALL = Statement(delete(document_changes).where(*_OF_DOCUMENT))
_REWRITE = Statement(
    update(document_changes)
    .where(*_OF_DOCUMENT, document_changes.c.revision == bindparam("at_revision"))
    .values(changes=bindparam("changes"))
)


_REVISION = re.compile(r"[1-9]\d{0,15}", re.ASCII)


class Row(NamedTuple):
    """A row of `document_changes`; `changes` maps keys to `{old, new}`, as `described` tells entries."""

    user_id: str
    platform_id: str
    revision: int
    actor_id: str | None
    changed_at: int
    source: str
    changes: str

    def without_values(self, keep: Set[str]) -> "Row":
        """The same change, knowing of all keys but these no more than their names."""
        changes = orjson.loads(self.changes)
        told = {key: change if key in keep else _named(change) for key, change in changes.items()}
        return self._replace(changes=strict_json.dumps(told))

    def concealing(self, keys: Set[str]) -> "Row":
        """The same change, knowing of these keys no more than their names."""
        return self.without_values(orjson.loads(self.changes).keys() - keys)

    def unsigned(self, user_id: str) -> "Row":
        """The same change, without that it was this user who wrote the entries."""
        changes = orjson.loads(self.changes)
        for change in changes.values():
            for side in ("old", "new"):
                if side in change:
                    unsign(change[side], user_id)
        return self._replace(changes=strict_json.dumps(changes))


def _named(change: Mapping[str, Any]) -> Mapping[str, Any]:
    if is_forgotten(change):
        return change
    return {} if "new" in change else {"deleted": True}


def is_forgotten(change: Mapping[str, Any]) -> bool:
    """Whether no more is known of the change of a key than that it happened."""
    return not ("old" in change or "new" in change)


def changes_text(changed: Mapping[str, tuple[Entry | None, Entry | None]]) -> str:
    """What to keep of the entries before and after a write."""
    return strict_json.dumps(
        {
            key: {
                name: described(entry)
                for name, entry in (("old", before), ("new", after))
                if entry is not None
            }
            for key, (before, after) in changed.items()
        }
    )


def check_page(request: PageRequest) -> PageRequest:
    """A page of a history is asked for by revisions. Raises BadUserInput."""
    for cursor in (request.after, request.before):
        if cursor is not None and not _REVISION.fullmatch(cursor):
            raise BadUserInput("The cursor is not one of a history.")
    return request


async def pages(connection: Connection, documents: Sequence[Key], request: PageRequest) -> list[Page[Row]]:
    """The same page of the history of each document, the newest change first."""
    rows = rows_as(
        Row,
        await connection.fetch(
            _page(request.backwards, request.after is not None, request.before is not None),
            user_ids={user for user, _ in documents},
            platform_ids={platform for _, platform in documents},
            size=request.size + 1,
            after=int(request.after or 0),
            before=int(request.before or 0),
        ),
    )
    found: dict[Key, list[Row]] = {document: [] for document in documents}
    for row in rows:
        if row[:2] in found:
            found[row[:2]].append(row)
    return [page_of(found[document], request) for document in documents]


@cache
def _page(backwards: bool, after: bool, before: bool) -> Statement:
    """Rows are numbered by their keys alone, so that no more of them are read than are shown."""
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
    same = [rows[name] == numbered.c[name] for name in ("user_id", "platform_id", "revision")]
    page = select(*(rows[name] for name in Row._fields)).join(numbered, and_(*same))
    page = page.where(numbered.c.number <= bindparam("size"))
    return Statement(page.order_by(numbered.c.number), scans=True)


async def record(transaction: Connection, rows: Sequence[Row]) -> None:
    """Store what was changed."""
    await transaction.execute_many(_INSERT, [row._asdict() for row in rows])


async def forget(transaction: Connection, document: Key, keep: Set[str]) -> None:
    """Forget the values of all keys but these."""
    where: dict[str, Any] = {"of_user": document[0], "of_platform": document[1]}
    if not keep:
        await transaction.execute(_DELETE_ALL, **where)
        return
    await _rewrite(transaction, where, lambda row: row.without_values(keep))


async def conceal(transaction: Connection, document: Key, keys: Set[str]) -> None:
    """Forget the values of these keys, which are to be secret from now on."""
    where = {"of_user": document[0], "of_platform": document[1]}
    await _rewrite(transaction, where, lambda row: row.concealing(keys))


async def _rewrite(transaction: Connection, where: Mapping[str, Any], change: Callable[[Row], Row]) -> None:
    rows = rows_as(Row, await transaction.fetch(_ALL, **where))
    rewritten = [(row, change(row).changes) for row in rows]
    await transaction.execute_many(
        _REWRITE,
        [
            {**where, "at_revision": row.revision, "changes": changes}
            for row, changes in rewritten
            if changes != row.changes
        ],
    )
