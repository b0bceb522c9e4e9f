"""The roles that fields of the schema require, and how a role is decided."""

from collections.abc import Callable
from enum import StrEnum
from typing import Protocol, TypeVar


class Role(StrEnum):
    """A role that a viewer has, from the least to the most privileged."""

    PUBLIC = "PUBLIC"
    AUTHENTICATED = "AUTHENTICATED"
    TENANT_MEMBER = "TENANT_MEMBER"
    SELF = "SELF"
    TENANT_ADMIN = "TENANT_ADMIN"
    PLATFORM_OWNER = "PLATFORM_OWNER"


class Subject(Protocol):
    """The object over which a viewer has a role or not: a user, a platform, or data that belongs to one."""

    @property
    def user_id(self) -> str | None:
        """The user that it belongs to, if any."""

    @property
    def tenant_id(self) -> str:
        """The tenant whose admins administer it."""

    @property
    def tenant_ids(self) -> frozenset[str]:
        """The tenants whose members may see it; includes `tenant_id`."""


S = TypeVar("S")

Verdict = bool | Callable[[S], bool]
"""Whether a viewer has a role: over every subject, over none, or a function that decides for a subject."""


def allows(verdict: Verdict[S], subject: S) -> bool:
    """Whether a verdict grants the role over a subject."""
    return verdict if isinstance(verdict, bool) else verdict(subject)
