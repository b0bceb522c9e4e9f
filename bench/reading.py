"""Compares generated leaf readers with a loop over closures: why `leaf_reader.py` generates code.

Run `python -m bench.reading`; it prints the median of alternating rounds, in microseconds for 50 users.
"""

import statistics
import time
from collections.abc import Callable
from operator import attrgetter
from types import SimpleNamespace
from typing import Any

from graphql import FieldNode, GraphQLObjectType, NameNode

from gql_service.engine.execution.leaf_reader import leaf_reader
from gql_service.engine.execution.plan import FieldPlan
from gql_service.schema.build import build_schema

FIELDS = ("userId", "username", "displayName", "image", "email", "tenantId")
_ROUNDS, _REPEAT = 41, 200


def _sources() -> list[Any]:
    names = ("user_id", "username", "display_name", "image", "email", "tenant_id")
    rows = (SimpleNamespace(**{name: f"{name} {number}" for name in names}) for number in range(50))
    return [SimpleNamespace(row=row) for row in rows]


def _plans() -> tuple[GraphQLObjectType, list[FieldPlan]]:
    user = build_schema()._schema.type_map["User"]
    assert isinstance(user, GraphQLObjectType)
    plans = []
    for name in FIELDS:
        node = FieldNode(name=NameNode(value=name))
        field = FieldPlan(user, name, [node], user.fields[name])
        definition = user.fields[name].extensions["strawberry-definition"]
        field.leaf_expression = f"row.{definition.python_name}"
        plans.append(field)
    return user, plans


def _looping(plans: list[FieldPlan]) -> Callable[[Any], list[dict[str, Any]]]:
    """A leaf reader without generated code."""
    leaves = [(plan.key, attrgetter((plan.leaf_expression or "").removeprefix("row."))) for plan in plans]

    def read(sources: Any) -> list[dict[str, Any]]:
        results = []
        for source in sources:
            row, result = source.row, {}
            for key, get in leaves:
                value = get(row)
                if type(value) is not str:
                    raise TypeError
                result[key] = value
            results.append(result)
        return results

    return read


def main() -> None:
    """Measure both alternately."""
    user, plans = _plans()
    contestants = {"generated": leaf_reader(user, SimpleNamespace, plans), "closures": _looping(plans)}
    sources, times = _sources(), {name: list[float]() for name in contestants}
    for _ in range(_ROUNDS):
        for name, read in contestants.items():
            start = time.perf_counter()
            for _ in range(_REPEAT):
                read(sources)
            times[name].append((time.perf_counter() - start) / _REPEAT * 1e6)
    medians = {name: statistics.median(durations) for name, durations in times.items()}
    for name, median in medians.items():
        print(f"{name:10} {median:7.1f} µs")
    print(f"ratio      {medians['closures'] / medians['generated']:7.2f}")


if __name__ == "__main__":
    main()
