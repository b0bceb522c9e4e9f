"""The errors that callers may expect. Each has a stable code and a public message.

- `RequestError`: the request fails as a whole, for example because the caller is unknown. A top-level GraphQL
  error.
- `Rejected`: a write that changed nothing, and that the caller can correct. GraphQL returns it in
  `userErrors`.

Any other exception is a bug: it is logged, and masked in the response. `docs/errors.md` explains every code.
"""

from enum import Enum
from typing import ClassVar


class ServiceError(Exception):
    """An error whose message is public. `code` is its GraphQL error code, `status` its HTTP status."""

    code: ClassVar[str]
    status: ClassVar[int]

    def __init__(self, message: str, target: str | None = None) -> None:
        """`target` is the id of the user or the key of the platform that was refused. It is not public: the
        caller may not even know that it exists."""
        super().__init__(message)
        self.message = message
        self.target = target


class RequestError(ServiceError):
    """The request fails as a whole: a top-level GraphQL error."""


NO_CREDENTIALS = "Authentication credentials were not provided."


class Unauthenticated(RequestError):
    """The request has no valid token."""

    code = "UNAUTHENTICATED"
    status = 401

    def __init__(self, message: str = NO_CREDENTIALS) -> None:
        super().__init__(message)


class InvalidToken(Unauthenticated):
    """The request has a token, but it is not valid now. `message` says why."""


class Forbidden(RequestError):
    """The caller lacks the required role."""

    code = "FORBIDDEN"
    status = 403


class NotFound(RequestError):
    """The object does not exist, or the caller must not know that it does."""

    code = "NOT_FOUND"
    status = 404


class BadUserInput(RequestError):
    """A parameter, variable or argument is invalid."""

    code = "BAD_USER_INPUT"
    status = 400


class EventsDeleted(RequestError):
    """Events that the caller has not read yet were deleted for their age, or lost because a backup was
    restored."""

    code = "EVENTS_DELETED"
    status = 400

    def __init__(self) -> None:
        super().__init__(
            "Events after this cursor were deleted or lost. Read the data itself anew, then follow from the "
            "start."
        )


class LimitExceeded(RequestError):
    """The request is too large, or requests too much."""

    code = "LIMIT_EXCEEDED"
    status = 413


def too_much_to_read(limit: int) -> LimitExceeded:
    """The error for a request that reads more stored data than the setting allows."""
    return LimitExceeded(
        f"The request reads more than {limit} bytes of stored data (GQL_SERVICE_MAX_READ_SIZE). "
        "Request less at a time."
    )


class Unavailable(RequestError):
    """The database cannot serve the request now, or the request took too long. It may succeed later.

    `message` says what happened. Nothing was written, except where a subclass says otherwise.
    """

    code = "UNAVAILABLE"
    status = 503
    retry_after: ClassVar[int] = 1
    """Seconds after which the caller may try again."""


class IssuerUnavailable(Unavailable):
    """The issuer of a JWT cannot be reached, and the key of the token is not known."""

    code = "ISSUER_UNAVAILABLE"
    retry_after = 5

    def __init__(self) -> None:
        super().__init__("The issuer of the access token cannot be reached to verify it; try again.")


class Locked(Unavailable):
    """Another transaction holds a lock that this one needs, for longer than this one waits."""

    def __init__(self) -> None:
        super().__init__("Another transaction holds the data; try again.")


class OutcomeUnknown(Unavailable):
    """The commit failed in such a way that the write may or may not have been done. It must not be repeated
    without an idempotency key."""

    def __init__(self) -> None:
        super().__init__(
            "The database failed during the commit: the write may or may not have been stored. "
            "Read it again, or send it again with the same idempotency key."
        )


class StorageFull(Unavailable):
    """The disk or the quota of the database is full. Reads go on."""

    code = "INSUFFICIENT_STORAGE"
    status = 507
    retry_after = 10

    def __init__(self) -> None:
        super().__init__("The database has no space left to write.")


class MalformedData(RequestError):
    """A stored value is malformed. Something other than this service must have written it."""

    code = "MALFORMED_DATA"
    status = 500

    def __init__(self, field: str, user_id: str, reason: str) -> None:
        super().__init__(f"The stored `{field}` of the user {user_id} is malformed: {reason}.")


class Problem(Enum):
    """What is wrong with a write: the codes of `userErrors`."""

    METADATA_REQUIRED = "METADATA_REQUIRED"
    INVALID_KEY = "INVALID_KEY"
    INVALID_VALUE = "INVALID_VALUE"
    VALUE_TOO_LARGE = "VALUE_TOO_LARGE"
    TOO_MANY_KEYS = "TOO_MANY_KEYS"
    DOCUMENT_TOO_LARGE = "DOCUMENT_TOO_LARGE"
    REVISION_CONFLICT = "REVISION_CONFLICT"
    DIGEST_CONFLICT = "DIGEST_CONFLICT"
    KEY_NOT_EDITABLE = "KEY_NOT_EDITABLE"
    KEY_NOT_DEFINED = "KEY_NOT_DEFINED"
    RULE_BROKEN = "RULE_BROKEN"
    INVALID_VALIDITY = "INVALID_VALIDITY"
    INVALID_OPERATION = "INVALID_OPERATION"
    INVALID_DEFINITION = "INVALID_DEFINITION"
    DATA_BREAKS_DEFINITION = "DATA_BREAKS_DEFINITION"
    ENCRYPTION_UNAVAILABLE = "ENCRYPTION_UNAVAILABLE"
    IDEMPOTENCY_KEY_REUSED = "IDEMPOTENCY_KEY_REUSED"
    UNKNOWN_REVISION = "UNKNOWN_REVISION"
    UNKNOWN_USER = "UNKNOWN_USER"
    NOT_ALLOWED = "NOT_ALLOWED"
    TAKEN = "TAKEN"
    UNKNOWN_TENANT = "UNKNOWN_TENANT"
    NOT_EMPTY = "NOT_EMPTY"
    UNKNOWN_BADGE = "UNKNOWN_BADGE"
    TOO_MANY_TOKENS = "TOO_MANY_TOKENS"
    TOO_MUCH_AT_ONCE = "TOO_MUCH_AT_ONCE"
    URL_NOT_ALLOWED = "URL_NOT_ALLOWED"
    TOO_MANY_WEBHOOKS = "TOO_MANY_WEBHOOKS"
    UNKNOWN_WEBHOOK = "UNKNOWN_WEBHOOK"
    UNKNOWN_DELIVERY = "UNKNOWN_DELIVERY"
    TOO_MANY_DELIVERIES = "TOO_MANY_DELIVERIES"


SIZE_PROBLEMS = frozenset({Problem.VALUE_TOO_LARGE, Problem.TOO_MANY_KEYS, Problem.DOCUMENT_TOO_LARGE})
"""The problems for which REST responds with 413 instead of 400."""


class Rejected(Exception):
    """A write that changed nothing because of an error that the caller can correct.

    `field` is the path of the invalid input in snake case, as in REST; GraphQL converts it to camel case.
    """

    def __init__(self, problem: Problem, message: str, field: tuple[str, ...]) -> None:
        super().__init__(message)
        self.problem = problem
        self.message = message
        self.field = field


class RevisionConflict(Rejected):
    """The document or user was changed since the caller read it."""

    def __init__(self, current_revision: int, what: str = "document") -> None:
        super().__init__(
            Problem.REVISION_CONFLICT,
            f"The {what} is at revision {current_revision}. Read it again, merge, and retry.",
            ("expected_revision",),
        )
        self.current_revision = current_revision
