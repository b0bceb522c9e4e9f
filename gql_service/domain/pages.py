"""Keyset pages: rows after or before a key, so that no row appears twice or is missed while others come."""

from typing import Any, Generic, NamedTuple, TypeVar

from sqlalchemy import ColumnElement, Row, Select
from sqlalchemy.ext.asyncio import AsyncConnection

from gql_service.errors import BadUserInput

T = TypeVar("T")
MAX_PAGE = 100


class PageRequest(NamedTuple):
    """`size` rows from the start (or, backwards, from the end) of those between two keys, exclusive."""

    size: int
    backwards: bool
    after: str | None
    before: str | None


class Page(NamedTuple, Generic[T]):
    """The rows in ascending order, and whether more lie on either side."""

    items: list[T]
    has_previous: bool
    has_next: bool


def page_request(first: int | None, after: str | None, last: int | None, before: str | None) -> PageRequest:
    """Check Relay's four arguments; the cursors are decoded keys. Raises BadUserInput."""
    if (first is None) == (last is None):
        raise BadUserInput("Give either `first` or `last`.")
    size = first if first is not None else last
    assert size is not None
    if not 1 <= size <= MAX_PAGE:
        raise BadUserInput(f"`first` and `last` are between 1 and {MAX_PAGE}.")
    return PageRequest(size, last is not None, after, before)


async def fetch_page(
    connection: AsyncConnection, statement: Select[Any], key: ColumnElement[str], request: PageRequest
) -> Page[Row[Any]]:
    """Run a statement for one page, in the order of `key`, in a single round trip."""
    if request.after is not None:
        statement = statement.where(key > request.after)
    if request.before is not None:
        statement = statement.where(key < request.before)
    order = key.desc() if request.backwards else key.asc()
    rows = list((await connection.execute(statement.order_by(order).limit(request.size + 1))).all())
    more, rows = len(rows) > request.size, rows[: request.size]
    if request.backwards:
        return Page(rows[::-1], has_previous=more, has_next=request.before is not None)
    return Page(rows, has_previous=request.after is not None, has_next=more)
