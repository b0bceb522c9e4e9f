"""Deep and unusual documents are rejected or executed, and never cause an internal error."""

from collections.abc import Callable

import pytest

from tests.support.service import Service
from tests.support.world import World


def _nest(before: str, opening: str, middle: str, closing: str, after: str) -> Callable[[int], str]:
    return lambda depth: before + opening * depth + middle + closing * depth + after


def _chain(depth: int) -> str:
    spreads = "".join(
        f"fragment F{i} on User {{ userMetadata {{ user {{ ...F{i + 1} }} }} }}" for i in range(depth)
    )
    return "{ me { ...F0 } }" + spreads + f"fragment F{depth} on User {{ id }}"


PATCH = "mutation { patchPlatformMetadata(input: {metadata: "
NESTED = {
    "selection sets": _nest("{ me {", "me {", "id", "}", "} }"),
    "documents of users": _nest("{ me {", "userMetadata { user {", "id", "} }", "} }"),
    "introspection": _nest('{ __type(name: "User") {', "ofType {", "name", "}", "} }"),
    "inline fragments": _nest("{ me", "{ ...", "{ id }", "}", " }"),
    "fragments": _chain,
    "lists in an object": _nest(PATCH + "{a: ", "[", "", "]", "}}) { deletedKeys } }"),
    "objects": _nest(PATCH, "{a: ", "1", "}", "}) { deletedKeys } }"),
    "lists in a representation": _nest(
        '{ _entities(representations: [{__typename: "User", id: "", a: ', "[", "", "]", "}]) { __typename } }"
    ),
    "types of variables": _nest("query ($a: ", "[", "Int", "]", ") { __typename }"),
    "defaults of variables": _nest("query ($a: JSONObject = {a: ", "[", "", "]", "}) { __typename }"),
    "arguments of directives": _nest("{ __typename @include(if: ", "[", "true", "]", ") }"),
}


@pytest.fixture(scope="module")
def world(service: Service) -> World:
    """The tests share their users: no request changes anything."""
    return World(service)


@pytest.mark.parametrize("depth", [10, 60, 64, 65, 70, 90, 98, 100, 125, 150, 190, 195, 200, 300, 450])
@pytest.mark.parametrize("nest", NESTED.values(), ids=NESTED)
def test_nesting_is_never_an_internal_error(world: World, nest: Callable[[int], str], depth: int) -> None:
    response = world.service.client.post(
        "/graphql", json={"query": nest(depth)}, headers={"Authorization": f"Bearer {world.member.token}"}
    )
    assert response.status_code in (200, 400)
    assert "INTERNAL" not in response.text


@pytest.mark.parametrize("nest", [NESTED["selection sets"], NESTED["lists in an object"]])
def test_a_document_nested_300_levels_deep_is_refused(service: Service, nest: Callable[[int], str]) -> None:
    body = service.client.post("/graphql", json={"query": nest(300)}).json()
    assert "data" not in body
    assert body["errors"][0]["extensions"]["code"] in ("GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED")


def test_a_document_has_at_most_a_thousand_tokens(service: Service) -> None:
    def ask(numbers: int) -> list[str]:
        representation = "{a: [" + "1 " * numbers + "]}"
        query = "{ _entities(representations: [" + representation + "]) { __typename } }"
        body = service.client.post("/graphql", json={"query": query}).json()
        return [error["extensions"]["code"] for error in body["errors"]]

    assert ask(1000 - 18) == ["UNAUTHENTICATED"]
    assert ask(1000 - 17) == ["LIMIT_EXCEEDED"]


def test_deeply_nested_variables_are_refused(service: Service) -> None:
    for opening, closing in (("[", "]"), ('{"a":', "}")):
        for depth, status in ((60, 200), (200, 400), (10_000, 400)):
            variables = opening * depth + "1" + closing * depth
            body = '{"query": "{ __typename }", "variables": {"a": ' + variables + "}}"
            headers = {"Content-Type": "application/json"}
            assert service.client.post("/graphql", content=body, headers=headers).status_code == status


def test_introspection_needs_no_token(service: Service) -> None:
    query = "{ __schema { queryType { name } mutationType { name } types { name } directives { name } } }"
    introspected = service.client.post("/graphql", json={"query": query}).json()["data"]["__schema"]
    assert introspected["queryType"] == {"name": "Query"}
    assert introspected["mutationType"] == {"name": "Mutation"}
    assert {"name": "PlatformMetadata"} in introspected["types"]
    assert {"name": "auth"} in introspected["directives"]


def test_introspection_shows_that_exactly_one_key_is_required(service: Service) -> None:
    query = '{ __type(name: "UserBy") { isOneOf inputFields { type { kind } } } }'
    introspected = service.client.post("/graphql", json={"query": query}).json()["data"]["__type"]
    assert introspected["isOneOf"]
    kinds = [each["type"]["kind"] for each in introspected["inputFields"]]
    assert kinds == ["SCALAR", "SCALAR", "SCALAR", "INPUT_OBJECT"]


@pytest.mark.parametrize("path", ["/health/live", "/health/ready"])
def test_health_needs_no_token(service: Service, path: str) -> None:
    for headers in ({}, {"Authorization": "Bearer wrong"}):
        response = service.client.get(path, headers=headers)
        assert response.status_code == 200
        assert response.json() == {"status": "ok"}
    assert service.client.head(path).status_code == 200


BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


def test_a_browser_gets_a_page(service: Service) -> None:
    response = service.client.get("/graphql", headers={"Accept": BROWSER})
    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith("text/html")
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    assert response.headers["X-Content-Type-Options"] == "nosniff"


def test_a_browser_that_sends_a_query_gets_its_result(service: Service) -> None:
    response = service.client.get("/graphql", params={"query": "{ __typename }"}, headers={"Accept": BROWSER})
    assert response.json() == {"data": {"__typename": "Query"}}


def test_unknown_paths_are_404_in_json(service: Service) -> None:
    for method in ("GET", "POST", "DELETE"):
        for path in (
            "/nowhere",
            "/graphql/deeper",
            "/api/core/users/",
            "/health",
            "/%00",
            "/..%2f..%2fetc/passwd",
        ):
            response = service.client.request(method, path)
            assert response.status_code == 404
            assert response.json() == {"detail": "Not Found."}


@pytest.mark.parametrize(
    "path", ["/pages/../settings.py", "/pages/..%2f..%2fsettings.py", "/pages/%2e%2e/app.py"]
)
def test_the_explorer_serves_nothing_but_its_own_files(service: Service, path: str) -> None:
    assert service.client.get(path).status_code == 404
