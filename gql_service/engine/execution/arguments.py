"""Arguments and variables, worked out beforehand as far as they do not depend on the request.

Values of the plain kinds are passed through when they are of the expected Python type. Whatever is not, the
reference implementation coerces or refuses, so that every message is its own.
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
_PLAIN: dict[str, Any] = {"String": str, "ID": str, "Boolean": bool, "Int": int}
_IMMUTABLE = (str, int, float, type(None), Enum)
_ABSENT = object()


class _NeedsGraphQLCore(Exception):
    """The reference implementation is to look at it."""


def argument_binder(
    schema: GraphQLSchema, node: FieldNode, definition: GraphQLField, field: StrawberryField
) -> ArgumentBinder:
    """A function from a run to a resolver's keyword arguments, a new dictionary each time."""
    if not definition.args:
        return lambda _run: {}
    slow = _graphql_core_binder(schema, node, definition, field)
    try:
        parts = _value_getters(definition.args, node.arguments or ())
    except _NeedsGraphQLCore:
        return slow

    def bind(run: Run) -> dict[str, Any]:
        given = {}
        try:
            for name, part in parts:
                value = part(run.variables)
                if value is not _ABSENT:
                    given[name] = value
        except _NeedsGraphQLCore:
            return slow(run)
        return given

    return bind


def _graphql_core_binder(
    schema: GraphQLSchema, node: FieldNode, definition: GraphQLField, field: StrawberryField
) -> ArgumentBinder:
    config = schema._strawberry_schema  # type: ignore[attr-defined]

    def bind(run: Run) -> dict[str, Any]:
        return convert_arguments(
            get_argument_values(definition, node, run.variables_by_reference()),
            field.arguments,
            scalar_registry=config.schema_converter.scalar_registry,
            config=config.config,
            info=run.info,
        )

    return bind


def _value_getters(
    inputs: Mapping[str, GraphQLArgument | GraphQLInputField],
    nodes: Sequence[ArgumentNode | ObjectFieldNode],
) -> list[tuple[str, ValueGetter]]:
    """How to get each value that is given, with its name in Python. Raises _Slow where this knows no way."""
    given = {each.name.value: each.value for each in nodes}
    parts = []
    for name, expected in inputs.items():
        has_default = expected.default is not None or expected.default_value is not Undefined
        strawberrys = expected.extensions["strawberry-definition"]
        if name in given:
            if _is_converted(strawberrys.type):
                raise _NeedsGraphQLCore
            parts.append((strawberrys.python_name, _value_getter(expected.type, given[name], has_default)))
        elif has_default:
            raise _NeedsGraphQLCore
    return parts


def _is_converted(type_: Any) -> bool:
    """Whether Strawberry makes something else of a value."""
    if isinstance(type_, StrawberryMaybe) or type_ is GlobalID:
        return True
    return isinstance(type_, StrawberryContainer) and _is_converted(type_.of_type)


def _value_getter(type_: GraphQLInputType, node: ValueNode, has_default: bool) -> ValueGetter:
    nullable: Any = get_nullable_type(type_)
    if isinstance(node, VariableNode):
        return _variable_getter(nullable, node.name.value, has_default, required=nullable is not type_)
    if isinstance(node, ObjectValueNode) and is_input_object_type(nullable):
        return _input_object_getter(nullable, node)
    if _mentions_variables(node) or not _is_simple(nullable):
        raise _NeedsGraphQLCore
    constant = coerce_input_literal(node, type_)
    if constant is Undefined:
        raise _NeedsGraphQLCore  # it is invalid, and the reference implementation says why
    if isinstance(constant, _IMMUTABLE):
        return lambda _variables: constant
    return lambda _variables: coerce_input_literal(node, type_)


def _variable_getter(
    nullable: GraphQLInputType, name: str, has_default: bool, *, required: bool
) -> ValueGetter:
    if not _is_simple(nullable):
        raise _NeedsGraphQLCore

    def part(variables: dict[str, Any]) -> Any:
        value = variables.get(name, _ABSENT)
        if (value is _ABSENT and (required or has_default)) or (value is None and required):
            raise _NeedsGraphQLCore
        return list(value) if type(value) is list else value

    return part


