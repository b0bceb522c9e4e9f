"""Operations that resolve a field thousands of times: others get their turn, and the errors are limited."""

import asyncio
from collections import Counter
from itertools import count
from typing import Any

import strawberry
from graphql import GraphQLError, Source, parse
from hypothesis import given
from hypothesis import strategies as st
from strawberry import Info

from gql_service.engine.document.cache import GraphQLDocument
from gql_service.engine.document.source import DocumentSource
from gql_service.engine.execution.execute import execute
from tests.support.compare_with_graphql_core import compare

ITEMS = 2500


@strawberry.type
class Item:
    number: int

    @strawberry.field
    async def slow(self, info: Info[Any, None]) -> int:
        info.context.setdefault("turns", Counter())[info.context.get("turn", -1)] += 1
        return self.number

    @strawberry.field
    def failing(self) -> int | None:
        raise ValueError(f"{self.number} fails")

    @strawberry.field
    def argument(self, number: int = 7, names: list[str] | None = None) -> str:
        return f"{number} {names} {self.number}"


@strawberry.type
class Query:
    @strawberry.field
    def items(self, first: int) -> list[Item]:
        return [Item(number=number) for number in range(first)]


SCHEMA = strawberry.Schema(Query)


def run(query: str, context: dict[str, Any]) -> Any:
    """The result of an operation. `context["turn"]` is the number of the turn of the event loop."""

    async def ticking() -> None:
        for context["turn"] in count():
            await asyncio.sleep(0)

    async def running() -> Any:
        ticker = asyncio.create_task(ticking())
        result = await execute(SCHEMA._schema, GraphQLDocument(parse(query)), None, context, {}, None)
        ticker.cancel()
        return result

    return asyncio.run(running())


def test_many_resolvers_leave_turns_to_others() -> None:
    context: dict[str, Any] = {}
    result = run(f"{{ items(first: {ITEMS}) {{ a: slow b: slow }} }}", context)
    assert result.data == {"items": [{"a": number, "b": number} for number in range(ITEMS)]}
    assert sum(context["turns"].values()) == 2 * ITEMS
    assert max(context["turns"].values()) <= 1000


def test_many_resolvers_return_what_graphql_core_returns() -> None:
    compared = compare(SCHEMA, f"{{ items(first: {ITEMS}) {{ slow failing: number argument }} }}")
    assert compared.planned
    assert compared.ours.data == compared.theirs.data


def test_errors_are_limited() -> None:
    errors = run(f"{{ items(first: {ITEMS}) {{ failing }} }}", {}).errors
    assert [each.path for each in errors[:-1]] == [["items", number, "failing"] for number in range(2000)]
    assert errors[-1].path is None
    assert errors[-1].message.startswith("There are more than 2000 errors.")


def test_all_errors_are_listed_up_to_the_limit() -> None:
    compared = compare(SCHEMA, "{ items(first: 2000) { failing } }")
    assert len(compared.ours.errors) == 2000
    assert compared.ours.errors == compared.theirs.errors


def test_an_error_names_a_few_of_its_many_places() -> None:
    (error,) = run(f"{{ items(first: 1) {{ {'failing ' * 200} }} }}", {}).errors
    assert isinstance(error, GraphQLError)
    assert len(error.locations or ()) == 10


@given(st.text("a\n\r", max_size=30), st.data())
def test_positions_are_those_of_graphql_core(text: str, data: st.DataObject) -> None:
    position = data.draw(st.integers(0, len(text)))
    assert DocumentSource(text).get_location(position) == Source(text).get_location(position)
