"""Access tokens of users. Only digests of them are stored; they can expire and be revoked."""

from collections.abc import Collection, Iterable, Sequence
from enum import Enum
from functools import lru_cache
from typing import NamedTuple, TypeVar

from sqlalchemy import bindparam, delete, func, insert, not_, select, update

from gql_service.auth import tokens
from gql_service.auth.access import OPERATOR, Author, UserAccess
from gql_service.auth.policy import Policy
from gql_service.auth.principal import Principal
from gql_service.auth.scopes import Scope, Scopes, parse_scopes, scopes_text
from gql_service.domain.users import changes, identities
from gql_service.domain.users.changes import FieldChange, UserAction
from gql_service.domain.users.profiles import read_permissions
from gql_service.errors import MalformedData, NotFound, Problem, Rejected
from gql_service.instants import rfc3339
from gql_service.observability.security_log import EventKind, SecurityEvent
from gql_service.store.connection import Connection, Row, rows_as
from gql_service.store.sql_functions import any_of
from gql_service.store.statement import Statement
from gql_service.store.tables import access_tokens, users

_IS_ACTIVE = access_tokens.c.revoked_at.is_(None) & (
    access_tokens.c.expires_at.is_(None) | (access_tokens.c.expires_at > bindparam("now"))
)
_ISSUERS = users.alias("issuers")
_HOLDERS = Statement(
    select(
        access_tokens.c.id.label("token_id"),
        access_tokens.c.digest,
        users.c.id.label("user_id"),
        users.c.username,
        users.c.tenant_id,
        users.c.permissions,
        users.c.is_platform_owner,
        access_tokens.c.issued_by,
        access_tokens.c.expires_at,
        access_tokens.c.revoked_at,
        access_tokens.c.scopes,
        access_tokens.c.platform_keys,
        _ISSUERS.c.id.label("issuer_id"),
        _ISSUERS.c.tenant_id.label("issuer_tenant_id"),
        _ISSUERS.c.permissions.label("issuer_permissions"),
        _ISSUERS.c.is_platform_owner.label("issuer_is_platform_owner"),
    )
    .join(users, users.c.id == access_tokens.c.user_id)
    .outerjoin(
        _ISSUERS,
        (_ISSUERS.c.id == access_tokens.c.issued_by) & (access_tokens.c.issued_by != access_tokens.c.user_id),
    )
    .where(any_of(access_tokens.c.id, "ids"))
)
_OF_USER = access_tokens.c.user_id == bindparam("of_user")
_COUNT_ACTIVE = Statement(select(func.count()).where(_OF_USER, _IS_ACTIVE))
_INACTIVE = select(access_tokens.c.id).where(_OF_USER, not_(_IS_ACTIVE))
_DELETE_INACTIVE = Statement(
    delete(access_tokens).where(
        access_tokens.c.id.in_(
            _INACTIVE.order_by(access_tokens.c.created_at.desc(), access_tokens.c.id)
            .limit(bindparam("size"))
            .offset(bindparam("kept"))
        )
    )
)
_REVOKE = Statement(
    update(access_tokens)
    .where(access_tokens.c.id == bindparam("token_id"), access_tokens.c.revoked_at.is_(None))
    .values(revoked_at=bindparam("revoked_at"))
    .returning(access_tokens.c.id, access_tokens.c.user_id)
)
_REVOKE_ALL = Statement(
    update(access_tokens)
    .where(access_tokens.c.user_id == bindparam("of_user"), access_tokens.c.revoked_at.is_(None))
    .values(revoked_at=bindparam("revoked_at"))
    .returning(access_tokens.c.id, access_tokens.c.user_id)
)
_SHORTEN = Statement(
    update(access_tokens)
    .where(
        access_tokens.c.id == bindparam("token_id"),
        access_tokens.c.user_id == bindparam("of_user"),
        access_tokens.c.revoked_at.is_(None),
        access_tokens.c.expires_at.is_(None) | (access_tokens.c.expires_at > bindparam("end")),
    )
    .values(expires_at=bindparam("end"))
    .returning(access_tokens.c.id)
)
_OWNERS = Statement(
    select(access_tokens.c.id, access_tokens.c.user_id).where(any_of(access_tokens.c.id, "ids"))
)
T = TypeVar("T")
_MAX_LABEL = 200
_MAX_ACTIVE = 100
"""Active tokens of one user."""
_MAX_INACTIVE = 100
"""Expired and revoked tokens of one user that are kept."""
_MAX_DELETED = 1000
"""Inactive tokens that are deleted at a time."""
_MAX_SECONDS = 100 * 366 * 24 * 3600
_INSERT = Statement(insert(access_tokens))


