"""The access tokens of users: issued once, kept as digests, expiring and revocable."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import bindparam, delete, func, insert, not_, select, update

from gql_service.auth import tokens
from gql_service.auth.access import UserAccess
from gql_service.auth.principal import Principal
from gql_service.domain.users.profiles import read_permissions
from gql_service.errors import MalformedData, NotFound, Problem, Rejected
from gql_service.store.connection import Connection, Row, rows_as
from gql_service.store.sql_functions import any_of
from gql_service.store.statement import Statement
from gql_service.store.tables import access_tokens, users

_WORKS = access_tokens.c.revoked_at.is_(None) & (
    access_tokens.c.expires_at.is_(None) | (access_tokens.c.expires_at > bindparam("now"))
)
_PRINCIPALS = Statement(
    select(
        access_tokens.c.id,
        access_tokens.c.digest,
        users.c.id,
        users.c.username,
        users.c.tenant_id,
        users.c.permissions,
        users.c.is_platform_owner,
        access_tokens.c.issued_by,
    )
    .join(users, users.c.id == access_tokens.c.user_id)
    .where(any_of(access_tokens.c.id, "ids"), _WORKS)
)
_OF_USER = access_tokens.c.user_id == bindparam("of_user")
_COUNT = Statement(select(func.count()).where(_OF_USER, _WORKS))
_ENDED = select(access_tokens.c.id).where(_OF_USER, not_(_WORKS))
_FORGET = Statement(
    delete(access_tokens).where(
        access_tokens.c.id.in_(
            _ENDED.order_by(access_tokens.c.created_at.desc(), access_tokens.c.id)
            .limit(bindparam("size"))
            .offset(bindparam("kept"))
        )
    )
)
_REVOKE = Statement(
    update(access_tokens)
    .where(access_tokens.c.id == bindparam("token_id"), access_tokens.c.revoked_at.is_(None))
    .values(revoked_at=bindparam("revoked_at"))
)
_REVOKE_FOREIGN = Statement(
    update(access_tokens)
    .where(
        access_tokens.c.user_id == bindparam("of_user"),
        access_tokens.c.issued_by != access_tokens.c.user_id,
        access_tokens.c.revoked_at.is_(None),
    )
    .values(revoked_at=bindparam("revoked_at"))
)
_END = Statement(
    update(access_tokens)
    .where(
        access_tokens.c.id == bindparam("token_id"),
        access_tokens.c.user_id == bindparam("of_user"),
        access_tokens.c.revoked_at.is_(None),
        access_tokens.c.expires_at.is_(None) | (access_tokens.c.expires_at > bindparam("end")),
    )
    .values(expires_at=bindparam("end"))
)
_OWNERS = Statement(
    select(access_tokens.c.id, access_tokens.c.user_id).where(any_of(access_tokens.c.id, "ids"))
)
_MAX_LABEL = 200
_MAX_WORKING, _MAX_ENDED, _MAX_FORGOTTEN = 100, 100, 1000
_LONGEST = 100 * 366 * 24 * 3600
_INSERT = Statement(insert(access_tokens))


class AccessToken(NamedTuple):
    """A row of `access_tokens` without its digest."""

    id: str
    label: str
    created_at: int
    expires_at: int | None
    revoked_at: int | None


_COLUMNS = select(*(access_tokens.c[name] for name in AccessToken._fields))
_TOKEN = Statement(_COLUMNS.where(access_tokens.c.id == bindparam("id")))
_OF_USERS = Statement(
    _COLUMNS.add_columns(access_tokens.c.user_id)
    .where(any_of(access_tokens.c.user_id, "user_ids"))
    .order_by(access_tokens.c.created_at, access_tokens.c.id)
)


async def principals(
    connection: Connection, presented: Sequence[tokens.Token], now: int
) -> list[Principal | MalformedData | None]:
    """The caller behind each token; None for one that is unknown, forged, expired or revoked."""
    rows = await connection.fetch(_PRINCIPALS, ids={token.id for token in presented}, now=now)
    found = {row[0]: (row[1], _principal(row)) for row in rows}
    callers: list[Principal | MalformedData | None] = []
    for token in presented:
        digest, principal = found.get(token.id, _UNKNOWN)
        callers.append(principal if digest is not None and token.matches(digest) else None)
    return callers


_UNKNOWN = (None, None)


def _principal(row: Row) -> Principal | MalformedData:
    _, _, user_id, username, tenant_id, permissions, is_platform_owner, issued_by = row
    try:
        return Principal.create(
            user_id,
            username,
            tenant_id,
            read_permissions(permissions, user_id),
            is_platform_owner=bool(is_platform_owner),
            origin_id=issued_by,
        )
    except MalformedData as error:
        return error


async def issue(
    transaction: Connection,
    user_id: str,
    *,
    label: str,
    now: int,
    expires_at: int | None = None,
    issued_by: str | None = None,
) -> tokens.Token:
    """Make a token; this is the only moment its secret is known. Without `issued_by`, the operator does."""
    token = tokens.generate()
    await transaction.execute(
        _INSERT,
        id=token.id,
        user_id=user_id,
        digest=token.digest,
        label=label,
        created_at=now,
        expires_at=expires_at,
        revoked_at=None,
        issued_by=issued_by,
    )
    return token


async def revoke(transaction: Connection, id: str, *, now: int) -> None:
    """End a token at once; revoking it again changes nothing. Raises NotFound."""
    if not await transaction.fetch(_TOKEN, id=id):
        raise NotFound(f"There is no token {id}; `token list` shows the ids.")
    await transaction.execute(_REVOKE, token_id=id, revoked_at=now)


async def issue_for(
    transaction: Connection,
    access: UserAccess,
    *,
    label: str,
    lifetime: int | None,
    replaces: str | None,
    overlap: int,
    now: int,
) -> tokens.Token:
    """Make a token for somebody whom the caller may act as; durations are seconds. Raises Rejected.

    A token of the same user that it replaces goes on working for the overlap, and not longer. The user must
    be locked, so that the tokens that are counted are all there are. Of those that have ended, the latest
    hundred are kept.
    """
    access.verify()
    if len(label) > _MAX_LABEL or "\0" in label:
        raise Rejected(Problem.INVALID_VALUE, f"A label has at most {_MAX_LABEL} characters.", ("label",))
    for name, seconds, least in (("expires_in_seconds", lifetime, 1), ("overlap_seconds", overlap, 0)):
        if seconds is not None and not least <= seconds <= _LONGEST:
            message = f"A number of seconds from {least} to {_LONGEST} is expected."
            raise Rejected(Problem.INVALID_VALUE, message, (name,))
    if replaces is not None:
        if await owners(transaction, [replaces]) != [access.user_id]:
            raise Rejected(Problem.INVALID_VALUE, "This user has no such token.", ("replaces",))
        end = now + overlap * 1000
        await transaction.execute(_END, token_id=replaces, of_user=access.user_id, end=end)
    working = int((await transaction.fetch(_COUNT, of_user=access.user_id, now=now))[0][0])
    if working >= _MAX_WORKING:
        message = f"This user has {working} tokens that work, which is the most; revoke one first."
        raise Rejected(Problem.TOO_MANY_TOKENS, message, ())
    await transaction.execute(_FORGET, of_user=access.user_id, now=now, kept=_MAX_ENDED, size=_MAX_FORGOTTEN)
    expires_at = None if lifetime is None else now + lifetime * 1000
    return await issue(
        transaction, access.user_id, label=label, now=now, expires_at=expires_at, issued_by=access.origin_id
    )


async def revoke_made_by_others(transaction: Connection, user_id: str, now: int) -> None:
    """To be done when a user gets more rights: whoever made a token for them must not rise with them."""
    await transaction.execute(_REVOKE_FOREIGN, of_user=user_id, revoked_at=now)


async def owners(connection: Connection, ids: Sequence[str]) -> list[str | None]:
    """The id of the user each token belongs to."""
    found = {row[0]: row[1] for row in await connection.fetch(_OWNERS, ids=ids)}
    return [found.get(id) for id in ids]


async def by_id(connection: Connection, id: str) -> AccessToken:
    """A token that exists."""
    (token,) = rows_as(AccessToken, await connection.fetch(_TOKEN, id=id))
    return token


async def of_users(connection: Connection, user_ids: Sequence[str]) -> list[list[AccessToken]]:
    """The tokens of each user, oldest first."""
    found: dict[str, list[AccessToken]] = {user_id: [] for user_id in user_ids}
    for *token, user_id in await connection.fetch(_OF_USERS, user_ids=found):
        found[user_id].append(AccessToken(*token))
    return [found[user_id] for user_id in user_ids]


async def of_user(connection: Connection, user_id: str) -> list[AccessToken]:
    """A user's tokens, oldest first."""
    return (await of_users(connection, [user_id]))[0]
