"""Documents that differ only in the values of their arguments share one document, and so one plan.

The values are lifted out of the text: `find_literals` replaces them by placeholders. What is left, the
skeleton, is the same for all of these documents. When a skeleton is seen again, `make_template` turns the
values into variables of the operation. After that, a text of this skeleton is neither parsed nor validated.

Only strings, ids and integers are lifted, and only where nothing but a resolver looks at them: as arguments
of fields, and in input objects. So sizes of pages, which decide about the cost, items of lists, and values in
custom scalars, of directives and of default values remain part of the document.
"""

import re
from bisect import bisect_right
from collections.abc import Sequence
from typing import Any, NamedTuple

from graphql import (
    ArgumentNode,
    DocumentNode,
    FieldNode,
    GraphQLError,
    InlineFragmentNode,
    IntValueNode,
    NameNode,
    ObjectFieldNode,
    ObjectValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    StringValueNode,
    VariableDefinitionNode,
    VariableNode,
    parse_type,
)

from gql_service.engine.document.cost import PAGE_ARGUMENTS
from gql_service.engine.document.schema_tables import CompositeType, Input, InputType, Kind, SchemaTables
from gql_service.engine.document.source import DocumentSource
from gql_service.engine.document.values import is_int

_STRING, _INT, _BROKEN = 1, 2, 3
_PLACEHOLDERS = {_STRING: "\0s", _INT: "\0i"}
_BEFORE, _AFTER = r"(?<![._0-9A-Za-z])", r"(?![._0-9A-Za-z])"
_LITERAL = re.compile(
    "|".join(
        [
            r"#[^\n\r]*+",
            r'"""(?:[^"\\]|\\(?:""")?|"(?!""))*+"""',
            r'"(?!"")([^"\\\n\r\ud800-\udfff]*+)"',
            r'"(?!"")(?:[^"\\\n\r]|\\.)*+"',
            rf"(?<![_0-9A-Za-z])(?:{'|'.join(PAGE_ARGUMENTS)})\s*+:\s*+-?[0-9]++",
            rf"{_BEFORE}(-?(?:0|[1-9][0-9]*+)){_AFTER}",
            r'(")',
        ]
    )
)
"""Finds what may be lifted, as groups, and what is not searched: comments, other strings, sizes of pages."""


class Literals(NamedTuple):
    """The strings and integers of a text."""

    skeleton: str
    values: list[str]
    """What strings mean, and the digits of integers."""
    starts: list[int]
    ends: list[int]


def find_literals(text: str) -> Literals | None:
    """The literals of a text; None if there are none, or if the text is broken."""
    if "\0" in text:
        return None
    pieces: list[str] = []
    literals = Literals("", [], [], [])
    position = 0
    for found in _LITERAL.finditer(text):
        kind = found.lastindex
        if kind == _BROKEN:
            return None
        if kind is not None:
            start, end = found.span()
            pieces += (text[position:start], _PLACEHOLDERS[kind])
            literals.values.append(found[kind])
            literals.starts.append(start)
            literals.ends.append(end)
            position = end
    if not pieces:
        return None
    return literals._replace(skeleton="".join([*pieces, text[position:]]))


class Lifted(NamedTuple):
    """What a text has in place of the variables of its template."""

    variables: dict[str, Any]
    text: str
    template_ends: Sequence[int]
    ends: Sequence[int]
    """Where the literals end: in the text of the template, and in this one."""

    def relocate(self, errors: Sequence[GraphQLError]) -> None:
        """Let errors say where they are in this text, instead of that of the template."""
        source = DocumentSource(self.text)
        for error in errors:
            if error.positions and error.source and error.source is not source:
                error.nodes, error.source = None, source
                error.positions = [self._position(each) for each in error.positions]
                error.locations = [source.get_location(each) for each in error.positions]

    def _position(self, position: int) -> int:
        before = bisect_right(self.template_ends, position)
        return position + self.ends[before - 1] - self.template_ends[before - 1] if before else position


