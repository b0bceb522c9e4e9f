"""Proofs of access: what a caller may touch. Only `auth.policy` makes one."""

from typing import NamedTuple, Protocol

USER_WIDE = ""
"""Stands for the platform of the document that belongs to no platform."""


class PlatformFacts(Protocol):
    """What the rules need to know of a platform."""

    @property
    def id(self) -> str: ...
    @property
    def key(self) -> str: ...
    @property
    def tenant_id(self) -> str: ...


class UserFacts(Protocol):
    """What the rules need to know of a user."""

    @property
    def user_id(self) -> str: ...
    @property
    def username(self) -> str: ...
    @property
    def tenant_id(self) -> str: ...
    @property
    def tenant_ids(self) -> frozenset[str]: ...


class UserWithRights(UserFacts, Protocol):
    """What the rules need to know of a user before somebody may act as them."""

    @property
    def permissions(self) -> list[str]: ...
    @property
    def is_platform_owner(self) -> bool: ...


_SEAL = object()


class DocumentAccess(NamedTuple):
    """Proof that the caller may read and write one document; only `Policy` makes one.

    `platform_id` is USER_WIDE and `platform_key` None for the document that belongs to no platform;
    `tenant_id` is the tenant whose admins administer the document.
    """

    actor_id: str
    user_id: str
    username: str
    tenant_id: str
    platform_id: str
    platform_key: str | None
    is_admin: bool
    """Whether the caller is an admin there: flags bind users, not admins."""
    seal: object

    @property
    def tenant_ids(self) -> frozenset[str]:
        return frozenset({self.tenant_id})

    @property
    def key(self) -> tuple[str, str]:
        """The key of the document."""
        return self.user_id, self.platform_id

    def verify(self) -> None:
        """To be called before the proof is used. Raises TypeError where somebody else made it."""
        if self.seal is not _SEAL:
            raise TypeError("a DocumentAccess is made by auth.policy alone")


class UserAccess(NamedTuple):
    """Proof that the caller may change one user; only `Policy` makes one."""

    origin_id: str | None
    """Who is behind the caller: see `Principal.origin_id`; None for the operator at the command line."""
    user_id: str
    is_admin: bool
    is_owner: bool
    administered: frozenset[str]
    """The tenants whose permissions the caller may grant."""
    is_self: bool
    """Whether the caller is the user."""
    seal: object

    def covers(self, user: UserWithRights) -> bool:
        """Whether the caller administers every right this user has.

        Whoever changes the email address of somebody, or holds a token of theirs, can act as them: an admin
        of one tenant must not get by that what the user may do in others. Raises MalformedData.
        """
        if self.is_owner or self.is_self:
            return True
        tenants = {permission.partition("::")[0] for permission in user.permissions}
        return not user.is_platform_owner and tenants <= self.administered

    def verify(self) -> None:
        """To be called before the proof is used. Raises TypeError where somebody else made it."""
        if self.seal is not _SEAL:
            raise TypeError("a UserAccess is made by auth.policy alone")


class PlatformAccess(NamedTuple):
    """Proof that the caller may say what the documents of a platform are to be; only `Policy` makes one."""

    platform_id: str
    tenant_id: str
    seal: object

    def verify(self) -> None:
        """To be called before the proof is used. Raises TypeError where somebody else made it."""
        if self.seal is not _SEAL:
            raise TypeError("a PlatformAccess is made by auth.policy alone")
