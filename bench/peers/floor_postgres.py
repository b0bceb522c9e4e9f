"""The statements of the lower bound on PostgreSQL, prepared by asyncpg, with one connection per request."""

import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

Row = Mapping[str, Any]
Rows = Sequence[Row]


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
        return await self._all("SELECT * FROM users WHERE id = ANY($1)", ids)

    async def user_named(self, username: str) -> Row | None:
        rows = await self._all("SELECT * FROM users WHERE username = $1", username)
        return rows[0] if rows else None

    async def platform(self, key: str) -> Row | None:
        rows = await self._all("SELECT * FROM platforms WHERE key = $1", key)
        return rows[0] if rows else None

    async def members(self, tenant_id: str, limit: int) -> Rows:
        return await self._all(
            "SELECT users.* FROM users JOIN memberships ON memberships.user_id = users.id"
            " WHERE memberships.tenant_id = $1 ORDER BY memberships.user_id LIMIT $2",
            tenant_id,
            limit,
        )

    async def badges(self, user_ids: Sequence[str]) -> Rows:
        statement = "SELECT * FROM earned_badges WHERE user_id = ANY($1) ORDER BY earned_at, name"
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
                "SELECT metadata, revision FROM documents WHERE user_id = $1 AND platform_id = $2 FOR UPDATE"
            )
            yield await self._connection.fetchrow(statement, user_id, platform_id)

    async def insert(self, user_id: str, platform_id: str, metadata: str) -> None:
        statement = (
            "INSERT INTO documents (user_id, platform_id, metadata, revision, created_at, updated_at)"
            " VALUES ($1, $2, $3, 1, $4, $4)"
        )
        await self._connection.execute(statement, user_id, platform_id, metadata, _now())

    async def update(self, user_id: str, platform_id: str, metadata: str, revision: int) -> None:
        await self._connection.execute(
            "UPDATE documents SET metadata = $3, revision = $4, updated_at = $5"
            " WHERE user_id = $1 AND platform_id = $2",
            user_id,
            platform_id,
            metadata,
            revision,
            _now(),
        )

    async def _all(self, statement: str, *parameters: object) -> Rows:
        rows: Rows = await self._connection.fetch(statement, *parameters)
        return rows


def _now() -> int:
    return int(time.time() * 1000)
