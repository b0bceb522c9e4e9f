"""How much is stored: rows and bytes of each platform, by table."""

from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, func, select

from gql_service.store import tables
from gql_service.store.connection import Connection
from gql_service.store.sql_functions import byte_size, database_size
from gql_service.store.statement import Statement


def _measured(table: Any, *columns: ColumnElement[Any]) -> Any:
    """Rows and bytes of a table by platform id."""
    size = sum((func.coalesce(byte_size(column), 0) for column in columns[1:]), byte_size(columns[0]))
    return select(
        table.c.platform_id, func.count().label("rows"), func.coalesce(func.sum(size), 0).label("bytes")
    ).group_by(table.c.platform_id)


_documents, _changes = tables.documents.c, tables.document_changes.c
_answers, _index = tables.idempotency_keys.c, tables.metadata_index.c
_parts = tables.metadata_index_parts.c
_BY_TABLE = {
    "documents": _measured(
        tables.documents,
        _documents.metadata,
        _documents.conditions,
        _documents.attributes,
        _documents.layout,
    ),
    "history": _measured(tables.document_changes, _changes.changes),
    "answers": _measured(tables.idempotency_keys, _answers.key, _answers.request, _answers.response),
    "search_index": _measured(tables.metadata_index, _index.key, _index.equality, _index.text_value),
}
KINDS = tuple(_BY_TABLE)
_STATEMENTS = [(kind, Statement(measured, scans=True)) for kind, measured in _BY_TABLE.items()]
_PARTS = _measured(tables.metadata_index_parts, _parts.key, _parts.path, _parts.equality, _parts.text_value)
_STATEMENTS.append(("search_index", Statement(_PARTS, scans=True)))
_PLATFORM_KEYS = Statement(select(tables.platforms.c.id, tables.platforms.c.key))
_TOTAL = Statement(select(database_size()))


class Size(NamedTuple):
    """Rows, and the bytes of their values: without ids, times, and the overhead of the database."""

    rows: int = 0
    bytes: int = 0


class PlatformSizes(NamedTuple):
    """What a platform stores; `platform_key` is None for the documents without a platform."""

    platform_key: str | None
    documents: Size
    history: Size
    answers: Size
    search_index: Size


async def platform_sizes(connection: Connection) -> list[PlatformSizes]:
    """The sizes of each platform, the user-wide documents first, then in the order of the platform keys.

    This reads all tables, which takes seconds for each gigabyte: a metric should keep the numbers for a
    while.
    """
    keys: dict[str, str | None] = {"": None}
    for id, key in await connection.fetch(_PLATFORM_KEYS):
        keys[id] = key
    found: dict[str, dict[str, Size]] = {id: {} for id in keys}
    for kind, statement in _STATEMENTS:
        for platform_id, rows, size in await connection.fetch(statement):
            sizes = found.setdefault(platform_id, {})
            before = sizes.get(kind, Size())
            sizes[kind] = Size(before.rows + int(rows), before.bytes + int(size))
    ordered = sorted(found, key=lambda id: keys.get(id) or "")
    return [PlatformSizes(keys.get(id), *(found[id].get(kind, Size()) for kind in KINDS)) for id in ordered]


async def total_size(connection: Connection) -> int:
    """The bytes of the whole database, with all overhead and free pages. It is quick."""
    ((size,),) = await connection.fetch(_TOTAL)
    return int(size)
