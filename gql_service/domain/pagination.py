"""Keyset pages: rows after or before a key, so that no row appears twice or is missed while others come."""

from collections.abc import Callable, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from sqlalchemy import ColumnElement, Select, bindparam, func, select

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


def keyset(statement: Select[Any], key: ColumnElement[str], request: PageRequest) -> Select[Any]:
    """Limit a statement to one page in the order of `key`; its parameters are `page_parameters`."""
    statement = _between(statement, key, request)
    return statement.order_by(key.desc() if request.backwards else key.asc()).limit(bindparam("size"))


def keyset_of_each(
    statement: Select[Any], owner: ColumnElement[str], key: ColumnElement[str], request: PageRequest
) -> Select[Any]:
    """The same page for each of several owners; the number of a row in its page is the last column."""
    order = key.desc() if request.backwards else key.asc()
    number = func.row_number().over(partition_by=owner, order_by=order).label("number")
    numbered = _between(statement.add_columns(number), key, request).subquery()
    page = select(numbered).where(numbered.c.number <= bindparam("size"))
    return page.order_by(numbered.c.number)


def _between(statement: Select[Any], key: ColumnElement[str], request: PageRequest) -> Select[Any]:
    if request.after is not None:
        statement = statement.where(key > bindparam("after"))
    if request.before is not None:
        statement = statement.where(key < bindparam("before"))
    return statement


def page_parameters(request: PageRequest) -> dict[str, Any]:
    """One row more than asked for tells whether there are more."""
    return {"after": request.after, "before": request.before, "size": request.size + 1}


def page_of(items: Sequence[T], request: PageRequest) -> Page[T]:
    """What the statement found, cut and put in order."""
    more, items = len(items) > request.size, items[: request.size]
    if request.backwards:
        return Page(list(items[::-1]), has_previous=more, has_next=request.before is not None)
    return Page(list(items), has_previous=request.after is not None, has_next=more)


def page_of_list(items: Sequence[T], request: PageRequest, key: Callable[[T], str]) -> Page[T]:
    """A page of what is at hand whole, in the order of its keys."""
    found = [
        item
        for item in items
        if (request.after is None or key(item) > request.after)
        and (request.before is None or key(item) < request.before)
    ]
    return page_of(found[::-1] if request.backwards else found, request)
