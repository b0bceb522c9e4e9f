"""Tenants, and the platforms they own."""

import re
from collections.abc import Sequence
from enum import Enum
from functools import cache
from typing import NamedTuple
from uuid import uuid4

from sqlalchemy import bindparam, insert, or_, select, update

from gql_service.auth.access import PlatformAccess, TenantsAccess
from gql_service.domain.pagination import Page, PageRequest, keyset, page_of, page_parameters
from gql_service.domain.retention import MAX_RETENTION, Retention
from gql_service.domain.tombstones import Grave, is_buried
from gql_service.errors import BadUserInput, NotFound, Problem, Rejected
from gql_service.observability.security_log import EventKind, SecurityEvent
from gql_service.quoting import quoted, shortened
from gql_service.store.connection import Connection, Duplicate, rows_as
from gql_service.store.sql_functions import any_of, bytewise
from gql_service.store.statement import Statement
from gql_service.store.tables import platforms, tenants

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_ID_RULE = "An id is 1 to 64 letters, digits, hyphens and underscores."
_MAX_NAME = 200
_KEY_RULE = (
    "A platform key is 1 to 100 lower-case letters, digits, dots, hyphens and underscores, "
    "and starts with a letter or digit."
)
_PLATFORM_KEY = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")

_PLATFORMS_BY_KEYS = Statement(select(platforms).where(any_of(platforms.c.key, "keys")))
_TENANT = Statement(select(tenants).where(tenants.c.id == bindparam("id")))
_INSERT_TENANT = Statement(insert(tenants))
_INSERT_PLATFORM = Statement(insert(platforms))
_SET_RETENTION = Statement(
    update(platforms)
    .where(
        platforms.c.id == bindparam("of_platform"),
        or_(*(platforms.c[name].is_distinct_from(bindparam(name)) for name in Retention._fields)),
    )
    .values({name: bindparam(name) for name in Retention._fields})
    .returning(platforms.c.id)
)


_RENAME_TENANT = Statement(
    update(tenants)
    .where(tenants.c.id == bindparam("of_tenant"), tenants.c.name != bindparam("new_name"))
    .values(name=bindparam("new_name"))
    .returning(tenants.c.id)
)
_RENAME_PLATFORM = Statement(
    update(platforms)
    .where(platforms.c.id == bindparam("of_platform"), platforms.c.name != bindparam("new_name"))
    .values(name=bindparam("new_name"))
    .returning(platforms.c.id)
)


class Tenant(NamedTuple):
    """A row of `tenants`."""

    id: str
    name: str
    created_at: int


class MetadataMode(Enum):
    """Which keys the documents of a platform may have: any, or only defined ones."""

    OPEN = "OPEN"
    STRICT = "STRICT"


class Platform(NamedTuple):
    """A row of `platforms`."""

    id: str
    key: str
    tenant_id: str
    name: str
    created_at: int
    strict: bool = False
    """Whether its documents may have defined keys only."""
    history_max_age: int | None = None
    history_max_changes: int | None = None
    idempotency_max_age: int | None = None
    """Its own retention: see `own_retention`."""

    @property
    def mode(self) -> MetadataMode:
        """`strict` as clients name it."""
        return MetadataMode.STRICT if self.strict else MetadataMode.OPEN

    def in_mode(self, mode: MetadataMode) -> "Platform":
        """The platform with another mode."""
        return self._replace(strict=mode is MetadataMode.STRICT)

    @property
    def own_retention(self) -> Retention:
        """What it keeps, where that is less than the settings say."""
        return Retention(self.history_max_age, self.history_max_changes, self.idempotency_max_age)

    @property
    def user_id(self) -> None:
        """None: a platform belongs to no user. Access rules read it of every subject."""

    @property
    def tenant_ids(self) -> frozenset[str]:
        """The tenant that owns the platform."""
        return frozenset({self.tenant_id})


async def platforms_by_keys(connection: Connection, keys: Sequence[str]) -> list[Platform | None]:
    """One platform per platform key; None for unknown keys."""
    rows = rows_as(Platform, await connection.fetch(_PLATFORMS_BY_KEYS, keys=set(keys)))
    found = {platform.key: platform for platform in rows}
    return [found.get(key) for key in keys]


async def tenant_exists(connection: Connection, id: str) -> bool:
    """Whether there is a tenant with this id, which may be any text."""
    return "\0" not in id and bool(await connection.fetch(_TENANT, id=id))


def tenant_lock(id: str) -> str:
    """The name of the lock of a tenant: shared by whoever adds to it, exclusive for whoever deletes it."""
    return f"tenant:{id}"


