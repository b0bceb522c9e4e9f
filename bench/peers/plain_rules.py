"""The access rules and metadata rules of the usual way, on ORM objects."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson

from bench.peers.plain_models import Platform, User
from gql_service.auth.principal import tenant_ids_of

_MAX_KEY_LENGTH = 255
_MAX_VALUE_SIZE = 128 * 1024


class Refused(Exception):
    """The caller lacks permission, or the object does not exist."""


class Caller(NamedTuple):
    """The caller and their permissions."""

    user: User
    permissions: frozenset[str]
    tenant_ids: frozenset[str]

    @staticmethod
    def of(user: User) -> "Caller":
        return Caller(user, frozenset(user.permissions), tenant_ids_of(user.tenant_id, user.permissions))

    def administers(self, tenant_id: str) -> bool:
        return self.user.is_platform_owner or f"{tenant_id}::admin" in self.permissions


def require_admin(caller: Caller, tenant_id: str) -> None:
    if not caller.administers(tenant_id):
        raise Refused("Only tenant admins may do this.")


def require_self(caller: Caller, user: User) -> None:
    if caller.user.id != user.id:
        require_admin(caller, user.tenant_id)


def require_platform(caller: Caller, platform: Platform | None) -> Platform:
    """The platform, if the caller may see it."""
    if platform and (caller.user.is_platform_owner or platform.tenant_id in caller.tenant_ids):
        return platform
    raise Refused("Platform not found")


def require_document(caller: Caller, platform: Platform, user: User | None) -> User:
    """The owner of a document. Only admins and the user may open it, and the user must be a member."""
    own = user is not None and user.id == caller.user.id
    if not own:
        require_admin(caller, platform.tenant_id)
    if user is None or not (own or platform.tenant_id in tenant_ids_of(user.tenant_id, user.permissions)):
        raise Refused("User not found")
    return user


def sees_user(caller: Caller, user: User) -> bool:
    """Whether the caller shares a tenant with a user."""
    tenants = tenant_ids_of(user.tenant_id, user.permissions)
    return caller.user.is_platform_owner or not caller.tenant_ids.isdisjoint(tenants)


def display_name(user: User) -> str:
    names = [user.profile_fields.get(field, {}).get("value") for field in ("firstName", "lastName")]
    return " ".join(name for name in names if name) or user.username


def problem(metadata: Mapping[str, Any]) -> str | None:
    """What is wrong with metadata to write; None if it is valid."""
    for key, value in metadata.items():
        if not key or len(key) > _MAX_KEY_LENGTH or "\0" in key or key != key.strip():
            return "A key is invalid."
        if len(canonical(value)) > _MAX_VALUE_SIZE:
            return "A value is too large."
    return None


def canonical(value: Any) -> bytes:
    """The canonical JSON of a value."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
