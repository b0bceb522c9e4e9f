"""Decides whether a history of a document is linearizable.

It is if its operations have an order in which each has the outcome that it had, and in which no operation
comes before one that had returned when it was called. The search is that of Wing and Gong: choose a first
operation, and go on with the rest. What was reached once, by the same operations with the same state, is not
searched again.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tests.durability.register import EMPTY, Conflict, Operation, Read, State, apply


class _Point(NamedTuple):
    """How far the search came: the operations that are ordered, one bit each, and the state after them."""

    ordered: int
    state: State


class Search:
    """The search through the orders of one history."""

    def __init__(self, operations: Sequence[Operation], initial: State = EMPTY) -> None:
        by_call = sorted(operations, key=lambda each: each.called)
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
        following = []
        for number in self._candidates(point.ordered):
            operation = self._operations[number]
            after = apply(point.state, operation.action, operation.outcome)
            if after is None:
                continue
            next_point = _Point(point.ordered | 1 << number, after)
            if after == point.state and isinstance(operation.outcome, State | Conflict):
                return [next_point]
            following.append(next_point)
        following.reverse()  # the last one is searched first
        return following

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


def is_linearizable(operations: Sequence[Operation], initial: State = EMPTY) -> bool:
    """Whether a history of one document, which began in this state, is linearizable."""
    return Search(operations, initial).finds_an_order()
