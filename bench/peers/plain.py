"""The usual way: Strawberry with its parser and validation caches, SQLAlchemy's asynchronous ORM."""

import os
from dataclasses import dataclass
from typing import Any, NewType, cast

import strawberry
from starlette.requests import Request
from starlette.responses import Response
from starlette.websockets import WebSocket
from strawberry import ID, Info
from strawberry.asgi import GraphQL
from strawberry.extensions import ParserCache, ValidationCache
from strawberry.schema.config import StrawberryConfig

from bench.peers import plain_models as models
from bench.peers import plain_rules as rules
from bench.peers.plain_rules import Caller, Refused
from bench.peers.plain_store import Loaders, Store, authenticate

Timestamp = NewType("Timestamp", int)
JSONObject = NewType("JSONObject", object)
_MAX_ITEMS = 100


@dataclass(frozen=True)
class Context:
    """One request."""

    caller: Caller | None
    loaders: Loaders
    store: Store

    @property
    def viewer(self) -> Caller:
        if self.caller is None:
            raise Refused("Authentication credentials were not provided or are invalid.")
        return self.caller

    async def platform(self, key: str) -> models.Platform:
        return rules.require_platform(self.viewer, await self.loaders.platform.load(key))

    async def user_named(self, platform: models.Platform, username: str | None) -> models.User | None:
        if username is None or username == self.viewer.user.username:
            return self.viewer.user
        rules.require_admin(self.viewer, platform.tenant_id)
        user: models.User | None = await self.loaders.user_named.load(username)
        return user


ContextInfo = Info[Context, None]


@strawberry.type
class EarnedBadge:
    name: str
    earned_at: Timestamp

    @staticmethod
    def of(row: models.EarnedBadge) -> "EarnedBadge":
        return EarnedBadge(name=row.name, earned_at=Timestamp(row.earned_at))


@strawberry.type
class PlatformMetadata:
    metadata: JSONObject
    revision: int

    @staticmethod
    def of(row: models.Document | None) -> "PlatformMetadata":
        if row is None:
            return PlatformMetadata(metadata=JSONObject({}), revision=0)
        return PlatformMetadata(metadata=JSONObject(row.metadata_), revision=row.revision)

    @staticmethod
    async def read(context: Context, platform_key: str, username: str | None) -> "PlatformMetadata":
        platform = await context.platform(platform_key)
        user = await context.user_named(platform, username)
        return await PlatformMetadata.read_of(context, platform, user)

    @staticmethod
    async def read_of(
        context: Context, platform: models.Platform, user: models.User | None
    ) -> "PlatformMetadata":
        user = rules.require_document(context.viewer, platform, user)
        return PlatformMetadata.of(await context.loaders.document(platform.id, user.id))


@strawberry.federation.type(keys=["userId", "username"])
class User:
    row: strawberry.Private[models.User]
    user_id: ID
    username: str
    display_name: str
    image: str | None

    @strawberry.field
    def email(self, info: ContextInfo) -> str:
        rules.require_self(info.context.viewer, self.row)
        return self.row.email

    @strawberry.field
    def permissions(self, info: ContextInfo) -> list[str]:
        rules.require_self(info.context.viewer, self.row)
        return self.row.permissions

    @strawberry.field
    async def badges(self, info: ContextInfo) -> list[EarnedBadge]:
        return [EarnedBadge.of(row) for row in await info.context.loaders.badges.load(self.row.id)]

    @strawberry.field
    async def platform_metadata(self, info: ContextInfo, platform_key: str) -> PlatformMetadata:
        platform = await info.context.platform(platform_key)
        return await PlatformMetadata.read_of(info.context, platform, self.row)

    @classmethod
    async def resolve_reference(
        cls, info: ContextInfo, userId: ID | None = None, username: str | None = None
    ) -> "User | None":
        return await find_user(info.context, userId, username)

    @staticmethod
    def of(row: models.User) -> "User":
        return User(
            row=row,
            user_id=ID(row.id),
            username=row.username,
            display_name=rules.display_name(row),
            image=row.image,
        )