class AccessToken(NamedTuple):
    """A row of `access_tokens`, without its digest."""

    id: str
    user_id: str
    label: str
    created_at: int
    expires_at: int | None
    revoked_at: int | None
    stored_scopes: str | None
    stored_platform_keys: str | None

    @property
    def scopes(self) -> list[Scope]:
        """What the token may be used for."""
        scopes = parse_scopes(self.stored_scopes)
        return [scope for scope in Scope if scopes is None or scope in scopes]

    @property
    def platform_keys(self) -> list[str] | None:
        """The platforms that the token is limited to; None if it is not."""
        text = self.stored_platform_keys
        return None if text is None else text.split("\n")


_COLUMNS = select(*(access_tokens.c[name.removeprefix("stored_")] for name in AccessToken._fields))
_TOKEN = Statement(_COLUMNS.where(access_tokens.c.id == bindparam("id")))
_OF_USERS = Statement(
    _COLUMNS.where(any_of(access_tokens.c.user_id, "user_ids")).order_by(
        access_tokens.c.created_at, access_tokens.c.id
    )
)


class _TokenHolder(NamedTuple):
    """A token with the user who holds it: the columns of `_HOLDERS`."""

    token_id: str
    digest: bytes
    user_id: str
    username: str
    tenant_id: str
    stored_permissions: str
    is_platform_owner: bool
    issued_by: str | None
    expires_at: int | None
    revoked_at: int | None
    scopes: str | None
    platform_keys: str | None
    issuer_id: str | None
    """The user who issued the token, if it is another user who exists."""
    issuer_tenant_id: str | None
    issuer_permissions: str | None
    issuer_is_platform_owner: bool | None


class TokenRefusal(Enum):
    """Why a token does not identify a caller. The values are public messages.

    Only who knows the secret learns that a token has existed.
    """

    UNKNOWN = "The access token is not valid."
    EXPIRED = "The access token has expired."
    REVOKED = "The access token was revoked."
    ISSUER = "The issuer of the access token may not issue tokens for its user any more."


class _TokenOwner(NamedTuple):
    """The columns of `_OWNERS`."""

    token_id: str
    user_id: str


async def principals(
    connection: Connection, presented: Sequence[tokens.Token], policy: Policy, now: int
) -> list[Principal | MalformedData | TokenRefusal]:
    """The caller behind each token, or why there is none.

    MalformedData if the stored permissions of the caller are invalid.
    """
    rows = await connection.fetch(_HOLDERS, ids={token.id for token in presented})
    holders = {row.token_id: row for row in rows_as(_TokenHolder, rows)}
    # One client often sends many requests at once, all with the same token.
    callers = {token: _caller(token, holders.get(token.id), policy, now) for token in set(presented)}
    return [callers[token] for token in presented]


def _caller(
    token: tokens.Token, holder: _TokenHolder | None, policy: Policy, now: int
) -> Principal | MalformedData | TokenRefusal:
    if holder is None or not token.matches(holder.digest):
        return TokenRefusal.UNKNOWN
    if holder.revoked_at is not None:
        return TokenRefusal.REVOKED
    if holder.expires_at is not None and holder.expires_at <= now:
        return TokenRefusal.EXPIRED
    try:
        principal = _principal(holder)
        if holder.scopes is not None or holder.platform_keys is not None:
            keys = None if holder.platform_keys is None else frozenset(holder.platform_keys.split("\n"))
            principal = policy.restricted(principal, parse_scopes(holder.scopes), keys)
        if holder.issued_by is None or holder.issued_by == holder.user_id:
            return principal
        issuer = _issuer(holder)
    except MalformedData as error:
        return error
    return (issuer and policy.issued_by(issuer, principal)) or TokenRefusal.ISSUER


