"""Finding objects by id or by the keys of federation: what may not be seen looks like what does not exist."""

from typing import Any

from gql_service.auth.policy import Role, Subject
from gql_service.errors import BadUserInput, Forbidden, NotFound
from gql_service.schema.context import Context
from gql_service.schema.types.node import key_of, parse_global_id
from gql_service.schema.types.platform import Platform
from gql_service.schema.types.platform_metadata import PlatformMetadata
from gql_service.schema.types.user import User

Entity = User | Platform | PlatformMetadata


async def find_user(
    context: Context, *, id: str | None = None, user_id: str | None = None, username: str | None = None
) -> User | None:
    """A user by one of the three keys, if the caller may know of them."""
    if username is not None:
        row = await context.services.loaders.user_named(username)
    else:
        key = key_of(id, "User") if id is not None else user_id
        row = await context.services.loaders.user(key) if key is not None else None
    user = None if row is None else User(row=row)
    return user if user is not None and _visible(context, user.row) else None


async def find_platform(context: Context, key: str) -> Platform | None:
    """A platform by its key, if the caller may know of it."""
    row = await context.platform(key)
    platform = None if row is None else Platform(row=row)
    return platform if platform is not None and _visible(context, platform.row) else None


async def find_metadata(context: Context, key: str) -> PlatformMetadata | None:
    """A document by `userId:platformKey`, if the caller may open it."""
    user_id, separator, platform_key = key.partition(":")
    user = await context.services.loaders.user(user_id) if separator else None
    if user is None:
        return None
    try:
        access = await context.document_of(platform_key or None, user)
        return await PlatformMetadata.read(context, access)
    except (NotFound, Forbidden):
        return None


async def find_node(context: Context, id: str) -> Entity | None:
    """Whatever a global id stands for, if the caller may see it. Raises Unauthenticated."""
    context.viewer  # noqa: B018 - nobody without a token finds anything
    match parse_global_id(id):
        case "User", key:
            return await find_user(context, user_id=key)
        case "Platform", key:
            return await find_platform(context, key)
        case "PlatformMetadata", key:
            return await find_metadata(context, key)
    return None


async def find_entity(context: Context, representation: Any) -> Entity | None:
    """What a gateway's representation stands for, if the caller may see it.

    Only the keys are read; whatever else the representation carries is ignored. Raises BadUserInput.
    """
    match representation:
        case {"__typename": "User", "id": str(id)}:
            return await find_user(context, id=id)
        case {"__typename": "User", "userId": str(user_id)}:
            return await find_user(context, user_id=user_id)
        case {"__typename": "User", "username": str(username)}:
            return await find_user(context, username=username)
        case {"__typename": "Platform", "key": str(key)}:
            return await find_platform(context, key)
        case {"__typename": "PlatformMetadata", "id": str(id)}:
            return await find_metadata(context, key_of(id, "PlatformMetadata") or "")
    raise BadUserInput("A representation needs `__typename` and one of the keys of that type.")


def _visible(context: Context, subject: Subject) -> bool:
    return context.services.policy.allows(Role.TENANT_MEMBER, context.viewer, subject)
