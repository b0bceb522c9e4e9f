"""Which failed writes the security log reports: those for which the caller lacks the right."""

from gql_service.errors import Forbidden, NotFound, Problem, Rejected, RequestError, Unauthenticated
from gql_service.observability.security_log import EventKind, SecurityEvent

_ERRORS = (Unauthenticated, Forbidden, NotFound)
_PROBLEMS = (Problem.NOT_ALLOWED, Problem.KEY_NOT_EDITABLE, Problem.UNKNOWN_USER)
"""What a caller must not know of does not exist for them. So `NotFound` may be such a refusal, and so may be
`UNKNOWN_USER` in a bulk patch."""


def refused_write(error: RequestError | Rejected, target: str | None = None) -> SecurityEvent | None:
    """The event for the error of a write; None if it is not about rights."""
    if isinstance(error, Rejected):
        reason = error.problem.value if error.problem in _PROBLEMS else None
    else:
        reason, target = error.code if isinstance(error, _ERRORS) else None, error.target
    return None if reason is None else SecurityEvent(EventKind.WRITE_REFUSED, target, reason)
