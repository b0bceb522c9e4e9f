"""Objects with a row, and the `Node` interface, whose ids are base64 of `Type:key`: others can build one."""

import base64
import binascii
from collections.abc import Sequence
from typing import Any

import strawberry
from strawberry.types.field import StrawberryField

from gql_service.errors import BadUserInput

ID = "The global id: base64 of the type's name, a colon and the key."


def column(description: str, directives: Sequence[object] = ()) -> Any:
    """A field that is read from the object's `row`, under the same name."""
    field: StrawberryField = strawberry.field(description=description, directives=directives)
    field.init = False
    return field


def read(source: Any, name: str) -> Any:
    """How a field without a resolver gets its value: from the row of an object that has one."""
    return getattr(getattr(source, "row", source), name)


@strawberry.interface(description="An object that `node` can find again by its global id.")
class Node:
    @strawberry.field(description=ID)
    def id(self) -> strawberry.ID:
        raise NotImplementedError


def global_id(type_name: str, key: str) -> strawberry.ID:
    """The global id of an object."""
    return strawberry.ID(encode(f"{type_name}:{key}"))


def parse_global_id(id: str) -> tuple[str, str]:
    """The type's name and the key; two empty strings where the id cannot be one."""
    try:
        type_name, _, key = decode(id).partition(":")
    except BadUserInput:
        return "", ""
    return type_name, key


def encode(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def decode(text: str) -> str:
    """Raises BadUserInput where the text is no base64 of UTF-8."""
    try:
        return base64.b64decode(text, validate=True).decode()
    except (binascii.Error, ValueError):
        raise BadUserInput(f"{text[:80]!r} is not an id or cursor of this service.") from None
