"""How much a database reads for the statements of a function: a measure that does not depend on time."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from typing import Any

import asyncpg
import orjson

from gql_service.store.connection import Connection, Row
from gql_service.store.sqlite_connection import InlineConnection
from gql_service.store.statement import Statement

Work = Callable[[Connection], Awaitable[object]]
_STEPS_PER_CALL = 5
_MOST = 1.5
_CHANCE = 20
"""Rows by which plans for the same work may differ: how PostgreSQL joins a page depends on its estimates."""


def rows_read(url: str, work: Work) -> int:
    """The steps of SQLite's virtual machine, or the rows that PostgreSQL's plans read."""
    if url.startswith("sqlite"):
        return asyncio.run(_steps(url.partition("///")[2], work))
    return asyncio.run(_rows(url, work))


def assert_reads_no_more(url: str, what: str, few: Work, many: Work) -> None:
    """Assert that finding the same number of things among many reads about as much as among few."""
    read_of_few, read_of_many = rows_read(url, few), rows_read(url, many)
    assert read_of_many <= _MOST * read_of_few + _CHANCE, f"{what}: {read_of_few} → {read_of_many}"


def analyze(url: str) -> None:
    """Let PostgreSQL look at new rows, as it does by itself later, so that its plans are those for them."""

    _execute(url, "ANALYZE")


def forget_statistics(url: str) -> None:
    """Let PostgreSQL know nothing of its rows: it then plans as if no owner had many of them."""
    ours = "SELECT oid FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    _execute(
        url,
        f"DELETE FROM pg_statistic WHERE starelid IN ({ours})",
        f"UPDATE pg_class SET relpages = 0, reltuples = -1 WHERE oid IN ({ours})",
    )


def _execute(url: str, *statements: str) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(url.replace("+asyncpg", ""))
        for statement in statements:
            await connection.execute(statement)
        await connection.close()

    if url.startswith("postgresql"):
        asyncio.run(run())


async def _steps(path: str, work: Work) -> int:
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += _STEPS_PER_CALL
        return 0

    with closing(sqlite3.connect(path)) as database:
        await work(InlineConnection(database, []))  # SQLite has read the tables' definitions by then
        database.set_progress_handler(count, _STEPS_PER_CALL)
        await work(InlineConnection(database, []))
    return steps


class _Explaining:
    """A connection that counts the rows of the plans of its statements."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self.rows = 0

    async def fetch(self, statement: Statement, **parameters: Any) -> Sequence[Row]:
        sql, bind, _ = statement.for_postgres
        values = bind(parameters)
        (explained,) = await self._connection.fetchrow(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", *values)
        self.rows += _rows_of(orjson.loads(explained)[0]["Plan"])
        return [tuple(row) for row in await self._connection.fetch(sql, *values)]


async def _rows(url: str, work: Work) -> int:
    # Small tables are read whole. The plans wanted are those of large ones.
    settings = {"enable_seqscan": "off"}
    connection = await asyncpg.connect(url.replace("+asyncpg", ""), server_settings=settings)
    try:
        explaining: Any = _Explaining(connection)
        await work(explaining)
        return int(explaining.rows)
    finally:
        await connection.close()


def _rows_of(plan: dict[str, Any]) -> int:
    """The rows that a plan and its parts have read from tables and indexes, each once."""
    parts = sum(map(_rows_of, plan.get("Plans", [])))
    if "Scan" not in plan["Node Type"]:
        return parts
    removed = sum(number for name, number in plan.items() if name.startswith("Rows Removed"))
    own = int((plan["Actual Rows"] + removed) * plan["Actual Loops"])
    return max(own, parts) if plan["Node Type"] == "Bitmap Heap Scan" else own + parts
