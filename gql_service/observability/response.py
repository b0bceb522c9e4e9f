"""What was answered to a request, for logs and traces."""

from typing import NamedTuple


class Response(NamedTuple):
    """What was answered. `path` is without the query string; `size` that of the body in bytes."""

    method: str
    path: str
    status: int
    size: int


CLIENT_DISCONNECTED = 499
"""The status, in logs only, of requests whose client disconnected before the response."""
