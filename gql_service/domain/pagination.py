"""Keyset pagination: pages start after or end before a key.

Rows that are inserted or deleted meanwhile make a client neither miss a row nor see one twice.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    Text,
    and_,
    bindparam,
    func,
    literal_column,
    select,
    tuple_,
)

from gql_service.errors import BadUserInput
from gql_service.store.sql_functions import without_index
from gql_service.store.statement import Statement

T = TypeVar("T")
MAX_PAGE = 100
DEFAULT_PAGE = 20


class PageRequest(NamedTuple):
    """The first `size` rows (or, `backwards`, the last) of those between two keys, which are excluded."""

    size: int
    backwards: bool
    after: str | None
    before: str | None

    @property
    def shape(self) -> "PageRequest":
        """The request without its values: all that the SQL of the page depends on."""
        after, before = (None if key is None else "" for key in (self.after, self.before))
        return PageRequest(0, self.backwards, after, before)

    def following(self, count: int, key: str) -> "PageRequest":
        """What is left of the page after its first `count` rows, of which the outermost has this key."""
        rest = self._replace(size=self.size - count)
        return rest._replace(before=key) if self.backwards else rest._replace(after=key)


class Page(NamedTuple, Generic[T]):
    """Rows in ascending order of their keys, and whether there are more before and after them."""

    items: list[T]
    has_previous: bool
    has_next: bool
    cursors: Mapping[str, str] | None = None
    """The keys of the rows by their ids, where the rows do not have them."""


def page_request(first: int | None, after: str | None, last: int | None, before: str | None) -> PageRequest:
    """Check the four arguments of a Relay connection; `after` and `before` are decoded cursors.

    Without `first` and `last`, it is the first `DEFAULT_PAGE` rows. Raises BadUserInput.
    """
    if first is not None and last is not None:
        raise BadUserInput("Provide either `first` or `last`, not both.")
    size = first if last is None else last
    size = DEFAULT_PAGE if size is None else size
    if not 1 <= size <= MAX_PAGE:
        raise BadUserInput(f"`first` and `last` must be between 1 and {MAX_PAGE}.")
    return PageRequest(size, last is not None, after, before)


def keyset(statement: Select[Any], key: ColumnElement[str], request: PageRequest) -> Select[Any]:
    """Limit a statement to one page, ordered by `key`. Its parameters come from `page_parameters`."""
    statement = _between(statement, key, request)
    return statement.order_by(key.desc() if request.backwards else key.asc()).limit(bindparam("size"))


def keyset_of_each(
    columns: Sequence[ColumnElement[Any]],
    owner: Mapping[str, ColumnElement[str]],
    key: ColumnElement[Any],
    request: PageRequest,
    owners_where: Sequence[ColumnElement[bool]],
    *,
    descending: bool = False,
    scans: bool = False,
) -> Statement:
    """A statement for the same page of the rows of each owner, in any order. Parameters: `page_parameters`.

    `owner` has the columns of the owners' table by the names of the columns that refer to them. Only the rows
    of the pages are read.
    """
    (owners,), rows = {column.table for column in owner.values()}, key.table
    is_descending = descending is not request.backwards
    others = rows.alias("of_owner")
    other_key = others.c[key.name]

    after, before = _parameters(key, request)
    lower, upper = (before, after) if descending else (after, before)
    each = select(*[others.c[column.name] for column in columns])
    each = each.where(*range_of_owner(owner, other_key, lower, upper)).correlate(owners)
    each = each.order_by(*index_order(owner, other_key, descending=is_descending)).limit(bindparam("size"))
    page = each.lateral("page")
    on_postgres = select(*[page.c[column.name] for column in columns])
    on_postgres = on_postgres.join_from(owners, page, literal_column("true")).where(*owners_where)

    # SQLite has no lateral joins: it finds the outermost key of each page first.
    bounds = _bounds(other_key, request, descending=descending)
    keys_of_page = select(other_key).where(of_owner(others, owner), *bounds).correlate(owners)
    keys_of_page = keys_of_page.order_by(other_key.desc() if is_descending else other_key)
    keys = keys_of_page.limit(bindparam("size")).subquery("page_keys").c[key.name]
    outermost = select(func.min(keys) if is_descending else func.max(keys)).scalar_subquery()
    in_page = key >= outermost if is_descending else key <= outermost
    # An index takes one bound on each side: of those of the request, the one where the page begins.
    beginning = request._replace(after=None) if request.backwards else request._replace(before=None)
    bounds = _bounds(key, beginning, descending=descending)
    on_sqlite = select(*columns).join_from(owners, rows, and_(of_owner(rows, owner), *bounds, in_page))
    return Statement(on_sqlite.where(*owners_where), scans=scans, on_postgres=on_postgres)


def of_owner(rows: FromClause, owner: Mapping[str, ColumnElement[str]]) -> ColumnElement[bool]:
    """Whether a row is of the owner: see `keyset_of_each`. SQLite must read the owners first."""
    return and_(*(rows.c[name] == without_index(column) for name, column in owner.items()))


def range_of_owner(
    owner: Mapping[str, ColumnElement[str]],
    key: ColumnElement[Any],
    lower: ColumnElement[Any] | None,
    upper: ColumnElement[Any] | None,
) -> Iterator[ColumnElement[bool]]:
    """The rows of the owner whose keys are between two keys, for PostgreSQL to read in `index_order`.

    It does not know the owner when it plans. Where owners have few rows on average, it would read and sort
    all rows of an owner who has many. So this asks for a range of the index: it expects many rows of that.
    """
    columns = [key.table.c[name] for name in owner]
    # No key is empty or 0.
    least = literal_column("''" if isinstance(key.type, Text) else "0", key.type)
    yield tuple_(*columns, key) > tuple_(*owner.values(), least if lower is None else lower)
    if upper is None:
        yield tuple_(*columns) <= tuple_(*owner.values())
    else:
        yield tuple_(*columns, key) < tuple_(*owner.values(), upper)


def index_order(
    owner: Mapping[str, ColumnElement[str]], key: ColumnElement[Any], *, descending: bool = False
) -> list[ColumnElement[Any]]:
    """The order of the index of the owners' rows by `key`: see `range_of_owner`."""
    columns = [*(key.table.c[name] for name in owner), key]
    return [column.desc() for column in columns] if descending else columns


