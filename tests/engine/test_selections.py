"""Selections: operations, fragments, aliases, `@skip` and `@include`, and the order of keys."""

import itertools
from typing import Any, Optional

import pytest
import strawberry
from graphql import parse
from graphql.language import DirectiveLocation
from strawberry.directive import DirectiveValue
from strawberry.schema.config import StrawberryConfig

from gql_service.engine.document.cache import GraphQLDocument
from tests.support.compare_with_graphql_core import compare


@strawberry.interface
class Named:
    name: str = "named"


@strawberry.type
class Cat(Named):
    lives: int = 9
    enemy: Optional["Dog"] = None

    @strawberry.field
    def friends(self, first: int = 2) -> list["Animal"]:
        both: list[Any] = [Dog(name="Rex"), Cat(name="Tom")]
        return both[:first]


@strawberry.type
class Dog(Named):
    barks: bool = True

    @strawberry.field
    async def owner(self) -> "Cat":
        return Cat(name=f"owner of {self.name}")


Animal = Cat | Dog


@strawberry.type
class Query:
    @strawberry.field
    def a(self) -> str:
        return "a"

    @strawberry.field
    async def b(self) -> str:
        return "b"

    @strawberry.field
    def echo(self, of: int | None = None) -> int | None:
        return of

    @strawberry.field
    def fails(self) -> str:
        raise ValueError("failed")

    @strawberry.field
    def cat(self) -> Cat:
        return Cat(name="Kit", enemy=Dog(name="Max"))

    @strawberry.field
    async def animals(self) -> list[Animal]:
        return [Cat(name="Kit", enemy=Dog(name="Max")), Dog(name="Rex")]

    @strawberry.field
    def named(self) -> list[Named]:
        return [Dog(name="Rex"), Cat(name="Kit")]


@strawberry.type
class Mutation:
    @strawberry.mutation
    def a(self) -> str:
        return "changed"


@strawberry.type
class Subscription:
    a: str = "subscribed"


@strawberry.directive(locations=[DirectiveLocation.FIELD])
def tagged(value: DirectiveValue[str], names: list[str]) -> str:
    return value


@strawberry.directive(locations=[DirectiveLocation.QUERY], name="experimental_disableErrorPropagation")
def keep(value: DirectiveValue[str]) -> str:
    return value


SCHEMA = strawberry.Schema(
    query=Query, mutation=Mutation, subscription=Subscription, directives=[tagged, keep], types=[Cat, Dog]
)

PLANNED = {
    "two fields": "{ a b }",
    "two fields, the other way round": "{ b a }",
    "typenames": "{ __typename a __typename cat { t: __typename __typename } b }",
    "only a typename": "{ cat { __typename } animals { __typename } }",
    "aliases": "{ b: a a: b one: echo(of: 1) two: echo(of: 2) }",
    "fields that are merged": "{ cat { name } a cat { lives } b cat { name enemy { name } } }",
    "fields merged deeply": """{ cat { enemy { name } } ...F cat { enemy { t: __typename ...D } } }
        fragment F on Query { cat { enemy { owner { lives } } } } fragment D on Dog { barks }""",
    "fragments that are parallel": """{ a ...X ...Y } fragment X on Query { b cat { name } }
        fragment Y on Query { cat { lives } a }""",
    "a fragment twice": "{ ...X a ...X } fragment X on Query { b }",
    "fragments in fragments": """{ ...X a } fragment X on Query { ...Y b } fragment Y on Query {
        cat { ...Z } } fragment Z on Cat { name }""",
    "inline fragments": "{ ... { b } ... on Query { a cat { ... on Cat { lives } ... { name } } } }",
    "by type": """{ animals { __typename ... on Cat { lives name } ... on Dog { name barks } } }""",
    "by type, of an interface": "{ named { name ... on Cat { lives } ... on Dog { barks } __typename } }",
    "by interface, of a union": "{ animals { ... on Named { name __typename } ... on Dog { barks } } }",
    "by interface, of an object": "{ cat { ... on Named { name } lives } }",
    "by union, of an interface": """{ named { ...U name } } fragment U on CatDog {
        ... on Cat { lives } ... on Dog { barks } }""",
    "types in types": """{ animals { ... on Cat { friends(first: 1) { ... on Dog { owner { friends {
        __typename ... on Cat { lives } ... on Dog { owner { name } } } } } } } } }""",
    "an empty result of fragments": "{ animals { ... on Cat { lives } } named { ... on Dog { barks } } }",
    "aliases by type": """{ animals { ... on Cat { x: lives } ... on Dog { y: barks }
        ... on Named { z: name } } }""",
    "a directive of its own": '{ a @tagged(names: ["x"]) b }',
    "with a description": '"""about it""" query Q { a }',
    "the schema": "{ b __schema { __typename queryType { name } types { name kind isOneOf } } a }",
    "the directives": "{ __schema { directives { name locations args { name type { kind } } } } }",
    "a type": '{ __type(name: "Cat") { name fields { type { ofType { kind } } } interfaces { name } } b }',
    "an unknown type": '{ a __type(name: "None") { name } }',
    "types in fragments": """{ ...X a } fragment X on Query { cat: __type(name: "CatDog") {
        ...T t: __typename } } fragment T on __Type {
        possibleTypes { name fields { name } } possibleTypes { fields { args { defaultValue } } } }""",
}


