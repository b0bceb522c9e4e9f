"""Publishing plain Python enums, so that the layers below need not know GraphQL."""

from collections.abc import Mapping
from enum import Enum
from typing import Any

import strawberry

from gql_service.domain.tenants import MetadataMode
from gql_service.domain.values.types import ValueType

__all__ = ["MetadataMode", "ValueType"]


def described_enum(enum: type[Enum], name: str, description: str, members: Mapping[Any, str]) -> None:
    """Publish an enum, every value with a description."""
    definition = strawberry.enum(enum, name=name, description=description).__strawberry_definition__  # type: ignore[attr-defined]
    for value, member in zip(definition.values, enum, strict=True):
        value.description = members[member]


described_enum(
    ValueType,
    "ValueType",
    "How to understand the text of a value.",
    {
        ValueType.string: "Text, as it is.",
        ValueType.number: "A number as JSON writes it: a 64-bit integer, or a finite double.",
        ValueType.boolean: "`true` or `false`.",
        ValueType.date: "A day, `2024-03-01`, or an instant of RFC 3339, kept in UTC.",
        ValueType.json: "Any JSON text, kept in canonical form.",
        ValueType.binary: "Base64 of RFC 4648 with its padding.",
    },
)
described_enum(
    MetadataMode,
    "MetadataMode",
    "Which keys the documents of a platform may have.",
    {
        MetadataMode.OPEN: "Any keys; those that are defined must be as they are defined.",
        MetadataMode.STRICT: "Defined keys only.",
    },
)
