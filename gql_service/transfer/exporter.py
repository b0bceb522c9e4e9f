"""The export: reads all records in an order that depends on the data only, a page at a time.

A line comes after the lines that it refers to, even if data is written during the export. Then the export is
not a snapshot of a single moment, but it can always be imported.
"""

from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from operator import attrgetter
from typing import Any, Generic, NamedTuple, TypeVar

from gql_service import strict_json
from gql_service.auth.access import USER_WIDE
from gql_service.domain import tenants, tombstones
from gql_service.domain.definitions import rows as definition_rows
from gql_service.domain.documents import rows as documents
from gql_service.domain.documents.rows import MetadataDocument
from gql_service.domain.maintenance import deletion
from gql_service.domain.tenants import Platform
from gql_service.domain.users import badges, identities, notifications
from gql_service.domain.users import rows as users
from gql_service.domain.users.notifications import Notification
from gql_service.errors import MalformedData
from gql_service.store.connection import Connection
from gql_service.store.database import Database
from gql_service.transfer.records import DefinitionRecord, DocumentRecord, Record, encode
from gql_service.transfer.user_records import UserRecord

T = TypeVar("T")
R = TypeVar("R", bound=Notification | MetadataDocument)
_ID_PAGE = 20_000
"""User ids per page: PostgreSQL sorts all of them for each page."""
_PAGE = 100
_LARGE_ROW_PAGE = 50
"""Notifications, documents or definitions per page: each may have a megabyte."""


class ExportedLine(NamedTuple):
    """A record, and its line without the newline."""

    record: Record
    text: str


async def export(database: Database) -> AsyncIterator[ExportedLine]:
    """Export tenants by id, platforms by key, users by id, definitions by platform id and key, and tombstones
    by digest.

    Each user is followed by their notifications and documents. Definitions come after all documents, because
    they may be newer than documents that do not conform to them.

    Raises MalformedData, or BadUserInput for a definition, if stored data breaks a rule.
    """
    async for record in _Exporter(database).records():
        yield ExportedLine(record, strict_json.dumps(encode(record)))


