"""Decides in one pass whether a document is valid, without the words of the errors.

`validation.py` asks graphql-core about documents that are refused here. So a document may be refused here
although it is valid: that only takes longer. It must never be accepted although graphql-core refuses it.
What is rare and intricate is therefore left to graphql-core: introspection, `@defer`, `@stream`, arguments
of fragments, and subscriptions with fragments or directives at their root.
"""

from collections.abc import Sequence

from graphql import (
    DirectiveLocation,
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    ListTypeNode,
    NamedTypeNode,
    NonNullTypeNode,
    NullValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    TypeNode,
    VariableDefinitionNode,
)

from gql_service.engine.document.field_merging import FieldMerging
from gql_service.engine.document.schema_tables import (
    CompositeType,
    InputType,
    Kind,
    OutputField,
    SchemaTables,
    list_of,
    non_null,
)
from gql_service.engine.document.values import Refused, Usage, check_arguments, check_value

_MAX_USAGES = 10_000
"""Variables in operations, those in fragments counted for each operation: graphql-core has such a limit."""
_LEFT_TO_GRAPHQL_CORE = {"defer", "stream"}


def is_valid(tables: SchemaTables, document: DocumentNode) -> bool:
    """Whether the document is certainly valid."""
    try:
        _Validator(tables, document).check()
    except (Refused, RecursionError):
        return False
    return True


class _Definition:
    """What an operation or a fragment itself uses."""

    __slots__ = ("spreads", "type", "usages")

    def __init__(self, type_: CompositeType) -> None:
        self.type = type_
        self.usages: list[Usage] = []
        self.spreads: dict[str, None] = {}
        """The names of the fragments that it spreads."""


