"""Mutations that create, rename and delete tenants and platforms."""

from typing import Annotated

import strawberry
from strawberry import Info

from gql_service.auth.access import UserAccess
from gql_service.domain import tenants
from gql_service.domain.maintenance import deletion, user_erasure
from gql_service.errors import NotFound, Problem, Rejected
from gql_service.schema.auth_directive import AUTHENTICATED, PLATFORM_OWNER, TENANT_ADMIN
from gql_service.schema.inputs.tenants import (
    CreatePlatformInput,
    CreateTenantInput,
    DeletePlatformInput,
    DeleteTenantInput,
    RenamePlatformInput,
    RenameTenantInput,
)
from gql_service.schema.mutations.payloads import INPUT, Payload, payload_of
from gql_service.schema.types.platform import Platform
from gql_service.schema.types.tenant import Tenant
from gql_service.services.context import Context
from gql_service.store.connection import Connection

_MAX_USERS = 20
"""Users that one request deletes with their tenant: each takes a transaction that looks at all documents."""


@strawberry.type(directives=AUTHENTICATED, description="A write of a tenant.")
class TenantPayload(Payload):
    tenant: Tenant | None = strawberry.field(
        default=None, description="The tenant after the write. Null if the write was rejected."
    )


@strawberry.type(directives=AUTHENTICATED, description="The result of `createTenant`.")
class CreateTenantPayload(TenantPayload):
    pass


@strawberry.type(directives=AUTHENTICATED, description="The result of `renameTenant`.")
class RenameTenantPayload(TenantPayload):
    pass


@strawberry.type(directives=AUTHENTICATED, description="What a tenant has, and what is deleted with it.")
class TenantContents:
    users: int = strawberry.field(
        description="Users whose home tenant it is. They are deleted with all their data."
    )
    guests: int = strawberry.field(
        description="Users of other tenants, who lose their permissions in this one."
    )
    platforms: int = strawberry.field(description="Platforms of the tenant.")
    documents: int = strawberry.field(description="Documents on these platforms.")


@strawberry.type(directives=AUTHENTICATED, description="The result of `deleteTenant`.")
class DeleteTenantPayload(Payload):
    contents: TenantContents | None = strawberry.field(
        default=None, description="What the tenant had before the request."
    )
    deleted_tenant_id: strawberry.ID | None = strawberry.field(
        default=None,
        description="The id of the tenant that was deleted. Null after a dry run, if the write was rejected, "
        f"and if users are left: a request deletes at most {_MAX_USERS}. Then repeat it.",
    )


@strawberry.type(directives=AUTHENTICATED, description="A write of a platform.")
class PlatformPayload(Payload):
    platform: Platform | None = strawberry.field(
        default=None, description="The platform after the write. Null if the write was rejected."
    )


@strawberry.type(directives=AUTHENTICATED, description="The result of `createPlatform`.")
class CreatePlatformPayload(PlatformPayload):
    pass


@strawberry.type(directives=AUTHENTICATED, description="The result of `renamePlatform`.")
class RenamePlatformPayload(PlatformPayload):
    pass


@strawberry.type(directives=AUTHENTICATED, description="What a platform has, and what is deleted with it.")
class PlatformContents:
    documents: int = strawberry.field(description="Documents on the platform, cleared ones included.")
    definitions: int = strawberry.field(description="Definitions of metadata keys.")


@strawberry.type(directives=AUTHENTICATED, description="The result of `deletePlatform`.")
class DeletePlatformPayload(Payload):
    contents: PlatformContents | None = strawberry.field(
        default=None, description="What the platform had before the request."
    )
    deleted_platform_key: str | None = strawberry.field(
        default=None,
        description="The key of the platform that was deleted. Null after a dry run, or if the write was "
        "rejected.",
    )


