"""Fields that are read from the row of their object."""

from collections.abc import Sequence
from typing import Any

import strawberry
from strawberry.types.field import StrawberryField


def column(description: str, directives: Sequence[object] = ()) -> Any:
    """A field that is read from the object's `row`, under the same name."""
    field: StrawberryField = strawberry.field(description=description, directives=directives)
    field.init = False
    return field


def read(source: Any, name: str) -> Any:
    """How a field without a resolver gets its value: from the row of an object that has one."""
    return getattr(getattr(source, "row", source), name)


read.reads_row = True  # type: ignore[attr-defined] # tells the engine that it may read the row itself
