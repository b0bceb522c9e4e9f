"""The authenticated caller of a request: the user behind a token, and their rights."""

from collections.abc import Iterable
from typing import NamedTuple

from gql_service.auth.scopes import Scopes


class Principal(NamedTuple):
    """The authenticated caller: the parts of a user that access decisions need."""

    user_id: str
    username: str
    tenant_id: str
    permissions: frozenset[str]
    is_platform_owner: bool
    tenant_ids: frozenset[str]
    """Every tenant the caller is a member of."""
    origin_id: str
    """The id of the user who first issued a token in the chain of tokens that led to the presented one.

    It is the caller's own id, unless somebody else issued a token for them.
    """
    token_expires_at: int | None = None
    """When the presented token expires, if it does."""
    scopes: Scopes = None
    """The scopes of the presented token."""
    platform_keys: frozenset[str] | None = None
    """The platforms that the presented token is limited to; None if it is not."""
    signed_in_recently: bool = False
    """Whether the caller has signed in at an issuer a moment ago. Tokens that they issue for themselves may
    then outlive the presented one."""
    evaluates: frozenset[str] = frozenset()
    """Tenants for whose platforms a token without the scope ADMIN may evaluate anybody's flags, because its
    user administers them and it has the scope EVALUATE."""
    evaluates_everywhere: bool = False
    """The same for the tokens of platform owners: the platforms of all tenants."""

    @staticmethod
    def create(
        user_id: str,
        username: str,
        tenant_id: str,
        permissions: Iterable[str],
        *,
        is_platform_owner: bool,
        origin_id: str | None = None,
        token_expires_at: int | None = None,
    ) -> "Principal":
        """A principal from a user's stored attributes; `origin_id` is the user's own id by default."""
        permission_set = frozenset(permissions)
        return Principal(
            user_id=user_id,
            username=username,
            tenant_id=tenant_id,
            permissions=permission_set,
            is_platform_owner=is_platform_owner,
            tenant_ids=tenant_ids_of(tenant_id, permission_set),
            origin_id=origin_id or user_id,
            token_expires_at=token_expires_at,
        )


def tenant_ids_of(tenant_id: str, permissions: Iterable[str]) -> frozenset[str]:
    """The tenants that a user is a member of: their own, and those of their permissions.

    A permission has the form `{TENANT_ID}::{PERMISSION}`.
    """
    return frozenset({tenant_id, *(permission.partition("::")[0] for permission in permissions)})
