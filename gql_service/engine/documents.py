"""Documents: parsed and validated once, and found again by their text."""

from collections import OrderedDict
from typing import NamedTuple

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    parse,
    validate,
)

_MAX_ERRORS = 20
_MAX_KEPT = 16 * 1024
"""Characters of a document worth keeping: comments can make one as long as a body may be."""


class Document(NamedTuple):
    """A document that is valid against the schema."""

    node: DocumentNode
    operations: dict[str | None, OperationDefinitionNode]

    def operation_type(self, name: str | None) -> OperationType | None:
        """The type of the operation a request means; None where it means none, or is ambiguous."""
        if name is None and len(self.operations) == 1:
            return next(iter(self.operations.values())).operation
        operation = self.operations.get(name) if name is not None else None
        return None if operation is None else operation.operation


class InvalidDocument(Exception):
    """The text cannot be executed: `code` tells parsing from validation."""

    def __init__(self, code: str, errors: list[GraphQLError]) -> None:
        super().__init__(code)
        self.code = code
        self.errors = errors


class Documents:
    """The documents seen lately; the least recently used goes first, so a flood of new ones stays bounded."""

    def __init__(self, schema: GraphQLSchema, *, max_tokens: int, capacity: int) -> None:
        self._schema = schema
        self._max_tokens = max_tokens
        self._capacity = capacity
        self._known: OrderedDict[str, Document] = OrderedDict()

    def get(self, text: str) -> Document:
        """Raises InvalidDocument."""
        document = self._known.get(text)
        if document is not None:
            self._known.move_to_end(text)
            return document
        document = self._read(text)
        if len(text) > _MAX_KEPT:
            return document
        self._known[text] = document
        if len(self._known) > self._capacity:
            self._known.popitem(last=False)
        return document

    def _read(self, text: str) -> Document:
        try:
            node = parse(text, no_location=False, max_tokens=self._max_tokens)
        except GraphQLError as error:
            raise InvalidDocument("GRAPHQL_PARSE_FAILED", [error]) from None
        try:
            errors = [_public(error) for error in validate(self._schema, node, max_errors=_MAX_ERRORS)]
        except RecursionError:
            errors = [GraphQLError("The document is nested too deeply.")]
        if errors:
            raise InvalidDocument("GRAPHQL_VALIDATION_FAILED", errors)
        operations = [each for each in node.definitions if isinstance(each, OperationDefinitionNode)]
        return Document(node, {each.name.value if each.name else None: each for each in operations})


def _public(error: GraphQLError) -> GraphQLError:
    """Python reads no integer of more than 4,300 digits, and the rule that tries wraps what it raises."""
    if isinstance(error.original_error, ValueError):
        return GraphQLError("A number has too many digits.", error.nodes)
    return error