@strawberry.type
class TenantMutation:
    @strawberry.mutation(directives=PLATFORM_OWNER, description="Create a tenant.")
    async def create_tenant(
        self, info: Info[Context, None], input: Annotated[CreateTenantInput, INPUT]
    ) -> CreateTenantPayload:
        access = info.context.services.policy.tenants_access(info.context.viewer)

        async def create(connection: Connection, now: int) -> CreateTenantPayload:
            row = await tenants.create_tenant(
                connection, access, name=input.name, id=input.tenant_id, now=now
            )
            return CreateTenantPayload(tenant=Tenant(row=row))

        return await payload_of(info.context.write_with(create), CreateTenantPayload)

    @strawberry.mutation(directives=PLATFORM_OWNER, description="Give a tenant another name; its id stays.")
    async def rename_tenant(
        self, info: Info[Context, None], input: Annotated[RenameTenantInput, INPUT]
    ) -> RenameTenantPayload:
        access = info.context.services.policy.tenants_access(info.context.viewer)

        async def rename(connection: Connection, now: int) -> RenameTenantPayload:
            row = await tenants.rename_tenant(connection, access, input.tenant_id, input.name)
            return RenameTenantPayload(tenant=Tenant(row=row))

        return await payload_of(info.context.write_with(rename, input.tenant_id), RenameTenantPayload)

    @strawberry.mutation(
        directives=PLATFORM_OWNER,
        description="Permanently delete a tenant, with its users and platforms if `force` is set. Its "
        "permissions are removed from everybody. Its id is never given out again.",
    )
    async def delete_tenant(
        self, info: Info[Context, None], input: Annotated[DeleteTenantInput, INPUT]
    ) -> DeleteTenantPayload:
        contents = await _tenant_contents(info.context, input.tenant_id)
        payload = DeleteTenantPayload(contents=TenantContents(**contents._asdict()))
        if input.dry_run:
            return payload
        deleting = _delete_tenant(info.context, input, contents, payload)
        return await payload_of(deleting, DeleteTenantPayload)

    @strawberry.mutation(
        directives=PLATFORM_OWNER, description="Create a platform, whose key is unique in all tenants."
    )
    async def create_platform(
        self, info: Info[Context, None], input: Annotated[CreatePlatformInput, INPUT]
    ) -> CreatePlatformPayload:
        access = info.context.services.policy.tenants_access(info.context.viewer)

        async def create(connection: Connection, now: int) -> CreatePlatformPayload:
            row = await tenants.create_platform(
                connection, access, key=input.key, tenant_id=input.tenant_id, name=input.name, now=now
            )
            return CreatePlatformPayload(platform=Platform(row=row))

        return await payload_of(info.context.write_with(create), CreatePlatformPayload)

    @strawberry.mutation(directives=TENANT_ADMIN, description="Give a platform another name; its key stays.")
    async def rename_platform(
        self, info: Info[Context, None], input: Annotated[RenamePlatformInput, INPUT]
    ) -> RenamePlatformPayload:
        access, _ = await info.context.platform_access(input.platform_key)

        async def rename(connection: Connection, now: int) -> RenamePlatformPayload:
            row = await tenants.rename_platform(connection, access, input.name)
            return RenamePlatformPayload(platform=Platform(row=row))

        return await payload_of(info.context.write_with(rename, access.platform_key), RenamePlatformPayload)

    @strawberry.mutation(
        directives=PLATFORM_OWNER,
        description="Permanently delete a platform, with its documents if `force` is set. From then on, "
        "nobody finds it; its documents, their history and their index are deleted for good some time later. "
        "Its key is never given out again.",
    )
    async def delete_platform(
        self, info: Info[Context, None], input: Annotated[DeletePlatformInput, INPUT]
    ) -> DeletePlatformPayload:
        context = info.context
        context.services.policy.tenants_access(context.viewer)
        access, _ = await context.platform_access(input.platform_key)
        if input.dry_run:
            async with context.services.database.read() as connection:
                contents = await deletion.platform_contents(connection, access.platform_id)
            return DeletePlatformPayload(contents=PlatformContents(**contents._asdict()))

        async def delete(connection: Connection, now: int) -> DeletePlatformPayload:
            deleted = await deletion.delete_platform(connection, access, force=input.force)
            return DeletePlatformPayload(
                contents=PlatformContents(**deleted._asdict()), deleted_platform_key=access.platform_key
            )

        return await payload_of(context.write_with(delete, access.platform_key), DeletePlatformPayload)


async def _tenant_contents(context: Context, tenant_id: str) -> deletion.TenantContents:
    """What a tenant has. Raises Forbidden or NotFound."""
    context.services.policy.tenants_access(context.viewer)
    async with context.services.database.read() as connection:
        if not await tenants.tenant_exists(connection, tenant_id):
            raise NotFound("Tenant not found")
        return await deletion.tenant_contents(connection, tenant_id)


async def _delete_tenant(
    context: Context,
    input: DeleteTenantInput,
    contents: deletion.TenantContents,
    payload: DeleteTenantPayload,
) -> DeleteTenantPayload:
    """Delete a tenant, or some of its users. Raises Rejected."""
    tenant_id, access = input.tenant_id, context.services.policy.tenants_access(context.viewer)
    if tenant_id == context.viewer.tenant_id:
        raise Rejected(Problem.NOT_ALLOWED, "This is your own tenant.", ("tenant_id",))
    if (contents.users or contents.platforms) and not input.force:
        message = (
            f"The tenant has {contents.users} users and {contents.platforms} platforms with "
            f"{contents.documents} documents. To delete them, too, set `force`."
        )
        raise Rejected(Problem.NOT_EMPTY, message, ("force",))
    async with context.services.database.read() as connection:
        user_ids = await deletion.next_users(connection, tenant_id, _MAX_USERS + 1)
    for user_id in user_ids[:_MAX_USERS]:
        erased = context.services.policy.user_of_deleted_tenant(context.viewer, user_id)
        await _erase(context, erased)
    if len(user_ids) <= _MAX_USERS:
        await context.write_with(
            lambda connection, now: deletion.delete_tenant(connection, access, tenant_id, now=now), tenant_id
        )
        payload.deleted_tenant_id = tenant_id
    return payload


async def _erase(context: Context, user: UserAccess) -> None:
    await context.write_with(lambda connection, now: user_erasure.erase(connection, user, now))
