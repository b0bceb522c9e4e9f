"""The operations of the lower bound: each work by hand, with its permission checks."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

import orjson

from bench.peers.changes import Change, change
from gql_service.auth import tokens
from gql_service.auth.principal import Principal, tenant_ids_of
from gql_service.strict_json import dumps

Row = Mapping[str, Any]
Rows = Sequence[Row]
USER_COLUMNS = ", ".join(
    f"users.{name}"
    for name in ("id", "tenant_id", "username", "image", "email", "permissions", "profile_fields")
)
_PLATFORM = "bench"
_MAX_ITEMS = 100
_MAX_KEY_LENGTH = 255
_MAX_VALUE_SIZE = 128 * 1024


class Refused(Exception):
    """The caller lacks permission, or the object does not exist."""


class Connection(Protocol):
    """The SQL statements. Rows are read by column name, and JSON as text."""

    async def principal(self, token_id: str) -> Row | None: ...
    async def users(self, ids: Sequence[str]) -> Rows: ...
    async def user_named(self, username: str) -> Row | None: ...
    async def platform(self, key: str) -> Row | None: ...
    async def members(self, tenant_id: str, limit: int) -> Rows: ...
    async def badges(self, user_ids: Sequence[str]) -> Rows: ...
    async def documents(self, user_ids: Sequence[str], platform_id: str) -> Rows: ...
    async def entries(self, user_id: str, platform_id: str) -> Row | None: ...
    async def definitions(self, platform_id: str) -> Rows: ...
    def locked(self, user_id: str, platform_id: str) -> AbstractAsyncContextManager[Row | None]: ...
    async def store(self, change: Change) -> None: ...


async def authenticate(connection: Connection, authorization: str | None) -> Principal:
    """The caller behind a token. Raises Refused."""
    token = tokens.from_header(authorization)
    row = None if token is None else await connection.principal(token.id)
    if token is None or row is None or not token.matches(row["digest"]):
        raise Refused("Authentication credentials were not provided or are invalid.")
    permissions = orjson.loads(row["permissions"])
    return Principal.create(
        row["id"],
        row["username"],
        row["tenant_id"],
        permissions,
        is_platform_owner=bool(row["is_platform_owner"]),
    )


async def _one(connection: Connection, caller: Principal, variables: Row) -> Row:
    users = await connection.users([variables["id"]])
    if not users or not _sees(caller, users[0]):
        return {"user": None}
    platform = await _platform(connection, caller)
    return {"user": (await _with_badges_and_metadata(connection, caller, platform, users))[0]}


async def _list(connection: Connection, caller: Principal, variables: Row) -> Row:
    platform = await _platform(connection, caller)
    _require_admin(caller, platform)
    size = variables["first"]
    if not 1 <= size <= _MAX_ITEMS:
        raise Refused(f"`first` is between 1 and {_MAX_ITEMS}.")
    users = (await connection.members(platform["tenant_id"], size + 1))[:size]
    nodes = await _with_badges_and_metadata(connection, caller, platform, users)
    return {"platform": {"users": {"nodes": nodes}}}


async def _session(connection: Connection, caller: Principal, _variables: Row) -> Row:
    user = (await connection.users([caller.user_id]))[0]
    platform = await _platform(connection, caller)
    document = (await connection.documents([caller.user_id], platform["id"]))[0]
    me = {
        "userId": user["id"],
        "username": user["username"],
        "displayName": _display_name(user),
        "email": user["email"],
        "permissions": orjson.Fragment(user["permissions"]),
    }
    return {"me": me, "platformMetadata": _document(document["metadata"], document["revision"])}


async def _patch(connection: Connection, caller: Principal, variables: Row) -> Row:
    platform = await _platform(connection, caller)
    if variables["username"] != caller.username:
        _require_admin(caller, platform)
    user = await connection.user_named(variables["username"])
    if user is None or not _belongs_to(user, platform["tenant_id"]):
        raise Refused("User not found")
    setting = variables["metadata"]
    _check_metadata(setting)
    async with connection.locked(user["id"], platform["id"]) as row:
        changed = change(row, platform, user["id"], caller.user_id, setting)
        if changed is not None:
            await connection.store(changed)
    if changed is not None:
        document = _document(changed.metadata, changed.revision)
    else:
        document = _document(row["metadata"], row["revision"]) if row else _document("{}", 0)
    return {"patchPlatformMetadata": {"platformMetadata": document, "userErrors": []}}


async def _entities(connection: Connection, caller: Principal, variables: Row) -> Row:
    representations = variables["representations"]
    if len(representations) > _MAX_ITEMS:
        raise Refused("Too many representations.")
    ids = [each["userId"] for each in representations]
    users = {user["id"]: user for user in await connection.users(ids) if _sees(caller, user)}
    badges = await _badges(connection, list(users))
    found = {
        id: {
            "userId": id,
            "username": user["username"],
            "displayName": _display_name(user),
            "badges": [{"name": badge["name"]} for badge in badges[id]],
        }
        for id, user in users.items()
    }
    return {"_entities": [found.get(id) for id in ids]}


Operation = Callable[[Connection, Principal, Row], Awaitable[Row]]
OPERATIONS: Mapping[str, Operation] = {
    "One": _one,
    "List": _list,
    "Session": _session,
    "Patch": _patch,
    "Entities": _entities,
}


async def _with_badges_and_metadata(
    connection: Connection, caller: Principal, platform: Row, users: Rows
) -> list[Row]:
    for user in users:
        if user["id"] != caller.user_id:
            _require_admin(caller, platform)
    ids = [user["id"] for user in users]
    badges = await _badges(connection, ids)
    documents = {row["user_id"]: row["metadata"] for row in await connection.documents(ids, platform["id"])}
    return [
        {
            "userId": user["id"],
            "username": user["username"],
            "displayName": _display_name(user),
            "image": user["image"],
            "badges": badges[user["id"]],
            "platformMetadata": {"metadata": orjson.Fragment(documents.get(user["id"], "{}"))},
        }
        for user in users
    ]


async def _badges(connection: Connection, ids: Iterable[str]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {id: [] for id in ids}
    for row in await connection.badges(list(found)):
        found[row["user_id"]].append({"name": row["name"], "earnedAt": row["earned_at"]})
    return found


async def _platform(connection: Connection, caller: Principal) -> Row:
    return require_member(caller, await connection.platform(_PLATFORM))


def require_member(caller: Principal, platform: Row | None) -> Row:
    """The platform, if it exists and the caller may see it. Raises Refused."""
    if platform is None or not (caller.is_platform_owner or platform["tenant_id"] in caller.tenant_ids):
        raise Refused("Platform not found")
    return platform


def _require_admin(caller: Principal, platform: Row) -> None:
    if not (caller.is_platform_owner or f"{platform['tenant_id']}::admin" in caller.permissions):
        raise Refused("Only tenant admins may do this.")


def _sees(caller: Principal, user: Row) -> bool:
    if caller.is_platform_owner or user["tenant_id"] in caller.tenant_ids:
        return True
    return not caller.tenant_ids.isdisjoint(_tenants(user))


def _belongs_to(user: Row, tenant_id: str) -> bool:
    """Permissions are decoded only if the home tenant is another one."""
    return user["tenant_id"] == tenant_id or tenant_id in _tenants(user)


def _tenants(user: Row) -> frozenset[str]:
    return tenant_ids_of(user["tenant_id"], orjson.loads(user["permissions"]))


def _display_name(user: Row) -> str:
    profile = orjson.loads(user["profile_fields"])
    names = [profile.get(field, {}).get("value") for field in ("firstName", "lastName")]
    return " ".join(name for name in names if name) or str(user["username"])


def _document(metadata: str, revision: int) -> Row:
    return {"metadata": orjson.Fragment(metadata), "revision": revision}


def _check_metadata(metadata: Mapping[str, Any]) -> None:
    for key, value in metadata.items():
        if not key or len(key) > _MAX_KEY_LENGTH or "\0" in key or key != key.strip():
            raise Refused("A key is invalid.")
        if len(dumps(value)) > _MAX_VALUE_SIZE:
            raise Refused("A value is too large.")
