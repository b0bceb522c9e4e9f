"""The custom scalars: formats of timestamps and JSON, and the literals that they accept."""

from collections.abc import Callable, Mapping
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

from gql_service import numbers, strict_json
from gql_service.instants import is_instant, rfc3339
from gql_service.services.response_size import count_bytes

JsonCheck = Callable[[Any, int], None]
"""Called with a value and its maximum depth. Raises InvalidJson."""
DateTime = NewType("DateTime", int)
Timestamp = NewType("Timestamp", int)
Number = NewType("Number", object)
"""Input only: an integer of 64 bits or a finite double."""
JSON = NewType("JSON", object)
"""In output the canonical text of a value; in input the decoded value."""
JSONObject = NewType("JSONObject", object)
"""In output the canonical text of an object; in input a decoded dictionary."""


def _embed_json(text: str) -> orjson.Fragment:
    """Copy stored JSON into the response without decoding it. Raises LimitExceeded."""
    count_bytes(len(text))
    return orjson.Fragment(text)


def _parse_object(value: Any, check: JsonCheck = strict_json.check_depth) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise GraphQLError("Expected a JSON object.")
    _refuse_unless(check, value, strict_json.MAX_DEPTH + 1)
    return value


def _refuse_unless(check: JsonCheck, value: Any, max_depth: int) -> None:
    """Raises GraphQLError. The values of variables were checked with their body, except for the depth."""
    try:
        check(value, max_depth)
    except strict_json.InvalidJson as error:
        raise GraphQLError(str(error)) from None


def _parse_object_literal(node: ValueNode, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
    return _parse_object(_literal_value(node, variables or {}), strict_json.check)


def _literal_value(node: ValueNode, variables: Mapping[str, Any]) -> Any:
    """The value of a literal. Enum literals are refused: they look like strings without quotes."""
    match node:
        case NullValueNode():
            return None
        case StringValueNode() | BooleanValueNode():
            return node.value
        case IntValueNode():
            return _number(numbers.parse_integer, node.value)
        case FloatValueNode():
            return _number(numbers.parse_double, node.value)
        case ListValueNode():
            return [_literal_value(item, variables) for item in node.values]
        case ObjectValueNode():
            return {
                field.name.value: _literal_value(field.value, variables)
                for field in node.fields
                if not _is_absent(field.value, variables)
            }
        case VariableNode():
            return variables.get(node.name.value)
    raise GraphQLError("This is not a JSON value. Strings need quotes.", node)


def _is_absent(node: ValueNode, variables: Mapping[str, Any]) -> bool:
    """Whether a value is a variable that was not provided. It leaves out its key; in a list it is null."""
    return isinstance(node, VariableNode) and node.name.value not in variables


def _number(parse: Callable[[str], int | float], digits: str) -> int | float:
    """The number of a literal. Raises GraphQLError."""
    try:
        return parse(digits)
    except numbers.OutOfRange as error:
        raise GraphQLError(str(error)) from None


def _parse_timestamp(value: Any) -> Any:
    """The text unchanged: resolvers parse it, so that their errors can name the input field."""
    if not isinstance(value, str) or len(value) > 64:
        raise GraphQLError("Expected an RFC 3339 timestamp as a string, such as 2024-01-15T10:30:00Z.")
    return value


def _parse_json(value: Any, check: JsonCheck = strict_json.check_depth) -> Any:
    _refuse_unless(check, value, strict_json.MAX_DEPTH)
    return value


def _parse_json_literal(node: ValueNode, variables: Mapping[str, Any] | None = None) -> Any:
    return _parse_json(_literal_value(node, variables or {}), strict_json.check)


def _parse_number(value: Any) -> int | float:
    if type(value) not in (int, float):
        raise GraphQLError("Expected a number.")
    return _parse_json(value, strict_json.check)  # type: ignore[no-any-return] # checked above


def _parse_number_literal(node: ValueNode, variables: Mapping[str, Any] | None = None) -> int | float:
    return _parse_number(_literal_value(node, variables or {}))


def _check_milliseconds(value: Any) -> int:
    if not is_instant(value):
        raise GraphQLError("Expected an integer number of milliseconds, from 0 to 2^53 - 1.")
    return value


SCALARS: dict[object, ScalarDefinition] = {
    DateTime: strawberry.scalar(
        name="DateTime",
        description="A time as an RFC 3339 string in UTC, such as `2024-01-15T10:30:00Z`. Inputs may have "
        "any UTC offset. Precision finer than a millisecond is dropped.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3339",
        serialize=rfc3339,
        parse_value=_parse_timestamp,
    ),
    Timestamp: strawberry.scalar(
        name="Timestamp",
        description="A time as an integer: milliseconds since 1970-01-01 UTC, from 0 to 2^53 - 1.",
        serialize=_check_milliseconds,
        parse_value=_check_milliseconds,
    ),
    Number: strawberry.scalar(
        name="Number",
        description="A JSON number: an integer of 64 bits, or a finite double. Equal numbers are one value: "
        "`10.0` is `10`.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc8259",
        serialize=_parse_number,
        parse_value=_parse_number,
        parse_literal=_parse_number_literal,
    ),
    JSON: strawberry.scalar(
        name="JSON",
        description="Any JSON value, as a literal or in a variable. Keys must be unique. A variable in a "
        "literal that is not provided leaves its key out. Numbers are integers of 64 bits or finite doubles.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc8259",
        serialize=_embed_json,
        parse_value=_parse_json,
        parse_literal=_parse_json_literal,
    ),
    JSONObject: strawberry.scalar(
        name="JSONObject",
        description="A JSON object, as a literal or in a variable. Keys must be unique. A variable in a "
        "literal that is not provided leaves its key out. Numbers are integers of 64 bits or finite doubles.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc8259",
        serialize=_embed_json,
        parse_value=_parse_object,
        parse_literal=_parse_object_literal,
    ),
}
