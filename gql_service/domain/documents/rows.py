"""The table `documents`: read by key, locked and stored. What is stored is decided in `domain.writes`."""

from collections.abc import Collection, Mapping, Sequence, Set
from functools import cache
from typing import NamedTuple

from sqlalchemy import Text, bindparam, insert, literal_column, null, select, tuple_, update

from gql_service.domain.documents.entries import NO_LAYOUTS, Content
from gql_service.domain.documents.layout import from_text
from gql_service.domain.pagination import Page, PageRequest, keyset, page_of, page_parameters
from gql_service.errors import NotFound
from gql_service.store.connection import Connection, Duplicate, LostRace, MissingReference, rows_as
from gql_service.store.sql_functions import any_of, bytewise
from gql_service.store.statement import Statement
from gql_service.store.tables import documents, platforms

DocumentKey = tuple[str, str]
"""A user id and a platform id (`USER_WIDE` for the document without a platform)."""


class MetadataDocument(NamedTuple):
    """A row of `documents`. A document that was never written is empty, at revision 0, without instants.

    `conditions` is None where no value depends on the viewer or on time. `attributes` is None where it was
    not loaded. See `domain.documents.entries` for the four JSON columns.
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
    layout: str | None

    def __hash__(self) -> int:
        """Without the texts, which may be long."""
        return hash((self.user_id, self.platform_id, self.revision))

    @property
    def key(self) -> DocumentKey:
        return self.user_id, self.platform_id

    def existed_at(self, at: int) -> bool:
        """Whether the document had been written at an instant."""
        return self.created_at is not None and self.created_at <= at

    @property
    def size(self) -> int:
        """Characters of the three JSON columns, as far as they were loaded."""
        return len(self.metadata) + len(self.conditions or "") + len(self.attributes or "")

    def content(self, *, reads_many: bool = False) -> Content:
        """The entries. `attributes` must have been loaded. With `reads_many`, all are decoded at once."""
        assert self.attributes is not None, "the document was read without its attributes"
        is_whole = self.layout is None or reads_many
        layouts = NO_LAYOUTS if is_whole else from_text(self.layout, self.revision)
        return Content(self.metadata, self.conditions, self.attributes, self.created_at or 0, layouts)

    def values(self) -> Content:
        """The entries without their attributes, which need not have been loaded: their values, and who sees
        them when."""
        return self._replace(attributes="{}").content()


_WITH_ATTRIBUTES = [documents.c[name] for name in MetadataDocument._fields]
_WITHOUT_ATTRIBUTES = [null() if column is documents.c.attributes else column for column in _WITH_ATTRIBUTES]
_WITHOUT_METADATA = [
    literal_column("''") if column is documents.c.metadata else column for column in _WITH_ATTRIBUTES
]
# Both lists narrow the primary key. They also match pairs that were not asked for; `_read` drops those.
_BY_KEY = any_of(documents.c.user_id, "user_ids"), any_of(documents.c.platform_id, "platform_ids")
_READ = Statement(select(*_WITHOUT_ATTRIBUTES).where(*_BY_KEY))
_SELECT = select(*_WITH_ATTRIBUTES).where(*_BY_KEY)
_READ_WITH_ATTRIBUTES = Statement(_SELECT)
_READ_WITHOUT_METADATA = Statement(select(*_WITHOUT_METADATA).where(*_BY_KEY))
# Every transaction locks rows in the same order, so that no two of them wait for each other.
_LOCK = Statement(_SELECT.order_by(documents.c.user_id, documents.c.platform_id).with_for_update())
_LOCK_FREE = Statement(
    _SELECT.order_by(documents.c.user_id, documents.c.platform_id).with_for_update(skip_locked=True)
)
_EXISTING = Statement(select(documents.c.user_id, documents.c.platform_id).where(*_BY_KEY))
# Not the same as `_LOCK_FREE`: whoever prunes a history needs no content, which may be a megabyte a document.
_LOCK_IDLE = Statement(
    select(documents.c.user_id, documents.c.platform_id)
    .where(*_BY_KEY)
    .order_by(documents.c.user_id, documents.c.platform_id)
    .with_for_update(skip_locked=True)
)
_EXPIRED = Statement(
    select(*_WITH_ATTRIBUTES)
    .where(documents.c.expires_at <= bindparam("now"))
    .order_by(documents.c.expires_at)
    .limit(bindparam("size"))
    .with_for_update(skip_locked=True)
)
_INSERT = Statement(insert(documents))
_UPDATED_COLUMNS = (
    "metadata",
    "revision",
    "updated_at",
    "conditions",
    "expires_at",
    "attributes",
    "layout",
)
_UPDATE = Statement(
    update(documents)
    .where(documents.c.user_id == bindparam("of_user"), documents.c.platform_id == bindparam("of_platform"))
    .values({name: bindparam(name) for name in _UPDATED_COLUMNS})
)
_IN_ORDER = bytewise(documents.c.user_id), bytewise(documents.c.platform_id)
_OF_USERS = Statement(
    select(*_WITH_ATTRIBUTES)
    .where(
        any_of(documents.c.user_id, "user_ids"),
        tuple_(*_IN_ORDER)
        > tuple_(bindparam("after_user", type_=Text), bindparam("after_platform", type_=Text)),
    )
    .order_by(*_IN_ORDER)
    .limit(bindparam("size"))
)


async def by_keys(connection: Connection, keys: Sequence[DocumentKey]) -> list[MetadataDocument]:
    """One document for each key, without its attributes."""
    return await _read(connection, _READ, keys)


async def by_keys_with_attributes(
    connection: Connection, keys: Sequence[DocumentKey]
) -> list[MetadataDocument]:
    """One document for each key, with its attributes."""
    return await _read(connection, _READ_WITH_ATTRIBUTES, keys)


async def with_attributes(
    connection: Connection, known: Sequence[MetadataDocument]
) -> list[MetadataDocument]:
    """Documents that were read before, with their attributes. `metadata` is not read again where it is the
    same, which the revision tells."""
    found = await _read(connection, _READ_WITHOUT_METADATA, [document.key for document in known])
    keys = [document.key for document in known]
    same = [
        row._replace(metadata=document.metadata) if row.revision == document.revision else None
        for document, row in zip(known, found, strict=True)
    ]
    changed = [key for key, row in zip(keys, same, strict=True) if row is None]
    again = iter(await by_keys_with_attributes(connection, changed) if changed else ())
    return [next(again) if row is None else row for row in same]


async def lock(transaction: Connection, keys: Set[DocumentKey]) -> dict[DocumentKey, MetadataDocument]:
    """Read whole documents and keep other transactions from writing them.

    On SQLite there is nothing to lock: transactions that write run one after the other.
    """
    return {document.key: document for document in await _read(transaction, _LOCK, list(keys))}


async def lock_free(transaction: Connection, keys: Set[DocumentKey]) -> dict[DocumentKey, MetadataDocument]:
    """The same for those documents that no other transaction has locked."""
    if transaction.is_alone:
        return await lock(transaction, keys)
    rows = await transaction.fetch(_LOCK_FREE, **_key_lists(keys))
    free = {document.key: document for document in rows_as(MetadataDocument, rows)}
    missing = keys - free.keys()
    if missing:  # they are locked, or do not exist
        locked = {
            (user, platform) for user, platform in await transaction.fetch(_EXISTING, **_key_lists(missing))
        }
        free |= {key: _never_written(*key) for key in missing - locked}
    return {key: free[key] for key in keys & free.keys()}


async def lock_idle(transaction: Connection, keys: Set[DocumentKey]) -> Set[DocumentKey]:
    """Keep other transactions from writing documents. Returns which; those that are locked already are left.

    The documents are not read.
    """
    rows = await transaction.fetch(_LOCK_IDLE, **_key_lists(keys))
    return keys & {(user, platform) for user, platform in rows}


async def store(
    transaction: Connection,
    changed: Sequence[MetadataDocument],
    before: Mapping[DocumentKey, MetadataDocument],
) -> None:
    """Store documents that were locked.

    Raises LostRace where another transaction has created one of them, and NotFound where a user does not
    exist any more.
    """
    created = [document for document in changed if before[document.key].revision == 0]
    try:
        await insert_documents(transaction, created)
    except Duplicate as error:
        # A row that does not exist cannot be locked, so another transaction may have created it.
        raise LostRace from error
    except MissingReference as error:
        raise NotFound("User not found") from error
    updates = [
        {"of_user": document.user_id, "of_platform": document.platform_id}
        | {name: getattr(document, name) for name in _UPDATED_COLUMNS}
        for document in changed
        if before[document.key].revision > 0
    ]
    await transaction.execute_many(_UPDATE, updates)


async def insert_documents(transaction: Connection, rows: Sequence[MetadataDocument]) -> None:
    """Insert documents with their revisions. Raises Duplicate where one exists."""
    await transaction.execute_many(_INSERT, [row._asdict() for row in rows])


def without_expired(document: MetadataDocument, content: Content) -> MetadataDocument:
    """The row for a content from which expired entries were removed.

    Nothing that anybody could see has changed, so the revision stays. `conditions` stays non-null: an answer
    cached under this revision may still show an entry that has expired, and must not be revalidated.
    """
    columns = content.encode(document.revision)
    columns["conditions"] = columns["conditions"] or "{}"
    return document._replace(expires_at=content.expires_at, **columns)


async def expired(transaction: Connection, now: int, size: int) -> list[MetadataDocument]:
    """Up to `size` documents that have an expired entry, locked. Skips documents that are locked already."""
    return rows_as(MetadataDocument, await transaction.fetch(_EXPIRED, now=now, size=size))


async def of_users(
    connection: Connection, user_ids: Sequence[str], after: DocumentKey, size: int
) -> list[MetadataDocument]:
    """The next documents of these users, in the order of their keys. Start with `("", "")`."""
    user, platform = after
    rows = await connection.fetch(
        _OF_USERS, user_ids=user_ids, after_user=user, after_platform=platform, size=size
    )
    return rows_as(MetadataDocument, rows)


async def page_of_user(
    connection: Connection, user_id: str, tenant_ids: Sequence[str], request: PageRequest
) -> Page[MetadataDocument]:
    """A page of the documents of a user, in the order of the platform ids: the user-wide document, and those
    on platforms of these tenants. Without their attributes."""
    statement = _page_of_user(request.shape)
    parameters = {"of_user": user_id, "tenant_ids": tenant_ids, **page_parameters(request)}
    return page_of(rows_as(MetadataDocument, await connection.fetch(statement, **parameters)), request)


@cache
def _page_of_user(shape: PageRequest) -> Statement:
    statement = (
        select(*_WITHOUT_ATTRIBUTES)
        .select_from(documents.outerjoin(platforms, platforms.c.id == documents.c.platform_id))
        .where(
            documents.c.user_id == bindparam("of_user"),
            (documents.c.platform_id == "") | any_of(platforms.c.tenant_id, "tenant_ids"),
        )
    )
    return Statement(keyset(statement, documents.c.platform_id, shape), scans=True)


async def _read(
    connection: Connection, statement: Statement, keys: Sequence[DocumentKey]
) -> list[MetadataDocument]:
    rows = await connection.fetch(statement, **_key_lists(keys))
    found = {document.key: document for document in rows_as(MetadataDocument, rows)}
    return [found.get(key) or _never_written(*key) for key in keys]


def _key_lists(keys: Collection[DocumentKey]) -> dict[str, set[str]]:
    return {"user_ids": {user for user, _ in keys}, "platform_ids": {platform for _, platform in keys}}


def _never_written(user_id: str, platform_id: str) -> MetadataDocument:
    return MetadataDocument(user_id, platform_id, "{}", 0, None, None, None, None, "{}", None)
