"""Fields that are read from the row of their object."""

from collections.abc import Sequence
from typing import Any

import strawberry
from strawberry.types.field import StrawberryField


def column(description: str, directives: Sequence[object] = ()) -> Any:
    """A field whose value is the attribute of the same name of the object's `row`."""
    field: StrawberryField = strawberry.field(description=description, directives=directives)
    field.init = False
    return field


def read(source: Any, name: str) -> Any:
    """The default resolver: reads the attribute of the object's `row`, or of the object if it has no row."""
    return getattr(getattr(source, "row", source), name)


read.reads_row = True  # type: ignore[attr-defined] # tells the engine that it may read the row itself
