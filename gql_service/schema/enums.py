"""Publishing plain Python enums, so that the layers below need not know GraphQL."""

from collections.abc import Mapping
from enum import Enum
from typing import Any

import strawberry


def described_enum(enum: type[Enum], name: str, description: str, members: Mapping[Any, str]) -> None:
    """Publish an enum, every value with a description."""
    definition = strawberry.enum(enum, name=name, description=description).__strawberry_definition__  # type: ignore[attr-defined]
    for value, member in zip(definition.values, enum, strict=True):
        value.description = members[member]