class Template:
    """Which literals of a skeleton are variables, and what the others must be."""

    __slots__ = ("_ends", "_fixed", "_lifted")

    def __init__(self, literals: Literals, lifted: dict[int, Kind]) -> None:
        self._lifted = [(index, _variable_name(index), kind) for index, kind in lifted.items()]
        self._fixed = [(index, value) for index, value in enumerate(literals.values) if index not in lifted]
        self._ends = literals.ends

    def lift(self, text: str, literals: Literals) -> Lifted | None:
        """The values of a text of the same skeleton; None if it is another document, or invalid."""
        values = literals.values
        for index, value in self._fixed:
            if values[index] != value:
                return None
        variables: dict[str, Any] = {}
        for index, name, kind in self._lifted:
            value = values[index]
            if kind is not Kind.INT:
                variables[name] = value
            elif is_int(value):
                variables[name] = int(value)
            else:
                return None
        return Lifted(variables, text, self._ends, literals.ends)


def make_template(tables: SchemaTables, document: DocumentNode, literals: Literals) -> Template | None:
    """Replace the literals of a valid document by variables. Returns None if none can be replaced."""
    operation = document.definitions[0]
    if len(document.definitions) > 1 or not isinstance(operation, OperationDefinitionNode):
        return None
    root = tables.root(operation.operation)
    if root is None or operation.operation is OperationType.SUBSCRIPTION:
        return None
    lifter = _Lifter(tables, literals.starts)
    if not lifter.visit(operation.selection_set, root, set()) or not lifter.places:
        return None
    definitions = []
    for index, (node, type_) in lifter.places.items():
        name = NameNode(value=_variable_name(index))
        variable = VariableNode(name=name, loc=node.value.loc)
        definitions.append(
            VariableDefinitionNode(variable=variable, type=parse_type(str(type_.type), no_location=True))
        )
        node.__dict__["value"] = variable  # nodes are frozen, but nobody else has this one
    declared = operation.variable_definitions or ()
    operation.__dict__["variable_definitions"] = (*declared, *definitions)
    return Template(literals, {index: _nullable(type_).kind for index, (_, type_) in lifter.places.items()})


class _Lifter:
    """Finds the literals that may become variables."""

    def __init__(self, tables: SchemaTables, starts: list[int]) -> None:
        self._tables = tables
        self._indexes = {start: index for index, start in enumerate(starts)}
        self.places: dict[int, tuple[ArgumentNode | ObjectFieldNode, InputType]] = {}
        """The arguments and input fields whose values may be replaced, and the types of the variables."""

    def visit(self, node: SelectionSetNode, parent: CompositeType, keys: set[str]) -> bool:
        """Whether no fields are merged: whether they can be depends on the values of their arguments."""
        for each in node.selections:
            if isinstance(each, FieldNode):
                key = each.alias.value if each.alias else each.name.value
                field = parent.fields.get(each.name.value)
                if key in keys or field is None:
                    return False
                keys.add(key)
                self._arguments(each.arguments or (), field.inputs)
                child = self._tables.composite(field.child) if field.child is not None else None
                if each.selection_set and not (child and self.visit(each.selection_set, child, set())):
                    return False
            elif isinstance(each, InlineFragmentNode):
                name = each.type_condition.name.value if each.type_condition else parent.name
                type_ = self._tables.composite(name)
                if type_ is None or not self.visit(each.selection_set, type_, keys):
                    return False
            else:
                return False
        return True

    def _arguments(self, nodes: Sequence[ArgumentNode | ObjectFieldNode], inputs: dict[str, Input]) -> None:
        for node in nodes:
            name, value = node.name.value, node.value
            expected = inputs[name].type
            type_ = _nullable(expected)
            if isinstance(value, ObjectValueNode) and type_.kind is Kind.INPUT_OBJECT:
                self._arguments(value.fields, type_.inputs)
            elif name not in PAGE_ARGUMENTS and _is_liftable(value, type_.kind):
                index = self._indexes.get(value.loc.start if value.loc else -1)
                if index is not None:
                    self.places[index] = node, expected


def _nullable(type_: InputType) -> InputType:
    return type_.item if type_.kind is Kind.NON_NULL and type_.item is not None else type_


def _is_liftable(value: object, kind: Kind) -> bool:
    if isinstance(value, StringValueNode):
        return kind in (Kind.STRING, Kind.ID)
    return isinstance(value, IntValueNode) and kind in (Kind.INT, Kind.ID)


def _variable_name(index: int) -> str:
    """A name that clients cannot use."""
    return f".{index}"
