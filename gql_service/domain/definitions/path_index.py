"""The search index of the paths that a definition declares, for documents that exist already."""

from collections.abc import Sequence

from sqlalchemy import bindparam, delete

from gql_service.domain.definitions.conformance import documents_of_platform
from gql_service.domain.search import index
from gql_service.store.connection import Connection
from gql_service.store.statement import Statement
from gql_service.store.tables import metadata_index_parts

_BATCH = 100
"""Documents whose rows are inserted together."""
_parts = metadata_index_parts.c
_DELETE = Statement(
    delete(metadata_index_parts).where(
        _parts.platform_id == bindparam("of_platform"),
        _parts.key == bindparam("of_key"),
        _parts.path != "",
    )
)


async def index_paths(
    transaction: Connection, platform_id: str, key: str, paths: Sequence[str], *, seconds: float | None
) -> None:
    """Index exactly these paths of a key. The caller holds the platform exclusively.

    The index is complete when the definition is: no search sees a part of it. Raises LimitExceeded if it
    takes longer than `seconds`.
    """
    await transaction.execute(_DELETE, of_platform=platform_id, of_key=key)
    if not paths:
        return
    entries: list[index.IndexedEntry] = []
    async for document in documents_of_platform(transaction, platform_id, key=key, seconds=seconds):
        entry = document.content().get(key)
        if entry is not None and entry.text is not None and index.has_parts(entry, paths):
            parts = index.parts_at(document.key, key, entry, entry.text, paths)
            entries.append(index.IndexedEntry(None, parts))
            if len(entries) == _BATCH:
                await index.insert_rows(transaction, entries)
                entries.clear()
    await index.insert_rows(transaction, entries)
