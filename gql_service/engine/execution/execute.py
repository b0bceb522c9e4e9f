"""Executing an operation: the entry point, with the signature of graphql-core's own `execute`."""

from collections.abc import Callable
from typing import Any

from graphql import DocumentNode, ExecutionResult, GraphQLError, GraphQLSchema, OperationType
from graphql import execute as graphql_core_execute
from graphql.execution.values import VariableValues
from strawberry import Info

from gql_service.engine.document.cache import GraphQLDocument, GraphQLOperation
from gql_service.engine.execution.plan import ObjectPlan, Unplannable
from gql_service.engine.execution.planner import Planner
from gql_service.engine.execution.run import ResolveInfo, Run
from gql_service.errors import LimitExceeded

_MAX_PLANS = 8
"""Plans kept of an operation: one for each combination of the variables that `@skip` and `@include` use."""


async def execute(
    schema: GraphQLSchema,
    document: GraphQLDocument | DocumentNode,
    root_value: Any = None,
    context_value: Any = None,
    variable_values: dict[str, Any] | None = None,
    operation_name: str | None = None,
) -> ExecutionResult:
    """Execute an operation of a valid document: by its plan or, if it has none, by graphql-core.

    All errors are in the result; none is raised.
    """
    if isinstance(document, DocumentNode):
        document = GraphQLDocument(document)
    raw_variables = variable_values or {}
    if document.lifted is not None:
        return await _execute_shared(
            schema, document, root_value, context_value, raw_variables, operation_name
        )
    operation = document.operation(operation_name)
    if operation is not None:
        definitions = operation.variable_definitions(schema)
        try:
            definitions.check_sizes(raw_variables)
            operation.check_cost_of_inputs(raw_variables)
        except LimitExceeded as error:
            return _limit_exceeded(error)
        variables, values = definitions.coerce(raw_variables)
        if isinstance(variables, list):
            return ExecutionResult(None, variables)
        for cost in operation.costs:
            if too_costly := cost.limit_error(variables):
                return _limit_exceeded(too_costly)

        def graphql_core_values() -> Any:
            return values or definitions.coerce_with_graphql_core(raw_variables)

        plan = _find_plan(schema, document, operation, variables, graphql_core_values)
        if plan is not None:
            resolve_info: Any = ResolveInfo(schema, context_value)
            info: Any = Info(_raw_info=resolve_info, _field=resolve_info)
            run = Run(
                root_value,
                context_value,
                info,
                variables,
                graphql_core_values,
            )
            if operation.node.operation is OperationType.MUTATION:
                return await run.execute_mutation(plan)
            return await run.execute_query(plan)
    result = graphql_core_execute(
        schema, document.node, root_value, context_value, raw_variables, operation_name
    )
    return result if isinstance(result, ExecutionResult) else await result


async def _execute_shared(
    schema: GraphQLSchema,
    document: GraphQLDocument,
    root_value: Any,
    context_value: Any,
    raw_variables: dict[str, Any],
    operation_name: str | None,
) -> ExecutionResult:
    """Execute the operation of the document that this one shares, with its own values."""
    lifted, shared = document.lifted, document.shared
    assert lifted is not None, "the caller has checked"
    assert shared is not None, "it has no values of its own otherwise"
    variables = {**raw_variables, **lifted.variables}
    result = await execute(schema, shared, root_value, context_value, variables, operation_name)
    if result.errors:
        lifted.relocate(result.errors)
    return result


def _limit_exceeded(error: LimitExceeded) -> ExecutionResult:
    return ExecutionResult(None, [GraphQLError(error.message, original_error=error)])


def _find_plan(
    schema: GraphQLSchema,
    document: GraphQLDocument,
    operation: GraphQLOperation,
    variables: dict[str, Any],
    graphql_core_values: Callable[[], Any],
) -> ObjectPlan | None:
    """The plan for these variables, cached in the operation; None if graphql-core must execute it."""
    key = tuple([variables.get(name) for name in operation.condition_variables])
    try:
        plan: ObjectPlan | None = operation.plans[key]
    except KeyError:
        values = graphql_core_values() if operation.condition_variables else VariableValues({}, {})
        plan = _make_plan(schema, document, operation, values)
        if len(operation.plans) < _MAX_PLANS:
            operation.plans[key] = plan
    return plan


def _make_plan(
    schema: GraphQLSchema,
    document: GraphQLDocument,
    operation: GraphQLOperation,
    variables: Any,
) -> ObjectPlan | None:
    try:
        return Planner(schema, operation.node, document.fragments, variables).plan()
    except (Unplannable, GraphQLError, RecursionError):
        return None
