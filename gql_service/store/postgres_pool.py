"""Connections to PostgreSQL: how one is opened, and the pool that lends them."""

import asyncio
import socket
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from gql_service.errors import BadUserInput
from gql_service.settings import Settings
from gql_service.store.connection import DatabaseLoad
from gql_service.store.postgres_url import DATABASE_URL, REPLICA_URL, ConnectionPlan, parse_postgres_url

try:
    import asyncpg
except ModuleNotFoundError:  # the extra `postgres` is not installed; SQLite does not need it
    if not TYPE_CHECKING:
        asyncpg = None

_LONGEST_CONNECT = 10.0
"""Seconds after which a host is given up, however long statements may take."""
_GRACE = 0.5
"""Seconds by which the limits differ. That of a lock comes first, to be told from that of a statement; our
own comes last, because a session that the server has stopped can still be used."""
_PROBES = 3


class Connector:
    """Opens connections. Tries the host that was reached last first, because after a failover the one before
    it may be silent."""

    def __init__(
        self, settings: Settings, plan: ConnectionPlan | None = None, variable: str = REPLICA_URL
    ) -> None:
        """By default, to the database of the settings. `variable` is the setting that a plan comes from.

        Raises BadUserInput if the URL asks for what cannot be done.
        """
        if asyncpg is None:
            raise ModuleNotFoundError("PostgreSQL needs an extra: pip install 'gql-service[postgres]'")
        self._plan = plan or parse_postgres_url(settings.database_url)
        self._variable = DATABASE_URL if plan is None else variable
        self._hosts = list(self._plan.hosts)
        patience = min(settings.database_timeout, _LONGEST_CONNECT)
        self.connect_timeout = self._plan.connect_timeout or patience / max(len(self._hosts), 1)
        self._socket_options = _socket_options(max(int(patience), 1), self._plan.socket_options)
        self._options = {"server_settings": dict(self._plan.server_settings)}
        if settings.database_pooler:
            self._options["statement_cache_size"] = 0  # type: ignore[assignment]

    async def connect(self, **options: Any) -> Any:
        """Raises what asyncpg raises, or OSError. `options` are more arguments of asyncpg."""
        settings = self._options["server_settings"] | options.pop("server_settings", {})
        arguments = self._options | self._plan.arguments | options | {"server_settings": settings}
        if not self._hosts:
            return self._watch(await self._open(arguments))
        failure: Exception | None = None
        for address in tuple(self._hosts):
            try:
                raw = await self._open(arguments | {"host": address[0], "port": address[1]})
            except (OSError, asyncpg.PostgresError, asyncpg.TargetServerAttributeNotMatched) as error:
                # That a host is only a standby says more than that another one is down.
                if not isinstance(failure, asyncpg.TargetServerAttributeNotMatched):
                    failure = error
                continue
            self._hosts.remove(address)
            self._hosts.insert(0, address)
            return self._watch(raw)
        assert failure is not None
        raise failure

    async def _open(self, arguments: Mapping[str, Any]) -> Any:
        try:
            return await asyncpg.connect(self._plan.dsn, timeout=self.connect_timeout, **arguments)
        except asyncpg.ClientConfigurationError as error:
            raise BadUserInput(f"{self._variable}: {error}") from error

    def _watch(self, raw: Any) -> Any:
        """Let the kernel end the connection if the peer is gone without a word."""
        sock = raw._transport.get_extra_info("socket")  # asyncpg has no public way to it
        if sock is not None and sock.family in (socket.AF_INET, socket.AF_INET6):
            for level, option, value in self._socket_options:
                sock.setsockopt(level, option, value)
        return raw


