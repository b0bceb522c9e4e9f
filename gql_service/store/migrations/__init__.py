"""The database schema as Alembic revisions: `upgrade` runs them, `state` compares them with the database."""

import enum
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, event, make_url, text
from sqlalchemy.pool import NullPool

from gql_service.settings import Settings
from gql_service.store import postgres_migrations
from gql_service.store.migrations.collisions import Solutions
from gql_service.store.revisions import newest_revision
from gql_service.store.sqlite_connection import create_private

T = TypeVar("T")
_LOCK = 7_461_726  # an arbitrary number: the advisory lock that lets one migration run at a time

_LOCK_TIMEOUT = 5
"""Seconds that a migration waits for the lock of a table."""


class State(enum.Enum):
    """Whether the database has the tables that this version of the code needs."""

    CURRENT = "current"
    BEHIND = "behind"
    UNKNOWN = "unknown"
    """It was migrated by a newer version of the service."""


async def upgrade(settings: Settings, solutions: Solutions | None = None) -> None:
    """Migrate the database to the newest revision, in one transaction.

    `solutions` are the operator's for users who collide. Raises Collisions if others do.
    """
    await _in_transaction(settings, partial(_run, solutions=solutions), writes=True)


async def state(settings: Settings) -> State:
    """Compare the revision of the database with the newest revision of the code."""
    revision = await _in_transaction(
        settings,
        lambda connection: MigrationContext.configure(connection).get_current_revision(),
        writes=False,
    )
    return state_of(revision)


def state_of(revision: str | None) -> State:
    """Compare a revision with the newest revision of the code. None is that of an empty database."""
    if revision == newest_revision():
        return State.CURRENT
    known = {known.revision for known in ScriptDirectory.from_config(_config()).walk_revisions()}
    return State.BEHIND if revision is None or revision in known else State.UNKNOWN


async def _in_transaction(settings: Settings, work: Callable[[Connection], T], *, writes: bool) -> T:
    """Run `work` in a transaction of SQLAlchemy, because Alembic needs one. Nothing else does.

    On SQLite, a transaction that writes waits for other writers, and a transaction that reads does not.
    """
    if settings.database_url.startswith("sqlite"):
        url = make_url(settings.database_url)
        create_private(url.database or "")
        engine = create_engine(url.set(drivername="sqlite"), poolclass=NullPool)
        event.listen(engine, "connect", _leave_transactions_alone)
        event.listen(engine, "begin", _begin_immediate if writes else _begin)
        with engine.begin() as connection:
            return work(connection)
    return await postgres_migrations.in_transaction(settings, work, writes=writes)


def _leave_transactions_alone(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver would commit before each statement that creates a table


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _run(connection: Connection, solutions: Solutions | None) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        # A statement that waits for a table stops all requests that come after it.
        connection.execute(text(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}s'"))
    config = _config()
    config.attributes["connection"] = connection
    config.attributes["solutions"] = solutions
    command.upgrade(config, "head")


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    return config
