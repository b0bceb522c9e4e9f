"""Refusals that several kinds of writes share: each has one wording and one problem code."""

from gql_service.domain.values.encryption import Undecipherable
from gql_service.domain.values.validation import InputPath
from gql_service.errors import Problem, Rejected
from gql_service.quoting import quoted


def undecipherable_value(key: str, error: Undecipherable, field: InputPath) -> Rejected:
    """The write needs the stored value of a key, which cannot be decrypted."""
    message = f"The value of {quoted(key)} cannot be decrypted: {error}. Set it again."
    return Rejected(Problem.ENCRYPTION_UNAVAILABLE, message, field)


def too_many_message(count: int, items: str, limit: int) -> str:
    """What is wrong with an input list that is too long; `items` is the plural of what it lists."""
    return f"There are {count} {items}; {limit} are allowed at once."


def too_many(count: int, items: str, limit: int, field: InputPath) -> Rejected:
    """The input lists more items than one write may have."""
    return Rejected(Problem.TOO_MANY_KEYS, too_many_message(count, items, limit), field)
