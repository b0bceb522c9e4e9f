"""What the service tells users. Ids sort the newest first, so that a page is one range of the primary key."""

import secrets
import time
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from sqlalchemy import Text, bindparam, func, insert, select, tuple_, update

from gql_service.domain.pagination import Page, PageRequest, keyset_of_each, page_of, page_parameters
from gql_service.store.connection import Connection, rows_as
from gql_service.store.sql_functions import any_of, bytewise
from gql_service.store.statement import Statement
from gql_service.store.tables import notifications

_WITHIN = 2**48
"""Nanoseconds, some three days: ids are out of order only where a millisecond lies across their end."""
_OF_USER = notifications.c.user_id == bindparam("of_user")
_INSERT = Statement(insert(notifications))
_UNREAD = Statement(
    select(notifications.c.user_id, func.count())
    .where(any_of(notifications.c.user_id, "user_ids"), notifications.c.read_at.is_(None))
    .group_by(notifications.c.user_id)
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


async def notify(
    transaction: Connection, user_id: str, *, kind: str, title: str, body: str, now: int
) -> Notification:
    """Tell a user something, in the transaction of what it is about."""
    notification = Notification(user_id, _new_id(now), kind, title, body, now, None)
    await transaction.execute(_INSERT, **notification._asdict())
    return notification


def _new_id(now: int) -> str:
    """32 hexadecimal digits: how long there is still to go, in milliseconds, then what tells apart those of
    the same millisecond, by the clock that all processes of a machine share and nobody sets, and chance."""
    within = (_WITHIN - time.monotonic_ns()) % _WITHIN
    return f"{2**53 - now:014x}{within:012x}{secrets.token_hex(3)}"


async def pages_of_users(
    connection: Connection, user_ids: Sequence[str], request: PageRequest
) -> list[Page[Notification]]:
    """The same page of the notifications of each user, the newest first."""
    shape = request._replace(size=0, after=request.after and "", before=request.before and "")
    rows = await connection.fetch(_page(shape), user_ids=set(user_ids), **page_parameters(request))
    found: dict[str, list[Notification]] = {user_id: [] for user_id in user_ids}
    for notification in rows_as(Notification, [row[:-1] for row in rows]):
        found[notification.user_id].append(notification)
    return [page_of(found[user_id], request) for user_id in user_ids]


async def unread_counts(connection: Connection, user_ids: Sequence[str]) -> list[int]:
    """How many notifications each user has not read."""
    found = {row[0]: row[1] for row in await connection.fetch(_UNREAD, user_ids=set(user_ids))}
    return [found.get(user_id, 0) for user_id in user_ids]


async def mark_read(transaction: Connection, user_id: str, ids: Sequence[str] | None, now: int) -> list[str]:
    """Mark a user's notifications as read, all of them for None; returns the ids that were unread."""
    if ids is None:
        rows = await transaction.fetch(_MARK_ALL, of_user=user_id, now=now)
    else:
        rows = await transaction.fetch(_MARK_SOME, of_user=user_id, now=now, ids=ids)
    return sorted(row[0] for row in rows)


@cache
def _page(shape: PageRequest) -> Statement:
    """`shape` is a request without its size, as the statement does not depend on the values."""
    mine = select(notifications).where(any_of(notifications.c.user_id, "user_ids"))
    return Statement(keyset_of_each(mine, notifications.c.user_id, notifications.c.id, shape))


_IN_ORDER = bytewise(notifications.c.user_id), bytewise(notifications.c.id)
_OF_USERS = Statement(
    select(notifications)
    .where(
        any_of(notifications.c.user_id, "user_ids"),
        tuple_(*_IN_ORDER) > tuple_(bindparam("after_user", type_=Text), bindparam("after_id", type_=Text)),
    )
    .order_by(*_IN_ORDER)
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
    """The next notifications of these users in the order of (user id, id); ("", "") comes before all."""
    user, id = after
    rows = await connection.fetch(_OF_USERS, user_ids=user_ids, after_user=user, after_id=id, size=size)
    return rows_as(Notification, rows)


async def by_keys(connection: Connection, keys: Sequence[tuple[str, str]]) -> list[Notification | None]:
    """One notification per (user id, id)."""
    user_ids, ids = {user_id for user_id, _ in keys}, {id for _, id in keys}
    rows = rows_as(Notification, await connection.fetch(_BY_KEYS, user_ids=user_ids, ids=ids))
    found = {row[:2]: row for row in rows}
    return [found.get(key) for key in keys]


async def insert_notifications(transaction: Connection, rows: Sequence[Notification]) -> None:
    """Store notifications as they were written elsewhere. Raises Duplicate."""
    await transaction.execute_many(_INSERT, [row._asdict() for row in rows])
