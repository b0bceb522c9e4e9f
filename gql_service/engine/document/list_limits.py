"""The maximum lengths of input lists, checked before the items are coerced.

Coercing an input object takes as long as reading kilobytes of JSON, so a list in a body of 1 MiB could take
seconds. An argument or input field declares its maximum in `extensions["max_items"]`. Literals are checked by
the validation rule `ListLengths`, the values of variables by the functions that `list_checks` returns.
"""

from collections.abc import Callable, Mapping
from typing import Any

from graphql import (
    ArgumentNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLArgument,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLSchema,
    ListValueNode,
    ObjectFieldNode,
    OperationDefinitionNode,
    TypeInfo,
    TypeInfoVisitor,
    ValidationRule,
    VariableNode,
    Visitor,
    get_named_type,
    get_nullable_type,
    is_list_type,
    type_from_ast,
    visit,
)

from gql_service.errors import LimitExceeded

_CHECK = "list_check"
_Maximum = tuple[int, str]
"""The maximum number of items, and the name of the argument or input field that declares it."""
ListCheck = Callable[[Any], None]
"""Called with the value of a variable as the client sent it. Raises LimitExceeded."""


def _max_items(definition: GraphQLArgument | GraphQLInputField | None) -> int | None:
    maximum: int | None = definition.extensions.get("max_items") if definition is not None else None
    return maximum


def _check_length(name: str, count: int, maximum: int | None) -> None:
    if maximum is not None and count > maximum:
        raise LimitExceeded(f"`{name}` has {count} items; {maximum} are allowed.")


class ListLengths(ValidationRule):
    """Checks the lists that the document contains. Raises LimitExceeded."""

    def enter_argument(self, node: ArgumentNode, *_: Any) -> None:
        if isinstance(node.value, ListValueNode):
            _check_length(node.name.value, len(node.value.values), _max_items(self.context.get_argument()))

    def enter_object_field(self, node: ObjectFieldNode, *_: Any) -> None:
        if isinstance(node.value, ListValueNode):
            field = _input_field(self.context.get_parent_input_type(), node)
            _check_length(node.name.value, len(node.value.values), _max_items(field))


def list_checks(
    schema: GraphQLSchema,
    operation: OperationDefinitionNode,
    fragments: Mapping[str, FragmentDefinitionNode],
) -> list[tuple[str, ListCheck, Any]]:
    """The variables of an operation whose values may contain limited lists, and the check of each.

    The third item is a list as long as the default value of the variable; None if that is not a list.
    """
    checks: list[tuple[str, ListCheck, Any]] = []
    maxima: dict[str, _Maximum] | None = None
    for node in operation.variable_definitions or ():
        name = node.variable.name.value
        type_: Any = type_from_ast(schema, node.type)
        if is_list_type(get_nullable_type(type_)):
            if maxima is None:
                maxima = _maxima_of_variables(schema, operation, fragments)
            maximum, position = maxima.get(name, (None, name))
            check_items = _object_check(get_named_type(type_))
            default = node.default_value
            default_items = [None] * len(default.values) if isinstance(default, ListValueNode) else None
            checks.append((name, _list_check(maximum, position, check_items), default_items))
        elif check := _object_check(get_named_type(type_)):
            checks.append((name, check, None))
    return checks


def _maxima_of_variables(
    schema: GraphQLSchema,
    operation: OperationDefinitionNode,
    fragments: Mapping[str, FragmentDefinitionNode],
) -> dict[str, _Maximum]:
    """The smallest maximum of the positions in which the operation uses each variable as a list."""
    info, maxima = TypeInfo(schema), dict[str, _Maximum]()
    pending: list[OperationDefinitionNode | FragmentDefinitionNode] = [operation]
    seen: set[str] = set()

    def note(node: ArgumentNode | ObjectFieldNode, maximum: int | None) -> None:
        if maximum is not None and isinstance(node.value, VariableNode):
            variable, found = node.value.name.value, (maximum, node.name.value)
            maxima[variable] = min(found, maxima.get(variable, found))

    class Finder(Visitor):
        def enter_argument(self, node: ArgumentNode, *_: Any) -> None:
            note(node, _max_items(info.get_argument()))

        def enter_object_field(self, node: ObjectFieldNode, *_: Any) -> None:
            note(node, _max_items(_input_field(info.get_parent_input_type(), node)))

        def enter_fragment_spread(self, node: FragmentSpreadNode, *_: Any) -> None:
            name = node.name.value
            if name not in seen and name in fragments:
                seen.add(name)
                pending.append(fragments[name])

    visitor = TypeInfoVisitor(info, Finder())
    for definition in pending:  # grows while it is iterated
        visit(definition, visitor)
    return maxima


def _input_field(parent: Any, node: ObjectFieldNode) -> GraphQLInputField | None:
    type_ = get_named_type(parent)
    return type_.fields.get(node.name.value) if isinstance(type_, GraphQLInputObjectType) else None


def _list_check(maximum: int | None, name: str, check_item: ListCheck | None) -> ListCheck:
    def check(value: Any) -> None:
        if type(value) is list:
            _check_length(name, len(value), maximum)
        if check_item is not None:
            for item in value if type(value) is list else (value,):
                check_item(item)

    return check


def _object_check(type_: Any) -> ListCheck | None:
    """The check of all lists in an input object; None if the type has none. Kept in the type."""
    if not isinstance(type_, GraphQLInputObjectType):
        return None
    if _CHECK not in type_.extensions:
        fields: list[tuple[str, ListCheck]] = []
        type_.extensions[_CHECK] = _fields_check(fields)  # for types that contain themselves
        _add_checks(type_, fields)
        if not fields:
            type_.extensions[_CHECK] = None
    check: ListCheck | None = type_.extensions[_CHECK]
    return check


def _add_checks(type_: GraphQLInputObjectType, fields: list[tuple[str, ListCheck]]) -> None:
    for name, field in type_.fields.items():
        check_item = _object_check(get_named_type(field.type))
        if is_list_type(get_nullable_type(field.type)):
            fields.append((name, _list_check(_max_items(field), name, check_item)))
        elif check_item is not None:
            fields.append((name, check_item))


def _fields_check(fields: list[tuple[str, ListCheck]]) -> ListCheck:
    def check(value: Any) -> None:
        if type(value) is dict:
            for name, check_field in fields:
                if name in value:
                    check_field(value[name])

    return check
