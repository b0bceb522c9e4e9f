"""`X-Read-After`: a write tells its position, and a request that sends it back sees the write.

Only where there are replicas. Without them, every request sees all writes, and the header is neither read nor
sent.
"""

from gql_service.store.database import Replicas
from gql_service.store.positions import UNKNOWN, Position, parse_position

READ_AFTER = "X-Read-After"


def read_after(value: bytes | None) -> Position | None:
    """The position that a request sends. Raises BadUserInput if it is malformed."""
    return None if value is None else parse_position(value.decode("latin-1"))


def position_after(replicas: Replicas, status: int) -> str | None:
    """The header of the response to a write, which all writes of the request have reached; None if this
    process has written nothing yet.

    Of a request that has failed, some writes may still be under way: then it is a position that is read from
    the primary.
    """
    position = UNKNOWN if status >= 500 else replicas.position
    return None if position is None else str(position)
