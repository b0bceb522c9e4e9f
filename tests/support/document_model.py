"""A model of a document in plain dictionaries: the same rules, without a database or an API."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

Entry = dict[str, Any]
"""An entry: its type, `text` (canonical JSON), flags, window, authors and times."""
EntryInput = Mapping[str, Any]

TEXTUAL = ("string", "date", "binary")
CANONICAL: dict[str, dict[str, str]] = {
    # The canonical form of each text, by the types for which it is valid. Every text is a valid string.
    "a": {},
    "1": {"number": "1", "json": "1"},
    "1.0": {"number": "1", "json": "1"},
    "true": {"boolean": "true", "json": "true", "binary": '"true"'},
    "AA==": {"binary": '"AA=="'},
    "2024-03-01": {"date": '"2024-03-01"'},
    "2024-03-01T10:00:00.50+02:00": {"date": '"2024-03-01T08:00:00.5Z"'},
    '{"b": 1, "a": []}': {"json": '{"a":[],"b":1}'},
}


class Change(NamedTuple):
    """The change of a key by a write, and whether the history still has it."""

    old: Entry | None
    new: Entry | None
    is_remembered: bool = True


class Refused(Exception):
    """A write that changes nothing."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def canonical(value: Any) -> str:
    """The canonical JSON text of a value."""
    value = json.loads(json.dumps(value), parse_float=_number)
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _number(text: str) -> int | float:
    """Equal numbers are one value."""
    return int(float(text)) if float(text).is_integer() else float(text)


def type_of(text: str) -> str:
    """The type of a value without an explicit type."""
    return {"str": "string", "bool": "boolean", "int": "number", "float": "number"}.get(
        type(json.loads(text)).__name__, "json"
    )


class DocumentModel:
    """One document of a user, with its history."""

    def __init__(self, now: int, user: str, admin: str) -> None:
        self.now = now
        self.revision = 0
        self.created_at: int | None = None
        self.updated_at: int | None = None
        self.entries: dict[str, Entry] = {}
        self.history: dict[int, dict[str, Change]] = {}
        """The changes by the revision that they resulted in."""
        self._names = {False: user, True: admin}
        self._last_end = now
        """When the last of the removed entries expired."""

    @property
    def written_at(self) -> int:
        """The instant that a write gets: the time of a document never goes back."""
        return max(self.now, self.updated_at or 0)

    def wait(self, milliseconds: int) -> None:
        """Advance the time, and remove the entries that have expired."""
        self.now += milliseconds
        ends = [entry["validUntil"] for entry in self.entries.values() if not self._unexpired(entry)]
        self._last_end = max([self._last_end, *ends])
        self.entries = {key: entry for key, entry in self.entries.items() if self._unexpired(entry)}

    def set_back(self, milliseconds: int) -> None:
        """Set the clock back, but not so far that a removed entry would become valid again."""
        self.now = min(self.now, max(self.now - milliseconds, self._last_end))

    def visible(self, admin: bool, *, inactive: bool = False) -> dict[str, Entry]:
        """The entries that a viewer sees now, in the order of their keys."""
        return {
            key: entry
            for key, entry in sorted(self.entries.items())
            if self._is_visible(entry, admin) and (self._started(entry) or (inactive and admin))
        }

    def patch(self, admin: bool, metadata: Mapping[str, Any], delete: Iterable[str]) -> list[str]:
        """Returns the deleted keys. Raises Refused."""
        draft = _Draft(self, admin)
        for key in delete:
            draft.delete(key)
        for key, value in metadata.items():
            draft.set_value(key, canonical(value))
        return draft.commit(delete)

    def replace(self, admin: bool, metadata: Mapping[str, Any]) -> None:
        draft = _Draft(self, admin)
        draft.keep_only(metadata)
        for key, value in metadata.items():
            draft.set_value(key, canonical(value))
        draft.commit(())

    def clear(self, admin: bool) -> None:
        before = self.revision
        self.replace(admin, {})
        if not self.entries:
            self.history = {each: changes for each, changes in self.history.items() if each > before}
        for changes in self.history.values():
            self._forget(changes, changes.keys() - self.entries.keys())

    def restore(self, revision: int) -> list[str]:
        """By an admin. Returns the keys that stay as they are. Raises Refused."""
        if revision not in self.history:
            raise Refused("UNKNOWN_REVISION")
        undone: dict[str, Change] = {}
        for each in sorted(self.history):
            if each > revision:
                undone = self.history[each] | undone
        draft = _Draft(self, admin=True)
        skipped = [key for key, change in sorted(undone.items()) if not draft.undo(key, change)]
        draft.commit(())
        return skipped

    def set(self, admin: bool, entries: Iterable[EntryInput], delete: Iterable[str]) -> list[str]:
        """Returns the deleted keys. Raises Refused."""
        draft = _Draft(self, admin)
        for key in delete:
            draft.delete(key)
        for entry in entries:
            draft.set_entry(entry)
        return draft.commit(delete)

    def record(self, changes: dict[str, Change]) -> None:
        """Add a write to the history, and remove the past values of keys that it encrypted."""
        self.history[self.revision] = changes
        concealed = {
            key
            for key, (old, new, _) in changes.items()
            if old and new and new["isEncrypted"] and not old["isEncrypted"]
        }
        for each in self.history.values():
            self._forget(each, concealed & each.keys())

    def author(self, admin: bool) -> str:
        """The username of the writer."""
        return self._names[admin]

    def _forget(self, changes: dict[str, Change], keys: Iterable[str]) -> None:
        changes.update({key: changes[key]._replace(is_remembered=False) for key in keys})

    def _is_visible(self, entry: Entry, admin: bool) -> bool:
        return admin or (entry["isPublic"] and self._started(entry))

    def _started(self, entry: Entry) -> bool:
        return entry["validFrom"] is None or entry["validFrom"] <= self.now

    def _unexpired(self, entry: Entry) -> bool:
        return entry["validUntil"] is None or self.now < entry["validUntil"]


