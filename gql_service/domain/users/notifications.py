"""Notifications of users. Their ids sort newest first, so that a page is one range of the primary key."""

import secrets
import time
from collections.abc import Sequence
from functools import cache
from operator import attrgetter
from typing import NamedTuple

from sqlalchemy import Text, bindparam, func, insert, select, tuple_, update

from gql_service.domain.events.events import EventType
from gql_service.domain.pagination import Page, PageRequest, keyset_of_each, page_of, page_parameters
from gql_service.domain.users.user_events import record_changes
from gql_service.store.connection import Connection, rows_as
from gql_service.store.sql_functions import any_of, bytewise
from gql_service.store.statement import Statement
from gql_service.store.tables import notifications, users

_CLOCK_PERIOD = 2**48
"""Nanoseconds (about three days) after which the second part of an id wraps around.

Notifications of the millisecond in which that happens may be out of order.
"""
_OF_USER = notifications.c.user_id == bindparam("of_user")
_INSERT = Statement(insert(notifications))
_UNREAD = Statement(
    select(notifications.c.user_id, func.count())
    .where(any_of(notifications.c.user_id, "user_ids"), notifications.c.read_at.is_(None))
    .group_by(notifications.c.user_id)
)
_CREATED_BETWEEN = Statement(
    select(notifications).where(
        _OF_USER, notifications.c.created_at.between(bindparam("first"), bindparam("last"))
    )
)
_MARK = (
    update(notifications)
    .where(_OF_USER, notifications.c.read_at.is_(None))
    .values(read_at=bindparam("now"))
    .returning(notifications.c.id)
)
_MARK_ALL = Statement(_MARK)
_MARK_SOME = Statement(_MARK.where(any_of(notifications.c.id, "ids")))


class Notification(NamedTuple):
    """A row of `notifications`."""

    user_id: str
    id: str
    kind: str
    title: str
    body: str
    created_at: int
    read_at: int | None

    @property
    def key(self) -> tuple[str, str]:
        """Its key: the ids of the user and of the notification."""
        return self.user_id, self.id


class _UnreadCount(NamedTuple):
    """The number of unread notifications of a user who has any."""

    user_id: str
    unread: int


async def notify(
    transaction: Connection, user_id: str, *, kind: str, title: str, body: str, now: int
) -> Notification:
    """Notify a user. Call it in the transaction of the event that the notification is about."""
    notification = Notification(user_id, _new_id(now), kind, title, body, now, None)
    await transaction.execute(_INSERT, **notification._asdict())
    created = [(EventType.NOTIFICATION_CREATED, "notifications")]
    await record_changes(transaction, user_id, None, now, created)
    return notification


def _new_id(now: int) -> str:
    """32 hexadecimal digits that sort newest first.

    14 digits count down the milliseconds from 2^53. 12 digits order notifications of the same millisecond:
    they count down the monotonic clock, which all processes of a machine share and nobody sets. 6 digits are
    random.
    """
    countdown = (_CLOCK_PERIOD - time.monotonic_ns()) % _CLOCK_PERIOD
    return f"{2**53 - now:014x}{countdown:012x}{secrets.token_hex(3)}"


async def pages_of_users(
    connection: Connection, user_ids: Sequence[str], request: PageRequest
) -> list[Page[Notification]]:
    """The same page of the notifications of each user, newest first."""
    statement = _page(request.shape)
    rows = await connection.fetch(statement, user_ids=set(user_ids), **page_parameters(request))
    found: dict[str, list[Notification]] = {user_id: [] for user_id in user_ids}
    for notification in sorted(rows_as(Notification, rows), key=attrgetter("id"), reverse=request.backwards):
        found[notification.user_id].append(notification)
    return [page_of(found[user_id], request) for user_id in user_ids]


async def created_between(connection: Connection, user_id: str, first: int, last: int) -> list[Notification]:
    """The notifications of a user that were created between two instants, both inclusive, oldest first."""
    rows = await connection.fetch(_CREATED_BETWEEN, of_user=user_id, first=first, last=last)
    return sorted(rows_as(Notification, rows), key=lambda each: each.id, reverse=True)


async def unread_counts(connection: Connection, user_ids: Sequence[str]) -> list[int]:
    """The number of unread notifications of each user."""
    rows = rows_as(_UnreadCount, await connection.fetch(_UNREAD, user_ids=set(user_ids)))
    counts = {row.user_id: row.unread for row in rows}
    return [counts.get(user_id, 0) for user_id in user_ids]


async def mark_read(transaction: Connection, user_id: str, ids: Sequence[str] | None, now: int) -> list[str]:
    """Mark a user's notifications as read, all of them if `ids` is None; returns the ids that were unread."""
    if ids is None:
        rows = await transaction.fetch(_MARK_ALL, of_user=user_id, now=now)
    else:
        rows = await transaction.fetch(_MARK_SOME, of_user=user_id, now=now, ids=ids)
    if rows:
        read = [(EventType.NOTIFICATION_READ, "notifications")]
        await record_changes(transaction, user_id, user_id, now, read)
    return sorted(id for (id,) in rows)


@cache
def _page(shape: PageRequest) -> Statement:
    of_users = any_of(users.c.id, "user_ids")
    owner = {"user_id": users.c.id}
    return keyset_of_each([*notifications.c], owner, notifications.c.id, shape, [of_users])


_SORT_KEY = bytewise(notifications.c.user_id), bytewise(notifications.c.id)
_OF_USERS = Statement(
    select(notifications)
    .where(
        any_of(notifications.c.user_id, "user_ids"),
        tuple_(*_SORT_KEY) > tuple_(bindparam("after_user", type_=Text), bindparam("after_id", type_=Text)),
    )
    .order_by(*_SORT_KEY)
    .limit(bindparam("size"))
)
_BY_KEYS = Statement(
    select(notifications).where(
        any_of(notifications.c.user_id, "user_ids"), any_of(notifications.c.id, "ids")
    )
)


async def of_users(
    connection: Connection, user_ids: Sequence[str], after: tuple[str, str], size: int
) -> list[Notification]:
    """The next notifications of these users after a key, ordered by key; ("", "") comes before all keys."""
    user, id = after
    rows = await connection.fetch(_OF_USERS, user_ids=user_ids, after_user=user, after_id=id, size=size)
    return rows_as(Notification, rows)


async def by_keys(connection: Connection, keys: Sequence[tuple[str, str]]) -> list[Notification | None]:
    """One notification per key; None for unknown keys."""
    user_ids, ids = {user_id for user_id, _ in keys}, {id for _, id in keys}
    rows = rows_as(Notification, await connection.fetch(_BY_KEYS, user_ids=user_ids, ids=ids))
    found = {row.key: row for row in rows}
    return [found.get(key) for key in keys]


async def insert_notifications(transaction: Connection, rows: Sequence[Notification]) -> None:
    """Store notifications from an import. Raises Duplicate."""
    await transaction.execute_many(_INSERT, [row._asdict() for row in rows])
