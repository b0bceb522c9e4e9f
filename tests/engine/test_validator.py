"""The validator accepts what graphql-core accepts, and nothing else, but for what is left to graphql-core."""

import random
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from graphql import DocumentNode, GraphQLError, GraphQLSchema, build_schema, parse, print_schema, validate
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis_graphql import nodes, queries

from gql_service.engine.document.parser import parse_text
from gql_service.engine.document.schema_tables import SchemaTables
from gql_service.engine.document.validation import RULES
from gql_service.engine.document.validator import is_valid
from gql_service.errors import LimitExceeded
from gql_service.schema.build import build_schema as build_service_schema
from tests.support.broken_documents import Changer, declare_variable

EXAMPLES, CHANGES = (15, 3) if settings().max_examples < 1000 else (400, 12)
"""Generated documents of each schema, and how often each is changed. Changes are changed again, twice, so
`make test-long` compares more than 20,000 documents."""
ZOO = """
directive @tag(name: String! = "x") repeatable on FIELD | QUERY
enum Color { RED GREEN }
input Point { x: Int! = 0 y: Int! label: String points: [[Point!]] }
input Choice @oneOf { id: ID color: Color point: Point }
interface Named { name(short: Boolean = false): String! }
interface Aged implements Named { name(short: Boolean = false): String! age: Int }
type Cat implements Named & Aged {
  name(short: Boolean = false, of: Choice): String! age: Int friends: [Pet!] size: Int! meow: Float }
type Dog implements Named { name(short: Boolean = false): String! friends: [Pet] size: Float!
  bark(at: Point): Int }
type Stone { name: String size: [Int] at(points: [Point!]!, colors: [[Color!]]): Stone }
union Pet = Cat | Dog
union Thing = Cat | Stone
type Query { cat: Cat dog(id: ID!): Dog pet(choice: Choice): Pet pets(by: Choice!): [Pet!]! thing: Thing
  named: Named aged: [Aged] stone(ids: [ID!] = ["a"], size: Float, flag: Boolean! = true): Stone }
type Subscription { cat: Cat dog: Dog }
"""


class Subject(NamedTuple):
    """A schema, and what the tests need of it."""

    schema: GraphQLSchema
    tables: SchemaTables
    changer: Changer
    sdl: str

    @classmethod
    def of(cls, schema: GraphQLSchema) -> "Subject":
        return cls(schema, SchemaTables(schema), Changer(schema), print_schema(schema))

    def errors(self, document: DocumentNode) -> list[GraphQLError] | None:
        """What graphql-core finds; None if it is too much work."""
        try:
            return validate(self.schema, document, RULES, max_errors=1)
        except LimitExceeded:
            return None


SERVICE, IN_ZOO = Subject.of(build_service_schema()._schema), Subject.of(build_schema(ZOO))
SCALARS = {
    name: st.just(nodes.Int(1)) if name == "Timestamp" else st.just(nodes.String("x"))
    for name in ("DateTime", "Timestamp", "JSONObject", "JSON", "Number", "_Any")
}
LEFT_TO_GRAPHQL_CORE = ("__schema", "__type(", "@defer", "@stream", "subscription")


def check(subject: Subject, text: str) -> bool | None:
    """Compare the verdicts on a document. Returns graphql-core's; None for one that cannot be parsed."""
    try:
        document = parse(text)
    except GraphQLError:
        assert parse_text(text, 10_000) is None, text
        return None
    own = parse_text(text, 10_000)
    assert own is None or own == document, text
    errors, accepted = subject.errors(document), is_valid(subject.tables, own or document)
    if accepted:
        assert not errors, (text, errors)
    else:
        assert errors != [] or any(each in text for each in LEFT_TO_GRAPHQL_CORE), text
    return errors == []


def check_changes(subject: Subject, text: str, seed: int) -> Iterator[bool | None]:
    """The verdicts on a document, and on changes of changes of it."""
    source = random.Random(seed)
    yield check(subject, text)
    for _ in range(CHANGES):
        changed = source.choice([text, declare_variable(subject.schema, text, source)])
        verdict = check(subject, changed)
        yield verdict
        for _ in range(2):
            if verdict is not None:
                changed = subject.changer.change(changed, source)
                verdict = check(subject, changed)
                yield verdict


@pytest.mark.parametrize("subject", [SERVICE, IN_ZOO], ids=["service", "zoo"])
def test_verdicts_are_those_of_graphql_core(subject: Subject) -> None:
    verdicts: Counter[bool | None] = Counter()

    @settings(max_examples=EXAMPLES)
    @given(query=queries(subject.sdl, custom_scalars=SCALARS), seed=st.integers(0, 2**32))
    def compare(query: str, seed: int) -> None:
        verdicts.update(check_changes(subject, query, seed))

    compare()
    assert verdicts[True] + verdicts[False] >= EXAMPLES * CHANGES * 2.2
    assert min(verdicts[True], verdicts[False]) >= EXAMPLES


@pytest.mark.parametrize(
    "text",
    [
        "{ ...F } fragment F on Query { cat { name } ...F }",
        "{ cat { name } } fragment F on Cat { name }",
        "{ ...F } fragment F on Query { ...G } fragment G on Query { ...F }",
        "{ a: cat { name } a: dog(id: 1) { name } }",
        "{ cat { a: name a: age } }",
        "{ dog(id: 1) { name } dog(id: 2) { name } }",
        "{ pet { ... on Cat { size } ... on Dog { size } } }",
        "{ pet { ... on Cat { friends { __typename } } ... on Dog { friends { __typename } } } }",
        "{ pet { ... on Cat { a: name } ... on Dog { a: bark } } }",
        "{ named { a: name ... on Cat { a: name(short: true) } } }",
        "subscription { cat { name } dog { name } }",
        "subscription { __typename }",
        "subscription { ...F } fragment F on Subscription { cat { name } dog { name } }",
        "query ($v: Choice) { pets(by: $v) { __typename } }",
        "query ($v: ID) { pet(choice: {id: $v}) { __typename } }",
        "query ($v: Int) { cat { name } }",
        "query A { cat { name } } query A { cat { name } }",
    ],
)
def test_documents_that_break_one_rule_are_refused(text: str) -> None:
    assert check(IN_ZOO, text) is False
    assert not is_valid(IN_ZOO.tables, parse(text))


@pytest.mark.parametrize(
    "text",
    [
        "{ cat { name ...F } cat { ...F age } } fragment F on Named { name name }",
        "{ pet { ... on Cat { a: name } ... on Dog { a: name(short: true) } } }",
        "{ pet { ... on Cat { a: friends { __typename } } } named { name } }",
        "query ($v: ID!) { pet(choice: {id: $v}) { __typename } pets(by: {id: $v}) { __typename } }",
        'query ($v: Boolean) { stone(flag: $v) { name @tag @tag(name: "y") @skip(if: false) } }',
        "query ($v: [[Point!]] = []) { dog(id: 1) { bark(at: {y: 1 points: $v}) } }",
        "subscription S { a: cat { name } }",
    ],
)
def test_intricate_documents_are_accepted(text: str) -> None:
    assert check(IN_ZOO, text) is True
    assert is_valid(IN_ZOO.tables, parse(text))
