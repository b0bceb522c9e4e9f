"""The single visitor for all rules finds the same errors as graphql-core, in the same order."""

import random

import pytest
from graphql import GraphQLError, parse, validate
from graphql.language.ast import QUERY_DOCUMENT_KEYS
from hypothesis import settings

from gql_service.engine.document.validation import RULES, CombinedRules, _rules_for_kind
from gql_service.errors import LimitExceeded
from gql_service.schema.build import build_schema

DOCUMENTS = 200 if settings().max_examples < 1000 else 5000
"""Generated documents; `make test-long` raises the number."""
SCHEMA = build_schema()._schema
OPERATIONS = [
    "{ me { @@ } }",
    "query A { @@ }",
    "query A($id: ID!, $id: ID, $n: Int = 1.5, $u: User, $x: Nothing) { @@ }",
    "query B($by: UserBy!, $key: String) { user(by: $by) { id } platform(key: $key) { key } @@ }",
    "mutation @skip(if: true) { awardBadge { @@ } }",
    "subscription { a b }",
    "mutation M($d: [String!]) { clearPlatformMetadata(input: {platformKey: $d, extra: 1}) { @@ } }",
    "type Query { me: Int }",
    "extend type User { more: Int }",
]
SELECTIONS = [
    "me { username nothing badges }",
    "me @include(if: $no) @include(if: true) { id { id } }",
    "me @unknown @deprecated { ...F ...F ...Missing }",
    "a: me { username } a: session { username }",
    "user(by: {userId: 1, username: true}) { id }",
    "user(by: {userId: null}, by: {nothing: {}}) { id displayName: email displayName }",
    "user { id }",
    "node(id: $id) { ... on User { email } ... on Platform { email } ... on Badge { name } }",
    "node(id: [1]) { ... on String { id } ... on Nothing { id } ... @include { id } }",
    "nodes(ids: {a: 1, a: 2}) { __typename }",
    'platform(key: "k") { users(first: "x", last: $n, wrong: ENUM) { nodes { ...F } } }',
    "_entities(representations: [$by, {}]) { ... on User { ...G } }",
    "limits",
    "__type(name: 5) { name fields { type { ofType { name } } } }",
]
FRAGMENTS = [
    "fragment F on User { id ...G }",
    "fragment G on User { ...F username }",
    "fragment F on Nothing { id }",
    "fragment G on Platform { key me }",
    "fragment Unused on String { length }",
    "fragment Long on User @skip(if: $id) { badges { name @stream } a: id a: username }",
]


def documents(count: int) -> list[str]:
    source = random.Random(7)
    made = []
    for _ in range(count):
        selections = [" ".join(source.choices(SELECTIONS, k=source.randint(1, 3))) for _ in range(4)]
        operations = [
            source.choice(OPERATIONS).replace("@@", selections.pop(), 1) for _ in range(source.randint(1, 3))
        ]
        made.append(" ".join([*operations, *source.sample(FRAGMENTS, source.randint(0, 4))]))
    return made


def found(rules: object, document: str, max_errors: int) -> list[object]:
    try:
        errors: list[GraphQLError] = validate(SCHEMA, parse(document), rules, max_errors=max_errors)  # type: ignore[arg-type]
    except LimitExceeded as refusal:
        return [refusal.message]
    return [error.formatted for error in errors]


def test_the_errors_are_those_of_graphql_core() -> None:
    kinds: set[str] = set()
    for document in documents(DOCUMENTS):
        for max_errors in (100, 2):
            expected = found(RULES, document, max_errors)
            assert found((CombinedRules,), document, max_errors) == expected, document
            kinds.update(str(error).split("'message': ")[-1][:14] for error in expected)
    assert len(kinds) > 25, "the documents break many rules"


@pytest.mark.parametrize("document", ["{ me { username } }", "query A($id: ID!) { node(id: $id) { id } }"])
def test_a_valid_document_has_no_errors(document: str) -> None:
    assert found((CombinedRules,), document, 20) == []


def test_every_rule_visits_some_kind_of_nodes() -> None:
    assert {index for kind in QUERY_DOCUMENT_KEYS for index, _, _ in _rules_for_kind(kind)} == set(
        range(len(RULES))
    )
