"""Documents that differ in literals share a document, and are answered as if they did not."""

import random
import re
from typing import Any

import pytest
from graphql import (
    REMOVE,
    DocumentNode,
    FieldNode,
    GraphQLError,
    IntValueNode,
    StringValueNode,
    VariableDefinitionNode,
    VariableNode,
    Visitor,
    VisitorAction,
    parse,
    print_ast,
    print_schema,
    validate,
    visit,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis_graphql import nodes, queries

from gql_service.engine.document.cache import DocumentCache, InvalidDocument
from gql_service.engine.document.limits import DocumentLimits
from gql_service.engine.document.literals import find_literals
from gql_service.schema.build import build_schema
from tests.support.service import Service
from tests.support.world import World

EXAMPLES = 30 if settings().max_examples < 1000 else 2_000
"""Generated documents; `make test-long` raises the number."""
SCHEMA = build_schema()._schema
SDL = print_schema(SCHEMA)
SCALARS = {
    name: st.just(nodes.Int(1)) if name == "Timestamp" else st.just(nodes.String("x"))
    for name in ("DateTime", "Timestamp", "JSONObject", "JSON", "Number", "_Any")
}
UNLIMITED = DocumentLimits(*[10**9] * len(DocumentLimits._fields))
SHARED = [
    '{ user(by: {username: "@@"}) { username } }',
    '{ me { username }\n user(by: {username: "@@"})\n { id userMetadata { revision } } me2: me { id } }',
    '# "not this"\n{ a: platform(key: "@@") { name } # 5\n b: platform(key: "@@") { key } }',
    '{ platform(key: "@@") { users(first: 3) { totalCount nodes { username } } } }',
    '{ platformMetadata(platformKey: "$key", username: "@@") { metadata user { id } } }',
    '{ node(id: "@@") { ... on User { username } ... on Platform { key } } }',
    'query ($key: String!) { platformMetadata(platformKey: $key) { entry(key: "@@") { value } } }',
    'query ($yes: Boolean = true) { user(by: {userId: "@@"}) @include(if: $yes) { username } }',
    'mutation { checkBadge(input: {username: "@@", badge: "x"}) { userErrors { code message } } }',
    'mutation { createPlatform(input: {tenantId: "x", key: "@@", name: ""}) { userErrors { code } } }',
]
VALUES = ["", "x", "é😀", "a b" * 40, "#", "{", "$key", "first: 5", "VXNlcjp4", "jane"]
NOT_SHARED = [
    '{ nodes(ids: ["@@"]) { id } }',
    'mutation { setUserMetadata(input: {deleteKeys: ["@@"]}) { userErrors { code } } }',
    'query ($name: String = "@@") { user(by: {username: $name}) { id } }',
    '{ user(by: {username: """@@"""}) { id } }',
    '{ user(by: {username: "\\n@@"}) { id } }',
    '{ user(by: {username: "@@"}) { id } user(by: {username: "@@"}) { username } }',
    '{ user(by: {username: "@@"}) { ...F } } fragment F on User { id }',
]


@pytest.fixture(scope="module")
def world(service: Service) -> World:
    return World(service)


def ask(world: World, text: str) -> Any:
    variables = {"key": world.platform_key} if "$key: S" in text else {}
    body = world.admin.graphql(text, **variables)
    return re.sub(r'"requestId": "[^"]*"', "", str(body))


def is_shared(world: World, text: str) -> bool:
    """Whether the document of the last request shares another one."""
    cache = world.service.app.graphql.documents  # type: ignore[attr-defined]
    return cache.get(text).shared is not None


@pytest.mark.parametrize("query", SHARED)
def test_documents_that_share_another_are_answered_as_others(world: World, query: str) -> None:
    query = query.replace("$key", world.platform_key) if "$key: S" not in query else query
    values = [*VALUES, world.member.username, world.member.id]
    for number, value in enumerate(values):
        text = query.replace("@@", value)
        # A comment of its own makes the other text a document that nothing shares.
        apart = f"{text} #{number}"
        assert ask(world, text) == ask(world, apart), text
        assert number == 0 or is_shared(world, text)


@pytest.mark.parametrize("query", NOT_SHARED)
def test_what_more_than_a_resolver_looks_at_is_not_shared(world: World, query: str) -> None:
    for value in ("a", "b", "c", "d"):
        text = query.replace("@@", value)
        assert ask(world, text) == ask(world, f"{text} #{value}")
        assert not is_shared(world, text)


def test_errors_say_where_they_are_in_the_text_that_was_sent(world: World) -> None:
    for value in ("a", "b", "a longer one", ""):
        text = (
            f'{{ platform(key: "{value}") {{ name }}\n platformMetadata(platformKey: "{value}") {{ id }} }}'
        )
        apart, shared = world.member.graphql(f"{text} #{value}"), world.member.graphql(text)
        assert shared == apart
        assert [error["locations"] for error in shared["errors"]]


@pytest.mark.parametrize("size", [2, 5])
def test_sizes_of_pages_are_part_of_the_document(world: World, size: int) -> None:
    for number in range(3):
        text = f'{{ platform(key: "{number}") {{ users(first: {10**size}) {{ nodes {{ id }} }} }} }}'
        body = world.admin.graphql(text)
        codes = {error["extensions"]["code"] for error in body.get("errors", [])}
        assert (codes == {"LIMIT_EXCEEDED"}) == (size == 5)


def test_clients_cannot_set_the_values_of_others(world: World) -> None:
    for number in range(3):
        text = f'{{ user(by: {{username: "{world.member.username}"}}) {{ username }} }} # {number // 2}'
        answer = world.admin.graphql(text, **{".0": world.admin.username, "0": 1})
        assert answer["data"]["user"]["username"] == world.member.username


def test_integers_that_are_too_large_are_refused(world: World) -> None:
    query = """mutation { patchPlatformMetadata(input: {platformKey: "x", expectedRevision: %d}) {
      userErrors { code } } }"""
    for value in range(4):
        world.admin.graphql(query % value)
    assert is_shared(world, query % 7)
    (error,) = world.admin.graphql(query % 2**31)["errors"]
    assert error["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"


class Plain(Visitor):
    """Puts literals in the place of lifted variables, and makes strings of all strings and integers."""

    def __init__(self, variables: dict[str, Any]) -> None:
        super().__init__()
        self._variables = variables

    def enter_variable(self, node: VariableNode, *_: Any) -> StringValueNode | None:
        name = node.name.value
        return StringValueNode(value=str(self._variables[name])) if name in self._variables else None

    def enter_int_value(self, node: IntValueNode, *_: Any) -> StringValueNode:
        return StringValueNode(value=node.value)

    def enter_variable_definition(self, node: VariableDefinitionNode, *_: Any) -> VisitorAction:
        return REMOVE if node.variable.name.value in self._variables else None


def starts_of_fields(document: DocumentNode) -> list[int]:
    starts: list[int] = []

    class Finder(Visitor):
        def enter_field(self, node: FieldNode, *_: Any) -> None:
            assert node.loc is not None
            starts.append(node.loc.start)

    visit(document, Finder())
    return starts


def vary(text: str, source: random.Random) -> str:
    """The text with other literals."""

    def other(found: re.Match[str]) -> str:
        return (
            source.choice(['""', '"a"', '"é\\u00e9"', '"{ # }"'])
            if found[0][0] == '"'
            else str(source.randint(-9, 99))
        )

    return re.sub(r'"(?:[^"\\]|\\.)*"|(?<=: )-?[0-9]+\b(?![.eE])', other, text)


@settings(max_examples=EXAMPLES)
@given(query=queries(SDL, custom_scalars=SCALARS), seed=st.integers(0, 2**32))
def test_a_shared_document_with_its_values_is_the_text(query: str, seed: int) -> None:
    source = random.Random(seed)
    cache = DocumentCache(SCHEMA, max_tokens=10_000, limits=UNLIMITED, capacity=10)
    for text in [query, *(vary(query, source) for _ in range(4))]:
        expected = parse(text)
        found, code = None, ""
        try:
            found = cache.get(text)
        except InvalidDocument as invalid:
            code = invalid.code
        errors = validate(SCHEMA, expected)
        if found is None:
            assert code == "LIMIT_EXCEEDED" or errors
            continue
        assert not errors
        variables = found.lifted.variables if found.lifted else {}
        assert print_ast(visit(found.node, Plain(variables))) == print_ast(visit(expected, Plain({})))
        if found.lifted and found.node.loc:
            error = GraphQLError("", source=found.node.loc.source, positions=starts_of_fields(found.node))
            found.lifted.relocate([error])
            assert error.positions == starts_of_fields(expected)


@pytest.mark.parametrize(
    ("text", "skeleton"),
    [
        ("{ a }", None),
        ('{ a(b: "c", d: 5) }', "{ a(b: \0s, d: \0i) }"),
        ('{ a1(b: "") }', "{ a1(b: \0s) }"),
        ('{ a(first: 10, b: -7) } # "x" 5', '{ a(first: 10, b: \0i) } # "x" 5'),
        ("{ a(last:5 b: 1.5, c: 1e5, d: 2) }", "{ a(last:5 b: 1.5, c: 1e5, d: \0i) }"),
        ('{ a(b: """x " y""" c: "\\"" d: "e") }', '{ a(b: """x " y""" c: "\\"" d: \0s) }'),
        ('{ a(b: "open) }', None),
        ('{ a(b: """open" c: "d") }', None),
        ('{ a(b: "\0s") }', None),
        ('{ a(b: ["c""d"]) }', "{ a(b: [\0s\0s]) }"),
        ('{ a(b: "c"""d") }', None),
    ],
)
def test_the_skeleton_of_a_text(text: str, skeleton: str | None) -> None:
    literals = find_literals(text)
    assert (literals.skeleton if literals else None) == skeleton
