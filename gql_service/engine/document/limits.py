"""The limits of documents: how much one operation may select. Checked before validation, without the schema.

Every fragment is measured once, however often it is spread. So fragments that expand exponentially are
rejected as quickly as any other document. Fragments that are undefined or spread themselves count as empty:
validation rejects them.
"""

from collections.abc import Sequence
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

from gql_service.engine.document.cost import PAGE_FIELDS, Cost, CostTerms, field_cost
from gql_service.errors import LimitExceeded
from gql_service.settings import PREFIX

_ENTITIES = "_entities"
"""Gateways do not split the list of this field, so what it returns has a limit of its own."""
_INTROSPECTION = {"__schema", "__type"}
"""Their selections do not count for the depth: a validation rule of graphql-core limits it."""
_MAX_NESTING = 100
"""Selection sets in each other, fragments included. Measuring and validating them is recursive."""
_MAX_DEFINITIONS = 50
"""Operations and fragments. Validation visits all fragments of an operation, for each operation anew."""
_MAX_COMPARISONS = 2_500
"""In graphql-core's units. It compares every two fields of the same response key and position, in quadratic
time. The limit is sufficient for twenty fragments that select the same three fields."""


class DocumentLimits(NamedTuple):
    """What one operation may select, its fragments expanded. The settings `MAX_DOCUMENT_…` explain each."""

    length: int = 32 * 1024
    """Characters of the document."""
    depth: int = 10
    aliases: int = 15
    root_fields: int = 10
    fields: int = 500
    cost: int = 1000
    entities_cost: int = 10_000


class FieldsCanBeMerged(OverlappingFieldsCanBeMergedRule):
    """graphql-core's rule; raises LimitExceeded if it would take too long."""

    def __init__(self, context: ValidationContext) -> None:
        super().__init__(context)
        self.rule_context.remaining_complexity_budget = _MAX_COMPARISONS

    def enter_selection_set(self, *args: Any) -> None:
        try:
            super().enter_selection_set(*args)
        except ValidationAbortedError:
            if self.rule_context.remaining_complexity_budget < 0:
                raise LimitExceeded(
                    "The document selects too many fields of the same name in the same position. "
                    "Select each of them once."
                ) from None
            raise


def check_length(text: str, limits: DocumentLimits) -> None:
    """Check the length of a document before it is parsed. Raises LimitExceeded."""
    if len(text) > limits.length:
        raise LimitExceeded(
            f"The document has {len(text)} characters; {limits.length} are allowed "
            f"({PREFIX}MAX_DOCUMENT_LENGTH). Use variables for values, and request less at a time."
        )


def check_limits(document: DocumentNode, limits: DocumentLimits) -> dict[str | None, Sequence[Cost]]:
    """Check all limits but the costs, which depend on variables. Raises LimitExceeded.

    Returns the costs of each operation by its name.
    """
    checker = _LimitChecker(document, limits)
    costs: dict[str | None, Sequence[Cost]] = {}
    _check_count("The document has {} operations and fragments", len(document.definitions), _MAX_DEFINITIONS)
    for node in document.definitions:
        if isinstance(node, OperationDefinitionNode):
            costs[node.name.value if node.name else None] = checker.check_operation(node)
        elif isinstance(node, FragmentDefinitionNode):
            checker.measure_fragment(node, 1)
    _check_count("The document has {} fields", checker.field_count, limits.fields, "max_document_fields")
    return costs


class _SelectionSize:
    """What a selection set contains, its fragments expanded."""

    __slots__ = ("aliases", "cost", "depth", "entities_cost", "fields", "is_page", "nesting", "own_fields")

    def __init__(self) -> None:
        self.depth = 0
        """Fields in fields."""
        self.nesting = 0
        """Selection sets in selection sets, those of fragments included."""
        self.aliases = 0
        self.fields = 0
        self.own_fields = 0
        """The fields of the selection set itself, without those below them."""
        self.is_page = False
        """Whether it selects the items of a page."""
        self.cost: CostTerms = {}
        self.entities_cost: CostTerms = {}
        """The cost of `_entities`, which `cost` does not include."""


