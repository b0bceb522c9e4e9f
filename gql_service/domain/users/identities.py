"""Identities of OpenID Connect issuers: the users whom they authenticate, and how they are linked.

An identity is the issuer and the subject of a token. Names and addresses in a token are no identity: they
change, and others get them. They only count at first sight, and where a setting names the claim.
"""

from collections.abc import Sequence
from enum import Enum
from typing import Any, NamedTuple

from sqlalchemy import bindparam, delete, insert, select

from gql_service.auth.access import Author, UserAccess
from gql_service.auth.claims import Claims, JwtRefusal
from gql_service.auth.policy import Policy
from gql_service.auth.principal import Principal
from gql_service.domain.tombstones import Grave, bury, is_buried
from gql_service.domain.users import changes, provisioning
from gql_service.domain.users.changes import FieldChange, UserAction
from gql_service.domain.users.profiles import read_permissions
from gql_service.domain.users.rows import User, by_emails, by_usernames
from gql_service.errors import MalformedData, Problem, Rejected
from gql_service.observability.security_log import EventKind, SecurityEvent
from gql_service.store.connection import Connection, rows_as
from gql_service.store.sql_functions import any_of
from gql_service.store.statement import Statement
from gql_service.store.tables import identities, revocations, users
from gql_service.store.upsert import DoUpdate

MAX_TEXT = 255
"""Characters of an issuer, and of a subject."""
_MAX_OF_USER = 20
_RECENT = 10 * 60 * 1000
"""Milliseconds in which a sign-in allows tokens that outlive the presented one."""
_FUTURE = 5 * 60 * 1000
"""A sign-in further in the future is a mistake of the issuer."""
_EMAIL = "email"
_FIELD = "identities"
SIGN_IN = Author(None, "sign-in")
"""Who creates and links users at first sight."""

_HOLDERS = Statement(
    select(
        identities.c.subject,
        users.c.id.label("user_id"),
        users.c.username,
        users.c.tenant_id,
        users.c.permissions,
        users.c.is_platform_owner,
        revocations.c.revoked_at,
    )
    .join(users, users.c.id == identities.c.user_id)
    .outerjoin(revocations, revocations.c.user_id == identities.c.user_id)
    .where(identities.c.issuer == bindparam("issuer"), any_of(identities.c.subject, "subjects"))
)
_COLUMNS = select(identities.c.issuer, identities.c.subject, identities.c.user_id, identities.c.linked_at)
_OF_USERS = Statement(
    _COLUMNS.where(any_of(identities.c.user_id, "user_ids")).order_by(
        identities.c.linked_at, identities.c.issuer, identities.c.subject
    )
)
_FIND = Statement(
    _COLUMNS.where(
        identities.c.issuer == bindparam("of_issuer"), identities.c.subject == bindparam("of_subject")
    )
)
_INSERT = Statement(insert(identities))
_DELETE = Statement(
    delete(identities)
    .where(
        identities.c.issuer == bindparam("of_issuer"),
        identities.c.subject == bindparam("of_subject"),
        identities.c.user_id == bindparam("of_user"),
    )
    .returning(identities.c.user_id)
)
_REVOKE = Statement(
    insert(revocations)
    .values(user_id=bindparam("user_id"), revoked_at=bindparam("revoked_at"))
    .ext(DoUpdate(index_elements=["user_id"], set_={"revoked_at": bindparam("revoked_at")}))
)


class Identity(NamedTuple):
    """A row of `identities`."""

    issuer: str
    subject: str
    user_id: str
    linked_at: int

    @property
    def key(self) -> tuple[str, str]:
        """The issuer and the subject."""
        return self.issuer, self.subject


class _Holder(NamedTuple):
    """The user of an identity: the columns of `_HOLDERS`."""

    subject: str
    user_id: str
    username: str
    tenant_id: str
    stored_permissions: str
    is_platform_owner: bool
    revoked_at: int | None


class FirstSight(NamedTuple):
    """What happens to an identity that is linked to nobody. Claims are names; None means: nothing."""

    link_claim: str | None
    create_claim: str | None
    tenant_id: str


class IdentityRefusal(Enum):
    """Why a valid JWT does not identify a caller. The values are public messages."""

    UNLINKED = "No user is linked to the identity of the access token. Ask an admin to link it."
    CLAIM_MISSING = "The access token lacks a claim that a new user needs. Ask the admin of its issuer."
    INVALID_NAME = "The name or the address in the access token is not allowed here."
    NAME_TAKEN = "The username in the access token is taken. Ask an admin to link the identity."
    EMAIL_TAKEN = "The email address in the access token is taken. Ask an admin to link the identity."
    NOT_LINKABLE = "Only an admin can link the identity of the access token."


class RefusedIdentity(Exception):
    """An identity cannot be linked at first sight."""

    def __init__(self, refusal: IdentityRefusal) -> None:
        super().__init__(refusal.value)
        self.refusal = refusal


