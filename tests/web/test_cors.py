"""CORS: web pages of allowed origins may send any header and read the service's own; others may not."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.service import serving
from tests.support.world import REST, World

ORIGIN, OTHER = "https://app.example.com", "https://evil.example.com"
PATHS = pytest.mark.parametrize("path", ["/graphql", "/graphql/", REST, REST.rstrip("/")])
EXPOSED = {"etag", "retry-after", "x-request-id", "x-read-after", "idempotency-replayed"}


@pytest.fixture(scope="module")
def open_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world on a server that allows one origin."""
    folder: Path = tmp_path_factory.mktemp("cors")
    with serving(f"sqlite+aiosqlite:///{folder / 'test.sqlite3'}", cors_origins=[ORIGIN]) as service:
        yield World(service)


def preflight(world: World, path: str, method: str, headers: str, origin: str = ORIGIN) -> httpx.Response:
    return world.service.client.options(
        path,
        headers={
            "Origin": origin,
            "Access-Control-Request-Method": method,
            "Access-Control-Request-Headers": headers,
        },
    )


@PATHS
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PATCH", "PUT", "DELETE"])
@pytest.mark.parametrize(
    "headers",
    [
        "apollographql-client-name, apollographql-client-version",
        "sentry-trace, baggage",
        "authorization, content-type, if-match, if-none-match, idempotency-key",
        "x-request-id,x-read-after,traceparent",
    ],
)
def test_an_allowed_origin_may_send_any_header(
    open_world: World, path: str, method: str, headers: str
) -> None:
    response = preflight(open_world, path, method, headers)
    assert response.status_code == 200
    assert response.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert response.headers["Access-Control-Allow-Headers"] == headers
    assert method in response.headers["Access-Control-Allow-Methods"].split(", ")
    assert "Origin" in response.headers["Vary"]
    assert "Access-Control-Allow-Credentials" not in response.headers


@PATHS
def test_another_origin_may_send_nothing(open_world: World, path: str) -> None:
    for origin in (OTHER, "null", ORIGIN + ".evil.example", ORIGIN.replace("https", "http")):
        response = preflight(open_world, path, "POST", "content-type", origin)
        assert response.status_code == 400
        assert "Access-Control-Allow-Origin" not in response.headers


def test_an_allowed_origin_may_read_the_headers_of_the_service(open_world: World) -> None:
    client = open_world.service.client
    headers = {"Origin": ORIGIN, "Authorization": f"Token {open_world.member.token}"}
    for response in (
        client.get(REST, params={"platform_key": open_world.platform_key}, headers=headers),
        client.get(REST, headers={"Origin": ORIGIN}),
        client.post("/graphql", json={"query": "{ __typename }"}, headers=headers),
    ):
        exposed = response.headers["Access-Control-Expose-Headers"].lower().split(", ")
        assert set(exposed) == EXPOSED
        assert response.headers["Access-Control-Allow-Origin"] == ORIGIN


def test_an_unexpected_error_can_be_read_as_well(open_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise the page sees a network error instead of the id to report."""
    monkeypatch.setattr("gql_service.web.rest.read_preconditions", None)
    response = open_world.service.client.request(
        "DELETE",
        REST,
        params={"platform_key": open_world.platform_key},
        headers={"Origin": ORIGIN, "Authorization": f"Token {open_world.member.token}"},
    )
    assert response.status_code == 500
    assert "Report this id" in response.json()["error"]
    assert response.headers["Access-Control-Allow-Origin"] == ORIGIN


def test_by_default_no_origin_is_allowed(world: World) -> None:
    response = preflight(world, "/graphql", "POST", "content-type")
    assert "Access-Control-Allow-Origin" not in response.headers
    response = world.service.client.post(
        "/graphql", json={"query": "{ __typename }"}, headers={"Origin": ORIGIN}
    )
    assert "Access-Control-Allow-Origin" not in response.headers
