"""The search index: a row for each entry that is indexed, written with its document."""

import hashlib
from collections.abc import Iterable
from typing import Any, NamedTuple

import orjson
from sqlalchemy import bindparam, delete, insert

from gql_service.domain.documents.entries import Entry
from gql_service.domain.values.encryption import CipherContext, KeyRing
from gql_service.domain.values.types import TEXTUAL, comparable_number
from gql_service.store.connection import Connection
from gql_service.store.statement import Statement
from gql_service.store.tables import metadata_index

MAX_TEXT = 200
"""Characters that texts are searched and compared by."""

_INSERT = Statement(insert(metadata_index))
_DELETE = Statement(
    delete(metadata_index).where(
        metadata_index.c.user_id == bindparam("of_user"),
        metadata_index.c.platform_id == bindparam("of_platform"),
        metadata_index.c.key == bindparam("of_key"),
    )
)
IndexKey = tuple[str, str, str]
"""The ids of a user and a platform, and a key."""


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


def equality(text: str) -> bytes:
    """What a value is found by that is not encrypted: a digest of its canonical text."""
    return hashlib.sha256(text.encode()).digest()


def row_of(place: CipherContext, entry: Entry, text: str, keys: KeyRing) -> IndexRow:
    """How an entry is found whose value has this canonical text."""
    number, words = None, None
    if not entry.is_encrypted:
        number = comparable_number(entry.type, text)
        # One character more than is compared tells a longer text from one that ends there.
        words = orjson.loads(text)[: MAX_TEXT + 1] if entry.type in TEXTUAL else None
    return IndexRow(
        place.user_id,
        place.platform_id,
        place.key,
        keys.equality(place, text) if entry.is_encrypted else equality(text),
        words,
        number,
        entry.is_encrypted,
        entry.valid_from,
        entry.valid_until,
    )


async def insert_rows(transaction: Connection, rows: Iterable[IndexRow]) -> None:
    """Store rows of entries that are not there. Raises Duplicate."""
    await transaction.execute_many(_INSERT, [row._asdict() for row in rows])


class Updates:
    """What becomes of rows in one transaction; the last word on a key counts."""

    def __init__(self) -> None:
        self._rows: dict[IndexKey, IndexRow | None] = {}

    def set(self, place: CipherContext, row: IndexRow | None) -> None:
        self._rows[(place.user_id, place.platform_id, place.key)] = row

    def remove(self, document: tuple[str, str], keys: Iterable[str]) -> None:
        """Let nobody find a document by these keys."""
        for key in keys:
            self._rows[(*document, key)] = None

    async def store(self, transaction: Connection) -> None:
        gone = [
            {"of_user": user, "of_platform": platform, "of_key": key} for user, platform, key in self._rows
        ]
        await transaction.execute_many(_DELETE, gone)
        new: list[dict[str, Any]] = [row._asdict() for row in self._rows.values() if row is not None]
        await transaction.execute_many(_INSERT, new)
