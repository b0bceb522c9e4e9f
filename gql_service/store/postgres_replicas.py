"""Streaming replicas of PostgreSQL, for reads that may be a little behind.

How far a replica is behind is measured without comparing clocks: the primary is asked for its position a few
times per second. A replica that has reached a position has all that was committed before the primary was
asked for it, so it is behind by the time since then at most. `pg_last_xact_replay_timestamp()` would not do:
it stands still on an idle primary, and does not tell whether more was written.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from time import monotonic
from typing import Any

from gql_service.observability.database_log import report_database_error, report_replica
from gql_service.settings import Settings
from gql_service.store.connection import Connection, Row
from gql_service.store.positions import (
    PRIMARY_POSITION,
    REPLICA_POSITION,
    Position,
    parse_primary,
    parse_replica,
)
from gql_service.store.postgres import PostgresDatabase
from gql_service.store.postgres_errors import is_stale, reason
from gql_service.store.postgres_pool import PostgresPool
from gql_service.store.postgres_session import PostgresReader
from gql_service.store.postgres_url import REPLICA_URL, ConnectionPlan, parse_postgres_url
from gql_service.store.statement import Statement
from gql_service.store.turn import Turn

_INTERVAL = 0.25
"""Seconds between two questions to a server."""
_PATIENCE = 2.0
"""Seconds after which a server that does not tell its position, or does not accept a connection, is taken for
silent."""
NOT_ASKED = "It was not asked yet."
NO_REPLICA = "It is not a replica: it replays no log."
OTHER_DATABASE = "It is not a replica of this database."
OTHER_TIMELINE = "It is not known to follow the present primary, which was promoted."
BEHIND = "It is too far behind."


class PostgresReplica:
    """See `store.database.Replica`."""

    reads_inline = False

    def __init__(self, settings: Settings, plan: ConnectionPlan, primary: PostgresDatabase) -> None:
        """`plan` has one host at most: of several, each may have replayed another part of the log."""
        self.name = "{}:{}".format(*plan.hosts[0]) if plan.hosts else "replica"
        self.problem: str | None = NOT_ASKED
        self.position: Position | None = None
        """How far it has replayed the log, when it was asked last."""
        self._fresh_at: float | None = None
        """It has all that was committed before this time, by `time.monotonic`."""
        self._max_lag = settings.replica_max_lag
        self._in_transaction = settings.database_pooler
        self._primary = primary
        self.turn = Turn()
        self._pool = PostgresPool(settings, plan)
        self._finishing: set[asyncio.Task[None]] = set()

    @property
    def inline_reader(self) -> Connection:
        raise RuntimeError("Every read of PostgreSQL waits.")

    @property
    def lag(self) -> float | None:
        return None if self._fresh_at is None else monotonic() - self._fresh_at

    def has(self, position: Position | None) -> bool:
        if self.problem is not None or self._fresh_at is None or self.position is None:
            return False
        if monotonic() - self._fresh_at > self._max_lag:
            return False
        return position is None or position.is_reached_by(self.position)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Connection]:
        """Where a statement fails on the replica, it and the following ones are run on the primary."""
        async with AsyncExitStack() as stack:
            yield _Reader(self, stack, self._primary)  # type: ignore[misc]

    async def fetch(self, statement: Statement, parameters: dict[str, Any]) -> Sequence[Row]:
        """Run a query on the replica. Raises what the driver raises."""
        primary = self._primary
        reader = PostgresReader(
            self._pool, primary.observers, primary.on_statement, in_transaction=self._in_transaction
        )
        try:
            await reader.open()
            rows = await reader.fetch(statement, **parameters)
        except asyncio.CancelledError:
            self._finish(reader.close())  # a silent server must not hold the request up
            raise
        except Exception:
            await reader.close()
            raise
        await reader.close()
        return rows

    def note_failure(self, error: Exception, statement: Statement) -> None:
        """Log a failed statement. A replica that is gone is not used until it answers again."""
        name = getattr(error, "sqlstate", None) or type(error).__name__
        message = f"The primary answers instead of the replica {self.name}."
        report_database_error(str(name), statement.name, message)
        if isinstance(error, TimeoutError) or is_stale(error):
            self._change(_unreachable(error))

    async def ask(self, history: Sequence[tuple[float, Position]]) -> None:
        """Ask how far it is, and compare that with the positions of the primary, by the time before each
        question. Never raises."""
        try:
            async with asyncio.timeout(_PATIENCE):
                self.position = parse_replica(await self.fetch(REPLICA_POSITION, {}))
        except TimeoutError as error:
            self._pool.terminate_all()  # ends the reads that wait for it; the primary answers them
            self._change(_unreachable(error))
        except Exception as error:  # whatever it is, the primary can do without the replica
            self._change(_unreachable(error))
        else:
            self._compare(history)

    def _compare(self, history: Sequence[tuple[float, Position]]) -> None:
        position = self.position
        if position is None:
            self._change(NO_REPLICA)
            return
        if not history:
            self._change(NOT_ASKED)
            return
        _, present = history[-1]
        if position.system != present.system:
            self._change(OTHER_DATABASE)
            return
        if position.timeline != present.timeline:
            self._change(OTHER_TIMELINE)
            return
        reached = (asked_at for asked_at, each in reversed(history) if each.is_reached_by(position))
        self._fresh_at = next(reached, self._fresh_at)
        lag = self.lag
        self._change(BEHIND if lag is None or lag > self._max_lag else None)

    def _change(self, problem: str | None) -> None:
        if problem != self.problem:
            report_replica(self.name, problem)
        self.problem = problem

    async def close(self) -> None:
        if self._finishing:
            await asyncio.wait(self._finishing, timeout=_PATIENCE)
        await self._pool.close()

    def _finish(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._finishing.add(task)
        task.add_done_callback(self._finishing.discard)


class _Reader:
    """A connection for reading, see `store.connection.Connection`. It can only run queries."""

    def __init__(self, replica: PostgresReplica, stack: AsyncExitStack, primary: PostgresDatabase) -> None:
        self._replica = replica
        self._stack = stack
        self._primary = primary
        self._connection: Connection | None = None
        """That of the primary, once the replica has failed."""

    async def fetch(self, statement: Statement, **parameters: Any) -> Sequence[Row]:
        if self._connection is None:
            if self._replica.problem is None:  # it may have been found since it was chosen
                try:
                    return await self._replica.fetch(statement, parameters)
                except Exception as error:  # a recovery conflict, a migration that it has not replayed, ...
                    self._replica.note_failure(error, statement)
            self._connection = await self._stack.enter_async_context(self._primary.read())
        return await self._connection.fetch(statement, **parameters)


class PostgresReplicas:
    """See `store.database.Replicas`."""

    def __init__(self, settings: Settings, primary: PostgresDatabase) -> None:
        """Raises BadUserInput if the URL asks for what cannot be done."""
        plan = parse_postgres_url(settings.database_replica_url or "", REPLICA_URL)
        plan = plan._replace(connect_timeout=plan.connect_timeout or _PATIENCE)
        plans = [plan._replace(hosts=(host,)) for host in plan.hosts] or [plan]
        self._primary = primary
        self._max_lag = settings.replica_max_lag
        self._history: deque[tuple[float, Position]] = deque()
        """When the primary was asked, and its position."""
        self.each = [PostgresReplica(settings, each, primary) for each in plans]

    @property
    def position(self) -> Position | None:
        return self._primary.position

    async def watch(self) -> None:
        while True:
            await self.ask()
            await asyncio.sleep(_INTERVAL)

    async def ask(self) -> None:
        """The primary comes first: what the replicas have replayed by then is compared with it."""
        asked_at = monotonic()
        with suppress(Exception):  # it is logged; without a position, the lag of the replicas grows
            async with asyncio.timeout(_PATIENCE), self._primary.read() as connection:
                position = parse_primary(await connection.fetch(PRIMARY_POSITION))
            self._primary.note_position(position)
            self._history.append((asked_at, position))
            while self._history[0][0] < asked_at - self._max_lag - _PATIENCE:
                self._history.popleft()
        await asyncio.gather(*(replica.ask(self._history) for replica in self.each))

    async def close(self) -> None:
        await asyncio.gather(*(replica.close() for replica in self.each))


def _unreachable(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "It did not answer in time."
    return f"It cannot be used: {reason(error) or type(error).__name__}."
