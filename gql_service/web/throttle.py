"""Failed authentication: it is logged, and throttled for addresses that fail often."""

from collections.abc import Callable

from gql_service.errors import RequestError
from gql_service.observability.security_log import EventKind, SecurityEvent, SecurityLog
from gql_service.observability.windows import Windows, network_of
from gql_service.web.request_origin import RequestOrigin

_MAX_LINES = 60
"""Lines a minute for one address, where nothing is throttled."""


class TooManyRequests(RequestError):
    """The token is not valid, and neither were many before it. `seconds` is when to send the next one."""

    code = "TOO_MANY_REQUESTS"
    status = 429

    def __init__(self, seconds: int) -> None:
        super().__init__(
            "The access token is not valid, and too many such tokens were sent from this address. "
            f"Try again in {seconds} seconds; valid tokens are accepted at any time."
        )
        self.seconds = seconds


class FailedAuthentications:
    """Counts the invalid tokens of each address, in this process."""

    def __init__(self, maximum: int, security_log: SecurityLog, clock: Callable[[], int]) -> None:
        """With a `maximum` of 0 a minute, nothing is throttled. `clock` returns milliseconds."""
        self._is_throttled = maximum > 0
        self._windows = Windows(maximum or _MAX_LINES, clock)
        self._security_log = security_log

    def error(
        self, error: RequestError, reason: str, target: str | None, *, source: str, origin: RequestOrigin
    ) -> RequestError:
        """Count and log an invalid token; returns the error for it, which is `error` unless it is throttled.

        `reason` and `target` are for the log: a code, and the public id of the token.
        """
        hit = self._windows.hit(network_of(origin.address))
        is_refused = self._is_throttled and not hit.is_within_limit
        if hit.is_notable:
            event = SecurityEvent(
                EventKind.AUTHENTICATION_THROTTLED if is_refused else EventKind.AUTHENTICATION_FAILED,
                target=target,
                reason=reason,
                number=None if hit.is_within_limit else hit.number,
            )
            self._security_log.write(event, source=source, actor=None, origin=origin)
        return TooManyRequests(hit.seconds_left) if is_refused else error
