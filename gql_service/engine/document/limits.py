"""Limits of documents: how much may be asked for at once, measured by names alone, before validation.

Every definition is measured once, however often it is spread, so a document that unfolds without end is
refused as quickly as any other. Fragments that are unknown or spread themselves count nothing: validation
refuses them.
"""

from typing import Any, NamedTuple

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
)
from graphql.validation import OverlappingFieldsCanBeMergedRule, ValidationContext
from graphql.validation.validate import ValidationAbortedError

from gql_service.engine.document.cost import Cost, Terms, of_field
from gql_service.errors import LimitExceeded

_INTROSPECTION = {"__schema", "__type"}
"""What is below them is known beforehand; a rule of validation limits it."""
_MAX_LEVELS = 100
"""Of selections in selections, fragments unfolded: what measures and validates them calls itself."""
_MAX_DEFINITIONS = 50
"""Operations and fragments: validation takes each operation by itself, with all fragments it reaches."""
_MAX_COMPARING = 2_500
"""Of graphql-core's units. Every two fields that share a name and a place are compared, which takes quadratic
time; it suffices for twenty fragments that ask for the same three fields."""


class DocumentLimits(NamedTuple):
    """What one operation may ask for, its fragments unfolded."""

    depth: int = 10
    aliases: int = 15
    root_fields: int = 10
    fields: int = 500
    cost: int = 1000


class FieldsCanBeMerged(OverlappingFieldsCanBeMergedRule):
    """graphql-core's rule; raises LimitExceeded where it would take long."""

    def __init__(self, context: ValidationContext) -> None:
        super().__init__(context)
        self.rule_context.remaining_complexity_budget = _MAX_COMPARING

    def enter_selection_set(self, *args: Any) -> None:
        try:
            super().enter_selection_set(*args)
        except ValidationAbortedError:
            if self.rule_context.remaining_complexity_budget < 0:
                raise LimitExceeded(
                    "The document asks for too many fields of the same name in the same place. "
                    "Ask for each of them once."
                ) from None
            raise


def measure(document: DocumentNode, limits: DocumentLimits) -> dict[str | None, Cost]:
    """The cost of each operation, by its name. Raises LimitExceeded."""
    measuring = _Measurement(document, limits)
    costs = {}
    _check("The document has {} operations and fragments", len(document.definitions), _MAX_DEFINITIONS)
    for node in document.definitions:
        if isinstance(node, OperationDefinitionNode):
            costs[node.name.value if node.name else None] = measuring.operation(node)
        elif isinstance(node, FragmentDefinitionNode):
            measuring.fragment(node, 1)
    _check("The document has {} fields", measuring.written, limits.fields)
    return costs


class _SelectionSize:
    """What a selection set asks for."""

    __slots__ = ("aliases", "cost", "depth", "fields", "levels", "roots")

    def __init__(self) -> None:
        self.depth = self.levels = self.aliases = self.roots = self.fields = 0
        self.cost: Terms = {}


class _Measurement:
    """Measures one document."""

    def __init__(self, document: DocumentNode, limits: DocumentLimits) -> None:
        self.written = 0
        """Fields, each where it is written: of all operations, without unfolding fragments."""
        self._limits = limits
        fragments = [node for node in document.definitions if isinstance(node, FragmentDefinitionNode)]
        self._fragments = {node.name.value: node for node in fragments}
        self._measured: dict[str, _SelectionSize] = {}

    def operation(self, node: OperationDefinitionNode) -> Cost:
        found, limits = self._set(node.selection_set, 1), self._limits
        _check("The document is nested {} fields deep", found.depth, limits.depth)
        _check("The document has {} aliases", found.aliases, limits.aliases)
        _check("The document has {} fields at its root", found.roots, limits.root_fields)
        _check("The document has {} fields", found.fields, limits.fields)
        cost = Cost.of(found.cost, limits.cost)
        if refusal := cost.refusal({}):
            raise refusal
        return cost

    def fragment(self, node: FragmentDefinitionNode, level: int) -> _SelectionSize:
        name = node.name.value
        if node is not self._fragments[name]:
            return self._set(node.selection_set, level)  # its name is taken, which validation refuses
        if name not in self._measured:
            self._measured[name] = _SelectionSize()  # if it spreads itself, which validation refuses, too
            self._measured[name] = self._set(node.selection_set, level)
        return self._measured[name]

    def _set(self, node: SelectionSetNode, level: int) -> _SelectionSize:
        _check_level(level)
        found = _SelectionSize()
        for selection in node.selections:
            if isinstance(selection, FieldNode):
                self._add_field(found, selection, level)
                continue
            assert isinstance(selection, InlineFragmentNode | FragmentSpreadNode)
            inner = self._fragment(selection, level + 1)
            found.depth = max(found.depth, inner.depth)
            found.roots += inner.roots
            self._add(found, inner, inner.cost)
        return found

    def _fragment(self, node: InlineFragmentNode | FragmentSpreadNode, level: int) -> _SelectionSize:
        if isinstance(node, InlineFragmentNode):
            return self._set(node.selection_set, level)
        definition = self._fragments.get(node.name.value)
        if definition is None:
            return _SelectionSize()
        found = self.fragment(definition, level)
        _check_level(level + found.levels)
        return found

    def _add_field(self, found: _SelectionSize, node: FieldNode, level: int) -> None:
        self.written += 1
        found.fields += 1
        found.roots += 1
        if node.alias:
            found.aliases += 1
        depth = 1
        if node.selection_set:
            inner = self._set(node.selection_set, level + 1)
            self._add(found, inner, of_field(node, inner.cost))
            if node.name.value not in _INTROSPECTION:
                depth += inner.depth
        found.depth = max(found.depth, depth)

    def _add(self, found: _SelectionSize, inner: _SelectionSize, cost: Terms) -> None:
        """Add what counts alike whether a field or a fragment contains it."""
        found.levels = max(found.levels, inner.levels + 1)
        found.aliases += inner.aliases
        found.fields += inner.fields
        if found.fields > self._limits.fields or inner.depth > self._limits.depth:
            return  # it is refused, or is introspection; and its cost may have very many terms
        for names, factor in cost.items():
            found.cost[names] = found.cost.get(names, 0) + factor


def _check(text: str, count: int, allowed: int) -> None:
    if count > allowed:
        raise LimitExceeded(f"{text.format(count)}; {allowed} are allowed. Ask for less at once.")


def _check_level(level: int) -> None:
    if level > _MAX_LEVELS:
        raise LimitExceeded(
            f"The document and its fragments are nested more than {_MAX_LEVELS} levels deep. "
            "Ask for less at once."
        )
