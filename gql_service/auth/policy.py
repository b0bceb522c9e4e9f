"""The access rules: pure functions from a caller and an object to a decision or a proof of access."""

from collections.abc import Set
from dataclasses import dataclass

from gql_service.auth.access import (
    _SEAL,
    OPERATOR,
    USER_WIDE,
    Author,
    DocumentAccess,
    PlatformAccess,
    PlatformFacts,
    TenantsAccess,
    UserAccess,
    UserFacts,
    UserWithRights,
)
from gql_service.auth.principal import Principal, tenant_ids_of
from gql_service.auth.roles import Role, Subject, Verdict
from gql_service.auth.scopes import Scope, Scopes
from gql_service.errors import Forbidden, NotFound

_ROLES_OF_ADMINS = {Role.TENANT_ADMIN, Role.PLATFORM_OWNER}


def required_scopes(role: Role, use: Scope) -> tuple[Scope, ...]:
    """The scopes that a token needs for a field with a role; `use` is the one for reading or calling it.

    Whoever acts as an admin needs ADMIN, since `Policy.restricted` makes others ordinary users.
    """
    if role is Role.PUBLIC:
        return ()
    return (use, Scope.ADMIN) if role in _ROLES_OF_ADMINS else (use,)


@dataclass(frozen=True, slots=True)
class Policy:
    """The access rules. `admin_permission` is the name of the permission that makes a user a tenant admin."""

    admin_permission: str = "admin"

    def administers(self, principal: Principal, tenant_id: str) -> bool:
        """Whether the caller is an admin of this tenant."""
        return principal.is_platform_owner or self.admin_permission_of(tenant_id) in principal.permissions

    def admin_permission_of(self, tenant_id: str) -> str:
        """The permission that makes a user an admin of a tenant."""
        return f"{tenant_id}::{self.admin_permission}"

    def administered(self, principal: Principal) -> frozenset[str]:
        """The tenants that the caller has the admin permission of. For platform owners, use `administers`."""
        return frozenset(
            tenant
            for tenant in principal.tenant_ids
            if self.admin_permission_of(tenant) in principal.permissions
        )

    def issued_by(self, issuer: Principal, principal: Principal) -> Principal | None:
        """The caller with a token that somebody else has issued for them; None if the issuer is no longer an
        admin of their tenant.

        The issuer knows the token. So it has only those rights of its user that the issuer administers, now.
        """
        if issuer.is_platform_owner:
            return principal
        administered = self.administered(issuer)
        if principal.tenant_id not in administered:
            return None
        kept = frozenset(each for each in principal.permissions if each.partition("::")[0] in administered)
        return principal._replace(
            permissions=kept,
            tenant_ids=tenant_ids_of(principal.tenant_id, kept),
            is_platform_owner=False,
            evaluates=principal.evaluates & administered,
            evaluates_everywhere=False,
        )

    def restricted(
        self, principal: Principal, scopes: Scopes, platform_keys: frozenset[str] | None
    ) -> Principal:
        """The caller with a token that has only these scopes, or is limited to these platforms.

        Without ADMIN, the caller is no admin and no platform owner. What EVALUATE allows admins is kept.
        """
        principal = principal._replace(scopes=scopes, platform_keys=platform_keys)
        if scopes is None or Scope.ADMIN in scopes:
            return principal
        if Scope.EVALUATE in scopes:
            principal = principal._replace(
                evaluates=self.administered(principal), evaluates_everywhere=principal.is_platform_owner
            )
        admin = f"::{self.admin_permission}"
        kept = frozenset(each for each in principal.permissions if not each.endswith(admin))
        return principal._replace(permissions=kept, is_platform_owner=False)

    def has_scope(self, principal: Principal, scope: Scope) -> bool:
        """Whether the caller's token has a scope."""
        return principal.scopes is None or scope in principal.scopes

    def require_scope(self, principal: Principal, scope: Scope) -> None:
        """Raise Forbidden if the caller's token does not have a scope."""
        if not self.has_scope(principal, scope):
            raise Forbidden(f"The access token does not have the scope {scope}.")

    def evaluates(self, principal: Principal, tenant_id: str) -> bool:
        """Whether the caller may evaluate anybody's flags on the platforms of a tenant, those that are not
        visible to clients included: admins may, and their tokens with the scope EVALUATE."""
        if not self.has_scope(principal, Scope.EVALUATE):
            return False
        may_evaluate = principal.evaluates_everywhere or tenant_id in principal.evaluates
        return may_evaluate or self.administers(principal, tenant_id)

    def require_platform(self, principal: Principal, key: str) -> None:
        """Raise Forbidden if the caller's token is limited to other platforms.

        Must be called before the platform is looked up, so that the answer says nothing about it.
        """
        if principal.platform_keys is not None and key not in principal.platform_keys:
            raise Forbidden("The access token is limited to other platforms.")

    def _require_no_platforms(self, principal: Principal) -> None:
        """Raise Forbidden if the caller's token is limited to platforms: users belong to none."""
        if principal.platform_keys is not None:
            raise Forbidden("The access token is limited to platforms.")

    def verdict(self, role: Role, principal: Principal | None) -> Verdict[Subject]:
        """Whether the caller has a role: over every subject, over none, or as a function of the subject."""
        if role is Role.PUBLIC:
            return True
        if principal is None:
            return False
        if role is Role.AUTHENTICATED or principal.is_platform_owner:
            return True
        if role is Role.PLATFORM_OWNER:
            return False
        if role is Role.TENANT_MEMBER:
            own_tenants = principal.tenant_ids
            return lambda subject: (
                subject.tenant_id in own_tenants or not own_tenants.isdisjoint(subject.tenant_ids)
            )
        administered = self.administered(principal)
        if role is Role.SELF:
            own_id = principal.user_id
            return lambda subject: subject.user_id == own_id or subject.tenant_id in administered
        return lambda subject: subject.tenant_id in administered

    def sees_platform(self, principal: Principal, platform: PlatformFacts) -> bool:
        """Whether the caller may see a platform: members of its tenant and platform owners may."""
        if principal.platform_keys is not None and platform.key not in principal.platform_keys:
            return False
        return principal.is_platform_owner or platform.tenant_id in principal.tenant_ids

    def require_tenant_admin(self, principal: Principal, tenant_id: str) -> None:
        """Raise Forbidden if the caller is not an admin of the tenant, which need not exist."""
        if not self.administers(principal, tenant_id):
            raise Forbidden("Only tenant admins can list users")

    def require_admin(self, principal: Principal, tenant_id: str, target: str | None) -> None:
        """Raise Forbidden, with its target, if the caller is not an admin of the tenant.

        Must be called before another user is looked up by name, so that only admins learn who exists.
        """
        if not self.administers(principal, tenant_id):
            raise Forbidden("Only tenant admins can access other users' metadata", target)

    def platform_document(
        self, principal: Principal, platform: PlatformFacts, user: UserFacts | None
    ) -> DocumentAccess:
        """Access to the document of a user on a platform. Raises NotFound or Forbidden."""
        is_self = user is not None and user.user_id == principal.user_id
        if not is_self:
            self.require_admin(principal, platform.tenant_id, platform.key)
        if user is None or not (is_self or is_member(user, platform.tenant_id)):
            raise NotFound("User not found", _id(user))
        return self._document(principal, user, platform.tenant_id, platform.id, platform.key)

    def user_wide_document(self, principal: Principal, user: UserFacts | None) -> DocumentAccess:
        """Access to the user-wide document of a user. Raises NotFound or Forbidden."""
        self._require_no_platforms(principal)
        if user is None or user.user_id != principal.user_id:
            self.require_admin(principal, user.tenant_id if user else "", _id(user))
        if user is None:
            raise NotFound("User not found")
        return self._document(principal, user, user.tenant_id, USER_WIDE, None)

    def platform_access(self, principal: Principal, platform: PlatformFacts) -> PlatformAccess:
        """Access to administer a platform that the caller sees. Raises Forbidden."""
        if not self.administers(principal, platform.tenant_id):
            raise Forbidden("Only tenant admins can administer a platform", platform.key)
        return PlatformAccess(platform.id, platform.key, platform.tenant_id, principal.user_id, _SEAL)

    def user_access(self, principal: Principal, user: UserFacts | None) -> UserAccess:
        """Access to change a user. Raises Forbidden or NotFound; neither reveals whether the user exists."""
        self._require_no_platforms(principal)
        return self._user_access(principal, user)

    def _user_access(self, principal: Principal, user: UserFacts | None) -> UserAccess:
        administered, is_owner = self.administered(principal), principal.is_platform_owner
        is_self = user is not None and user.user_id == principal.user_id
        if user is None or not is_self:
            if not (administered or is_owner):
                raise Forbidden("Only tenant admins can change other users", _id(user))
            if user is None or not (is_owner or user.tenant_id in administered):
                raise NotFound("User not found", _id(user))
        is_bound = is_self and not principal.signed_in_recently
        return UserAccess(
            author=_author(principal),
            origin_id=principal.origin_id,
            user_id=user.user_id,
            is_admin=is_owner or user.tenant_id in administered,
            is_owner=is_owner,
            administered=administered,
            is_self=is_self,
            is_guest=False,
            scopes=principal.scopes,
            platform_keys=principal.platform_keys,
            tokens_end_by=principal.token_expires_at if is_bound else None,
            seal=_SEAL,
        )

    def change_access(self, principal: Principal, user: UserFacts | None, fields: Set[str]) -> UserAccess:
        """Access to change these fields of a user: as `user_access`, and to take permissions from a guest of
        a tenant that the caller administers. Raises Forbidden or NotFound."""
        self._require_no_platforms(principal)
        administered = self.administered(principal)
        is_guest = (
            user is not None
            and user.user_id != principal.user_id
            and user.tenant_id not in administered
            and not administered.isdisjoint(user.tenant_ids)
        )
        if user is None or not is_guest or principal.is_platform_owner or fields != {"permissions"}:
            return self.user_access(principal, user)
        return UserAccess(
            author=_author(principal),
            origin_id=principal.origin_id,
            user_id=user.user_id,
            is_admin=False,
            is_owner=False,
            administered=administered,
            is_self=False,
            is_guest=True,
            scopes=principal.scopes,
            platform_keys=principal.platform_keys,
            tokens_end_by=None,
            seal=_SEAL,
        )

    def token_access(self, principal: Principal, user: UserWithRights | None) -> UserAccess:
        """Access to issue and revoke tokens of a user; see `UserAccess.covers`.

        Raises Forbidden, NotFound or MalformedData.
        """
        access = self._user_access(principal, user)
        if not access.is_self:
            self._require_no_platforms(principal)
        if user is not None and not access.covers(user):
            raise Forbidden("This user has rights that you do not administer", user.user_id)
        return access

    def unlinking_access(self, principal: Principal, user: UserWithRights | None) -> UserAccess:
        """Access to unlink identities of an issuer from a user, for admins only.

        Raises Forbidden, NotFound or MalformedData.
        """
        self._require_no_platforms(principal)
        access = self.token_access(principal, user)
        if not access.is_admin:
            raise Forbidden("Only tenant admins can link identities", access.user_id)
        return access

    def linking_access(self, principal: Principal, user: UserWithRights | None) -> UserAccess:
        """Access to link identities of an issuer to a user, for admins only: whoever has such an identity can
        act as the user. Raises Forbidden, NotFound or MalformedData."""
        access = self.unlinking_access(principal, user)
        if principal.scopes is not None or access.tokens_end_by is not None:
            # The identity would be able to do more, or for longer.
            raise Forbidden("This token is restricted, so it cannot link identities", access.user_id)
        return access

    def is_privileged(self, user: UserWithRights) -> bool:
        """Whether a user is a platform owner, or an admin of any tenant. Raises MalformedData."""
        admin = f"::{self.admin_permission}"
        return bool(user.is_platform_owner) or any(each.endswith(admin) for each in user.permissions)

    def badge_access(self, principal: Principal, user: UserFacts | None) -> UserAccess:
        """Access to award badges to a user, for admins only. Raises Forbidden or NotFound."""
        access = self.user_access(principal, user)
        if not access.is_admin:
            raise Forbidden("Only tenant admins can award badges", access.user_id)
        return access

    def renaming_access(self, principal: Principal, user: UserFacts | None) -> UserAccess:
        """Access to rename a user, for admins only. Raises Forbidden or NotFound."""
        access = self.user_access(principal, user)
        if not access.is_admin:
            raise Forbidden("Only tenant admins can rename users", access.user_id)
        return access

    def self_deletion_access(self, principal: Principal, user: UserWithRights | None) -> UserAccess:
        """Access to delete a user, where users may delete themselves.

        Raises Forbidden, NotFound or MalformedData.
        """
        return self.token_access(principal, user)

    def deletion_access(self, principal: Principal, user: UserWithRights | None) -> UserAccess:
        """Access to delete a user, for admins only. Raises Forbidden, NotFound or MalformedData."""
        access = self.token_access(principal, user)
        if not access.is_admin:
            raise Forbidden("Only tenant admins can delete users", access.user_id)
        return access

    def new_user_access(self, principal: Principal, tenant_id: str) -> UserAccess:
        """Access to create users in a tenant. Raises Forbidden."""
        self._require_no_platforms(principal)
        administered, is_owner = self.administered(principal), principal.is_platform_owner
        if not (is_owner or tenant_id in administered):
            raise Forbidden("Only tenant admins can create users")
        return UserAccess(
            author=_author(principal),
            origin_id=principal.origin_id,
            user_id="",
            is_admin=True,
            is_owner=is_owner,
            administered=administered,
            is_self=False,
            is_guest=False,
            scopes=principal.scopes,
            platform_keys=principal.platform_keys,
            tokens_end_by=None,
            seal=_SEAL,
        )

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

    def user_for_operator(self, user_id: str = "", author: Author = OPERATOR) -> UserAccess:
        """Access for the command line, which may do everything: its user has the database anyway."""
        return UserAccess(
            author=author,
            origin_id=None,
            user_id=user_id,
            is_admin=True,
            is_owner=True,
            administered=frozenset(),
            is_self=False,
            is_guest=False,
            scopes=None,
            platform_keys=None,
            tokens_end_by=None,
            seal=_SEAL,
        )

    def tenants_access(self, principal: Principal) -> TenantsAccess:
        """Access to administer tenants, for platform owners only. Raises Forbidden."""
        if not principal.is_platform_owner:
            raise Forbidden("Only platform owners can administer tenants")
        return TenantsAccess(_author(principal), _SEAL)

    def user_of_deleted_tenant(self, principal: Principal, user_id: str) -> UserAccess:
        """Access to delete a user with their tenant, for platform owners only. Raises Forbidden."""
        return self.user_for_operator(user_id, self.tenants_access(principal).author)

    def tenants_for_operator(self) -> TenantsAccess:
        """Access to administer tenants for the command line."""
        return TenantsAccess(OPERATOR, _SEAL)

    def platform_for_operator(self, platform: PlatformFacts) -> PlatformAccess:
        """Access to administer a platform for the command line."""
        return PlatformAccess(platform.id, platform.key, platform.tenant_id, None, _SEAL)


def _author(principal: Principal) -> Author:
    return Author(principal.user_id, "graphql")


def _id(user: UserFacts | None) -> str | None:
    return None if user is None else user.user_id


def is_member(user: UserFacts, tenant_id: str) -> bool:
    """Whether a user is a member of a tenant: it is their home tenant, or they have a permission of it."""
    return user.tenant_id == tenant_id or tenant_id in user.tenant_ids
