"""One document through our engine and through graphql-core, each on an event loop of its own, to compare."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import strawberry
from graphql import DocumentNode, ExecutionResult, GraphQLError, parse, validate
from graphql import execute as by_graphql_core

from gql_service.engine.document.cache import Document
from gql_service.engine.execution.execute import execute

Drive = Callable[[Awaitable[ExecutionResult]], Awaitable[ExecutionResult]]

_SECONDS = 60
"""An execution that takes longer hangs."""
_TURNS = 5
"""Of the event loop, in which resolvers that nobody waits for any more may come to their end."""


class Outcome(NamedTuple):
    """What came of an execution, comparable: the order of keys counts, that of errors does not."""

    data: str
    errors: list[str]
    log: list[Any]
    """What resolvers noted in the context, in their order."""


class Compared(NamedTuple):
    """Equal outcomes are what the tests want; `planned` says whether there was a plan to run."""

    ours: Outcome
    theirs: Outcome
    planned: bool


def compare(
    schema: strawberry.Schema,
    query: str | DocumentNode | Document,
    variables: dict[str, Any] | None = None,
    *,
    root: Any = None,
    operation: str | None = None,
    rounds: int = 1,
    told: Callable[[ExecutionResult], list[str]] | None = None,
    drive: Drive | None = None,
) -> Compared:
    """Execute a document as often as `rounds` says, by each; the outcomes of the last round count.

    `told` says what of the errors counts; `drive` awaits the result, where more is to happen meanwhile.
    """
    if isinstance(query, str):
        query = parse(query)
    document = query if isinstance(query, Document) else Document(query)
    node = document.node
    assert not validate(schema._schema, node), "the document is to be valid"
    arguments = (variables, operation)

    def ours(context: Any) -> Any:
        return execute(schema._schema, document, root, context, *arguments)

    def theirs(context: Any) -> Any:
        return by_graphql_core(schema._schema, node, root, context, *arguments)

    outcomes = []
    for run in (ours, theirs):
        for _ in range(rounds):
            outcome = asyncio.run(_outcome(run, told or _every_error, drive or _wait))
        outcomes.append(outcome)
    meant = document.operation(operation)
    planned = meant is not None and any(plan is not None for plan in meant.plans.values())
    return Compared(outcomes[0], outcomes[1], planned)


async def _outcome(
    run: Callable[[Any], Any], told: Callable[[ExecutionResult], list[str]], drive: Drive
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
    return Outcome(repr(result.data), sorted(told(result)), context["log"])


async def _wait(result: Awaitable[ExecutionResult]) -> ExecutionResult:
    return await asyncio.wait_for(result, _SECONDS)


def _every_error(result: ExecutionResult) -> list[str]:
    return [f"{error.formatted} {type(error.original_error).__name__}" for error in result.errors or ()]


def one_error_a_null(result: ExecutionResult) -> list[str]:
    """The places that became null. Which of several failures below one is told first is a race."""
    return [str(place) for place in {tuple(_nulled(result.data, error)) for error in result.errors or ()}]


def _nulled(data: Any, error: GraphQLError) -> list[str | int]:
    reached: list[str | int] = []
    for key in error.path or ():
        if data is None:
            break
        data = data[key]
        reached.append(key)
    return reached
