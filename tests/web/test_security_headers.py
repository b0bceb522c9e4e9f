"""Headers that protect browsers: on every page and every response, whoever makes it."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount, Route, WebSocketRoute

import gql_service
from gql_service.auth import tokens
from gql_service.errors import StorageFull, Unavailable
from tests.conftest import require
from tests.project.test_documents import first_column
from tests.support.service import Service, serving
from tests.support.world import REST, World
from tests.web.test_framing import raw
from tests.web.test_http_protocol import connected, receive_all

DIST = Path(gql_service.__file__).parent / "frontend/dist"
HTML = {"Accept": "text/html"}
EVERYWHERE = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
}
NO_PAGE = {"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'"}
PAGE = {
    "Content-Security-Policy": re.compile(
        "default-src 'none'; .*frame-ancestors 'none'; .*script-src 'self'.*"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": re.compile(r"camera=\(\), .*"),
}
UNREADABLE = (
    b"nonsense\r\n\r\n",
    raw(b"GET /"),
    raw(b"POST /graphql", b"Host: x", b"Content-Length: +1"),
    raw(b"CONNECT x:1", b"Host: x:1"),
    raw(b"POST /graphql", b"Host: x", b"Transfer-Encoding: gzip, chunked"),
)
"""What is not a request, or cannot be answered: `web/http_protocol.py` refuses it."""
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW")
PREFLIGHT = {"Origin": "https://app.example.com", "Access-Control-Request-Method": "POST"}
VARIANTS: dict[str, dict[str, Any]] = {
    "nothing": {},
    "for a page": {"headers": HTML},
    "a query": {"params": {"query": "{ __typename }"}, "json": {"query": "{ __typename }"}},
    "an invalid query": {"params": {"query": "{"}, "json": {"query": "{"}},
    "a wrong token": {"headers": {"Authorization": "Bearer wrong"}},
    "another type": {"headers": {"Content-Type": "text/plain"}, "content": b"a"},
    "a preflight": {"headers": PREFLIGHT},
}


def assert_protected(response: httpx.Response) -> None:
    """Each header is there exactly once, and those of pages are on the files of the explorer only."""
    is_read = response.request.method in ("GET", "HEAD") and response.status_code in (200, 304)
    is_file = is_read and response.url.path.startswith(("/pages/", "/docs/"))
    is_page = is_file or response.headers.get("Content-Type", "").startswith("text/html")
    found = {name: response.headers.get_list(name) for name in EVERYWHERE | PAGE}
    expected: dict[str, Any] = EVERYWHERE | (PAGE if is_page else NO_PAGE)
    for name, values in found.items():
        case = f"{response.request.method} {response.url} {response.status_code}: {name}"
        assert len(values) == (name in expected), case
        assert all(re.fullmatch(_pattern(expected[name]), value) for value in values), case
    assert "Strict-Transport-Security" not in response.headers


def _pattern(expected: str | re.Pattern[str]) -> re.Pattern[str]:
    return expected if isinstance(expected, re.Pattern) else re.compile(re.escape(expected))


def paths(app: Starlette) -> Iterator[str]:
    """The paths of all routes. Each mounted application gets a file, and one that does not exist."""
    for route in app.routes:
        if isinstance(route, Mount):
            yield from (route.path, f"{route.path}/index.html", f"{route.path}/nowhere")
        else:
            assert isinstance(route, Route | WebSocketRoute), "name the paths of this kind of route"
            yield route.path


@pytest.fixture(scope="module", params=[[], [PREFLIGHT["Origin"]]], ids=["plain", "with CORS"])
def service(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A server for this module only: the headers depend on CORS, and not on the database."""
    url = f"sqlite+aiosqlite:///{tmp_path_factory.mktemp('headers') / 'test.sqlite3'}"
    settings = {"cors_origins": request.param, "max_body_size": 1000, "max_failed_authentications": 5}
    with serving(url, **settings) as running:
        yield running


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_route_is_protected(service: Service, variant: str) -> None:
    for path in {*paths(service.app), "/", "/nowhere", "/graphql/deeper"}:
        for method in METHODS:
            assert_protected(service.client.request(method, path, **VARIANTS[variant]))


def test_the_routes_are_the_known_ones(service: Service) -> None:
    """Otherwise, the test above would pass without testing anything."""
    assert {"/graphql", "/graphql/", REST, "/health/live", "/health/ready", "/openapi.json"} <= set(
        paths(service.app)
    )