class _Validator:
    """Checks one document. The methods raise Refused."""

    __slots__ = ("_current", "_document", "_fragments", "_merges", "_tables", "_used", "_work")

    def __init__(self, tables: SchemaTables, document: DocumentNode) -> None:
        self._tables = tables
        self._document = document
        self._fragments: dict[str, tuple[FragmentDefinitionNode, _Definition]] = {}
        self._current: _Definition
        """The definition that is being visited."""
        self._merges = False
        """Whether two fields of the document may have the same response key in the same position."""
        self._used: dict[str, tuple[str, ...]] = {}
        """The fragments that each fragment spreads, directly or through others."""
        self._work = 0

    def check(self) -> None:
        operations = self._definitions()
        for fragment, definition in self._fragments.values():
            self._visit(definition, fragment.selection_set)
            self._directives(fragment.directives, DirectiveLocation.FRAGMENT_DEFINITION)
        unused, merging = set(self._fragments), self._field_merging()
        for operation in operations:
            definition = self._operation(operation)
            used = self._reachable(definition.spreads)
            unused.difference_update(used)
            self._variables(operation, [definition, *(self._fragments[name][1] for name in used)])
            if self._merges:
                merging.check(operation.selection_set, definition.type)
        if unused:
            raise Refused

    def _definitions(self) -> list[OperationDefinitionNode]:
        """The operations. Checks names, and notes the fragments."""
        operations: list[OperationDefinitionNode] = []
        names: set[str | None] = set()
        for node in self._document.definitions:
            if isinstance(node, OperationDefinitionNode):
                operations.append(node)
                names.add(node.name.value if node.name else None)
            elif (
                isinstance(node, FragmentDefinitionNode)
                and node.name.value not in self._fragments
                and not node.variable_definitions
            ):
                definition = _Definition(self._composite(node.type_condition))
                self._fragments[node.name.value] = node, definition
            else:
                raise Refused
        if len(names) < len(operations) or (None in names and len(operations) > 1):
            raise Refused
        return operations

    def _field_merging(self) -> FieldMerging:
        fragments = {
            name: (node.selection_set, definition.type)
            for name, (node, definition) in self._fragments.items()
        }
        return FieldMerging(self._tables, fragments)

    def _operation(self, node: OperationDefinitionNode) -> _Definition:
        root = self._tables.root(node.operation)
        if root is None:
            raise Refused
        if node.operation is OperationType.SUBSCRIPTION:
            _check_single_field(node.selection_set)
        definition = _Definition(root)
        self._visit(definition, node.selection_set)
        self._directives(node.directives, DirectiveLocation[node.operation.name])
        return definition

    def _visit(self, definition: _Definition, node: SelectionSetNode) -> None:
        self._current = definition
        self._selections(node, definition.type, set())

    def _selections(self, node: SelectionSetNode, parent: CompositeType, keys: set[str]) -> None:
        """Check a selection set. `keys` are the response keys in the same position so far."""
        fields = parent.fields
        for each in node.selections:
            if isinstance(each, FieldNode):
                name = each.name.value
                field = fields.get(name)
                if field is None:
                    raise Refused
                key = each.alias.value if each.alias else name
                if key in keys:
                    self._merges = True
                keys.add(key)
                self._field(each, field)
            elif isinstance(each, FragmentSpreadNode):
                self._merges = True
                self._spread(each, parent)
            else:
                assert isinstance(each, InlineFragmentNode), "there are no other selections"
                type_ = self._composite(each.type_condition) if each.type_condition else parent
                if not parent.overlaps(type_):
                    raise Refused
                self._directives(each.directives, DirectiveLocation.INLINE_FRAGMENT)
                self._selections(each.selection_set, type_, keys)

    def _field(self, node: FieldNode, field: OutputField) -> None:
        if node.arguments or field.required:
            check_arguments(node.arguments or (), field.inputs, field.required, self._current.usages)
        if node.directives:
            self._directives(node.directives, DirectiveLocation.FIELD)
        if node.selection_set is None:
            if field.child is not None:
                raise Refused
            return
        child = self._tables.composite(field.child) if field.child is not None else None
        if child is None:
            raise Refused
        self._selections(node.selection_set, child, set())

    def _spread(self, node: FragmentSpreadNode, parent: CompositeType) -> None:
        name = node.name.value
        if node.arguments or name not in self._fragments:
            raise Refused
        if not parent.overlaps(self._fragments[name][1].type):
            raise Refused
        self._current.spreads[name] = None
        self._directives(node.directives, DirectiveLocation.FRAGMENT_SPREAD)

    def _directives(self, nodes: Sequence[DirectiveNode] | None, location: DirectiveLocation) -> None:
        names: set[str] = set()
        for node in nodes or ():
            name = node.name.value
            directive = self._tables.directives.get(name)
            if directive is None or name in _LEFT_TO_GRAPHQL_CORE or location not in directive.locations:
                raise Refused
            if name in names and not directive.is_repeatable:
                raise Refused
            names.add(name)
            check_arguments(node.arguments or (), directive.inputs, directive.required, self._current.usages)

    def _reachable(self, spreads: dict[str, None]) -> dict[str, None]:
        """The names of the fragments that an operation uses. Refuses fragments that spread themselves."""
        reachable: dict[str, None] = {}
        for name in spreads:
            reachable[name] = None
            reachable.update(dict.fromkeys(self._spread_by(name, ())))
        return reachable

    def _spread_by(self, name: str, path: tuple[str, ...]) -> tuple[str, ...]:
        """The names of the fragments that a fragment spreads, directly or through others."""
        if name not in self._used:
            if name in path:
                raise Refused
            names: dict[str, None] = {}
            for each in self._fragments[name][1].spreads:
                names[each] = None
                names.update(dict.fromkeys(self._spread_by(each, (*path, name))))
            self._used[name] = tuple(names)
        return self._used[name]

    def _variables(self, node: OperationDefinitionNode, definitions: list[_Definition]) -> None:
        """Check that the variables of an operation are used, and all others are not."""
        declared: dict[str, tuple[InputType, bool]] = {}
        for each in node.variable_definitions or ():
            name = each.variable.name.value
            if name in declared:
                raise Refused
            declared[name] = self._variable(each)
        used: set[str] = set()
        for definition in definitions:
            self._work += len(definition.usages)
            if self._work > _MAX_USAGES:
                raise Refused
            for usage in definition.usages:
                if usage.name not in declared or not _is_allowed(usage, *declared[usage.name]):
                    raise Refused
                used.add(usage.name)
        if len(used) < len(declared):
            raise Refused

    def _variable(self, node: VariableDefinitionNode) -> tuple[InputType, bool]:
        """The type of a variable, and whether it has a default value that is not null."""
        type_, default = self._variable_type(node.type), node.default_value
        self._directives(node.directives, DirectiveLocation.VARIABLE_DEFINITION)
        if default is not None:
            check_value(default, type_, [])
        return type_, default is not None and not isinstance(default, NullValueNode)

    def _variable_type(self, node: TypeNode) -> InputType:
        if isinstance(node, NonNullTypeNode):
            return non_null(self._variable_type(node.type))
        if isinstance(node, ListTypeNode):
            return list_of(self._variable_type(node.type))
        assert isinstance(node, NamedTypeNode), "there are no other types"
        type_ = self._tables.named_input(node.name.value)
        if type_ is None:
            raise Refused
        return type_

    def _composite(self, node: NamedTypeNode) -> CompositeType:
        type_ = self._tables.composite(node.name.value)
        if type_ is None:
            raise Refused
        return type_


def _check_single_field(node: SelectionSetNode) -> None:
    """Refuse what may not be the selections of a subscription."""
    field = node.selections[0] if len(node.selections) == 1 else None
    if not isinstance(field, FieldNode) or field.directives or field.name.value.startswith("__"):
        raise Refused


def _is_allowed(usage: Usage, type_: InputType, has_default: bool) -> bool:
    """Whether a variable of a type may be used in this position."""
    expected = usage.type
    if expected is None:
        return True
    if usage.is_one_of and type_.kind is not Kind.NON_NULL:
        return False
    if expected.kind is Kind.NON_NULL and type_.kind is not Kind.NON_NULL:
        inside = expected.item
        return inside is not None and (has_default or usage.has_default) and inside.accepts(type_)
    return expected.accepts(type_)