class _Exporter:
    """One export. It remembers the exported tenants and platforms, to export new ones before references."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._tenant_ids: set[str] = set()
        self._platform_keys: dict[str, str | None] = {USER_WIDE: None}

    async def records(self) -> AsyncIterator[Record]:
        async for tenants_ in self._pages(tenants.tenants_after, attrgetter("id"), _PAGE):
            self._tenant_ids.update(tenant.id for tenant in tenants_)
            for tenant in tenants_:
                yield tenant
        async for platforms in self._pages(tenants.platforms_after, attrgetter("key"), _PAGE):
            for platform in platforms:
                async for record in self._platform(platform):
                    yield record
        async for ids in self._pages(users.ids_after, str, _ID_PAGE):
            for start in range(0, len(ids), _PAGE):
                async for record in self._users(ids[start : start + _PAGE]):
                    yield record
        async for definitions in self._pages(
            definition_rows.after, attrgetter("platform_id", "key"), _LARGE_ROW_PAGE, ("", "")
        ):
            for definition in definitions:
                async for record in self._platform_if_new(definition.platform_id):
                    yield record
                yield DefinitionRecord(self._platform_keys[definition.platform_id] or "", definition)
        async for buried in self._pages(tombstones.after, attrgetter("digest"), _ID_PAGE, b""):
            for tombstone in buried:
                yield tombstone

    async def _pages(
        self,
        read: Callable[[Connection, Any, int], Awaitable[list[T]]],
        key: Callable[[T], Any],
        size: int,
        after: Any = "",
    ) -> AsyncIterator[list[T]]:
        """Pages of rows after the key `after`. No connection is held between two pages."""
        while True:
            async with self._database.read() as connection:
                page = await read(connection, after, size)
            if not page:
                return
            yield page
            after = key(page[-1])

    async def _users(self, ids: Sequence[str]) -> AsyncIterator[Record]:
        async with self._database.read() as connection:
            user_records = await load_users_with_badges(connection, ids)
            ids = [record.user.user_id for record in user_records]
            linked = dict(zip(ids, await identities.of_users(connection, ids), strict=True))
        notifications_by_user = _RowsByUser(
            self._database, notifications.of_users, attrgetter("user_id", "id"), ids
        )
        documents_by_user = _RowsByUser(
            self._database, documents.of_users, attrgetter("user_id", "platform_id"), ids
        )
        for user_record in user_records:
            async for tenant in self._tenants_if_new(user_record.user.tenant_ids):
                yield tenant
            yield user_record
            for identity in linked[user_record.user.user_id]:
                yield identity
            async for notification in notifications_by_user.of(user_record.user.user_id):
                yield notification
            async for document in documents_by_user.of(user_record.user.user_id):
                async for record in self._document(document):
                    yield record

    async def _document(self, document: MetadataDocument) -> AsyncIterator[Record]:
        async for record in self._platform_if_new(document.platform_id):
            yield record
        if document.platform_id not in self._platform_keys:
            async with self._database.read() as connection:
                if await deletion.is_deleted(connection, document.platform_id):
                    return
            problem = f"its platform {document.platform_id!r} is unknown"
            raise MalformedData("metadata", document.user_id, problem)
        yield DocumentRecord(self._platform_keys[document.platform_id], document)

    async def _platform_if_new(self, id: str) -> AsyncIterator[Record]:
        """The platform, if it was created during the export."""
        if id not in self._platform_keys:
            async with self._database.read() as connection:
                (platform,) = await tenants.platforms_by_ids(connection, [id])
            if platform is not None:
                async for record in self._platform(platform):
                    yield record

    async def _platform(self, platform: Platform) -> AsyncIterator[Record]:
        async for tenant in self._tenants_if_new([platform.tenant_id]):
            yield tenant
        self._platform_keys[platform.id] = platform.key
        yield platform

    async def _tenants_if_new(self, ids: Iterable[str]) -> AsyncIterator[Record]:
        """The tenants that were created during the export."""
        new = sorted(set(ids) - self._tenant_ids)
        if new:
            async with self._database.read() as connection:
                found = await tenants.tenants_by_ids(connection, new)
            self._tenant_ids.update(new)
            for tenant in found:
                if tenant is not None:
                    yield tenant


class _RowsByUser(Generic[R]):
    """Rows that belong to users, requested user by user in the order of ids, and read a page at a time."""

    def __init__(
        self,
        database: Database,
        read: Callable[[Connection, Sequence[str], tuple[str, str], int], Awaitable[list[R]]],
        key: Callable[[R], tuple[str, str]],
        user_ids: Sequence[str],
    ) -> None:
        self._database = database
        self._read = read
        self._key = key
        self._user_ids = user_ids
        self._after: tuple[str, str] | None = ("", "")
        """The key of the last row that was read; None after the last page."""
        self._rows: deque[R] = deque()

    async def of(self, user_id: str) -> AsyncIterator[R]:
        while True:
            if not self._rows and self._after is not None:
                async with self._database.read() as connection:
                    page = await self._read(connection, self._user_ids, self._after, _LARGE_ROW_PAGE)
                self._after = self._key(page[-1]) if len(page) == _LARGE_ROW_PAGE else None
                self._rows.extend(page)
            if not self._rows or self._rows[0].user_id != user_id:
                return
            yield self._rows.popleft()


async def load_users_with_badges(connection: Connection, ids: Sequence[str]) -> list[UserRecord]:
    """The existing users with these ids, and their badges. Raises MalformedData."""
    existing = [user for user in await users.by_ids(connection, ids) if user is not None]
    badges_of_users = await badges.by_users(connection, [user.user_id for user in existing])
    records = []
    for user, earned in zip(existing, badges_of_users, strict=True):
        if isinstance(earned, MalformedData):
            raise earned
        records.append(UserRecord(user, earned))
    return records
