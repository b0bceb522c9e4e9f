"""How many documents of a platform have an entry of each key."""

import asyncio
import time
from collections import Counter
from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import Text, bindparam, case, func, select, true

from gql_service.auth.access import PlatformAccess
from gql_service.errors import LimitExceeded
from gql_service.store.connection import Connection
from gql_service.store.sql_functions import any_of, json_instant
from gql_service.store.statement import Statement
from gql_service.store.tables import documents

_PAGE = 500
"""Documents per statement."""
_OF_PLATFORM = documents.c.platform_id == bindparam("of_platform", type_=Text)
_RANGE = (_OF_PLATFORM, documents.c.user_id > bindparam("after"), documents.c.user_id <= bindparam("last"))
_NEXT = (
    select(documents.c.user_id)
    .where(_OF_PLATFORM, documents.c.user_id > bindparam("after"))
    .order_by(documents.c.user_id)
    .limit(bindparam("size"))
    .subquery()
)
_PAGE_END = Statement(select(func.max(_NEXT.c.user_id), func.count()), scans=True)
_value = func.json_each(documents.c.metadata).table_valued("key", "value")
_VALUES = Statement(
    select(_value.c.key, func.count())
    .select_from(documents.join(_value, true()))
    .where(*_RANGE, any_of(_value.c.key, "keys"))
    .group_by(_value.c.key),
    scans=True,
)
_condition = func.json_each(documents.c.conditions).table_valued("key", "value")
_starts, _ends = json_instant(_condition.c.value, "validFrom"), json_instant(_condition.c.value, "validUntil")
_is_active = (func.coalesce(_starts, 0) <= bindparam("now")) & (
    case((_ends.is_(None), True), else_=_ends > bindparam("now"))
)
_CONDITIONAL_VALUES = Statement(
    select(_condition.c.key, func.count())
    .select_from(documents.join(_condition, true()))
    .where(*_RANGE, any_of(_condition.c.key, "keys"), _is_active)
    .group_by(_condition.c.key),
    scans=True,
)


class Adoption(NamedTuple):
    """How many documents there are, and how many of them have a valid entry of each key."""

    documents: int
    by_key: dict[str, int]


async def adoption(
    connection: Connection, access: PlatformAccess, keys: Collection[str], *, now: int, seconds: float | None
) -> Adoption:
    """Count the documents of a platform by key. Raises LimitExceeded if it takes longer than `seconds`."""
    access.verify()
    deadline = None if seconds is None else time.monotonic() + seconds
    counts, total, after = Counter[str](dict.fromkeys(keys, 0)), 0, ""
    page = {"of_platform": access.platform_id}
    while True:
        ((last, count),) = await connection.fetch(_PAGE_END, **page, after=after, size=_PAGE)
        if last is None:
            return Adoption(total, dict(counts))
        total += count
        of_page = {**page, "after": after, "last": last, "keys": list(keys)}
        for key, found in await connection.fetch(_VALUES, **of_page):
            counts[key] += found
        for key, found in await connection.fetch(_CONDITIONAL_VALUES, **of_page, now=now):
            counts[key] += found
        after = last
        if deadline is not None and time.monotonic() > deadline:
            raise LimitExceeded(
                "The platform has too many documents to count within a request. Use the command line "
                "instead: gql-service definition adoption."
            )
        await asyncio.sleep(0)
