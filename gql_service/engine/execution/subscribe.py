"""Opening the source stream of a subscription. Each of its events is then executed like a query, with the
event as the root value."""

from collections.abc import AsyncGenerator
from typing import Any

from graphql import ExecutionResult, GraphQLError, GraphQLSchema
from graphql.execution import Executor, create_source_event_stream

from gql_service.engine.document.cache import GraphQLDocument, GraphQLOperation
from gql_service.errors import LimitExceeded


async def open_source(
    schema: GraphQLSchema,
    document: GraphQLDocument,
    context_value: Any,
    variable_values: dict[str, Any] | None,
    operation_name: str | None,
) -> AsyncGenerator[Any, None] | ExecutionResult:
    """The source stream of a subscription of a valid document, or a result with errors if there is none.

    The stream itself raises what its resolver raises.
    """
    operation = document.operation(operation_name)
    assert operation is not None, "the caller has found the operation"
    try:
        _check_limits(schema, operation, variable_values or {})
    except LimitExceeded as error:
        return ExecutionResult(None, [GraphQLError(error.message, original_error=error)])
    executor = Executor.build(
        schema,
        document.node,
        context_value=context_value,
        raw_variable_values=variable_values or {},
        operation_name=operation_name,
    )
    if isinstance(executor, list):
        return ExecutionResult(None, executor)
    created: Any = create_source_event_stream(executor)
    source: AsyncGenerator[Any, None] | ExecutionResult = created if _is_ready(created) else await created
    return source


def _is_ready(created: Any) -> bool:
    return hasattr(created, "__anext__") or isinstance(created, ExecutionResult)


def _check_limits(schema: GraphQLSchema, operation: GraphQLOperation, raw_variables: dict[str, Any]) -> None:
    """Raises LimitExceeded. Invalid variables are reported later."""
    definitions = operation.variable_definitions(schema)
    definitions.check_sizes(raw_variables)
    operation.check_cost_of_inputs(raw_variables)
    variables, _values = definitions.coerce(raw_variables)
    for cost in operation.costs:
        if not isinstance(variables, list) and (too_costly := cost.limit_error(variables)):
            raise too_costly
