"""The root of every read."""

from functools import cache
from typing import Annotated

import strawberry
from strawberry import Info
from strawberry.federation.schema import FederationAny
from strawberry.schema import BaseSchema

from gql_service.errors import LimitExceeded, NotFound
from gql_service.schema.auth_directive import AUTHENTICATED, PUBLIC, SELF, TENANT_MEMBER
from gql_service.schema.entity_resolution import (
    Entity,
    Reference,
    find,
    find_all,
    platforms_by_key,
    reference_by_id,
    reference_of,
    user_reference,
)
from gql_service.schema.inputs.documents import UserBy
from gql_service.schema.types.badge import Badge, catalog
from gql_service.schema.types.limits import MAX_NODES, Limits
from gql_service.schema.types.platform import Platform
from gql_service.schema.types.platform_metadata import PlatformMetadata
from gql_service.schema.types.relay import Node
from gql_service.schema.types.session import LocalAuthUser
from gql_service.schema.types.user import User
from gql_service.services.context import Context


@strawberry.type(name="_Service", directives=PUBLIC, description="What a gateway reads to compose the graph.")
class Service:
    sdl: str = strawberry.field(description="This schema in the schema definition language.")


@strawberry.type(description="Everything that can be read.")
class Query:
    @strawberry.field(directives=AUTHENTICATED, description="The caller.")
    async def me(self, info: Info[Context, None]) -> User:
        row = await info.context.services.loaders.users.load(info.context.viewer.user_id)
        if row is None:
            raise NotFound("User not found")
        return User(row=row)

    @strawberry.field(directives=AUTHENTICATED, description="The caller, as a session carries them.")
    async def session(self, info: Info[Context, None]) -> LocalAuthUser:
        row = await info.context.services.loaders.users.load(info.context.viewer.user_id)
        if row is None:
            raise NotFound("User not found")
        return LocalAuthUser(row=row)

    @strawberry.field(directives=AUTHENTICATED, description="All badges that can be earned.")
    def badge_catalog(self) -> list[Badge]:
        return catalog()

    @strawberry.field(
        directives=TENANT_MEMBER,
        description="A user by one of their keys; null where there is none the caller may know of.",
    )
    async def user(
        self,
        info: Info[Context, None],
        by: Annotated[UserBy, strawberry.argument(description="Exactly one key.")],
    ) -> User | None:
        return await find(info.context, user_reference(by), User)

    @strawberry.field(
        directives=AUTHENTICATED,
        description="A platform; null where there is none the caller is a member of.",
    )
    async def platform(
        self,
        info: Info[Context, None],
        key: Annotated[str, strawberry.argument(description="The platform's key.")],
    ) -> Platform | None:
        return await find(info.context, Reference(platforms_by_key, key), Platform)

    @strawberry.field(
        directives=SELF,
        description="A user's metadata on a platform. Nothing written yet reads as empty, at revision 0.",
    )
    async def platform_metadata(
        self,
        info: Info[Context, None],
        platform_key: Annotated[str, strawberry.argument(description="The platform's key.")],
        username: Annotated[
            str | None, strawberry.argument(description="Whose metadata; by default the caller's.")
        ] = None,
    ) -> PlatformMetadata:
        access = await info.context.access(platform_key, username)
        return PlatformMetadata(row=await info.context.document(access))

    @strawberry.field(
        directives=AUTHENTICATED,
        description="An object by its global id; null where there is none the caller may see.",
    )
    async def node(
        self,
        info: Info[Context, None],
        id: Annotated[strawberry.ID, strawberry.argument(description="The global id.")],
    ) -> Node | None:
        return await find(info.context, reference_by_id(id), Node)

    @strawberry.field(
        directives=AUTHENTICATED, description="Objects by their global ids, up to 100, in their order."
    )
    async def nodes(
        self,
        info: Info[Context, None],
        ids: Annotated[list[strawberry.ID], strawberry.argument(description="The global ids.")],
    ) -> list[Node | None]:
        _limit("ids", len(ids))
        return await find_all(info.context, [reference_by_id(id) for id in ids])

    @strawberry.field(
        name="_entities",
        directives=AUTHENTICATED,
        description="For gateways: objects by their federation keys, up to 100, in their order.",
    )
    async def entities(
        self,
        info: Info[Context, None],
        representations: Annotated[
            list[FederationAny],
            strawberry.argument(description="Each a `__typename` and the fields of one key."),
        ],
    ) -> list[
        Annotated[Entity, strawberry.union("_Entity", description="What a gateway may ask for.")] | None
    ]:
        _limit("representations", len(representations))
        return await find_all(info.context, [reference_of(each) for each in representations])

    @strawberry.field(directives=PUBLIC, description="The most that may be asked for or stored at once.")
    def limits(self, info: Info[Context, None]) -> Limits:
        return Limits.of(info.context.services.settings)

    @strawberry.field(name="_service", directives=PUBLIC, description="For gateways: this schema.")
    def service(self, info: Info[Context, None]) -> Service:
        return Service(sdl=_sdl(info.schema))


@cache
def _sdl(schema: BaseSchema) -> str:
    """Printing takes milliseconds, and anybody may ask for it."""
    return schema.as_str()


def _limit(name: str, count: int) -> None:
    if count > MAX_NODES:
        raise LimitExceeded(f"`{name}` has {count} items; {MAX_NODES} are allowed.")
