"""Signing in at an OpenID Connect provider in the explorer, with a browser."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

import gql_service
from tests.conftest import require
from tests.support.browser import Tab
from tests.support.openid_provider import AUDIENCE, CLIENT, OpenIdProvider
from tests.support.service import serving
from tests.support.world import World
from tests.web.test_explorer import STORED

PACKAGE = Path(gql_service.__file__).parent
BUTTON = "#openid-sign-in"


@pytest.fixture(scope="module")
def provider() -> Iterator[OpenIdProvider]:
    """A provider that knows the server of `world`, which starts it."""
    provider = OpenIdProvider()
    yield provider
    provider.stop()


@pytest.fixture(scope="module")
def world(provider: OpenIdProvider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    require("the built explorer (make pages)", (PACKAGE / "frontend/dist/explorer.html").is_file())
    url = f"sqlite+aiosqlite:///{tmp_path_factory.mktemp('sign-in') / 'test.sqlite3'}"
    settings = {"oidc_issuer": provider.issuer, "oidc_audience": AUDIENCE, "oidc_client_id": CLIENT}
    with serving(url, **settings) as service:
        provider.redirect_uris = [f"{service.url}/graphql", f"{service.url}/console"]
        provider.start()
        world = World(service)
        name = world.member.username
        link = f'linkIdentity(input: {{username: "{name}", subject: "{name}"}}) {{ userErrors {{ code }} }}'
        assert world.admin.ask(f"mutation {{ {link} }}") == {"linkIdentity": {"userErrors": []}}
        yield world


def sign_in(tab: Tab, world: World, name: str) -> None:
    tab.open(world.service.url)
    tab.page.click(BUTTON)
    tab.page.fill("input[name=login]", name)
    tab.page.click("button[type=submit]")
    tab.page.wait_for_url(lambda url: url.startswith(world.service.url))


def test_a_person_signs_in_at_the_provider(tab: Tab, world: World) -> None:
    name = world.member.username
    sign_in(tab, world, name)
    tab.status(f"Signed in as {name}")
    assert tab.page.url == f"{world.service.url}/graphql", "the code is not in the history"
    tab.page.wait_for_selector(".graphiql-query-editor .view-lines")
    tab.run_query("{ me { username")
    tab.response(f'"username": "{name}"')
    stored = tab.page.evaluate(STORED)
    assert "eyJ" not in stored, "no token is stored"
    assert "gql_service:sign-in" not in stored
    assert tab.hosts <= {"127.0.0.1", None}
    assert tab.complaints == []
    tab.page.click("#sign-in")
    tab.status("Signed out")
    tab.page.reload()
    tab.status("Not signed in")


def test_a_stranger_is_told_why_they_are_refused(tab: Tab, world: World) -> None:
    sign_in(tab, world, "nobody-knows-them")
    tab.status("No user is linked to the identity")
    expect(tab.page.locator(BUTTON)).to_be_visible()


@pytest.mark.parametrize("pending", [None, {"verifier": "v", "state": "mine", "nonce": "n"}])
def test_a_code_that_nobody_asked_for_is_not_used(
    tab: Tab, world: World, provider: OpenIdProvider, pending: dict[str, str] | None
) -> None:
    """Otherwise, somebody could sign another person in to their own account."""
    requests: list[str] = []
    tab.page.on("request", lambda request: requests.append(request.url))
    tab.open(world.service.url)
    if pending is not None:
        tab.page.evaluate("each => sessionStorage.setItem('gql_service:sign-in', each)", json.dumps(pending))
    tab.page.goto(f"{world.service.url}/graphql?code=stolen&state=theirs&iss={provider.issuer}")
    expect(tab.page.locator("#signed-in-as.failed")).to_be_visible()
    assert f"{provider.issuer}/token" not in requests
    assert tab.page.url == f"{world.service.url}/graphql"


def test_the_page_may_reach_the_provider_and_nobody_else(world: World, provider: OpenIdProvider) -> None:
    response = world.service.client.get("/graphql", headers={"Accept": "text/html"})
    directives = response.headers["Content-Security-Policy"].split("; ")
    assert f"connect-src 'self' {provider.issuer}" in directives
    assert response.headers["Content-Security-Policy"].count("http") == 1


def test_without_a_client_id_there_is_no_button(
    tab: Tab, provider: OpenIdProvider, tmp_path: Path, world: World
) -> None:
    settings = {"oidc_issuer": provider.issuer, "oidc_audience": AUDIENCE}
    with serving(f"sqlite+aiosqlite:///{tmp_path / 'test.sqlite3'}", **settings) as service:
        assert service.client.get("/pages/sign-in.json").json() == {}
        tab.open(service.url)
        tab.page.wait_for_selector(".graphiql-query-editor .view-lines")
        tab.status("Not signed in")
        expect(tab.page.locator(BUTTON)).to_have_count(0)
        policy = service.client.get("/graphql", headers={"Accept": "text/html"}).headers
        assert "http" not in policy["Content-Security-Policy"]


def test_a_person_signs_in_to_the_console_and_comes_back_to_the_page(tab: Tab, world: World) -> None:
    """The issuer knows one address of the console, not those of all its pages."""
    name = world.member.username
    tab.page.goto(f"{world.service.url}/console/health")
    tab.page.get_by_role("button", name="Sign in at").click()
    tab.page.fill("input[name=login]", name)
    tab.page.click("button[type=submit]")
    expect(tab.page.get_by_role("button", name=name)).to_be_visible()
    assert tab.page.url == f"{world.service.url}/console/health"
    assert "eyJ" not in tab.page.evaluate(STORED), "no token is stored"