def _socket_options(seconds: int, requested: Mapping[str, int]) -> list[tuple[int, int, int]]:
    """By default, a peer that is silent for `seconds` is asked, and given up after as many seconds again."""
    found = [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, requested.get("keepalives", 1))]
    for name, constant, default in (
        ("keepalives_idle", "TCP_KEEPIDLE", seconds),
        ("keepalives_interval", "TCP_KEEPINTVL", max(seconds // _PROBES, 1)),
        ("keepalives_count", "TCP_KEEPCNT", _PROBES),
        ("tcp_user_timeout", "TCP_USER_TIMEOUT", 2 * seconds * 1000),
    ):
        if hasattr(socket, constant):  # not every system has them all
            found.append((socket.IPPROTO_TCP, getattr(socket, constant), requested.get(name, default)))
    return found


class Lease:
    """A connection while it is lent."""

    __slots__ = ("pid", "raw")

    def __init__(self, raw: Any) -> None:
        self.raw = raw
        self.pid: int = raw.get_server_pid()


class PostgresPool:
    """asyncpg's pool, of which no operation waits longer than the deadline."""

    def __init__(self, settings: Settings, replica: ConnectionPlan | None = None) -> None:
        """See `Connector`."""
        self._settings = settings
        self._connector = Connector(settings, replica)
        self._pool: Any = None
        self._connections: WeakSet[Any] = WeakSet()
        self._lent: set[int] = set()
        self.deadline = settings.database_timeout + 2 * _GRACE
        """Seconds after which a connection that does not answer is given up."""
        self.begin = "BEGIN"
        """Starts a transaction. Behind a pooler it also sets the limits, which belong to no session there."""
        if settings.database_pooler:
            limits = (f"SET LOCAL {name} = '{value}'" for name, value in self._limits().items())
            self.begin = "; ".join(["BEGIN", *limits])

    def load(self) -> DatabaseLoad:
        """How many connections are lent, idle and possible."""
        size, used = self._settings.database_pool_size, len(self._lent)
        idle = self._pool.get_idle_size() if self._pool is not None else 0
        return DatabaseLoad(0, used, idle, size)

    async def acquire(self) -> Lease:
        pool = self._pool
        if pool is None:  # creating it does not wait, because it connects later
            pool = self._pool = await self._create()
        lease = Lease(await pool.acquire(timeout=self.deadline))
        self._lent.add(lease.pid)
        return lease

    async def release(self, lease: Lease) -> None:
        """Take the connection back, unless it was terminated. It must not be in a transaction."""
        self._lent.discard(lease.pid)
        await self._pool.release(lease.raw)

    def terminate(self, lease: Lease) -> None:
        """End the connection at once, and those that nobody uses: they are probably in the same state."""
        with suppress(asyncpg.InterfaceError):  # it has ended already
            lease.raw.terminate()
        self._lent.discard(lease.pid)
        self.terminate_idle()

    def terminate_idle(self) -> None:
        for raw in list(self._connections):
            if not raw.is_closed() and raw.get_server_pid() not in self._lent:
                raw.terminate()

    def terminate_all(self) -> None:
        """End all connections, those in use as well: the server is silent."""
        for raw in list(self._connections):
            if not raw.is_closed():
                raw.terminate()

    async def close(self) -> None:
        """Wait for the connections that are lent; end those that do not come back in time."""
        if self._pool is None:
            return
        try:
            async with asyncio.timeout(self.deadline):
                await self._pool.close()
        except TimeoutError:
            pass  # then asyncpg has terminated them

    async def _create(self) -> Any:
        return await asyncpg.create_pool(
            min_size=0,  # or asyncpg would reconnect in the background, with its own log lines
            max_size=self._settings.database_pool_size,
            connect=self._connect,
            reset=_keep_session,
        )

    async def _connect(self, *_arguments: Any, **options: Any) -> Any:
        if not self._settings.database_pooler:
            options["server_settings"] = self._limits()
        raw = await self._connector.connect(**options)
        self._connections.add(raw)
        return raw

    def _limits(self) -> dict[str, str]:
        seconds = self._settings.database_timeout
        return {
            "jit": "off",
            "lock_timeout": _milliseconds(seconds),
            "statement_timeout": _milliseconds(seconds + _GRACE),
            "idle_in_transaction_session_timeout": _milliseconds(seconds + _GRACE),
        }


def _milliseconds(seconds: float) -> str:
    return str(int(seconds * 1000))


async def _keep_session(_raw: Any) -> None:
    """Replaces the reset of asyncpg, a round trip per use: no statement here changes the session."""
