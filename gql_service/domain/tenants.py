"""The tenants and their platforms."""

import re
from collections.abc import Sequence
from typing import NamedTuple
from uuid import uuid4

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gql_service.errors import BadUserInput
from gql_service.store.tables import platforms, tenants

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_PLATFORM_KEY = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")


class Tenant(NamedTuple):
    """A row of `tenants`."""

    id: str
    name: str
    created_at: int


class Platform(NamedTuple):
    """A row of `platforms`."""

    id: str
    key: str
    tenant_id: str
    name: str
    created_at: int


async def platforms_by_keys(connection: AsyncConnection, keys: Sequence[str]) -> list[Platform | None]:
    """One platform per platform key."""
    rows = await connection.execute(select(platforms).where(platforms.c.key.in_(keys)))
    found = {row.key: Platform(*row) for row in rows}
    return [found.get(key) for key in keys]


async def require_tenant(connection: AsyncConnection, id: str) -> Tenant:
    """Raises BadUserInput when there is no such tenant."""
    row = (await connection.execute(select(tenants).where(tenants.c.id == id))).one_or_none()
    if row is None:
        raise BadUserInput(f"There is no tenant {id}; create it first.")
    return Tenant(*row)


async def create_tenant(
    transaction: AsyncConnection, *, name: str, now: int, id: str | None = None
) -> Tenant:
    """Add a tenant. Raises BadUserInput when the name is empty or the id malformed or taken."""
    if not name.strip():
        raise BadUserInput("A tenant needs a name.")
    if id is not None and not _ID.fullmatch(id):
        raise BadUserInput("An id is 1 to 64 letters, digits, hyphens and underscores.")
    tenant = Tenant(id or str(uuid4()), name, now)
    if (await transaction.execute(select(tenants.c.id).where(tenants.c.id == tenant.id))).first():
        raise BadUserInput(f"A tenant with the id {tenant.id} exists; choose another id.")
    await transaction.execute(insert(tenants).values(tenant._asdict()))
    return tenant


async def create_platform(
    transaction: AsyncConnection, *, key: str, tenant_id: str, now: int, name: str | None = None
) -> Platform:
    """Add a platform. Raises BadUserInput when its key is malformed or taken, or the tenant unknown."""
    if not _PLATFORM_KEY.fullmatch(key):
        raise BadUserInput(
            "A platform key is 1 to 100 lower-case letters, digits, dots, hyphens and underscores, "
            "and starts with a letter or digit."
        )
    await require_tenant(transaction, tenant_id)
    if (await platforms_by_keys(transaction, [key]))[0]:
        raise BadUserInput(f"The platform key {key} is taken; choose another.")
    platform = Platform(str(uuid4()), key, tenant_id, name or key, now)
    await transaction.execute(insert(platforms).values(platform._asdict()))
    return platform
