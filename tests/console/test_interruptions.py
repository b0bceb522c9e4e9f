"""A server that is restarted in the middle, and a slow network: nothing is lost, and people are told."""

from pathlib import Path

from playwright.sync_api import Route, expect

from tests.console.test_settings import field, stored
from tests.support.browser import Tab
from tests.support.cli_processes import free_port, serving_process
from tests.support.console import Console
from tests.support.definitions import patch
from tests.support.world import World

RECONNECTING = "Reconnecting. What you see may be old."


def test_a_server_is_restarted_in_the_middle(world: World, tab: Tab, tmp_path: Path) -> None:
    patch(world.member, world, {"note": "old", "other": "old"})
    database_url, port = world.service.settings.database_url, free_port()
    console = Console(tab, f"http://127.0.0.1:{port}")
    with serving_process(tmp_path, database_url, port=port):
        console.open(f"/console/p/{world.platform_key}/settings")
        console.sign_in(world.member.token)
        field(console, "note").fill("new")
    console.shows(RECONNECTING)
    console.button("Save").click()
    console.shows("The server cannot be reached.")
    expect(field(console, "note")).to_have_value("new")
    patch(world.member, world, {"other": "changed meanwhile"})
    with serving_process(tmp_path, database_url, port=port):
        expect(console.page.get_by_text(RECONNECTING)).to_have_count(0)
        expect(field(console, "other")).to_have_value("changed meanwhile")
        console.button("Save").click()
        console.shows("Saved.")
    assert stored(world) == {"note": "new", "other": "changed meanwhile"}


def test_a_slow_network_shows_what_is_loading(console: Console, world: World) -> None:
    patch(world.member, world, {"note": "old"})
    console.sign_in(world.member.token, keep=True)
    expect(console.heading("Profile")).to_be_visible()
    held: list[Route] = []
    console.page.route("**/graphql", lambda route: held.append(route))
    console.open(f"/console/p/{world.platform_key}/settings")
    expect(console.page.get_by_label("Loading")).to_be_visible()
    for each in held:
        each.continue_()
    console.page.unroute("**/graphql")
    expect(field(console, "note")).to_have_value("old")
    assert console.tab.complaints == []
