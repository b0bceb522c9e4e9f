"""Completing values: invalid leaves, iterables of all kinds, awaitables, and reading attributes."""

import asyncio
from collections.abc import AsyncIterator, Generator, Iterator
from enum import Enum
from typing import Any, NewType

import pytest
import strawberry
from graphql import GraphQLError, Undefined
from strawberry.scalars import JSON
from strawberry.schema.config import StrawberryConfig
from strawberry.types.scalar import ScalarDefinition

from tests.support.compare_with_graphql_core import compare


def serialize_picky(value: Any) -> Any:
    match value:
        case "raise":
            raise ValueError("picky")
        case "none":
            return None
        case "undefined":
            return Undefined
    return f"<{value}>"


Picky = NewType("Picky", str)


@strawberry.enum
class Colour(Enum):
    RED = "r"
    GREEN = 2


class Word(str):
    pass


class Odd:
    def __repr__(self) -> str:
        return "odd"


class Waits:
    """Awaitable, but not a coroutine."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __await__(self) -> Generator[Any, None, Any]:
        yield from asyncio.sleep(0).__await__()
        return self.value


class Countdown:
    """Iterable by its own iterator."""

    def __iter__(self) -> Iterator[int]:
        return iter((3, 2, 1))


class Ticks:
    """An asynchronous iterable."""

    def __init__(self) -> None:
        self.left = 3

    def __aiter__(self) -> AsyncIterator[int]:
        return self

    async def __anext__(self) -> int:
        self.left -= 1
        if self.left < 0:
            raise StopAsyncIteration
        return self.left


async def late(value: Any) -> Any:
    await asyncio.sleep(0)
    if isinstance(value, Exception):
        raise value
    return value


def future(value: Any) -> "asyncio.Future[Any]":
    found = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_soon(found.set_result, value)
    return found


def generate(*values: Any) -> Iterator[Any]:
    for value in values:
        if isinstance(value, LookupError):
            raise value
        yield value


async def generate_late(*values: Any) -> AsyncIterator[Any]:
    for value in values:
        await asyncio.sleep(0)
        if isinstance(value, LookupError):
            raise value
        yield value


LEAVES: dict[str, Any] = {
    "text": lambda: "x",
    "a subclass of text": lambda: Word("x"),
    "yes": lambda: True,
    "a number": lambda: 7,
    "a big number": lambda: 2**31,
    "a list": lambda: ["x"],
    "a dict": lambda: {"a": 1},
    "an object": Odd,
    "an error": lambda: LookupError("returned"),
    "an error of GraphQL": lambda: GraphQLError("returned", extensions={"code": "RETURNED"}),
    "nothing": lambda: None,
    "undefined": lambda: Undefined,
    "unset": lambda: strawberry.UNSET,
    "a colour": lambda: Colour.RED,
    "what raises": lambda: "raise",
    "what becomes none": lambda: "none",
    "what becomes undefined": lambda: "undefined",
    "a coroutine": lambda: late("x"),
    "a coroutine that raises": lambda: late(LookupError("raised")),
    "an awaitable": lambda: Waits("x"),
    "a future": lambda: future("x"),
}

ITERABLES: dict[str, Any] = {
    "a list": lambda: [1, 2],
    "an empty list": list,
    "a tuple": lambda: (1, 2),
    "a set": lambda: {1, 2},
    "a generator": lambda: generate(1, 2),
    "a generator that raises": lambda: generate(1, LookupError("raised")),
    "an iterable": lambda: Countdown(),
    "a dict": lambda: {"a": 1},
    "a text": lambda: "12",
    "bytes": lambda: b"12",
    "a number": lambda: 12,
    "an error": lambda: LookupError("returned"),
    "nothing": lambda: None,
    "an async generator": lambda: generate_late(1, 2),
    "an async generator that raises": lambda: generate_late(1, LookupError("raised")),
    "an async generator of odd things": lambda: generate_late(1, "x", None, 2),
    "an async generator of coroutines": lambda: generate_late(late(1), late(LookupError("raised"))),
    "an async iterable": lambda: Ticks(),
    "of coroutines": lambda: [late(1), late(None), 4],
    "of coroutines, one of which raises": lambda: [late(1), late(LookupError("raised")), 4],
    "of awaitables": lambda: [Waits(1), 2, Waits("x")],
    "of futures": lambda: [1, future(2)],
    "of errors": lambda: [1, LookupError("returned"), ValueError("returned")],
    "of odd things": lambda: [1, "x", None, [3], Undefined, 2**40],
    "a generator of coroutines": lambda: generate(late(1), late(2)),
}


def get_leaf(value: str) -> Any:
    return LEAVES[value]()


def get_list(value: str) -> Any:
    return ITERABLES[value]()


@strawberry.type
class Leaves:
    """Fields without resolvers, which are read from attributes."""

    text: str | None
    number: int | None
    anything: JSON | None
    firm_text: str
    firm_picky: Picky


def leaves(value: str) -> Any:
    found = Leaves.__new__(Leaves)
    made = LEAVES[value]()
    for name in Leaves.__annotations__:
        setattr(found, name, made)
    return found


@strawberry.type
class Query:
    text = strawberry.field(resolver=get_leaf, graphql_type=str | None)
    number = strawberry.field(resolver=get_leaf, graphql_type=int | None)
    colour = strawberry.field(resolver=get_leaf, graphql_type=Colour | None)
    anything = strawberry.field(resolver=get_leaf, graphql_type=JSON | None)
    firm_picky = strawberry.field(resolver=get_leaf, graphql_type=Picky)
    read = strawberry.field(resolver=leaves, graphql_type=Leaves)
    reads = strawberry.field(resolver=lambda: [leaves("text")] * 2, graphql_type=list[Leaves])
    loose_list = strawberry.field(resolver=get_list, graphql_type=list[int | None] | None)
    firm_list = strawberry.field(resolver=get_list, graphql_type=list[int] | None)


SCALARS: dict[object, ScalarDefinition] = {Picky: strawberry.scalar(name="Picky", serialize=serialize_picky)}
SCHEMA = strawberry.Schema(query=Query, config=StrawberryConfig(scalar_map=SCALARS))

LEAF_FIELDS = ["text", "number", "colour", "anything", "firmPicky"]
READ_FIELDS = ["text", "number", "anything", "firmText", "firmPicky"]
LIST_FIELDS = ["looseList", "firmList"]
Dropped = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@Dropped
@pytest.mark.parametrize("value", LEAVES)
@pytest.mark.parametrize("field", LEAF_FIELDS)
def test_a_leaf_is_serialized_as_by_graphql_core(field: str, value: str) -> None:
    compared = compare(SCHEMA, f'{{ {field}(value: "{value}") }}')
    assert compared.planned
    assert compared.ours == compared.theirs


@Dropped
@pytest.mark.parametrize("value", LEAVES)
@pytest.mark.parametrize("field", READ_FIELDS)
def test_a_leaf_without_a_resolver_is_serialized_as_by_graphql_core(field: str, value: str) -> None:
    compared = compare(SCHEMA, f'{{ read(value: "{value}") {{ {field} }} reads {{ {field} }} }}')
    assert compared.planned
    assert compared.ours == compared.theirs


@Dropped
@pytest.mark.parametrize("value", ITERABLES)
@pytest.mark.parametrize("field", LIST_FIELDS)
def test_an_iterable_is_completed_as_by_graphql_core(field: str, value: str) -> None:
    compared = compare(SCHEMA, f'{{ {field}(value: "{value}") }}')
    assert compared.planned
    assert compared.ours == compared.theirs
