"""The response while it is being built: values in their places, errors, and the nulls they cause.

A place says where a value goes: the container, the key in it, whether it may be null, and the place of the
container itself. Containers are put in their places before what they contain is known, so what arrives late
is filled in, and following places outward gives an error its path, and a null the place that takes it.
"""

from collections.abc import Sequence
from typing import Any

from graphql import ExecutionResult, GraphQLError, located_error

from gql_service.engine.execution.plan import FieldPlan, ResponseSlot


class Response:
    """What has become of the places so far."""

    __slots__ = ("_errors", "_nulled")

    def __init__(self) -> None:
        self._errors: list[GraphQLError] = []
        self._nulled: dict[int, ResponseSlot | None] = {}

    def fail(self, error: Exception, field: FieldPlan, place: ResponseSlot) -> None:
        """Record an error, unless where it belongs is null already, and put null in its place."""
        if not self.is_nulled(place):
            path: list[str | int] = []
            at: ResponseSlot | None = place
            while at is not None:
                path.append(at[1])
                at = at[3]
            self._errors.append(located_error(error, field.nodes, path[::-1]))
        self._put_null(place)

    def fail_all(self, error: Exception, field: FieldPlan, places: Sequence[ResponseSlot]) -> None:
        """One error for several places."""
        for place in places:
            self.fail(error, field, place)

    def absent(self, field: FieldPlan, place: ResponseSlot) -> None:
        """Put null in a place, which is an error where it must not be null."""
        if place[2]:
            place[0][place[1]] = None
        else:
            self.fail(TypeError(f"Cannot return null for non-nullable field {field.title}."), field, place)

    def is_nulled(self, place: ResponseSlot | None) -> bool:
        """Whether a place, or one that it is in, has become null; None stands for the whole response."""
        if not self._nulled:
            return False
        while place is not None and id(place) not in self._nulled:
            place = place[3]
        return id(place) in self._nulled

    def result(self, data: dict[str, Any]) -> ExecutionResult:
        """The response, when all places have their values."""
        nothing = self._nulled and self.is_nulled(None)
        return ExecutionResult(None if nothing else data, self._errors or None)

    def _put_null(self, place: ResponseSlot | None) -> None:
        """The nearest place outward that may be null takes it."""
        while place is not None and not place[2]:
            place = place[3]
        if place is not None:
            place[0][place[1]] = None
        self._nulled[id(place)] = place