def _input_object_getter(type_: Any, node: ObjectValueNode) -> ValueGetter:
    """An input object, built as Strawberry builds it: by keyword arguments, null where one must be given."""
    definition = type_.extensions["strawberry-definition"]
    parts = _value_getters(type_.fields, node.fields)
    origin, one_of = definition.origin, definition.is_one_of
    if definition.from_input is not None or (one_of and len(parts) != 1):
        raise _NeedsGraphQLCore
    needed = {
        field.python_name: None
        for field in definition.fields
        if field.default_value is MISSING and field.default_factory is MISSING
    }

    def build(variables: dict[str, Any]) -> Any:
        values = dict[str, Any](needed)
        for name, part in parts:
            value = part(variables)
            if one_of and (value is None or value is _ABSENT):
                raise _NeedsGraphQLCore
            if value is not _ABSENT:
                values[name] = value
        return origin(**values)

    return build


def _is_simple(type_: GraphQLInputType) -> bool:
    """Leaves and lists of leaves."""
    return is_leaf_type(get_nullable_type(type_.of_type) if is_list_type(type_) else type_)


def _mentions_variables(node: ValueNode) -> bool:
    found = []

    class Finder(Visitor):
        def enter_variable(self, *_: Any) -> None:
            found.append(1)

    visit(node, Finder())
    return bool(found)


class Variables:
    """The variables an operation declares."""

    def __init__(self, schema: GraphQLSchema, operation: OperationDefinitionNode) -> None:
        self._schema = schema
        self._nodes = operation.variable_definitions or ()
        self._coercers: list[tuple[str, Callable[[Any], Any], bool]] = []
        self._all_plain = True
        for node in self._nodes:
            try:
                type_ = type_from_ast(schema, node.type)
                name, required = node.variable.name.value, isinstance(type_, GraphQLNonNull)
                if node.default_value is not None:
                    raise _NeedsGraphQLCore
                self._coercers.append((name, _coercer(type_), required))
            except _NeedsGraphQLCore:
                self._all_plain = False

    def coerce(self, given: dict[str, Any]) -> dict[str, Any] | list[Any]:
        """The values, or the errors, as the reference implementation has them."""
        try:
            return self._pass(given)
        except Exception:
            found = self.by_reference(given)
        return found.coerced if isinstance(found, VariableValues) else found

    def by_reference(self, given: dict[str, Any]) -> VariableValues | list[Any]:
        return get_variable_values(self._schema, self._nodes, given, max_errors=50)

    def _pass(self, given: dict[str, Any]) -> dict[str, Any]:
        if not self._all_plain:
            raise _NeedsGraphQLCore
        coerced = {}
        for name, coerce, required in self._coercers:
            value = given[name] if name in given else Undefined  # noqa: SIM401 - half the time of a call
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
    """What to do with a value that is not null."""
    if isinstance(type_, GraphQLNonNull):
        type_ = type_.of_type
    if is_list_type(type_):
        return _list_coercer(type_.of_type)
    if not isinstance(type_, GraphQLScalarType):
        raise _NeedsGraphQLCore
    if type_.name not in _PLAIN:
        return type_.coerce_input_value
    plain = _PLAIN[type_.name]

    def check(value: Any) -> Any:
        if type(value) is not plain or (plain is int and not -(2**31) <= value < 2**31):
            raise _NeedsGraphQLCore
        return value

    return check


def _list_coercer(item_type: Any) -> Callable[[Any], Any]:
    item, required = _coercer(item_type), isinstance(item_type, GraphQLNonNull)

    def coerce(value: Any) -> Any:
        if type(value) is not list or (required and None in value):
            raise _NeedsGraphQLCore
        coerced = [None if each is None else item(each) for each in value]
        for each in coerced:
            if each is Undefined:
                raise _NeedsGraphQLCore
        return coerced

    return coerce
