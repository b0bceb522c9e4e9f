"""The size of the response to the current request, limited while the response is built."""

from contextvars import ContextVar

from gql_service.errors import LimitExceeded
from gql_service.settings import PREFIX


class ResponseSize:
    """The bytes of JSON values in one response so far."""

    __slots__ = ("limit", "size")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.size = 0


_CURRENT: ContextVar[ResponseSize | None] = ContextVar("response_size", default=None)


def limit_response(limit: int) -> None:
    """Start to count the response of the current task. Without a call, there is no limit."""
    _CURRENT.set(ResponseSize(limit))


def count_bytes(count: int) -> None:
    """Count bytes that become part of the response. Raises LimitExceeded."""
    current = _CURRENT.get()
    if current is not None:
        current.size += count
        if current.size > current.limit:
            raise response_too_large(current.limit)


def response_too_large(limit: int) -> LimitExceeded:
    """The error for a response that would exceed the limit."""
    return LimitExceeded(
        f"The response would have more than {limit} bytes ({PREFIX}MAX_RESPONSE_SIZE). Request less at a "
        "time."
    )