async def create_tenant(
    transaction: Connection, access: TenantsAccess, *, name: str, now: int, id: str | None = None
) -> Tenant:
    """Add a tenant. Raises Rejected if the name or the id is malformed, or the id is taken."""
    access.verify()
    _check_name(name)
    if id is not None:
        if not _ID.fullmatch(id):
            raise Rejected(Problem.INVALID_VALUE, f"{quoted(id)} is not an id. {_ID_RULE}", ("tenant_id",))
        if await is_buried(transaction, Grave.TENANT_ID, id):
            message = f"The id {id} belonged to a tenant that was deleted; choose another id."
            raise Rejected(Problem.TAKEN, message, ("tenant_id",))
    tenant = Tenant(id or str(uuid4()), name, now)
    try:
        await transaction.execute(_INSERT_TENANT, **tenant._asdict())
    except Duplicate:
        message = f"A tenant with the id {tenant.id} exists; choose another id."
        raise Rejected(Problem.TAKEN, message, ("tenant_id",)) from None
    transaction.security_events.append(SecurityEvent(EventKind.TENANT_CREATED, tenant.id))
    return tenant


async def create_platform(
    transaction: Connection,
    access: TenantsAccess,
    *,
    key: str,
    tenant_id: str,
    now: int,
    name: str | None = None,
) -> Platform:
    """Add a platform. Raises Rejected if the key is malformed or taken, or the tenant is unknown."""
    access.verify()
    if not _PLATFORM_KEY.fullmatch(key):
        raise Rejected(Problem.INVALID_VALUE, _KEY_RULE, ("key",))
    if name is not None:
        _check_name(name)
    await transaction.lock({tenant_lock(tenant_id)}, exclusive=False)
    if not await tenant_exists(transaction, tenant_id):
        message = f"There is no tenant {shortened(tenant_id)}; create it first."
        raise Rejected(Problem.UNKNOWN_TENANT, message, ("tenant_id",))
    if await is_buried(transaction, Grave.PLATFORM_KEY, key):
        message = f"The key {key} belonged to a platform that was deleted; choose another."
        raise Rejected(Problem.TAKEN, message, ("key",))
    platform = Platform(str(uuid4()), key, tenant_id, name or key, now)
    try:
        await transaction.execute(_INSERT_PLATFORM, **platform._asdict())
    except Duplicate:
        message = f"The platform key {key} is taken; choose another."
        raise Rejected(Problem.TAKEN, message, ("key",)) from None
    transaction.security_events.append(SecurityEvent(EventKind.PLATFORM_CREATED, platform.key))
    return platform


async def rename_tenant(transaction: Connection, access: TenantsAccess, id: str, name: str) -> Tenant:
    """Give a tenant another name. Raises Rejected or NotFound."""
    access.verify()
    _check_name(name)
    (tenant,) = await tenants_by_ids(transaction, [id])
    if tenant is None:
        raise NotFound("Tenant not found")
    if await transaction.fetch(_RENAME_TENANT, of_tenant=id, new_name=name):
        transaction.security_events.append(SecurityEvent(EventKind.TENANT_RENAMED, id))
    return tenant._replace(name=name)


async def rename_platform(transaction: Connection, access: PlatformAccess, name: str) -> Platform:
    """Give a platform another name. Raises Rejected or NotFound."""
    access.verify()
    _check_name(name)
    (platform,) = await platforms_by_ids(transaction, [access.platform_id])
    if platform is None:
        raise NotFound("Platform not found")
    if await transaction.fetch(_RENAME_PLATFORM, of_platform=platform.id, new_name=name):
        transaction.security_events.append(SecurityEvent(EventKind.PLATFORM_RENAMED, platform.key))
    return platform._replace(name=name)


def _check_name(name: str) -> None:
    if not (name.strip() and len(name) <= _MAX_NAME):
        raise Rejected(Problem.INVALID_VALUE, f"A name is 1 to {_MAX_NAME} characters.", ("name",))


_TENANTS_BY_IDS = Statement(select(tenants).where(any_of(tenants.c.id, "ids")))
_PLATFORMS_BY_IDS = Statement(select(platforms).where(any_of(platforms.c.id, "ids")))
_TENANTS_AFTER = Statement(
    select(tenants)
    .where(bytewise(tenants.c.id) > bindparam("after"))
    .order_by(bytewise(tenants.c.id))
    .limit(bindparam("size"))
)
_PLATFORMS_AFTER = Statement(
    select(platforms)
    .where(bytewise(platforms.c.key) > bindparam("after"))
    .order_by(bytewise(platforms.c.key))
    .limit(bindparam("size"))
)


