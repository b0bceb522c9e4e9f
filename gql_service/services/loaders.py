"""The data loaders: reads by key. Concurrent reads of all requests are combined into one statement.

The loaders live as long as the process, and cache nothing.
"""

from collections.abc import Awaitable, Callable, Hashable, Iterator, Sequence
from functools import partial
from typing import TypeVar

from gql_service.auth.claims import Claims, JwtRefusal
from gql_service.auth.policy import Policy
from gql_service.auth.principal import Principal
from gql_service.auth.tokens import Token
from gql_service.domain import tenants
from gql_service.domain.definitions import definitions
from gql_service.domain.definitions import history as definition_history
from gql_service.domain.definitions.definitions import StoredDefinition
from gql_service.domain.definitions.history import DefinitionChange
from gql_service.domain.documents import rows as documents
from gql_service.domain.documents.rows import DocumentKey, MetadataDocument
from gql_service.domain.events import feed
from gql_service.domain.events.feed import PositionedEvent
from gql_service.domain.flags import state as flag_states
from gql_service.domain.flags.state import FlagState
from gql_service.domain.history import changes as history
from gql_service.domain.history import point_in_time
from gql_service.domain.history.point_in_time import Past
from gql_service.domain.pagination import Page, PageRequest
from gql_service.domain.search import directory, ordered
from gql_service.domain.search import members as search
from gql_service.domain.search.conditions import Searchability
from gql_service.domain.search.directory import UserSearch
from gql_service.domain.search.members import MemberSearch, SearchKey
from gql_service.domain.tenants import Platform, Tenant
from gql_service.domain.users import access_tokens, badges, changes, identities, notifications
from gql_service.domain.users import rows as users
from gql_service.domain.users.access_tokens import AccessToken, TokenRefusal
from gql_service.domain.users.badges import EarnedBadge
from gql_service.domain.users.changes import UserChange
from gql_service.domain.users.identities import Identity
from gql_service.domain.users.notifications import Notification
from gql_service.domain.users.rows import User
from gql_service.domain.webhooks import deliveries, webhooks
from gql_service.domain.webhooks.deliveries import Delivery
from gql_service.domain.webhooks.webhooks import Webhook
from gql_service.errors import EventsDeleted, MalformedData, RequestError
from gql_service.services.dataloader import DataLoader, K, T
from gql_service.store.connection import Connection
from gql_service.store.database import Database, ReadSource

P = TypeVar("P", bound=Hashable)


OnBatch = Callable[[str, int, float], None]
"""See `DataLoader.observe`. The name of the loader is first."""


class _LoaderGroup:
    """Loaders by their names: each attribute is one."""

    def waiting(self) -> Iterator[tuple[str, int]]:
        """The name of each loader, and how many keys wait to be read."""
        for name, loader in vars(self).items():
            yield name, loader.waiting

    def observe(self, on_batch: OnBatch) -> None:
        """From now on, call `on_batch` after each read."""
        for name, loader in vars(self).items():
            loader.observe(partial(on_batch, name))


async def _grouped(
    connection: Connection,
    requests: Sequence[tuple[K, P]],
    read: Callable[[Connection, Sequence[K], P], Awaitable[Sequence[T]]],
) -> list[T]:
    """Read the values of `(key, parameter)` pairs, with one `read` for all keys of the same parameter."""
    keys_by_parameter: dict[P, list[K]] = {}
    for key, parameter in requests:
        keys_by_parameter.setdefault(parameter, []).append(key)
    values: dict[tuple[K, P], T] = {}
    for parameter, keys in keys_by_parameter.items():
        group = await read(connection, keys, parameter)
        values |= {(key, parameter): each for key, each in zip(keys, group, strict=True)}
    return [values[each] for each in requests]


async def _event_page(
    connection: Connection, tenant_id: str, platform_id: str, request: PageRequest
) -> Page[PositionedEvent] | RequestError:
    try:
        return await feed.page(connection, tenant_id, platform_id, request)
    except EventsDeleted as error:
        return error


