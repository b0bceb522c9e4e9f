"""An entry is one key of a document with its value and attributes; `Content` holds the entries of one
document.

A row of `documents` keeps its entries in three JSON objects:

- `metadata`: the values that everybody who may read the document can see at any time, by key;
- `conditions`: the other values, by key: hidden ones, those with a validity window, encrypted ones. Each has
  the value (`text` or `ciphertext`) and what decides who sees it and when (`isPublic`, `validFrom`,
  `validUntil`);
- `attributes`: everything else about a key. Reads of values alone do not load this column.

An attribute that has its default is left out: public, editable, not encrypted, not indexed, no window.

A fourth column, `layout`, tells where the members of large objects are in their texts, so that one entry is
read without decoding the others: see `domain.documents.layout`.
"""

from collections.abc import Collection, Iterator, Mapping
from heapq import merge
from types import MappingProxyType
from typing import Any, NamedTuple

import orjson

from gql_service import strict_json
from gql_service.domain.documents import layout
from gql_service.domain.documents.layout import Layout, Members
from gql_service.domain.values.types import ValueType, type_of
from gql_service.domain.values.validation import InputPath
from gql_service.errors import Problem, Rejected

NEVER = 2**63
"""Later than every instant: the end of an entry without `validUntil`."""
TEXT_LIMITS = {"category": 100, "description": 500, "source": 100}
"""The longest text, in characters, of each attribute that is a text."""

_FLAGS = (
    ("isPublic", "is_public", True),
    ("isEditable", "is_editable", True),
    ("isIndexed", "is_indexed", False),
)
_OPTIONAL = (
    ("category", "category"),
    ("description", "description"),
    ("source", "source"),
    ("validFrom", "valid_from"),
    ("validUntil", "valid_until"),
)
_CONDITIONS = frozenset({"isPublic", "validFrom", "validUntil"})
"""The attributes that are kept in `conditions`."""
_BOUNDARIES = ("validFrom", "validUntil")
MAX_SLICED_READS = 100
"""Entries that are read from slices of the stored texts, before all are decoded at once."""
NO_LAYOUTS: Mapping[str, Layout] = MappingProxyType({})


class Entry(NamedTuple):
    """One key of a document. Instants are milliseconds since 1970.

    `text` is the canonical JSON text of the value, and None where only the ciphertext is at hand.
    """

    type: ValueType
    text: str | None
    ciphertext: str | None
    category: str | None
    description: str | None
    source: str | None
    is_indexed: bool
    is_public: bool
    is_editable: bool
    is_encrypted: bool
    valid_from: int | None
    valid_until: int | None
    created_at: int
    updated_at: int
    created_by: str | None
    updated_by: str | None

    def is_active(self, at: int) -> bool:
        """Whether the entry is valid at an instant, that is in [`valid_from`, `valid_until`)."""
        return (self.valid_from is None or self.valid_from <= at) and not self.has_expired(at)

    def has_expired(self, at: int) -> bool:
        return self.valid_until is not None and self.valid_until <= at

    @property
    def is_conditional(self) -> bool:
        """Whether the visible value depends on the viewer or on time."""
        has_window = self.valid_from is not None or self.valid_until is not None
        return has_window or self.is_encrypted or not self.is_public

    def same_content(self, other: "Entry") -> bool:
        """Whether two entries differ at most in who wrote them and when."""
        return self[:_AUTHORS] == other[:_AUTHORS]


_AUTHORS = Entry._fields.index("created_at")
"""Where the fields begin that say who wrote an entry and when."""


