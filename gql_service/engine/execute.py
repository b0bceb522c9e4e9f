"""Executing an operation, with the signature of graphql-core's own `execute`."""

from typing import Any

from graphql import DocumentNode, ExecutionResult, GraphQLSchema
from graphql import execute as graphql_core_execute


async def execute(
    schema: GraphQLSchema,
    document: DocumentNode,
    root_value: Any = None,
    context_value: Any = None,
    variable_values: dict[str, Any] | None = None,
    operation_name: str | None = None,
) -> ExecutionResult:
    """Execute a validated document. Failures are in the result, never raised."""
    result = graphql_core_execute(
        schema, document, root_value, context_value, variable_values, operation_name
    )
    return result if isinstance(result, ExecutionResult) else await result