async def find_user(context: Context, user_id: ID | None, username: str | None) -> User | None:
    """A user by a key, if the caller may see them."""
    viewer, loaders = context.viewer, context.loaders
    row = await (loaders.user_named.load(username) if username else loaders.user.load(str(user_id)))
    return User.of(row) if row is not None and rules.sees_user(viewer, row) else None


@strawberry.type
class UserConnection:
    nodes: list[User]


@strawberry.type
class Platform:
    row: strawberry.Private[models.Platform]
    key: str

    @strawberry.field
    async def users(self, info: ContextInfo, first: int) -> UserConnection:
        rules.require_admin(info.context.viewer, self.row.tenant_id)
        if not 1 <= first <= _MAX_ITEMS:
            raise Refused(f"`first` is between 1 and {_MAX_ITEMS}.")
        rows = await info.context.store.members(self.row.tenant_id, first + 1)
        return UserConnection(nodes=[User.of(row) for row in rows[:first]])


@strawberry.input(one_of=True)
class UserBy:
    user_id: ID | None = strawberry.UNSET
    username: str | None = strawberry.UNSET


@strawberry.type
class Query:
    @strawberry.field
    async def me(self, info: ContextInfo) -> User:
        user = await find_user(info.context, ID(info.context.viewer.user.id), None)
        if user is None:
            raise Refused("User not found")
        return user

    @strawberry.field
    async def user(self, info: ContextInfo, by: UserBy) -> User | None:
        return await find_user(info.context, by.user_id or None, by.username or None)

    @strawberry.field
    async def platform(self, info: ContextInfo, key: str) -> Platform | None:
        row = await info.context.platform(key)
        return Platform(row=row, key=row.key)

    @strawberry.field
    async def platform_metadata(
        self, info: ContextInfo, platform_key: str, username: str | None = None
    ) -> PlatformMetadata:
        return await PlatformMetadata.read(info.context, platform_key, username)


@strawberry.type
class UserError:
    message: str


@strawberry.type
class PatchPlatformMetadataPayload:
    platform_metadata: PlatformMetadata | None
    user_errors: list[UserError]


@strawberry.input
class PatchPlatformMetadataInput:
    platform_key: str
    metadata: JSONObject
    username: str | None = None


@strawberry.type
class Mutation:
    @strawberry.mutation
    async def patch_platform_metadata(
        self, info: ContextInfo, input: PatchPlatformMetadataInput
    ) -> PatchPlatformMetadataPayload:
        context = info.context
        platform = await context.platform(input.platform_key)
        user = await context.user_named(platform, input.username)
        user = rules.require_document(context.viewer, platform, user)
        metadata = cast(dict[str, Any], input.metadata)
        if problem := rules.problem(metadata):
            return PatchPlatformMetadataPayload(
                platform_metadata=None, user_errors=[UserError(message=problem)]
            )
        document = await context.store.patch(user.id, platform, context.viewer.user.id, metadata)
        return PatchPlatformMetadataPayload(platform_metadata=PlatformMetadata.of(document), user_errors=[])


class Application(GraphQL[Context, None]):
    """Strawberry's own ASGI application, with a context for each request."""

    def __init__(self, schema: strawberry.federation.Schema, store: Store) -> None:
        super().__init__(schema, graphql_ide=None)
        self._store = store

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> Context:
        user = await authenticate(self._store, request.headers.get("authorization"))
        return Context(Caller.of(user) if user else None, Loaders(self._store), self._store)


def create_app() -> Application:
    """The ASGI application, on the database at BENCH_DATABASE_URL."""
    schema = strawberry.federation.Schema(
        query=Query,
        mutation=Mutation,
        types=[User],
        extensions=[ParserCache, ValidationCache],
        config=StrawberryConfig(
            scalar_map={
                Timestamp: strawberry.scalar(name="Timestamp", serialize=lambda value: value),
                JSONObject: strawberry.scalar(name="JSONObject", serialize=lambda value: value),
            }
        ),
    )
    return Application(schema, Store(os.environ["BENCH_DATABASE_URL"]))
