"""The feed of events in the console, live in a second window."""

import re
from datetime import datetime, timedelta

from playwright.sync_api import Browser, Locator, expect

from tests.support.console import Console, second_window
from tests.support.definitions import define
from tests.support.events import following
from tests.support.world import World


def test_what_others_do_appears_but_never_under_the_cursor(
    console: Console, browser: Browser, world: World
) -> None:
    define(world, "theme", "string")
    console.page.clock.install()
    console.sign_in(world.admin.token)
    console.page.get_by_role("link", name="Activity").click()
    expect(_rows(console).first).to_contain_text("Definition changed")
    before = _rows(console).count()
    with second_window(browser, world.admin, f"/console/p/{world.platform_key}/activity") as other:
        expect(_rows(other)).to_have_count(before)
        other.page.mouse.move(0, 0)
        console.page.clock.pause_at(datetime.now() + timedelta(hours=1))
        _write(world, "dark")
        for window in (console, other):
            expect(_rows(window)).to_have_count(before + 1)
            newest = _rows(window).first
            expect(newest).to_contain_text(
                re.compile(f"Metadata changed.*by {world.member.username}.*theme", re.S)
            )
        marked = console.page.locator("[data-new]")
        expect(marked).to_have_count(1)
        console.page.clock.run_for(2000)
        expect(marked).to_have_count(0)

        _rows(other).first.hover()
        _write(world, "light")
        expect(_rows(console)).to_have_count(before + 2)
        _write(world, "blue")
        expect(_rows(console)).to_have_count(before + 3)
        show = other.page.get_by_role("button", name=re.compile("^2 new events"))
        expect(show).to_be_visible()
        expect(_rows(other)).to_have_count(before + 1)
        show.click()
        expect(_rows(other)).to_have_count(before + 3)
        expect(_rows(other).nth(0)).to_contain_text("revision 3")
        expect(_rows(other).nth(1)).to_contain_text("revision 2")
        assert other.tab.complaints == []
    assert console.tab.complaints == []


def test_filters(console: Console, world: World) -> None:
    define(world, "theme", "string")
    _write(world, "dark")
    console.sign_in(world.admin.token)
    console.page.get_by_role("link", name="Activity").click()
    expect(_rows(console).first).to_contain_text("Metadata changed")
    console.page.get_by_role("button", name="All events Event").click()
    console.page.get_by_role("option", name="Definition changed").click()
    expect(_rows(console)).to_have_count(1)
    console.page.get_by_role("searchbox", name="User").fill(world.member.username)
    console.shows("No event that was read matches.")
    console.page.get_by_role("searchbox", name="User").fill(world.admin.username)
    expect(_rows(console)).to_have_count(1)
    assert console.tab.complaints == []


def test_a_long_feed_begins_with_the_newest_and_goes_back(console: Console, world: World) -> None:
    follower = following(world)
    for number in range(105):
        _write(world, f"v{number}")
    follower.wait_for(105)
    console.sign_in(world.admin.token)
    console.page.get_by_role("link", name="Activity").click()
    expect(_rows(console)).to_have_count(100)
    expect(_rows(console).first).to_contain_text("revision 105")
    expect(_rows(console).last).to_contain_text("revision 6 ")
    console.page.mouse.move(0, 0)
    _write(world, "last")
    expect(_rows(console).first).to_contain_text("revision 106")
    console.button("Show older events").click()
    expect(_rows(console).nth(105)).to_contain_text("revision 1 ")
    expect(_rows(console).last).to_contain_text("User created")
    expect(console.button("Show older events")).to_have_count(0)
    assert console.tab.complaints == []


def _rows(console: Console) -> Locator:
    return console.page.get_by_role("list", name="Events", exact=True).get_by_role("listitem")


def _write(world: World, theme: str) -> None:
    response = world.member.rest("PATCH", world.platform_key, {"metadata": {"theme": theme}})
    assert response.status_code == 200, response.text
