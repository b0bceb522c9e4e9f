"""What the history of a document shows to a viewer.

Users see of a change what they could see of the entries themselves: nothing of an entry that is hidden from
them now, and of past entries only those that they saw while these were stored.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import orjson

from gql_service.domain.documents.entries import Content, Entry, from_history, written_at
from gql_service.domain.documents.visibility import Viewer
from gql_service.domain.history.changes import ChangeRow, has_no_values
from gql_service.domain.values.types import ValueType


class VisibleEntry:
    """A past entry, under the names of its GraphQL fields. It is decoded when a field is read."""

    def __init__(self, recorded: Mapping[str, Any]) -> None:
        self._recorded = recorded

    @cached_property
    def _entry(self) -> Entry:
        return from_history(self._recorded)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._entry, name)

    @property
    def value(self) -> str | None:
        """The canonical JSON text; None where it was encrypted."""
        return self._entry.text

    @property
    def value_type(self) -> ValueType:
        return self._entry.type


class VisibleKeyChange(NamedTuple):
    """How a write changed one key. A side is None where there was no entry that the viewer may know of."""

    key: str
    old: VisibleEntry | None
    new: VisibleEntry | None


class VisibleChange(NamedTuple):
    """One write, under the names of its GraphQL fields."""

    revision: int
    changed_at: int
    source: str
    actor_id: str | None
    changed_keys: Sequence[str]
    deleted_keys: Sequence[str]
    entries: Sequence[VisibleKeyChange]
    """Without the keys of which the history has only the names."""
    is_visible: bool
    """Whether the viewer may know of the change: users only if they made it or see a part of it."""


def visible_change(viewer: Viewer, row: ChangeRow, content: Content) -> VisibleChange:
    """A change as the viewer may know it, given the present content of the document."""
    changed_keys: list[str] = []
    deleted_keys: list[str] = []
    entries = []
    is_admin = viewer.access.is_admin
    for key, change in sorted(orjson.loads(row.changes).items()):
        # Admins may know everything, whatever the entry is now.
        entry = _visible_key_change(viewer, row, key, change, None if is_admin else content.get(key))
        if entry is not None:
            entries.append(entry)
            (deleted_keys if entry.new is None else changed_keys).append(key)
        elif is_admin:
            (deleted_keys if "deleted" in change else changed_keys).append(key)
    return VisibleChange(
        row.revision,
        row.changed_at,
        row.source,
        row.actor_id,
        changed_keys,
        deleted_keys,
        entries,
        is_visible=is_admin or bool(entries) or row.actor_id == viewer.access.actor_id,
    )


def _visible_key_change(
    viewer: Viewer, row: ChangeRow, key: str, change: Mapping[str, Any], current: Entry | None
) -> VisibleKeyChange | None:
    if has_no_values(change) or not viewer.may_know_past_of(current):
        return None
    old, new = change.get("old"), change.get("new")
    if old is not None and not viewer.saw_recorded(old, written_at(old), row.changed_at - 1):
        old = None
    if new is not None and not viewer.saw_recorded(new, row.changed_at, _stored_until(viewer, row, current)):
        new = None
    if old is None and new is None:
        return None
    return VisibleKeyChange(
        key,
        None if old is None else VisibleEntry(old),
        None if new is None else VisibleEntry(new),
    )


def _stored_until(viewer: Viewer, row: ChangeRow, current: Entry | None) -> int:
    """The last instant at which an entry that a change wrote is known to have been stored."""
    is_current = current is not None and not current.has_expired(viewer.now)
    if is_current and current is not None and current.updated_at == row.changed_at:
        return viewer.now
    return row.changed_at
