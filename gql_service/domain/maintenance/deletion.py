"""Deleting platforms and tenants. Their ids and keys are never given out again.

A platform disappears in one transaction; its documents, with history, index and answers, are deleted after
it in small transactions. `deleted_platforms` says which platforms are not finished: whoever sweeps goes on
with those, also after a crash. A tenant is deleted when its users are gone; these are erased one by one.
"""

from typing import NamedTuple

from sqlalchemy import Text, bindparam, delete, func, insert, select

from gql_service.auth.access import PlatformAccess, TenantsAccess
from gql_service.auth.policy import Policy
from gql_service.domain import tenants
from gql_service.domain.tenants import tenant_lock
from gql_service.domain.tombstones import Grave, bury
from gql_service.domain.users import provisioning
from gql_service.errors import NotFound, Problem, Rejected
from gql_service.observability.security_log import EventKind, SecurityEvent
from gql_service.store import tables
from gql_service.store.connection import Connection
from gql_service.store.database import Database
from gql_service.store.statement import Statement

_MAX_DOCUMENTS, _MAX_CHANGES = 20, 500
"""Limits of one transaction."""

_documents, _changes = tables.documents.c, tables.document_changes.c
_platforms, _users, _memberships = tables.platforms.c, tables.users.c, tables.memberships.c
_PLATFORM = bindparam("of_platform", type_=Text)
_TENANT = bindparam("of_tenant", type_=Text)
_COUNT_DOCUMENTS = Statement(select(func.count()).where(_documents.platform_id == _PLATFORM), scans=True)
_COUNT_DEFINITIONS = Statement(
    select(func.count()).where(tables.metadata_definitions.c.platform_id == _PLATFORM)
)
_DELETE_OWNED = [
    Statement(delete(table).where(table.c.platform_id == _PLATFORM))
    for table in tables.metadata.sorted_tables
    if any(column.references(_platforms.id) for column in table.c)
]
"""For all tables that have rows of a platform, so that none is forgotten."""
_DELETE_PLATFORM = Statement(delete(tables.platforms).where(_platforms.id == _PLATFORM))
_NOTE_DELETED = Statement(insert(tables.deleted_platforms))
_NEXT_DELETED = Statement(select(tables.deleted_platforms.c.platform_id).limit(1))
_IS_DELETED = Statement(
    select(tables.deleted_platforms.c.platform_id).where(tables.deleted_platforms.c.platform_id == _PLATFORM)
)
_FORGET_DELETED = Statement(
    delete(tables.deleted_platforms).where(tables.deleted_platforms.c.platform_id == _PLATFORM)
)
_NEXT_DOCUMENTS = Statement(
    select(_documents.user_id)
    .where(_documents.platform_id == _PLATFORM)
    .order_by(_documents.user_id)
    .limit(bindparam("size"))
    .with_for_update()
)
_OF_DOCUMENT = bindparam("of_user", type_=Text)
_DELETE_CHANGES = Statement(
    delete(tables.document_changes)
    .where(
        _changes.user_id == _OF_DOCUMENT,
        _changes.platform_id == _PLATFORM,
        _changes.revision.in_(
            select(_changes.revision)
            .where(_changes.user_id == _OF_DOCUMENT, _changes.platform_id == _PLATFORM)
            .order_by(_changes.revision)
            .limit(bindparam("size"))
        ),
    )
    .returning(_changes.revision)
)
_DELETE_REST = [
    Statement(delete(table).where(table.c.user_id == _OF_DOCUMENT, table.c.platform_id == _PLATFORM))
    for table in tables.metadata.sorted_tables
    if {"user_id", "platform_id"} <= set(table.c.keys()) and table is not tables.document_changes
]
"""For all tables that have rows of a document, so that none is forgotten."""
_DELETE_EVENTS = [
    Statement(
        delete(table).where(table.c.tenant_id == _TENANT, table.c.platform_id == _PLATFORM, *conditions)
    )
    for table, *conditions in ((tables.events, tables.events.c.user_id.is_(None)), (tables.pruned_events,))
]
"""Of the platform itself. Those of users are deleted with their documents."""
_COUNT_USERS = Statement(select(func.count()).where(_users.tenant_id == _TENANT), scans=True)
_COUNT_MEMBERS = Statement(select(func.count()).where(_memberships.tenant_id == _TENANT), scans=True)
_PLATFORMS_OF_TENANT = Statement(
    select(tables.platforms).where(_platforms.tenant_id == _TENANT).order_by(_platforms.key)
)
_NEXT_USERS = Statement(
    select(_users.id).where(_users.tenant_id == _TENANT).order_by(_users.id).limit(bindparam("size"))
)
_MEMBERS = Statement(
    select(_memberships.user_id).where(_memberships.tenant_id == _TENANT).order_by(_memberships.user_id),
    scans=True,
)
_DELETE_TENANT = Statement(delete(tables.tenants).where(tables.tenants.c.id == _TENANT))


class PlatformContents(NamedTuple):
    """What is deleted with a platform."""

    documents: int
    """Cleared ones, too."""
    definitions: int


class TenantContents(NamedTuple):
    """What is deleted with a tenant."""

    users: int
    """Whose home tenant it is."""
    guests: int
    """Users of other tenants, who lose their permissions in this one."""
    platforms: int
    documents: int
    """On these platforms."""


async def platform_contents(connection: Connection, platform_id: str) -> PlatformContents:
    """Count what would be deleted with a platform."""
    ((documents,),) = await connection.fetch(_COUNT_DOCUMENTS, of_platform=platform_id)
    ((definitions,),) = await connection.fetch(_COUNT_DEFINITIONS, of_platform=platform_id)
    return PlatformContents(int(documents), int(definitions))


