"""The maximum lengths of input lists, checked before the items are coerced.

Coercing an input object takes as long as reading kilobytes of JSON, so a list in a body of 1 MiB could take
seconds. An argument or input field declares its maximum in `extensions["max_items"]`, and in
`extensions["max_items_setting"]` the setting that has it, if there is one. Literals are checked by the
validation rule `ListLengths`, the values of variables by the functions that `list_checks` returns. These also
refuse input objects with very many unknown fields.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

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
from gql_service.settings import PREFIX

_CHECK = "list_check"
_MAX_UNKNOWN_FIELDS = 50
"""The error of graphql-core for each unknown field takes the longer the more there are."""
ListCheck = Callable[[Any], None]
"""Called with the value of a variable as the client sent it. Raises LimitExceeded."""


class _Maximum(NamedTuple):
    """The maximum number of items of a list."""

    items: int
    name: str
    """The argument or input field that declares it."""
    setting: str
    """The setting that has it; empty if there is none."""

    def check(self, count: int) -> None:
        if count > self.items:
            setting = f" ({PREFIX}{self.setting.upper()})" if self.setting else ""
            raise LimitExceeded(f"`{self.name}` has {count} items; {self.items} are allowed{setting}.")


def _maximum(name: str, definition: GraphQLArgument | GraphQLInputField | None) -> _Maximum | None:
    extensions = definition.extensions if definition is not None else {}
    if "max_items" not in extensions:
        return None
    return _Maximum(extensions["max_items"], name, extensions.get("max_items_setting", ""))


class ListLengths(ValidationRule):
    """Checks the lists that the document contains. Raises LimitExceeded."""

    def enter_argument(self, node: ArgumentNode, *_: Any) -> None:
        if isinstance(node.value, ListValueNode):
            _check_literal(node.value, _maximum(node.name.value, self.context.get_argument()))

    def enter_object_field(self, node: ObjectFieldNode, *_: Any) -> None:
        if isinstance(node.value, ListValueNode):
            field = _input_field(self.context.get_parent_input_type(), node)
            _check_literal(node.value, _maximum(node.name.value, field))


def _check_literal(node: ListValueNode, maximum: _Maximum | None) -> None:
    if maximum is not None:
        maximum.check(len(node.values))


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
            check_items = _object_check(get_named_type(type_))
            default = node.default_value
            default_items = [None] * len(default.values) if isinstance(default, ListValueNode) else None
            checks.append((name, _list_check(maxima.get(name), check_items), default_items))
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

    def note(
        node: ArgumentNode | ObjectFieldNode, definition: GraphQLArgument | GraphQLInputField | None
    ) -> None:
        maximum = _maximum(node.name.value, definition)
        if maximum is not None and isinstance(node.value, VariableNode):
            variable = node.value.name.value
            maxima[variable] = min(maximum, maxima.get(variable, maximum))

    class Finder(Visitor):
        def enter_argument(self, node: ArgumentNode, *_: Any) -> None:
            note(node, info.get_argument())

        def enter_object_field(self, node: ObjectFieldNode, *_: Any) -> None:
            note(node, _input_field(info.get_parent_input_type(), node))

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


def _list_check(maximum: _Maximum | None, check_item: ListCheck | None) -> ListCheck:
    def check(value: Any) -> None:
        if maximum is not None and type(value) is list:
            maximum.check(len(value))
        if check_item is not None:
            for item in value if type(value) is list else (value,):
                check_item(item)

    return check


def _object_check(type_: Any) -> ListCheck | None:
    """The check of an input object and all lists in it; None for other types. Kept in the type."""
    if not isinstance(type_, GraphQLInputObjectType):
        return None
    if _CHECK not in type_.extensions:
        fields: list[tuple[str, ListCheck]] = []
        type_.extensions[_CHECK] = _fields_check(type_, fields)  # for types that contain themselves
        _add_checks(type_, fields)
    check: ListCheck = type_.extensions[_CHECK]
    return check


def _add_checks(type_: GraphQLInputObjectType, fields: list[tuple[str, ListCheck]]) -> None:
    for name, field in type_.fields.items():
        check_item = _object_check(get_named_type(field.type))
        if is_list_type(get_nullable_type(field.type)):
            fields.append((name, _list_check(_maximum(name, field), check_item)))
        elif check_item is not None:
            fields.append((name, check_item))


def _fields_check(type_: GraphQLInputObjectType, fields: list[tuple[str, ListCheck]]) -> ListCheck:
    known = len(type_.fields)

    def check(value: Any) -> None:
        if type(value) is dict:
            if len(value) > known + _MAX_UNKNOWN_FIELDS:
                raise LimitExceeded(f"`{type_.name}` has {known} fields, but the value has {len(value)}.")
            for name, check_field in fields:
                if name in value:
                    check_field(value[name])

    return check
