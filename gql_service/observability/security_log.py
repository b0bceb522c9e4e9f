"""The security log: one JSON line for each event, with a fixed set of fields and never a value.

Targets are ids and keys. Reasons are codes. Email addresses, labels, secrets, permissions and metadata values
have no field that could hold them.
"""

from collections.abc import Callable, Sequence
from enum import Enum
from typing import NamedTuple, Protocol

from gql_service.observability.logging import SECURITY_LOGGER, report
from gql_service.observability.windows import Windows, network_of

_MAX_REFUSALS = 60
"""Lines a minute for the refused writes of one user or, without a token, of one address."""
MALFORMED_TOKEN = "MALFORMED"  # noqa: S105 - a reason
"""The reason for what does not even have the form of a token."""


class EventKind(Enum):
    """What has happened. `docs/operations.md` describes each kind."""

    AUTHENTICATION_FAILED = "authentication.failed"
    AUTHENTICATION_THROTTLED = "authentication.throttled"
    WRITE_REFUSED = "write.refused"
    TOKEN_ISSUED = "token.issued"  # noqa: S105 - the name of an event
    TOKEN_REPLACED = "token.replaced"  # noqa: S105
    TOKEN_REVOKED = "token.revoked"  # noqa: S105
    IDENTITY_LINKED = "identity.linked"
    IDENTITY_UNLINKED = "identity.unlinked"
    USER_RENAMED = "user.renamed"
    USER_CREATED = "user.created"
    USER_ERASED = "user.erased"
    USER_EXPORTED = "user.exported"
    USER_PERMISSIONS_CHANGED = "user.permissions_changed"
    USER_OWNER_CHANGED = "user.owner_changed"
    USER_EMAIL_CHANGED = "user.email_changed"
    DEFINITION_CHANGED = "definition.changed"
    DEFINITION_REMOVED = "definition.removed"
    PLATFORM_CREATED = "platform.created"
    PLATFORM_RENAMED = "platform.renamed"
    PLATFORM_DELETED = "platform.deleted"
    PLATFORM_MODE_CHANGED = "platform.mode_changed"
    PLATFORM_RETENTION_CHANGED = "platform.retention_changed"
    TENANT_CREATED = "tenant.created"
    TENANT_RENAMED = "tenant.renamed"
    TENANT_DELETED = "tenant.deleted"
    DATA_EXPORTED = "data.exported"
    DATA_IMPORTED = "data.imported"
    KEYS_ROTATED = "keys.rotated"
    DATABASE_BACKED_UP = "database.backed_up"
    DATABASE_RESTORED = "database.restored"
    WEBHOOK_CREATED = "webhook.created"
    WEBHOOK_CHANGED = "webhook.changed"
    WEBHOOK_SECRET_ROTATED = "webhook.secret_rotated"  # noqa: S105 - the name of an event
    WEBHOOK_DISABLED = "webhook.disabled"
    WEBHOOK_DELETED = "webhook.deleted"


class SecurityEvent(NamedTuple):
    """What has happened, and to what."""

    kind: EventKind
    target: str | None = None
    """The id of a user, token or tenant, or the key of a platform. Two are joined by a colon."""
    reason: str | None = None
    """A code."""
    number: int | None = None
    """How many, if the line stands for more than one."""


OnCommit = Callable[[Sequence[SecurityEvent]], None]
"""Called with the events of a transaction once it is committed."""


class Origin(Protocol):
    """Where an event comes from. It may compute each attribute when it is read."""

    @property
    def address(self) -> str | None:
        """The IP address of the client, if it is known."""

    @property
    def request_id(self) -> str | None:
        """The id of the HTTP request."""

    @property
    def operation(self) -> str | None:
        """The mutations or the HTTP method."""


class LocalOrigin(NamedTuple):
    """An origin that is not an HTTP request."""

    address: None = None
    request_id: None = None
    operation: None = None


class SecurityLog:
    """Writes the security log of one process."""

    def __init__(self, clock: Callable[[], int]) -> None:
        """`clock` returns milliseconds."""
        self._refusals = Windows(_MAX_REFUSALS, clock)

    def write(self, event: SecurityEvent, *, source: str, actor: str | None, origin: Origin) -> None:
        """Write a line. Of many refused writes, only some get one."""
        if event.kind is EventKind.WRITE_REFUSED:
            hit = self._refusals.hit(actor or network_of(origin.address))
            if not hit.is_notable:
                return
            event = event if hit.is_within_limit else event._replace(number=hit.number)
        report(
            event.kind.value,
            logger=SECURITY_LOGGER,
            log="security",
            source=source,
            operation=origin.operation,
            actor=actor,
            target=event.target,
            reason=event.reason,
            number=event.number,
            address=origin.address,
            request_id=origin.request_id,
        )