async def tenant_contents(connection: Connection, tenant_id: str) -> TenantContents:
    """Count what would be deleted with a tenant."""
    ((number,),) = await connection.fetch(_COUNT_USERS, of_tenant=tenant_id)
    ((members,),) = await connection.fetch(_COUNT_MEMBERS, of_tenant=tenant_id)
    platforms = await _platforms_of(connection, tenant_id)
    contents = [await platform_contents(connection, platform.id) for platform in platforms]
    documents = sum(each.documents for each in contents)
    return TenantContents(int(number), int(members) - int(number), len(platforms), documents)


async def delete_platform(
    transaction: Connection, access: PlatformAccess, *, force: bool
) -> PlatformContents:
    """Delete a platform; nobody finds it or its documents from now on. `purge` deletes the documents.

    Raises NotFound, and Rejected if there are documents and `force` is not set.
    """
    access.verify()
    await transaction.lock({access.platform_id}, exclusive=True)  # whoever writes documents shares this lock
    (platform,) = await tenants.platforms_by_ids(transaction, [access.platform_id])
    if platform is None:
        raise NotFound("Platform not found")
    contents = await platform_contents(transaction, platform.id)
    if contents.documents and not force:
        message = f"The platform has {contents.documents} documents. To delete them, too, set `force`."
        raise Rejected(Problem.NOT_EMPTY, message, ("force",))
    for statement in _DELETE_OWNED:
        await transaction.execute(statement, of_platform=platform.id)
    for statement in _DELETE_EVENTS:
        await transaction.execute(statement, of_tenant=access.tenant_id, of_platform=platform.id)
    await transaction.execute(_DELETE_PLATFORM, of_platform=platform.id)
    await transaction.execute(_NOTE_DELETED, platform_id=platform.id)
    await bury(transaction, [(Grave.PLATFORM_ID, platform.id), (Grave.PLATFORM_KEY, platform.key)])
    transaction.security_events.append(SecurityEvent(EventKind.PLATFORM_DELETED, platform.key))
    return contents


async def purge(database: Database) -> int:
    """Delete the documents of deleted platforms, in transactions of limited size. Returns how many.

    Processes may do so concurrently. Raises Unavailable.
    """
    deleted = 0
    while True:
        batch = await database.write(_purge_batch)
        if batch is None:
            return deleted
        deleted += batch


async def _purge_batch(transaction: Connection) -> int | None:
    """Delete some documents of a deleted platform. None if there is none."""
    rows = await transaction.fetch(_NEXT_DELETED)
    if not rows:
        return None
    ((platform_id,),) = rows
    users_ = await transaction.fetch(_NEXT_DOCUMENTS, of_platform=platform_id, size=_MAX_DOCUMENTS)
    if not users_:
        await transaction.execute(_FORGET_DELETED, of_platform=platform_id)
    rest = _MAX_CHANGES
    for number, (user_id,) in enumerate(users_):
        document = {"of_user": user_id, "of_platform": platform_id}
        changes = await transaction.fetch(_DELETE_CHANGES, **document, size=rest)
        rest -= len(changes)
        if not rest:
            return number
        for statement in _DELETE_REST:
            await transaction.execute(statement, **document)
    return len(users_)


async def is_deleted(connection: Connection, platform_id: str) -> bool:
    """Whether a platform was deleted, and its documents are still being deleted."""
    return bool(await connection.fetch(_IS_DELETED, of_platform=platform_id))


async def next_users(connection: Connection, tenant_id: str, size: int) -> list[str]:
    """The ids of some users whose home tenant it is."""
    return [id for (id,) in await connection.fetch(_NEXT_USERS, of_tenant=tenant_id, size=size)]


async def delete_tenant(transaction: Connection, access: TenantsAccess, tenant_id: str, *, now: int) -> None:
    """Delete a tenant without users, with its platforms. Nobody has permissions in it any more.

    Raises NotFound, or Rejected if it has users.
    """
    access.verify()
    await transaction.lock({tenant_lock(tenant_id)}, exclusive=True)  # whoever adds to the tenant shares it
    if not await tenants.tenant_exists(transaction, tenant_id):
        raise NotFound("Tenant not found")
    if await next_users(transaction, tenant_id, 1):
        raise Rejected(Problem.NOT_EMPTY, "The tenant has users. Delete them first.", ("force",))
    policy = Policy()
    for platform in await _platforms_of(transaction, tenant_id):
        await delete_platform(transaction, policy.platform_for_operator(platform), force=True)
    for (user_id,) in await transaction.fetch(_MEMBERS, of_tenant=tenant_id):
        member = await provisioning.lock(transaction, user_id)
        kept = [each for each in member.permissions if each.partition("::")[0] != tenant_id]
        await provisioning.change(
            transaction,
            policy.user_for_operator(user_id, access.author),
            {"permissions": kept},
            now=now,
        )
    await transaction.execute(_DELETE_TENANT, of_tenant=tenant_id)
    await bury(transaction, [(Grave.TENANT_ID, tenant_id)])
    transaction.security_events.append(SecurityEvent(EventKind.TENANT_DELETED, tenant_id))


async def _platforms_of(connection: Connection, tenant_id: str) -> list[tenants.Platform]:
    rows = await connection.fetch(_PLATFORMS_OF_TENANT, of_tenant=tenant_id)
    return [tenants.Platform(*row) for row in rows]
