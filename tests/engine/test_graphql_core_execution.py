"""graphql-core's own tests of execution, run by our plans.

The fields of their schemas are not Strawberry's, so the resolvers of such fields are found here. All else is
ours: variables, conditions, the order of calls, completing, nulls and errors. The tests are fetched when this
runs, so `make test` leaves it out. `make test-long` fails if it cannot fetch.
"""

import asyncio
import gc
import types
from collections import Counter
from collections.abc import Coroutine, Generator
from importlib import import_module
from inspect import iscoroutine
from pathlib import Path
from typing import Any, NoReturn

import graphql.execution
import pytest
from graphql import GraphQLField, GraphQLObjectType, GraphQLSchema, default_field_resolver
from graphql.execution.values import get_argument_values
from hypothesis import settings

from gql_service.engine.execution import execute as entry
from gql_service.engine.execution import planner
from gql_service.engine.execution.plan import Unplannable
from gql_service.engine.execution.resolvers import FieldResolver
from gql_service.engine.execution.run import Run
from tests.support.graphql_core_tests import fetch, own_tests

pytestmark = pytest.mark.skipif(
    settings().max_examples < 1000, reason="it fetches graphql-core's tests: `make test-long` runs it"
)
DIFFERENT = {
    "a plan provides `info.context` and `info.schema` only": {"provides_info_about_current_execution_state"},
    "the specification leaves the order of errors open, and which one makes a parent null": {
        "handles_mixture_of_sync_and_async_errors_in_async_iterables",
        "nullable_and_non_nullable_nested_fields_throw_nested_errors",
        "nullable_and_non_nullable_root_fields_throw_nested_errors",
        "slower_nullable_after_non_nullable_nested_field",
        "slower_nullable_after_non_nullable_root_field",
        "describe_nulls_a_complex_tree_of_nullable_fields_each throws",
    },
    "a plan starts a resolver at once, even if another field will fail": {
        "handles_sync_errors_combined_with_async_ones",
        "handles_sync_errors_combined_with_async_ones_in_async_context",
    },
    "a plan reads a list before it completes its items, and no resolver of the service returns an iterator": {
        "calls_aclose_when_non_null_list_item_errors",
        "drains_the_iterator_when_next_throws",
        "handles_iterator_errors_with_later_pending_awaitables",
        "handles_sync_errors_with_later_pending_awaitables",
        "throws_if_encountering_async_iterable_execution_without_check_sync",
    },
    "the service refuses such JSON before: see `strict_json`": {
        "execute_sync_returns_a_result_with_the_error"
    },
}
"""Why some of the tests do not apply, by the ends of their names.

The tests of what has no plan say nothing either: graphql-core executes abstract types, `is_type_of`,
arguments of fragments, `@defer`, middleware, hooks and the like.
"""

by_graphql_core, at_once_by_graphql_core = graphql.execution.execute, graphql.execution.execute_sync


def resolver_of(_schema: GraphQLSchema, parent: GraphQLObjectType, nodes: Any, field: GraphQLField) -> Any:
    """How to resolve a field that Strawberry did not make: stands in for `resolvers.field_resolver`."""
    if nodes[0].name.value == "__typename":
        return FieldResolver(lambda _run, _source: parent.name)
    function: Any = field.resolve or default_field_resolver

    def resolve(run: Run, source: Any) -> Any:
        info = types.SimpleNamespace(
            context=run.context, schema=_schema, field_name=nodes[0].name.value, field_nodes=nodes
        )
        return function(source, info, **get_argument_values(field, nodes[0], run.graphql_core_variables()))

    return FieldResolver(resolve)


def check_is_plannable(plan: Any) -> None:
    """Stands in for the check of the planner, which wants a schema of Strawberry."""
    if (
        plan._operation.directives
        or any(each.name in ("defer", "stream") for each in plan._schema.directives)
        or any(each.definition.variable_definitions for each in plan._fragments.values())
        or any(getattr(each, "is_type_of", None) for each in plan._schema.type_map.values())
    ):
        raise Unplannable


def refuse_abstract_type(*_args: Any) -> NoReturn:
    """Stands in for what completes values of abstract types: it finds their types by Strawberry's classes."""
    raise Unplannable


