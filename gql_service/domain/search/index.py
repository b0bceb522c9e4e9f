"""The search index: a row for each indexed entry, written in the transaction that writes the document.

Rows of a second table are about parts of values: the members of arrays, and values at declared paths.
"""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import orjson
from sqlalchemy import bindparam, delete, insert

from gql_service import strict_json
from gql_service.domain.documents.entries import Entry
from gql_service.domain.values import json_pointer
from gql_service.domain.values.encryption import CipherContext, KeyRing
from gql_service.domain.values.types import TEXTUAL, ValueType, comparable_number
from gql_service.names import fold
from gql_service.store.connection import Connection
from gql_service.store.statement import Statement
from gql_service.store.tables import metadata_index, metadata_index_parts

MAX_TEXT = 200
"""Characters of a text that prefixes, comparisons and `contains` take into account."""
MAX_MEMBERS = 100
"""Different members of an array that are indexed. A write of an array costs a row for each of them."""


def _delete_from(table: Any) -> Statement:
    return Statement(
        delete(table).where(
            table.c.user_id == bindparam("of_user"),
            table.c.platform_id == bindparam("of_platform"),
            table.c.key == bindparam("of_key"),
        )
    )


_INSERT, _DELETE = Statement(insert(metadata_index)), _delete_from(metadata_index)
_INSERT_PART, _DELETE_PARTS = Statement(insert(metadata_index_parts)), _delete_from(metadata_index_parts)
IndexKey = tuple[str, str, str]
"""A user id, a platform id and a metadata key."""


class IndexRow(NamedTuple):
    """A row of `metadata_index`."""

    user_id: str
    platform_id: str
    key: str
    equality: bytes
    text_value: str | None
    number_value: float | None
    encrypted: bool
    valid_from: int | None
    valid_until: int | None
    folded: bytes | None = None
    """The digest of a text that ignores case."""


class PartRow(NamedTuple):
    """A row of `metadata_index_parts`."""

    user_id: str
    platform_id: str
    key: str
    path: str
    equality: bytes
    is_member: bool
    text_value: str | None
    number_value: float | None
    valid_from: int | None
    valid_until: int | None
    folded: bytes | None


class IndexedEntry(NamedTuple):
    """What the index holds of an entry."""

    row: IndexRow | None = None
    parts: Sequence[PartRow] = ()


def equality_digest(text: str) -> bytes:
    """The digest to index an unencrypted value by, from its canonical text."""
    return hashlib.sha256(text.encode()).digest()


def member_digest(text: str) -> bytes:
    """The digest to index a member of an array by, from its canonical text."""
    return hashlib.sha256(b"member:" + text.encode()).digest()


def folded_digest(text: str) -> bytes:
    """The digest that a text has in common with all texts that differ from it only in case."""
    return hashlib.sha256(fold(text).encode()).digest()


def indexed(
    context: CipherContext, entry: Entry, text: str, keys: KeyRing, paths: Sequence[str]
) -> IndexedEntry:
    """What to index of an entry whose value has the canonical text `text`, and whose definition declares
    `paths`."""
    row = _row_of(context, entry, text, keys) if entry.is_indexed else None
    if not has_parts(entry, paths):
        return IndexedEntry(row)
    document, key = (context.user_id, context.platform_id), context.key
    members = _members_of(document, key, entry, "", orjson.loads(text)) if entry.is_indexed else []
    return IndexedEntry(row, [*members, *parts_at(document, key, entry, text, paths)])


def has_parts(entry: Entry, paths: Sequence[str]) -> bool:
    """Whether the index may hold parts of the value of an entry."""
    return entry.type is ValueType.json and not entry.is_encrypted and (entry.is_indexed or bool(paths))