async def principals(
    connection: Connection, presented: Sequence[Claims], policy: Policy, now: int
) -> list[Principal | MalformedData | JwtRefusal | None]:
    """The caller behind each verified token of one issuer, or why there is none; None if its identity is
    linked to nobody. MalformedData if the stored permissions of the caller are invalid."""
    subjects = {claims.subject for claims in presented}
    rows = await connection.fetch(_HOLDERS, issuer=presented[0].issuer, subjects=subjects)
    holders = {row.subject: row for row in rows_as(_Holder, rows)}
    return [_caller(claims, holders.get(claims.subject), policy, now) for claims in presented]


def _caller(
    claims: Claims, holder: _Holder | None, policy: Policy, now: int
) -> Principal | MalformedData | JwtRefusal | None:
    if holder is None:
        return None
    if holder.revoked_at is not None and claims.issued_at < holder.revoked_at:
        return JwtRefusal.REVOKED
    try:
        permissions = read_permissions(holder.stored_permissions, holder.user_id)
    except MalformedData as error:
        return error
    principal = Principal.create(
        holder.user_id,
        holder.username,
        holder.tenant_id,
        permissions,
        is_platform_owner=bool(holder.is_platform_owner),
        token_expires_at=claims.expires_at,
    )
    if claims.signed_in_at is not None and -_FUTURE <= now - claims.signed_in_at <= _RECENT:
        principal = principal._replace(signed_in_recently=True)
    return principal if claims.scopes is None else policy.restricted(principal, claims.scopes, None)


async def admit(transaction: Connection, claims: Claims, rules: FirstSight, policy: Policy, now: int) -> None:
    """Link an identity that is linked to nobody to an existing user or a new one, as far as the rules allow.

    Raises RefusedIdentity or MalformedData.
    """
    await _reserve(transaction, claims.issuer, claims.subject)
    if await _find(transaction, claims.issuer, claims.subject) is not None:
        return  # another request has linked it just now
    if await is_buried(transaction, Grave.IDENTITY, _key(claims.issuer, claims.subject)):
        raise RefusedIdentity(IdentityRefusal.NOT_LINKABLE)
    user = await _linkable_user(transaction, claims, rules, policy)
    if user is None and rules.create_claim is not None:
        user = await _create_user(transaction, claims, rules.create_claim, rules.tenant_id, policy, now)
    if user is None:
        raise RefusedIdentity(IdentityRefusal.UNLINKED)
    identity = Identity(claims.issuer, claims.subject, user.user_id, now)
    await _insert(transaction, identity, SIGN_IN, "FIRST_SIGHT")


async def _linkable_user(
    transaction: Connection, claims: Claims, rules: FirstSight, policy: Policy
) -> User | None:
    """The existing user whom the claim names, if any. Raises RefusedIdentity or MalformedData."""
    value = None if rules.link_claim is None else claims.others.get(rules.link_claim)
    if not isinstance(value, str) or not value:
        return None
    if rules.link_claim != _EMAIL:
        (found,) = await by_usernames(transaction, [value])
    elif claims.others.get("email_verified") is True:
        (found,) = await by_emails(transaction, rules.tenant_id, [value])
    else:
        return None
    if found is None:
        return None
    user = await provisioning.lock(transaction, found.user_id)
    linked = await of_user(transaction, user.user_id)
    if (
        user.tenant_id != rules.tenant_id
        or policy.is_privileged(user)
        or any(each.issuer == claims.issuer for each in linked)
    ):
        raise RefusedIdentity(IdentityRefusal.NOT_LINKABLE)
    return user


async def _create_user(
    transaction: Connection, claims: Claims, name_claim: str, tenant_id: str, policy: Policy, now: int
) -> User:
    username, email = claims.others.get(name_claim), claims.others.get(_EMAIL)
    if not isinstance(username, str) or not isinstance(email, str):
        raise RefusedIdentity(IdentityRefusal.CLAIM_MISSING)
    try:
        return await provisioning.create(
            transaction,
            policy.user_for_operator(author=SIGN_IN),
            username=username,
            tenant_id=tenant_id,
            now=now,
            email=email,
            email_verified=claims.others.get("email_verified") is True,
        )
    except Rejected as rejected:
        raise RefusedIdentity(_refusal(rejected)) from None


def _refusal(rejected: Rejected) -> IdentityRefusal:
    """Why a new user cannot be created."""
    if rejected.problem is Problem.UNKNOWN_TENANT:
        return IdentityRefusal.UNLINKED
    if rejected.problem is not Problem.TAKEN:
        return IdentityRefusal.INVALID_NAME
    return IdentityRefusal.EMAIL_TAKEN if _EMAIL in rejected.field else IdentityRefusal.NAME_TAKEN


