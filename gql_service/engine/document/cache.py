"""Documents: parsed and validated once, and found again by their text."""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from graphql import (
    DirectiveNode,
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    VariableNode,
    Visitor,
    parse,
    validate,
    visit,
)

from gql_service.engine.document.cost import Cost
from gql_service.engine.document.limits import DocumentLimits, measure
from gql_service.engine.document.validation import CombinedRules
from gql_service.engine.execution.arguments import Variables
from gql_service.errors import LimitExceeded

_LIMITS = DocumentLimits()
_RULES: Any = (CombinedRules,)
_MAX_ERRORS = 20
_MAX_ERROR_WORK = 2_500
"""Mistakes told, times the characters of the document: telling one may quote much of it."""
_MAX_CACHED_LENGTH = 16 * 1024
"""Characters of a document worth keeping: comments can make one as long as a body may be."""


class GraphQLOperation:
    """One operation of a document, with the plans worked out for it so far."""

    def __init__(
        self, node: OperationDefinitionNode, conditions: list[str], cost: Cost | None = None
    ) -> None:
        self.node = node
        self.cost = cost
        """None where there are no limits."""
        self.conditions = conditions
        """The variables that may decide which fields are asked for."""
        self.plans: dict[tuple[Any, ...], Any] = {}
        self._variables: Variables | None = None

    def variables(self, schema: GraphQLSchema) -> Variables:
        """What the operation declares."""
        if self._variables is None:
            self._variables = Variables(schema, self.node)
        return self._variables


class GraphQLDocument:
    """A document that is valid against the schema; `costs` are those of its operations, by their names."""

    def __init__(self, node: DocumentNode, costs: Mapping[str | None, Cost] | None = None) -> None:
        self.node = node
        self.fragments = {
            each.name.value: each for each in node.definitions if isinstance(each, FragmentDefinitionNode)
        }
        conditions, costs = _conditions(node), costs or {}
        operations = [each for each in node.definitions if isinstance(each, OperationDefinitionNode)]
        names = [each.name.value if each.name else None for each in operations]
        self._operations = {
            name: GraphQLOperation(each, conditions, costs.get(name))
            for name, each in zip(names, operations, strict=True)
        }

    def operation(self, name: str | None) -> GraphQLOperation | None:
        """The operation a request means; None where it means none, or is ambiguous."""
        if name is not None:
            return self._operations.get(name)
        return next(iter(self._operations.values())) if len(self._operations) == 1 else None


def _conditions(node: DocumentNode) -> list[str]:
    """The variables that `@skip` and `@include` use in a document."""
    found: dict[str, None] = {}
    if node.loc is not None and "@" not in node.loc.source.body:
        return []  # most documents, and a visit takes as long as half of parsing them

    class Finder(Visitor):
        def enter_directive(self, directive: DirectiveNode, *_: Any) -> None:
            decides = directive.name.value in ("skip", "include")
            for argument in directive.arguments or ():
                if decides and isinstance(argument.value, VariableNode):
                    found[argument.value.name.value] = None

    visit(node, Finder())
    return list(found)


class InvalidDocument(Exception):
    """The text cannot be executed: `code` tells parsing, limits and validation apart."""

    def __init__(self, code: str, errors: list[GraphQLError]) -> None:
        super().__init__(code)
        self.code = code
        self.errors = errors


class DocumentCache:
    """The documents seen lately; the least recently used goes first, so a flood of new ones stays bounded."""

    def __init__(
        self, schema: GraphQLSchema, *, max_tokens: int, limits: DocumentLimits = _LIMITS, capacity: int
    ) -> None:
        self._schema = schema
        self._max_tokens = max_tokens
        self._limits = limits
        self._capacity = capacity
        self._known: OrderedDict[str, GraphQLDocument] = OrderedDict()

    def get(self, text: str) -> GraphQLDocument:
        """Raises InvalidDocument."""
        document = self._known.get(text)
        if document is not None:
            self._known.move_to_end(text)
            return document
        document = self._read(text)
        if len(text) > _MAX_CACHED_LENGTH:
            return document
        self._known[text] = document
        if len(self._known) > self._capacity:
            self._known.popitem(last=False)
        return document

    def _read(self, text: str) -> GraphQLDocument:
        node = self._parse(text)
        max_errors = min(_MAX_ERRORS, 1 + _MAX_ERROR_WORK // len(text))
        try:
            costs = measure(node, self._limits)
            errors = validate(self._schema, node, _RULES, max_errors=max_errors)
        except LimitExceeded as refusal:
            raise InvalidDocument(refusal.code, [GraphQLError(refusal.message)]) from None
        except RecursionError:
            errors = [GraphQLError("The document is nested too deeply.")]
        if errors:
            raise InvalidDocument("GRAPHQL_VALIDATION_FAILED", [_public(error) for error in errors])
        return GraphQLDocument(node, costs)

    def _parse(self, text: str) -> DocumentNode:
        try:
            return parse(text, no_location=False, max_tokens=self._max_tokens)
        except GraphQLError as error:
            too_many = f"Syntax Error: Document contains more than {self._max_tokens} tokens."
            if not error.message.startswith(too_many):
                raise InvalidDocument("GRAPHQL_PARSE_FAILED", [error]) from None
        message = f"The document has more than {self._max_tokens} tokens. Ask for less at once."
        raise InvalidDocument(LimitExceeded.code, [GraphQLError(message)])


def _public(error: GraphQLError) -> GraphQLError:
    """Python reads no integer of more than 4,300 digits, and the rule that tries wraps what it raises."""
    if isinstance(error.original_error, ValueError):
        return GraphQLError("A number has too many digits.", error.nodes)
    return error
