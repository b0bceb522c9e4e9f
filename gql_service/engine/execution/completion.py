"""Completing values: turning what resolvers return into the response (GraphQL specification, 6.4.3).

Each function makes a `Complete` for one kind of output type. It completes all values of a field together.

No `Complete` refers to itself, because only the cyclic garbage collector could free it then. Where one has to
be passed on, which is rare, another one is made.
"""

from collections.abc import AsyncIterable, Callable, Sequence
from typing import Any

from graphql import GraphQLError, GraphQLLeafType
from graphql.execution import Executor
from graphql.pyutils import is_async_iterable, is_iterable
from strawberry.types.cast import TYPE_CAST_ATTRIBUTE

from gql_service.engine.execution.leaf_reader import PLAIN_TYPES
from gql_service.engine.execution.plan import Complete, FieldPlan, ObjectPlan, ResponseSlot
from gql_service.engine.execution.run import Run


def guarded_completer(field: FieldPlan, complete: Complete) -> Complete:
    """For fields whose guard depends on the objects that they return: completes only the allowed ones."""

    def complete_allowed(run: Run, values: Sequence[Any], slots: Sequence[ResponseSlot]) -> None:
        values, slots = run.filter_allowed(field.guard.after, field, values, slots, are_results=True)
        if values:
            complete(run, values, slots)

    return complete_allowed


def leaf_completer(type_: GraphQLLeafType, field: FieldPlan) -> Complete:
    """For scalars and enums: serializes each value."""

    def complete(run: Run, values: Sequence[Any], slots: Sequence[ResponseSlot]) -> None:
        for value, slot in zip(values, slots, strict=True):
            if type(value) not in PLAIN_TYPES and run.complete_null_error_or_awaitable(
                value, leaf_completer(type_, field), field, slot
            ):
                continue
            try:
                container, key, _nullable, _parent = slot
                container[key] = Executor.complete_leaf_value(type_, value)
            except Exception as error:
                run.fail(error, field, slot)

    return complete


def abstract_completer(
    field: FieldPlan, plans_by_class: dict[type, ObjectPlan], find_plan: Callable[[Any], ObjectPlan]
) -> Complete:
    """For interfaces and unions. `find_plan` is called for values whose class is not in `plans_by_class`."""

    def complete(run: Run, values: Sequence[Any], slots: Sequence[ResponseSlot]) -> None:
        classes = set(map(type, values))
        plan = plans_by_class.get(classes.pop()) if len(classes) == 1 else None
        if plan is not None and not [value for value in values if hasattr(value, TYPE_CAST_ATTRIBUTE)]:
            run.build_objects(plan, values, slots)
            return
        groups: dict[ObjectPlan, tuple[list[Any], list[ResponseSlot]]] = {}
        for value, slot in zip(values, slots, strict=True):
            plan = None if hasattr(value, TYPE_CAST_ATTRIBUTE) else plans_by_class.get(type(value))
            if plan is None:
                again = abstract_completer(field, plans_by_class, find_plan)
                if run.complete_null_error_or_awaitable(value, again, field, slot):
                    continue
                try:
                    plan = find_plan(value)
                except Exception as error:
                    run.fail(error, field, slot)
                    continue
            group_values, group_slots = groups.setdefault(plan, ([], []))
            group_values.append(value)
            group_slots.append(slot)
        for plan, (group_values, group_slots) in groups.items():
            run.build_objects(plan, group_values, group_slots)

    return complete


def list_completer(
    complete_items: Complete, nullable: bool, field: FieldPlan, leaf_plan: ObjectPlan | None = None
) -> Complete:
    """For lists whose items are `nullable` or not.

    `leaf_plan` is the plan of the items if they are objects that only have leaves. Then all items of all
    lists are read at once, without slots of their own, unless one of them is invalid or unusual.
    """

    def complete(run: Run, values: Sequence[Any], slots: Sequence[ResponseSlot]) -> None:
        lists: list[Sequence[Any]] = []
        list_slots: list[ResponseSlot] = []
        for value, slot in zip(values, slots, strict=True):
            if not isinstance(value, _SEQUENCE_TYPES):
                again = list_completer(complete_items, nullable, field, leaf_plan)
                if run.complete_null_error_or_awaitable(value, again, field, slot):
                    continue
                if is_async_iterable(value):
                    run.start(_collect(value), False, again, field, [slot])
                    continue
                try:
                    value = _as_list(value, field)
                except Exception as error:
                    run.fail(error, field, slot)
                    continue
            lists.append(value)
            list_slots.append(slot)
        items = [item for each in lists for item in each]
        results = None if leaf_plan is None else run.read_leaves(leaf_plan, items)
        if results is not None:
            start = 0
            for each, (container, key, _nullable, _parent) in zip(lists, list_slots, strict=True):
                container[key] = results[start : start + len(each)]
                start += len(each)
            return
        item_slots = store_empty_lists(lists, list_slots)
        if item_slots:
            complete_items(run, items, item_slots)

    def store_empty_lists(lists: list[Sequence[Any]], list_slots: list[ResponseSlot]) -> list[ResponseSlot]:
        """Store lists of nulls in their slots. Returns the slots of the items."""
        item_slots: list[ResponseSlot] = []
        for each, slot in zip(lists, list_slots, strict=True):
            container, key, _nullable, _parent = slot
            result = container[key] = [None] * len(each)
            item_slots += [(result, index, nullable, slot) for index in range(len(each))]
        return item_slots

    return complete


_SEQUENCE_TYPES = (list, tuple)


async def _collect(values: AsyncIterable[Any]) -> list[Any]:
    return [value async for value in values]


def _as_list(values: Any, field: FieldPlan) -> list[Any]:
    if not is_iterable(values):
        raise GraphQLError(f"Expected Iterable, but did not find one for field '{field.coordinate}'.")
    return list(values)
