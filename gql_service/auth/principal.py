"""Who asks: the user behind a token, with what they hold."""

from collections.abc import Iterable
from typing import NamedTuple


class Principal(NamedTuple):
    """The authenticated caller: as much of a user as the rules need to know, and what they hold."""

    user_id: str
    username: str
    tenant_id: str
    permissions: frozenset[str]
    is_platform_owner: bool
    tenant_ids: frozenset[str]
    """Every tenant the caller is a member of."""
    origin_id: str
    """Who made the token that was presented, and every token that led to it: the user, or somebody else."""

    @staticmethod
    def of(
        user_id: str,
        username: str,
        tenant_id: str,
        permissions: Iterable[str],
        *,
        is_platform_owner: bool,
        origin_id: str | None = None,
    ) -> "Principal":
        """The caller, given what is stored of them."""
        held = frozenset(permissions)
        tenant_ids = member_of(tenant_id, held)
        origin_id = origin_id or user_id
        return Principal(user_id, username, tenant_id, held, is_platform_owner, tenant_ids, origin_id)


def member_of(tenant_id: str, permissions: Iterable[str]) -> frozenset[str]:
    """The tenants a user belongs to: their own, and those they hold a `{TENANT_ID}::{PERMISSION}` of."""
    return frozenset({tenant_id, *(permission.partition("::")[0] for permission in permissions)})
