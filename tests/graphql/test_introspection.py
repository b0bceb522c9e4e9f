"""Introspection: its answers are kept, and the operator chooses who may use it."""

import json

import httpx
import pytest
from graphql import get_introspection_query

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
