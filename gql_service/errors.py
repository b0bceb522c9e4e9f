"""Every failure a caller can expect: a stable code, an HTTP status and a public message.

A `RequestError` says who you are or what does not exist; a `Rejected` write is one its caller can mend,
so GraphQL answers it in `userErrors`. Anything else that is raised is a bug and is masked.
"""

from enum import Enum
from typing import ClassVar


class ServiceError(Exception):
    """A failure whose message may be shown to the caller as it is."""

    code: ClassVar[str]
    status: ClassVar[int]

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class RequestError(ServiceError):
    """The request as a whole is refused: a top-level GraphQL error."""


class Unauthenticated(RequestError):
    code = "UNAUTHENTICATED"
    status = 401

    def __init__(self) -> None:
        super().__init__("Authentication credentials were not provided.")


class Forbidden(RequestError):
    code = "FORBIDDEN"
    status = 403


class NotFound(RequestError):
    code = "NOT_FOUND"
    status = 404


class BadUserInput(RequestError):
    code = "BAD_USER_INPUT"
    status = 400


class LimitExceeded(RequestError):
    code = "LIMIT_EXCEEDED"
    status = 413


class Unavailable(RequestError):
    """The database did not answer in time; the same request may succeed later."""

    code = "UNAVAILABLE"
    status = 503


class MalformedData(RequestError):
    """What is stored breaks a rule; somebody has written it past this service."""

    code = "MALFORMED_DATA"
    status = 500

    def __init__(self, field: str, user_id: str, what: str) -> None:
        super().__init__(f"The stored `{field}` of the user {user_id} is malformed: {what}.")


class Problem(Enum):
    """What is wrong with a write: the stable codes of `userErrors`."""

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
    UNKNOWN_BADGE = "UNKNOWN_BADGE"
    TOO_MANY_TOKENS = "TOO_MANY_TOKENS"


SIZE_PROBLEMS = frozenset({Problem.VALUE_TOO_LARGE, Problem.TOO_MANY_KEYS, Problem.DOCUMENT_TOO_LARGE})


class Rejected(Exception):
    """A write that changed nothing and says what to mend.

    `field` is the path of the offending input in snake case, as REST spells it; GraphQL camel-cases it.
    """

    def __init__(self, problem: Problem, message: str, field: tuple[str, ...]) -> None:
        super().__init__(message)
        self.problem = problem
        self.message = message
        self.field = field


class RevisionConflict(Rejected):
    """The document or user has moved on since the caller read it."""

    def __init__(self, current_revision: int, what: str = "document") -> None:
        super().__init__(
            Problem.REVISION_CONFLICT,
            f"The {what} is at revision {current_revision}. Read it again, merge, and retry.",
            ("expected_revision",),
        )
        self.current_revision = current_revision
