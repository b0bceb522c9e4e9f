"""Badges: the catalogue, and which users have earned them."""

from collections.abc import Sequence
from operator import attrgetter
from typing import NamedTuple

from sqlalchemy import bindparam, insert, select

from gql_service.auth.access import UserAccess
from gql_service.domain.users import changes, notifications
from gql_service.domain.users.changes import FieldChange, UserAction
from gql_service.errors import MalformedData, Problem, Rejected
from gql_service.instants import is_instant
from gql_service.quoting import quoted
from gql_service.store.connection import Connection, rows_as
from gql_service.store.sql_functions import any_of
from gql_service.store.statement import Statement
from gql_service.store.tables import earned_badges
from gql_service.store.upsert import DoNothing

_BY_USERS = Statement(select(earned_badges).where(any_of(earned_badges.c.user_id, "user_ids")))
_BY_KEY = Statement(
    select(earned_badges).where(
        earned_badges.c.user_id == bindparam("of_user"), earned_badges.c.name == bindparam("of_name")
    )
)
# Of several awards at the same time, only the first inserts and returns a row.
_RECORD = Statement(
    insert(earned_badges)
    .values({column.name: bindparam(column.name) for column in earned_badges.c})
    .ext(DoNothing())
    .returning(earned_badges.c.name),
)


class Badge(NamedTuple):
    """A badge that can be earned."""

    name: str
    title: str
    description: str
    criteria: str


CATALOG = {
    badge.name: badge
    for badge in (
        Badge(
            "projectCreated",
            "Project founder",
            "You have created your first project.",
            "Create a project.",
        ),
        Badge(
            "firstActionCreated",
            "Off to a start",
            "You have created your first action.",
            "Create an action within a project.",
        ),
        Badge(
            "firstProjectMemberInvite",
            "Team player",
            "You have invited the first member to a project.",
            "Invite somebody to a project.",
        ),
        Badge(
            "firstDataTypeCreated",
            "Data architect",
            "You have created your first data type.",
            "Create a data type.",
        ),
        Badge(
            "firstApplicationCreated",
            "Application builder",
            "You have created your first application.",
            "Create an application.",
        ),
    )
}
"""All badges that can be earned, by name."""


class EarnedBadge(NamedTuple):
    """A row of `earned_badges`."""

    user_id: str
    name: str
    earned_at: int


_AGE = attrgetter("earned_at", "name")


def locked(earned: Sequence[EarnedBadge]) -> list[Badge]:
    """The badges of the catalogue that a user has not earned yet."""
    names = {badge.name for badge in earned}
    return [badge for badge in CATALOG.values() if badge.name not in names]


async def by_users(
    connection: Connection, user_ids: Sequence[str]
) -> list[list[EarnedBadge] | MalformedData]:
    """The badges of each user, oldest first; MalformedData for users whose stored badges are invalid."""
    found: dict[str, list[EarnedBadge]] = {user_id: [] for user_id in user_ids}
    malformed: dict[str, MalformedData] = {}
    for badge in rows_as(EarnedBadge, await connection.fetch(_BY_USERS, user_ids=found)):
        found[badge.user_id].append(badge)
        if not (is_instant(badge.earned_at) and isinstance(badge.name, str)):  # SQLite stores any type
            malformed[badge.user_id] = _malformed(badge)
    for user_id, badges in found.items():
        if user_id not in malformed:
            badges.sort(key=_AGE)  # faster than in the database, which would sort those of all users at once
    return [malformed.get(user_id) or found[user_id] for user_id in user_ids]


async def of_user(connection: Connection, user_id: str, name: str) -> EarnedBadge | MalformedData:
    """A badge that the user has; their other badges are not checked."""
    rows = await connection.fetch(_BY_KEY, of_user=user_id, of_name=name)
    (badge,) = rows_as(EarnedBadge, rows)
    return badge if is_instant(badge.earned_at) else _malformed(badge)


def _malformed(badge: EarnedBadge) -> MalformedData:
    return MalformedData(
        "badges", badge.user_id, f"the badge {badge.name!r} was earned at {badge.earned_at!r}"
    )


async def record(transaction: Connection, user_id: str, name: str, earned_at: int) -> bool:
    """Store a badge; returns False if the user already had it."""
    return bool(await transaction.fetch(_RECORD, user_id=user_id, name=name, earned_at=earned_at))


async def award(transaction: Connection, access: UserAccess, name: str, now: int) -> bool:
    """Award a badge and notify the user; returns False if they already had it. Raises Rejected."""
    access.verify()
    badge = CATALOG.get(name)
    if badge is None:
        message = f"There is no badge {quoted(name)}. The badges are {', '.join(CATALOG)}."
        raise Rejected(Problem.UNKNOWN_BADGE, message, ("badge",))
    if not await record(transaction, access.user_id, name, now):
        return False
    awarded = FieldChange(UserAction.AWARDED, "badges", name)
    await changes.record(transaction, access.user_id, access.author, now, [awarded])
    await notifications.notify(
        transaction,
        access.user_id,
        kind="badge",
        title=f"Badge earned: {badge.title}",
        body=badge.description,
        now=now,
    )
    return True


_INSERT = Statement(insert(earned_badges))


async def insert_badges(transaction: Connection, rows: Sequence[EarnedBadge]) -> None:
    """Store badges from an import, without notifications. Raises Duplicate."""
    await transaction.execute_many(_INSERT, [row._asdict() for row in rows])
