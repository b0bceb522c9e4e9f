"""Completing values: what resolvers give becomes the response, all values of one place at a time."""

from collections.abc import AsyncIterable, Callable, Sequence
from typing import Any

from graphql import GraphQLError, GraphQLLeafType
from graphql.execution import Executor
from graphql.pyutils import is_async_iterable, is_iterable
from strawberry.types.cast import TYPE_CAST_ATTRIBUTE

from gql_service.engine.execution.leaf_reader import PLAIN
from gql_service.engine.execution.plan import Complete, FieldPlan, ObjectPlan, ResponseSlot
from gql_service.engine.execution.run import Run


def guarded_completer(field: FieldPlan, complete: Complete) -> Complete:
    """Where the objects that a resolver finds decide, they are asked before they are shown."""

    def sift(run: Run, values: Sequence[Any], places: Sequence[ResponseSlot]) -> None:
        values, places = run.filter_allowed(field.guard.after, field, values, places, results=True)
        if values:
            complete(run, values, places)

    return sift


def leaf_completer(type_: GraphQLLeafType, field: FieldPlan) -> Complete:
    """For scalars and enums."""

    def complete(run: Run, values: Sequence[Any], places: Sequence[ResponseSlot]) -> None:
        for value, place in zip(values, places, strict=True):
            if type(value) not in PLAIN and run.complete_non_value(value, complete, field, place):
                continue
            try:
                place[0][place[1]] = Executor.complete_leaf_value(type_, value)
            except Exception as error:
                run.fail(error, field, place)

    return complete


def abstract_completer(
    field: FieldPlan, of_classes: dict[type, ObjectPlan], find: Callable[[Any], ObjectPlan]
) -> Complete:
    """For interfaces and unions: `find` is asked about what is no instance of the classes themselves."""

    def complete(run: Run, values: Sequence[Any], places: Sequence[ResponseSlot]) -> None:
        kinds = set(map(type, values))
        plan = of_classes.get(kinds.pop()) if len(kinds) == 1 else None
        if plan is not None and not [value for value in values if hasattr(value, TYPE_CAST_ATTRIBUTE)]:
            run.build(plan, values, places)
            return
        chosen: dict[ObjectPlan, tuple[list[Any], list[ResponseSlot]]] = {}
        for value, place in zip(values, places, strict=True):
            plan = None if hasattr(value, TYPE_CAST_ATTRIBUTE) else of_classes.get(type(value))
            if plan is None:
                if run.complete_non_value(value, complete, field, place):
                    continue
                try:
                    plan = find(value)
                except Exception as error:
                    run.fail(error, field, place)
                    continue
            found, there = chosen.setdefault(plan, ([], []))
            found.append(value)
            there.append(place)
        for plan, (found, there) in chosen.items():
            run.build(plan, found, there)

    return complete


def list_completer(
    complete_items: Complete, nullable: bool, field: FieldPlan, plain: ObjectPlan | None = None
) -> Complete:
    """`plain` is the plan of items that are only read, all at once, where nothing is the matter with them."""

    def complete(run: Run, values: Sequence[Any], places: Sequence[ResponseSlot]) -> None:
        lists: list[Sequence[Any]] = []
        where: list[ResponseSlot] = []
        for value, place in zip(values, places, strict=True):
            if not isinstance(value, _SEQUENCES):
                if run.complete_non_value(value, complete, field, place):
                    continue
                if is_async_iterable(value):
                    run.start(_collect(value), False, complete, field, [place])
                    continue
                try:
                    value = _as_list(value, field)
                except Exception as error:
                    run.fail(error, field, place)
                    continue
            lists.append(value)
            where.append(place)
        items = [item for each in lists for item in each]
        read = None if plain is None else run.read(plain, items)
        if read is not None:
            start = 0
            for each, place in zip(lists, where, strict=True):
                place[0][place[1]] = read[start : start + len(each)]
                start += len(each)
            return
        below = spread(lists, where)
        if below:
            complete_items(run, items, below)

    def spread(lists: list[Sequence[Any]], where: list[ResponseSlot]) -> list[ResponseSlot]:
        """Put empty lists in their places; the places of their items."""
        below: list[ResponseSlot] = []
        for each, place in zip(lists, where, strict=True):
            result = place[0][place[1]] = [None] * len(each)
            below += [(result, index, nullable, place) for index in range(len(each))]
        return below

    return complete


_SEQUENCES = (list, tuple)


async def _collect(values: AsyncIterable[Any]) -> list[Any]:
    return [value async for value in values]


def _as_list(values: Any, field: FieldPlan) -> list[Any]:
    if not is_iterable(values):
        raise GraphQLError(f"Expected Iterable, but did not find one for field '{field.title}'.")
    return list(values)
