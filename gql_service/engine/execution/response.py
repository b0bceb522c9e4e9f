"""The response while it is built: values are stored in slots, errors collected, nulls propagated.

A container is stored in its own slot before its contents are known. So values can be filled in as they
arrive, and following `parent` from slot to slot gives the path of an error, and the nearest nullable slot.
"""

from collections.abc import Sequence
from typing import Any

from graphql import ExecutionResult, GraphQLError, located_error

from gql_service.engine.execution.plan import FieldPlan, ResponseSlot
from gql_service.errors import LimitExceeded

_MAX_ERRORS = 2000
"""Recording and writing so many takes long enough. Whoever reads them needs fewer."""
_MAX_LOCATIONS = 10
"""Of one error, whose field may be selected hundreds of times."""


class Response:
    """The errors of one execution, and the slots that they have set to null."""

    __slots__ = ("_errors", "_nulled")

    def __init__(self) -> None:
        self._errors: list[GraphQLError] = []
        self._nulled: dict[int, ResponseSlot | None] = {}
        """The slots that errors have set to null, by their `id`; None is the whole response."""

    def fail(self, error: Exception, field: FieldPlan, slot: ResponseSlot) -> None:
        """Record a field error and set its slot to null. Below a null, only the first error is recorded."""
        if not self.is_nulled(slot):
            self._record(error, field, slot)
        self._propagate_null(slot)

    def _record(self, error: Exception, field: FieldPlan, slot: ResponseSlot) -> None:
        if len(self._errors) == _MAX_ERRORS:
            self._errors.append(_too_many_errors())
        if len(self._errors) > _MAX_ERRORS:
            return
        path: list[str | int] = []
        ancestor: ResponseSlot | None = slot
        while ancestor is not None:
            _container, key, _nullable, ancestor = ancestor
            path.append(key)
        self._errors.append(located_error(error, field.nodes[:_MAX_LOCATIONS], path[::-1]))

    def fail_all(self, error: Exception, field: FieldPlan, slots: Sequence[ResponseSlot]) -> None:
        """Record the same error for several slots."""
        for slot in slots:
            self.fail(error, field, slot)

    def complete_null(self, field: FieldPlan, slot: ResponseSlot) -> None:
        """Store null in a slot. This is a field error if the slot is not nullable."""
        container, key, nullable, _parent = slot
        if nullable:
            container[key] = None
        else:
            message = f"Cannot return null for non-nullable field {field.coordinate}."
            self.fail(TypeError(message), field, slot)

    def is_nulled(self, slot: ResponseSlot | None) -> bool:
        """Whether a slot, or one that contains it, was set to null. None means the whole response."""
        if not self._nulled:
            return False
        while slot is not None and id(slot) not in self._nulled:
            _container, _key, _nullable, slot = slot
        return id(slot) in self._nulled

    def result(self, data: dict[str, Any]) -> ExecutionResult:
        """The result of the execution, once every slot has its value."""
        return ExecutionResult(None if self.is_nulled(None) else data, self._errors or None)

    def _propagate_null(self, slot: ResponseSlot | None) -> None:
        """Set the nearest nullable slot to null: this one, or one that contains it."""
        while slot is not None:
            container, key, nullable, parent = slot
            if nullable:
                container[key] = None
                break
            slot = parent
        self._nulled[id(slot)] = slot


def _too_many_errors() -> GraphQLError:
    message = f"There are more than {_MAX_ERRORS} errors. The others are left out. Request less at a time."
    return GraphQLError(message, original_error=LimitExceeded(message))
