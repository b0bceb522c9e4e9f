"""Executes a document by our engine and by graphql-core, on separate event loops, and compares them."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import strawberry
from graphql import DocumentNode, ExecutionResult, GraphQLError, parse, validate
from graphql import execute as by_graphql_core

from gql_service.engine.document.cache import GraphQLDocument
from gql_service.engine.execution.execute import execute

Drive = Callable[[Awaitable[ExecutionResult]], Awaitable[ExecutionResult]]

_SECONDS = 60
"""An execution that takes longer is considered to hang."""
_TURNS = 5
"""Turns of the event loop for resolvers that are not awaited any more to finish."""


class Outcome(NamedTuple):
    """The outcome of an execution. The order of keys matters, the order of errors does not."""

    data: str
    errors: list[str]
    log: list[Any]
    """What resolvers have logged in the context, in order."""


class Compared(NamedTuple):
    """Both outcomes, which should be equal. `planned` says whether the engine had a plan."""

    ours: Outcome
    theirs: Outcome
    planned: bool


def compare(
    schema: strawberry.Schema,
    query: str | DocumentNode | GraphQLDocument,
    variables: dict[str, Any] | None = None,
    *,
    root: Any = None,
    operation: str | None = None,
    rounds: int = 1,
    describe_errors: Callable[[ExecutionResult], list[str]] | None = None,
    drive: Drive | None = None,
) -> Compared:
    """Execute a document by the engine and by graphql-core, `rounds` times; compare the last outcomes.

    `describe_errors` returns the parts of the errors to compare. `drive` awaits the result.
    """
    if isinstance(query, str):
        query = parse(query)
    document = query if isinstance(query, GraphQLDocument) else GraphQLDocument(query)
    node = document.node
    assert not validate(schema._schema, node), "the document must be valid"
    arguments = (variables, operation)

    def ours(context: Any) -> Any:
        return execute(schema._schema, document, root, context, *arguments)

    def theirs(context: Any) -> Any:
        return by_graphql_core(schema._schema, node, root, context, *arguments)

    outcomes = []
    for run in (ours, theirs):
        for _ in range(rounds):
            outcome = asyncio.run(_outcome(run, describe_errors or _every_error, drive or _wait))
        outcomes.append(outcome)
    executed = document.operation(operation)
    planned = executed is not None and any(plan is not None for plan in executed.plans.values())
    return Compared(outcomes[0], outcomes[1], planned)


async def _outcome(
    run: Callable[[Any], Any], describe_errors: Callable[[ExecutionResult], list[str]], drive: Drive
) -> Outcome:
    context: dict[str, Any] = {"log": []}
    try:
        result = run(context)
        if isinstance(result, Awaitable):
            result = await drive(result)
    except (Exception, asyncio.CancelledError) as error:
        return Outcome("raised", [f"{type(error).__name__}: {error}"], [*context["log"]])
    for _ in range(_TURNS):
        await asyncio.sleep(0)
    return Outcome(repr(result.data), sorted(describe_errors(result)), context["log"])


async def _wait(result: Awaitable[ExecutionResult]) -> ExecutionResult:
    return await asyncio.wait_for(result, _SECONDS)


def _every_error(result: ExecutionResult) -> list[str]:
    return [f"{error.formatted} {type(error.original_error).__name__}" for error in result.errors or ()]


def one_error_a_null(result: ExecutionResult) -> list[str]:
    """The paths that became null. Which of several errors below one is reported is a race."""
    return [str(path) for path in {tuple(_nulled(result.data, error)) for error in result.errors or ()}]


def _nulled(data: Any, error: GraphQLError) -> list[str | int]:
    reached: list[str | int] = []
    for key in error.path or ():
        if data is None:
            break
        data = data[key]
        reached.append(key)
    return reached