class _LimitChecker:
    """Measures the operations and fragments of one document, and raises LimitExceeded."""

    def __init__(self, document: DocumentNode, limits: DocumentLimits) -> None:
        self.field_count = 0
        """The fields in the text of the document: a fragment counts once, however often it is spread."""
        self._limits = limits
        fragments = [node for node in document.definitions if isinstance(node, FragmentDefinitionNode)]
        self._fragments = {node.name.value: node for node in fragments}
        self._fragment_sizes: dict[str, _SelectionSize] = {}

    def check_operation(self, node: OperationDefinitionNode) -> Sequence[Cost]:
        size, limits = self._measure(node.selection_set, 1), self._limits
        _check_count("The document is nested {} fields deep", size.depth, limits.depth, "max_document_depth")
        _check_count("The document has {} aliases", size.aliases, limits.aliases, "max_document_aliases")
        _check_count(
            "The document has {} fields at its root", size.own_fields, limits.root_fields, "max_root_fields"
        )
        _check_count("The document has {} fields", size.fields, limits.fields, "max_document_fields")
        costs = [Cost.from_terms("The operation costs", size.cost, limits.cost, "max_document_cost")]
        if size.entities_cost:
            subject = "The entities of the operation cost"
            costs.append(
                Cost.from_terms(subject, size.entities_cost, limits.entities_cost, "max_entities_cost")
            )
        for cost in costs:
            if error := cost.early_limit_error({}):
                raise error
        return costs

    def measure_fragment(self, node: FragmentDefinitionNode, nesting: int) -> _SelectionSize:
        """Measure a fragment that is spread below `nesting` selection sets, unless it was measured before."""
        name = node.name.value
        if node is not self._fragments[name]:
            return self._measure(node.selection_set, nesting)  # a duplicate name; validation rejects it
        if name not in self._fragment_sizes:
            self._fragment_sizes[name] = (
                _SelectionSize()
            )  # used if it spreads itself; validation rejects that
            self._fragment_sizes[name] = self._measure(node.selection_set, nesting)
        return self._fragment_sizes[name]

    def _measure(self, node: SelectionSetNode, nesting: int) -> _SelectionSize:
        _check_nesting(nesting)
        size = _SelectionSize()
        for selection in node.selections:
            if isinstance(selection, FieldNode):
                self._add_field(size, selection, nesting)
                continue
            assert isinstance(selection, InlineFragmentNode | FragmentSpreadNode)
            inner = self._measure_spread(selection, nesting + 1)
            size.depth = max(size.depth, inner.depth)
            size.own_fields += inner.own_fields
            size.is_page |= inner.is_page
            self._add_inner(size, inner, inner.cost, inner.entities_cost)
        return size

    def _measure_spread(self, node: InlineFragmentNode | FragmentSpreadNode, nesting: int) -> _SelectionSize:
        if isinstance(node, InlineFragmentNode):
            return self._measure(node.selection_set, nesting)
        definition = self._fragments.get(node.name.value)
        if definition is None:
            return _SelectionSize()
        size = self.measure_fragment(definition, nesting)
        _check_nesting(nesting + size.nesting)
        return size

    def _add_field(self, size: _SelectionSize, node: FieldNode, nesting: int) -> None:
        self.field_count += 1
        size.fields += 1
        size.own_fields += 1
        if node.alias:
            size.aliases += 1
        depth = 1
        if node.selection_set:
            size.is_page |= node.name.value in PAGE_FIELDS
            inner = self._measure(node.selection_set, nesting + 1)
            cost = field_cost(node, inner.cost, is_page=inner.is_page)
            is_entities = node.name.value == _ENTITIES
            self._add_inner(size, inner, {} if is_entities else cost, cost if is_entities else {})
            if node.name.value not in _INTROSPECTION:
                depth += inner.depth
        size.depth = max(size.depth, depth)

    def _add_inner(
        self, size: _SelectionSize, inner: _SelectionSize, cost: CostTerms, entities_cost: CostTerms
    ) -> None:
        """Add what counts in the same way for the selections of fields and of fragments."""
        size.nesting = max(size.nesting, inner.nesting + 1)
        size.aliases += inner.aliases
        size.fields += inner.fields
        if size.fields > self._limits.fields or inner.depth > self._limits.depth:
            return  # it will be rejected, or is introspection; its cost may have very many terms
        _add_terms(size.cost, cost)
        _add_terms(size.entities_cost, entities_cost)


def _add_terms(total: CostTerms, terms: CostTerms) -> None:
    for names, coefficient in terms.items():
        total[names] = total.get(names, 0) + coefficient


def _check_count(text: str, count: int, limit: int, setting: str | None = None) -> None:
    if count > limit:
        allowed = f"{limit} are allowed" + (f" ({PREFIX}{setting.upper()})" if setting else "")
        raise LimitExceeded(f"{text.format(count)}; {allowed}. Request less at a time.")


def _check_nesting(nesting: int) -> None:
    if nesting > _MAX_NESTING:
        raise LimitExceeded(
            f"The document and its fragments are nested more than {_MAX_NESTING} levels deep. "
            "Request less at a time."
        )
