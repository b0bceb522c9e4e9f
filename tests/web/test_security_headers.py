"""Headers that protect browsers: on every page and every response, whoever makes it."""

from pathlib import Path

import httpx
import pytest

import gql_service
from tests.conftest import require
from tests.support.world import REST, World
from tests.web.test_http_protocol import connected, receive_all

DIST = Path(gql_service.__file__).parent / "explorer/dist"
HTML = {"Accept": "text/html"}


def assert_protected(response: httpx.Response) -> None:
    """Each header is there exactly once."""
    for name, value in (
        ("X-Content-Type-Options", "nosniff"),
        ("X-Frame-Options", "DENY"),
        ("Referrer-Policy", "no-referrer"),
    ):
        assert response.headers.get_list(name) == [value], response.url


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/graphql?query={__typename}"),
        ("GET", "/graphql"),
        ("POST", "/graphql"),
        ("DELETE", "/graphql"),
        ("GET", REST),
        ("POST", REST),
        ("GET", "/health/live"),
        ("GET", "/health/ready"),
        ("GET", "/nowhere"),
    ],
)
def test_every_response_is_protected(world: World, method: str, path: str) -> None:
    assert_protected(world.service.client.request(method, path))


def test_responses_of_the_shortcut_are_protected(world: World) -> None:
    for query in ("{ __typename }", "{ nonsense }"):
        assert_protected(world.service.client.post("/graphql", json={"query": query}))


def test_a_rejected_connection_is_protected(world: World) -> None:
    with connected(world) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
        text = receive_all(connection).lower()
    assert text.startswith(b"http/1.1 400 ")
    for line in (
        b"x-content-type-options: nosniff",
        b"x-frame-options: deny",
        b"referrer-policy: no-referrer",
    ):
        assert text.count(b"\r\n" + line + b"\r\n") == 1


def test_the_explorer_is_protected_wherever_it_is_served(world: World) -> None:
    client = world.service.client
    page = client.get("/graphql", headers=HTML)
    assert_protected(page)
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    require("the built explorer (make explorer)", (DIST / "index.html").is_file())
    for path in ["index.html", *(f"assets/{path.name}" for path in (DIST / "assets").iterdir())]:
        response = client.get(f"/explorer/{path}")
        assert response.status_code == 200
        assert_protected(response)
        assert response.headers["Content-Security-Policy"] == policy, path
        unchanged = client.get(f"/explorer/{path}", headers={"If-None-Match": response.headers["ETag"]})
        assert unchanged.status_code == 304
        assert_protected(unchanged)
    assert client.get("/explorer/index.html").headers["Cache-Control"] == "no-cache"
    assert client.get("/explorer/index.html").content == page.content
