"""Finding objects by id or by the keys of federation: what may not be seen looks like what does not exist.

Whatever names an object becomes a Reference first; references are then looked up together, a kind at a time.
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, NamedTuple, TypeVar

from gql_service.auth.roles import Role
from gql_service.domain.documents import visibility
from gql_service.domain.documents.visibility import DocumentView, Viewer
from gql_service.domain.users.rows import User as UserRow
from gql_service.errors import BadUserInput, NotFound
from gql_service.schema.inputs.documents import UserBy
from gql_service.schema.types.platform import Platform
from gql_service.schema.types.platform_metadata import PlatformMetadata
from gql_service.schema.types.relay import Node, parse_global_id
from gql_service.schema.types.user import User
from gql_service.schema.types.user_metadata import UserMetadata
from gql_service.services.context import Context

Entity = User | Platform | PlatformMetadata
"""What a gateway may ask for."""
Found = Entity | UserMetadata
T = TypeVar("T", bound=Node)
Find = Callable[[Context, Sequence[str]], Awaitable[Sequence[Found | None]]]


class Reference(NamedTuple):
    """What names an object: how to find it, and its key."""

    find: Find
    key: str


async def find(context: Context, reference: Reference | None, kind: type[T]) -> T | None:
    """The object a reference names, if the caller may see it. Raises Unauthenticated."""
    context.viewer  # noqa: B018 - nobody without a token finds anything
    if reference is None:
        return None
    (found,) = await reference.find(context, (reference.key,))
    return found if isinstance(found, kind) else None


async def find_all(context: Context, references: Sequence[Reference | Exception | None]) -> list[Any]:
    """The objects that references name, if the caller may see them; exceptions stay as they are.

    Raises Unauthenticated.
    """
    context.viewer  # noqa: B018 - nobody without a token finds anything
    keys: dict[Find, dict[str, Found | None]] = defaultdict(dict)
    for each in references:
        if isinstance(each, Reference):
            keys[each.find][each.key] = None
    for finder, wanted in keys.items():
        wanted.update(zip(list(wanted), await finder(context, list(wanted)), strict=True))
    return [keys[each.find][each.key] if isinstance(each, Reference) else each for each in references]


async def users_by_id(context: Context, ids: Sequence[str]) -> list[Found | None]:
    """By the users' own ids."""
    return _visible(context, await context.services.loaders.users.load_many(ids))


async def users_by_name(context: Context, usernames: Sequence[str]) -> list[Found | None]:
    """By username."""
    return _visible(context, await context.services.loaders.users_named.load_many(usernames))


def _visible(context: Context, rows: Sequence[UserRow | None]) -> list[Found | None]:
    verdict = context.services.policy.verdict(Role.TENANT_MEMBER, context.viewer)
    if isinstance(verdict, bool):
        return [User(row=row) if row is not None and verdict else None for row in rows]
    return [User(row=row) if row is not None and verdict(row) else None for row in rows]


async def platforms_by_key(context: Context, keys: Sequence[str]) -> list[Found | None]:
    """By the platforms' keys."""
    rows = [await found for found in [context.platform(key) for key in keys]]
    sees = context.services.policy.sees_platform
    return [Platform(row=row) if row and sees(context.viewer, row) else None for row in rows]


async def documents_by_key(context: Context, keys: Sequence[str]) -> list[Found | None]:
    """By `userId:platformKey`, where the key of the user-wide document ends with the colon."""
    names = [key.partition(":") for key in keys if ":" in key]
    users = await context.services.loaders.users.load_many([user_id for user_id, _, _ in names])
    asked: dict[str, list[UserRow]] = {}
    for (_, _, platform_key), user in zip(names, users, strict=True):
        if user is not None:
            asked.setdefault(platform_key, []).append(user)
    found: dict[str, Found] = {}
    for platform_key, owners in asked.items():
        with suppress(NotFound):
            for row in await context.documents_of(platform_key or None, owners):
                if isinstance(row, DocumentView):
                    found[f"{row.user_id}:{platform_key}"] = PlatformMetadata(row=row)
    return [found.get(key) for key in keys]


async def entries_by_key(context: Context, keys: Sequence[str]) -> list[Found | None]:
    """By `userId:platformKey:key`, where the platform's key is empty in the user-wide document."""
    names = {key: key.split(":", 2) for key in keys if key.count(":") >= 2}
    asked = list(dict.fromkeys(f"{user_id}:{platform_key}" for user_id, platform_key, _ in names.values()))
    opened = dict(zip(asked, await documents_by_key(context, asked), strict=True))
    readable = {name: each.row.access for name, each in opened.items() if isinstance(each, PlatformMetadata)}
    read = await context.services.loaders.documents_with_attributes.load_many(
        [each.key for each in readable.values()]
    )
    whole = dict(zip(readable, read, strict=True))
    keys_, now = context.services.rules.keys, context.services.clock()
    found: dict[str, Found] = {}
    for key, (user_id, platform_key, name) in names.items():
        document = f"{user_id}:{platform_key}"
        if document in whole:
            viewer = Viewer(readable[document], now)
            row = visibility.entry_of(viewer, whole[document], name, keys_)
            if row is not None:
                found[key] = UserMetadata(row=row)
    return [found.get(key) for key in keys]


_BY_GLOBAL_ID: dict[str, Find] = {
    "User": users_by_id,
    "Platform": platforms_by_key,
    "PlatformMetadata": documents_by_key,
    "UserMetadata": entries_by_key,
}


_BY_KEY: dict[str, Sequence[tuple[str, Find]]] = {
    "User": (("userId", users_by_id), ("username", users_by_name)),
    "Platform": (("key", platforms_by_key),),
}


def reference_by_id(id: str, *types: str) -> Reference | None:
    """What a global id stands for, if for anything of one of the types (by default of any)."""
    type_name, key = parse_global_id(id)
    if type_name not in (types or _BY_GLOBAL_ID):
        return None
    return Reference(_BY_GLOBAL_ID[type_name], key)


def user_reference(by: UserBy) -> Reference | None:
    """What the one key stands for that a query names a user by."""
    if isinstance(by.user_id, str):
        return Reference(users_by_id, by.user_id)
    if isinstance(by.username, str):
        return Reference(users_by_name, by.username)
    return reference_by_id(by.id or "", "User")


def reference_of(representation: Any) -> Reference | BadUserInput | None:
    """What a gateway's representation stands for.

    Only the keys are read; whatever else the representation carries is ignored.
    """
    if isinstance(representation, dict):
        type_name = representation.get("__typename")
        if "id" in representation and type_name in ("User", "PlatformMetadata"):
            id = representation["id"]
            if isinstance(id, str):
                return reference_by_id(id, type_name)
        if isinstance(type_name, str):
            for name, finder in _BY_KEY.get(type_name, ()):
                key = representation.get(name)
                if isinstance(key, str):
                    return Reference(finder, key)
    return BadUserInput("A representation needs `__typename` and one of the keys of that type.")
