"""The variables that an operation declares, and the coercion of their values.

Plain values are passed through if they have the expected Python type. Everything else is left to
graphql-core, which coerces or rejects it, so all error messages are graphql-core's.
"""

from collections.abc import Callable, Mapping
from typing import Any

from graphql import (
    FragmentDefinitionNode,
    GraphQLNonNull,
    GraphQLScalarType,
    GraphQLSchema,
    OperationDefinitionNode,
    Undefined,
    is_list_type,
    type_from_ast,
)
from graphql.execution.values import VariableValues, get_variable_values

from gql_service.engine.document.list_limits import list_checks

_PLAIN_SCALARS: dict[str, Any] = {"String": str, "ID": str, "Boolean": bool, "Int": int}
_MAX_ERRORS = 50


class NeedsGraphQLCore(Exception):
    """The engine cannot coerce the value itself; graphql-core has to."""


class VariableDefinitions:
    """The variables that an operation declares."""

    def __init__(
        self,
        schema: GraphQLSchema,
        operation: OperationDefinitionNode,
        fragments: Mapping[str, FragmentDefinitionNode],
    ) -> None:
        self._schema = schema
        self._list_checks = list_checks(schema, operation, fragments)
        self._nodes = operation.variable_definitions or ()
        self._coercers: list[tuple[str, Callable[[Any], Any], bool]] = []
        self._are_all_plain = True
        for node in self._nodes:
            try:
                type_ = type_from_ast(schema, node.type)
                name, required = node.variable.name.value, isinstance(type_, GraphQLNonNull)
                if node.default_value is not None:
                    raise NeedsGraphQLCore
                self._coercers.append((name, _coercer(type_), required))
            except NeedsGraphQLCore:
                self._are_all_plain = False

    def check_sizes(self, raw_variables: dict[str, Any]) -> None:
        """Raises LimitExceeded for lists that are too long, before they are coerced."""
        for name, check, default in self._list_checks:
            check(raw_variables.get(name, default))

    def coerce(
        self, raw_variables: dict[str, Any]
    ) -> tuple[dict[str, Any] | list[Any], VariableValues | None]:
        """The coerced values by their names, or graphql-core's list of errors.

        If graphql-core coerced them, the second item has them in its own form, so that nobody coerces them
        again.
        """
        try:
            return self._coerce_plain(raw_variables), None
        except Exception:
            result = self.coerce_with_graphql_core(raw_variables)
        return (result.coerced, result) if isinstance(result, VariableValues) else (result, None)

    def coerce_with_graphql_core(self, raw_variables: dict[str, Any]) -> VariableValues | list[Any]:
        """The coerced values in graphql-core's own form, or its list of errors."""
        return get_variable_values(self._schema, self._nodes, raw_variables, max_errors=_MAX_ERRORS)

    def _coerce_plain(self, raw_variables: dict[str, Any]) -> dict[str, Any]:
        if not self._are_all_plain:
            raise NeedsGraphQLCore
        coerced = {}
        for name, coerce, required in self._coercers:
            value = raw_variables[name] if name in raw_variables else Undefined  # noqa: SIM401 - faster
            if value is not None and value is not Undefined:
                value = coerced[name] = coerce(value)
                if value is Undefined:
                    raise NeedsGraphQLCore
            elif required:
                raise NeedsGraphQLCore
            elif value is None:
                coerced[name] = None
        return coerced


def _coercer(type_: Any) -> Callable[[Any], Any]:
    """A function that coerces values other than null. Both raise NeedsGraphQLCore."""
    if isinstance(type_, GraphQLNonNull):
        type_ = type_.of_type
    if is_list_type(type_):
        return _list_coercer(type_.of_type)
    if not isinstance(type_, GraphQLScalarType):
        raise NeedsGraphQLCore
    if type_.name not in _PLAIN_SCALARS:
        return type_.coerce_input_value
    python_type = _PLAIN_SCALARS[type_.name]

    def check(value: Any) -> Any:
        if type(value) is not python_type or (python_type is int and not -(2**31) <= value < 2**31):
            raise NeedsGraphQLCore
        return value

    return check


def _list_coercer(item_type: Any) -> Callable[[Any], Any]:
    coerce_item, required = _coercer(item_type), isinstance(item_type, GraphQLNonNull)

    def coerce(value: Any) -> Any:
        if type(value) is not list or (required and None in value):
            raise NeedsGraphQLCore
        coerced = [None if each is None else coerce_item(each) for each in value]
        for each in coerced:
            if each is Undefined:
                raise NeedsGraphQLCore
        return coerced

    return coerce
