"""Relay: global ids, cursors and connections. A cursor is the base64 of the sort key of a row."""

import base64
import binascii
from typing import Any, ClassVar, Generic, TypeVar

import strawberry

from gql_service.domain.pagination import DEFAULT_PAGE, MAX_PAGE, Page, PageRequest, page_request
from gql_service.errors import BadUserInput
from gql_service.quoting import quoted
from gql_service.schema.auth_directive import AUTHENTICATED


@strawberry.federation.type(
    shareable=True, directives=AUTHENTICATED, description="The position of a page in its list."
)
class PageInfo:
    has_next_page: bool = strawberry.field(description="Whether more items follow this page.")
    has_previous_page: bool = strawberry.field(description="Whether items precede this page.")
    start_cursor: str | None = strawberry.field(
        description="The cursor of the first item. Null if the page is empty."
    )
    end_cursor: str | None = strawberry.field(
        description="The cursor of the last item. Null if the page is empty."
    )


FIRST = strawberry.argument(
    description=f"The number of items from the start, 1 to {MAX_PAGE}. Default: {DEFAULT_PAGE}, unless "
    "`last` is provided."
)
AFTER = strawberry.argument(description="Only items after this cursor.")
LAST = strawberry.argument(
    description=f"The number of items from the end, 1 to {MAX_PAGE}, instead of `first`."
)
BEFORE = strawberry.argument(description="Only items before this cursor.")


def read_page(first: int | None, after: str | None, last: int | None, before: str | None) -> PageRequest:
    """The page that the four arguments of a connection ask for. Raises BadUserInput."""
    return page_request(first, _key(after), last, _key(before))


def _key(cursor: str | None) -> str | None:
    if cursor is None:
        return None
    key = decode(cursor)
    if "\0" in key:
        raise BadUserInput("The cursor is not valid for this service.")
    return key


ID = "The global id, which `node` accepts: base64 of the type name, a colon and the key."


@strawberry.interface(description="An object with a global id, by which `node` finds it.")
class Node:
    @strawberry.field(description=ID)
    def id(self) -> strawberry.ID:
        raise NotImplementedError

    def __init_subclass__(cls) -> None:
        _NODE_CLASSES[cls.__name__] = cls


_NODE_CLASSES: dict[str, Any] = {}
_CONNECTION_CLASSES: dict[str, Any] = {}


def node_class(type_name: str) -> Any:
    """The class of a `Node` type by name, for modules whose import of it would be circular."""
    return _NODE_CLASSES[type_name]


def connection_class(type_name: str) -> Any:
    """The class of a `Connection` type by name, for modules whose import of it would be circular."""
    return _CONNECTION_CLASSES[type_name]


def global_id(type_name: str, key: str) -> strawberry.ID:
    """The global id of an object."""
    return strawberry.ID(encode(f"{type_name}:{key}"))


def parse_global_id(id: str) -> tuple[str, str]:
    """The type name and the key of a global id; two empty strings if it is malformed."""
    try:
        type_name, _, key = decode(id).partition(":")
    except BadUserInput:
        return "", ""
    return type_name, key


def encode(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def decode(text: str) -> str:
    """Raises BadUserInput if the text is not base64 of UTF-8."""
    try:
        return base64.b64decode(text, validate=True).decode()
    except (binascii.Error, ValueError):
        raise BadUserInput(f"{quoted(text)} is not a valid id or cursor of this service.") from None


N = TypeVar("N")


@strawberry.type(directives=AUTHENTICATED, description="An item of a list with its cursor.")
class Edge(Generic[N]):
    cursor: str = strawberry.field(description="The position of the item, for `after` and `before`.")
    node: N = strawberry.field(description="The item.")


@strawberry.type(directives=AUTHENTICATED)
class Connection(Generic[N]):
    """A page of rows as a Relay connection. A subclass says how a row becomes a node and what its key is.

    `class UserConnection(Connection[User])` is published as `UserConnection`, its edges as `UserEdge`.
    """

    page: strawberry.Private[Page[Any]]
    node_type: ClassVar[type[Any]]
    """Makes a node of a row: called with `row` alone."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        _CONNECTION_CLASSES[cls.__name__] = cls

    def sort_key(self, row: Any) -> str:
        """The key of a row in the order of the list, from which its cursor is made."""
        raise NotImplementedError

    @strawberry.field(description="The items of the page with their cursors.")
    def edges(self) -> list[Edge[N]]:
        node, key = self.node_type, self.sort_key
        return [Edge(cursor=encode(key(row)), node=node(row=row)) for row in self.page.items]

    @strawberry.field(description="The items of the page.")
    def nodes(self) -> list[N]:
        node = self.node_type
        return [node(row=row) for row in self.page.items]

    @strawberry.field(description="The position of the page in the list.")
    def page_info(self) -> PageInfo:
        rows = self.page.items
        return PageInfo(
            has_next_page=self.page.has_next,
            has_previous_page=self.page.has_previous,
            start_cursor=encode(self.sort_key(rows[0])) if rows else None,
            end_cursor=encode(self.sort_key(rows[-1])) if rows else None,
        )
