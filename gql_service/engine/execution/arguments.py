"""Arguments and variables, prepared as far as they do not depend on the request.

Plain values are passed through if they have the expected Python type. Everything else is left to
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
    GraphQLNonNull,
    GraphQLScalarType,
    GraphQLSchema,
    ObjectFieldNode,
    ObjectValueNode,
    OperationDefinitionNode,
    Undefined,
    ValueNode,
    VariableNode,
    get_nullable_type,
    is_input_object_type,
    is_leaf_type,
    is_list_type,
    type_from_ast,
)
from graphql.execution.values import VariableValues, get_argument_values, get_variable_values
from graphql.language import Visitor, visit
from graphql.utilities import coerce_input_literal
from strawberry.relay import GlobalID
from strawberry.types.arguments import convert_arguments
from strawberry.types.base import StrawberryContainer, StrawberryMaybe
from strawberry.types.field import StrawberryField

from gql_service.engine.execution.run import Run

ArgumentBinder = Callable[[Run], dict[str, Any]]
ValueGetter = Callable[[dict[str, Any]], Any]
_PLAIN_SCALARS: dict[str, Any] = {"String": str, "ID": str, "Boolean": bool, "Int": int}
_IMMUTABLE_TYPES = (str, int, float, type(None), Enum)
_MAX_ERRORS = 50
_ABSENT = object()
"""What a `ValueGetter` returns where the variable has no value, and neither has the argument."""


class _NeedsGraphQLCore(Exception):
    """This module cannot coerce the value; graphql-core has to."""


def argument_binder(
    schema: GraphQLSchema, node: FieldNode, definition: GraphQLField, field: StrawberryField
) -> ArgumentBinder:
    """A function from a run to the keyword arguments of a field's resolver, a new dict for each call."""
    if not definition.args:
        return lambda _run: {}
    bind_with_graphql_core = _graphql_core_binder(schema, node, definition, field)
    try:
        getters = _value_getters(definition.args, node.arguments or ())
    except _NeedsGraphQLCore:
        return bind_with_graphql_core

    def bind(run: Run) -> dict[str, Any]:
        arguments = {}
        try:
            for name, get in getters:
                value = get(run.variables)
                if value is not _ABSENT:
                    arguments[name] = value
        except _NeedsGraphQLCore:
            return bind_with_graphql_core(run)
        return arguments

    return bind


def _graphql_core_binder(
    schema: GraphQLSchema, node: FieldNode, definition: GraphQLField, field: StrawberryField
) -> ArgumentBinder:
    """Does the same as `argument_binder` with the functions of graphql-core and Strawberry."""
    strawberry_schema = schema._strawberry_schema  # type: ignore[attr-defined]

    def bind(run: Run) -> dict[str, Any]:
        return convert_arguments(
            get_argument_values(definition, node, run.graphql_core_variables()),
            field.arguments,
            scalar_registry=strawberry_schema.schema_converter.scalar_registry,
            config=strawberry_schema.config,
            info=run.info,
        )

    return bind


def _value_getters(
    inputs: Mapping[str, GraphQLArgument | GraphQLInputField],
    nodes: Sequence[ArgumentNode | ObjectFieldNode],
) -> list[tuple[str, ValueGetter]]:
    """The Python name and the getter of each provided argument or input field. Raises _NeedsGraphQLCore."""
    provided = {each.name.value: each.value for each in nodes}
    getters = []
    for name, definition in inputs.items():
        has_default = definition.default is not None or definition.default_value is not Undefined
        argument = definition.extensions["strawberry-definition"]
        if name in provided:
            if _is_converted_by_strawberry(argument.type):
                raise _NeedsGraphQLCore
            getter = _value_getter(definition.type, provided[name], has_default)
            getters.append((argument.python_name, getter))
        elif has_default:
            raise _NeedsGraphQLCore
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
        raise _NeedsGraphQLCore
    constant = coerce_input_literal(node, type_)
    if constant is Undefined:
        raise _NeedsGraphQLCore  # it is invalid, and graphql-core reports why
    if isinstance(constant, _IMMUTABLE_TYPES):
        return lambda _variables: constant
    return lambda _variables: coerce_input_literal(node, type_)


def _variable_getter(
    nullable: GraphQLInputType, name: str, has_default: bool, *, required: bool
) -> ValueGetter:
    if not _is_simple(nullable):
        raise _NeedsGraphQLCore

    def get(variables: dict[str, Any]) -> Any:
        value = variables.get(name, _ABSENT)
        if (value is _ABSENT and (required or has_default)) or (value is None and required):
            raise _NeedsGraphQLCore
        return list(value) if type(value) is list else value

    return get