class Content:
    """The entries of one document. An entry is decoded when it is asked for, and only once."""

    def __init__(
        self,
        metadata: str,
        conditions: str | None,
        attributes: str,
        default_created_at: int,
        layouts: Mapping[str, Layout] = NO_LAYOUTS,
    ) -> None:
        """`default_created_at` is the creation time of keys that have no attributes. `layouts` are those of
        the columns, by name."""
        self._sliced_reads = MAX_SLICED_READS if layouts else -1
        if layouts:
            self._values: Members = layout.decode(metadata, layouts.get("metadata"))
            self._conditions: Members = layout.decode(conditions or "{}", layouts.get("conditions"))
            self._attributes: Members = layout.decode(attributes, layouts.get("attributes"))
        else:
            self._values = orjson.loads(metadata)
            self._conditions = orjson.loads(conditions or "{}")
            self._attributes = orjson.loads(attributes)
        self._default_created_at = default_created_at
        self._decoded: dict[str, Entry | None] = {}

    def __iter__(self) -> Iterator[str]:
        return iter(sorted([*layout.whole(self._values), *layout.whole(self._conditions)]))

    def keys_from(self, start: str | None, *, backwards: bool) -> Iterator[str]:
        """The keys in their order, from `start` (inclusive) on; `backwards` in the opposite order.

        What lies beyond the keys that are taken is not decoded.
        """
        columns = (self._values, self._conditions)
        found = [layout.keys_from(column, start, backwards=backwards) for column in columns if column]
        return merge(*found, reverse=backwards)

    def __len__(self) -> int:
        return len(self._values) + len(self._conditions)

    def __contains__(self, key: str) -> bool:
        return key in self._values or key in self._conditions

    def get(self, key: str) -> Entry | None:
        if key not in self._decoded:
            if self._sliced_reads >= 0:
                self._count_read()
            self._decoded[key] = self._decode(key)
        return self._decoded[key]

    def _count_read(self) -> None:
        self._sliced_reads -= 1
        if self._sliced_reads < 0:
            self._values = layout.whole(self._values)
            self._conditions = layout.whole(self._conditions)
            self._attributes = layout.whole(self._attributes)

    def in_category(self, category: str) -> list[str]:
        """The keys of the entries of a category. They are found without decoding the entries."""
        attributes = layout.whole(self._attributes)
        return [key for key, each in attributes.items() if each.get("category") == category]

    def _decode(self, key: str) -> Entry | None:
        attributes = self._attributes.get(key, {})
        if key in self._values:
            value = strict_json.canonical(strict_json.dumps(self._values[key]))
            return _decode(attributes, value, self._default_created_at)
        conditions = self._conditions.get(key)
        if conditions is None:
            return None
        text = conditions.get("text")
        text = None if text is None else strict_json.canonical(text)
        return _decode(attributes | conditions, text, self._default_created_at)

    @property
    def unconditional(self) -> dict[str, Any]:
        """A copy of the values that everybody can see at any time, by key."""
        return dict(layout.whole(self._values))

    @property
    def unconditional_count(self) -> int:
        """How many values everybody can see at any time."""
        return len(self._values)

    @property
    def conditional_keys(self) -> list[str]:
        """The keys of all other values."""
        return list(self.conditional)

    @property
    def conditional(self) -> Mapping[str, Mapping[str, Any]]:
        """What is stored of all other values in the column `conditions`, by key."""
        return layout.whole(self._conditions)

    def put(self, key: str, entry: Entry) -> None:
        self.remove(key)
        attributes = _encode(entry)
        self._attributes[key] = {name: value for name, value in attributes.items() if name not in _CONDITIONS}
        if not entry.is_conditional:
            self._values[key] = orjson.Fragment(entry.text or "null")
            return
        conditions = {name: value for name, value in attributes.items() if name in _CONDITIONS}
        if entry.is_encrypted:
            self._conditions[key] = conditions | {"ciphertext": entry.ciphertext}
        else:
            self._conditions[key] = conditions | {"text": entry.text}

    def remove(self, key: str) -> None:
        for column in (self._values, self._conditions, self._attributes, self._decoded):
            column.pop(key, None)

    def without(self, keys: Collection[str]) -> "Content":
        """A copy that has all other keys."""
        copy = Content("{}", None, "{}", self._default_created_at)
        for column in ("_values", "_conditions", "_attributes"):
            entries: dict[str, Any] = getattr(self, column)
            setattr(copy, column, {key: each for key, each in entries.items() if key not in keys})
        return copy

    def expire(self, now: int) -> list[str]:
        """Remove the entries that have expired; returns their keys."""
        expired_keys = [key for key, each in self.conditional.items() if each.get("validUntil", NEVER) <= now]
        for key in expired_keys:
            self.remove(key)
        return expired_keys

    def encode(self, revision: int) -> dict[str, Any]:
        """The columns, by name: the three canonical texts, and their layout at this revision."""
        metadata, of_metadata = layout.encode(self._values)
        conditions, of_conditions = layout.encode(self._conditions) if self._conditions else (None, None)
        attributes, of_attributes = layout.encode(self._attributes)
        stored = None
        if of_metadata or of_conditions or of_attributes:
            layouts = {"metadata": of_metadata, "conditions": of_conditions, "attributes": of_attributes}
            stored = layout.to_text(layouts, revision)
        return {
            "metadata": metadata,
            "conditions": conditions,
            "attributes": attributes,
            "layout": stored,
        }

    def anonymize(self, user_id: str) -> bool:
        """Remove this user as the author of entries; returns whether there were any."""
        written = {
            key: dict(attributes)
            for key, attributes in layout.whole(self._attributes).items()
            if user_id in (attributes.get("createdBy"), attributes.get("updatedBy"))
        }
        for key, attributes in written.items():
            anonymize(attributes, user_id)
            self._attributes[key] = attributes
        return bool(written)

    def recorded_attributes(self) -> dict[str, dict[str, Any]]:
        """What an export says about each key besides the values in `metadata`."""
        recorded: dict[str, dict[str, Any]] = {
            key: dict(each) for key, each in layout.whole(self._attributes).items()
        }
        for key, conditions in self.conditional.items():
            attributes = recorded.setdefault(key, {})
            attributes |= {name: value for name, value in conditions.items() if name != "text"}
            if "text" in conditions:
                attributes["value"] = orjson.loads(conditions["text"])
        return recorded

    def encrypted(self) -> list[str]:
        """The keys whose values are encrypted. Works without `metadata`."""
        return sorted(key for key, each in self.conditional.items() if "ciphertext" in each)

    @property
    def expires_at(self) -> int | None:
        """When the next entry expires, if one does."""
        ends = [each["validUntil"] for each in self.conditional.values() if "validUntil" in each]
        return min(ends, default=None)

    def next_boundary(self, now: int) -> int:
        """When the next entry begins or ends to be valid; `NEVER` if none does."""
        if not self._conditions:
            return NEVER
        instants = [
            each[name]
            for each in self.conditional.values()
            for name in _BOUNDARIES
            if each.get(name, 0) > now
        ]
        return min(instants, default=NEVER)

    def conditional_size(self, keys: Collection[str]) -> int:
        """The bytes that these keys and their values, which are outside `metadata`, would add to it."""
        size, conditional = 0, self.conditional
        for key in keys:
            each = conditional[key]
            value = each["text"] if "text" in each else strict_json.dumps(each["ciphertext"])
            size += len(strict_json.dumps(key).encode()) + len(value.encode()) + len(":,")
        return size