class Executor:
    """Stands in for graphql-core's `execute`."""

    def __init__(self) -> None:
        self.planned = 0
        """How many operations of the test that runs had a plan."""
        self._is_async = False
        """Whether a resolver of the operation has returned an awaitable."""

    def execute(self, schema: Any, document: Any, *args: Any, **options: Any) -> Any:
        if not self._takes(args, options):
            return by_graphql_core(schema, document, *args, **options)
        self._is_async = False
        result = self._start(entry.execute(schema, document, *args, **options))
        return _later(result) if self._is_async and not iscoroutine(result) else result

    def execute_sync(self, schema: Any, document: Any, *args: Any, **options: Any) -> Any:
        if self._takes(args, options):
            result = self.execute(schema, document, *args, **options)
            if not iscoroutine(result):
                return result
            result.close()
        return at_once_by_graphql_core(schema, document, *args, **options)

    @staticmethod
    def _takes(args: Any, options: dict[str, Any]) -> bool:
        known = {"root_value", "context_value", "variable_values", "operation_name"}
        return set(options) <= known and len(args) <= len(known)

    def start(self, *args: Any) -> None:
        self._is_async = True
        start(*args)

    def find_plan(self, *args: Any) -> Any:
        plan = find_plan(*args)
        self.planned += plan is not None
        return plan

    @staticmethod
    def _start(execution: Coroutine[Any, Any, Any]) -> Any:
        """The result if nothing has to be waited for, as with graphql-core, and otherwise an awaitable."""
        try:
            waits_for = execution.send(None)
        except StopIteration as end:
            return end.value
        return rest_of(execution, waits_for)


find_plan, start = entry._find_plan, Run.start


async def _later(result: Any) -> Any:
    return result


async def rest_of(execution: Coroutine[Any, Any, Any], waits_for: Any) -> Any:
    return await _continued(execution, waits_for)


@types.coroutine
def _continued(execution: Coroutine[Any, Any, Any], waits_for: Any) -> Generator[Any, Any, Any]:
    try:
        while True:
            try:
                sent = yield waits_for
            except BaseException as error:
                waits_for = execution.throw(error)
            else:
                waits_for = execution.send(sent)
    except StopIteration as end:
        return end.value


@pytest.fixture
def executor(monkeypatch: pytest.MonkeyPatch) -> Executor:
    executor = Executor()
    monkeypatch.setattr(planner, "field_resolver", resolver_of)
    monkeypatch.setattr(planner.Planner, "_check_is_plannable", check_is_plannable)
    monkeypatch.setattr(planner.Planner, "_abstract_completer", refuse_abstract_type)
    monkeypatch.setattr(entry, "_find_plan", executor.find_plan)
    monkeypatch.setattr(Run, "start", lambda *args: executor.start(*args))
    for name in ("graphql.execution.execute", "graphql.execution", "graphql.graphql", "graphql"):
        for function in ("execute", "execute_sync"):
            if hasattr(import_module(name), function):
                monkeypatch.setattr(import_module(name), function, getattr(executor, function))
    return executor


# Tests that fail midway, as those of `DIFFERENT` do, leave coroutines behind.
@pytest.mark.filterwarnings("ignore:.*was never awaited:RuntimeWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_our_plans_pass_the_tests_of_graphql_core(tmp_path: Path, executor: Executor) -> None:
    fetch(tmp_path)
    planned, differing = Counter[str](), {}
    with own_tests("execution", tmp_path) as tests:
        for name, run in tests:
            executor.planned = 0
            try:
                result = run()
                if iscoroutine(result):
                    asyncio.run(result)
            except (Exception, pytest.fail.Exception) as error:
                differing[name] = repr(error)  # without what its frames keep
            planned[name.partition(":")[0]] += executor.planned > 0
        gc.collect()  # awaitables that nobody awaited warn now, not in another test
    explained = tuple(set().union(*DIFFERENT.values()))
    assert {name: error for name, error in differing.items() if not name.endswith(explained)} == {}
    assert len(differing) == len(explained), "nothing else is explained"
    assert min(planned[part] for part in ("test_lists", "test_nonnull", "test_mutations")) > 0
    assert sum(planned.values()) >= 150