def _input_object_getter(type_: Any, node: ObjectValueNode) -> ValueGetter:
    """Builds an instance of an input type as Strawberry does: absent fields without a default are None."""
    definition = type_.extensions["strawberry-definition"]
    getters = _value_getters(type_.fields, node.fields)
    class_, is_one_of = definition.origin, definition.is_one_of
    if definition.from_input is not None or (is_one_of and len(getters) != 1):
        raise _NeedsGraphQLCore
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
                raise _NeedsGraphQLCore
            if value is not _ABSENT:
                values[name] = value
        return class_(**values)

    return build


def _is_simple(type_: GraphQLInputType) -> bool:
    """Whether a type is a leaf or a list of leaves."""
    return is_leaf_type(get_nullable_type(type_.of_type) if is_list_type(type_) else type_)


def _uses_variables(node: ValueNode) -> bool:
    variables = []

    class Finder(Visitor):
        def enter_variable(self, variable: VariableNode, *_: Any) -> None:
            variables.append(variable)

    visit(node, Finder())
    return bool(variables)


class VariableDefinitions:
    """The variables that an operation declares."""

    def __init__(self, schema: GraphQLSchema, operation: OperationDefinitionNode) -> None:
        self._schema = schema
        self._nodes = operation.variable_definitions or ()
        self._coercers: list[tuple[str, Callable[[Any], Any], bool]] = []
        self._are_all_plain = True
        for node in self._nodes:
            try:
                type_ = type_from_ast(schema, node.type)
                name, required = node.variable.name.value, isinstance(type_, GraphQLNonNull)
                if node.default_value is not None:
                    raise _NeedsGraphQLCore
                self._coercers.append((name, _coercer(type_), required))
            except _NeedsGraphQLCore:
                self._are_all_plain = False

    def coerce(self, raw_variables: dict[str, Any]) -> dict[str, Any] | list[Any]:
        """The coerced values by their names, or graphql-core's list of errors."""
        try:
            return self._coerce_plain(raw_variables)
        except Exception:
            result = self.coerce_with_graphql_core(raw_variables)
        return result.coerced if isinstance(result, VariableValues) else result

    def coerce_with_graphql_core(self, raw_variables: dict[str, Any]) -> VariableValues | list[Any]:
        """The coerced values in graphql-core's own form, or its list of errors."""
        return get_variable_values(self._schema, self._nodes, raw_variables, max_errors=_MAX_ERRORS)

    def _coerce_plain(self, raw_variables: dict[str, Any]) -> dict[str, Any]:
        if not self._are_all_plain:
            raise _NeedsGraphQLCore
        coerced = {}
        for name, coerce, required in self._coercers:
            value = raw_variables[name] if name in raw_variables else Undefined  # noqa: SIM401 - faster
            if value is not None and value is not Undefined:
                value = coerced[name] = coerce(value)
                if value is Undefined:
                    raise _NeedsGraphQLCore
            elif required:
                raise _NeedsGraphQLCore
            elif value is None:
                coerced[name] = None
        return coerced


def _coercer(type_: Any) -> Callable[[Any], Any]:
    """A function that coerces values other than null. Both raise _NeedsGraphQLCore."""
    if isinstance(type_, GraphQLNonNull):
        type_ = type_.of_type
    if is_list_type(type_):
        return _list_coercer(type_.of_type)
    if not isinstance(type_, GraphQLScalarType):
        raise _NeedsGraphQLCore
    if type_.name not in _PLAIN_SCALARS:
        return type_.coerce_input_value
    python_type = _PLAIN_SCALARS[type_.name]

    def check(value: Any) -> Any:
        if type(value) is not python_type or (python_type is int and not -(2**31) <= value < 2**31):
            raise _NeedsGraphQLCore
        return value

    return check


def _list_coercer(item_type: Any) -> Callable[[Any], Any]:
    coerce_item, required = _coercer(item_type), isinstance(item_type, GraphQLNonNull)

    def coerce(value: Any) -> Any:
        if type(value) is not list or (required and None in value):
            raise _NeedsGraphQLCore
        coerced = [None if each is None else coerce_item(each) for each in value]
        for each in coerced:
            if each is Undefined:
                raise _NeedsGraphQLCore
        return coerced

    return coerce
