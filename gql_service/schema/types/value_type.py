"""`ValueType`, published before anything that has one."""

from gql_service.domain.value_types import ValueType
from gql_service.schema.enums import described_enum

__all__ = ["ValueType"]

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