class ListLoaders(_LoaderGroup):
    """The searches, histories and lists that resolvers read, from one source: they may be a little behind.

    Resolvers get them from the context of their request, which knows the source.
    """

    def __init__(self, source: ReadSource, clock: Callable[[], int]) -> None:
        async def pages(
            connection: Connection, requests: Sequence[tuple[MemberSearch | UserSearch, PageRequest]]
        ) -> Sequence[Page[User]]:
            now, found = clock(), list[Page[User]]()
            for wanted, request in requests:
                if isinstance(wanted, UserSearch):
                    found.append(await directory.page(connection, wanted, request))
                else:
                    read = ordered.page if wanted.order else search.page
                    found.append(await read(connection, wanted, request, now))
            return found

        async def notification_pages(
            connection: Connection, requests: Sequence[tuple[str, PageRequest]]
        ) -> Sequence[Page[Notification]]:
            return await _grouped(connection, requests, notifications.pages_of_users)

        async def change_pages(
            connection: Connection, requests: Sequence[tuple[str, PageRequest]]
        ) -> Sequence[Page[UserChange]]:
            return [await changes.page_of_user(connection, *each) for each in requests]

        async def history_pages(
            connection: Connection, requests: Sequence[tuple[DocumentKey, PageRequest]]
        ) -> Sequence[Page[history.ChangeRow]]:
            return await _grouped(connection, requests, history.pages)

        async def counts(
            connection: Connection, requests: Sequence[MemberSearch | UserSearch]
        ) -> Sequence[int]:
            now, found = clock(), list[int]()
            for each in requests:
                if isinstance(each, UserSearch):
                    found.append(await directory.count(connection, each))
                else:
                    found.append(await search.count(connection, each, now))
            return found

        async def event_pages(
            connection: Connection, requests: Sequence[tuple[str, str, PageRequest]]
        ) -> Sequence[Page[PositionedEvent] | RequestError]:
            return [await _event_page(connection, *each) for each in requests]

        self.members: DataLoader[tuple[MemberSearch | UserSearch, PageRequest], Page[User]] = DataLoader(
            source, pages, scans=True
        )
        """By search and page: the matching members of a tenant."""
        self.member_counts: DataLoader[MemberSearch | UserSearch, int] = DataLoader(
            source, counts, scans=True
        )
        self.histories: DataLoader[tuple[DocumentKey, PageRequest], Page[history.ChangeRow]] = DataLoader(
            source, history_pages, scans=True
        )
        """By document and page: changes, newest first."""
        self.pruned_until: DataLoader[DocumentKey, int | None] = DataLoader(
            source, history.pruned_until, scans=True
        )
        """By document: up to which instant its changes were pruned."""
        self.notifications: DataLoader[tuple[str, PageRequest], Page[Notification]] = DataLoader(
            source, notification_pages
        )
        """By user id and page: notifications, newest first."""
        self.user_changes: DataLoader[tuple[str, PageRequest], Page[UserChange]] = DataLoader(
            source, change_pages, scans=True
        )
        """By user id and page: changes of the user, newest first."""
        self.event_pages: DataLoader[tuple[str, str, PageRequest], Page[PositionedEvent] | RequestError] = (
            DataLoader(source, event_pages)
        )
        """By tenant, platform id and page: events."""
        self.unread: DataLoader[str, int] = DataLoader(source, notifications.unread_counts)
        """By user id: the number of unread notifications."""


