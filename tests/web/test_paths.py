"""Paths with and without a slash at the end: both are served, and nothing is redirected."""

from typing import Any

import pytest

from tests.support.world import REST, World

BEHIND_A_PROXY = {"Host": "api.example.com", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "example.com"}
PATHS = ("/graphql", REST.rstrip("/"), "/health/live", "/health/ready")
REST_BODIES: dict[str, Any] = {
    "GET": None,
    "PATCH": {"metadata": {"a": 1}},
    "PUT": {"metadata": {}},
    "DELETE": None,
}


@pytest.mark.parametrize("method", REST_BODIES)
def test_rest_is_served_in_both_forms(world: World, method: str) -> None:
    answers = []
    for path in (REST, REST.rstrip("/")):
        caller = world.new_user()
        answers.append(
            world.service.client.request(
                method,
                path,
                params={"platform_key": world.platform_key},
                json=REST_BODIES[method],
                headers={"Authorization": f"Token {caller.token}", **BEHIND_A_PROXY},
            )
        )
    assert answers[0].is_success
    assert answers[0].status_code == answers[1].status_code
    assert set(answers[0].headers) == set(answers[1].headers)
    assert answers[0].headers.get("ETag") == answers[1].headers.get("ETag")


@pytest.mark.parametrize("path", ["/graphql", "/graphql/"])
def test_graphql_is_served_in_both_forms(world: World, path: str) -> None:
    client, query = world.service.client, "{ __typename }"
    for response in (
        client.post(path, json={"query": query}, headers=BEHIND_A_PROXY),
        client.get(path, params={"query": query}, headers=BEHIND_A_PROXY),
    ):
        assert response.json() == {"data": {"__typename": "Query"}}
    page = client.get(path, headers={"Accept": "text/html"})
    assert page.headers["Content-Type"].startswith("text/html")


@pytest.mark.parametrize("path", ["/health/live", "/health/live/", "/health/ready", "/health/ready/"])
def test_health_is_served_in_both_forms(world: World, path: str) -> None:
    assert world.service.client.get(path).json() == {"status": "ok"}


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_nothing_is_redirected(world: World, method: str) -> None:
    others = ("", "/", "/pages", "/pages/", "/pages/assets", "/nowhere", "/nowhere/", "//graphql")
    for path in (*PATHS, *(f"{path}/" for path in PATHS), *(f"{path}//" for path in PATHS), *others):
        response = world.service.client.request(method, path, headers=BEHIND_A_PROXY)
        assert not 300 <= response.status_code < 400, path
        assert "Location" not in response.headers
        assert "example.com" not in response.text
