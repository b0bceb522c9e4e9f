"""Documents are parsed, checked and validated once, then found again by their text."""

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from functools import cached_property
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    VariableNode,
    parse,
)

from gql_service.engine.document.cost import Cost
from gql_service.engine.document.limits import DocumentLimits, check_length, check_limits
from gql_service.engine.document.literals import Lifted, Literals, Template, find_literals, make_template
from gql_service.engine.document.parser import parse_text
from gql_service.engine.document.schema_tables import SchemaTables
from gql_service.engine.document.source import DocumentSource
from gql_service.engine.document.validation import validate_document
from gql_service.engine.document.validator import is_valid
from gql_service.engine.document.variables import VariableDefinitions
from gql_service.errors import LimitExceeded
from gql_service.settings import PREFIX

_LIMITS = DocumentLimits()
_MAX_ERRORS = 20
_MAX_ERROR_WORK = 2_500
"""Reported validation errors, times the characters of the document: a message may quote much of it."""
_BYTES_PER_DOCUMENT, _BYTES_PER_CHARACTER, _BYTES_PER_TOKEN = 20_000, 4, 1_000
"""For the size of a document in memory, its plans included: estimates from above."""
_CONSTANT_FIELDS = {"__schema", "__type", "__typename", "_service"}
"""Root fields whose values depend on the schema alone."""
_MAX_NAME = 100
"""Characters of the name of an operation in logs."""
_SEEN_PER_CACHED = 20
"""How many texts and skeletons are remembered as seen once, for each document that may be cached."""


class GraphQLOperation:
    """One operation of a document."""

    def __init__(
        self,
        node: OperationDefinitionNode,
        fragments: Mapping[str, FragmentDefinitionNode],
        condition_variables: list[str],
        costs: Sequence[Cost] = (),
    ) -> None:
        self.node = node
        self._fragments = fragments
        self.costs = [cost for cost in costs if cost.terms or cost.constant > cost.limit]
        """Those that may be too high. Empty for documents that were not checked for limits."""
        self._input_costs = [cost for cost in self.costs if cost.counts_input]
        self.condition_variables = condition_variables
        """The names of the variables that may decide which fields are selected."""
        self.plans: dict[tuple[Any, ...], Any] = {}
        """The plans made so far, by the values of the condition variables."""
        self._variable_definitions: VariableDefinitions | None = None

    def __del__(self) -> None:
        """Free the plans together with the operation."""
        for plan in self.plans.values():
            if plan is not None:
                plan.release()

    @cached_property
    def is_constant(self) -> bool:
        """Whether the result depends on the schema and the document alone, as that of an introspection."""
        is_fixed_query = self.node.operation is OperationType.QUERY and not self.node.variable_definitions
        return is_fixed_query and all(
            isinstance(each, FieldNode) and each.name.value in _CONSTANT_FIELDS
            for each in self.node.selection_set.selections
        )

    def check_cost_of_inputs(self, raw_variables: Mapping[str, Any]) -> None:
        """Raises LimitExceeded for inputs that cost too much, before they are coerced, which takes long."""
        for cost in self._input_costs:
            if error := cost.early_limit_error(raw_variables):
                raise error

    @property
    def has_one_root_field(self) -> bool:
        """Whether the operation selects a single root field, without a fragment."""
        selections = self.node.selection_set.selections
        return len(selections) == 1 and isinstance(selections[0], FieldNode)

    @cached_property
    def name(self) -> str | None:
        """The name that the client has given the operation; shortened, because it may be long."""
        return self.node.name.value[:_MAX_NAME] if self.node.name else None

    @cached_property
    def root_field_names(self) -> str:
        """The names of the root fields, those in fragments included, separated by commas."""
        return ",".join(dict.fromkeys(_field_names(self.node.selection_set, self._fragments)))

    def variable_definitions(self, schema: GraphQLSchema) -> VariableDefinitions:
        """The variables that the operation declares."""
        if self._variable_definitions is None:
            self._variable_definitions = VariableDefinitions(schema, self.node, self._fragments)
        return self._variable_definitions


def _field_names(
    selections: SelectionSetNode, fragments: Mapping[str, FragmentDefinitionNode]
) -> Iterator[str]:
    """The names of the fields of an object. Fragments must not have cycles."""
    for each in selections.selections:
        if isinstance(each, FieldNode):
            yield each.name.value
        elif isinstance(each, InlineFragmentNode):
            yield from _field_names(each.selection_set, fragments)
        elif isinstance(each, FragmentSpreadNode):
            yield from _field_names(fragments[each.name.value].selection_set, fragments)


