"""Patches of many users in one transaction: all or none of them, or those that are not refused."""

from collections.abc import Sequence
from enum import Enum

from gql_service.domain.users import rows as users
from gql_service.domain.values.validation import WriteSettings
from gql_service.domain.writes.idempotency import WriteResult
from gql_service.domain.writes.unit_of_work import Write, write_all
from gql_service.errors import NotFound, Problem, Rejected
from gql_service.names import fold
from gql_service.quoting import quoted
from gql_service.store.connection import Connection, LostRace

MAX_PATCHES = 100
"""The most users of one bulk patch: while it holds its locks, other writes wait."""


class OnError(Enum):
    """What happens to the other patches if one is refused."""

    REJECT_ALL = "REJECT_ALL"
    REJECT_FAILED = "REJECT_FAILED"


def check_usernames(usernames: Sequence[str]) -> None:
    """Check that there are neither too few users nor too many, and each only once. Raises Rejected."""
    if not 1 <= len(usernames) <= MAX_PATCHES:
        message = f"There are {len(usernames)} patches. Send 1 to {MAX_PATCHES} at once."
        raise Rejected(Problem.INVALID_VALUE, message, ("patches",))
    first_index: dict[str, int] = {}
    for index, username in enumerate(usernames):
        key = fold(username)
        if key in first_index:
            message = (
                f"{quoted(username)} has a patch at index {first_index[key]} already. "
                "Send one patch for each user."
            )
            raise Rejected(Problem.INVALID_VALUE, message, ("patches", str(index), "username"))
        first_index[key] = index


async def write_each(
    transaction: Connection,
    attempts: Sequence[Write | Rejected],
    *,
    on_error: OnError,
    dry_run: bool,
    write_settings: WriteSettings,
    now: int,
) -> list[WriteResult | Rejected]:
    """Do the writes, some of which may have been refused already. A dry run only says what they would do.

    Writes of users who were erased meanwhile are refused. Every other exception than a refusal is raised, and
    then nothing is written. Raises LostRace if a user is erased during the transaction.
    """
    attempts = await _without_erased(transaction, attempts)
    writes = [each for each in attempts if isinstance(each, Write)]
    all_or_none = on_error is OnError.REJECT_ALL
    has_failed = all_or_none and len(writes) < len(attempts)
    try:
        done = await write_all(
            transaction,
            writes,
            write_settings=write_settings,
            now=now,
            dry_run=dry_run or has_failed,
            all_or_none=all_or_none,
        )
    except NotFound as error:
        raise LostRace from error
    results = iter(done)
    return [_result(next(results)) if isinstance(each, Write) else each for each in attempts]


async def _without_erased(
    transaction: Connection, attempts: Sequence[Write | Rejected]
) -> list[Write | Rejected]:
    """Refuse the writes of users who do not exist any more."""
    ids = list({each.access.user_id for each in attempts if isinstance(each, Write)})
    existing = {user.user_id for user in await users.by_ids(transaction, ids) if user is not None}
    return [
        unknown_user(each.access.username)
        if isinstance(each, Write) and each.access.user_id not in existing
        else each
        for each in attempts
    ]


def unknown_user(username: str) -> Rejected:
    """The refusal of the patch of somebody who is no user of the platform."""
    return Rejected(Problem.UNKNOWN_USER, f"The platform has no user {quoted(username)}.", ("username",))


def _result(result: WriteResult | Exception) -> WriteResult | Rejected:
    if isinstance(result, WriteResult | Rejected):
        return result
    raise result


def at_patch(refusal: Rejected, index: int) -> Rejected:
    """The refusal of one patch, with its path in the input of the whole bulk patch."""
    if refusal.field[:1] != ("idempotency_key",):
        refusal.field = ("patches", str(index), *refusal.field)
    return refusal
