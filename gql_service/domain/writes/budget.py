"""How much the writes of one request may cost together."""

from math import inf

from gql_service.errors import Problem, Rejected

_DOCUMENT_COST = 4
"""Bytes that can be read in the time in which a byte of a document is decoded, compared and written."""
_KEY_COST = 12 * 1024
"""The same for a key that is changed."""
_PART_COST = 2 * 1024
"""The same for a part of a value that is indexed, such as a member of an array."""
_MAX_PARTS = 5_000
"""Indexed parts of values of one write of a client. A thousand take about 20 milliseconds."""


def write_cost(document_size: int, keys: int) -> int:
    """What it costs to change so many keys of a document, in bytes that can be read in the same time."""
    return _DOCUMENT_COST * document_size + _KEY_COST * keys


class WriteBudget:
    """What the writes of one request may cost.

    What begins within the budget may exceed it, so that no single write is refused for its document.
    """

    def __init__(self, size: float) -> None:
        self._size = size
        self.rest = size
        """What is left. A write that is attempted again starts with what was left before."""

    def spend(self, cost: int) -> None:
        """Count the cost of a step that is next. Raises Rejected if the budget is used up."""
        if self.rest <= 0:
            raise Rejected(
                Problem.TOO_MUCH_AT_ONCE,
                f"The writes of the request process more than {self._size} bytes of stored data "
                "(GQL_SERVICE_MAX_READ_SIZE). Send the rest in another request.",
                (),
            )
        self.rest -= cost

    def spend_on_parts(self, parts: int, *, of_write: int) -> None:
        """Count parts of values that a write indexes, which are known only when it is done. `of_write` are
        all of the write so far. Raises Rejected if these are too many."""
        if of_write > _MAX_PARTS and self._size != inf:
            raise Rejected(
                Problem.TOO_MUCH_AT_ONCE,
                f"The write indexes more than {_MAX_PARTS} members of arrays and values at paths. "
                "Write fewer indexed arrays at once.",
                (),
            )
        self.rest -= _PART_COST * parts


UNLIMITED = WriteBudget(inf)
"""For programs of the operator."""