def _statuses(world: World) -> Iterator[httpx.Response]:
    """Responses of every status that the application has."""
    member, key, client = world.member, world.platform_key, world.service.client
    yield member.rest("PUT", key, {"metadata": {"a": 1}})
    yield member.rest("GET", key, headers={"If-None-Match": '"1"'})
    yield member.rest("PATCH", key, {"nonsense": 1})
    yield member.rest("PATCH", key, {"metadata": {"a": 2}}, headers={"If-Match": '"7"'})
    for keys in (["a"], ["b"]):
        yield member.rest("PATCH", key, {"delete_keys": keys}, headers={"Idempotency-Key": "reused"})
    yield member.rest("PATCH", key, {"metadata": {"a": "x" * 2000}})
    yield member.rest("PATCH", key, {"metadata": {}}, headers={"Content-Type": "text/plain"})
    yield member.rest("GET", None)
    yield member.rest("GET", key, username=world.colleague.username)
    yield member.rest("GET", "nowhere")
    yield member.rest("DELETE", key)
    yield client.get(REST)
    yield client.post(REST)
    yield client.get("/graphql", headers={"Accept": "text/csv"})
    yield client.post("/graphql", json={"query": " " * 2000})
    yield client.post("/graphql", content="a", headers={"Content-Type": "text/plain"})


def _refused(service: Service, request: bytes) -> httpx.Response:
    """The response to what is not a request, after which the connection is closed."""
    with connected(service) as connection:
        connection.sendall(request)
        start, *lines = receive_all(connection).partition(b"\r\n\r\n")[0].decode().split("\r\n")
    pairs = [(name, value) for name, _, value in (line.partition(": ") for line in lines)]
    status = int(start.split(" ")[1])
    return httpx.Response(status, headers=pairs, request=httpx.Request("GET", service.url))


def _failing(service: Service, error: Exception, monkeypatch: pytest.MonkeyPatch) -> Iterator[httpx.Response]:
    """Responses while no caller can be read from the database."""

    def fail(_token: object) -> None:
        raise error

    authorization = {"Authorization": f"Bearer {tokens.generate()}"}
    with monkeypatch.context() as broken:
        broken.setattr(service.services.loaders.principals, "load", fail)
        yield service.client.post("/graphql", json={"query": "{ me { id } }"}, headers=authorization)
        yield service.client.get(REST, headers=authorization)


def test_every_status_is_protected(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    responses = [
        *_statuses(World(service)),
        *_failing(service, RuntimeError("a bug"), monkeypatch),
        *_failing(service, Unavailable("Try again."), monkeypatch),
        *_failing(service, StorageFull(), monkeypatch),
        *(_refused(service, request) for request in UNREADABLE),
        *(service.client.get(REST, headers={"Authorization": "Token wrong"}) for _ in range(6)),
    ]
    for response in responses:
        assert_protected(response)
    assert {str(response.status_code) for response in responses} == set(first_column("HTTP statuses"))


def test_uvicorns_own_errors_are_protected(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """It responds for the shortcut, should that fail. The text has no policy, and needs none."""

    async def fail(*_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr("gql_service.web.graphql.GraphQLEndpoint.respond", fail)
    response = service.client.post("/graphql", json={"query": "{ __typename }"})
    assert response.status_code == 500
    assert {name: response.headers.get_list(name) for name in EVERYWHERE} == {
        name: [value] for name, value in EVERYWHERE.items()
    }


def test_every_file_of_the_pages_is_protected(service: Service) -> None:
    require("the built explorer (make pages)", (DIST / "explorer.html").is_file())
    client = service.client
    page = client.get("/graphql", headers=HTML)
    assert_protected(page)
    for path in [
        "explorer.html",
        "console.html",
        *(f"assets/{path.name}" for path in (DIST / "assets").iterdir()),
    ]:
        response = client.get(f"/pages/{path}")
        assert response.status_code == 200
        unchanged = client.get(f"/pages/{path}", headers={"If-None-Match": response.headers["ETag"]})
        assert unchanged.status_code == 304
        for each in (response, unchanged):
            assert_protected(each)
            assert each.headers["Content-Security-Policy"] == page.headers["Content-Security-Policy"], path
    assert client.get("/pages/explorer.html").headers["Cache-Control"] == "no-cache"
    assert client.get("/pages/explorer.html").content == page.content


def test_the_page_and_script_without_a_built_explorer_are_protected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gql_service.web.pages._BUILT", tmp_path / "dist")
    with serving(f"sqlite+aiosqlite:///{tmp_path / 'test.sqlite3'}") as unbuilt:
        for path in ("/graphql", "/pages/fallback.js"):
            response = unbuilt.client.get(path, headers=HTML)
            assert response.status_code == 200
            assert_protected(response)
            assert "cdn.jsdelivr.net" in response.headers["Content-Security-Policy"]
