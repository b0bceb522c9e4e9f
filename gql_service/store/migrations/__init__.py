"""How the tables came to be: Alembic revisions, run through `upgrade` and checked by `state`."""

import enum
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncConnection

from gql_service.store.database import Database

_LOCK = 7_461_726  # any number: it names the advisory lock that lets one migration run at a time


class State(enum.Enum):
    """How the database's tables relate to this version of the code."""

    CURRENT = "current"
    BEHIND = "behind"
    UNKNOWN = "unknown"
    """It was migrated by a newer version of the service."""


async def upgrade(database: Database) -> None:
    """Bring the tables to the newest revision, in one transaction."""

    async def work(transaction: AsyncConnection) -> None:
        if transaction.dialect.name == "postgresql":
            await transaction.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        await transaction.run_sync(_run)

    await database.write(work)


async def state(database: Database) -> State:
    """Compare the database's revision with the newest one this code knows."""
    async with database.read() as connection:
        revision = await connection.run_sync(
            lambda sync: MigrationContext.configure(sync).get_current_revision()
        )
    script = ScriptDirectory.from_config(_config())
    if revision == script.get_current_head():
        return State.CURRENT
    known = {known.revision for known in script.walk_revisions()}
    return State.BEHIND if revision is None or revision in known else State.UNKNOWN


def _run(connection: Connection) -> None:
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    return config
