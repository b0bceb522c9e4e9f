"""Batched resolvers give each object what a resolver for one object would return."""

import asyncio
from collections.abc import Sequence
from typing import Any, Optional

import pytest
import strawberry

from gql_service.schema.batched_fields import batched_field
from tests.support.compare_with_graphql_core import compare


async def turns(number: int) -> None:
    for _ in range(number):
        await asyncio.sleep(0)


def value_of(number: int, what: str) -> Any:
    """Odd numbers have the special outcome `what`."""
    if number % 2 == 0:
        return number
    return {"null": None, "error": LookupError(f"{number} is odd"), "text": "x"}.get(what, number)


@strawberry.interface
class Numbered:
    number: int


@strawberry.type
class Letter(Numbered):
    text: str = "letter"

    @batched_field(description="A number, or nothing.")
    async def soft(letters: Sequence["Letter"], what: str = "", n: int = 0) -> list[int | None]:
        await turns(n)
        return [value_of(each.number, what) for each in letters]


@strawberry.type
class Item(Numbered):
    @batched_field(description="A number, or nothing.")
    async def soft(items: Sequence["Item"], what: str = "", n: int = 0) -> list[int | None]:
        await turns(n)
        return [value_of(each.number, what) for each in items]

    @batched_field(description="A number.")
    async def firm(items: Sequence["Item"], what: str = "", n: int = 0) -> list[int]:
        await turns(n)
        return [value_of(each.number, what) for each in items]

    @batched_field(description="Raises for all.")
    async def never(items: Sequence["Item"], n: int = 0) -> list[int | None]:
        await turns(n)
        raise ValueError("never")

    @batched_field(description="One below.")
    async def half(items: Sequence["Item"], n: int = 0) -> list[Optional["Item"]]:
        await turns(n)
        return [Item(number=each.number // 2) if each.number > 1 else None for each in items]

    @batched_field(description="Several below.")
    async def parts(items: Sequence["Item"], n: int = 0) -> list[list["Item"]]:
        await turns(n)
        return [[Item(number=each.number + part) for part in range(each.number)] for each in items]

    @batched_field(description="Of either type.")
    async def mixed(items: Sequence["Item"], n: int = 0) -> list[list["Item | Letter"]]:
        await turns(n)
        return [[Item(number=each.number), Letter(number=each.number)] for each in items]

    @batched_field(description="Anything but one value for each object.")
    async def wrong(items: Sequence["Item"], what: str) -> list[int | None]:
        results: Any = {"few": [1], "many": [1] * 9, "nothing": None, "a text": "abcd", "a tuple": (1,) * 4}
        result: list[int | None] = results[what]
        return result

    @strawberry.field
    def alone(self) -> int:
        return self.number * 10


@strawberry.type
class Query:
    @strawberry.field
    def items(self, n: int = 4) -> list[Item]:
        return [Item(number=number) for number in range(n)]

    @strawberry.field
    async def loose_items(self, n: int = 4) -> list[Item | None]:
        await turns(1)
        return [Item(number=number) if number % 3 else None for number in range(n)]

    @strawberry.field
    def item(self, number: int) -> Item:
        return Item(number=number)

    @strawberry.field
    def numbered(self) -> list[Numbered]:
        return [Letter(number=1), Item(number=3), Letter(number=2)]


SCHEMA = strawberry.Schema(query=Query, types=[Letter])

CASES = {
    "a list": "{ items { number soft firm } }",
    "an empty list": "{ items(n: 0) { soft } }",
    "one": "{ item(number: 3) { soft(n: 2) firm half { soft } } }",
    "with nulls between": "{ looseItems { soft(n: 1) number firm } }",
    "late": "{ items { soft(n: 3) firm(n: 1) alone number } }",
    "by aliases": '{ items { a: soft b: soft(what: "null") c: soft(n: 2) } x: items(n: 1) { soft } }',
    "some are null": '{ items { soft(what: "null") number } }',
    "some fail": '{ items { soft(what: "error") number } looseItems { soft(what: "error", n: 1) } }',
    "some are of another kind": '{ items { soft(what: "text", n: 1) } }',
    "one that must not be null is": '{ items(n: 2) { firm(what: "null") } }',
    "one that must not be null fails": '{ looseItems(n: 2) { firm(what: "error", n: 1) number } }',
    "several nulls below": '{ looseItems(n: 6) { firm(what: "error") number } }',
    "all fail": "{ looseItems { never number } }",
    "all fail, late": "{ items { never(n: 2) soft } }",
    "below each other": "{ items { half { half { soft firm(n: 1) } number } } }",
    "below each other, late": "{ items(n: 6) { half(n: 1) { half(n: 2) { soft(n: 3) } soft } alone } }",
    "lists in lists": "{ items { parts { parts(n: 1) { soft number } firm } } }",
    "of two types": """{ items { mixed { __typename ... on Item { s: soft firm } ... on Letter {
        text soft(what: "error", n: 1) } } } }""",
    "of an interface": "{ numbered { number ... on Letter { soft(n: 1) } ... on Item { half { soft } } } }",
    "with arguments that fail": "query ($v: String) { items { soft(what: $v) } }",
    "in several places": """{ a: items { ...F } b: looseItems { ...F } c: item(number: 2) { ...F } }
        fragment F on Item { soft(what: "null", n: 1) half { firm } }""",
}


@pytest.mark.parametrize("query", CASES.values(), ids=CASES)
def test_a_batched_resolver_gives_each_object_its_own_value(query: str) -> None:
    compared = compare(SCHEMA, query, {"v": None})
    assert compared.planned
    assert compared.ours == compared.theirs


@pytest.mark.parametrize("what", ["few", "many", "nothing", "a text"])
def test_a_batch_of_the_wrong_size_or_type_is_an_error_of_each_object(what: str) -> None:
    outcome = compare(SCHEMA, f'{{ items {{ number wrong(what: "{what}") }} }}').ours
    assert outcome.data == repr({"items": [{"number": number, "wrong": None} for number in range(4)]})
    assert len(outcome.errors) == 4
    assert all(
        "Item.wrong must return a list with one value for each object." in each for each in outcome.errors
    )


def test_a_batch_may_be_a_tuple() -> None:
    compared = compare(SCHEMA, '{ items { wrong(what: "a tuple") } }')
    assert compared.ours == compared.theirs
