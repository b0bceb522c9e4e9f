"""The roles that a field may ask of its viewer, and how one is judged."""

from collections.abc import Callable
from enum import StrEnum
from typing import Protocol, TypeVar


class Role(StrEnum):
    """What a field asks of its viewer, from the least to the most."""

    PUBLIC = "PUBLIC"
    AUTHENTICATED = "AUTHENTICATED"
    TENANT_MEMBER = "TENANT_MEMBER"
    SELF = "SELF"
    TENANT_ADMIN = "TENANT_ADMIN"
    PLATFORM_OWNER = "PLATFORM_OWNER"


class Subject(Protocol):
    """What a role is judged against."""

    @property
    def user_id(self) -> str | None:
        """The user it belongs to, if to one."""

    @property
    def tenant_id(self) -> str:
        """The tenant whose admins administer it."""

    @property
    def tenant_ids(self) -> frozenset[str]:
        """The tenants whose members may know of it; `tenant_id` is one of them."""


S = TypeVar("S")


Verdict = bool | Callable[[S], bool]
"""What can be said without the subject, or a function of the subject."""


def allows(verdict: Verdict[S], subject: S) -> bool:
    """Apply a verdict."""
    return verdict if isinstance(verdict, bool) else verdict(subject)