@lru_cache(1000)
def _principal(holder: _TokenHolder) -> Principal:
    """The user who holds a token, made once while their row is the same. Raises MalformedData."""
    return Principal.create(
        holder.user_id,
        holder.username,
        holder.tenant_id,
        read_permissions(holder.stored_permissions, holder.user_id),
        is_platform_owner=bool(holder.is_platform_owner),
        origin_id=holder.issued_by,
        token_expires_at=holder.expires_at,
    )


def _issuer(holder: _TokenHolder) -> Principal | None:
    """The user who issued a token for another; None if they do not exist any more. Raises MalformedData."""
    if holder.issuer_id is None or holder.issuer_tenant_id is None:
        return None
    return Principal.create(
        holder.issuer_id,
        "",
        holder.issuer_tenant_id,
        read_permissions(holder.issuer_permissions or "[]", holder.issuer_id),
        is_platform_owner=bool(holder.issuer_is_platform_owner),
    )


async def issue(
    transaction: Connection,
    user_id: str,
    *,
    label: str,
    now: int,
    expires_at: int | None = None,
    issued_by: str | None = None,
    scopes: Scopes = None,
    platform_keys: frozenset[str] | None = None,
    author: Author = OPERATOR,
) -> tokens.Token:
    """Issue a token. Its secret is in the result only. `issued_by` is None for the operator."""
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
        scopes=scopes_text(scopes),
        platform_keys=None if platform_keys is None else "\n".join(sorted(platform_keys)),
    )
    transaction.security_events.append(_event(EventKind.TOKEN_ISSUED, token.id, user_id))
    facts = {"label": label, "expiresAt": None if expires_at is None else rfc3339(expires_at)}
    issued = FieldChange(UserAction.ISSUED, "tokens", token.id, new=facts)
    await changes.record(transaction, user_id, author, now, [issued])
    return token


async def revoke(transaction: Connection, id: str, *, now: int, author: Author = OPERATOR) -> None:
    """Revoke a token; revoking it again changes nothing. Raises NotFound."""
    if not await transaction.fetch(_TOKEN, id=id):
        raise NotFound(f"There is no token {id}; `token list` shows the ids.")
    rows = await transaction.fetch(_REVOKE, token_id=id, revoked_at=now)
    await note_revoked(transaction, rows, author, now)


async def issue_for(
    transaction: Connection,
    access: UserAccess,
    *,
    label: str,
    lifetime: int | None,
    replaces: str | None,
    overlap: int,
    now: int,
    max_lifetime: int | None = None,
    scopes: Collection[Scope] | None = None,
    platform_keys: Collection[str] | None = None,
) -> tokens.Token:
    """Issue a token for a user whom the caller may act as. Raises Rejected.

    `lifetime`, `overlap` and `max_lifetime` are seconds. The token ends earlier than its lifetime says where
    `max_lifetime` or `UserAccess.tokens_end_by` demand it. `replaces` is the id of a token of the same user,
    which then expires after `overlap` at the latest. Lock the user before, so that the count of active tokens
    is exact. Inactive tokens are deleted, except the latest hundred.
    """
    access.verify()
    if len(label) > _MAX_LABEL or "\0" in label:
        raise Rejected(Problem.INVALID_VALUE, f"A label has at most {_MAX_LABEL} characters.", ("label",))
    own_scopes = _narrowed(access.scopes, scopes, "scopes")
    own_platform_keys = _narrowed(access.platform_keys, platform_keys, "platform_keys")
    for name, seconds, minimum in (("expires_in_seconds", lifetime, 1), ("overlap_seconds", overlap, 0)):
        if seconds is not None and not minimum <= seconds <= _MAX_SECONDS:
            message = f"This must be a number of seconds from {minimum} to {_MAX_SECONDS}."
            raise Rejected(Problem.INVALID_VALUE, message, (name,))
    if replaces is not None:
        if await owners(transaction, [replaces]) != [access.user_id]:
            raise Rejected(Problem.INVALID_VALUE, "This user has no such token.", ("replaces",))
        end = now + overlap * 1000
        if await transaction.fetch(_SHORTEN, token_id=replaces, of_user=access.user_id, end=end):
            shortened = FieldChange(UserAction.SHORTENED, "tokens", replaces, new={"expiresAt": rfc3339(end)})
            await changes.record(transaction, access.user_id, access.author, now, [shortened])
        transaction.security_events.append(_event(EventKind.TOKEN_REPLACED, replaces, access.user_id))
    [(active,)] = await transaction.fetch(_COUNT_ACTIVE, of_user=access.user_id, now=now)
    if active >= _MAX_ACTIVE:
        message = f"This user has {active} active tokens, and {_MAX_ACTIVE} are allowed; revoke one first."
        raise Rejected(Problem.TOO_MANY_TOKENS, message, ())
    await transaction.execute(
        _DELETE_INACTIVE, of_user=access.user_id, now=now, kept=_MAX_INACTIVE, size=_MAX_DELETED
    )
    ends = [now + seconds * 1000 for seconds in (lifetime, max_lifetime) if seconds is not None]
    ends += [] if access.tokens_end_by is None else [access.tokens_end_by]
    expires_at = min(ends, default=None)
    return await issue(
        transaction,
        access.user_id,
        label=label,
        now=now,
        expires_at=expires_at,
        issued_by=access.origin_id,
        scopes=own_scopes,
        platform_keys=own_platform_keys,
        author=access.author,
    )