class GraphQLDocument:
    """A document that is valid against the schema. `costs` are the costs of its operations by their names."""

    template: Template | None = None
    """How other texts share this document; None if none do."""
    shared: "GraphQLDocument | None" = None
    """The document whose operations this one has, with values of its own."""
    lifted: Lifted | None = None
    """The values, if it shares another document."""

    def __init__(self, node: DocumentNode, costs: Mapping[str | None, Sequence[Cost]] | None = None) -> None:
        self.node = node
        self.size = 0
        """About how many bytes the document and its plans take in memory."""
        self.fragments = {
            each.name.value: each for each in node.definitions if isinstance(each, FragmentDefinitionNode)
        }
        condition_variables, costs = _condition_variables(node), costs or {}
        operations = [each for each in node.definitions if isinstance(each, OperationDefinitionNode)]
        names = [each.name.value if each.name else None for each in operations]
        self._operations = {
            name: GraphQLOperation(each, self.fragments, condition_variables, costs.get(name, ()))
            for name, each in zip(names, operations, strict=True)
        }

    def with_values(self, lifted: Lifted) -> "GraphQLDocument":
        """The document of another text."""
        document = copy(self)
        document.template, document.shared, document.lifted = None, self, lifted
        return document

    def operation(self, name: str | None) -> GraphQLOperation | None:
        """The operation of this name or, without a name, the only operation. None if there is none."""
        if name is not None:
            return self._operations.get(name)
        return next(iter(self._operations.values())) if len(self._operations) == 1 else None


def _condition_variables(node: DocumentNode) -> list[str]:
    """The names of the variables that `@skip` and `@include` use in a document, in order of appearance."""
    names: dict[str, None] = {}
    if node.loc is not None and "@" not in node.loc.source.body:
        return []  # true for most documents
    for definition in node.definitions:
        if isinstance(definition, OperationDefinitionNode | FragmentDefinitionNode):
            _add_condition_variables(definition.selection_set, names)
    return list(names)


def _add_condition_variables(selections: SelectionSetNode, names: dict[str, None]) -> None:
    for each in selections.selections:
        for directive in each.directives or ():
            for argument in directive.arguments or ():
                if directive.name.value in ("skip", "include") and isinstance(argument.value, VariableNode):
                    names[argument.value.name.value] = None
        if isinstance(each, FieldNode | InlineFragmentNode) and each.selection_set:
            _add_condition_variables(each.selection_set, names)


class InvalidDocument(Exception):
    """The text cannot be executed: `code` says whether parsing, limits or validation failed."""

    def __init__(self, code: str, errors: list[GraphQLError]) -> None:
        super().__init__(code)
        self.code = code
        self.errors = errors


