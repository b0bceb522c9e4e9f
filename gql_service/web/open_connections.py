"""The connections that stay open: how many subscriptions they may have, and when they have to end."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from gql_service.auth.principal import Principal
from gql_service.errors import LimitExceeded, RequestError, Unavailable
from gql_service.services.background import report_failure
from gql_service.services.subscribers import Subscriber
from gql_service.settings import PREFIX
from gql_service.store.connection import Row
from gql_service.store.database import Database
from gql_service.web.authentication import Authenticator, Credentials

_CHECK_INTERVAL = 0.5
"""Seconds after which the tokens of open connections are read again: revocation works within a second."""
_MAX_CHECKED = 64
"""Tokens that are read at a time."""


class OpenConnection(Protocol):
    """A WebSocket, or the response with an event stream."""

    subscriber: Subscriber | None
    """None before the client has authenticated."""

    def revoke(self, error: RequestError) -> None:
        """End, because the token is not valid any more."""
        ...

    def drain(self) -> None:
        """End, because the server stops."""
        ...


class OpenConnections:
    """All of this process."""

    def __init__(
        self, authenticator: Authenticator, database: Database, clock: Callable[[], int], max_of_user: int
    ) -> None:
        """`max_of_user` is the number of subscriptions that one user may have here."""
        self._authenticator = authenticator
        self._database = database
        self._clock = clock
        self._connections: set[OpenConnection] = set()
        self._max_of_user = max_of_user
        self._subscriptions: Counter[str] = Counter()
        self._is_used = asyncio.Event()
        self.tasks = set[asyncio.Task[None]]()
        """Those of WebSockets. uvicorn's are for requests: their number tells whether one is alone."""
        self.is_draining = False

    def __len__(self) -> int:
        return len(self._connections)

    def check_open(self) -> None:
        """Raise Unavailable for a new connection while the server drains."""
        if self.is_draining:
            raise Unavailable("The server is about to stop. Connect again.")

    @contextmanager
    def opened(self, connection: OpenConnection) -> Iterator[None]:
        """While the connection is open."""
        self._connections.add(connection)
        self._is_used.set()
        try:
            yield
        finally:
            self._connections.discard(connection)

    @contextmanager
    def subscription(self, user_id: str) -> Iterator[None]:
        """Count a subscription of a user while it runs. Raises LimitExceeded."""
        if self._subscriptions[user_id] >= self._max_of_user:
            raise LimitExceeded(
                f"You have {self._max_of_user} subscriptions already ({PREFIX}MAX_USER_SUBSCRIPTIONS). "
                "Complete one first."
            )
        self._subscriptions[user_id] += 1
        try:
            yield
        finally:
            self._subscriptions[user_id] -= 1
            if not self._subscriptions[user_id]:
                del self._subscriptions[user_id]

    def drain(self) -> None:
        """End all connections, and refuse new ones. Clients open them to another server. Again has no effect:
        the server tells each of its connections, and each of them tells it here."""
        if not self.is_draining:
            self.is_draining = True
            for each in list(self._connections):
                each.drain()

    async def run(self) -> None:
        """End connections whose token is not valid any more, until cancelled."""
        while True:
            if not self._connections:
                self._is_used.clear()
                await self._is_used.wait()
            await asyncio.sleep(_CHECK_INTERVAL)
            try:
                await self._check()
            except Exception as error:
                report_failure(error)

    async def _check(self) -> None:
        """Read the tokens some at a time: requests must not wait until thousands are read."""
        version, now = await self._database.data_version(), self._clock()
        connections = defaultdict[bytes, list[tuple[OpenConnection, Subscriber]]](list)
        for each in self._connections:
            if each.subscriber is not None and each.subscriber.is_due(version, now):
                connections[each.subscriber.authorization].append((each, each.subscriber))
        presented = [Credentials(text, same[0][1].origin) for text, same in connections.items()]
        for start in range(0, len(presented), _MAX_CHECKED):
            some = presented[start : start + _MAX_CHECKED]
            callers = await self._authenticator.authenticate_all_again(some)
            for credentials, caller in zip(some, callers, strict=True):
                for each, subscriber in connections[credentials.authorization]:
                    _update(each, subscriber, caller, version)
            await asyncio.sleep(0)


def _update(
    connection: OpenConnection, subscriber: Subscriber, caller: Principal | RequestError, version: Row
) -> None:
    try:
        subscriber.update(caller, version)
    except Unavailable:  # the issuer: whether the token is valid is not known, as for requests
        return
    except RequestError as error:
        connection.revoke(error)
