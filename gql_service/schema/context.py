"""What resolvers are given: the services of the process and the caller of the request."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from gql_service.auth.policy import DocumentAccess, Policy, UserFacts
from gql_service.auth.principal import Principal
from gql_service.domain.access import find_document, find_document_of
from gql_service.domain.documents import Written
from gql_service.domain.values import Limits
from gql_service.errors import Unauthenticated
from gql_service.schema.loaders import Loaders
from gql_service.store.database import Database

Write = Callable[..., Awaitable[Written]]
"""A function of `domain.documents` that still lacks its transaction, access, limits and instant."""


@dataclass(frozen=True, slots=True)
class Services:
    """What lives as long as the process."""

    database: Database
    loaders: Loaders
    policy: Policy
    limits: Limits
    clock: Callable[[], int]
    """The current instant, in milliseconds."""


@dataclass(frozen=True, slots=True)
class Context:
    """One request: `principal` is None where no token was presented."""

    services: Services
    principal: Principal | None

    @property
    def viewer(self) -> Principal:
        """The caller. Raises Unauthenticated where there is none."""
        if self.principal is None:
            raise Unauthenticated
        return self.principal

    async def document(self, platform_key: str | None, username: str | None) -> DocumentAccess:
        """Open a document for the caller: see `domain.access.find_document`."""
        services = self.services
        return await find_document(services.loaders, services.policy, self.principal, platform_key, username)

    async def document_of(self, platform_key: str | None, user: UserFacts) -> DocumentAccess:
        """Open the document of a user who is at hand: see `domain.access.find_document_of`."""
        services = self.services
        return await find_document_of(services.loaders, services.policy, self.viewer, platform_key, user)

    async def write(self, access: DocumentAccess, work: Write) -> Written:
        """Write a document in one transaction. Raises Rejected."""
        services = self.services

        async def transaction(connection: AsyncConnection) -> Written:
            return await work(connection, access, limits=services.limits, now=services.clock())

        return await services.database.write(transaction)
