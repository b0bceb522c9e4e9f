"""Entries: one key of a document with all that is known about it, and how a document's row keeps them.

A row has two JSON objects. `metadata` holds the values that everybody who may read the document may always
see. `attributes` holds all else about each key, and the value itself where it is hidden, windowed or
encrypted: a document with such a value is conditional. What is not said about a key is what a key is that was
written as part of an object: public, editable, plain, without a window.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import orjson

from gql_service import strict_json
from gql_service.domain.value_types import ValueType, type_of

_FLAGS = (("isPublic", 7, True), ("isEditable", 8, True), ("isIndexed", 6, False))
_TEXTS = (("category", 3), ("description", 4), ("source", 5))
_WINDOW = (("validFrom", 10), ("validUntil", 11))


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


def described(entry: Entry) -> dict[str, Any]:
    """An entry as history tells it: with its value, unless that is encrypted."""
    attributes = _encode(entry)
    if entry.is_encrypted:
        attributes["isEncrypted"] = True
    else:
        attributes["value"] = orjson.Fragment(entry.text or "null")
    return attributes


class Content:
    """The keys of one document; an entry is decoded when it is asked for."""

    def __init__(self, metadata: str, attributes: str, born: int) -> None:
        """`born` is when a key without attributes was created."""
        self._values: dict[str, Any] = orjson.loads(metadata)
        self._attributes: dict[str, dict[str, Any]] = orjson.loads(attributes)
        self._born = born

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._values.keys() | self._attributes.keys()))

    def __len__(self) -> int:
        return len(self._values.keys() | self._attributes.keys())

    def get(self, key: str) -> Entry | None:
        attributes = self._attributes.get(key)
        if key in self._values:
            return _decode(attributes or {}, strict_json.dumps(self._values[key]), self._born)
        if attributes is None:
            return None
        text = strict_json.dumps(attributes["value"]) if "value" in attributes else None
        return _decode(attributes, text, self._born)

    @property
    def unconditional(self) -> dict[str, Any]:
        """The values that everybody may always see, by their keys: a copy."""
        return dict(self._values)

    @property
    def conditional_keys(self) -> list[str]:
        """The keys of all other values."""
        return [key for key, each in self._attributes.items() if "value" in each or "ciphertext" in each]

    def put(self, key: str, entry: Entry) -> None:
        self.remove(key)
        attributes = _encode(entry)
        if entry.is_conditional:
            if entry.is_encrypted:
                attributes["ciphertext"] = entry.ciphertext
            else:
                attributes["value"] = orjson.Fragment(entry.text or "null")
        else:
            self._values[key] = orjson.Fragment(entry.text or "null")
        self._attributes[key] = attributes

    def remove(self, key: str) -> None:
        self._values.pop(key, None)
        self._attributes.pop(key, None)

    def encode(self) -> tuple[str, str]:
        """The two canonical texts, `metadata` and `attributes`."""
        return strict_json.dumps(self._values), strict_json.dumps(self._attributes)

    def hidden_size(self) -> int:
        """Bytes of the keys and values that are not in `metadata`, as it would have them."""
        return sum(
            len(strict_json.dumps({key: each.get("value", each.get("ciphertext"))}).encode()) - 1
            for key, each in self._attributes.items()
            if "value" in each or "ciphertext" in each
        )

    @property
    def is_conditional(self) -> bool:
        return any("value" in each or "ciphertext" in each for each in self._attributes.values())

    @property
    def expires_at(self) -> int | None:
        """When the first entry expires, if one does."""
        return min(
            (each["validUntil"] for each in self._attributes.values() if "validUntil" in each), default=None
        )


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


def _decode(attributes: dict[str, Any], text: str | None, born: int) -> Entry:
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
