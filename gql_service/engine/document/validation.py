"""The validation rules of graphql-core and of this service, combined into one visitor.

The visitor calls only the rules for the kind of a node.

For each document, graphql-core's own `ParallelVisitor` looks up which of thirty rules visit which kinds of
nodes. That took longer than the rules themselves, so here it is cached.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

from graphql import (
    BREAK,
    SKIP,
    ArgumentNode,
    DocumentNode,
    GraphQLError,
    GraphQLInputType,
    GraphQLScalarType,
    GraphQLSchema,
    ListValueNode,
    ObjectValueNode,
    ValueNode,
    VariableDefinitionNode,
    Visitor,
    VisitorAction,
    get_named_type,
    is_specified_scalar_type,
    specified_rules,
    validate,
)
from graphql.language.visitor import EnterLeaveVisitor
from graphql.pyutils import print_path_list
from graphql.utilities import validate_input_literal
from graphql.validation import (
    OverlappingFieldsCanBeMergedRule,
    ValidationContext,
    ValuesOfCorrectTypeRule,
)

from gql_service.engine.document.limits import FieldsCanBeMerged
from gql_service.engine.document.list_limits import ListLengths


class ValuesOfCorrectType(ValuesOfCorrectTypeRule):
    """graphql-core's rule; errors of custom scalars say where the value is, as those of variables do."""

    _argument = ""
    """What the current value belongs to, at the start of a message."""

    def enter_argument(self, node: ArgumentNode, *_: Any) -> None:
        self._argument = f"Argument '{node.name.value}'"

    def enter_variable_definition(self, node: VariableDefinitionNode, *_: Any) -> None:
        self._argument = f"Variable '${node.variable.name.value}'"

    def is_valid_value_node(self, node: ValueNode, input_type: GraphQLInputType | None) -> VisitorAction:
        def report(error: GraphQLError, path: list[str | int]) -> None:
            scalar, value = _find_value(node, input_type, path)
            if isinstance(scalar, GraphQLScalarType) and not is_specified_scalar_type(scalar):
                message = f"{self._argument} has invalid value{print_path_list(path)}: {error.message}"
                error = GraphQLError(message, error.nodes or [value], original_error=error.original_error)
            self.report_error(error)

        if input_type:
            validate_input_literal(node, input_type, report, None, None, self.context.hide_suggestions)
        return SKIP


def _find_value(node: ValueNode, type_: Any, path: Sequence[str | int]) -> tuple[Any, ValueNode]:
    """The named type and the literal at a path in a literal."""
    for step in path:
        if isinstance(step, int):
            assert isinstance(node, ListValueNode)
            node = node.values[step]
        else:
            assert isinstance(node, ObjectValueNode)
            node = next(field.value for field in node.fields if field.name.value == step)
            type_ = get_named_type(type_).fields[step].type
    return get_named_type(type_), node


_OWN_RULES: dict[Any, Any] = {
    OverlappingFieldsCanBeMergedRule: FieldsCanBeMerged,
    ValuesOfCorrectTypeRule: ValuesOfCorrectType,
}
RULES = (*[_OWN_RULES.get(rule, rule) for rule in specified_rules], ListLengths)


class CombinedRules(Visitor):
    """The only rule that graphql-core's `validate` gets.

    As in graphql-core, a rule may skip the children of a node (SKIP) or the rest of the document (BREAK).
    None of the rules changes the document.
    """

    def __init__(self, context: ValidationContext) -> None:
        super().__init__()
        self._rules = [rule(context) for rule in RULES]
        self._skipping: list[Any] = [None] * len(RULES)
        """For each rule: the node whose children it skips, BREAK, or None."""
        self._methods: list[list[Any]] = []
        """The methods that the combined visitors call; graphql-core keeps those visitors in cycles."""

    def release(self) -> None:
        """Break the reference cycles, so that nothing of the document waits for the garbage collector."""
        self.enter_leave_map.clear()
        self._rules.clear()
        for methods in self._methods:
            methods.clear()

    def get_enter_leave_for_kind(self, kind: str) -> EnterLeaveVisitor:
        if kind not in self.enter_leave_map:
            self.enter_leave_map[kind] = self._combine(kind)
        return self.enter_leave_map[kind]

    def _combine(self, kind: str) -> EnterLeaveVisitor:
        rules, skipping = self._rules, self._skipping
        methods = [
            (index, enter and getattr(rules[index], enter), leave and getattr(rules[index], leave))
            for index, enter, leave in _rules_for_kind(kind)
        ]
        if not methods:
            return _NO_VISITOR
        self._methods.append(methods)

        def enter(node: Any, *args: Any) -> None:
            for index, method, _ in methods:
                if method and not skipping[index]:
                    result = method(node, *args)
                    if result is SKIP or result is False:
                        skipping[index] = node
                    elif result is BREAK or result is True:
                        skipping[index] = BREAK

        def leave(node: Any, *args: Any) -> None:
            for index, _, method in methods:
                if skipping[index]:
                    if skipping[index] is node:
                        skipping[index] = None
                elif method:
                    result = method(node, *args)
                    if result is BREAK or result is True:
                        skipping[index] = BREAK

        return EnterLeaveVisitor(enter, leave)


def validate_document(schema: GraphQLSchema, node: DocumentNode, max_errors: int) -> list[GraphQLError]:
    """The errors of a document, at most about `max_errors`. Raises LimitExceeded."""
    visitors: list[CombinedRules] = []

    def combined_rules(context: ValidationContext) -> CombinedRules:
        visitors.append(CombinedRules(context))
        return visitors[0]

    rules: Any = (combined_rules,)
    try:
        return validate(schema, node, rules, max_errors=max_errors)
    finally:
        for each in visitors:
            each.release()


_NO_VISITOR = EnterLeaveVisitor(None, None)


@cache
def _rules_for_kind(kind: str) -> list[tuple[int, str | None, str | None]]:
    """The index of each rule that visits this kind of nodes, and the names of its enter and leave methods."""
    rules = []
    for index, rule in enumerate(RULES):
        enter, leave = (
            next((name for name in (f"{when}_{kind}", when) if getattr(rule, name, None)), None)
            for when in ("enter", "leave")
        )
        if enter or leave:
            rules.append((index, enter, leave))
    return rules
