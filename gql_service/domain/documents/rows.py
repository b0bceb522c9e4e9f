"""The metadata documents as rows: read by key, locked and stored. `domain.writing` decides what is stored."""

from collections.abc import Mapping, Sequence, Set
from typing import NamedTuple

from sqlalchemy import Text, bindparam, insert, null, select, tuple_, update

from gql_service.domain.documents.entries import Content
from gql_service.store.connection import Connection, Duplicate, LostRace, rows_as
from gql_service.store.sql_functions import any_of, bytewise
from gql_service.store.statement import Statement
from gql_service.store.tables import documents

Key = tuple[str, str]
"""The id of a user and that of a platform."""

_COLUMNS = [documents.c[name] for name in list(documents.c.keys())[:-1]]
"""All but the attributes."""
# Both lists narrow the primary key; a pair that nobody asked for is left aside below.
_THESE = any_of(documents.c.user_id, "user_ids"), any_of(documents.c.platform_id, "platform_ids")
_BY_KEYS = Statement(select(*_COLUMNS, null()).where(*_THESE))
_WHOLE = select(*_COLUMNS, documents.c.attributes).where(*_THESE)
_WHOLE_BY_KEYS = Statement(_WHOLE)
# All who lock several rows lock them in the same order, so that no two wait for each other.
_LOCK = Statement(_WHOLE.order_by(documents.c.user_id, documents.c.platform_id).with_for_update())
_EXPIRED = Statement(
    select(*_COLUMNS, documents.c.attributes)
    .where(documents.c.expires_at <= bindparam("now"))
    .order_by(documents.c.expires_at)
    .limit(bindparam("size"))
    .with_for_update(skip_locked=True)
)
_INSERT = Statement(insert(documents))
_CHANGING = ("metadata", "revision", "updated_at", "conditions", "expires_at", "attributes")
_UPDATE = Statement(
    update(documents)
    .where(documents.c.user_id == bindparam("of_user"), documents.c.platform_id == bindparam("of_platform"))
    .values({name: bindparam(name) for name in _CHANGING})
)


class Document(NamedTuple):
    """A row of `documents`; one that was never written is empty, at revision 0, without instants.

    `conditions` is None where every value is always there for everybody; `attributes` is None where it was
    not asked for. See `domain.entries`.
    """

    user_id: str
    platform_id: str
    metadata: str
    revision: int
    created_at: int | None
    updated_at: int | None
    conditions: str | None
    expires_at: int | None
    attributes: str | None

    def content(self) -> Content:
        """The entries; `attributes` must have been asked for."""
        assert self.attributes is not None, "it was read without its attributes"
        return Content(self.metadata, self.conditions, self.attributes, self.created_at or 0)


async def by_keys(connection: Connection, keys: Sequence[Key]) -> list[Document]:
    """One document per (user id, platform id), without its attributes."""
    return await _read(connection, _BY_KEYS, keys)


async def whole_by_keys(connection: Connection, keys: Sequence[Key]) -> list[Document]:
    """One document per (user id, platform id), with its attributes."""
    return await _read(connection, _WHOLE_BY_KEYS, keys)


async def lock(transaction: Connection, keys: Set[Key]) -> dict[Key, Document]:
    """Read whole rows and keep others from writing them. On SQLite the transaction itself already does."""
    rows = await _read(transaction, _LOCK, list(keys))
    return {document[:2]: document for document in rows}


async def store(transaction: Connection, changed: Sequence[Document], before: Mapping[Key, Document]) -> None:
    """Store rows that were locked. Raises LostRace where somebody else has created one of them."""
    new = [document for document in changed if before[document[:2]].revision == 0]
    try:
        await transaction.execute_many(_INSERT, [document._asdict() for document in new])
    except Duplicate as error:
        # A row that does not exist cannot be locked, so another transaction may have created it.
        raise LostRace from error
    updates = [
        {"of_user": document.user_id, "of_platform": document.platform_id}
        | {name: getattr(document, name) for name in _CHANGING}
        for document in changed
        if before[document[:2]].revision > 0
    ]
    await transaction.execute_many(_UPDATE, updates)


def swept(document: Document, content: Content) -> Document:
    """A document from whose content was removed what has expired: nothing that anybody saw has changed, so
    neither has the revision. It stays conditional until it has another, because whoever has kept an answer
    under this revision must not be told that it is still good."""
    encoded = content.encode()
    encoded["conditions"] = encoded["conditions"] or "{}"
    return document._replace(expires_at=content.expires_at, **encoded)


async def expired(transaction: Connection, now: int, size: int) -> list[Document]:
    """Some documents in which an entry has expired, locked; not those that somebody else has locked."""
    return rows_as(Document, await transaction.fetch(_EXPIRED, now=now, size=size))


async def _read(connection: Connection, statement: Statement, keys: Sequence[Key]) -> list[Document]:
    users, platforms = {user for user, _ in keys}, {platform for _, platform in keys}
    rows = rows_as(Document, await connection.fetch(statement, user_ids=users, platform_ids=platforms))
    found = {document[:2]: document for document in rows}
    return [found.get(key) or _absent(*key) for key in keys]


def _absent(user_id: str, platform_id: str) -> Document:
    return Document(user_id, platform_id, "{}", 0, None, None, None, None, "{}")


_IN_ORDER = bytewise(documents.c.user_id), bytewise(documents.c.platform_id)
_OF_USERS = Statement(
    select(*_COLUMNS, documents.c.attributes)
    .where(
        any_of(documents.c.user_id, "user_ids"),
        tuple_(*_IN_ORDER)
        > tuple_(bindparam("after_user", type_=Text), bindparam("after_platform", type_=Text)),
    )
    .order_by(*_IN_ORDER)
    .limit(bindparam("size"))
)


async def of_users(
    connection: Connection, user_ids: Sequence[str], after: tuple[str, str], size: int
) -> list[Document]:
    """The next documents of these users in the order of (user id, platform id); ("", "") comes before all."""
    user, platform = after
    rows = await connection.fetch(
        _OF_USERS, user_ids=user_ids, after_user=user, after_platform=platform, size=size
    )
    return rows_as(Document, rows)


async def insert_documents(transaction: Connection, rows: Sequence[Document]) -> None:
    """Store documents that were checked and are not there, with their revisions. Raises Duplicate."""
    await transaction.execute_many(_INSERT, [row._asdict() for row in rows])
