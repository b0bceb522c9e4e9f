"""The rules of validation as one visitor, which asks of each node only the rules that look at its kind.

graphql-core works out anew for each document which of thirty rules look at which kinds of nodes; that took
longer than all that the rules do.
"""

from functools import cache
from typing import Any

from graphql import BREAK, SKIP, Visitor, specified_rules
from graphql.language.visitor import EnterLeaveVisitor
from graphql.validation import OverlappingFieldsCanBeMergedRule, ValidationContext

from gql_service.engine.document.limits import FieldsCanBeMerged

RULES = tuple(
    [FieldsCanBeMerged if rule is OverlappingFieldsCanBeMergedRule else rule for rule in specified_rules]
)


class CombinedRules(Visitor):
    """To be given to graphql-core's `validate` as its only rule. As there, a rule may skip what is below a
    node, or the rest of the document; none of them changes the document."""

    def __init__(self, context: ValidationContext) -> None:
        super().__init__()
        self._rules = [rule(context) for rule in RULES]
        self._skipping: list[Any] = [None] * len(RULES)
        """For each rule the node below which it sees nothing, or BREAK."""

    def get_enter_leave_for_kind(self, kind: str) -> EnterLeaveVisitor:
        if kind not in self.enter_leave_map:
            self.enter_leave_map[kind] = self._together(kind)
        return self.enter_leave_map[kind]

    def _together(self, kind: str) -> EnterLeaveVisitor:
        rules, skipping = self._rules, self._skipping
        methods = [
            (index, enter and getattr(rules[index], enter), leave and getattr(rules[index], leave))
            for index, enter, leave in _rules_for_kind(kind)
        ]
        if not methods:
            return _NOTHING

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


_NOTHING = EnterLeaveVisitor(None, None)


@cache
def _rules_for_kind(kind: str) -> list[tuple[int, str | None, str | None]]:
    """The rules with a method for a kind of nodes, or one for all kinds: which they are, and its names."""
    found = []
    for index, rule in enumerate(RULES):
        enter, leave = (
            next((name for name in (f"{when}_{kind}", when) if getattr(rule, name, None)), None)
            for when in ("enter", "leave")
        )
        if enter or leave:
            found.append((index, enter, leave))
    return found
