"""The size of the response to the current request, limited while the response is built."""

from contextvars import ContextVar

from gql_service.errors import LimitExceeded
from gql_service.settings import PREFIX

_ROOM: ContextVar[list[int]] = ContextVar("response_room")
"""The bytes that may still be added, and the limit. A list, because an object takes longer to create."""


def limit_response(limit: int) -> None:
    """Start to count the response of the current task. Without a call, there is no limit."""
    _ROOM.set([limit, limit])


def count_bytes(count: int) -> None:
    """Count bytes that become part of the response. Raises LimitExceeded."""
    room = _ROOM.get(None)
    if room is not None:
        room[0] -= count
        if room[0] < 0:
            raise response_too_large(room[1])


def response_too_large(limit: int) -> LimitExceeded:
    """The error for a response that would exceed the limit."""
    return LimitExceeded(
        f"The response would have more than {limit} bytes ({PREFIX}MAX_RESPONSE_SIZE). Request less at a "
        "time."
    )
