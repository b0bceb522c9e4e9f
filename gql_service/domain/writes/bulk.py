"""Patches of many users in one transaction: all of them or none, or those that can be done."""

from collections.abc import Sequence
from enum import Enum

from gql_service.domain.values.validation import WriteSettings
from gql_service.domain.writes.idempotency import WriteResult
from gql_service.domain.writes.unit_of_work import Write, write_all
from gql_service.errors import Problem, Rejected
from gql_service.store.connection import Connection

MAX_PATCHES = 100
"""Users of one bulk patch: while it holds its locks, others wait."""


class OnError(Enum):
    """What becomes of the other patches where one is refused."""

    REJECT_ALL = "REJECT_ALL"
    REJECT_FAILED = "REJECT_FAILED"


def check_usernames(usernames: Sequence[str]) -> None:
    """Whether there are as many users as may be, each once. Raises Rejected."""
    if not 1 <= len(usernames) <= MAX_PATCHES:
        message = f"There are {len(usernames)} patches; give 1 to {MAX_PATCHES} at once."
        raise Rejected(Problem.INVALID_VALUE, message, ("patches",))
    first: dict[str, int] = {}
    for index, username in enumerate(usernames):
        if username in first:
            message = f"{username[:80]!r} is patched at {first[username]} already; patch each user once."
            raise Rejected(Problem.INVALID_VALUE, message, ("patches", str(index), "username"))
        first[username] = index


async def write_each(
    transaction: Connection,
    given: Sequence[Write | Rejected],
    *,
    on_error: OnError,
    dry: bool,
    rules: WriteSettings,
    now: int,
) -> list[WriteResult | Rejected]:
    """Do the writes, of which some may have been refused before; if it is dry, only tell what they would do.

    Whatever is no refusal is raised, and nothing is written then.
    """
    writes = [each for each in given if isinstance(each, Write)]
    together = on_error is OnError.REJECT_ALL
    doomed = together and len(writes) < len(given)
    results = iter(
        await write_all(transaction, writes, rules=rules, now=now, dry=dry or doomed, together=together)
    )
    return [_expected(next(results)) if isinstance(each, Write) else each for each in given]


def _expected(result: WriteResult | Exception) -> WriteResult | Rejected:
    if isinstance(result, WriteResult | Rejected):
        return result
    raise result


def located(refusal: Rejected, index: int) -> Rejected:
    """A refusal of one patch, whose field is to be found in the input of all."""
    if refusal.field[:1] != ("idempotency_key",):
        refusal.field = ("patches", str(index), *refusal.field)
    return refusal
