"""Arguments and variables, worked out beforehand as far as they do not depend on the request.

Values of the plain kinds are passed through when they are of the expected Python type. Whatever is not, the
reference implementation coerces or refuses, so that every message is its own.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from graphql import (
    FieldNode,
    GraphQLArgument,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputType,
    GraphQLNonNull,
    GraphQLScalarType,
    GraphQLSchema,
    ObjectValueNode,
    OperationDefinitionNode,
    Undefined,
    ValueNode,
    VariableNode,
    is_input_object_type,
    is_leaf_type,
    is_list_type,
    type_from_ast,
    value_from_ast,
)
from graphql.execution.values import VariableValues, get_argument_values, get_variable_values
from graphql.language import Visitor, visit
from strawberry.types.arguments import convert_arguments
from strawberry.types.field import StrawberryField

from gql_service.engine.run import Run

Bind = Callable[[Run], dict[str, Any]]
_PLAIN: dict[str, Any] = {"String": str, "ID": str, "Boolean": bool, "Int": int}
_ABSENT = object()


class _Slow(Exception):
    """The reference implementation is to look at it."""


def arguments(
    schema: GraphQLSchema, node: FieldNode, definition: GraphQLField, field: StrawberryField
) -> Bind:
    """A function from a run to a resolver's keyword arguments, a new dictionary each time."""
    if not definition.args:
        return lambda _run: {}
    slow = _by_reference(schema, node, definition, field)
    try:
        parts = _parts(node, definition, field)
    except _Slow:
        return slow

    def bind(run: Run) -> dict[str, Any]:
        given = {}
        try:
            for name, part in parts:
                value = part(run.variables)
                if value is not _ABSENT:
                    given[name] = value
        except _Slow:
            return slow(run)
        return given

    return bind


def _by_reference(
    schema: GraphQLSchema, node: FieldNode, definition: GraphQLField, field: StrawberryField
) -> Bind:
    config = schema._strawberry_schema  # type: ignore[attr-defined]

    def bind(run: Run) -> dict[str, Any]:
        return convert_arguments(
            get_argument_values(definition, node, run.given()),
            field.arguments,
            scalar_registry=config.schema_converter.scalar_registry,
            config=config.config,
        )

    return bind


def _parts(
    node: FieldNode, definition: GraphQLField, field: StrawberryField
) -> list[tuple[str, Callable[[dict[str, Any]], Any]]]:
    names = {argument.python_name: argument for argument in field.arguments}
    given = {argument.name.value: argument.value for argument in node.arguments or ()}
    parts = []
    for (graphql_name, argument), python_name in zip(definition.args.items(), names, strict=True):
        if graphql_name in given:
            parts.append((python_name, _part(argument.type, given[graphql_name])))
        elif _has_default(argument):
            raise _Slow
    return parts


def _has_default(input_value: GraphQLArgument | GraphQLInputField) -> bool:
    return input_value.default is not None or input_value.default_value is not Undefined


def _part(type_: GraphQLInputType, node: ValueNode) -> Callable[[dict[str, Any]], Any]:
    """How to get one value. Raises _Slow where this knows no way."""
    nullable = type_.of_type if isinstance(type_, GraphQLNonNull) else type_
    if isinstance(node, VariableNode):
        return _variable(type_, nullable, node.name.value)
    if isinstance(node, ObjectValueNode) and is_input_object_type(nullable):
        return _object(nullable, node)
    if _mentions_variables(node) or not (is_leaf_type(nullable) or _is_list_of_leaves(nullable)):
        raise _Slow
    constant = value_from_ast(node, type_)
    if constant is Undefined:
        raise _Slow  # it is invalid, and the reference implementation says why
    return lambda _variables: constant


def _variable(
    type_: GraphQLInputType, nullable: GraphQLInputType, name: str
) -> Callable[[dict[str, Any]], Any]:
    if not (is_leaf_type(nullable) or _is_list_of_leaves(nullable)):
        raise _Slow
    required = nullable is not type_

    def part(variables: dict[str, Any]) -> Any:
        value = variables.get(name, _ABSENT)
        if required and (value is None or value is _ABSENT):
            raise _Slow
        return value

    return part


def _object(type_: Any, node: ObjectValueNode) -> Callable[[dict[str, Any]], Any]:
    """An input object, built as Strawberry builds it: by the keyword arguments that were given."""
    definition = type_.extensions["strawberry-definition"]
    names = dict(zip(type_.fields, (field.python_name for field in definition.fields), strict=True))
    given = {field.name.value: field.value for field in node.fields}
    if any(_has_default(field) for name, field in type_.fields.items() if name not in given):
        raise _Slow
    parts = [(names[name], _part(type_.fields[name].type, value)) for name, value in given.items()]
    origin, one_of = definition.origin, definition.is_one_of

    def build(variables: dict[str, Any]) -> Any:
        values = {name: part(variables) for name, part in parts}
        if one_of and (len(values) != 1 or None in values.values()):
            raise _Slow
        return origin(**{name: value for name, value in values.items() if value is not _ABSENT})

    return build


def _is_list_of_leaves(type_: GraphQLInputType) -> bool:
    while is_list_type(type_) or isinstance(type_, GraphQLNonNull):
        type_ = type_.of_type
    return is_leaf_type(type_)


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
                    raise _Slow
                self._coercers.append((name, _coercer(type_), required))
            except _Slow:
                self._all_plain = False

    def coerce(self, given: dict[str, Any]) -> dict[str, Any] | list[Any]:
        """The values, or the errors, as the reference implementation has them."""
        if self._all_plain:
            with suppress(Exception):
                return self._pass(given)
        found = self.by_reference(given)
        return found.coerced if isinstance(found, VariableValues) else found

    def by_reference(self, given: dict[str, Any]) -> VariableValues | list[Any]:
        return get_variable_values(self._schema, self._nodes, given, max_errors=50)

    def _pass(self, given: dict[str, Any]) -> dict[str, Any]:
        coerced = {}
        for name, coerce, required in self._coercers:
            if name in given:
                value = given[name]
                coerced[name] = coerce(value) if required or value is not None else None
            elif required:
                raise _Slow
        return coerced


def _coercer(type_: Any) -> Callable[[Any], Any]:
    """What to do with a value that is not null."""
    if isinstance(type_, GraphQLNonNull):
        type_ = type_.of_type
    if is_list_type(type_):
        return _list_coercer(type_.of_type)
    if not isinstance(type_, GraphQLScalarType):
        raise _Slow
    if type_.name not in _PLAIN:
        return type_.coerce_input_value
    plain = _PLAIN[type_.name]

    def check(value: Any) -> Any:
        if type(value) is not plain or (plain is int and not -(2**31) <= value < 2**31):
            raise _Slow
        return value

    return check


def _list_coercer(item_type: Any) -> Callable[[Any], Any]:
    item, required = _coercer(item_type), isinstance(item_type, GraphQLNonNull)

    def coerce(value: Any) -> Any:
        if type(value) is not list or (required and None in value):
            raise _Slow
        return [None if each is None else item(each) for each in value]

    return coerce
