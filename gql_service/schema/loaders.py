"""The loaders: single reads, gathered over all requests in flight into one statement each.

They live as long as the process and cache nothing. A text key with a NUL character cannot exist, and
PostgreSQL refuses a whole statement for it, so it is answered here.
"""

from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection
from strawberry.dataloader import DataLoader

from gql_service.auth.principal import Principal
from gql_service.auth.tokens import Token
from gql_service.domain import access_tokens, badges, documents, tenants, users
from gql_service.domain.badges import EarnedBadge
from gql_service.domain.documents import Document
from gql_service.domain.tenants import Platform
from gql_service.domain.users import User
from gql_service.store.database import Database

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")
_MAX_BATCH = 500


class Loaders:
    """Every read by key that a resolver may ask for."""

    def __init__(self, database: Database, clock: Callable[[], int]) -> None:
        def gather(
            read: Callable[[AsyncConnection, Sequence[K]], Awaitable[Sequence[T]]],
        ) -> DataLoader[K, T]:
            async def load(keys: list[K]) -> Sequence[T]:
                async with database.read() as connection:
                    return await read(connection, keys)

            return DataLoader(load_fn=load, cache=False, max_batch_size=_MAX_BATCH)

        async def principals(
            connection: AsyncConnection, presented: Sequence[Token]
        ) -> Sequence[Principal | None]:
            return await access_tokens.principals(connection, presented, clock())

        self._principals = gather(principals)
        self._users = gather(users.by_ids)
        self._users_named = gather(users.by_usernames)
        self._platforms = gather(tenants.platforms_by_keys)
        self._badges = gather(badges.by_users)
        self._documents = gather(documents.by_keys)

    async def principal(self, token: Token) -> Principal | None:
        """The caller behind a token; None where it is not valid now."""
        return await self._principals.load(token)

    async def user(self, id: str) -> User | None:
        return None if "\0" in id else await self._users.load(id)

    async def user_named(self, username: str) -> User | None:
        return None if "\0" in username else await self._users_named.load(username)

    async def platform(self, key: str) -> Platform | None:
        return None if "\0" in key else await self._platforms.load(key)

    async def badges(self, user_id: str) -> list[EarnedBadge]:
        """The badges of a user, oldest first."""
        return await self._badges.load(user_id)

    async def document(self, user_id: str, platform_id: str) -> Document:
        """A document; an empty one at revision 0 where nothing was ever written."""
        return await self._documents.load((user_id, platform_id))
