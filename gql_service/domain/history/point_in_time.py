"""The content of a document at an earlier instant (`asOf`) or revision, found by undoing the changes since.

The history has no values of encrypted entries, and none of what was cleared. Such keys are unknown in the
past.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    FromClause,
    Select,
    Text,
    and_,
    bindparam,
    case,
    func,
    literal_column,
    select,
    tuple_,
)

from gql_service import strict_json
from gql_service.domain.documents.entries import Content, Entry, from_history
from gql_service.domain.documents.rows import DocumentKey, MetadataDocument
from gql_service.domain.documents.visibility import Viewer, plain_text
from gql_service.domain.history.changes import OF_DOCUMENTS, OWNER, ChangeRow, has_no_values
from gql_service.domain.pagination import index_order, of_owner, range_of_owner
from gql_service.domain.values.encryption import KeyRing
from gql_service.errors import BadUserInput, RequestError, too_much_to_read
from gql_service.instants import rfc3339
from gql_service.store.connection import Connection, rows_as
from gql_service.store.sql_functions import any_of, without_index
from gql_service.store.statement import Statement
from gql_service.store.tables import document_changes
from gql_service.store.tables import documents as documents_table

MAX_CHANGES = 10_000
"""The most changes of one document that are read to find its past."""
_BATCH, _FIRST_BATCH, _BATCH_BYTES = 200, 4, 4 * 1024 * 1024
"""The most rows that are read at a time, those that are read first, and the bytes of those that follow."""
_BYTES_PER_TURN = 128 * 1024
"""After a change with more, other requests get their turn."""

Position = tuple[str, str, int]
"""User id, platform id and revision: the key of a row, in whose order histories are read."""
_START: Position = ("", "", 0)
_LAST_REVISION = 2**62

_changes = document_changes.c
_COLUMNS = [_changes[name] for name in ChangeRow._fields]
_AFTER_DOCUMENT = bindparam("after_user", type_=Text), bindparam("after_platform", type_=Text)
_AFTER_REVISION = bindparam("after_revision", type_=BigInteger)
_AT = bindparam("at", type_=BigInteger)


def _rows(start: ColumnElement[int], *, scans: bool = False) -> Statement:
    """The changes of documents in the order of their keys: of each those after the revision `start`, or after
    the last one that was read."""
    is_same = and_(*(column == after for column, after in zip(OWNER.values(), _AFTER_DOCUMENT, strict=True)))
    after = case((is_same, _AFTER_REVISION), else_=start)
    of_document = and_(of_owner(document_changes, OWNER), _changes.revision > after)
    next_documents = tuple_(*map(without_index, OWNER.values())) >= tuple_(*_AFTER_DOCUMENT)

    def joined(rows: FromClause, on: ColumnElement[bool]) -> Select[Any]:
        return (
            select(*[rows.c[name] for name in ChangeRow._fields])
            .join_from(documents_table, rows, on)
            .where(*OF_DOCUMENTS, next_documents)
            .order_by(*OWNER.values(), rows.c.revision)
            .limit(bindparam("size"))
        )

    each = select(*_COLUMNS).where(*range_of_owner(OWNER, _changes.revision, after, None))
    each = each.order_by(*index_order(OWNER, _changes.revision)).limit(bindparam("size"))
    lateral = each.correlate(documents_table).lateral("changes_of_document")
    return Statement(
        joined(document_changes, of_document),
        scans=scans,
        on_postgres=joined(lateral, literal_column("true", Boolean)),
    )


# The time of a document never goes back, so its later changes are found by reading backwards from the newest.
_earlier = document_changes.alias("earlier")
_LAST_UNTIL = (
    select(_earlier.c.revision)
    .where(of_owner(_earlier, OWNER), _earlier.c.changed_at <= _AT)
    .order_by(_earlier.c.revision.desc())
    .limit(literal_column("1"))
    .correlate(documents_table)
    .scalar_subquery()
)
_LATER = _rows(func.coalesce(_LAST_UNTIL, literal_column("0")), scans=True)
_FROM = _rows(literal_column("0"))


def _windows() -> Statement:
    """The changes of windows that were to end later, and all baselines, in the order of their keys.

    A write that ends a window early stores the old window, too, so every such window is found. PostgreSQL
    must find the rows by their windows, as SQLite does, not by the key that they are sorted by: `OFFSET 0`
    lets it find all of them before it sorts.
    """
    found = (
        any_of(_changes.user_id, "user_ids"),
        any_of(_changes.platform_id, "platform_ids"),
        _changes.window_end > _AT,
        _changes.changed_at <= _AT,
    )

    def page(rows: FromClause, *where: ColumnElement[bool]) -> Select[Any]:
        key = [without_index(rows.c[name]) for name in ("user_id", "platform_id", "revision")]
        columns = [rows.c[name] for name in ChangeRow._fields]
        later = tuple_(*key) > tuple_(*_AFTER_DOCUMENT, _AFTER_REVISION)
        return select(*columns).where(*where, later).order_by(*key).limit(bindparam("size"))

    all_found = select(*_COLUMNS).where(*found).offset(literal_column("0")).subquery("found")
    return Statement(page(document_changes, *found), scans=True, on_postgres=page(all_found))


_WINDOWS = _windows()


@dataclass(slots=True)
class Past:
    """How the keys of a document differed from what they are now."""

    recorded: dict[str, Mapping[str, Any] | None]
    """The entries of keys that have changed since, as the history describes them; None where there was no
    entry. Encrypted ones have no value."""
    unknown: set[str]
    """Keys that the history does not know any more."""
    expired: dict[str, Entry]
    """Entries that existed and had an end. Most of them vanished at that end, without a row in the
    history."""
    size: int = 0
    """The bytes of the changes that were read."""

    @staticmethod
    def nothing_changed() -> "Past":
        return Past({}, set(), {})

    def undo(self, row: ChangeRow) -> None:
        """Undo a change. Call it for the oldest change first: the oldest value is the one of the past."""
        for key, change in orjson.loads(row.changes).items():
            if key not in self.recorded and key not in self.unknown:
                if has_no_values(change):
                    self.unknown.add(key)
                else:
                    self.recorded[key] = change.get("old")

    @property
    def entries(self) -> dict[str, Entry | None]:
        """The entries of keys that have changed since; None where there was no entry."""
        return {key: None if each is None else from_history(each) for key, each in self.recorded.items()}

    def forget(self, keep: Set[str]) -> None:
        """Make all keys unknown except those to keep."""
        forgotten = self.recorded.keys() - keep
        self.unknown.update(forgotten)
        for key in forgotten:
            del self.recorded[key]

    def note_windows(self, row: ChangeRow, at: int) -> None:
        """Note entries that may have expired since `at`. Call it for the oldest change first.

        A baseline has all such entries of the changes it stands for, some of which may have been read before
        they were pruned.
        """
        if row.is_baseline:
            self.expired.clear()
        for key, change in orjson.loads(row.changes).items():
            self.expired.pop(key, None)
            if "new" in change and change["new"].get("validUntil", 0) > at:
                self.expired[key] = from_history(change["new"])

    def entry(self, key: str, content: Content, at: int) -> Entry | None:
        """The entry of a key at an instant, given the present content; None also where it is unknown."""
        if key in self.unknown:
            return None
        if key in self.recorded:
            recorded = self.recorded[key]
            return self.expired.get(key) if recorded is None else from_history(recorded)
        entry = content.get(key)
        if entry is None or entry.updated_at > at:
            return self.expired.get(key)
        return entry


async def to_instant(
    connection: Connection, documents: Sequence[DocumentKey], at: int, max_size: int
) -> list[Past | RequestError]:
    """The past of each document at an instant (milliseconds). Read it after the documents themselves.

    An item is an error where the document has changed too often since, its changes have more than `max_size`
    bytes, or some were pruned. Rows may be pruned meanwhile: windows are read first, so that whatever they
    lack is noticed by the second walk.
    """
    found: dict[DocumentKey, Past | RequestError] = {key: Past.nothing_changed() for key in documents}
    for statement in (_WINDOWS, _LATER):
        walk, counts = _Walk(connection, statement, at), dict.fromkeys(documents, 0)
        while rows := await walk.next(documents):
            for row in rows:
                key = row.document_key
                past = found.get(key)
                if not isinstance(past, Past):
                    continue
                counts[key] += 1
                past.size += len(row.changes)
                if statement is _LATER and row.is_baseline:
                    found[key] = _pruned(row)
                    walk.skip(key)
                elif counts[key] > MAX_CHANGES:
                    found[key] = _too_many_changes()
                    walk.skip(key)
                elif past.size > max_size:
                    found[key] = too_much_to_read(max_size)
                    walk.skip(key)
                elif statement is _LATER:
                    past.undo(row)
                else:
                    past.note_windows(row, at)
                if len(row.changes) > _BYTES_PER_TURN:
                    await asyncio.sleep(0)
    return [found[key] for key in documents]


async def to_revision(
    connection: Connection, document: DocumentKey, revision: int, count: Callable[[int], None]
) -> Past | None:
    """The past of a document after a revision; None where the history does not reach that revision.

    Revisions have no gaps, unless rows are pruned while they are read.

    `count` is called with the size of each change, before it is decoded. Raises what it raises.
    """
    walk, past, found = _Walk(connection, _FROM, 0, (*document, revision - 1)), Past.nothing_changed(), 0
    while rows := await walk.next([document]):
        found += len(rows)
        if found > MAX_CHANGES + 1:
            return None
        for expected, row in enumerate(rows, revision + found - len(rows)):
            if row.revision != expected or row.is_baseline:
                return None
            if row.revision > revision:
                count(len(row.changes))
                past.undo(row)
                if len(row.changes) > _BYTES_PER_TURN:
                    await asyncio.sleep(0)
    return past if found else None


def metadata_in_past(
    viewer: Viewer,
    document: MetadataDocument,
    content: Content,
    past: Past,
    keys: KeyRing,
    at: int,
    only: Sequence[str] | None = None,
) -> str:
    """The canonical text of the object at a past instant: what the viewer saw then and may still know of.

    Raises MalformedData.
    """
    if not document.existed_at(at):
        return "{}"
    visible = {}
    then = viewer._replace(now=at)
    for key in {*content, *past.recorded, *past.expired} if only is None else only:
        entry = past.entry(key, content, at)
        if entry is None or not then.sees(entry) or not viewer.may_know_past_of(content.get(key)):
            continue
        if entry.is_encrypted and entry.ciphertext is None:
            continue  # the history does not have its value
        visible[key] = orjson.Fragment(plain_text(viewer.access, key, entry, keys))
    return strict_json.dumps(visible)


class _Walk:
    """Reads the rows of histories in batches, because a few rows may be large."""

    def __init__(
        self, connection: Connection, statement: Statement, at: int, after: Position = _START
    ) -> None:
        self._connection = connection
        self._statement = statement
        self._at = at
        self._after = after
        self._size = _FIRST_BATCH

    async def next(self, documents: Sequence[DocumentKey]) -> list[ChangeRow]:
        after_user, after_platform, after_revision = self._after
        rows = rows_as(
            ChangeRow,
            await self._connection.fetch(
                self._statement,
                user_ids={user for user, _ in documents},
                platform_ids={platform for _, platform in documents},
                after_user=after_user,
                after_platform=after_platform,
                after_revision=after_revision,
                at=self._at,
                size=self._size,
            ),
        )
        if rows:
            self._after = (*rows[-1].document_key, rows[-1].revision)
            mean = sum(len(row.changes) for row in rows) // len(rows) + 1
            self._size = max(1, min(_BATCH, _BATCH_BYTES // mean))
        return rows

    def skip(self, document: DocumentKey) -> None:
        """Continue after a document, unless the walk has passed it already."""
        user_id, platform_id, _ = self._after
        if (user_id, platform_id) == document:
            self._after = (*document, _LAST_REVISION)


def _pruned(baseline: ChangeRow) -> BadUserInput:
    return BadUserInput(
        f"`asOf`: the history of the document reaches back to {rfc3339(baseline.changed_at)} only. "
        "Use a later instant."
    )


def _too_many_changes() -> BadUserInput:
    return BadUserInput(
        f"`asOf`: the document has changed more than {MAX_CHANGES} times since. Use a later instant."
    )
