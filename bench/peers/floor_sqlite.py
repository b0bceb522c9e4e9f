"""The statements of the lower bound on SQLite, prepared by the driver, in the event loop itself."""

import sqlite3
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from bench.peers.changes import Change
from bench.peers.floor_operations import USER_COLUMNS, Row, Rows


class SqliteStore:
    """One connection for all requests. It blocks the event loop, but only for microseconds."""

    def __init__(self, url: str) -> None:
        self._file = url.removeprefix("sqlite:///")

    async def open(self) -> None:
        database = sqlite3.connect(self._file, isolation_level=None)
        database.row_factory = sqlite3.Row
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=5000", "foreign_keys=ON"):
            database.execute(f"PRAGMA {pragma}")
        self._connection = SqliteConnection(database)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator["SqliteConnection"]:
        yield self._connection

    async def close(self) -> None:
        self._connection.database.close()


class SqliteConnection:
    """The statements."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self.database = database

    async def principal(self, token_id: str) -> Row | None:
        rows = self._all(
            "SELECT access_tokens.digest, users.id, users.username, users.tenant_id, users.permissions,"
            " users.is_platform_owner"
            " FROM access_tokens JOIN users ON users.id = access_tokens.user_id"
            " WHERE access_tokens.id = ? AND access_tokens.revoked_at IS NULL"
            " AND (access_tokens.expires_at IS NULL OR access_tokens.expires_at > ?)",
            (token_id, _now()),
        )
        return rows[0] if rows else None

    async def users(self, ids: Sequence[str]) -> Rows:
        return self._all(f"SELECT {USER_COLUMNS} FROM users WHERE id IN ({_marks(ids)})", ids)

    async def user_named(self, username: str) -> Row | None:
        statement = f"SELECT {USER_COLUMNS} FROM users WHERE username = ?"
        rows = self._all(statement, (username,))
        return rows[0] if rows else None

    async def platform(self, key: str) -> Row | None:
        rows = self._all("SELECT id, tenant_id FROM platforms WHERE key = ?", (key,))
        return rows[0] if rows else None

    async def members(self, tenant_id: str, limit: int) -> Rows:
        return self._all(
            f"SELECT {USER_COLUMNS} FROM users JOIN memberships ON memberships.user_id = users.id"
            " WHERE memberships.tenant_id = ? ORDER BY memberships.user_id LIMIT ?",
            (tenant_id, limit),
        )

    async def badges(self, user_ids: Sequence[str]) -> Rows:
        statement = (
            "SELECT user_id, name, earned_at FROM earned_badges WHERE user_id IN ({})"
            " ORDER BY earned_at, name"
        )
        return self._all(statement.format(_marks(user_ids)), user_ids)

    async def documents(self, user_ids: Sequence[str], platform_id: str) -> Rows:
        statement = (
            "SELECT user_id, metadata, revision FROM documents WHERE platform_id = ? AND user_id IN ({})"
        )
        return self._all(statement.format(_marks(user_ids)), (platform_id, *user_ids))

    async def entries(self, user_id: str, platform_id: str) -> Row | None:
        statement = "SELECT metadata, attributes FROM documents WHERE user_id = ? AND platform_id = ?"
        rows = self._all(statement, (user_id, platform_id))
        return rows[0] if rows else None

    async def definitions(self, platform_id: str) -> Rows:
        statement = (
            "SELECT key, assignment, defaults FROM metadata_definitions WHERE platform_id = ? ORDER BY key"
        )
        return self._all(statement, (platform_id,))

    @asynccontextmanager
    async def locked(self, user_id: str, platform_id: str) -> AsyncIterator[Row | None]:
        """The document in a transaction, which is committed at the end."""
        self.database.execute("BEGIN IMMEDIATE")
        try:
            statement = (
                "SELECT metadata, attributes, revision FROM documents WHERE user_id = ? AND platform_id = ?"
            )
            rows = self._all(statement, (user_id, platform_id))
            yield rows[0] if rows else None
        except BaseException:
            self.database.rollback()
            raise
        self.database.execute("COMMIT")

    async def store(self, change: Change) -> None:
        run, each = self.database.execute, change._asdict()
        run(
            "INSERT INTO documents"
            " (user_id, platform_id, metadata, attributes, revision, created_at, updated_at)"
            " VALUES (:user_id, :platform_id, :metadata, :attributes, :revision, :now, :now)"
            " ON CONFLICT DO UPDATE SET metadata = excluded.metadata, attributes = excluded.attributes,"
            " revision = excluded.revision, updated_at = excluded.updated_at",
            each,
        )
        run(
            "INSERT INTO document_changes"
            " (user_id, platform_id, revision, actor_id, changed_at, source, changes)"
            " VALUES (:user_id, :platform_id, :revision, :actor_id, :now, 'graphql', :changes)",
            each,
        )
        run(
            "INSERT INTO events (type, tenant_id, platform_id, user_id, actor_id, occurred_at, revision,"
            " changed_keys, hidden_keys) VALUES ('document.changed', :tenant_id, :platform_id, :user_id,"
            " :actor_id, :now, :revision, :keys, '[]')",
            each,
        )

    def _all(self, statement: str, parameters: Sequence[object]) -> list[Any]:
        return self.database.execute(statement, parameters).fetchall()


def _marks(keys: Sequence[str]) -> str:
    return ", ".join("?" * len(keys))


def _now() -> int:
    return int(time.time() * 1000)
