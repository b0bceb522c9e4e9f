"""Hostile documents of up to 16 KiB: each is refused, and costs little more than an honest one may."""

import pytest
from graphql import GraphQLSchema, parse

from gql_service.engine.document.cache import DocumentCache, InvalidDocument
from gql_service.engine.document.validation import validate_document
from gql_service.schema.build import build_schema
from gql_service.settings import Settings
from tests.support.cost import assert_costs_at_most
from tests.support.service import Service

KIB = 1024
MOST = 2
"""How many times what graphql-core needs for `HONEST` a hostile document may cost. Ours accepts it faster."""


def each(count: int, text: str) -> str:
    """The text repeated, where # is its number and ## the next number."""
    return " ".join(text.replace("##", str(at + 1)).replace("#", str(at)) for at in range(count))


def nest(opening: str, inside: str, closing: str, depth: int) -> str:
    return opening * depth + inside + closing * depth


def me(inside: str, times: int = 1) -> str:
    return "{ me { " + f"{inside} " * times + "} }"


def fragments(count: int, inside: str, last: str = "id") -> str:
    """A chain of fragments: each spreads the next one by `inside`; the last one has other content."""
    return each(count, f"fragment F# on User {{ {inside} }}") + f" fragment F{count} on User {{ {last} }}"


def spreads(start: int, stop: int) -> str:
    return " ".join(f"...F{at}" for at in range(start, stop))


