"""What the explorer adds to GraphiQL: examples, commands for a shell, a kept token, a narrow layout."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

import gql_service
from tests.conftest import require
from tests.support.accessibility import serious_findings
from tests.support.browser import Tab
from tests.support.service import serving
from tests.support.world import World
from tests.web.test_explorer import EDITOR, STORED

PACKAGE = Path(gql_service.__file__).parent
ANSWERS = {
    "Query": '"evaluations"',
    "Federation": '"mode": "OPEN"',
}
SET = """mutation Set($theme: JSON!, $key: String!) {
  patchPlatformMetadata(input: {platformKey: $key, metadata: {theme: $theme}}) {
    platformMetadata { metadata } } }"""
NOT_OURS = {"nested-interactive"}
"""GraphiQL has a button to close a tab inside of the tab."""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    require("the built explorer (make pages)", (PACKAGE / "frontend/dist/explorer.html").is_file())
    with serving(f"sqlite+aiosqlite:///{tmp_path_factory.mktemp('explorer') / 'test.sqlite3'}") as service:
        yield World(service)


@pytest.fixture
def explorer(world: World, tab: Tab) -> Tab:
    """A tab that shows the explorer to an admin. The server stops after the browser, which is connected."""
    tab.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    tab.open(world.service.url)
    tab.page.wait_for_selector(".graphiql-query-editor .view-lines")
    tab.sign_in(world.admin.token)
    tab.status("Signed in as")
    return tab


def choose(tab: Tab, menu: str, item: str) -> None:
    tab.page.get_by_role("button", name=menu).click()
    tab.page.get_by_role("menuitem").filter(has_text=item).first.click()


def copied(tab: Tab, item: str) -> str:
    choose(tab, "Copy as curl", item)
    tab.status("Copied")
    return str(tab.page.evaluate("() => navigator.clipboard.readText()"))


def in_shell(command: str, token: str) -> str:
    done = subprocess.run(
        ["sh", "-c", f"exec timeout 60 {command}"],
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "TOKEN": token},
        capture_output=True,
        text=True,
        timeout=90,
    )
    return done.stdout


def test_each_example_runs_as_it_is(world: World, explorer: Tab) -> None:
    for title, answer in ANSWERS.items():
        choose(explorer, "Examples", title)
        explorer.page.click(".graphiql-execute-button")
        explorer.response(answer)
        expect(explorer.page.locator(".graphiql-response")).not_to_contain_text('"errors"')
    tabs = explorer.page.get_by_role("tab")
    expect(tabs).to_have_count(1 + len(ANSWERS))
    assert explorer.complaints == []


@pytest.mark.parametrize("item", ["Copy as curl", "Copy as curl, with the token"])
def test_a_command_for_a_shell_does_the_same(world: World, explorer: Tab, item: str) -> None:
    hostile = 'it\'s "$HOME" `id` \\ !x @/etc/passwd\n\u05e9'
    explorer.paste(".graphiql-query-editor", SET)
    explorer.page.get_by_role("button", name="Variables").click()
    explorer.paste(EDITOR, json.dumps({"theme": hostile, "key": world.platform_key}))
    command = copied(explorer, item)
    with_token = item.endswith("token")
    assert (world.admin.token in command) == with_token
    answer = json.loads(in_shell(command, "" if with_token else world.admin.token))
    assert answer["data"]["patchPlatformMetadata"]["platformMetadata"]["metadata"]["theme"] == hostile


def test_a_token_among_the_headers_is_not_copied_unless_asked_for(world: World, explorer: Tab) -> None:
    explorer.page.get_by_role("button", name="Headers").click()
    headers = {"AUTHORIZATION": f"Bearer {world.member.token}", "X-Note": "it's"}
    explorer.paste(EDITOR, json.dumps(headers))
    command = copied(explorer, "Copy as curl")
    assert world.member.token not in command
    assert "'x-note: it'\\''s'" in command
    assert (
        json.loads(in_shell(command, world.member.token))["data"]["me"]["username"] == world.member.username
    )


@pytest.mark.parametrize("keep", [False, True])
def test_the_token_is_kept_for_the_tab_only_if_asked_to(world: World, tab: Tab, keep: bool) -> None:
    tab.open(world.service.url)
    tab.page.get_by_label("Keep it until this tab is closed").set_checked(keep)
    tab.sign_in(world.member.token)
    tab.status("Signed in as")
    assert (world.member.token in tab.page.evaluate(STORED)) == keep
    assert world.member.token not in tab.page.evaluate("() => JSON.stringify({...localStorage})")
    tab.page.reload()
    tab.status("Signed in as" if keep else "Not signed in")
    if keep:
        tab.page.click("#sign-in")
        tab.status("Signed out")
        assert world.member.token not in tab.page.evaluate(STORED)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_usable_on_a_narrow_screen(world: World, tab: Tab, scheme: str) -> None:
    tab.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    tab.page.set_viewport_size({"width": 390, "height": 800})
    tab.open(world.service.url)
    tab.page.wait_for_selector(".graphiql-query-editor .view-lines")
    tab.sign_in(world.member.token)
    tab.status("Signed in as")
    tab.page.click(".graphiql-execute-button")
    tab.response('"username"')  # the name itself is wrapped
    response = tab.page.locator(".graphiql-response").bounding_box()
    assert response is not None
    assert response["width"] > 280
    assert tab.page.evaluate("() => document.documentElement.scrollWidth") == 390
    assert [each for each in serious_findings(tab.page) if each[0] not in NOT_OURS] == []
