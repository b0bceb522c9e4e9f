"""Decides whether a history of a document is linearizable.

It is if its operations have an order in which each has the outcome that it had, and in which no operation
comes before one that had returned when it was called. The search is that of Wing and Gong: choose a first
operation, and go on with the rest. What was reached once, by the same operations with the same state, is not
searched again.

Writes without an answer may come anywhere, and each doubles what must be searched. So these rules leave out
what leads to nothing else:

- A write whose number somebody saw has made that revision. It can come nowhere else.
- Writes without an answer whose numbers nobody saw are alike: only the one that was called first is tried.
- Without an answer, what changes nothing need not be ordered.
- Revisions only grow: once an open operation saw an earlier one, there is no order.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from tests.durability.register import EMPTY, Action, Conflict, Operation, Read, State, Write, apply

_UNSEEN = -1
"""The number of all writes whose own number is in no outcome."""


class _Point(NamedTuple):
    """How far the search came: the operations that are ordered, one bit each, and the state after them."""

    ordered: int
    state: State


class Search:
    """The search through the orders of one history."""

    def __init__(self, operations: Sequence[Operation], initial: State = EMPTY) -> None:
        self._seen_at = _revisions_of_numbers(operations)
        by_call = sorted(map(self._without_unseen_number, operations), key=lambda each: each.called)
        self._answered = [each for each in by_call if each.returned is not None]
        unanswered = [each for each in by_call if each.returned is None and not isinstance(each.action, Read)]
        self._operations = self._answered + unanswered
        self._all_answered = (1 << len(self._answered)) - 1
        self._initial = initial

    def finds_an_order(self) -> bool:
        """Whether the history is linearizable."""
        start = _Point(0, self._initial)
        seen = {start}
        pending = [start]
        while pending:
            point = pending.pop()
            if point.ordered & self._all_answered == self._all_answered:
                return True
            for following in self._next_points(point):
                if following not in seen:
                    seen.add(following)
                    pending.append(following)
        return False

    def _next_points(self, point: _Point) -> list[_Point]:
        """The points after one more operation.

        If one can be next that was answered with the unchanged document, only that: to order it later would
        lead to nothing else.
        """
        candidates = list(self._candidates(point.ordered))
        if any(_revision(self._operations[each]) < point.state.revision for each in candidates):
            return []
        following = []
        unanswered: set[Action] = set()
        for number in candidates:
            operation = self._operations[number]
            after = apply(point.state, operation.action, operation.outcome)
            if after is None or not self._may_write(operation.action, point.state, after):
                continue
            next_point = _Point(point.ordered | 1 << number, after)
            if after == point.state and isinstance(operation.outcome, State | Conflict):
                return [next_point]
            if operation.returned is None:
                if after == point.state or operation.action in unanswered:
                    continue
                unanswered.add(operation.action)
            following.append(next_point)
        following.reverse()  # the last one is searched first
        return following

    def _may_write(self, action: Action, before: State, after: State) -> bool:
        """Whether the revision that this makes is the one at which its number was seen."""
        if after == before or not isinstance(action, Write) or action.number == _UNSEEN:
            return True
        return after.revision in self._seen_at[action.number]

    def _without_unseen_number(self, operation: Operation) -> Operation:
        action = operation.action
        if isinstance(action, Write) and action.number not in self._seen_at:
            return operation._replace(action=action._replace(number=_UNSEEN))
        return operation

    def _candidates(self, ordered: int) -> Iterator[int]:
        """The operations that were called before any of the others returned, the answered ones first."""
        missing = ~ordered & self._all_answered
        first = (missing & -missing).bit_length() - 1
        end: float = float("inf")
        for number in range(first, len(self._answered)):
            operation = self._answered[number]
            if operation.called > end:
                break
            if not ordered >> number & 1 and operation.returned is not None:
                end = min(end, operation.returned)
                yield number
        for number in range(len(self._answered), len(self._operations)):
            if self._operations[number].called > end:
                break
            if not ordered >> number & 1:
                yield number


def _revisions_of_numbers(operations: Iterable[Operation]) -> dict[int, set[int]]:
    """The revisions at which each number was seen."""
    found: defaultdict[int, set[int]] = defaultdict(set)
    for each in operations:
        if isinstance(each.outcome, State) and each.outcome.left is not None:
            found[each.outcome.left].add(each.outcome.revision)
    return dict(found)


def _revision(operation: Operation) -> float:
    """The revision at which the operation saw the document; infinite if it did not tell."""
    outcome = operation.outcome
    return outcome.revision if isinstance(outcome, State | Conflict) else float("inf")


def is_linearizable(operations: Sequence[Operation], initial: State = EMPTY) -> bool:
    """Whether a history of one document, which began in this state, is linearizable."""
    return Search(operations, initial).finds_an_order()
