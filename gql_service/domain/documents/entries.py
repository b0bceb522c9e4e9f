"""Entries: one key of a document with all that is known about it, and how a document's row keeps them.

A row has three JSON objects. `metadata` holds the values that everybody who may read the document may always
see; `conditions`, if there are any, the values that are hidden, windowed or encrypted, with what decides who
sees them when; `attributes` all else about each key, which reads of values do without. What is not said about
a key is what a key is that was written as part of an object: public, editable, plain, without a window.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import orjson

from gql_service import strict_json
from gql_service.domain.values.types import ValueType, type_of
from gql_service.domain.values.validation import InputPath
from gql_service.errors import Problem, Rejected

_FLAGS = (("isPublic", 7, True), ("isEditable", 8, True), ("isIndexed", 6, False))
_TEXTS = (("category", 3), ("description", 4), ("source", 5))
_WINDOW = (("validFrom", 10), ("validUntil", 11))
_CONDITIONS = frozenset({"isPublic", "validFrom", "validUntil"})
"""What only conditional entries have."""
_NEVER = 2**63


class Entry(NamedTuple):
    """One key. `text` is the canonical JSON text of the value; None where only the ciphertext is at hand."""

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
        """Whether the entry is valid at an instant: from `valid_from` on, and before `valid_until`."""
        return (self.valid_from is None or self.valid_from <= at) and not self.has_expired(at)

    def has_expired(self, at: int) -> bool:
        return self.valid_until is not None and self.valid_until <= at

    @property
    def is_conditional(self) -> bool:
        """Whether it depends on the viewer or on time what is to be seen of the value."""
        windowed = self.valid_from is not None or self.valid_until is not None
        return windowed or self.is_encrypted or not self.is_public


def to_history(entry: Entry) -> dict[str, Any]:
    """An entry as history tells it: with its value, unless that is encrypted."""
    attributes = _encode(entry)
    if entry.is_encrypted:
        attributes["isEncrypted"] = True
    else:
        attributes["value"] = orjson.Fragment(entry.text or "null")
    return attributes


def visible_entries(conditions: str, at: int, *, hidden_too: bool) -> Iterator[tuple[str, str | None, str]]:
    """Of the values that are not always there for everybody, those that are now: the key, the canonical text
    or None where it is encrypted, and the ciphertext."""
    for key, said in orjson.loads(conditions).items():
        get = said.get
        if (hidden_too or get("isPublic", True)) and get("validFrom", at) <= at < get("validUntil", _NEVER):
            yield key, get("text"), get("ciphertext", "")


def from_history(told: Mapping[str, Any]) -> Entry:
    """The entry that history tells of; of an encrypted one, without its value."""
    entry = _decode(told, strict_json.dumps(told["value"]) if "value" in told else None, 0)
    return entry._replace(is_encrypted="isEncrypted" in told)


def anonymized(entries: str, user_id: str) -> str:
    """What is said about entries, by their keys, without that it was this user who wrote them."""
    said: dict[str, dict[str, Any]] = orjson.loads(entries)
    for attributes in said.values():
        anonymize(attributes, user_id)
    return strict_json.dumps(said)


def anonymize(attributes: dict[str, Any], user_id: str) -> None:
    """The same for what is said about one entry."""
    if attributes.get("createdBy") == user_id:
        del attributes["createdBy"]
    if attributes.get("updatedBy") == user_id:
        attributes["updatedBy"] = None


class Content:
    """The keys of one document; an entry is decoded when it is asked for."""

    def __init__(self, metadata: str, conditions: str | None, attributes: str, born: int) -> None:
        """`born` is when a key without attributes was created."""
        self._values: dict[str, Any] = orjson.loads(metadata)
        self._conditions: dict[str, dict[str, Any]] = orjson.loads(conditions or "{}")
        self._attributes: dict[str, dict[str, Any]] = orjson.loads(attributes)
        self._born = born

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._values.keys() | self._conditions.keys()))

    def __len__(self) -> int:
        return len(self._values) + len(self._conditions)

    def get(self, key: str) -> Entry | None:
        attributes = self._attributes.get(key, {})
        if key in self._values:
            return _decode(attributes, strict_json.dumps(self._values[key]), self._born)
        conditions = self._conditions.get(key)
        if conditions is None:
            return None
        return _decode(attributes | conditions, conditions.get("text"), self._born)

    @property
    def unconditional(self) -> dict[str, Any]:
        """The values that everybody may always see, by their keys: a copy."""
        return dict(self._values)

    @property
    def conditional_keys(self) -> list[str]:
        """The keys of all other values."""
        return list(self._conditions)

    def put(self, key: str, entry: Entry) -> None:
        self.remove(key)
        said = _encode(entry)
        self._attributes[key] = {name: value for name, value in said.items() if name not in _CONDITIONS}
        if not entry.is_conditional:
            self._values[key] = orjson.Fragment(entry.text or "null")
            return
        conditions = {name: value for name, value in said.items() if name in _CONDITIONS}
        if entry.is_encrypted:
            self._conditions[key] = conditions | {"ciphertext": entry.ciphertext}
        else:
            self._conditions[key] = conditions | {"text": entry.text}

    def remove(self, key: str) -> None:
        for part in (self._values, self._conditions, self._attributes):
            part.pop(key, None)

    def expire(self, now: int) -> list[str]:
        """Remove what has expired; returns its keys."""
        gone = [key for key, each in self._conditions.items() if each.get("validUntil", _NEVER) <= now]
        for key in gone:
            self.remove(key)
        return gone

    def encode(self) -> dict[str, Any]:
        """The canonical texts, by the columns of a row that keep them."""
        return {
            "metadata": strict_json.dumps(self._values),
            "conditions": strict_json.dumps(self._conditions) if self._conditions else None,
            "attributes": strict_json.dumps(self._attributes),
        }

    def recorded_attributes(self) -> dict[str, dict[str, Any]]:
        """What there is to be said of each key besides the values in `metadata`."""
        told: dict[str, dict[str, Any]] = {key: dict(said) for key, said in self._attributes.items()}
        for key, conditions in self._conditions.items():
            said = told.setdefault(key, {})
            said |= {name: value for name, value in conditions.items() if name != "text"}
            if "text" in conditions:
                said["value"] = orjson.loads(conditions["text"])
        return told

    def encrypted(self) -> list[str]:
        """The keys whose values are encrypted; `metadata` is not needed to tell."""
        return sorted(key for key, each in self._conditions.items() if "ciphertext" in each)

    @property
    def expires_at(self) -> int | None:
        """When the first entry expires, if one does."""
        ends = [each["validUntil"] for each in self._conditions.values() if "validUntil" in each]
        return min(ends, default=None)

    def hidden_size(self) -> int:
        """Bytes of the keys and values that are not in `metadata`, as it would have them."""
        size = 0
        for key, each in self._conditions.items():
            value = each["text"] if "text" in each else strict_json.dumps(each["ciphertext"])
            size += len(strict_json.dumps(key).encode()) + len(value.encode()) + len(":,")
        return size


def _encode(entry: Entry) -> dict[str, Any]:
    """What is to be said about a key, without its value."""
    attributes: dict[str, Any] = {"createdAt": entry.created_at}
    if entry.created_by is not None:
        attributes["createdBy"] = entry.created_by
    if entry.updated_at != entry.created_at or entry.updated_by != entry.created_by:
        attributes["updatedAt"] = entry.updated_at
        attributes["updatedBy"] = entry.updated_by
    if entry.text is None or entry.is_encrypted or type_of(entry.text) is not entry.type:
        attributes["type"] = entry.type.value
    for name, index in (*_TEXTS, *_WINDOW):
        if entry[index] is not None:
            attributes[name] = entry[index]
    for name, index, default in _FLAGS:
        if entry[index] is not default:
            attributes[name] = entry[index]
    return attributes


def _decode(attributes: Mapping[str, Any], text: str | None, born: int) -> Entry:
    get = attributes.get
    created_at, created_by = get("createdAt", born), get("createdBy")
    changed = "updatedAt" in attributes
    ciphertext = get("ciphertext")
    given_type = get("type")
    return Entry(
        type=ValueType(given_type) if given_type or text is None else type_of(text),
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
        updated_at=attributes["updatedAt"] if changed else created_at,
        created_by=created_by,
        updated_by=get("updatedBy") if changed else created_by,
    )


TEXT_LIMITS = {"category": 100, "description": 500, "source": 100}
"""Characters of each text that may be said about an entry."""


def check_text(text: str | None, longest: int, field: InputPath) -> str | None:
    """A text that says something about an entry; an empty one says nothing. Raises Rejected."""
    if text is not None and (len(text) > longest or "\0" in text):
        message = f"At most {longest} characters are allowed, without U+0000."
        raise Rejected(Problem.INVALID_VALUE, message, field)
    return text or None
