"""What resolvers are given: the services of the process and the caller of the request."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from gql_service.auth.access import DocumentAccess, PlatformAccess, UserFacts
from gql_service.auth.policy import Policy
from gql_service.auth.principal import Principal
from gql_service.domain.documents.access import (
    find_document,
    find_documents_named,
    find_documents_of,
    find_platform,
)
from gql_service.domain.documents.rows import MetadataDocument
from gql_service.domain.documents.visibility import DocumentView
from gql_service.domain.tenants import Platform
from gql_service.domain.users.rows import User
from gql_service.domain.values.validation import WriteSettings
from gql_service.domain.writes.changes import Change
from gql_service.domain.writes.digest_preconditions import NO_DIGESTS, ExpectedDigests
from gql_service.domain.writes.idempotency import IdempotencyKey, WriteResult
from gql_service.domain.writes.unit_of_work import Precondition, Write, any_revision
from gql_service.errors import RequestError, Unauthenticated
from gql_service.services.batch_writer import BatchWriter
from gql_service.services.loaders import Loaders
from gql_service.settings import Settings
from gql_service.store.connection import Connection
from gql_service.store.database import Database

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Services:
    """What lives as long as the process."""

    database: Database
    loaders: Loaders
    writer: BatchWriter
    policy: Policy
    rules: WriteSettings
    settings: Settings
    clock: Callable[[], int]
    """The current instant, in milliseconds."""


@dataclass(slots=True)
class Context:
    """One request: `principal` is None where no token was presented."""

    services: Services
    principal: Principal | None
    source: str = "graphql"
    """What the history of a document is to say of where its changes come from."""
    _platforms: dict[str, Awaitable[Platform | None]] = field(default_factory=dict)

    @property
    def viewer(self) -> Principal:
        """The caller. Raises Unauthenticated where there is none."""
        if self.principal is None:
            raise Unauthenticated
        return self.principal

    def platform(self, key: str) -> Awaitable[Platform | None]:
        """A platform, looked up once a request however many of its users are asked for theirs."""
        found = self._platforms.get(key)
        if found is None:
            found = self._platforms[key] = self.services.loaders.platforms.load(key)
        return found

    def user_named(self, username: str) -> Awaitable[User | None]:
        return self.services.loaders.users_named.load(username)

    def users_named(self, usernames: Sequence[str]) -> Awaitable[Sequence[User | None]]:
        return self.services.loaders.users_named.load_many(usernames)

    def access(self, platform_key: str | None, username: str | None) -> Awaitable[DocumentAccess]:
        """Find a document for the caller: see `domain.access.find_document`."""
        return find_document(self, self.services.policy, self.principal, platform_key, username)

    def platform_access(self, key: str) -> Awaitable[tuple[PlatformAccess, Platform]]:
        """A platform that the caller administers: see `domain.access.find_platform`."""
        return find_platform(self, self.services.policy, self.principal, key)

    def documents_named(
        self, platform: Platform, usernames: Sequence[str]
    ) -> Awaitable[list[DocumentAccess | None]]:
        """Find the documents of users for an admin: see `domain.access.find_documents_named`."""
        return find_documents_named(self, self.services.policy, self.viewer, platform, usernames)

    async def document(self, access: DocumentAccess) -> DocumentView:
        """Read a document that was found for the caller."""
        return self.view(access, await self.services.loaders.documents.load(access.key))

    async def documents_of(
        self, platform_key: str | None, users: Sequence[UserFacts]
    ) -> list[DocumentView | RequestError]:
        """Read the documents of users who are at hand: see `domain.access.find_documents_of`."""
        found = await find_documents_of(self, self.services.policy, self.viewer, platform_key, users)
        keys = [each.key for each in found if isinstance(each, DocumentAccess)]
        read = iter(await self.services.loaders.documents.load_many(keys))
        return [self.view(each, next(read)) if isinstance(each, DocumentAccess) else each for each in found]

    def view(self, access: DocumentAccess, document: MetadataDocument) -> DocumentView:
        """A document as the caller sees it now."""
        return DocumentView.of(access, document, self.services.rules.keys, self.services.clock)

    def write_with(self, work: Callable[[Connection, int], Awaitable[T]]) -> Awaitable[T]:
        """Run `work` in one transaction, given the current instant."""
        services = self.services
        return services.database.write(lambda connection: work(connection, services.clock()))

    def write(
        self,
        access: DocumentAccess,
        change: Change,
        precondition: Precondition = any_revision,
        idempotency_key: IdempotencyKey | None = None,
        expected: ExpectedDigests = NO_DIGESTS,
    ) -> Awaitable[WriteResult]:
        """Write a document in one transaction. Raises Rejected."""
        return self.services.writer.write(
            Write(access, change, precondition, self.source, idempotency_key, expected)
        )
