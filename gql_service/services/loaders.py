"""The loaders: reads by key, gathered over all requests in flight into one statement each.

They live as long as the process and cache nothing.
"""

from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import TypeVar

from gql_service.auth.principal import Principal
from gql_service.auth.tokens import Token
from gql_service.domain import tenants
from gql_service.domain.definitions import definitions
from gql_service.domain.definitions.definitions import StoredDefinition
from gql_service.domain.documents import rows as documents
from gql_service.domain.documents.rows import DocumentKey, MetadataDocument
from gql_service.domain.history import changes as history
from gql_service.domain.history import point_in_time as rewinding
from gql_service.domain.history.point_in_time import Past
from gql_service.domain.pagination import Page, PageRequest
from gql_service.domain.search import members as search
from gql_service.domain.search.conditions import Searchability
from gql_service.domain.search.members import MemberSearch
from gql_service.domain.tenants import Platform
from gql_service.domain.users import access_tokens, badges, notifications
from gql_service.domain.users import rows as users
from gql_service.domain.users.access_tokens import AccessToken
from gql_service.domain.users.badges import EarnedBadge
from gql_service.domain.users.notifications import Notification
from gql_service.domain.users.rows import User
from gql_service.errors import BadUserInput, MalformedData
from gql_service.services.dataloader import DataLoader, K, T
from gql_service.store.connection import Connection
from gql_service.store.database import Database

L = TypeVar("L", bound=Hashable)


async def _by_second(
    connection: Connection,
    wanted: Sequence[tuple[K, L]],
    read: Callable[[Connection, Sequence[K], L], Awaitable[Sequence[T]]],
) -> list[T]:
    """Read what is wanted of several, all of whom the same is wanted of together."""
    askers: dict[L, list[K]] = {}
    for key, what in wanted:
        askers.setdefault(what, []).append(key)
    found: dict[tuple[K, L], T] = {}
    for what, keys in askers.items():
        read_now = await read(connection, keys, what)
        found |= {(key, what): each for key, each in zip(keys, read_now, strict=True)}
    return [found[each] for each in wanted]


class Loaders:
    """Every read that a resolver may ask for. Users and platforms that do not exist are None."""

    def __init__(self, database: Database, clock: Callable[[], int]) -> None:
        async def principals(
            connection: Connection, presented: Sequence[Token]
        ) -> Sequence[Principal | MalformedData | None]:
            return await access_tokens.principals(connection, presented, clock())

        async def pages(
            connection: Connection, wanted: Sequence[tuple[MemberSearch, PageRequest]]
        ) -> Sequence[Page[User]]:
            return [await search.page(connection, *each, clock()) for each in wanted]

        async def notification_pages(
            connection: Connection, wanted: Sequence[tuple[str, PageRequest]]
        ) -> Sequence[Page[Notification]]:
            return await _by_second(connection, wanted, notifications.pages_of_users)

        async def history_pages(
            connection: Connection, wanted: Sequence[tuple[DocumentKey, PageRequest]]
        ) -> Sequence[Page[history.ChangeRow]]:
            return await _by_second(connection, wanted, history.pages)

        async def pasts(
            connection: Connection, wanted: Sequence[tuple[DocumentKey, int]]
        ) -> Sequence[Past | BadUserInput]:
            return await _by_second(connection, wanted, rewinding.to_instant)

        async def counts(connection: Connection, wanted: Sequence[MemberSearch]) -> Sequence[int]:
            return [await search.count(connection, each, clock()) for each in wanted]

        self.principals: DataLoader[Token, Principal | MalformedData | None] = DataLoader(
            database, principals
        )
        """The caller behind a token; None where it is not valid now."""
        self.users: DataLoader[str, User | None] = DataLoader(database, users.by_ids)
        self.users_named: DataLoader[str, User | None] = DataLoader(database, users.by_usernames)
        self.platforms: DataLoader[str, Platform | None] = DataLoader(database, tenants.platforms_by_keys)
        self.definitions: DataLoader[str, list[StoredDefinition]] = DataLoader(
            database, definitions.stored_of_platforms
        )
        """The definitions of a platform id, in the order of their keys."""
        self.badges: DataLoader[str, list[EarnedBadge] | MalformedData] = DataLoader(
            database, badges.by_users
        )
        """The badges of a user id, oldest first."""
        self.tokens: DataLoader[str, list[AccessToken]] = DataLoader(database, access_tokens.of_users)
        """The access tokens of a user id, oldest first."""
        self.token_owners: DataLoader[str, str | None] = DataLoader(database, access_tokens.owners)
        """The user id behind the id of a token."""
        self.notifications: DataLoader[tuple[str, PageRequest], Page[Notification]] = DataLoader(
            database, notification_pages
        )
        """A page of the notifications of a user id, the newest first."""
        self.unread: DataLoader[str, int] = DataLoader(database, notifications.unread_counts)
        """How many notifications of a user id are unread."""
        self.documents: DataLoader[tuple[str, str], MetadataDocument] = DataLoader(
            database, documents.by_keys
        )
        """By user id and platform id; empty at revision 0 where nothing was ever written."""
        self.whole_documents: DataLoader[tuple[str, str], MetadataDocument] = DataLoader(
            database, documents.whole_by_keys
        )
        """The same, with what is known of each key."""
        self.histories: DataLoader[tuple[DocumentKey, PageRequest], Page[history.ChangeRow]] = DataLoader(
            database, history_pages, scans=True
        )
        """A page of the changes of a document, the newest first."""
        self.pasts: DataLoader[tuple[DocumentKey, int], Past | BadUserInput] = DataLoader(
            database, pasts, scans=True
        )
        """What was there at an instant of what a document has changed since."""
        self.members: DataLoader[tuple[MemberSearch, PageRequest], Page[User]] = DataLoader(
            database, pages, scans=True
        )
        """A page of the members of a tenant who meet a filter."""
        self.member_counts: DataLoader[MemberSearch, int] = DataLoader(database, counts, scans=True)
        self.searchable: DataLoader[tuple[str, str], Searchability] = DataLoader(
            database, search.searchability
        )
        """What is known of a key by a platform id and the key."""
