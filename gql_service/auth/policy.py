"""The rules of access, pure: given who asks and whose thing it is, what may they do?"""

from dataclasses import dataclass

from gql_service.auth.access import (
    _SEAL,
    USER_WIDE,
    DocumentAccess,
    PlatformAccess,
    PlatformFacts,
    UserAccess,
    UserFacts,
    UserWithRights,
)
from gql_service.auth.principal import Principal
from gql_service.auth.roles import Role, Subject, Verdict
from gql_service.errors import Forbidden, NotFound


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules, for one name of the admin permission."""

    admin_permission: str = "admin"

    def administers(self, principal: Principal, tenant_id: str) -> bool:
        """Whether the caller is an admin of this tenant."""
        return principal.is_platform_owner or f"{tenant_id}::{self.admin_permission}" in principal.permissions

    def administered(self, principal: Principal) -> frozenset[str]:
        """The tenants the caller is an admin of by permission."""
        return frozenset(
            tenant
            for tenant in principal.tenant_ids
            if f"{tenant}::{self.admin_permission}" in principal.permissions
        )

    def verdict(self, role: Role, principal: Principal | None) -> Verdict[Subject]:
        """Whether the caller holds a role: over everything, over nothing, or as a function of the subject."""
        if role is Role.PUBLIC:
            return True
        if principal is None:
            return False
        if role is Role.AUTHENTICATED or principal.is_platform_owner:
            return True
        if role is Role.PLATFORM_OWNER:
            return False
        if role is Role.TENANT_MEMBER:
            mine = principal.tenant_ids
            return lambda subject: subject.tenant_id in mine or not mine.isdisjoint(subject.tenant_ids)
        administered = self.administered(principal)
        if role is Role.SELF:
            own = principal.user_id
            return lambda subject: subject.user_id == own or subject.tenant_id in administered
        return lambda subject: subject.tenant_id in administered

    def sees_platform(self, principal: Principal, platform: PlatformFacts) -> bool:
        """Whether the caller may know of a platform: members and platform owners do."""
        return principal.is_platform_owner or platform.tenant_id in principal.tenant_ids

    def require_admin(self, principal: Principal, tenant_id: str) -> None:
        """Only admins may name others; to be asked before the other is looked up, so that nobody can
        probe usernames. Raises Forbidden."""
        if not self.administers(principal, tenant_id):
            raise Forbidden("Only tenant admins can access other users' metadata")

    def platform_document(
        self, principal: Principal, platform: PlatformFacts, user: UserFacts | None
    ) -> DocumentAccess:
        """Open the document of a user on a platform. Raises NotFound or Forbidden."""
        own = user is not None and user.user_id == principal.user_id
        if not own:
            self.require_admin(principal, platform.tenant_id)
        if user is None or not (own or _belongs(user, platform.tenant_id)):
            raise NotFound("User not found")
        return self._document(principal, user, platform.tenant_id, platform.id, platform.key)

    def user_wide_document(self, principal: Principal, user: UserFacts | None) -> DocumentAccess:
        """Open the document of a user that names no platform. Raises NotFound or Forbidden."""
        if user is None or user.user_id != principal.user_id:
            self.require_admin(principal, user.tenant_id if user else "")
        if user is None:
            raise NotFound("User not found")
        return self._document(principal, user, user.tenant_id, USER_WIDE, None)

    def platform(self, principal: Principal, platform: PlatformFacts) -> PlatformAccess:
        """May the caller administer a platform that they see? Raises Forbidden."""
        if not self.administers(principal, platform.tenant_id):
            raise Forbidden("Only tenant admins can administer a platform")
        return self.platform_for_operator(platform)

    def user(self, principal: Principal, user: UserFacts | None) -> UserAccess:
        """May the caller change a user? Raises Forbidden or NotFound, not telling who exists."""
        administered, owner = self.administered(principal), principal.is_platform_owner
        own = user is not None and user.user_id == principal.user_id
        if user is None or not own:
            if not (administered or owner):
                raise Forbidden("Only tenant admins can change other users")
            if user is None or not (owner or user.tenant_id in administered):
                raise NotFound("User not found")
        admin = owner or user.tenant_id in administered
        return UserAccess(principal.origin_id, user.user_id, admin, owner, administered, own, _SEAL)

    def token(self, principal: Principal, user: UserWithRights | None) -> UserAccess:
        """May the caller make and end tokens of a user? See `UserAccess.covers`. Raises Forbidden, NotFound
        or MalformedData."""
        access = self.user(principal, user)
        if user is not None and not access.covers(user):
            raise Forbidden("This user has rights that you do not administer")
        return access

    def award(self, principal: Principal, user: UserFacts | None) -> UserAccess:
        """May the caller award badges to a user? Only admins. Raises Forbidden or NotFound."""
        access = self.user(principal, user)
        if not access.is_admin:
            raise Forbidden("Only tenant admins can award badges")
        return access

    def new_user(self, principal: Principal, tenant_id: str) -> UserAccess:
        """May the caller add users to a tenant? Raises Forbidden."""
        administered, owner = self.administered(principal), principal.is_platform_owner
        if not (owner or tenant_id in administered):
            raise Forbidden("Only tenant admins can create users")
        return UserAccess(principal.origin_id, "", True, owner, administered, False, _SEAL)

    def _document(
        self,
        principal: Principal,
        user: UserFacts,
        tenant_id: str,
        platform_id: str,
        platform_key: str | None,
    ) -> DocumentAccess:
        return DocumentAccess(
            actor_id=principal.user_id,
            user_id=user.user_id,
            username=user.username,
            tenant_id=tenant_id,
            platform_id=platform_id,
            platform_key=platform_key,
            is_admin=self.administers(principal, tenant_id),
            seal=_SEAL,
        )

    def user_for_operator(self, user_id: str = "") -> UserAccess:
        """The command line may do everything: whoever runs it holds the database."""
        return UserAccess(None, user_id, True, True, frozenset(), False, _SEAL)

    def platform_for_operator(self, platform: PlatformFacts) -> PlatformAccess:
        """A platform at the command line."""
        return PlatformAccess(platform.id, platform.tenant_id, _SEAL)


def _belongs(user: UserFacts, tenant_id: str) -> bool:
    return user.tenant_id == tenant_id or tenant_id in user.tenant_ids
