"""Whether arguments and their literals are valid, and which variables they use."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from graphql import (
    ArgumentNode,
    BooleanValueNode,
    EnumValueNode,
    FloatValueNode,
    IntValueNode,
    ListValueNode,
    NullValueNode,
    ObjectFieldNode,
    ObjectValueNode,
    StringValueNode,
    ValueNode,
    VariableNode,
)
from graphql.utilities import validate_input_literal

from gql_service.engine.document.schema_tables import Input, InputType, Kind

_MAX_INT, _MIN_INT = 2**31 - 1, -(2**31)
_MAX_DIGITS = 300
"""Of a Float literal that is a valid double in any case."""


class Refused(Exception):
    """The document is not valid, or has something that only graphql-core can judge."""


class Usage(NamedTuple):
    """A variable in a value."""

    name: str
    type: InputType | None
    """The type expected in its position; None inside literals of custom scalars."""
    has_default: bool
    """Whether the position has a default value."""
    is_one_of: bool
    """Whether it is the field of a OneOf input object."""


def check_arguments(
    nodes: Iterable[ArgumentNode | ObjectFieldNode],
    inputs: dict[str, Input],
    required: Sequence[str],
    usages: list[Usage],
    *,
    is_one_of: bool = False,
) -> None:
    """Check the arguments of a field or a directive, or the fields of an input object. Raises Refused.

    Their variables are added to `usages`.
    """
    provided: set[str] = set()
    for node in nodes:
        name = node.name.value
        definition = inputs.get(name)
        if definition is None or name in provided:
            raise Refused
        provided.add(name)
        value = node.value
        if type(value) is VariableNode:
            usages.append(Usage(value.name.value, definition.type, definition.has_default, is_one_of))
            continue
        if definition.max_items is not None and isinstance(value, ListValueNode):
            _check_length(value, definition.max_items)
        check_value(value, definition.type, usages)
    for name in required:
        if name not in provided:
            raise Refused


def _check_length(node: ListValueNode, maximum: int) -> None:
    if len(node.values) > maximum:
        raise Refused


def check_value(node: ValueNode, expected: InputType, usages: list[Usage]) -> None:
    """Check a literal that is not a variable. Raises Refused. Variables inside are added to `usages`."""
    type_ = expected
    if type_.kind is Kind.NON_NULL:
        if isinstance(node, NullValueNode):
            raise Refused
        assert type_.item is not None, "a non-null type has one"
        type_ = type_.item
    elif isinstance(node, NullValueNode):
        return
    kind = type_.kind
    if kind is Kind.LIST:
        assert type_.item is not None, "a list type has one"
        _check_items(node, type_.item, usages)
    elif kind is Kind.INPUT_OBJECT:
        # graphql-core does not look at variables in a OneOf object that is not nullable, neither do we.
        _check_object(node, type_, usages, is_bare=type_ is expected)
    elif kind is Kind.SCALAR:
        _check_scalar(node, type_, usages)
    elif not _is_plain(node, kind, type_):
        raise Refused


def _check_items(node: ValueNode, item: InputType, usages: list[Usage]) -> None:
    if not isinstance(node, ListValueNode):
        check_value(node, item, usages)  # a single value stands for a list
        return
    for each in node.values:
        if isinstance(each, VariableNode):
            usages.append(Usage(each.name.value, item, False, False))
        else:
            check_value(each, item, usages)


def _check_object(node: ValueNode, type_: InputType, usages: list[Usage], *, is_bare: bool) -> None:
    if not isinstance(node, ObjectValueNode):
        raise Refused
    if type_.is_one_of and (len(node.fields) != 1 or isinstance(node.fields[0].value, NullValueNode)):
        raise Refused
    check_arguments(node.fields, type_.inputs, type_.required, usages, is_one_of=type_.is_one_of and is_bare)


def _is_plain(node: ValueNode, kind: Kind, type_: InputType) -> bool:
    """Whether a literal is of an enum or a scalar of the specification."""
    if kind is Kind.STRING:
        return isinstance(node, StringValueNode)
    if kind is Kind.ID:
        return isinstance(node, StringValueNode | IntValueNode)
    if kind is Kind.INT:
        return isinstance(node, IntValueNode) and is_int(node.value)
    if kind is Kind.BOOLEAN:
        return isinstance(node, BooleanValueNode)
    if kind is Kind.ENUM:
        return isinstance(node, EnumValueNode) and node.value in type_.enum_values
    return isinstance(node, IntValueNode | FloatValueNode) and len(node.value) <= _MAX_DIGITS


def is_int(digits: str) -> bool:
    """Whether an integer literal has 32 bits, as the type Int requires."""
    return len(digits) < 10 or (len(digits) <= 11 and _MIN_INT <= int(digits) <= _MAX_INT)


def _check_scalar(node: ValueNode, type_: InputType, usages: list[Usage]) -> None:
    """Let a custom scalar check a literal."""

    def refuse(_error: object, _path: object) -> None:
        raise Refused

    _check_unknown(node, usages)
    validate_input_literal(node, type_.type, refuse, None, None, True)


def _check_unknown(node: ValueNode, usages: list[Usage]) -> None:
    """Check that objects have unique keys, whatever they mean to the scalar."""
    if isinstance(node, VariableNode):
        usages.append(Usage(node.name.value, None, False, False))
    elif isinstance(node, ListValueNode):
        for each in node.values:
            _check_unknown(each, usages)
    elif isinstance(node, ObjectValueNode):
        if len({field.name.value for field in node.fields}) != len(node.fields):
            raise Refused
        for field in node.fields:
            _check_unknown(field.value, usages)
