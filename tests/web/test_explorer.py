"""The explorer in a browser: it works, stays on this host, and keeps no token."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, Page, Route, expect, sync_playwright

import gql_service
from tests.conftest import require
from tests.support.cli_processes import PROGRAM, run_command, serving_process
from tests.support.http_clients import PATIENCE
from tests.support.service import serving
from tests.support.world import World

PACKAGE = Path(gql_service.__file__).parent
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
expect.set_options(timeout=PATIENCE * 1000)
PASTE = """text => {
  const clipboardData = new DataTransfer();
  clipboardData.setData("text/plain", text);
  document.activeElement.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true }));
}"""
STORED = "() => JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie, location.href])"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = shutil.which("chromium")
    require("Chromium", path is not None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world on a server for this module only: the explorer does not depend on the database."""
    require("the built explorer (make explorer)", (PACKAGE / "explorer/dist/index.html").is_file())
    with serving(f"sqlite+aiosqlite:///{tmp_path_factory.mktemp('explorer') / 'test.sqlite3'}") as service:
        yield World(service)


class Tab:
    """A browser tab, and the errors in it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        self.hosts: set[str | None] = set()
        page.set_default_timeout(PATIENCE * 1000)
        page.on("console", lambda message: self._note(message.type, message.text))
        page.on("pageerror", lambda error: self._note("error", str(error)))
        page.on("request", lambda request: self.hosts.add(urlsplit(request.url).hostname))

    def _note(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.complaints.append(text)

    def open(self, url: str) -> None:
        self.page.goto(f"{url}/graphql")

    def sign_in(self, token: str) -> None:
        self.page.fill("#access-token", token)
        self.page.click("#sign-in")

    def type_query(self, text: str) -> None:
        """Type into the editor, which closes brackets by itself."""
        self.page.click(".graphiql-query-editor .view-lines")
        self.page.keyboard.press("Control+a")
        self.page.keyboard.type(text)

    def run_query(self, text: str) -> None:
        """Type this as the operation `Me`, and execute it."""
        self.type_query(f"query Me {text}")
        self.page.click(".graphiql-response")  # closes the list of names, which may cover the button
        self.page.click(".graphiql-execute-button")

    def paste(self, editor: str, text: str) -> None:
        """Replace what an editor contains, without its completions."""
        self.page.click(f"{editor} .view-lines")
        self.page.keyboard.press("Control+a")
        self.page.evaluate(PASTE, text)

    def response(self, text: str) -> None:
        """Wait until the response contains this."""
        expect(self.page.locator(".graphiql-response")).to_contain_text(text)

    def status(self, text: str) -> None:
        """Wait until the page shows this about the caller."""
        expect(self.page.locator("#signed-in-as")).to_contain_text(text)

    def settle(self) -> None:
        """Wait until everything is loaded: the worker for GraphQL comes last.

        Playwright may miss the end of a request for a worker, and then never considers the network idle."""
        while not any("graphql.worker" in worker.url for worker in self.page.workers):
            self.page.wait_for_event("worker")
        self.page.wait_for_timeout(500)


@pytest.fixture
def tab(browser: Browser) -> Iterator[Tab]:
    """A tab with its own browser profile."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    yield Tab(context.new_page())
    context.close()


@pytest.fixture
def explorer(tab: Tab, world: World) -> Tab:
    """A tab that shows the explorer, once it has read the schema."""
    with tab.page.expect_response(lambda response: response.request.method == "POST"):
        tab.open(world.service.url)
    tab.page.wait_for_selector(".graphiql-query-editor .view-lines")
    return tab


def test_the_page_loads_only_from_this_host_and_without_errors(
    explorer: Tab, world: World, tmp_path: Path
) -> None:
    explorer.status("Not signed in")
    explorer.sign_in(world.member.token)
    explorer.status("Signed in as")
    explorer.settle()
    explorer.page.screenshot(path=tmp_path / "explorer.png")
    assert explorer.hosts <= {"127.0.0.1", None}  # a data: URL has no host
    assert explorer.complaints == []


def test_the_policy_forbids_what_the_page_does_not_need(world: World) -> None:
    response = world.service.client.get("/graphql", headers={"Accept": "text/html"})
    policy = dict(
        directive.strip().split(" ", 1)
        for directive in response.headers["Content-Security-Policy"].split(";")
        if directive.strip()
    )
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "'self'"
    assert policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert "http" not in str(policy)
    assert "unsafe-eval" not in str(policy)


def test_a_policy_violation_would_be_noticed(explorer: Tab) -> None:
    explorer.page.evaluate("() => fetch('https://example.com/').catch(() => null)")
    assert any("Content Security Policy" in complaint for complaint in explorer.complaints)


def test_signing_in_shows_the_username(explorer: Tab, world: World) -> None:
    explorer.sign_in(world.member.token)
    explorer.status(f"Signed in as {world.member.username} ({world.member.username})")
    explorer.page.click("#sign-in")
    explorer.status("Signed out")


def test_a_wrong_token_shows_the_servers_error(explorer: Tab, world: World) -> None:
    explorer.sign_in(world.member.token[:-1] + "!")
    explorer.status("The access token is not valid.")


def test_a_query_shows_its_response(explorer: Tab, world: World) -> None:
    explorer.sign_in(world.member.token)
    explorer.status("Signed in as")
    explorer.run_query("{ me { username")
    explorer.response(f'"username": "{world.member.username}"')
    assert explorer.complaints == []


