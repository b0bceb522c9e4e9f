"""Plans return what graphql-core returns, for random documents: data, key order, errors and paths."""

from collections.abc import Sequence
from itertools import permutations
from typing import Any

import orjson
import pytest
from graphql import ExecutionResult, GraphQLSchema, parse, print_schema, validate
from graphql import execute as by_graphql_core
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis_graphql import nodes, queries

from gql_service.auth.principal import Principal
from gql_service.engine.document.cache import GraphQLDocument
from gql_service.engine.execution.execute import execute
from gql_service.schema.build import build_schema
from gql_service.services.context import Context
from tests.support.service import Service
from tests.support.world import Caller, World

GENERATED = 50 if settings().max_examples < 1000 else settings().max_examples
"""Generated queries; `make test-long` raises the number."""
SCHEMA: GraphQLSchema = build_schema()._schema
SDL = print_schema(SCHEMA)
SCALARS = {
    name: st.just(nodes.Int(1)) if name == "Timestamp" else st.just(nodes.String("x"))
    for name in ("DateTime", "Timestamp", "JSONObject", "_Any")
}
FIELDS = """userId username displayName image email permissions isPlatformOwner revision createdAt
  badges { name earnedAt } platformMetadata(platformKey: $key) { id metadata revision user { id email } }"""


def comparable(result: ExecutionResult) -> Any:
    """The data as bytes, because the order of keys matters, and the errors by the path that became null.

    Below an object that became null, several fields may have failed. Which of their errors are reported is a
    race, so their messages are ignored.
    """
    messages: dict[tuple[str | int, ...], set[str]] = {}
    for error in result.errors or []:
        path = error.path or []
        nulled = _nulled(result.data, path)
        messages.setdefault(nulled, set())
        if len(nulled) == len(path):
            messages[nulled].add(error.message)
    return orjson.dumps(result.data), messages


def _nulled(data: Any, path: list[str | int]) -> tuple[str | int, ...]:
    reached: list[str | int] = []
    for key in path:
        if data is None:
            break
        data = data[key]
        reached.append(key)
    return tuple(reached)


def both(caller: Caller | None, world: World, query: str, variables: dict[str, Any]) -> tuple[Any, Any]:
    """The results of the plan and of graphql-core."""
    services, document = world.service.services, parse(query)

    async def run() -> tuple[ExecutionResult, ExecutionResult]:
        async def principal() -> Any:
            user = None if caller is None else await services.loaders.users.load(caller.id)
            if user is None:
                return None
            return Principal.create(
                user.user_id,
                user.username,
                user.tenant_id,
                user.permissions,
                is_platform_owner=user.is_platform_owner,
            )

        found = await principal()
        planned = await execute(SCHEMA, GraphQLDocument(document), None, Context(services, found), variables)
        plain = by_graphql_core(SCHEMA, document, None, Context(services, found), variables)
        return planned, plain if isinstance(plain, ExecutionResult) else await plain

    planned, plain = world.service.run(run)
    return comparable(planned), comparable(plain)


FAILING = [
    'metadata(asOf: "x")',
    "history(first: -1) { nodes { revision } }",
    "entries(first: -1) { nodes { id } }",
]
"""Fields of a document; only the last one may be null."""


@pytest.fixture(scope="module")
def world(service: Service) -> World:
    """The tests share their users: no request changes anything."""
    return World(service)


WRITTEN = [
    "query ($key: String!) { me { %s } platformMetadata(platformKey: $key) { metadata username } }",
    "query ($key: String!) { a: me { ...F } me { ...F } } fragment F on User { %s }",
    "query ($key: String!) { me { username ... on Node { id } ... on User { %s } __typename } }",
    "query ($key: String!, $yes: Boolean!) { me { username @skip(if: $yes) %s } }",
    "query ($key: String!, $yes: Boolean = false) { me { username @include(if: $yes) %s } }",
    "query ($key: String!) { platform(key: $key) { users(first: 3) { nodes { %s } totalCount } } }",
    "query ($key: String!, $n: Int) { platform(key: $key) { users(first: $n) { edges { node { %s } } } } }",
    'query ($key: String!) { user(by: {username: $key}) { %s } platform(key: "none") { name } }',
    "query ($key: String!, $id: ID!) { node(id: $id) { __typename id ... on User { %s } } }",
    "query ($key: String!, $ids: [ID!]!) { nodes(ids: $ids) { id ... on User { %s } } }",
    "query ($key: String!, $of: [_Any!]!) { _entities(representations: $of) { ... on User { %s } } }",
    'query ($key: String!) { platformMetadata(platformKey: "none") { metadata } me { %s } }',
]


@pytest.mark.parametrize("role", ["member", "colleague", "admin", "stranger", "owner", "nobody"])
@pytest.mark.parametrize("query", WRITTEN)
def test_a_plan_returns_what_graphql_core_returns(world: World, query: str, role: str) -> None:
    id = world.member.ask("{ me { id } }")["me"]["id"]
    of = [{"__typename": "User", "userId": world.member.id}, {"__typename": "Nothing"}]
    variables = {"key": world.platform_key, "yes": True, "n": 2, "id": id, "ids": [id, "x", id], "of": of}
    caller = None if role == "nobody" else getattr(world, role)
    planned, plain = both(caller, world, query.replace("%s", FIELDS), variables)
    assert planned == plain


def test_a_plan_rejects_the_variables_that_graphql_core_rejects(world: World) -> None:
    query = "query ($id: ID!, $n: Int, $m: JSONObject) { node(id: $id) { id } }"
    for variables in ({}, {"id": None}, {"id": [1]}, {"id": "x", "n": 2**31}, {"id": "x", "m": 1}):
        planned, plain = both(world.member, world, query, variables)
        assert planned == plain


@pytest.mark.parametrize("fields", list(permutations(FAILING, 2)))
def test_errors_below_a_null_are_those_of_one_field_or_several(world: World, fields: Sequence[str]) -> None:
    planned, plain = both(world.member, world, "{ me { userMetadata { " + " ".join(fields) + " } } }", {})
    assert planned == plain


@settings(max_examples=GENERATED)
@given(query=queries(SDL, custom_scalars=SCALARS))
def test_plans_return_what_graphql_core_returns_for_generated_queries(world: World, query: str) -> None:
    assume(not validate(SCHEMA, parse(query)))
    planned, plain = both(world.member, world, query, {})
    assert planned == plain
