"""Stored data, read and changed directly in the database."""

import asyncio
import base64
import subprocess
from pathlib import Path
from typing import Any

import asyncpg
import orjson
import pytest
from sqlalchemy import select, update

from gql_service.store import tables
from gql_service.store.statement import Statement
from tests.support.users import run_sql
from tests.support.world import Caller, World


def fetch(world: World, statement: Any) -> list[Any]:
    """The rows of a query."""

    async def rows() -> list[Any]:
        async with world.service.services.database.read() as connection:
            return list(await connection.fetch(Statement(statement)))

    return world.service.run(rows)


def platform_id(world: World, key: str | None = None) -> str:
    """The id of a platform by its key, by default of the world's own platform."""
    platforms = tables.platforms.c
    return str(fetch(world, select(platforms.id).where(platforms.key == (key or world.platform_key)))[0][0])


def conditions(world: World, user: Caller, platform_key: str | None = None) -> dict[str, Any]:
    """The column `conditions` of a document: the entries that are hidden, encrypted, or valid for a time."""
    document = _document(world, user, platform_key)
    (row,) = fetch(world, select(tables.documents.c.conditions).where(*document))
    found: dict[str, Any] = orjson.loads(row[0] or "{}")
    return found


def alter(world: World, user: Caller, changed: Any, platform_key: str | None = None) -> None:
    """Replace the column `conditions` of a document."""
    text = orjson.dumps(changed, option=orjson.OPT_SORT_KEYS).decode()
    document = _document(world, user, platform_key)
    run_sql(world, update(tables.documents).where(*document).values(conditions=text))


def _document(world: World, user: Caller, platform_key: str | None) -> tuple[Any, Any]:
    columns = tables.documents.c
    return columns.user_id == user.id, columns.platform_id == platform_id(world, platform_key)


def is_stored(request: pytest.FixtureRequest, world: World, text: str) -> bool:
    """Whether the files of the database (tables, indexes, logs) contain a text, also as base64 or
    as hexadecimal digits."""
    url = world.service.settings.database_url
    if url.startswith("sqlite"):
        path = Path(url.partition("///")[2])
        files = [str(each) for each in path.parent.glob(f"{path.name}*")]
    else:
        server = request.getfixturevalue("postgres_server").folder
        rows = f"data/base/{asyncio.run(_checkpoint(url))}"
        files = [str(server / each) for each in (rows, "data/pg_wal", "log")]
    encodings = [text, base64.b64encode(text.encode()).decode()[:-4], text.encode().hex()]
    patterns = [argument for encoding in encodings for argument in ("-e", encoding)]
    # Closing a file in this process would release the locks that SQLite has on it.
    done = subprocess.run(["grep", "-rqaF", *patterns, *files], stderr=subprocess.DEVNULL)
    return done.returncode == 0  # 2 if nothing was found and a file disappeared meanwhile


async def _checkpoint(url: str) -> str:
    """Let PostgreSQL write everything to its files. Returns the name of the folder of the database."""
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    await connection.execute("CHECKPOINT")
    id = await connection.fetchval("SELECT oid FROM pg_database WHERE datname = current_database()")
    await connection.close()
    return str(id)
