"""Opening a document for a caller: REST and GraphQL make the same checks in the same order.

401 (no caller), 404 (platform), 403 (another user's document, caller not an admin), 404 (user). The 403 comes
before the user is looked up, so that nobody can probe usernames.
"""

from collections.abc import Awaitable, Sequence
from typing import Protocol

from gql_service.auth.access import DocumentAccess, PlatformAccess, UserFacts
from gql_service.auth.policy import Policy
from gql_service.auth.principal import Principal
from gql_service.domain.tenants import Platform
from gql_service.domain.users.rows import User
from gql_service.errors import NotFound, RequestError, Unauthenticated
from gql_service.names import is_same


class Directory(Protocol):
    """Looks up platforms and users."""

    def platform(self, key: str) -> Awaitable[Platform | None]: ...

    def user_named(self, username: str) -> Awaitable[User | None]: ...

    def users_named(self, usernames: Sequence[str]) -> Awaitable[Sequence[User | None]]: ...


async def find_document(
    directory: Directory,
    policy: Policy,
    principal: Principal | None,
    platform_key: str | None,
    username: str | None,
) -> DocumentAccess:
    """Proof of access to the document of `username` (by default the caller's) on a platform (None:
    user-wide).

    Raises Unauthenticated, NotFound or Forbidden.
    """
    if principal is None:
        raise Unauthenticated
    own = username is None or is_same(username, principal.username)
    if platform_key is None:
        user = principal if own else await directory.user_named(username or "")
        return policy.user_wide_document(principal, user)
    platform = await _platform(directory, policy, principal, platform_key)
    if own:
        return policy.platform_document(principal, platform, principal)
    policy.require_admin(principal, platform.tenant_id, platform.key)
    return policy.platform_document(principal, platform, await directory.user_named(username or ""))


async def find_documents_of(
    directory: Directory,
    policy: Policy,
    principal: Principal,
    platform_key: str | None,
    users: Sequence[UserFacts],
) -> list[DocumentAccess | RequestError]:
    """Proofs of access to the documents of loaded users, each replaced by its refusal. Raises NotFound."""
    platform = None
    if platform_key is not None:
        platform = await _platform(directory, policy, principal, platform_key)
    found: list[DocumentAccess | RequestError] = []
    for user in users:
        try:
            if platform is None:
                found.append(policy.user_wide_document(principal, user))
            else:
                found.append(policy.platform_document(principal, platform, user))
        except RequestError as refusal:
            found.append(refusal)
    return found


async def find_documents_named(
    directory: Directory,
    policy: Policy,
    principal: Principal,
    platform: Platform,
    usernames: Sequence[str],
) -> list[DocumentAccess | None]:
    """For admins: proofs of access to the documents of users on a platform. Raises Forbidden.

    An item is None where the platform has no such user.
    """
    users = await directory.users_named(usernames)
    found: list[DocumentAccess | None] = []
    for user in users:
        try:
            found.append(policy.platform_document(principal, platform, user))
        except NotFound:
            found.append(None)
    return found


async def find_platform(
    directory: Directory, policy: Policy, principal: Principal | None, key: str
) -> tuple[PlatformAccess, Platform]:
    """A platform that the caller administers, with the proof. Raises Unauthenticated, NotFound or
    Forbidden."""
    if principal is None:
        raise Unauthenticated
    platform = await _platform(directory, policy, principal, key)
    return policy.platform_access(principal, platform), platform


async def _platform(directory: Directory, policy: Policy, principal: Principal, key: str) -> Platform:
    policy.require_platform(principal, key)
    platform = await directory.platform(key)
    if platform is None or not policy.sees_platform(principal, platform):
        raise NotFound("Platform not found", platform and platform.key)
    return platform