@pytest.mark.parametrize("query", PLANNED.values(), ids=PLANNED)
def test_fields_have_the_order_of_their_selection(query: str) -> None:
    compared = compare(SCHEMA, query)
    assert compared.planned
    assert compared.ours == compared.theirs


CONDITIONAL = [
    "{ a b @include(if: %s) }",
    "{ a @skip(if: %s) }",
    "{ ...F @include(if: %s) a } fragment F on Query { b }",
    "{ a ... on Query @skip(if: %s) { b } ... @include(if: %s) { b } }",
    "{ a b @include(if: %s) @skip(if: %s) }",
    "{ a b @include(if: %s) b @skip(if: %s) }",
    "{ a b @skip(if: %s) @include(if: true) cat { lives @skip(if: %s) name } }",
    "{ animals { __typename ... on Cat @skip(if: %s) { lives } ... on Dog { barks @include(if: %s) } } }",
    "{ named { name @skip(if: %s) ... on Cat { enemy @include(if: %s) { name } } } }",
    "{ __schema { queryType { name @skip(if: %s) kind } ... @include(if: %s) { types { name } } } }",
]


@pytest.mark.parametrize("condition", ["true", "false"])
@pytest.mark.parametrize("query", CONDITIONAL)
def test_fields_are_left_out_by_literals(query: str, condition: str) -> None:
    compared = compare(SCHEMA, query.replace("%s", condition))
    assert compared.planned
    assert compared.ours == compared.theirs


CONDITION_VARIABLES: list[tuple[str, dict[str, Any]]] = [
    ("Boolean!", {"if": True}),
    ("Boolean!", {"if": False}),
    ("Boolean! = true", {}),
    ("Boolean = false", {}),
]


@pytest.mark.parametrize(("type_", "variables"), CONDITION_VARIABLES)
@pytest.mark.parametrize("query", CONDITIONAL)
def test_fields_are_left_out_by_variables(query: str, type_: str, variables: dict[str, bool]) -> None:
    compared = compare(SCHEMA, f"query ($if: {type_}) {query.replace('%s', '$if')}", variables)
    assert compared.planned
    assert compared.ours == compared.theirs


def test_an_absent_or_null_condition_fails_as_in_graphql_core() -> None:
    for query in CONDITIONAL:
        query = query.replace("%s", "$if")
        compared = compare(SCHEMA, f"query ($if: Boolean!) {query}", {})
        assert compared.ours == compared.theirs
        compared = compare(SCHEMA, f"query ($if: Boolean = false) {query}", {"if": None})
        assert compared.ours == compared.theirs


def test_each_combination_of_many_conditions_skips_its_fields() -> None:
    names = "pqrs"
    fields = " ".join(f"{name}: a @skip(if: ${name})" for name in names)
    query = f"query ({', '.join(f'${name}: Boolean!' for name in names)}) {{ b {fields} }}"
    document = GraphQLDocument(parse(query))
    for setting in itertools.product([True, False], repeat=len(names)):
        compared = compare(SCHEMA, document, dict(zip(names, setting, strict=True)))
        assert compared.ours == compared.theirs


OPERATIONS: list[tuple[str, str | None]] = [
    ("{ a }", None),
    ("query One { a }", None),
    ("query One { a }", "One"),
    ("query One { a } query Two { b } mutation Three { a } subscription Four { a }", "Two"),
    ("query One { a } query Two { b } mutation Three { a } subscription Four { a }", "Three"),
    ("query One { a } query Two { b } mutation Three { a } subscription Four { a }", "Four"),
    ("query One { ...F } query Two { ...F b } fragment F on Query { a }", "Two"),
    ("query One { a } query Two { b }", None),
    ("query One { a } query Two { b }", "Three"),
    ("query One { a }", ""),
    ("{ a }", "One"),
]


@pytest.mark.parametrize(("query", "name"), OPERATIONS)
def test_the_operation_of_the_requested_name_is_executed(query: str, name: str | None) -> None:
    compared = compare(SCHEMA, query, operation=name)
    assert compared.ours == compared.theirs


def test_a_document_can_disable_null_propagation() -> None:
    compared = compare(SCHEMA, "query @experimental_disableErrorPropagation { a fails b }")
    assert not compared.planned
    assert compared.ours == compared.theirs


def test_a_schema_with_incremental_delivery_works_as_with_graphql_core() -> None:
    config = StrawberryConfig(enable_experimental_incremental_execution=True)
    for query in ("{ a cat { ... @defer { name } } }", "{ a animals @stream { __typename } }", "{ a }"):
        compared = compare(strawberry.Schema(query=Query, config=config), query)
        assert not compared.planned
        assert compared.ours == compared.theirs


def test_fragments_with_variables_are_executed_as_by_graphql_core() -> None:
    text = """query ($of: Int) { ...F(of: 1) b: echo(of: $of) }
        fragment F($of: Int) on Query { a: echo(of: $of) }"""
    compared = compare(SCHEMA, parse(text, experimental_fragment_arguments=True), {"of": 2})
    assert not compared.planned
    assert compared.ours == compared.theirs
