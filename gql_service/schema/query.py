"""The `Query` type."""

from functools import cache
from typing import Annotated

import strawberry
from strawberry import Info
from strawberry.federation.schema import FederationAny
from strawberry.schema import BaseSchema

from gql_service.auth.policy import Policy
from gql_service.domain.search.directory import PLATFORM_OWNERS, UserSearch
from gql_service.errors import Forbidden, NotFound
from gql_service.schema.auth_directive import (
    AUTHENTICATED,
    PLATFORM_OWNER,
    PUBLIC,
    SELF,
    TENANT_ADMIN,
    TENANT_MEMBER,
)
from gql_service.schema.entity_resolution import (
    Entity,
    Lookup,
    global_id_lookup,
    load_platforms,
    representation_lookup,
    resolve_many,
    resolve_one,
    user_lookup,
)
from gql_service.schema.inputs.documents import UserBy
from gql_service.schema.inputs.user_filter import DirectoryFilter
from gql_service.schema.list_limits import max_items, max_items_of_setting
from gql_service.schema.mutations.user_payloads import access_to_user
from gql_service.schema.scalars import JSONObject
from gql_service.schema.sdl import subgraph_sdl
from gql_service.schema.types.badge import Badge, catalog
from gql_service.schema.types.limits import MAX_NODES, Limits
from gql_service.schema.types.platform import Platform, PlatformConnection, UserConnection
from gql_service.schema.types.platform_metadata import PlatformMetadata
from gql_service.schema.types.relay import AFTER, BEFORE, FIRST, LAST, Node, read_page
from gql_service.schema.types.service_status import ServiceStatus
from gql_service.schema.types.session import LocalAuthUser
from gql_service.schema.types.tenant import TenantConnection
from gql_service.schema.types.user import User
from gql_service.services.context import Context


@strawberry.type(
    name="_Service", directives=PUBLIC, description="Used by federation gateways: the schema of this service."
)
class Service:
    sdl: str = strawberry.field(description="The schema in the GraphQL schema definition language.")