def _between(statement: Select[Any], key: ColumnElement[str], request: PageRequest) -> Select[Any]:
    return statement.where(*_bounds(key, request, descending=False))


def _bounds(
    key: ColumnElement[Any], request: PageRequest, *, descending: bool
) -> Iterator[ColumnElement[bool]]:
    after, before = _parameters(key, request)
    if after is not None:
        yield key < after if descending else key > after
    if before is not None:
        yield key > before if descending else key < before


def _parameters(
    key: ColumnElement[Any], request: PageRequest
) -> tuple[ColumnElement[Any] | None, ColumnElement[Any] | None]:
    after = None if request.after is None else bindparam("after", type_=key.type)
    before = None if request.before is None else bindparam("before", type_=key.type)
    return after, before


def page_parameters(request: PageRequest) -> dict[str, Any]:
    """The parameters of a page's statement, which fetches one extra row to learn whether there are more."""
    return {"after": request.after, "before": request.before, "size": request.size + 1}


def page_of(items: Sequence[T], request: PageRequest) -> Page[T]:
    """Turn the rows of a page's statement into the page: without the extra row, and in ascending order."""
    has_more, items = len(items) > request.size, items[: request.size]
    if request.backwards:
        return Page(list(reversed(items)), has_previous=has_more, has_next=request.before is not None)
    return Page(list(items), has_previous=request.after is not None, has_next=has_more)


def page_of_list(items: Sequence[T], request: PageRequest, key: Callable[[T], str]) -> Page[T]:
    """A page of a list that is in memory and in the order of its keys."""
    start = 0 if request.after is None else bisect_right(items, request.after, key=key)
    end = len(items) if request.before is None else bisect_left(items, request.before, key=key)
    count = min(max(end - start, 0), request.size + 1)
    if request.backwards:
        return page_of(items[end - count : end][::-1], request)
    return page_of(items[start : start + count], request)
