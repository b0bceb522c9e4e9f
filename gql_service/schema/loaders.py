"""The loaders: reads by key, gathered over all requests in flight into one statement each.

They live as long as the process and cache nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Hashable, Sequence
from typing import Any, Generic, TypeVar

from gql_service.auth.principal import Principal
from gql_service.auth.tokens import Token
from gql_service.domain import (
    access_tokens,
    badges,
    definitions,
    documents,
    history,
    notifications,
    rewinding,
    search,
    tenants,
    users,
)
from gql_service.domain.access_tokens import AccessToken
from gql_service.domain.badges import EarnedBadge
from gql_service.domain.conditions import Searchable
from gql_service.domain.definitions import StoredDefinition
from gql_service.domain.documents import Document, Key
from gql_service.domain.notifications import Notification
from gql_service.domain.pages import Page, PageRequest
from gql_service.domain.rewinding import Past
from gql_service.domain.search import Members
from gql_service.domain.tenants import Platform
from gql_service.domain.users import User
from gql_service.errors import BadUserInput, MalformedData
from gql_service.store.connection import Connection
from gql_service.store.database import Database

K = TypeVar("K", bound=Hashable)
L = TypeVar("L", bound=Hashable)
T = TypeVar("T")
Asked = tuple[Sequence[K], bool, asyncio.Future[Any]]
"""Keys that somebody waits for: for the value of the only one, or (True) for the list of many."""
Read = Callable[[Connection, Sequence[K]], Awaitable[Sequence[T]]]
_MAX_BATCH = 500
"""Keys of one statement; those that are asked for together stay together."""


class Loader(Generic[K, T]):
    """Gathers the keys asked for in one turn of the event loop into one read.

    Every waiter has a future of its own, so one that is cancelled cancels nobody else.
    """

    def __init__(self, database: Database, read: Read[K, T], *, scans: bool = False) -> None:
        self._database = database
        self._read = read
        self._waits = scans or not database.reads_inline
        self._loop: asyncio.AbstractEventLoop | None = None
        self._asked: list[Asked[K]] = []
        self._reading: set[asyncio.Task[None]] = set()

    def load(self, key: K) -> asyncio.Future[T]:
        """The value for a key, when it has been read."""
        return self._ask((key,), False)

    def load_many(self, keys: Sequence[K]) -> asyncio.Future[list[T]]:
        """The values for keys, in their order."""
        return self._ask(keys, True)

    def _ask(self, keys: Sequence[K], many: bool) -> asyncio.Future[Any]:
        loop = self._loop
        if loop is None:
            loop = self._loop = asyncio.get_running_loop()
        answer: asyncio.Future[Any] = loop.create_future()
        if not self._asked:
            loop.call_soon(self._dispatch)
        self._asked.append((keys, many, answer))
        return answer

    def _dispatch(self) -> None:
        asked, self._asked = self._asked, []
        if len(asked) == 1:
            self._start(asked)
            return
        batch: list[Asked[K]] = []
        size = 0
        for each in asked:
            if batch and size + len(each[0]) > _MAX_BATCH:
                self._start(batch)
                batch, size = [], 0
            batch.append(each)
            size += len(each[0])
        self._start(batch)

    def _start(self, batch: list[Asked[K]]) -> None:
        reading = self._load(batch)
        if not self._waits:
            _finish(reading)  # a task costs more than the read
            return
        task = asyncio.create_task(reading)
        self._reading.add(task)  # the event loop itself would let go of it
        task.add_done_callback(self._reading.discard)

    async def _load(self, batch: list[Asked[K]]) -> None:
        try:
            async with self._database.read() as connection:
                values = await self._read(connection, [key for keys, _, _ in batch for key in keys])
        except Exception as error:
            for _, _, answer in batch:
                if not answer.done():
                    answer.set_exception(error)
            return
        start = 0
        for keys, many, answer in batch:
            end = start + len(keys)
            if not answer.done():
                answer.set_result(values[start:end] if many else values[start])
            start = end


def _finish(coroutine: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine that never waits to its end."""
    try:
        coroutine.send(None)
    except StopIteration:
        return
    coroutine.close()
    raise RuntimeError("a loader whose reads wait must say that it scans")


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
            connection: Connection, wanted: Sequence[tuple[Members, PageRequest]]
        ) -> Sequence[Page[User]]:
            return [await search.page(connection, *each, clock()) for each in wanted]

        async def notification_pages(
            connection: Connection, wanted: Sequence[tuple[str, PageRequest]]
        ) -> Sequence[Page[Notification]]:
            return await _by_second(connection, wanted, notifications.pages_of_users)

        async def history_pages(
            connection: Connection, wanted: Sequence[tuple[Key, PageRequest]]
        ) -> Sequence[Page[history.Row]]:
            return await _by_second(connection, wanted, history.pages)

        async def pasts(
            connection: Connection, wanted: Sequence[tuple[Key, int]]
        ) -> Sequence[Past | BadUserInput]:
            return await _by_second(connection, wanted, rewinding.to_instant)

        async def counts(connection: Connection, wanted: Sequence[Members]) -> Sequence[int]:
            return [await search.count(connection, each, clock()) for each in wanted]

        self.principals: Loader[Token, Principal | MalformedData | None] = Loader(database, principals)
        """The caller behind a token; None where it is not valid now."""
        self.users: Loader[str, User | None] = Loader(database, users.by_ids)
        self.users_named: Loader[str, User | None] = Loader(database, users.by_usernames)
        self.platforms: Loader[str, Platform | None] = Loader(database, tenants.platforms_by_keys)
        self.definitions: Loader[str, list[StoredDefinition]] = Loader(
            database, definitions.stored_of_platforms
        )
        """The definitions of a platform id, in the order of their keys."""
        self.badges: Loader[str, list[EarnedBadge] | MalformedData] = Loader(database, badges.by_users)
        """The badges of a user id, oldest first."""
        self.tokens: Loader[str, list[AccessToken]] = Loader(database, access_tokens.of_users)
        """The access tokens of a user id, oldest first."""
        self.token_owners: Loader[str, str | None] = Loader(database, access_tokens.owners)
        """The user id behind the id of a token."""
        self.notifications: Loader[tuple[str, PageRequest], Page[Notification]] = Loader(
            database, notification_pages
        )
        """A page of the notifications of a user id, the newest first."""
        self.unread: Loader[str, int] = Loader(database, notifications.unread_counts)
        """How many notifications of a user id are unread."""
        self.documents: Loader[tuple[str, str], Document] = Loader(database, documents.by_keys)
        """By user id and platform id; empty at revision 0 where nothing was ever written."""
        self.whole_documents: Loader[tuple[str, str], Document] = Loader(database, documents.whole_by_keys)
        """The same, with what is known of each key."""
        self.histories: Loader[tuple[Key, PageRequest], Page[history.Row]] = Loader(
            database, history_pages, scans=True
        )
        """A page of the changes of a document, the newest first."""
        self.pasts: Loader[tuple[Key, int], Past | BadUserInput] = Loader(database, pasts, scans=True)
        """What was there at an instant of what a document has changed since."""
        self.members: Loader[tuple[Members, PageRequest], Page[User]] = Loader(database, pages, scans=True)
        """A page of the members of a tenant who meet a filter."""
        self.member_counts: Loader[Members, int] = Loader(database, counts, scans=True)
        self.searchable: Loader[tuple[str, str], Searchable] = Loader(database, search.searchable)
        """What is known of a key by a platform id and the key."""
