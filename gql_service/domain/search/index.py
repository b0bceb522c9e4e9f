"""The search index: a row for each indexed entry, written in the transaction that writes the document."""

import hashlib
from collections.abc import Iterable
from typing import NamedTuple

import orjson
from sqlalchemy import bindparam, delete, insert

from gql_service.domain.documents.entries import Entry
from gql_service.domain.values.encryption import CipherContext, KeyRing
from gql_service.domain.values.types import TEXTUAL, comparable_number
from gql_service.store.connection import Connection
from gql_service.store.statement import Statement
from gql_service.store.tables import metadata_index

MAX_TEXT = 200
"""Characters of a text that prefixes and comparisons take into account."""

_INSERT = Statement(insert(metadata_index))
_DELETE = Statement(
    delete(metadata_index).where(
        metadata_index.c.user_id == bindparam("of_user"),
        metadata_index.c.platform_id == bindparam("of_platform"),
        metadata_index.c.key == bindparam("of_key"),
    )
)
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


def equality_digest(text: str) -> bytes:
    """The digest to index an unencrypted value by, from its canonical text."""
    return hashlib.sha256(text.encode()).digest()


def row_of(context: CipherContext, entry: Entry, text: str, keys: KeyRing) -> IndexRow:
    """The index row of an entry whose value has the canonical text `text`."""
    number_value, text_value = None, None
    if not entry.is_encrypted:
        number_value = comparable_number(entry.type, text)
        # The extra character distinguishes a text of MAX_TEXT characters from longer ones.
        text_value = orjson.loads(text)[: MAX_TEXT + 1] if entry.type in TEXTUAL else None
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
    )


async def insert_rows(transaction: Connection, rows: Iterable[IndexRow]) -> None:
    """Insert the rows of new entries. Raises Duplicate."""
    await transaction.execute_many(_INSERT, [row._asdict() for row in rows])


class Updates:
    """The changes of the index in one transaction. The last change of each key is stored."""

    def __init__(self) -> None:
        self._rows: dict[IndexKey, IndexRow | None] = {}

    def set(self, context: CipherContext, row: IndexRow | None) -> None:
        """Replace the row of an entry; None deletes it."""
        self._rows[(context.user_id, context.platform_id, context.key)] = row

    def remove(self, document: tuple[str, str], keys: Iterable[str]) -> None:
        """Delete the rows of these keys of a document, a (user id, platform id)."""
        for key in keys:
            self._rows[(*document, key)] = None

    async def store(self, transaction: Connection) -> None:
        """Write all changes."""
        changed_keys = [
            {"of_user": user, "of_platform": platform, "of_key": key} for user, platform, key in self._rows
        ]
        await transaction.execute_many(_DELETE, changed_keys)
        await insert_rows(transaction, [row for row in self._rows.values() if row is not None])
