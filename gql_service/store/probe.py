"""The statements that prove that a database can be used."""

from sqlalchemy import bindparam, exists, select, update

from gql_service.store.statement import Statement
from gql_service.store.tables import documents, metadata

_HAS_ROWS = [exists(select(1).select_from(table)).label(table.name) for table in metadata.sorted_tables]
_A_REVISION = select(documents.c.revision).limit(1).scalar_subquery().label("a_revision")
READ_ALL_TABLES = Statement(select(*_HAS_ROWS, _A_REVISION))
"""Looks for a row in every table. Reads one of a document, because an index may do for the others."""
WRITE_NOTHING = Statement(
    update(documents).where(documents.c.user_id == bindparam("nobody")).values(revision=documents.c.revision)
)
"""Updates no row, but fails where a row could not be updated."""
