"""The access tokens of users: issued once, kept as digests, expiring and revocable."""

from collections.abc import Sequence
from typing import NamedTuple

import orjson
from sqlalchemy import bindparam, insert, select, update

from gql_service.auth import tokens
from gql_service.auth.principal import Principal
from gql_service.errors import NotFound
from gql_service.store.connection import Connection, rows_as
from gql_service.store.statement import Statement, among
from gql_service.store.tables import access_tokens, users

_PRINCIPALS = Statement(
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
    .where(among(access_tokens.c.id, "ids"))
    .where(access_tokens.c.revoked_at.is_(None))
    .where(access_tokens.c.expires_at.is_(None) | (access_tokens.c.expires_at > bindparam("now")))
)
_BY_ID = Statement(select(access_tokens.c.id).where(access_tokens.c.id == bindparam("id")))
_REVOKE = Statement(
    update(access_tokens)
    .where(access_tokens.c.id == bindparam("token_id"), access_tokens.c.revoked_at.is_(None))
    .values(revoked_at=bindparam("revoked_at"))
)
_INSERT = Statement(insert(access_tokens))


class AccessToken(NamedTuple):
    """A row of `access_tokens` without its digest."""

    id: str
    label: str
    created_at: int
    expires_at: int | None
    revoked_at: int | None


_OF_USER = Statement(
    select(*(access_tokens.c[name] for name in AccessToken._fields))
    .where(access_tokens.c.user_id == bindparam("user_id"))
    .order_by(access_tokens.c.created_at, access_tokens.c.id)
)


async def principals(
    connection: Connection, presented: Sequence[tokens.Token], now: int
) -> list[Principal | None]:
    """The caller behind each token; None for one that is unknown, forged, expired or revoked."""
    rows = await connection.fetch(_PRINCIPALS, ids={token.id for token in presented}, now=now)
    found = {row[0]: row for row in rows}

    def principal(token: tokens.Token) -> Principal | None:
        row = found.get(token.id)
        if row is None or not token.matches(row[1]):
            return None
        return Principal.of(row[2], row[3], row[4], orjson.loads(row[5]), is_platform_owner=bool(row[6]))

    return [principal(token) for token in presented]


async def issue(
    transaction: Connection, user_id: str, *, label: str, now: int, expires_at: int | None = None
) -> tokens.Token:
    """Make a token; this is the only moment its secret is known."""
    token = tokens.mint()
    await transaction.execute(
        _INSERT,
        id=token.id,
        user_id=user_id,
        digest=token.digest,
        label=label,
        created_at=now,
        expires_at=expires_at,
        revoked_at=None,
    )
    return token


async def revoke(transaction: Connection, id: str, *, now: int) -> None:
    """End a token at once; revoking it again changes nothing. Raises NotFound."""
    if not await transaction.fetch(_BY_ID, id=id):
        raise NotFound(f"There is no token {id}; `token list` shows the ids.")
    await transaction.execute(_REVOKE, token_id=id, revoked_at=now)


async def of_user(connection: Connection, user_id: str) -> list[AccessToken]:
    """A user's tokens, oldest first."""
    return rows_as(AccessToken, await connection.fetch(_OF_USER, user_id=user_id))
