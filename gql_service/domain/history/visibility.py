"""Telling: what the history of a document says to a viewer.

Users are told of an entry what they saw of it: nothing of one that is hidden from them now, and of the past
neither what was hidden then, nor what was replaced or removed before it became valid.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson

from gql_service.auth.access import DocumentAccess
from gql_service.domain.documents.entries import Content, Entry, from_history
from gql_service.domain.history.changes import ChangeRow, is_forgotten
from gql_service.domain.history.point_in_time import is_hidden
from gql_service.domain.values.types import ValueType


class VisibleEntry(NamedTuple):
    """An entry as it was once, under the names of its fields."""

    value: str | None
    """The canonical JSON text; None where it was encrypted."""
    value_type: ValueType
    category: str | None
    description: str | None
    source: str | None
    is_encrypted: bool
    is_indexed: bool
    is_public: bool
    is_editable: bool
    valid_from: int | None
    valid_until: int | None

    @staticmethod
    def of(entry: Entry) -> "VisibleEntry":
        visible_change = (getattr(entry, name) for name in VisibleEntry._fields[2:])
        return VisibleEntry(entry.text, entry.type, *visible_change)


class VisibleKeyChange(NamedTuple):
    """How a write changed one key; None stands for no entry, or for none that the viewer may know of."""

    key: str
    old: VisibleEntry | None
    new: VisibleEntry | None


class VisibleChange(NamedTuple):
    """A write that changed something, under the names of its fields."""

    revision: int
    changed_at: int
    source: str
    actor_id: str | None
    changed_keys: Sequence[str]
    deleted_keys: Sequence[str]
    entries: Sequence[VisibleKeyChange]
    """Without those of which history knows no more than their keys."""


def visible_change(access: DocumentAccess, row: ChangeRow, content: Content, now: int) -> VisibleChange:
    """A change as the viewer may know it, given what the document is now."""
    changed: list[str] = []
    deleted: list[str] = []
    entries = []
    for key, change in sorted(orjson.loads(row.changes).items()):
        entry = _entry(access, row, key, change, content.get(key), now)
        if entry is not None:
            entries.append(entry)
            (deleted if entry.new is None else changed).append(key)
        elif access.is_admin:
            (deleted if "deleted" in change else changed).append(key)
    return VisibleChange(row.revision, row.changed_at, row.source, row.actor_id, changed, deleted, entries)


def _entry(
    access: DocumentAccess, row: ChangeRow, key: str, change: Any, current: Entry | None, now: int
) -> VisibleKeyChange | None:
    if is_forgotten(change) or is_hidden(access, current, now):
        return None
    old = from_history(change["old"]) if "old" in change else None
    new = from_history(change["new"]) if "new" in change else None
    if not access.is_admin:
        lasts = current is not None and not current.has_expired(now) and current.updated_at == row.changed_at
        old = old if _was_seen(old, row.changed_at - 1) else None
        new = new if _was_seen(new, now if lasts else row.changed_at) else None
    if old is None and new is None:
        return None
    return VisibleKeyChange(key, old and VisibleEntry.of(old), new and VisibleEntry.of(new))


def _was_seen(entry: Entry | None, until: int) -> bool:
    """Whether a user saw an entry that was there until an instant, and at it."""
    return entry is not None and entry.is_public and (entry.valid_from is None or entry.valid_from <= until)
