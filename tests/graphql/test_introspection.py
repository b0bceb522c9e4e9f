"""Introspection: its answers are kept, and the operator chooses who may use it."""

import json
from typing import Any

import httpx
import pytest
from graphql import get_introspection_query, graphql_sync

from gql_service.schema.build import build_schema
from tests.support.cost import assert_costs_at_most
from tests.support.service import Service, serving
from tests.support.world import Caller, World

DOCUMENTS = [
    get_introspection_query(),
    "{ _service { sdl } }",
    "{ ...F } fragment F on Query { __schema { queryType { name } } }",
    '{ a: __type(name: "User") { name } }',
]


def post(service: Service, query: str, caller: Caller | None = None) -> httpx.Response:
    headers = {"Content-Type": "application/json"}
    if caller is not None:
        headers["Authorization"] = f"Bearer {caller.token}"
    return service.client.post("/graphql", content=json.dumps({"query": query}), headers=headers)


def test_an_introspection_is_answered_from_memory(service: Service) -> None:
    variants = iter(range(1_000_000))
    answers = [post(service, DOCUMENTS[0]).content for _ in range(3)]
    assert answers[0] == answers[1] == answers[2]
    assert_costs_at_most(
        0.5,
        lambda: post(service, f"{DOCUMENTS[0]} # {next(variants)}"),
        lambda: post(service, DOCUMENTS[0]),
        rounds=3,
    )


@pytest.mark.parametrize("query", DOCUMENTS)
def test_the_operator_may_require_a_token(fresh_database_url: str, query: str) -> None:
    with serving(fresh_database_url, introspection="authenticated") as service:
        world = World(service)
        for _ in range(2):
            assert list(post(service, query, world.member).json()) == ["data"]
            response = post(service, query)
            assert response.status_code == 401
            assert response.json()["errors"][0]["extensions"] == {"code": "UNAUTHENTICATED"}
        assert post(service, "{ __typename }").json() == {"data": {"__typename": "Query"}}


COMPLETE = get_introspection_query(
    descriptions=True,
    specified_by_url=True,
    directive_is_repeatable=True,
    schema_description=True,
    input_value_deprecation=True,
)
WITH_VARIABLES = """query ($name: String!, $all: Boolean!, $skip: Boolean!) {
  a: __type(name: $name) {
    __typename name ...Fields interfaces { name } possibleTypes { name }
    ... on __Type @skip(if: $skip) { description kind }
  }
  b: __type(name: "None") { name }
  c: __type(name: "ValueType") { enumValues(includeDeprecated: $all) { name isDeprecated } }
  __schema { queryType { name } subscriptionType { name } directives { name locations args { name } } }
  __typename
}
fragment Fields on __Type {
  fields(includeDeprecated: $all) { name args { defaultValue type { kind ofType { name } } } type { kind } }
  fields(includeDeprecated: $all) { name isDeprecated deprecationReason }
}"""
VARIABLES = [
    {"name": name, "all": all_, "skip": skip}
    for name in ("User", "Node", "PatchInput", "String", "Unknown")
    for all_ in (True, False)
    for skip in (True, False)
]


@pytest.mark.parametrize(("query", "values"), [(COMPLETE, [{}]), (WITH_VARIABLES, VARIABLES)])
def test_introspection_returns_what_graphql_core_returns(
    service: Service, query: str, values: list[dict[str, Any]]
) -> None:
    for variables in values:
        expected = graphql_sync(build_schema()._schema, query, variable_values=variables)
        response = service.client.post("/graphql", json={"query": query, "variables": variables})
        assert response.json() == {"data": expected.data}


def test_the_fields_of_an_introspection_are_limited(service: Service) -> None:
    assert len(post(service, COMPLETE).json()["data"]["__schema"]["types"]) > 50
    many = " ".join(
        f"a{number}: types {{ fields {{ name description type {{ name kind }} }} }}" for number in range(14)
    )
    body = post(service, f"{{ __schema {{ {many} }} }}").json()
    (error,) = body["errors"]
    assert error["extensions"] == {"code": "LIMIT_EXCEEDED"}
    assert error["message"] == "The introspection has more than 14000 fields. Request less at a time."
