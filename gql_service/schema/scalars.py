"""The custom scalars: how instants and JSON look from outside, and which literals they accept."""

from collections.abc import Mapping
from typing import Any, NewType

import orjson
import strawberry
from graphql import (
    BooleanValueNode,
    FloatValueNode,
    GraphQLError,
    IntValueNode,
    ListValueNode,
    NullValueNode,
    ObjectValueNode,
    StringValueNode,
    ValueNode,
    VariableNode,
)
from strawberry.types.scalar import ScalarDefinition

from gql_service import strict_json
from gql_service.instants import is_instant, rfc3339

DateTime = NewType("DateTime", int)
Timestamp = NewType("Timestamp", int)
Number = NewType("Number", object)
"""Inward only: an integer of 64 bits or a finite double."""
JSON = NewType("JSON", object)
"""Outward, the canonical text of a value; inward, the decoded value."""
JSONObject = NewType("JSONObject", object)
"""Outward, the canonical text of an object; inward, a decoded dictionary."""


def _splice(text: str) -> orjson.Fragment:
    """Stored JSON goes into the response as it is, neither decoded nor encoded again."""
    return orjson.Fragment(text)


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise GraphQLError("A JSON object is expected.")
    try:
        strict_json.check(value, strict_json.MAX_DEPTH + 1)
    except strict_json.InvalidJson as error:
        raise GraphQLError(str(error)) from None
    return value


def _object_literal(node: ValueNode, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
    return _object(_literal(node, variables or {}))


def _literal(node: ValueNode, variables: Mapping[str, Any]) -> Any:
    """The value a literal stands for; an enum value is no JSON, so it is refused rather than guessed."""
    match node:
        case NullValueNode():
            return None
        case StringValueNode() | BooleanValueNode():
            return node.value
        case IntValueNode():
            return int(node.value) if len(node.value) < 25 else 2**64
        case FloatValueNode():
            return float(node.value)
        case ListValueNode():
            return [_literal(item, variables) for item in node.values]
        case ObjectValueNode():
            return {field.name.value: _literal(field.value, variables) for field in node.fields}
        case VariableNode():
            return variables.get(node.name.value)
    raise GraphQLError("This is no JSON value: text needs quotes.", node)


def _instant(value: Any) -> Any:
    """The text as it is: resolvers read it, and say in their own way what is wrong with it."""
    if not isinstance(value, str) or len(value) > 64:
        raise GraphQLError("An instant is expected as text, such as 2024-01-15T10:30:00Z.")
    return value


def _json_value(value: Any) -> Any:
    try:
        strict_json.check(value, strict_json.MAX_DEPTH)
    except strict_json.InvalidJson as error:
        raise GraphQLError(str(error)) from None
    return value


def _json_literal(node: ValueNode, variables: Mapping[str, Any] | None = None) -> Any:
    return _json_value(_literal(node, variables or {}))


def _number(value: Any) -> int | float:
    if type(value) not in (int, float):
        raise GraphQLError("A number is expected.")
    return _json_value(value)  # type: ignore[no-any-return] # it has just been looked at


def _number_literal(node: ValueNode, variables: Mapping[str, Any] | None = None) -> int | float:
    return _number(_literal(node, variables or {}))


def _milliseconds(value: Any) -> int:
    if not is_instant(value):
        raise GraphQLError("A whole number of milliseconds, from 0 and below 2^53, is expected.")
    return value


SCALARS: dict[object, ScalarDefinition] = {
    DateTime: strawberry.scalar(
        name="DateTime",
        description="An instant as RFC 3339 text in UTC, for example `2024-01-15T10:30:00Z`.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3339",
        serialize=rfc3339,
        parse_value=_instant,
    ),
    Timestamp: strawberry.scalar(
        name="Timestamp",
        description="An instant as milliseconds since 1970-01-01 UTC, from 0 and below 2^53.",
        serialize=_milliseconds,
        parse_value=_milliseconds,
    ),
    Number: strawberry.scalar(
        name="Number",
        description="A number as JSON writes it: an integer that fits in 64 bits, or a finite double.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc8259",
        serialize=_number,
        parse_value=_number,
        parse_literal=_number_literal,
    ),
    JSON: strawberry.scalar(
        name="JSON",
        description="A JSON value, as a literal or in a variable. Integers fit in 64 bits, keys are unique.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc8259",
        serialize=_splice,
        parse_value=_json_value,
        parse_literal=_json_literal,
    ),
    JSONObject: strawberry.scalar(
        name="JSONObject",
        description="A JSON object, as a literal or in a variable. Integers fit in 64 bits, keys are unique.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc8259",
        serialize=_splice,
        parse_value=_object,
        parse_literal=_object_literal,
    ),
}
