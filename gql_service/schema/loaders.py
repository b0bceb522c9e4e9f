"""The loaders: single reads, gathered over all requests in flight into one statement each.

They live as long as the process and cache nothing. A text key with a NUL character cannot exist, and
PostgreSQL refuses a whole statement for it, so it is answered here.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Any, Generic, TypeVar

from gql_service.auth.principal import Principal
from gql_service.auth.tokens import Token
from gql_service.domain import access_tokens, badges, documents, tenants, users
from gql_service.domain.badges import EarnedBadge
from gql_service.domain.documents import Document
from gql_service.domain.pages import Page, PageRequest
from gql_service.domain.tenants import Platform
from gql_service.domain.users import User
from gql_service.store.connection import Connection
from gql_service.store.database import Database

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")
Read = Callable[[Connection, Sequence[K]], Awaitable[Sequence[T]]]
_MAX_BATCH = 500


class Loader(Generic[K, T]):
    """Gathers the keys asked for in one turn of the event loop into one read.

    Every waiter has a future of its own, so one that is cancelled cancels nobody else.
    """

    def __init__(self, database: Database, read: Read[K, T]) -> None:
        self._database = database
        self._read = read
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: list[tuple[K, asyncio.Future[T]]] = []
        self._reading: set[asyncio.Task[None]] = set()

    def load(self, key: K) -> asyncio.Future[T]:
        """The value for a key, when it has been read."""
        loop = self._loop
        if loop is None:
            loop = self._loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        if not self._waiting:
            loop.call_soon(self._dispatch)
        self._waiting.append((key, future))
        return future

    def _dispatch(self) -> None:
        waiting, self._waiting = self._waiting, []
        for start in range(0, len(waiting), _MAX_BATCH):
            task = asyncio.create_task(self._load(waiting[start : start + _MAX_BATCH]))
            self._reading.add(task)  # the event loop itself would let go of it
            task.add_done_callback(self._reading.discard)

    async def _load(self, batch: list[tuple[K, asyncio.Future[T]]]) -> None:
        try:
            async with self._database.read() as connection:
                values = await self._read(connection, [key for key, _ in batch])
        except Exception as error:
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
            return
        for (_, future), value in zip(batch, values, strict=True):
            if not future.done():
                future.set_result(value)


class Loaders:
    """Every read that a resolver may ask for."""

    def __init__(self, database: Database, clock: Callable[[], int]) -> None:
        async def principals(
            connection: Connection, presented: Sequence[Token]
        ) -> Sequence[Principal | None]:
            return await access_tokens.principals(connection, presented, clock())

        async def pages(
            connection: Connection, wanted: Sequence[tuple[str, PageRequest, str | None]]
        ) -> Sequence[Page[User]]:
            return [await users.page_of_tenant(connection, *each) for each in wanted]

        async def counts(connection: Connection, wanted: Sequence[tuple[str, str | None]]) -> Sequence[int]:
            return [await users.count_of_tenant(connection, *each) for each in wanted]

        self._principals = Loader(database, principals)
        self._users = Loader(database, users.by_ids)
        self._users_named = Loader(database, users.by_usernames)
        self._platforms = Loader(database, tenants.platforms_by_keys)
        self._badges = Loader(database, badges.by_users)
        self._documents = Loader(database, documents.by_keys)
        self._pages = Loader(database, pages)
        self._counts = Loader(database, counts)

    def principal(self, token: Token) -> asyncio.Future[Principal | None]:
        """The caller behind a token; None where it is not valid now."""
        return self._principals.load(token)

    def user(self, user_id: str) -> asyncio.Future[User | None]:
        return _nothing() if "\0" in user_id else self._users.load(user_id)

    def user_named(self, username: str) -> asyncio.Future[User | None]:
        return _nothing() if "\0" in username else self._users_named.load(username)

    def platform(self, key: str) -> asyncio.Future[Platform | None]:
        return _nothing() if "\0" in key else self._platforms.load(key)

    def badges(self, user_id: str) -> asyncio.Future[list[EarnedBadge]]:
        """The badges of a user, oldest first."""
        return self._badges.load(user_id)

    def document(self, user_id: str, platform_id: str) -> asyncio.Future[Document]:
        """A document; an empty one at revision 0 where nothing was ever written."""
        return self._documents.load((user_id, platform_id))

    def members(
        self, tenant_id: str, request: PageRequest, username_prefix: str | None
    ) -> asyncio.Future[Page[User]]:
        """A page of the members of a tenant."""
        return self._pages.load((tenant_id, request, username_prefix))

    def member_count(self, tenant_id: str, username_prefix: str | None) -> asyncio.Future[int]:
        """How many members a tenant has."""
        return self._counts.load((tenant_id, username_prefix))


def _nothing() -> asyncio.Future[Any]:
    future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    future.set_result(None)
    return future
