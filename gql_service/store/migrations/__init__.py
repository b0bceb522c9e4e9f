"""How the tables came to be: Alembic revisions, run through `upgrade` and checked by `state`."""

import enum
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, event, text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from gql_service.settings import Settings

_LOCK = 7_461_726  # any number: it names the advisory lock that lets one migration run at a time


class State(enum.Enum):
    """How the database's tables relate to this version of the code."""

    CURRENT = "current"
    BEHIND = "behind"
    UNKNOWN = "unknown"
    """It was migrated by a newer version of the service."""


async def upgrade(settings: Settings) -> None:
    """Bring the tables to the newest revision, in one transaction."""
    async with _transaction(settings) as connection:
        if connection.dialect.name == "postgresql":
            await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        await connection.run_sync(_run)


async def state(settings: Settings) -> State:
    """Compare the database's revision with the newest one this code knows."""
    async with _transaction(settings) as connection:
        revision = await connection.run_sync(
            lambda sync: MigrationContext.configure(sync).get_current_revision()
        )
    script = ScriptDirectory.from_config(_config())
    if revision == script.get_current_head():
        return State.CURRENT
    known = {known.revision for known in script.walk_revisions()}
    return State.BEHIND if revision is None or revision in known else State.UNKNOWN


@asynccontextmanager
async def _transaction(settings: Settings) -> AsyncIterator[AsyncConnection]:
    """A transaction of SQLAlchemy's, which Alembic needs; the service itself has no use for it."""
    engine = create_async_engine(settings.database_url, poolclass=NullPool)
    if engine.dialect.name == "sqlite":
        event.listen(engine.sync_engine, "connect", _leave_transactions_alone)
        event.listen(engine.sync_engine, "begin", _begin_immediate)
    async with engine.begin() as connection:
        yield connection


def _leave_transactions_alone(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver would commit before each statement that creates a table


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _run(connection: Connection) -> None:
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    return config
