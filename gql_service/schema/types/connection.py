"""Relay connections: cursors are opaque, and stand for the key of a row."""

from collections.abc import Sequence
from typing import Any

import strawberry

from gql_service.domain.pages import Page, PageRequest, page_request
from gql_service.errors import BadUserInput
from gql_service.schema.auth import AUTHENTICATED
from gql_service.schema.types.node import decode, encode


@strawberry.type(directives=AUTHENTICATED, description="Where a page lies in its list.")
class PageInfo:
    has_next_page: bool = strawberry.field(description="Whether more rows follow.")
    has_previous_page: bool = strawberry.field(description="Whether rows precede this page.")
    start_cursor: str | None = strawberry.field(description="The cursor of the first row.")
    end_cursor: str | None = strawberry.field(description="The cursor of the last row.")


FIRST = strawberry.argument(description="How many rows from the start, 1 to 100. Give this or `last`.")
AFTER = strawberry.argument(description="Only rows after this cursor.")
LAST = strawberry.argument(description="How many rows from the end, 1 to 100. Give this or `first`.")
BEFORE = strawberry.argument(description="Only rows before this cursor.")


def read_page(first: int | None, after: str | None, last: int | None, before: str | None) -> PageRequest:
    """The four arguments of a connection. Raises BadUserInput."""
    return page_request(first, _key(after), last, _key(before))


def page_info(page: Page[Any], keys: Sequence[str]) -> PageInfo:
    """What Relay wants to know of a page whose rows have these keys."""
    return PageInfo(
        has_next_page=page.has_next,
        has_previous_page=page.has_previous,
        start_cursor=encode(keys[0]) if keys else None,
        end_cursor=encode(keys[-1]) if keys else None,
    )


def _key(cursor: str | None) -> str | None:
    if cursor is None:
        return None
    key = decode(cursor)
    if "\0" in key:
        raise BadUserInput("The cursor is not one of this service.")
    return key