async def page_of_tenants(connection: Connection, request: PageRequest) -> Page[Tenant]:
    """A page of all tenants, in the order of their ids."""
    rows = await connection.fetch(_page_of_tenants(request.shape), **page_parameters(request))
    return page_of(rows_as(Tenant, rows), request)


async def page_of_platforms(
    connection: Connection, tenant_ids: Sequence[str] | None, request: PageRequest
) -> Page[Platform]:
    """A page of the platforms of these tenants (None: of all), in the order of their keys."""
    statement = _page_of_platforms(request.shape, tenant_ids is not None)
    parameters = {"tenant_ids": tenant_ids, **page_parameters(request)}
    return page_of(rows_as(Platform, await connection.fetch(statement, **parameters)), request)


@cache
def _page_of_tenants(shape: PageRequest) -> Statement:
    return Statement(keyset(select(tenants), tenants.c.id, shape), scans=True)


@cache
def _page_of_platforms(shape: PageRequest, of_tenants: bool) -> Statement:
    statement = select(platforms)
    if of_tenants:
        statement = statement.where(any_of(platforms.c.tenant_id, "tenant_ids"))
    return Statement(keyset(statement, platforms.c.key, shape), scans=True)


async def set_retention(
    transaction: Connection, access: PlatformAccess, own: Retention, most: Retention
) -> None:
    """Set what a platform keeps, where that is less than the settings say. Raises Rejected."""
    access.verify()
    _check_retention(own, most)
    changed = await transaction.fetch(_SET_RETENTION, of_platform=access.platform_id, **own._asdict())
    if changed:
        event = SecurityEvent(EventKind.PLATFORM_RETENTION_CHANGED, access.platform_key)
        transaction.security_events.append(event)


def _check_retention(own: Retention, most: Retention) -> None:
    for (name, number), limit in zip(own._asdict().items(), most, strict=True):
        if number is not None and not 1 <= number <= (limit or MAX_RETENTION):
            message = (
                f"{number} is not between 1 and {limit or MAX_RETENTION}. A platform may keep less than the "
                "service, not more."
            )
            raise Rejected(Problem.INVALID_VALUE, message, (name,))


async def tenants_by_ids(connection: Connection, ids: Sequence[str]) -> list[Tenant | None]:
    """One tenant per id; None for unknown ids."""
    rows = rows_as(Tenant, await connection.fetch(_TENANTS_BY_IDS, ids=set(ids)))
    found = {tenant.id: tenant for tenant in rows}
    return [found.get(id) for id in ids]


async def platforms_by_ids(connection: Connection, ids: Sequence[str]) -> list[Platform | None]:
    """One platform per platform id (not key); None for unknown ids."""
    rows = rows_as(Platform, await connection.fetch(_PLATFORMS_BY_IDS, ids=set(ids)))
    found = {platform.id: platform for platform in rows}
    return [found.get(id) for id in ids]


async def tenants_after(connection: Connection, id: str, size: int) -> list[Tenant]:
    """The next tenants after an id, ordered by id; "" comes before all ids."""
    return rows_as(Tenant, await connection.fetch(_TENANTS_AFTER, after=id, size=size))


async def platforms_after(connection: Connection, key: str, size: int) -> list[Platform]:
    """The next platforms after a key, ordered by key; "" comes before all keys."""
    return rows_as(Platform, await connection.fetch(_PLATFORMS_AFTER, after=key, size=size))


def check_tenant(tenant: Tenant) -> None:
    """Check a tenant from an import. Raises BadUserInput."""
    if not tenant.name.strip():
        raise BadUserInput("A tenant needs a name.")
    _check_id(tenant.id)


def check_platform(platform: Platform) -> None:
    """Check a platform from an import. Raises BadUserInput."""
    if not _PLATFORM_KEY.fullmatch(platform.key):
        raise BadUserInput(f"{quoted(platform.key)} is not a platform key. {_KEY_RULE}")
    _check_id(platform.id)


def _check_id(id: str) -> None:
    if not _ID.fullmatch(id):
        raise BadUserInput(f"{quoted(id)} is not an id. {_ID_RULE}")


async def insert_tenants(transaction: Connection, rows: Sequence[Tenant]) -> None:
    """Store checked tenants. Raises Duplicate."""
    await transaction.execute_many(_INSERT_TENANT, [row._asdict() for row in rows])


async def insert_platforms(transaction: Connection, rows: Sequence[Platform]) -> None:
    """Store checked platforms of existing tenants. Raises Duplicate."""
    await transaction.execute_many(_INSERT_PLATFORM, [row._asdict() for row in rows])
