"""Reading everything, in an order that depends on nothing but the data, and never much of it at once.

What a line names stands in a line before it, whatever is written meanwhile: an export is not the picture of
one moment, but it can always be imported.
"""

from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from operator import attrgetter
from typing import Any, Generic, NamedTuple, TypeVar

from gql_service import strict_json
from gql_service.auth.access import USER_WIDE
from gql_service.domain import tenants
from gql_service.domain.definitions import rows as stored_definitions
from gql_service.domain.documents import rows as documents
from gql_service.domain.documents.rows import MetadataDocument
from gql_service.domain.tenants import Platform
from gql_service.domain.users import badges, notifications
from gql_service.domain.users import rows as users
from gql_service.domain.users.notifications import Notification
from gql_service.errors import MalformedData
from gql_service.store.connection import Connection
from gql_service.store.database import Database
from gql_service.transfer.records import DefinitionRecord, DocumentRecord, Record, encode
from gql_service.transfer.user_records import UserRecord

T = TypeVar("T")
R = TypeVar("R", bound=Notification | MetadataDocument)
_IDS = 20_000
"""Ids of users read at once: PostgreSQL sorts all of them for each such page."""
_PAGE = 100
_ROWS = 50
"""Notifications, or documents, each of which may take a megabyte."""


class Line(NamedTuple):
    """A line, without the character that ends it, and what it tells."""

    entry: Record
    text: str


async def export(database: Database) -> AsyncIterator[Line]:
    """Tenants by id, platforms by key, users by id, each followed by their notifications and documents, and
    definitions by platform id and key, last, for documents may be older than what binds them now.

    Raises MalformedData, or BadUserInput for a definition, where what is stored breaks a rule.
    """
    async for entry in _Exporter(database).entries():
        yield Line(entry, strict_json.dumps(encode(entry)))


class _Exporter:
    """One export, which knows what later lines may name."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._tenants: set[str] = set()
        self._platform_keys: dict[str, str | None] = {USER_WIDE: None}

    async def entries(self) -> AsyncIterator[Record]:
        async for tenants_ in self._pages(tenants.tenants_after, attrgetter("id"), _PAGE):
            self._tenants.update(tenant.id for tenant in tenants_)
            for tenant in tenants_:
                yield tenant
        async for platforms in self._pages(tenants.platforms_after, attrgetter("key"), _PAGE):
            for platform in platforms:
                async for entry in self._platform(platform):
                    yield entry
        async for ids in self._pages(users.ids_after, str, _IDS):
            for start in range(0, len(ids), _PAGE):
                async for entry in self._people(ids[start : start + _PAGE]):
                    yield entry
        definitions = self._pages(stored_definitions.after, attrgetter("platform_id", "key"), _ROWS, ("", ""))
        async for page in definitions:
            for definition in page:
                async for entry in self._platform_unseen(definition.platform_id):
                    yield entry
                yield DefinitionRecord(self._platform_keys[definition.platform_id] or "", definition)

    async def _pages(
        self,
        read: Callable[[Connection, Any, int], Awaitable[list[T]]],
        key: Callable[[T], Any],
        size: int,
        after: Any = "",
    ) -> AsyncIterator[list[T]]:
        """Pages of what comes after one key after the other. No connection is held meanwhile."""
        while True:
            async with self._database.read() as connection:
                page = await read(connection, after, size)
            if not page:
                return
            yield page
            after = key(page[-1])

    async def _people(self, ids: Sequence[str]) -> AsyncIterator[Record]:
        async with self._database.read() as connection:
            people = await people_with(connection, ids)
        ids = [person.user.user_id for person in people]
        told = _Following(self._database, notifications.of_users, ids)
        filed = _Following(self._database, documents.of_users, ids)
        for person in people:
            async for entry in self._tenants_unseen(person.user.tenant_ids):
                yield entry
            yield person
            async for notification in told.of(person.user.user_id):
                yield notification
            async for document in filed.of(person.user.user_id):
                async for entry in self._filed(document):
                    yield entry

    async def _filed(self, document: MetadataDocument) -> AsyncIterator[Record]:
        if document.platform_id not in self._platform_keys:
            async for entry in self._platform_unseen(document.platform_id):
                yield entry
        if document.platform_id not in self._platform_keys:
            what = f"its platform {document.platform_id!r} is unknown"
            raise MalformedData("metadata", document.user_id, what)
        yield DocumentRecord(self._platform_keys[document.platform_id], document)

    async def _platform_unseen(self, id: str) -> AsyncIterator[Record]:
        """A platform that was created after the export began."""
        if id not in self._platform_keys:
            async with self._database.read() as connection:
                (platform,) = await tenants.platforms_by_ids(connection, [id])
            if platform is not None:
                async for entry in self._platform(platform):
                    yield entry

    async def _platform(self, platform: Platform) -> AsyncIterator[Record]:
        async for entry in self._tenants_unseen([platform.tenant_id]):
            yield entry
        self._platform_keys[platform.id] = platform.key
        yield platform

    async def _tenants_unseen(self, ids: Iterable[str]) -> AsyncIterator[Record]:
        """The tenants that were created after the export began."""
        unseen = sorted(set(ids) - self._tenants)
        if unseen:
            async with self._database.read() as connection:
                found = await tenants.tenants_by_ids(connection, unseen)
            self._tenants.update(unseen)
            for tenant in found:
                if tenant is not None:
                    yield tenant


class _Following(Generic[R]):
    """What belongs to users, who are asked for one after the other, read a page at a time."""

    def __init__(
        self,
        database: Database,
        read: Callable[[Connection, Sequence[str], tuple[str, str], int], Awaitable[list[R]]],
        user_ids: Sequence[str],
    ) -> None:
        self._database = database
        self._read = read
        self._user_ids = user_ids
        self._after: tuple[str, str] | None = ("", "")
        self._rows: deque[R] = deque()

    async def of(self, user_id: str) -> AsyncIterator[R]:
        while True:
            if not self._rows and self._after is not None:
                async with self._database.read() as connection:
                    page = await self._read(connection, self._user_ids, self._after, _ROWS)
                self._after = page[-1][:2] if len(page) == _ROWS else None
                self._rows.extend(page)
            if not self._rows or self._rows[0].user_id != user_id:
                return
            yield self._rows.popleft()


async def people_with(connection: Connection, ids: Sequence[str]) -> list[UserRecord]:
    """The users of these ids that there are, with their badges. Raises MalformedData."""
    found = [user for user in await users.by_ids(connection, ids) if user is not None]
    people = []
    for user, earned in zip(
        found, await badges.by_users(connection, [user.user_id for user in found]), strict=True
    ):
        if isinstance(earned, MalformedData):
            raise earned
        people.append(UserRecord(user, earned))
    return people
