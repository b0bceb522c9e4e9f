"""Proofs of access: each proves that a caller may use one object. Only `auth.policy` creates them.

Functions of `domain/` that write take such a proof, so they cannot be called without an access check.
"""

from typing import NamedTuple, Protocol

from gql_service.auth.scopes import Scopes

USER_WIDE = ""
"""The `platform_id` of user-wide documents, which belong to no platform."""


class PlatformFacts(Protocol):
    """The parts of a platform that access decisions need."""

    @property
    def id(self) -> str: ...
    @property
    def key(self) -> str: ...
    @property
    def tenant_id(self) -> str: ...


class UserFacts(Protocol):
    """The parts of a user that access decisions need."""

    @property
    def user_id(self) -> str: ...
    @property
    def username(self) -> str: ...
    @property
    def tenant_id(self) -> str: ...
    @property
    def tenant_ids(self) -> frozenset[str]: ...


class UserWithRights(UserFacts, Protocol):
    """The parts of a user that decide who may act on their behalf."""

    @property
    def permissions(self) -> list[str]: ...
    @property
    def is_platform_owner(self) -> bool: ...


_SEAL = object()


class Author(NamedTuple):
    """Who changes a user, and through which interface: `graphql`, `cli`, `import`
    or `sign-in`."""

    actor_id: str | None
    """None for the operator at the command line."""
    source: str


OPERATOR = Author(None, "cli")
"""Whoever uses the command line."""


class DocumentAccess(NamedTuple):
    """Proof that the caller may read and write one document.

    For a user-wide document, `platform_id` is USER_WIDE and `platform_key` is None. `tenant_id` is the tenant
    whose admins administer the document.
    """

    actor_id: str
    user_id: str
    username: str
    tenant_id: str
    platform_id: str
    platform_key: str | None
    is_admin: bool
    """Whether the caller administers the document; the flags of entries do not bind admins."""
    seal: object

    @property
    def tenant_ids(self) -> frozenset[str]:
        return frozenset({self.tenant_id})

    @property
    def key(self) -> tuple[str, str]:
        """The user id and the platform id, which identify the document."""
        return self.user_id, self.platform_id

    def verify(self) -> None:
        """Must be called before the proof is used. Raises TypeError if `Policy` did not create it."""
        if self.seal is not _SEAL:
            raise TypeError("only auth.policy may create a DocumentAccess")


class UserAccess(NamedTuple):
    """Proof that the caller may change one user."""

    author: Author
    origin_id: str | None
    """See `Principal.origin_id`; None for the operator at the command line."""
    user_id: str
    is_admin: bool
    is_owner: bool
    administered: frozenset[str]
    """The tenants whose permissions the caller may grant."""
    is_self: bool
    """Whether the caller is the user."""
    is_guest: bool
    """Whether the user belongs to another tenant and is a guest of one that the caller administers. The only
    change that the caller may make is to take permissions of that tenant."""
    scopes: Scopes
    """The scopes of the caller's token, which tokens that they issue cannot exceed."""
    platform_keys: frozenset[str] | None
    """The same for the platforms that the token is limited to."""
    tokens_end_by: int | None
    """When tokens end at the latest that the caller issues. A token that is issued with a token of the same
    user does not outlive it."""
    seal: object

    def covers(self, user: UserWithRights) -> bool:
        """Whether the caller administers every tenant in which this user has permissions.

        Whoever can change a user's email address or issue a token for them can act as that user. So an admin
        of one tenant must not do so for a user who has permissions in another. Raises MalformedData.
        """
        if self.is_owner or self.is_self:
            return True
        tenants = {permission.partition("::")[0] for permission in user.permissions}
        return not user.is_platform_owner and tenants <= self.administered

    def verify(self) -> None:
        """Must be called before the proof is used. Raises TypeError if `Policy` did not create it."""
        if self.seal is not _SEAL:
            raise TypeError("only auth.policy may create a UserAccess")


class TenantsAccess(NamedTuple):
    """Proof that the caller may administer tenants, and create and delete platforms."""

    author: Author
    seal: object

    def verify(self) -> None:
        """Must be called before the proof is used. Raises TypeError if `Policy` did not create it."""
        if self.seal is not _SEAL:
            raise TypeError("only auth.policy may create a TenantsAccess")


class PlatformAccess(NamedTuple):
    """Proof that the caller may administer a platform, for example define its metadata keys."""

    platform_id: str
    platform_key: str
    tenant_id: str
    actor_id: str | None
    """Who the caller is; None for the operator at the command line."""
    seal: object

    def verify(self) -> None:
        """Must be called before the proof is used. Raises TypeError if `Policy` did not create it."""
        if self.seal is not _SEAL:
            raise TypeError("only auth.policy may create a PlatformAccess")