def to_history(entry: Entry) -> dict[str, Any]:
    """An entry as a row of the history keeps it: with its value, unless that is encrypted."""
    attributes = _encode(entry)
    if entry.is_encrypted:
        attributes["isEncrypted"] = True
    else:
        attributes["value"] = orjson.Fragment(entry.text or "null")
    return attributes


def from_history(recorded: Mapping[str, Any]) -> Entry:
    """The entry that a row of the history describes; without a value where it was encrypted."""
    text = strict_json.canonical(strict_json.dumps(recorded["value"])) if "value" in recorded else None
    entry = _decode(recorded, text, 0)
    return entry._replace(is_encrypted="isEncrypted" in recorded)


def written_at(recorded: Mapping[str, Any]) -> int:
    """When the entry that a row of the history describes was last written."""
    updated_at: int = recorded.get("updatedAt", recorded.get("createdAt", 0))
    return updated_at


def anonymize(attributes: dict[str, Any], user_id: str) -> None:
    """Remove this user as the author of one entry, in place."""
    if attributes.get("createdBy") == user_id:
        del attributes["createdBy"]
    if attributes.get("updatedBy") == user_id:
        attributes["updatedBy"] = None


def check_text(text: str | None, limit: int, path: InputPath) -> str | None:
    """A text that describes an entry; an empty one counts as none. Raises Rejected."""
    if text is not None and (len(text) > limit or "\0" in text):
        message = f"Use at most {limit} characters, without U+0000."
        raise Rejected(Problem.INVALID_VALUE, message, path)
    return text or None


def _encode(entry: Entry) -> dict[str, Any]:
    """The attributes of an entry that differ from their defaults."""
    attributes: dict[str, Any] = {"createdAt": entry.created_at}
    if entry.created_by is not None:
        attributes["createdBy"] = entry.created_by
    if entry.updated_at != entry.created_at or entry.updated_by != entry.created_by:
        attributes["updatedAt"] = entry.updated_at
        attributes["updatedBy"] = entry.updated_by
    if entry.text is None or entry.is_encrypted or type_of(entry.text) is not entry.type:
        attributes["type"] = entry.type.value
    for name, field in _OPTIONAL:
        if (value := getattr(entry, field)) is not None:
            attributes[name] = value
    for name, field, default in _FLAGS:
        if (flag := getattr(entry, field)) is not default:
            attributes[name] = flag
    return attributes


def _decode(attributes: Mapping[str, Any], text: str | None, default_created_at: int) -> Entry:
    get = attributes.get
    created_at, created_by = get("createdAt", default_created_at), get("createdBy")
    was_updated = "updatedAt" in attributes
    ciphertext = get("ciphertext")
    type_name = get("type")
    if type_name is None and text is None:
        type_name = ValueType.string.value  # attributes were not loaded
    return Entry(
        type=ValueType(type_name) if type_name else type_of(text or ""),
        text=text,
        ciphertext=ciphertext,
        category=get("category"),
        description=get("description"),
        source=get("source"),
        is_indexed=get("isIndexed", False),
        is_public=get("isPublic", True),
        is_editable=get("isEditable", True),
        is_encrypted=ciphertext is not None,
        valid_from=get("validFrom"),
        valid_until=get("validUntil"),
        created_at=created_at,
        updated_at=attributes["updatedAt"] if was_updated else created_at,
        created_by=created_by,
        updated_by=get("updatedBy") if was_updated else created_by,
    )
