"""The arguments of a field, prepared as far as they do not depend on the request.

Literals are coerced when the plan is made, and variables were coerced before. Everything unusual is left to
graphql-core, which coerces or rejects it, so all error messages are graphql-core's.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING
from enum import Enum
from typing import Any

from graphql import (
    ArgumentNode,
    FieldNode,
    GraphQLArgument,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputType,
    GraphQLSchema,
    ListValueNode,
    ObjectFieldNode,
    ObjectValueNode,
    Undefined,
    ValueNode,
    VariableNode,
    get_nullable_type,
    is_input_object_type,
    is_leaf_type,
    is_list_type,
)
from graphql.execution.values import get_argument_values
from graphql.utilities import coerce_input_literal
from strawberry.relay import GlobalID
from strawberry.types.arguments import convert_arguments
from strawberry.types.base import StrawberryContainer, StrawberryMaybe
from strawberry.types.field import StrawberryField

from gql_service.engine.document.variables import NeedsGraphQLCore
from gql_service.engine.execution.run import Run

ArgumentBinder = Callable[[Run], dict[str, Any]]
ValueGetter = Callable[[dict[str, Any]], Any]
_IMMUTABLE_TYPES = (str, int, float, type(None), Enum)
_ABSENT = object()
"""What a `ValueGetter` returns where the variable has no value, and neither has the argument."""


def argument_binder(
    schema: GraphQLSchema, node: FieldNode, definition: GraphQLField, field: StrawberryField
) -> ArgumentBinder:
    """A function from a run to the keyword arguments of a field's resolver, which must not change them."""
    if not definition.args:
        return lambda _run: {}
    bind_with_graphql_core = _graphql_core_binder(schema, node, definition, field)
    try:
        getters = _value_getters(definition.args, node.arguments or ())
    except NeedsGraphQLCore:
        return bind_with_graphql_core

    def bind(run: Run) -> dict[str, Any]:
        arguments = {}
        try:
            for name, get in getters:
                value = get(run.variables)
                if value is not _ABSENT:
                    arguments[name] = value
        except NeedsGraphQLCore:
            return bind_with_graphql_core(run)
        return arguments

    return bind


def _graphql_core_binder(
    schema: GraphQLSchema, node: FieldNode, definition: GraphQLField, field: StrawberryField
) -> ArgumentBinder:
    """Does the same as `argument_binder` with the functions of graphql-core and Strawberry. It takes long, so
    a run does it once for all its objects."""
    strawberry_schema = schema._strawberry_schema  # type: ignore[attr-defined]
    own_key = object()  # not `bind`: a function that refers to itself is freed late

    def bind(run: Run) -> dict[str, Any]:
        bound = run.bound_arguments.get(own_key)
        if bound is None:
            bound = run.bound_arguments[own_key] = convert_arguments(
                get_argument_values(definition, node, run.graphql_core_variables()),
                field.arguments,
                scalar_registry=strawberry_schema.schema_converter.scalar_registry,
                config=strawberry_schema.config,
                info=run.info,
            )
        return bound

    return bind


def _value_getters(
    inputs: Mapping[str, GraphQLArgument | GraphQLInputField],
    nodes: Sequence[ArgumentNode | ObjectFieldNode],
) -> list[tuple[str, ValueGetter]]:
    """The Python name and the getter of each provided argument or input field. Raises NeedsGraphQLCore."""
    provided = {each.name.value: each.value for each in nodes}
    getters = []
    for name, definition in inputs.items():
        has_default = definition.default is not None or definition.default_value is not Undefined
        argument = definition.extensions["strawberry-definition"]
        if name in provided:
            if _is_converted_by_strawberry(argument.type):
                raise NeedsGraphQLCore
            getter = _value_getter(definition.type, provided[name], has_default)
            getters.append((argument.python_name, getter))
        elif has_default:
            raise NeedsGraphQLCore
    return getters


def _is_converted_by_strawberry(type_: Any) -> bool:
    """Whether Strawberry replaces the coerced value by an object of its own."""
    if isinstance(type_, StrawberryMaybe) or type_ is GlobalID:
        return True
    return isinstance(type_, StrawberryContainer) and _is_converted_by_strawberry(type_.of_type)


def _value_getter(type_: GraphQLInputType, node: ValueNode, has_default: bool) -> ValueGetter:
    nullable: Any = get_nullable_type(type_)
    if isinstance(node, VariableNode):
        return _variable_getter(nullable, node.name.value, has_default, required=nullable is not type_)
    if isinstance(node, ObjectValueNode) and is_input_object_type(nullable):
        return _input_object_getter(nullable, node)
    if _uses_variables(node) or not _is_simple(nullable):
        raise NeedsGraphQLCore
    constant = coerce_input_literal(node, type_)
    if constant is Undefined:
        raise NeedsGraphQLCore  # it is invalid, and graphql-core reports why
    if isinstance(constant, _IMMUTABLE_TYPES):
        return lambda _variables: constant
    return lambda _variables: coerce_input_literal(node, type_)


def _variable_getter(
    nullable: GraphQLInputType, name: str, has_default: bool, *, required: bool
) -> ValueGetter:
    if not _is_simple(nullable):
        raise NeedsGraphQLCore

    def get(variables: dict[str, Any]) -> Any:
        value = variables.get(name, _ABSENT)
        if (value is _ABSENT and (required or has_default)) or (value is None and required):
            raise NeedsGraphQLCore
        return list(value) if type(value) is list else value

    return get


def _input_object_getter(type_: Any, node: ObjectValueNode) -> ValueGetter:
    """Builds an instance of an input type as Strawberry does: absent fields without a default are None."""
    definition = type_.extensions["strawberry-definition"]
    getters = _value_getters(type_.fields, node.fields)
    class_, is_one_of = definition.origin, definition.is_one_of
    if definition.from_input is not None or (is_one_of and len(getters) != 1):
        raise NeedsGraphQLCore
    without_default = {
        field.python_name: None
        for field in definition.fields
        if field.default_value is MISSING and field.default_factory is MISSING
    }

    def build(variables: dict[str, Any]) -> Any:
        values = dict[str, Any](without_default)
        for name, get in getters:
            value = get(variables)
            if is_one_of and (value is None or value is _ABSENT):
                raise NeedsGraphQLCore
            if value is not _ABSENT:
                values[name] = value
        return class_(**values)

    return build


def _is_simple(type_: GraphQLInputType) -> bool:
    """Whether a type is a leaf or a list of leaves."""
    return is_leaf_type(get_nullable_type(type_.of_type) if is_list_type(type_) else type_)


def _uses_variables(node: ValueNode) -> bool:
    if isinstance(node, ListValueNode):
        return any(map(_uses_variables, node.values))
    if isinstance(node, ObjectValueNode):
        return any(_uses_variables(field.value) for field in node.fields)
    return isinstance(node, VariableNode)