class _Draft:
    """A write, which has no effect before `commit`."""

    def __init__(self, model: DocumentModel, admin: bool) -> None:
        self.model, self.admin = model, admin
        self.entries = dict(model.entries)
        self.written: set[str] = set()

    def unexpired(self, key: str) -> Entry | None:
        entry = self.entries.get(key)
        return entry if entry and self.model._unexpired(entry) else None

    def sees(self, entry: Entry | None) -> bool:
        return entry is not None and self.model._is_visible(entry, self.admin)

    def require_editable(self, key: str) -> None:
        entry = self.unexpired(key)
        if entry and not entry["isEditable"] and not self.admin:
            raise Refused("KEY_NOT_EDITABLE")

    def delete(self, key: str) -> None:
        entry = self.unexpired(key)
        if entry and not self.sees(entry):
            return  # what is hidden is as if it were absent
        self.require_editable(key)
        self.entries.pop(key, None)

    def keep_only(self, keys: Mapping[str, Any]) -> None:
        for key, entry in list(self.entries.items()):
            if key not in keys and (self.admin or (entry["isEditable"] and self.sees(entry))):
                del self.entries[key]

    def undo(self, key: str, change: Change) -> bool:
        """Restore a key to its state before a change; returns whether the history has that state."""
        old = change.old
        if not change.is_remembered:
            return False
        if old is None or not self.model._unexpired(old):
            self.entries.pop(key, None)
        elif old["isEncrypted"]:
            return False
        else:
            self.store(
                key, old | {"updatedAt": self.model.written_at, "updatedBy": self.model.author(self.admin)}
            )
        return True

    def set_value(self, key: str, text: str) -> None:
        current, type_ = self.unexpired(key), type_of(text)
        if current and self.sees(current) and current["text"] == text:
            if not self.admin and not current["isEditable"]:
                return
            type_ = current["type"]
        self.require_editable(key)
        entry = current or self.new_entry(public=True, editable=True)
        self.store(key, entry | {"type": type_, "text": text, "validFrom": None, "validUntil": None})

    def set_entry(self, input: EntryInput) -> None:
        key = input["metadataKey"]
        binds = input.get("isPublic") is False or input.get("isEditable") is False or "isEncrypted" in input
        if binds and not self.admin:
            raise Refused("NOT_ALLOWED")
        self.require_editable(key)
        current = self.unexpired(key)
        visible = current if self.sees(current) else None
        other_names = set(input) - {"metadataKey", "metadataValue", "valueType"}
        if current and not visible and (other_names or input.get("metadataValue") is None):
            raise Refused("KEY_NOT_EDITABLE")
        type_ = input.get("valueType") or (visible["type"] if visible else "string")
        value = input.get("metadataValue")
        if value is not None:
            text = canonical(value) if type_ == "string" else CANONICAL[value].get(type_)
        else:
            text = visible["text"] if visible and "metadataValue" not in input else None
            if text is not None and visible and type_ not in (visible["type"], "json"):
                text = self.converted(visible, type_)
        if text is None:
            raise Refused("INVALID_VALUE")
        entry = dict(current or self.new_entry(public=not self.admin, editable=not self.admin))
        changed_names = other_names if self.admin else other_names - {"isPublic", "isEditable"}
        entry |= {"type": type_, "text": text} | {name: input[name] for name in changed_names}
        if entry["validFrom"] and entry["validUntil"] and entry["validFrom"] >= entry["validUntil"]:
            raise Refused("INVALID_VALIDITY")
        self.store(key, entry)

    def converted(self, entry: Entry, type_: str) -> str | None:
        """The text of a value as another type; None if it is not valid for that type."""
        value = json.loads(entry["text"])
        if type_ in TEXTUAL:
            if not isinstance(value, str):
                return None
            return canonical(value) if type_ == "string" else CANONICAL.get(value, {}).get(type_)
        return str(entry["text"]) if type_of(entry["text"]) == type_ else None

    def new_entry(self, *, public: bool, editable: bool) -> Entry:
        now, name = self.model.written_at, self.model.author(self.admin)
        return {
            "category": None, "isPublic": public, "isEditable": editable, "isEncrypted": False,
            "validFrom": None, "validUntil": None,
            "createdAt": now, "updatedAt": now, "createdBy": name, "updatedBy": name,
        }  # fmt: skip

    def store(self, key: str, entry: Entry) -> None:
        self.entries[key] = entry
        self.written.add(key)

    def commit(self, deleting: Iterable[str]) -> list[str]:
        """Returns the deleted keys among `deleting` that the writer saw."""
        model, now = self.model, self.model.written_at
        before, changes, deleted = model.entries, {}, []
        for key in sorted(before.keys() | self.written):
            old, new = before.get(key), self.entries.get(key)
            if old and new:
                if _without_audit(old) == _without_audit(new) and (self.sees(old) or key not in self.written):
                    self.entries[key] = old
                    continue
                self.entries[key] = new | {"updatedAt": now, "updatedBy": model.author(self.admin)}
            elif old and key in deleting and self.sees(old):
                deleted.append(key)
            changes[key] = Change(old, self.entries.get(key))
        if changes:
            model.entries = self.entries
            model.revision += 1
            model.created_at = model.created_at or now
            model.updated_at = now
            model.record(changes)
            model.wait(0)
        return deleted


def _without_audit(entry: Entry) -> Entry:
    """An entry without its authors and times."""
    return {name: value for name, value in entry.items() if name[:7] not in ("created", "updated")}