def test_a_query_without_a_token_shows_the_servers_error(explorer: Tab) -> None:
    explorer.run_query("{ me { username")
    explorer.response("UNAUTHENTICATED")


def test_the_editor_completes_names_of_the_schema(explorer: Tab) -> None:
    explorer.type_query("{ ")
    explorer.page.keyboard.press("Control+Space")
    rows = explorer.page.locator(".suggest-widget.visible .monaco-list-row")
    expect(rows.and_(explorer.page.get_by_label(re.compile(r"^me\b")))).to_be_visible()


VARIABLES = ".graphiql-editor-tool .graphiql-editor:not(.hidden)"
DECLARED = """query ($any: [_Any!]!, $date: DateTime, $json: JSON!, $maybe: JSON, $number: Number,
  $object: JSONObject!, $patch: PatchPlatformMetadataInput!, $since: Timestamp) { __typename }"""
VALID: dict[str, Any] = {
    "any": [{"__typename": "Platform", "key": "p"}],
    "date": "2024-01-15T10:30:00Z",
    "json": [1, {"a": None}, "b", True],
    "maybe": None,
    "number": 1.5,
    "object": {"theme": "dark"},
    "patch": {"platformKey": "p", "metadata": {"theme": {"dark": [1]}}},
    "since": 1700000000000,
}
INVALID = {
    "any": [1],
    "date": 1,
    "json": None,
    "number": "1",
    "object": 1,
    "patch": {"platformKey": "p", "metadata": [1]},
    "since": 1.5,
}


def test_variables_of_custom_scalars_are_marked_only_if_they_are_wrong(explorer: Tab) -> None:
    explorer.settle()
    explorer.paste(".graphiql-query-editor", DECLARED)
    explorer.page.get_by_role("button", name="Variables").click()
    marks = explorer.page.locator(".graphiql-editor-tool").locator(".squiggly-error, .squiggly-warning")
    for name, wrong in INVALID.items():
        explorer.paste(VARIABLES, json.dumps(VALID | {name: wrong}))
        expect(marks).to_have_count(1)
        explorer.paste(VARIABLES, json.dumps(VALID))
        expect(marks).to_have_count(0)


def test_the_token_is_not_stored_and_is_lost_on_reload(explorer: Tab, world: World) -> None:
    token = world.member.token
    explorer.sign_in(token)
    explorer.status("Signed in as")
    explorer.run_query("{ me { username")
    explorer.response("username")
    stored = explorer.page.evaluate(STORED)
    assert "username" in stored, "GraphiQL remembers the query"
    assert token not in stored
    explorer.page.reload()
    explorer.status("Not signed in")
    assert token not in explorer.page.evaluate(STORED)
    assert token not in explorer.page.content()


def test_a_token_typed_into_the_headers_is_not_stored(explorer: Tab, world: World) -> None:
    explorer.type_query("query Me { me { username")
    explorer.page.get_by_role("button", name="Headers").click()
    explorer.page.click(".graphiql-editor-tool .graphiql-editor:not(.hidden) .view-lines")
    explorer.page.keyboard.type('{"Authorization": "Bearer ' + world.member.token)
    explorer.page.click(".graphiql-execute-button")
    explorer.response(world.member.username)
    explorer.type_query("query Later { me { username")  # GraphiQL writes with a delay, all with the same
    explorer.page.wait_for_function(f"() => ({STORED})().includes('Later')")
    assert world.member.token.split("_")[2] not in explorer.page.evaluate(STORED)


def test_without_a_built_explorer_the_page_asks_before_it_loads_from_a_cdn(tab: Tab, tmp_path: Path) -> None:
    unbuilt = tmp_path / "package"
    ignored = shutil.ignore_patterns("dist", "node_modules", "__pycache__")
    shutil.copytree(PACKAGE, unbuilt / "gql_service", ignore=ignored)
    database_url = f"sqlite+aiosqlite:///{tmp_path / 'test.sqlite3'}"
    run_command(database_url, "migrate")
    with serving_process(
        tmp_path, database_url, program=PROGRAM, extra={"PYTHONPATH": str(unbuilt)}
    ) as server:
        requested_urls: list[str] = []

        def record(route: Route) -> None:
            requested_urls.append(route.request.url)
            route.abort()

        tab.page.route(lambda url: not url.startswith(server.url), record)
        tab.open(server.url)
        expect(tab.page.get_by_role("heading")).to_have_text("The explorer was not built")
        expect(tab.page.locator("body")).to_contain_text("make explorer")
        tab.page.wait_for_load_state("networkidle")
        assert tab.hosts <= {"127.0.0.1", None}
        assert requested_urls == []
        assert tab.complaints == []

        tab.page.get_by_role("button", name="Load GraphiQL from the CDN").click()
        expect(tab.page.get_by_role("alert")).to_contain_text("Could not load")
        assert requested_urls == ["https://cdn.jsdelivr.net/npm/graphiql@4.1.2/dist/style.css"]
        added = tab.page.locator("head link[rel=stylesheet]")
        expect(added).to_have_attribute("integrity", re.compile(r"^sha384-[A-Za-z0-9+/]{64}$"))
        expect(added).to_have_attribute("crossorigin", "anonymous")
        script = httpx.get(f"{server.url}/explorer/fallback.js").text
        assert len(re.findall(r'"[\w.@/-]+\.(?:js|css)",\s+"sha384-[A-Za-z0-9+/]{64}"', script)) == 4