class Loaders(_LoaderGroup):
    """All other reads that resolvers use, from the primary. The value is None for users and platforms that do
    not exist."""

    def __init__(
        self, database: Database, clock: Callable[[], int], max_read_size: int, policy: Policy
    ) -> None:
        async def principals(
            connection: Connection, requests: Sequence[Token]
        ) -> Sequence[Principal | MalformedData | TokenRefusal]:
            return await access_tokens.principals(connection, requests, policy, clock())

        async def jwt_principals(
            connection: Connection, requests: Sequence[Claims]
        ) -> Sequence[Principal | MalformedData | JwtRefusal | None]:
            return await identities.principals(connection, requests, policy, clock())

        async def pasts(
            connection: Connection, requests: Sequence[tuple[DocumentKey, int]]
        ) -> Sequence[Past | RequestError]:
            read = partial(point_in_time.to_instant, max_size=max_read_size)
            return await _grouped(connection, requests, read)

        async def by_emails(
            connection: Connection, requests: Sequence[tuple[str, str]]
        ) -> Sequence[User | None]:
            async def of_tenant(
                connection: Connection, emails: Sequence[str], tenant_id: str
            ) -> list[User | None]:
                return await users.by_emails(connection, tenant_id, emails)

            return await _grouped(connection, requests, of_tenant)

        async def states(
            connection: Connection, requests: Sequence[tuple[str, str]]
        ) -> Sequence[FlagState | None]:
            return await _grouped(connection, requests, flag_states.of_users)

        async def platform_pages(
            connection: Connection, requests: Sequence[tuple[tuple[str, ...] | None, PageRequest]]
        ) -> Sequence[Page[Platform]]:
            return [await tenants.page_of_platforms(connection, *each) for each in requests]

        async def document_pages(
            connection: Connection, requests: Sequence[tuple[str, tuple[str, ...], PageRequest]]
        ) -> Sequence[Page[MetadataDocument]]:
            return [await documents.page_of_user(connection, *each) for each in requests]

        async def delivery_pages(
            connection: Connection, requests: Sequence[tuple[str, PageRequest]]
        ) -> Sequence[Page[Delivery]]:
            return await _grouped(connection, requests, deliveries.pages)

        async def tenant_pages(
            connection: Connection, requests: Sequence[PageRequest]
        ) -> Sequence[Page[Tenant]]:
            return [await tenants.page_of_tenants(connection, each) for each in requests]

        self.principals: DataLoader[Token, Principal | MalformedData | TokenRefusal] = DataLoader(
            database, principals
        )
        """The caller with a token, or why it is not valid now."""
        self.jwt_principals: DataLoader[Claims, Principal | MalformedData | JwtRefusal | None] = DataLoader(
            database, jwt_principals
        )
        """The caller with a verified JWT, or why it is not valid now; None if its identity is not linked."""
        self.users: DataLoader[str, User | None] = DataLoader(database, users.by_ids)
        self.users_named: DataLoader[str, User | None] = DataLoader(database, users.by_usernames)
        self.users_by_email: DataLoader[tuple[str, str], User | None] = DataLoader(database, by_emails)
        """By email address and home tenant."""
        self.platforms: DataLoader[str, Platform | None] = DataLoader(database, tenants.platforms_by_keys)
        self.platform_pages: DataLoader[tuple[tuple[str, ...] | None, PageRequest], Page[Platform]] = (
            DataLoader(database, platform_pages, scans=True)
        )
        """By tenants (None: all) and page: their platforms, ordered by key."""
        self.document_pages: DataLoader[tuple[str, tuple[str, ...], PageRequest], Page[MetadataDocument]] = (
            DataLoader(database, document_pages, scans=True)
        )
        """By user id, tenants and page: the documents on platforms of these, and the user-wide one."""
        self.tenant_pages: DataLoader[PageRequest, Page[Tenant]] = DataLoader(
            database, tenant_pages, scans=True
        )
        self.platforms_by_id: DataLoader[str, Platform | None] = DataLoader(
            database, tenants.platforms_by_ids
        )
        self.definitions: DataLoader[str, list[StoredDefinition]] = DataLoader(
            database, definitions.stored_of_platforms
        )
        """By platform id: its definitions, ordered by key."""
        self.definition_versions: DataLoader[str, tuple[int, int]] = DataLoader(
            database, definition_history.versions
        )
        """By platform id: what changes with every change of its definitions."""
        self.flag_states: DataLoader[tuple[str, str], FlagState | None] = DataLoader(database, states)
        """By user id and platform key: what decides the flags; None if the platform does not exist."""
        self.definition_changes: DataLoader[
            tuple[tuple[str, str | None], PageRequest], Page[DefinitionChange]
        ] = DataLoader(database, definition_history.pages, scans=True)
        """By platform id, with a key or None, and page: changes of definitions, newest first."""
        self.webhooks: DataLoader[str, list[Webhook]] = DataLoader(database, webhooks.of_platforms)
        """By platform id: its webhooks, oldest first."""
        self.delivery_pages: DataLoader[tuple[str, PageRequest], Page[Delivery]] = DataLoader(
            database, delivery_pages
        )
        """By webhook id and page: deliveries, newest first."""
        self.badges: DataLoader[str, list[EarnedBadge] | MalformedData] = DataLoader(
            database, badges.by_users
        )
        """By user id: the earned badges, oldest first."""
        self.tokens: DataLoader[str, list[AccessToken]] = DataLoader(database, access_tokens.of_users)
        """By user id: the access tokens, oldest first."""
        self.identities: DataLoader[str, list[Identity]] = DataLoader(database, identities.of_users)
        """By user id: the linked identities, oldest link first."""
        self.token_owners: DataLoader[str, str | None] = DataLoader(database, access_tokens.owners)
        """By token id: the id of its user."""
        self.documents: DataLoader[tuple[str, str], MetadataDocument] = DataLoader(
            database, documents.by_keys
        )
        """By user id and platform id: the document; empty at revision 0 if it was never written."""
        self.documents_with_attributes: DataLoader[tuple[str, str], MetadataDocument] = DataLoader(
            database, documents.by_keys_with_attributes
        )
        """The same, with the attributes of each entry: flags, validity, category and so on."""
        self.document_attributes: DataLoader[MetadataDocument, MetadataDocument] = DataLoader(
            database, documents.with_attributes
        )
        """The same for documents that were read without their attributes."""
        self.pasts: DataLoader[tuple[DocumentKey, int], Past | RequestError] = DataLoader(
            database, pasts, scans=True
        )
        """By document and instant: the old values of what has changed since."""
        self.searchable: DataLoader[tuple[str, str], Searchability] = DataLoader(
            database, search.searchability
        )
        """By platform id and key: how the key can be searched."""
        self.text_counts: DataLoader[SearchKey, int] = DataLoader(database, search.text_counts, scans=True)
        """How many texts of a key are indexed."""
