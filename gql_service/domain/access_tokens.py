"""The access tokens of users: issued once, kept as digests, expiring and revocable."""

from collections.abc import Sequence
from typing import NamedTuple

import orjson
from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gql_service.auth import tokens
from gql_service.auth.principal import Principal
from gql_service.errors import NotFound
from gql_service.store.tables import access_tokens, users


class AccessToken(NamedTuple):
    """A row of `access_tokens` without its digest."""

    id: str
    label: str
    created_at: int
    expires_at: int | None
    revoked_at: int | None


async def principals(
    connection: AsyncConnection, presented: Sequence[tokens.Token], now: int
) -> list[Principal | None]:
    """The caller behind each token; None for one that is unknown, forged, expired or revoked."""
    statement = (
        select(
            access_tokens.c.id,
            access_tokens.c.digest,
            users.c.id,
            users.c.username,
            users.c.tenant_id,
            users.c.permissions,
            users.c.is_platform_owner,
        )
        .join(users, users.c.id == access_tokens.c.user_id)
        .where(access_tokens.c.id.in_([token.id for token in presented]))
        .where(access_tokens.c.revoked_at.is_(None))
        .where(access_tokens.c.expires_at.is_(None) | (access_tokens.c.expires_at > now))
    )
    found = {row[0]: row for row in await connection.execute(statement)}

    def principal(token: tokens.Token) -> Principal | None:
        row = found.get(token.id)
        if row is None or not token.matches(row[1]):
            return None
        return Principal.of(row[2], row[3], row[4], orjson.loads(row[5]), is_platform_owner=row[6])

    return [principal(token) for token in presented]


async def issue(
    transaction: AsyncConnection, user_id: str, *, label: str, now: int, expires_at: int | None = None
) -> tokens.Token:
    """Make a token; this is the only moment its secret is known."""
    token = tokens.mint()
    await transaction.execute(
        insert(access_tokens).values(
            id=token.id,
            user_id=user_id,
            digest=token.digest,
            label=label,
            created_at=now,
            expires_at=expires_at,
        )
    )
    return token


async def revoke(transaction: AsyncConnection, id: str, *, now: int) -> None:
    """End a token at once; revoking it again changes nothing. Raises NotFound."""
    result = await transaction.execute(select(access_tokens.c.id).where(access_tokens.c.id == id))
    if result.first() is None:
        raise NotFound(f"There is no token {id}; `token list` shows the ids.")
    await transaction.execute(
        update(access_tokens)
        .where(access_tokens.c.id == id, access_tokens.c.revoked_at.is_(None))
        .values(revoked_at=now)
    )


async def of_user(connection: AsyncConnection, user_id: str) -> list[AccessToken]:
    """A user's tokens, oldest first."""
    columns = [access_tokens.c[name] for name in AccessToken._fields]
    statement = (
        select(*columns)
        .where(access_tokens.c.user_id == user_id)
        .order_by(access_tokens.c.created_at, access_tokens.c.id)
    )
    return [AccessToken(*row) for row in await connection.execute(statement)]
