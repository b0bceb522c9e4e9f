"""The explorer in a browser: it works, stays on this host, and keeps no token."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

import gql_service
from tests.conftest import require
from tests.support.browser import DECLARATIONS, VARIABLES, Tab
from tests.support.patches import patch
from tests.support.service import serving
from tests.support.world import World

PACKAGE = Path(gql_service.__file__).parent
STORED = "() => JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie, location.href])"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world on a server for this module only: the explorer does not depend on the database."""
    require("the built explorer (make pages)", (PACKAGE / "frontend/dist/explorer.html").is_file())
    with serving(f"sqlite+aiosqlite:///{tmp_path_factory.mktemp('explorer') / 'test.sqlite3'}") as service:
        yield World(service)


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


def test_a_subscription_shows_each_change_until_it_is_stopped(explorer: Tab, world: World) -> None:
    explorer.sign_in(world.colleague.token)
    explorer.status("Signed in as")
    explorer.subscribe(world.platform_key)
    for revision in (1, 2):
        patch(world.colleague, world, metadata={"count": revision})
        explorer.response(f'"revision": {revision}')
    with explorer.page.expect_event("requestfailed"):  # the page has ended it
        explorer.page.click(".graphiql-execute-button")
    explorer.run_query("{ me { username")
    explorer.response(f'"username": "{world.colleague.username}"')
    assert explorer.complaints == []


@pytest.mark.parametrize("code", ["UNAUTHENTICATED", "NOT_FOUND"])
def test_a_refused_subscription_shows_the_servers_error(explorer: Tab, world: World, code: str) -> None:
    if code == "NOT_FOUND":
        explorer.sign_in(world.member.token)
        explorer.status("Signed in as")
    explorer.subscribe("nowhere")
    explorer.response(code)


def test_the_editor_completes_names_of_the_schema(explorer: Tab) -> None:
    explorer.type_query("{ ")
    explorer.page.keyboard.press("Control+Space")
    rows = explorer.page.locator(".suggest-widget.visible .monaco-list-row")
    expect(rows.and_(explorer.page.get_by_label(re.compile(r"^me\b")))).to_be_visible()


EDITOR = ".graphiql-editor-tool .graphiql-editor:not(.hidden)"
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
    explorer.paste(".graphiql-query-editor", DECLARATIONS)
    explorer.page.get_by_role("button", name="Variables").click()
    marks = explorer.page.locator(".graphiql-editor-tool").locator(".squiggly-error, .squiggly-warning")
    for name, wrong in INVALID.items():
        explorer.paste(EDITOR, json.dumps(VARIABLES | {name: wrong}))
        expect(marks).to_have_count(1)
        explorer.paste(EDITOR, json.dumps(VARIABLES))
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