async def link(transaction: Connection, access: UserAccess, issuer: str, subject: str, *, now: int) -> None:
    """Link an identity to a user; again has no effect. Lock the user before. Raises Rejected."""
    access.verify()
    check_texts(issuer, subject)
    await _reserve(transaction, issuer, subject)
    existing = await _find(transaction, issuer, subject)
    if existing is not None and existing.user_id == access.user_id:
        return
    if existing is not None:
        message = "This identity is linked to another user; unlink it from them first."
        raise Rejected(Problem.TAKEN, message, ("subject",))
    if len(await of_user(transaction, access.user_id)) >= _MAX_OF_USER:
        message = f"A user has at most {_MAX_OF_USER} identities; unlink one first."
        raise Rejected(Problem.NOT_ALLOWED, message, ("subject",))
    await _insert(transaction, Identity(issuer, subject, access.user_id, now), access.author, None)


async def unlink(transaction: Connection, access: UserAccess, issuer: str, subject: str, *, now: int) -> bool:
    """Unlink an identity from a user. Returns whether it was linked.

    It is not linked at first sight again, because its next request would undo what was done here.
    """
    access.verify()
    check_texts(issuer, subject)
    parameters = {"of_issuer": issuer, "of_subject": subject, "of_user": access.user_id}
    if not await transaction.fetch(_DELETE, **parameters):
        return False
    await bury(transaction, [(Grave.IDENTITY, _key(issuer, subject))])
    transaction.security_events.append(SecurityEvent(EventKind.IDENTITY_UNLINKED, access.user_id))
    change = FieldChange(UserAction.UNLINKED, _FIELD, old={"issuer": issuer, "subject": subject})
    await changes.record(transaction, access.user_id, access.author, now, [change])
    return True


def check_texts(issuer: str, subject: str) -> None:
    """Raise Rejected for texts that no token can have."""
    for name, text in (("issuer", issuer), ("subject", subject)):
        if not 0 < len(text) <= MAX_TEXT or "\0" in text:
            raise Rejected(Problem.INVALID_VALUE, f"This must have 1 to {MAX_TEXT} characters.", (name,))


async def revoke_issued_before(transaction: Connection, user_id: str, now: int) -> None:
    """Refuse the JWTs of a user that were issued before now."""
    await transaction.execute(_REVOKE, user_id=user_id, revoked_at=now)
    if await of_user(transaction, user_id):
        transaction.security_events.append(SecurityEvent(EventKind.TOKEN_REVOKED, user_id, "JWTS_OF_USER"))


async def of_users(connection: Connection, user_ids: Sequence[str]) -> list[list[Identity]]:
    """The identities of each user, oldest link first."""
    found: dict[str, list[Identity]] = {user_id: [] for user_id in user_ids}
    for identity in rows_as(Identity, await connection.fetch(_OF_USERS, user_ids=found)):
        found[identity.user_id].append(identity)
    return [found[user_id] for user_id in user_ids]


async def by_keys(connection: Connection, keys: Sequence[tuple[str, str]]) -> list[Identity]:
    """The linked identities with these issuers and subjects."""
    found = [await _find(connection, *key) for key in keys]
    return [identity for identity in found if identity is not None]


async def insert_identities(transaction: Connection, rows: Sequence[Identity]) -> None:
    """Store identities of an import. Raises Duplicate."""
    await transaction.execute_many(_INSERT, [row._asdict() for row in rows])


async def of_user(connection: Connection, user_id: str) -> list[Identity]:
    """A user's identities, oldest link first."""
    return (await of_users(connection, [user_id]))[0]


async def bury_those_of(transaction: Connection, user_id: str) -> None:
    """Keep the identities of a user who is deleted from creating another user at their next request."""
    linked = await of_user(transaction, user_id)
    await bury(transaction, [(Grave.IDENTITY, _key(each.issuer, each.subject)) for each in linked])


def _key(issuer: str, subject: str) -> str:
    return f"{issuer}\n{subject}"


async def _reserve(transaction: Connection, issuer: str, subject: str) -> None:
    """Keep other transactions from linking an identity."""
    await transaction.lock({f"identity:{_key(issuer, subject)}"}, exclusive=True)


async def _find(connection: Connection, issuer: str, subject: str) -> Identity | None:
    rows = rows_as(Identity, await connection.fetch(_FIND, of_issuer=issuer, of_subject=subject))
    return rows[0] if rows else None


async def _insert(transaction: Connection, identity: Identity, author: Author, reason: str | None) -> None:
    values: dict[str, Any] = identity._asdict()
    await transaction.execute(_INSERT, **values)
    transaction.security_events.append(SecurityEvent(EventKind.IDENTITY_LINKED, identity.user_id, reason))
    account = {"issuer": identity.issuer, "subject": identity.subject}
    change = FieldChange(UserAction.LINKED, _FIELD, new=account)
    await changes.record(transaction, identity.user_id, author, identity.linked_at, [change])
