"""Executing an operation, with the signature of graphql-core's own `execute`."""

from typing import Any

from graphql import DocumentNode, ExecutionResult, GraphQLError, GraphQLSchema, OperationType
from graphql import execute as graphql_core_execute
from strawberry import Info

from gql_service.engine.document.cache import GraphQLDocument, GraphQLOperation
from gql_service.engine.execution.plan import ObjectPlan, Unplannable
from gql_service.engine.execution.planner import Planner
from gql_service.engine.execution.run import ResolveInfo, Run

_MAX_PLANS = 8
"""Plans of one operation: one for each setting of the variables that `@skip` and `@include` use."""


async def execute(
    schema: GraphQLSchema,
    document: GraphQLDocument | DocumentNode,
    root_value: Any = None,
    context_value: Any = None,
    variable_values: dict[str, Any] | None = None,
    operation_name: str | None = None,
) -> ExecutionResult:
    """Execute a validated document by its plan, or where it has none, by graphql-core.

    Failures are in the result, never raised.
    """
    if isinstance(document, DocumentNode):
        document = GraphQLDocument(document)
    given = variable_values or {}
    operation = document.operation(operation_name)
    if operation is not None:
        variables = operation.variables(schema).coerce(given)
        if isinstance(variables, list):
            return ExecutionResult(None, variables)
        if operation.cost is not None and (refusal := operation.cost.refusal(variables)):
            return ExecutionResult(None, [GraphQLError(refusal.message, original_error=refusal)])
        plan = _plan(schema, document, operation, variables, given)
        if plan is not None:
            call: Any = ResolveInfo(schema, context_value)
            info: Any = Info(_raw_info=call, _field=call)
            values = operation.variables(schema)
            run = Run(root_value, context_value, info, variables, lambda: values.by_reference(given))
            if operation.node.operation is OperationType.MUTATION:
                return await run.mutation(plan)
            return await run.query(plan)
    result = graphql_core_execute(schema, document.node, root_value, context_value, given, operation_name)
    return result if isinstance(result, ExecutionResult) else await result


def _plan(
    schema: GraphQLSchema,
    document: GraphQLDocument,
    operation: GraphQLOperation,
    variables: dict[str, Any],
    given: Any,
) -> ObjectPlan | None:
    setting = tuple([variables.get(name) for name in operation.conditions])
    try:
        plan: ObjectPlan | None = operation.plans[setting]
    except KeyError:
        if len(operation.plans) >= _MAX_PLANS:
            return None
        plan = operation.plans[setting] = _make_plan(schema, document, operation, given)
    return plan


def _make_plan(
    schema: GraphQLSchema, document: GraphQLDocument, operation: GraphQLOperation, given: Any
) -> ObjectPlan | None:
    values: Any = operation.variables(schema).by_reference(given)
    try:
        return Planner(schema, operation.node, document.fragments, values).plan()
    except (Unplannable, GraphQLError, RecursionError):
        return None