def _row_of(context: CipherContext, entry: Entry, text: str, keys: KeyRing) -> IndexRow:
    number_value, text_value, folded = None, None, None
    if not entry.is_encrypted:
        number_value = comparable_number(entry.type, text)
        # The extra character distinguishes a text of MAX_TEXT characters from longer ones.
        text_value = orjson.loads(text)[: MAX_TEXT + 1] if entry.type in TEXTUAL else None
        folded = folded_digest(orjson.loads(text)) if entry.type is ValueType.string else None
    return IndexRow(
        context.user_id,
        context.platform_id,
        context.key,
        keys.equality_digest(context, text) if entry.is_encrypted else equality_digest(text),
        text_value,
        number_value,
        entry.is_encrypted,
        entry.valid_from,
        entry.valid_until,
        folded,
    )


def parts_at(
    document: tuple[str, str], key: str, entry: Entry, text: str, paths: Sequence[str]
) -> list[PartRow]:
    """The rows of the values at these paths, where there are any."""
    rows: list[PartRow] = []
    root = orjson.loads(text) if paths else None
    for path in paths:
        try:
            value = json_pointer.resolve(root, json_pointer.parse(path))
        except json_pointer.PointerError:
            continue
        rows.append(_value_at(document, key, entry, path, value))
        rows += _members_of(document, key, entry, path, value)
    return rows


def _value_at(document: tuple[str, str], key: str, entry: Entry, path: str, value: Any) -> PartRow:
    is_text, is_number = isinstance(value, str), type(value) in (int, float)
    return PartRow(
        *document,
        key,
        path,
        equality_digest(strict_json.dumps(value)),
        False,
        value[: MAX_TEXT + 1] if is_text else None,
        float(value) if is_number else None,
        entry.valid_from,
        entry.valid_until,
        folded_digest(value) if is_text else None,
    )


def _members_of(document: tuple[str, str], key: str, entry: Entry, path: str, value: Any) -> list[PartRow]:
    """The first `MAX_MEMBERS` members of an array that are no arrays or objects."""
    members = value if isinstance(value, list) else []
    texts = dict.fromkeys(strict_json.dumps(each) for each in members if not isinstance(each, list | dict))
    return [
        PartRow(
            *document,
            key,
            path,
            member_digest(text),
            True,
            None,
            None,
            entry.valid_from,
            entry.valid_until,
            None,
        )
        for text in list(texts)[:MAX_MEMBERS]
    ]


async def insert_rows(transaction: Connection, entries: Iterable[IndexedEntry]) -> None:
    """Insert the rows of new entries. Raises Duplicate."""
    entries = list(entries)
    await transaction.execute_many(_INSERT, [each.row._asdict() for each in entries if each.row])
    if parts := [part._asdict() for each in entries for part in each.parts]:
        await transaction.execute_many(_INSERT_PART, parts)


class Updates:
    """The changes of the index in one transaction. The last change of each key is stored."""

    def __init__(self) -> None:
        self._entries: dict[IndexKey, IndexedEntry] = {}
        self._with_parts: set[IndexKey] = set()
        """The keys that may have had parts before."""

    def set(self, context: CipherContext, entry: IndexedEntry, *, had_parts: bool) -> None:
        """Replace what is indexed of an entry."""
        key = (context.user_id, context.platform_id, context.key)
        self._entries[key] = entry
        if had_parts:
            self._with_parts.add(key)

    def remove(self, document: tuple[str, str], keys: Iterable[str]) -> None:
        """Delete all rows of these keys of a document, a (user id, platform id)."""
        for key in keys:
            self._entries[(*document, key)] = IndexedEntry()
            self._with_parts.add((*document, key))

    async def store(self, transaction: Connection) -> None:
        """Write all changes."""
        await transaction.execute_many(_DELETE, [_parameters(key) for key in self._entries])
        if self._with_parts:
            await transaction.execute_many(_DELETE_PARTS, [_parameters(key) for key in self._with_parts])
        await insert_rows(transaction, self._entries.values())


def _parameters(key: IndexKey) -> dict[str, str]:
    user_id, platform_id, metadata_key = key
    return {"of_user": user_id, "of_platform": platform_id, "of_key": metadata_key}