@strawberry.type(description="The operations that read data.")
class Query:
    @strawberry.field(
        directives=AUTHENTICATED, description="The viewer: the user whose token the request carries."
    )
    async def me(self, info: Info[Context, None]) -> User:
        row = await info.context.services.loaders.users.load(info.context.viewer.user_id)
        if row is None:
            raise NotFound("User not found")
        return User(row=row)

    @strawberry.field(directives=AUTHENTICATED, description="The viewer as session data.")
    async def session(self, info: Info[Context, None]) -> LocalAuthUser:
        row = await info.context.services.loaders.users.load(info.context.viewer.user_id)
        if row is None:
            raise NotFound("User not found")
        return LocalAuthUser(row=row)

    @strawberry.field(directives=AUTHENTICATED, description="All badges that users can earn.")
    def badge_catalog(self) -> list[Badge]:
        return catalog()

    @strawberry.field(
        directives=TENANT_MEMBER,
        description="A user by one of their keys. Null if there is no such user in a tenant that the "
        "viewer is a member of.",
    )
    async def user(
        self,
        info: Info[Context, None],
        by: Annotated[UserBy, strawberry.argument(description="One of the keys of the user.")],
    ) -> User | None:
        return await resolve_one(info.context, user_lookup(by), User)

    @strawberry.field(
        directives=TENANT_ADMIN,
        description="The members of a tenant, in the order of their user ids.",
    )
    async def users(
        self,
        info: Info[Context, None],
        tenant_id: Annotated[
            strawberry.ID | None,
            strawberry.argument(description="The id of the tenant. Default: the home tenant of the viewer."),
        ] = None,
        first: Annotated[int | None, FIRST] = None,
        after: Annotated[str | None, AFTER] = None,
        last: Annotated[int | None, LAST] = None,
        before: Annotated[str | None, BEFORE] = None,
        where: Annotated[
            DirectoryFilter | None, strawberry.argument(description="Only users that match this filter.")
        ] = None,
    ) -> UserConnection | None:
        context = info.context
        tenant = context.viewer.tenant_id if tenant_id is None else tenant_id
        context.services.policy.require_tenant_admin(context.viewer, tenant)
        request = read_page(first, after, last, before)
        search = UserSearch(tenant) if where is None else where.search(tenant, context.services.policy)
        page = await context.members(search, request)
        return UserConnection(search=search, page=page)

    @strawberry.field(
        directives=AUTHENTICATED,
        description="A platform by its key. Null if there is no such platform in a tenant that the viewer "
        "is a member of.",
    )
    async def platform(
        self,
        info: Info[Context, None],
        key: Annotated[str, strawberry.argument(description="The platform key.")],
    ) -> Platform | None:
        return await resolve_one(info.context, Lookup(load_platforms, key), Platform)

    @strawberry.field(
        directives=SELF,
        description="Everything that is stored about a user and that they may see, as JSON: fields, badges, "
        "tokens without secrets, notifications, and documents with their entries. Documents say whether they "
        "have hidden entries. Admins also get the changes of the user. History is not in it. It "
        "cannot be imported.",
    )
    async def export_user(
        self,
        info: Info[Context, None],
        username: Annotated[
            str | None,
            strawberry.argument(description="The user. Default: the viewer. Others: tenant admins only."),
        ] = None,
        include_hidden: Annotated[
            bool,
            strawberry.argument(
                description="If true, entries that are hidden, not valid yet or expired are included. Tenant "
                "admins only."
            ),
        ] = False,
    ) -> JSONObject | None:
        access, row = await access_to_user(info.context, username, Policy.user_access)
        if include_hidden and not access.is_admin:
            raise Forbidden("Only tenant admins can export hidden entries")
        return JSONObject(await info.context.export_user(row, include_hidden=include_hidden))

    @strawberry.field(
        directives=AUTHENTICATED,
        description="The platforms of all tenants that the viewer is a member of, in the order of their "
        "keys. For platform owners, all platforms.",
    )
    async def platforms(
        self,
        info: Info[Context, None],
        first: Annotated[int | None, FIRST] = None,
        after: Annotated[str | None, AFTER] = None,
        last: Annotated[int | None, LAST] = None,
        before: Annotated[str | None, BEFORE] = None,
    ) -> PlatformConnection | None:
        request, viewer = read_page(first, after, last, before), info.context.viewer
        tenant_ids = None if viewer.is_platform_owner else tuple(sorted(viewer.tenant_ids))
        page = await info.context.services.loaders.platform_pages.load((tenant_ids, request))
        return PlatformConnection(page=page)

    @strawberry.field(directives=PLATFORM_OWNER, description="All tenants, in the order of their ids.")
    async def tenants(
        self,
        info: Info[Context, None],
        first: Annotated[int | None, FIRST] = None,
        after: Annotated[str | None, AFTER] = None,
        last: Annotated[int | None, LAST] = None,
        before: Annotated[str | None, BEFORE] = None,
    ) -> TenantConnection | None:
        info.context.services.policy.tenants_access(info.context.viewer)
        request = read_page(first, after, last, before)
        page = await info.context.services.loaders.tenant_pages.load(request)
        return TenantConnection(page=page)

    @strawberry.field(
        directives=PLATFORM_OWNER,
        description="The platform owners, who are admins of all tenants, in the order of their user ids.",
    )
    async def platform_owners(
        self,
        info: Info[Context, None],
        first: Annotated[int | None, FIRST] = None,
        after: Annotated[str | None, AFTER] = None,
        last: Annotated[int | None, LAST] = None,
        before: Annotated[str | None, BEFORE] = None,
    ) -> UserConnection | None:
        info.context.services.policy.tenants_access(info.context.viewer)
        page = await info.context.members(PLATFORM_OWNERS, read_page(first, after, last, before))
        return UserConnection(search=PLATFORM_OWNERS, page=page)

    @strawberry.field(
        directives=SELF,
        description="The metadata document of a user on a platform. If it was never written, it is empty "
        "and has revision 0. An error if there is no such platform or user.",
    )
    async def platform_metadata(
        self,
        info: Info[Context, None],
        platform_key: Annotated[str, strawberry.argument(description="The platform key.")],
        username: Annotated[
            str | None,
            strawberry.argument(
                description="The owner of the document. Default: the viewer. Other users: tenant admins only."
            ),
        ] = None,
    ) -> PlatformMetadata | None:
        access = await info.context.access(platform_key, username)
        return PlatformMetadata(row=await info.context.document(access))

    @strawberry.field(
        directives=AUTHENTICATED,
        description="An object by its global id. Null if there is no such object that the viewer may see.",
    )
    async def node(
        self,
        info: Info[Context, None],
        id: Annotated[strawberry.ID, strawberry.argument(description="The global id.")],
    ) -> Node | None:
        return await resolve_one(info.context, global_id_lookup(id), Node)

    @strawberry.field(
        directives=AUTHENTICATED,
        description="Objects by their global ids, in the order of `ids`. Null for each id without an object "
        "that the viewer may see.",
    )
    async def nodes(
        self,
        info: Info[Context, None],
        ids: Annotated[
            list[strawberry.ID],
            strawberry.argument(
                description=f"The global ids, at most {MAX_NODES}.", metadata=max_items(MAX_NODES)
            ),
        ],
    ) -> list[Node | None] | None:
        return await resolve_many(info.context, [global_id_lookup(id) for id in ids])

    @strawberry.field(
        name="_entities",
        directives=AUTHENTICATED,
        description="Used by federation gateways: objects by their keys, in the order of "
        "`representations`. Null for each representation without an object that the viewer may see.",
    )
    async def entities(
        self,
        info: Info[Context, None],
        representations: Annotated[
            list[FederationAny],
            strawberry.argument(
                description="The `__typename` and one key of each object, at most `limits.representations`.",
                metadata=max_items_of_setting("max_representations"),
            ),
        ],
    ) -> list[
        Annotated[Entity, strawberry.union("_Entity", description="The types that have federation keys.")]
        | None
    ]:
        return await resolve_many(info.context, [representation_lookup(each) for each in representations])

    @strawberry.field(directives=PUBLIC, description="The limits of requests and of stored data.")
    def limits(self, info: Info[Context, None]) -> Limits:
        return Limits.of(info.context.services.settings)

    @strawberry.field(
        directives=PLATFORM_OWNER,
        description="The state of the service: its version, its database, the process that answers.",
    )
    async def service_status(self, info: Info[Context, None]) -> ServiceStatus | None:
        return await ServiceStatus.of(info.context.services)

    @strawberry.field(
        name="_service",
        directives=PUBLIC,
        description="Used by federation gateways: the schema of this service.",
    )
    def service(self, info: Info[Context, None]) -> Service:
        return Service(sdl=_sdl(info.schema))


@cache
def _sdl(schema: BaseSchema) -> str:
    """Printing takes milliseconds, and clients without a token may ask for it."""
    return subgraph_sdl(schema.as_str())
