"""Rewinding: what the entries of a document were, found by undoing what has changed since.

History does not know values that were encrypted, nor what was cleared: then it is unknown what was there.
"""

from collections.abc import Sequence, Set
from typing import NamedTuple

import orjson
from sqlalchemy import BigInteger, Text, bindparam, cast, select, tuple_

from gql_service import strict_json
from gql_service.auth.access import DocumentAccess
from gql_service.domain.documents.entries import Content, Entry, recalled
from gql_service.domain.documents.rows import Document, Key
from gql_service.domain.documents.visibility import plain_text, sees
from gql_service.domain.history.changes import Row, is_forgotten
from gql_service.domain.values.encryption import KeyRing
from gql_service.errors import BadUserInput
from gql_service.store.connection import Connection, rows_as
from gql_service.store.sql_functions import any_of
from gql_service.store.statement import Statement
from gql_service.store.tables import document_changes

MAX_CHANGES = 10_000
"""Changes of one document that are undone, or read to find what has expired."""
_BATCH = 200
_START, _LAST = ("", "", 0), 2**62

_KEY = document_changes.c.user_id, document_changes.c.platform_id, document_changes.c.revision
_ROWS = (
    select(*(document_changes.c[name] for name in Row._fields))
    .where(
        any_of(_KEY[0], "user_ids"),
        any_of(_KEY[1], "platform_ids"),
        tuple_(*_KEY)
        > tuple_(
            bindparam("after_user", type_=Text),
            bindparam("after_platform", type_=Text),
            bindparam("after_revision", type_=BigInteger),
        ),
    )
    .order_by(*_KEY)
    .limit(bindparam("size"))
)
_LATER = Statement(_ROWS.where(document_changes.c.changed_at > bindparam("at")), scans=True)
# Whoever ended a window early has stored it as the old one, so this finds every change of a window.
_WINDOWS = Statement(
    _ROWS.where(
        document_changes.c.changed_at <= bindparam("at"),
        cast(document_changes.c.changes, Text).contains('"validUntil"'),
    ),
    scans=True,
)
_FROM = Statement(_ROWS)


class Past(NamedTuple):
    """What was there once of the keys that have changed since."""

    entries: dict[str, Entry | None]
    """None where there was none. The value of an encrypted one is not known."""
    unknown: set[str]
    """Keys of which history knows nothing any more."""
    expired: dict[str, Entry]
    """Entries with an end that were there then; most were deleted only by their end."""

    @staticmethod
    def nothing_changed() -> "Past":
        return Past({}, set(), {})

    def undo(self, row: Row) -> None:
        """Undo a change; to be called for the oldest first, which is the last to be undone."""
        for key, change in orjson.loads(row.changes).items():
            if key not in self.entries and key not in self.unknown:
                if is_forgotten(change):
                    self.unknown.add(key)
                else:
                    self.entries[key] = recalled(change["old"]) if "old" in change else None

    def forget(self, keep: Set[str]) -> None:
        """Know nothing any more of all keys but these."""
        gone = self.entries.keys() - keep
        self.unknown.update(gone)
        for key in gone:
            del self.entries[key]

    def note_windows(self, row: Row, at: int) -> None:
        """Learn of entries that may have expired since; to be called for the oldest first."""
        for key, change in orjson.loads(row.changes).items():
            self.expired.pop(key, None)
            if "new" in change:
                entry = recalled(change["new"])
                if entry.valid_until is not None and entry.valid_until > at:
                    self.expired[key] = entry

    def entry(self, key: str, content: Content, at: int) -> Entry | None:
        """What a key was at an instant, given what it is now; None also where that is not known."""
        if key in self.unknown:
            return None
        if key in self.entries:
            return self.entries[key] or self.expired.get(key)
        entry = content.get(key)
        if entry is None or entry.updated_at > at:
            return self.expired.get(key)
        return entry


async def to_instant(connection: Connection, documents: Sequence[Key], at: int) -> list[Past | BadUserInput]:
    """What was there at an instant, to be read after the documents themselves.

    What is to be told is BadUserInput where a document has changed too often since.
    """
    found: dict[Key, Past | BadUserInput] = {key: Past.nothing_changed() for key in documents}
    for statement in (_LATER, _WINDOWS):
        walk, counts = _Walk(connection, statement, at), dict.fromkeys(documents, 0)
        while rows := await walk.next(documents):
            for row in rows:
                past = found.get(row[:2])
                if not isinstance(past, Past):
                    continue
                counts[row[:2]] += 1
                if counts[row[:2]] > MAX_CHANGES:
                    found[row[:2]] = _too_far()
                    walk.skip(row[:2])
                elif statement is _LATER:
                    past.undo(row)
                else:
                    past.note_windows(row, at)
    return [found[key] for key in documents]


async def to_revision(connection: Connection, document: Key, revision: int) -> Past | None:
    """What was there after a revision; None where history does not know of that revision any more, or does
    not reach it."""
    walk, past, count = _Walk(connection, _FROM, 0, (*document, revision - 1)), Past.nothing_changed(), 0
    while rows := await walk.next([document]):
        count += len(rows)
        if count > MAX_CHANGES + 1 or (count == len(rows) and rows[0].revision != revision):
            return None
        for row in rows:
            if row.revision > revision:
                past.undo(row)
    return past if count else None


class _Walk:
    """Changes read a batch at a time: a few of them may be large."""

    def __init__(
        self, connection: Connection, statement: Statement, at: int, after: tuple[str, str, int] = _START
    ) -> None:
        self._connection = connection
        self._statement = statement
        self._at = at
        self._after = after

    async def next(self, documents: Sequence[Key]) -> list[Row]:
        user, platform, revision = self._after
        rows = rows_as(
            Row,
            await self._connection.fetch(
                self._statement,
                user_ids={user for user, _ in documents},
                platform_ids={platform for _, platform in documents},
                after_user=user,
                after_platform=platform,
                after_revision=revision,
                at=self._at,
                size=_BATCH,
            ),
        )
        if rows:
            self._after = rows[-1][:3]
        return rows

    def skip(self, document: Key) -> None:
        """Go on behind a document, unless the walk is beyond it already."""
        if self._after[:2] == document:
            self._after = (*document, _LAST)


def _too_far() -> BadUserInput:
    return BadUserInput(
        f"`asOf`: the document has changed more than {MAX_CHANGES} times since; ask for a later instant."
    )


def projection(
    access: DocumentAccess,
    document: Document,
    past: Past,
    keys: KeyRing,
    at: int,
    now: int,
    only: Sequence[str] | None = None,
) -> str:
    """The canonical text of the object at a past instant: a user sees what they were to see then, and may
    see still. Raises MalformedData."""
    if document.created_at is None or document.created_at > at:
        return "{}"
    content, shown = document.content(), {}
    for key in {*content, *past.entries, *past.expired} if only is None else only:
        entry, current = past.entry(key, content, at), content.get(key)
        if entry is None or not entry.is_active(at) or not sees(access, entry):
            continue
        if is_hidden(access, current, now) or (entry.is_encrypted and entry.ciphertext is None):
            continue
        shown[key] = orjson.Fragment(plain_text(access, key, entry, keys))
    return strict_json.dumps(shown)


def is_hidden(access: DocumentAccess, current: Entry | None, now: int) -> bool:
    """Whether there is an entry that the viewer may not know of, so that its past is not for them either."""
    if current is None or access.is_admin or current.has_expired(now):
        return False
    return not (current.is_public and current.is_active(now))
