"""The statements of the lower bound on PostgreSQL, prepared by asyncpg, with one connection per request."""

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from bench.peers.changes import Change
from bench.peers.floor_operations import USER_COLUMNS, Row, Rows


async def _keep(_connection: Any) -> None:
    """A connection whose state is not reset between requests, because nothing changes it."""


class PostgresStore:
    """A pool of ten connections."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def open(self) -> None:
        settings = {"jit": "off"}
        self._pool = await asyncpg.create_pool(
            self._url, min_size=10, max_size=10, reset=_keep, server_settings=settings
        )

    @asynccontextmanager
    async def connection(self) -> AsyncIterator["PostgresConnection"]:
        async with self._pool.acquire() as connection:
            yield PostgresConnection(connection)

    async def close(self) -> None:
        await self._pool.close()


class PostgresConnection:
    """The statements."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def principal(self, token_id: str) -> Row | None:
        row: Row | None = await self._connection.fetchrow(
            "SELECT access_tokens.digest, users.id, users.username, users.tenant_id, users.permissions,"
            " users.is_platform_owner"
            " FROM access_tokens JOIN users ON users.id = access_tokens.user_id"
            " WHERE access_tokens.id = $1 AND access_tokens.revoked_at IS NULL"
            " AND (access_tokens.expires_at IS NULL OR access_tokens.expires_at > $2)",
            token_id,
            _now(),
        )
        return row

    async def users(self, ids: Sequence[str]) -> Rows:
        return await self._all(f"SELECT {USER_COLUMNS} FROM users WHERE id = ANY($1)", ids)

    async def user_named(self, username: str) -> Row | None:
        statement = f"SELECT {USER_COLUMNS} FROM users WHERE username = $1"
        rows = await self._all(statement, username)
        return rows[0] if rows else None

    async def platform(self, key: str) -> Row | None:
        rows = await self._all("SELECT id, tenant_id FROM platforms WHERE key = $1", key)
        return rows[0] if rows else None

    async def members(self, tenant_id: str, limit: int) -> Rows:
        return await self._all(
            f"SELECT {USER_COLUMNS} FROM users JOIN memberships ON memberships.user_id = users.id"
            " WHERE memberships.tenant_id = $1 ORDER BY memberships.user_id LIMIT $2",
            tenant_id,
            limit,
        )

    async def badges(self, user_ids: Sequence[str]) -> Rows:
        statement = (
            "SELECT user_id, name, earned_at FROM earned_badges WHERE user_id = ANY($1)"
            " ORDER BY earned_at, name"
        )
        return await self._all(statement, user_ids)

    async def documents(self, user_ids: Sequence[str], platform_id: str) -> Rows:
        statement = (
            "SELECT user_id, metadata, revision FROM documents WHERE platform_id = $1 AND user_id = ANY($2)"
        )
        return await self._all(statement, platform_id, user_ids)

    async def entries(self, user_id: str, platform_id: str) -> Row | None:
        statement = "SELECT metadata, attributes FROM documents WHERE user_id = $1 AND platform_id = $2"
        rows = await self._all(statement, user_id, platform_id)
        return rows[0] if rows else None

    async def definitions(self, platform_id: str) -> Rows:
        statement = (
            "SELECT key, assignment, defaults FROM metadata_definitions WHERE platform_id = $1 ORDER BY key"
        )
        return await self._all(statement, platform_id)

    @asynccontextmanager
    async def locked(self, user_id: str, platform_id: str) -> AsyncIterator[Row | None]:
        """The document in a transaction, which is committed at the end."""
        async with self._connection.transaction():
            statement = (
                "SELECT metadata, attributes, revision FROM documents"
                " WHERE user_id = $1 AND platform_id = $2 FOR UPDATE"
            )
            yield await self._connection.fetchrow(statement, user_id, platform_id)

    async def store(self, change: Change) -> None:
        run = self._connection.execute
        user_id, platform_id, tenant_id, actor_id, now, revision, *_ = change
        await run(
            "INSERT INTO documents"
            " (user_id, platform_id, metadata, attributes, revision, created_at, updated_at)"
            " VALUES ($1, $2, $3, $4, $5, $6, $6) ON CONFLICT (user_id, platform_id) DO UPDATE SET"
            " metadata = excluded.metadata, attributes = excluded.attributes,"
            " revision = excluded.revision, updated_at = excluded.updated_at",
            *(user_id, platform_id, change.metadata, change.attributes, revision, now),
        )
        await run(
            "INSERT INTO document_changes"
            " (user_id, platform_id, revision, actor_id, changed_at, source, changes)"
            " VALUES ($1, $2, $3, $4, $5, 'graphql', $6)",
            *(user_id, platform_id, revision, actor_id, now, change.changes),
        )
        await run(
            "INSERT INTO events (type, tenant_id, platform_id, user_id, actor_id, occurred_at, revision,"
            " changed_keys, hidden_keys) VALUES ('document.changed', $1, $2, $3, $4, $5, $6, $7, '[]')",
            *(tenant_id, platform_id, user_id, actor_id, now, revision, change.keys),
        )

    async def _all(self, statement: str, *parameters: object) -> Rows:
        rows: Rows = await self._connection.fetch(statement, *parameters)
        return rows


def _now() -> int:
    return int(time.time() * 1000)
