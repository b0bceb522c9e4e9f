"""The page in place of an explorer that was not built: if asked to, it loads an older GraphiQL from a CDN."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Route, expect

import gql_service
from tests.support.browser import DECLARATIONS, SUBSCRIPTION, VARIABLES, Tab
from tests.support.cli_processes import PROGRAM, Server, run_command, serving_process
from tests.support.npm import npm_project

pytestmark = pytest.mark.clients

PACKAGE = Path(gql_service.__file__).parent
CDN = "https://cdn.jsdelivr.net/npm/"
PATCH = """mutation { patchPlatformMetadata(input: {platformKey: "shop", metadata: {count: REVISION}}) {
  userErrors { code } } }"""
REPLACE = "([at, text]) => document.querySelectorAll('.CodeMirror')[at].CodeMirror.setValue(text)"
NOTICED = "() => document.querySelector('.CodeMirror').CodeMirror.operationName === 'Changes'"
"""Whether the page knows the name of the new operation: it is a moment later."""


@pytest.fixture
def unbuilt(tmp_path: Path) -> Iterator[Server]:
    """A server without the built explorer."""
    package = tmp_path / "package"
    ignored = shutil.ignore_patterns("dist", "node_modules", "__pycache__")
    shutil.copytree(PACKAGE, package / "gql_service", ignore=ignored)
    database_url = f"sqlite+aiosqlite:///{tmp_path / 'test.sqlite3'}"
    run_command(database_url, "migrate")
    extra = {"PYTHONPATH": str(package)}
    with serving_process(tmp_path, database_url, program=PROGRAM, extra=extra) as server:
        yield server


def test_without_a_built_explorer_the_page_asks_before_it_loads_from_a_cdn(tab: Tab, unbuilt: Server) -> None:
    requested_urls: list[str] = []

    def record(route: Route) -> None:
        requested_urls.append(route.request.url)
        route.abort()

    tab.page.route(lambda url: not url.startswith(unbuilt.url), record)
    tab.open(unbuilt.url)
    expect(tab.page.get_by_role("heading")).to_have_text("The pages were not built")
    expect(tab.page.locator("body")).to_contain_text("make pages")
    tab.page.wait_for_load_state("networkidle")
    assert tab.hosts <= {"127.0.0.1", None}
    assert requested_urls == []
    assert tab.complaints == []

    tab.page.get_by_role("button", name="Load GraphiQL from the CDN").click()
    expect(tab.page.get_by_role("alert")).to_contain_text("Could not load")
    assert requested_urls == [f"{CDN}graphiql@4.1.2/dist/style.css"]
    added = tab.page.locator("head link[rel=stylesheet]")
    expect(added).to_have_attribute("integrity", re.compile(r"^sha384-[A-Za-z0-9+/]{64}$"))
    expect(added).to_have_attribute("crossorigin", "anonymous")
    script = httpx.get(f"{unbuilt.url}/pages/fallback.js").text
    assert len(re.findall(r'"[\w.@/-]+\.(?:js|css)",\s+"sha384-[A-Za-z0-9+/]{64}"', script)) == 4


@pytest.fixture
def explorer(tab: Tab, unbuilt: Server) -> Tab:
    """A tab that has loaded GraphiQL from the CDN."""
    packages = npm_project("explorer-fallback") / "node_modules"

    def serve(route: Route) -> None:
        path = re.sub(r"@[\d.]+/", "/", route.request.url.removeprefix(CDN))
        route.fulfill(path=packages / path, headers={"Access-Control-Allow-Origin": "*"})

    tab.page.route(f"{CDN}**", serve)
    tab.open(unbuilt.url)
    tab.page.get_by_role("button", name="Load GraphiQL from the CDN").click()
    tab.page.wait_for_function("() => document.querySelectorAll('.CodeMirror').length > 1")
    return tab


def test_the_files_of_the_cdn_show_an_explorer_that_marks_no_json_as_wrong(explorer: Tab) -> None:
    explorer.page.evaluate(REPLACE, [0, DECLARATIONS])
    marks = explorer.page.locator(".graphiql-editor-tool .CodeMirror-lint-mark-error")
    explorer.page.evaluate(REPLACE, [1, json.dumps(VARIABLES | {"unknown": 1})])
    expect(marks).to_have_count(1)
    explorer.page.evaluate(REPLACE, [1, json.dumps(VARIABLES)])
    expect(marks).to_have_count(0)
    assert explorer.complaints == []


def _new_user(database_url: str) -> str:
    """Create the platform `shop` and a user; returns their token."""
    run_command(database_url, "tenant", "create", "Acme", "--id", "acme")
    run_command(database_url, "platform", "create", "shop", "--tenant", "acme")
    run_command(database_url, "user", "create", "joe", "--tenant", "acme", "--email", "joe@example.com")
    return run_command(database_url, "token", "issue", "joe")


def test_a_subscription_shows_each_change_until_it_is_stopped(
    explorer: Tab, unbuilt: Server, tmp_path: Path
) -> None:
    token = _new_user(f"sqlite+aiosqlite:///{tmp_path / 'test.sqlite3'}")
    explorer.sign_in(token)
    explorer.status("Signed in as")
    explorer.page.evaluate(REPLACE, [0, SUBSCRIPTION.replace("KEY", "shop")])
    explorer.page.wait_for_function(NOTICED)
    explorer.page.click(".graphiql-execute-button")
    for revision in (1, 2):
        unbuilt.ask(PATCH.replace("REVISION", str(revision)), token)
        explorer.response(f'"revision": {revision}')
    with explorer.page.expect_event("requestfailed"):  # the page has ended it
        explorer.page.click(".graphiql-execute-button")
    assert explorer.complaints == []