UNFOLDING = " ".join(f"fragment F{at} on User {{ id {spreads(at + 1, 25)} }}" for at in range(25))
CLIQUE = " ".join(f"fragment F{at} on User {{ id {spreads(0, 18)} }}" for at in range(18))
TWICE = "a: userMetadata { user { ...F## } } b: userMetadata { user { ...F## } }"
CHAIN = nest("userMetadata { user { ", "id", " } }", 3)
PAGES = nest("userMetadata(first: 100) { user(last: 100) { ", "id", " } }", 4)
VARIABLE_PAGES = each(9, "userMetadata(first: $v#) { user(last: $v#, first: $v##) {") + " } } " * 9
PATCH = "mutation { patchPlatformMetadata(input: {metadata: * }) { deletedKeys } }"
BOMBS = {
    # fragments that expand exponentially
    "fragments that spread the next twice": me("...F0") + fragments(48, "...F## ...F##"),
    "fragments that spread the next in two fields": me("...F0") + fragments(30, TWICE),
    "fragments that spread all the next": me("...F0") + UNFOLDING,
    "fragments that spread all": me("...F0") + CLIQUE,
    "a cycle of fragments": me("...F0") + fragments(48, "id ...F##", "...F0"),
    "a cycle of many fragments": me("...F0") + fragments(95, "id ...F##", "...F0"),
    "a chain of fragments with an error at its end": me("...F0") + fragments(48, "...F##", "unknown"),
    "a chain of many fragments": me("...F0") + fragments(100, "id ...F##"),
    "fragments that nobody uses": me("id") + each(49, "fragment F# on User { id }"),
    "many fragments that nobody uses": me("id") + each(120, "fragment F# on User { id }"),
    "fragments of one name": me("...F") + each(49, "fragment F on User { id }"),
    "a fragment again and again": me("...F", 480) + "fragment F on Platform { id }",
    # many items in one selection
    "aliases": me(each(300, "a#: id")),
    "aliases in conflict": me("a: id a: username", 7),
    "fields at the root": "{ " + "__typename " * 900 + "}",
    "a field again and again": me("id", 480),
    "a field again and again in a fragment that nobody uses": me("id") + fragments(0, "", "id " * 480),
    "a field again and again, in two operations": "query A" + me("id", 240) + "query B" + me("id", 240),
    "a field with fields again and again": me("userMetadata { user { id } }", 100),
    "a field with deep fields again and again": me(CHAIN, 36),
    "fields that just may be compared": "{ " + each(4, f"a#: me {{ {f'{CHAIN} ' * 8} }}") + " unknown }",
    "a field with arguments again and again": me('platformMetadata(platformKey: "") { id }', 90),
    # depth
    "deep fields": "{ me " + nest("{ userMetadata { user ", "{ id }", " } }", 95) + " }",
    "deep inline fragments": "{ " + nest("... { ", "__typename", " }", 190) + " }",
    "deep inline fragments in fragments": me("...F0") + fragments(8, nest("... { ", "...F##", " }", 30)),
    "deep lists": "{ nodes(ids: " + nest("[", "", "]", 190) + ") { id } }",
    "deep objects": PATCH.replace("*", nest("{a: ", "1", "}", 190)),
    "a deep type": "query ($v: " + nest("[", "Int", "]", 190) + ") { __typename }",
    "braces": "{" * 16 * KIB,
    # operations, variables, directives, cost
    "operations": each(49, "query Q# { me { id } }") + "{ me { id } }",
    "many operations": each(110, "query Q# { me { id } }"),
    "operations of all fragments": each(25, "query Q# { me { ...F0 } }") + fragments(24, "...F##", "unknown"),
    "anonymous operations": "{ __typename } " * 240,
    "variables that nobody uses": "query (" + each(190, "$v#: Int") + ") { __typename }",
    "variables that nobody declares": "{ nodes(ids: [" + each(450, "$v#") + "]) { id } }",
    "pages of pages": me(PAGES),
    "pages of pages by variables": "query (" + each(10, "$v#: Int") + ") " + me(VARIABLE_PAGES),
    "a page of a billion": '{ platform(key: "") { users(first: 1000000000) { nodes { id } } } }',
    "directives": me("id " + "@include(if: true) " * 130),
    "unknown directives": me("id " + each(400, "@a#")),
    # values and names
    "unknown fields of an input": "{ user(by: {" + each(300, "a#: 1") + "}) { id } }",
    "a field of an input again and again": "{ user(by: {" + "id: 1 " * 320 + "}) { id } }",
    "wrong items": "{ nodes(ids: [" + "1.5 " * 950 + "]) { id } }",
    "representations": "{ _entities(representations: [" + "{a: 1} " * 190 + "]) { unknown } }",
    "a long text": '{ node(id: "' + "x" * 15 * KIB + '") { unknown } }',
    "a long block of text": '{ node(id: """' + "\n x" * 5 * KIB + '""") { unknown } }',
    "a text of escapes": '{ node(id: "' + r"\u{1F600}" * 1700 + '") { unknown } }',
    "a text left open": '{ node(id: "' + "x" * 15 * KIB,
    "a long number": "{ node(id: " + "9" * 15 * KIB + ") { unknown } }",
    "comments": me("id") + "#\n" * 8000,
    "a long name": me("username" * 2000),
    "names that resemble those of fields": me(each(400, "username#")),
    "names that resemble those of types": me("id") + each(120, "fragment F# on Platform# { id }"),
    "long names that resemble none": me(each(20, "x#" + "abcdefghij" * 70)),
    "long arguments that resemble none": "{ nodes(ids: [], "
    + each(24, "id#" + "s" * 600 + ": 1")
    + ") { id } }",
    # introspection
    "fields of fields": "{ __schema { types { " + nest("fields { type { ", "name", " } } ", 40) + " } } }",
    "types of types": "{ __schema { types " + nest("{ ofType ", "{ unknown }", " }", 90) + " } }",
    "introspection again and again": "{ __schema { types { " + "fields { name } " * 200 + "} } }",
}


HONEST = PATCH.replace("*", "{" + each(320, "key#: #") + "}")
"""It says something useful with nearly as many tokens as a document may have."""


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    return build_schema()._schema


def empty_cache(schema: GraphQLSchema) -> DocumentCache:
    """The cache of a server that has read no document yet."""
    settings = Settings()
    return DocumentCache(
        schema, max_tokens=settings.max_document_tokens, capacity=settings.max_cached_documents
    )


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)
def test_a_hostile_document_costs_little_more_than_a_normal_one(schema: GraphQLSchema, bomb: str) -> None:
    assert len(bomb) <= 16 * KIB

    def accept() -> None:
        assert validate_document(schema, parse(HONEST), 1) == []

    def refuse() -> None:
        with pytest.raises(InvalidDocument):
            empty_cache(schema).get(bomb)

    assert_costs_at_most(MOST, accept, refuse, rounds=3)


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)
def test_a_hostile_document_gets_a_response(service: Service, bomb: str) -> None:
    headers = {"Accept": "application/graphql-response+json"}
    response = service.client.post("/graphql", json={"query": bomb}, headers=headers)
    assert response.status_code == 400
    body = response.json()
    assert list(body) == ["errors"]
    codes = {error["extensions"]["code"] for error in body["errors"]}
    assert len(codes) == 1
    assert codes <= {"LIMIT_EXCEEDED", "GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED"}
