"""Whether all fields with the same response key in the same position can be merged into one.

Specification, 5.3.2. Each operation is walked once, its fragments expanded: all fields of a position are
grouped by their key, compared, and the selections of each group are walked together. graphql-core compares
every two fields instead, and walks the selections of every two of them.
"""

from typing import Any

from graphql import (
    ArgumentNode,
    FieldNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    ListValueNode,
    NullValueNode,
    ObjectValueNode,
    SelectionSetNode,
    StringValueNode,
    ValueNode,
    VariableNode,
)

from gql_service.engine.document.schema_tables import CompositeType, OutputField, SchemaTables
from gql_service.engine.document.values import Refused

_MAX_SELECTIONS = 2_000
"""Selections to walk, those of fragments counted for each spread."""
_MAX_PAIRS = 300
"""Pairs of fields of the same key: graphql-core says whether more are too many. See `limits.py`."""
_MAX_NESTING = 100
"""Selection sets in each other, fragments included. graphql-core has a limit, too."""


class _Selected:
    """A field in a selection set of a type."""

    __slots__ = ("field", "node", "parent")

    def __init__(self, node: FieldNode, parent: CompositeType, field: OutputField) -> None:
        self.node = node
        self.parent = parent
        self.field = field


_Groups = dict[str, list[_Selected]]


class FieldMerging:
    """Checks the operations of one document. The methods raise Refused."""

    __slots__ = ("_fragments", "_pairs", "_selections", "_tables")

    def __init__(
        self, tables: SchemaTables, fragments: dict[str, tuple[SelectionSetNode, CompositeType]]
    ) -> None:
        self._tables = tables
        self._fragments = fragments
        self._selections = 0
        self._pairs = 0

    def check(self, node: SelectionSetNode, root: CompositeType) -> None:
        """Check an operation whose other rules were checked."""
        groups: _Groups = {}
        self._collect(node, root, groups, set(), 1)
        self._check_merged(groups, 1)

    def _collect(
        self, node: SelectionSetNode, parent: CompositeType, groups: _Groups, spread: set[str], nesting: int
    ) -> None:
        """Add the fields of a selection set by their keys. `spread` are the fragments collected so far."""
        self._selections += len(node.selections)
        if self._selections > _MAX_SELECTIONS or nesting > _MAX_NESTING:
            raise Refused
        for each in node.selections:
            if isinstance(each, FieldNode):
                name = each.name.value
                key = each.alias.value if each.alias else name
                groups.setdefault(key, []).append(_Selected(each, parent, parent.fields[name]))
            elif isinstance(each, FragmentSpreadNode):
                if (name := each.name.value) not in spread:
                    spread.add(name)
                    self._collect(*self._fragments[name], groups, spread, nesting + 1)
            else:
                assert isinstance(each, InlineFragmentNode), "there are no other selections"
                type_ = parent
                if each.type_condition:
                    type_ = self._type(each.type_condition.name.value)
                self._collect(each.selection_set, type_, groups, spread, nesting + 1)

    def _check_merged(self, groups: _Groups, nesting: int) -> None:
        """Check groups of fields that may be selected of the same object."""
        for fields in groups.values():
            if len(fields) == 1:
                if fields[0].node.selection_set:
                    self._check_merged(self._children(fields, nesting), nesting + 1)
                continue
            self._pairs += len(fields) * (len(fields) - 1) // 2
            if self._pairs > _MAX_PAIRS:
                raise Refused
            _check_shapes(fields)
            sets = _selected_together(fields)
            for each in sets:
                _check_same_field(each)
                self._check_merged(self._children(each, nesting), nesting + 1)
            if len(sets) > 1:
                self._check_shapes_below(self._children(fields, nesting), nesting + 1)

    def _check_shapes_below(self, groups: _Groups, nesting: int) -> None:
        """Check groups of fields of different objects: only their types must agree."""
        for fields in groups.values():
            _check_shapes(fields)
            self._check_shapes_below(self._children(fields, nesting), nesting + 1)

    def _children(self, fields: list[_Selected], nesting: int) -> _Groups:
        """The fields selected below some fields, by their keys."""
        groups: _Groups = {}
        spread: set[str] = set()
        for each in fields:
            if each.node.selection_set and each.field.child is not None:
                type_ = self._type(each.field.child)
                self._collect(each.node.selection_set, type_, groups, spread, nesting + 1)
        return groups

    def _type(self, name: str) -> CompositeType:
        type_ = self._tables.composite(name)
        assert type_ is not None, "its name was checked before"
        return type_


def _check_shapes(fields: list[_Selected]) -> None:
    shape = fields[0].field.shape
    for each in fields:
        if each.field.shape != shape:
            raise Refused


def _selected_together(fields: list[_Selected]) -> list[list[_Selected]]:
    """The fields that may be selected of the same object: those of each object type, with all abstract ones.

    Each field of an interface may also be one of any object type, even of those that do not implement it:
    the specification leaves room for schemas to grow.
    """
    abstract = [each for each in fields if not each.parent.is_object]
    by_type: dict[str, list[_Selected]] = {}
    for each in fields:
        if each.parent.is_object:
            by_type.setdefault(each.parent.name, list(abstract)).append(each)
    return list(by_type.values()) or [abstract]


def _check_same_field(fields: list[_Selected]) -> None:
    first = fields[0].node
    for each in fields:
        node = each.node
        if node.name.value != first.name.value:
            raise Refused
        if (node.arguments or first.arguments) and _key(node.arguments) != _key(first.arguments):
            raise Refused


def _key(arguments: tuple[ArgumentNode, ...] | None) -> dict[str, Any]:
    """Equal for the same arguments in any order."""
    return {each.name.value: _value_key(each.value) for each in arguments or ()}


def _value_key(node: ValueNode) -> Any:
    if isinstance(node, VariableNode):
        return "$", node.name.value
    if isinstance(node, ListValueNode):
        return "[", [_value_key(each) for each in node.values]
    if isinstance(node, ObjectValueNode):
        return "{", {each.name.value: _value_key(each.value) for each in node.fields}
    if isinstance(node, NullValueNode):
        return "null"
    if isinstance(node, StringValueNode):
        return node.value, node.block
    value: str | bool = node.value  # type: ignore[attr-defined] # all other literals have one
    return node.kind, value