async def revoke_all(transaction: Connection, access: UserAccess, now: int) -> list[str]:
    """Revoke all tokens of a user, and refuse JWTs that were issued to them so far.

    Returns the ids of the tokens that were not revoked before.
    """
    access.verify()
    await identities.revoke_issued_before(transaction, access.user_id, now)
    rows = await transaction.fetch(_REVOKE_ALL, of_user=access.user_id, revoked_at=now)
    await note_revoked(transaction, rows, access.author, now, reason="ALL_OF_USER")
    return sorted(id for id, _ in rows)


def _narrowed(allowed: frozenset[T] | None, wanted: Collection[T] | None, field: str) -> frozenset[T] | None:
    """What a new token is limited to, given what the token is limited to that issues it. Raises Rejected."""
    if wanted is None:
        return allowed
    if not wanted or not all(isinstance(each, str) and each and "\n" not in each for each in wanted):
        raise Rejected(Problem.INVALID_VALUE, "Name at least one, or leave the field out.", (field,))
    if allowed is not None and not allowed.issuperset(wanted):
        message = "A token issues only tokens that may do no more than itself."
        raise Rejected(Problem.NOT_ALLOWED, message, (field,))
    return frozenset(wanted)


async def note_revoked(
    transaction: Connection, rows: Iterable[Row], author: Author, now: int, reason: str | None = None
) -> None:
    """Put revoked tokens into the security log, and record them as changes of their users.

    `rows` have the id of a token and that of its user.
    """
    revoked: dict[str, list[str]] = {}
    for row in rows_as(_TokenOwner, rows):
        transaction.security_events.append(_event(EventKind.TOKEN_REVOKED, row.token_id, row.user_id, reason))
        revoked.setdefault(row.user_id, []).append(row.token_id)
    for user_id, ids in sorted(revoked.items()):
        recorded = [FieldChange(UserAction.REVOKED, "tokens", id) for id in sorted(ids)]
        await changes.record(transaction, user_id, author, now, recorded)


def _event(kind: EventKind, token_id: str, user_id: str, reason: str | None = None) -> SecurityEvent:
    return SecurityEvent(kind, f"{user_id}:{token_id}", reason)


async def owners(connection: Connection, ids: Sequence[str]) -> list[str | None]:
    """The id of the user whom each token belongs to; None for unknown tokens."""
    rows = rows_as(_TokenOwner, await connection.fetch(_OWNERS, ids=ids))
    found = {row.token_id: row.user_id for row in rows}
    return [found.get(id) for id in ids]


async def by_id(connection: Connection, id: str) -> AccessToken:
    """The token with this id, which must exist."""
    (token,) = rows_as(AccessToken, await connection.fetch(_TOKEN, id=id))
    return token


async def of_users(connection: Connection, user_ids: Sequence[str]) -> list[list[AccessToken]]:
    """The tokens of each user, oldest first."""
    found: dict[str, list[AccessToken]] = {user_id: [] for user_id in user_ids}
    for token in rows_as(AccessToken, await connection.fetch(_OF_USERS, user_ids=found)):
        found[token.user_id].append(token)
    return [found[user_id] for user_id in user_ids]


async def of_user(connection: Connection, user_id: str) -> list[AccessToken]:
    """A user's tokens, oldest first."""
    return (await of_users(connection, [user_id]))[0]
