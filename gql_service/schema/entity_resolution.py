"""Resolving objects by global id or federation key. A hidden object is null, like one that does not exist.

Each id or key is first parsed into a `Lookup`. Lookups are then loaded together, one batch for each kind of
key.
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
from gql_service.schema.inputs.documents import UserBy, UserEmail
from gql_service.schema.types.platform import Platform
from gql_service.schema.types.platform_metadata import PlatformMetadata
from gql_service.schema.types.relay import Node, parse_global_id
from gql_service.schema.types.user import User
from gql_service.schema.types.user_metadata import UserMetadata
from gql_service.services.context import Context

Entity = User | Platform | PlatformMetadata | UserMetadata
"""The types that have global ids and federation keys."""
N = TypeVar("N", bound=Node)
BatchLoad = Callable[[Context, Sequence[str]], Awaitable[Sequence[Entity | None]]]
"""Loads the objects of several keys of one kind; None for each that the viewer may not see."""


class Lookup(NamedTuple):
    """A key of an object, with the function that loads objects by keys of that kind."""

    load: BatchLoad
    key: str


async def resolve_one(context: Context, lookup: Lookup | None, type_: type[N]) -> N | None:
    """The object of a lookup, if it is of the type and the viewer may see it. Raises Unauthenticated."""
    context.viewer  # noqa: B018 - raises Unauthenticated without a token
    if lookup is None:
        return None
    (loaded,) = await lookup.load(context, (lookup.key,))
    return loaded if isinstance(loaded, type_) else None


async def resolve_many(context: Context, lookups: Sequence[Lookup | Exception | None]) -> list[Any]:
    """The objects of lookups, in their order: None if the viewer may not see one. Exceptions are returned
    unchanged.

    Raises Unauthenticated.
    """
    context.viewer  # noqa: B018 - raises Unauthenticated without a token
    loaded: dict[BatchLoad, dict[str, Entity | None]] = defaultdict(dict)
    for lookup in lookups:
        if isinstance(lookup, Lookup):
            loaded[lookup.load][lookup.key] = None
    for load, objects in loaded.items():
        objects.update(zip(list(objects), await load(context, list(objects)), strict=True))
    return [loaded[each.load][each.key] if isinstance(each, Lookup) else each for each in lookups]


async def load_users_by_id(context: Context, ids: Sequence[str]) -> list[Entity | None]:
    """By `User.userId`."""
    return _visible_users(context, await context.services.loaders.users.load_many(ids))


async def load_users_by_username(context: Context, usernames: Sequence[str]) -> list[Entity | None]:
    """By `User.username`."""
    return _visible_users(context, await context.services.loaders.users_named.load_many(usernames))


async def load_users_by_email(context: Context, keys: Sequence[str]) -> list[Entity | None]:
    """By `tenantId:email`, for admins of the tenant."""
    pairs = [key.partition(":")[::2] for key in keys]
    administers = context.services.policy.administers
    wanted = [(email, tenant) for tenant, email in pairs if administers(context.viewer, tenant)]
    rows = await context.services.loaders.users_by_email.load_many(wanted)
    found = dict(zip(wanted, _visible_users(context, rows), strict=True))
    return [found.get((email, tenant)) for tenant, email in pairs]


def _visible_users(context: Context, rows: Sequence[UserRow | None]) -> list[Entity | None]:
    verdict = context.services.policy.verdict(Role.TENANT_MEMBER, context.viewer)
    if isinstance(verdict, bool):
        return [User(row=row) if row is not None and verdict else None for row in rows]
    return [User(row=row) if row is not None and verdict(row) else None for row in rows]


async def load_platforms(context: Context, keys: Sequence[str]) -> list[Entity | None]:
    """By `Platform.key`."""
    rows = [await row for row in [context.platform(key) for key in keys]]
    sees = context.services.policy.sees_platform
    return [Platform(row=row) if row and sees(context.viewer, row) else None for row in rows]


async def load_documents(context: Context, keys: Sequence[str]) -> list[Entity | None]:
    """By `userId:platformKey`. The platform key of the user-wide document is empty."""
    pairs = [key.partition(":") for key in keys if ":" in key]
    users = await context.services.loaders.users.load_many([user_id for user_id, _, _ in pairs])
    owners: dict[str, list[UserRow]] = {}
    for (_, _, platform_key), user in zip(pairs, users, strict=True):
        if user is not None:
            owners.setdefault(platform_key, []).append(user)
    documents: dict[str, Entity] = {}
    for platform_key, users_of_platform in owners.items():
        with suppress(NotFound):
            for row in await context.documents_of(platform_key or None, users_of_platform):
                if isinstance(row, DocumentView):
                    documents[f"{row.user_id}:{platform_key}"] = PlatformMetadata(row=row)
    return [documents.get(key) for key in keys]


async def load_entries(context: Context, keys: Sequence[str]) -> list[Entity | None]:
    """By `userId:platformKey:key`. The platform key of the user-wide document is empty."""
    parts = {key: key.split(":", 2) for key in keys if key.count(":") >= 2}
    document_keys = list(
        dict.fromkeys(f"{user_id}:{platform_key}" for user_id, platform_key, _ in parts.values())
    )
    visible = dict(zip(document_keys, await load_documents(context, document_keys), strict=True))
    rows = {key: each.row for key, each in visible.items() if isinstance(each, PlatformMetadata)}
    contents = dict(zip(rows, await context.stored_data.contents(list(rows.values())), strict=True))
    ring, now = context.services.write_settings.keys, context.services.clock()
    entries: dict[str, Entity] = {}
    for key, (user_id, platform_key, metadata_key) in parts.items():
        document_key = f"{user_id}:{platform_key}"
        if document_key in contents:
            viewer = Viewer(rows[document_key].access, now)
            row = visibility.entry_of(viewer, contents[document_key], metadata_key, ring)
            if row is not None:
                entries[key] = UserMetadata(row=row)
    return [entries.get(key) for key in keys]


_BY_GLOBAL_ID: dict[str, BatchLoad] = {
    "User": load_users_by_id,
    "Platform": load_platforms,
    "PlatformMetadata": load_documents,
    "UserMetadata": load_entries,
}


_BY_FEDERATION_KEY: dict[str, Sequence[tuple[str, BatchLoad]]] = {
    "User": (("userId", load_users_by_id), ("username", load_users_by_username)),
    "Platform": (("key", load_platforms),),
}


_NO_KEY = "A representation needs `__typename` and one of the keys of that type."


def global_id_lookup(id: str, *types: str) -> Lookup | None:
    """The lookup of a global id; None if it is malformed, or not of one of the types (default: any type)."""
    type_name, key = parse_global_id(id)
    if type_name not in (types or _BY_GLOBAL_ID):
        return None
    return Lookup(_BY_GLOBAL_ID[type_name], key)


def user_lookup(by: UserBy) -> Lookup | None:
    """The lookup of a user; None if the global id is malformed or not that of a user."""
    if isinstance(by.user_id, str):
        return Lookup(load_users_by_id, by.user_id)
    if isinstance(by.username, str):
        return Lookup(load_users_by_username, by.username)
    if isinstance(by.email, UserEmail):
        tenant_id, address = by.email.tenant_id, by.email.address
        if ":" in tenant_id:
            return None  # no tenant has such an id
        return Lookup(load_users_by_email, f"{tenant_id}:{address}")
    return global_id_lookup(by.id or "", "User")


def representation_lookup(representation: Any) -> Lookup | BadUserInput | None:
    """The lookup of a federation representation, or the error if it has no usable key.

    Other fields of the representation are ignored.
    """
    if isinstance(representation, dict):
        type_name, id = representation.get("__typename"), representation.get("id")
        if isinstance(type_name, str):
            if isinstance(id, str) and type_name in _BY_GLOBAL_ID:
                return global_id_lookup(id, type_name)
            if type_name == "PlatformMetadata":
                return _document_lookup(representation)
            for name, load in _BY_FEDERATION_KEY.get(type_name, ()):
                key = representation.get(name)
                if isinstance(key, str):
                    return Lookup(load, key)
    return BadUserInput(_NO_KEY)


def _document_lookup(representation: dict[str, Any]) -> Lookup | BadUserInput | None:
    """The lookup of a document by `userId` and `platformKey`, which is null for the user-wide document."""
    user_id, platform_key = representation.get("userId"), representation.get("platformKey", ...)
    if not isinstance(user_id, str) or not isinstance(platform_key, str | None):
        return BadUserInput(_NO_KEY)
    if ":" in user_id or platform_key == "":
        return None  # no user has such an id, and no platform such a key
    return Lookup(load_documents, f"{user_id}:{platform_key or ''}")