class DocumentCache:
    """The documents used most recently, by their text: at most `capacity` of them, of `max_size` bytes.

    A document is cached when it is requested for the second time. So documents that are sent only once
    replace none that are used often, and take memory only while they are executed. The same is true for
    skeletons, which many texts may share: see `literals.py`.
    """

    def __init__(
        self,
        schema: GraphQLSchema,
        *,
        max_tokens: int,
        limits: DocumentLimits = _LIMITS,
        capacity: int,
        max_size: int = 64 * 1024 * 1024,
    ) -> None:
        self._schema = schema
        self._tables = SchemaTables(schema)
        self._max_tokens = max_tokens
        self._limits = limits
        self._capacity = capacity
        self._max_size = max_size
        self._documents: OrderedDict[str | tuple[str], GraphQLDocument] = OrderedDict()
        """By texts, and by skeletons, which are in tuples: no text of a client can be the same."""
        self.lookups = self.misses = 0
        """How often a document was looked for, and not found."""
        self._size = 0
        self._seen: OrderedDict[int, None] = OrderedDict()
        """The hashes of texts and skeletons that were requested once, the oldest first."""

    @property
    def size(self) -> int:
        """About how many bytes the documents take in memory."""
        return self._size

    def __len__(self) -> int:
        return len(self._documents)

    def get(self, text: str) -> GraphQLDocument:
        """The document of a text. Raises InvalidDocument."""
        self.lookups += 1
        document = self._documents.get(text)
        if document is not None:
            self._documents.move_to_end(text)
            return document
        self.misses += 1
        try:
            check_length(text, self._limits)
        except LimitExceeded as error:
            raise _limit_exceeded(error) from None
        document = self._share_or_load(text)
        if self._is_seen_again(text):
            self._add(text, document)
        return document

    def _share_or_load(self, text: str) -> GraphQLDocument:
        """The document of a text that is not cached; it may share one that is."""
        literals = find_literals(text)
        if literals is None:
            return self._load(text)
        key = (literals.skeleton,)
        document = self._documents.get(key)
        if document is None:
            document = self._load(text, literals if self._is_seen_again(key) else None)
            if document.template is None:
                return document
            self._add(key, document)
        else:
            self._documents.move_to_end(key)
        lifted = document.template.lift(text, literals) if document.template else None
        return document.with_values(lifted) if lifted else self._load(text)

    def _is_seen_again(self, key: str | tuple[str]) -> bool:
        """Whether a text or a skeleton was requested before. It is noted, or forgotten if it was."""
        if hash(key) in self._seen:
            del self._seen[hash(key)]
            return True
        self._seen[hash(key)] = None
        if len(self._seen) > self._capacity * _SEEN_PER_CACHED:
            self._seen.popitem(last=False)
        return False

    def _add(self, key: str | tuple[str], document: GraphQLDocument) -> None:
        self._documents[key] = document
        self._size += document.size
        while len(self._documents) > self._capacity or self._size > self._max_size:
            _, removed = self._documents.popitem(last=False)
            self._size -= removed.size

    def _load(self, text: str, literals: Literals | None = None) -> GraphQLDocument:
        """Parse and check a text. With `literals`, others may share its document. Raises InvalidDocument."""
        node, template = parse_text(text, self._max_tokens) or self._parse(text), None
        errors: list[GraphQLError] = []
        try:
            costs = check_limits(node, self._limits)
            if not is_valid(self._tables, node):
                errors = self._errors(node, len(text))
            elif literals is not None:
                template = make_template(self._tables, node, literals)
        except LimitExceeded as error:
            raise _limit_exceeded(error) from None
        except RecursionError:
            errors = [GraphQLError("The document is nested too deeply.")]
        if errors:
            raise InvalidDocument(
                "GRAPHQL_VALIDATION_FAILED", [_without_python_error(error) for error in errors]
            )
        document = GraphQLDocument(node, costs)
        document.template = template
        tokens = node.token_count or 0
        document.size = _BYTES_PER_DOCUMENT + len(text) * _BYTES_PER_CHARACTER + tokens * _BYTES_PER_TOKEN
        return document

    def _errors(self, node: DocumentNode, length: int) -> list[GraphQLError]:
        """The errors that graphql-core finds. Raises LimitExceeded."""
        return validate_document(self._schema, node, min(_MAX_ERRORS, 1 + _MAX_ERROR_WORK // length))

    def _parse(self, text: str) -> DocumentNode:
        """What graphql-core makes of a text. Raises InvalidDocument."""
        try:
            node = parse(DocumentSource(text), no_location=False, max_tokens=self._max_tokens)
        except GraphQLError as error:
            too_many_tokens = f"Syntax Error: Document contains more than {self._max_tokens} tokens."
            if not error.message.startswith(too_many_tokens):
                raise InvalidDocument("GRAPHQL_PARSE_FAILED", [error]) from None
        else:
            _unlink_tokens(node)
            return node
        raise _limit_exceeded(
            LimitExceeded(
                f"The document has more than {self._max_tokens} tokens ({PREFIX}MAX_DOCUMENT_TOKENS). "
                "Request less at a time."
            )
        )


def _unlink_tokens(node: DocumentNode) -> None:
    """Break the chain of tokens, in which each refers to both neighbours.

    Otherwise, only the cyclic garbage collector could free a document, and it runs rarely.
    """
    token = node.loc.start_token if node.loc else None
    while token is not None:
        following, token.prev, token.next = token.next, None, None
        token = following


def _limit_exceeded(error: LimitExceeded) -> InvalidDocument:
    return InvalidDocument(error.code, [GraphQLError(error.message)])


def _without_python_error(error: GraphQLError) -> GraphQLError:
    """Replace the error for an integer of more than 4,300 digits, which wraps Python's own ValueError."""
    if isinstance(error.original_error, ValueError):
        return GraphQLError("A number has too many digits.", error.nodes)
    return error
