"""Every page can be used with a keyboard, with a screen reader, in both themes, and on a narrow screen."""

import pytest
from playwright.sync_api import Locator, expect

from tests.console.pages import ADMIN, MEMBER, OWNER
from tests.support.accessibility import serious_findings
from tests.support.console import ON_SQLITE, Console
from tests.support.definitions import define
from tests.support.patches import patch
from tests.support.world import World

pytestmark = ON_SQLITE
PAGES = [("member", page) for page in MEMBER] + [("admin", page) for page in ADMIN]
PAGES += [("owner", page) for page in OWNER]
HEBREW = "\u05e2\u05d1\u05e8\u05d9\u05ea "
WIDTHS = {"wide": 1280, "narrow": 390}
TOO_WIDE = """() => {
  const { scrollWidth, clientWidth } = document.documentElement;
  if (scrollWidth <= clientWidth) return [];
  const everything = [...document.querySelectorAll("*")];
  const wide = everything.filter(each => each.getBoundingClientRect().right > clientWidth);
  return wide.map(each => each.outerHTML.slice(0, 200));
}"""
"""What makes the page scroll sideways."""


def check(console: Console) -> None:
    """Check what the console shows now."""
    for scheme in ("light", "dark"):
        console.page.emulate_media(color_scheme=scheme)
        for width in WIDTHS.values():
            console.page.set_viewport_size({"width": width, "height": 800})
            assert serious_findings(console.page) == [], (scheme, width)
            assert console.page.evaluate(TOO_WIDE) == [], (scheme, width)


def settle(console: Console) -> None:
    """Wait until somebody is signed in, the page has a heading, and nothing is loading."""
    expect(console.page.get_by_role("textbox", name="Access token", exact=True)).to_have_count(0)
    expect(console.page.locator("main h1")).to_be_visible()
    expect(console.page.get_by_label("Loading")).to_have_count(0)


def furnish(world: World) -> None:
    """Give the pages something to show, of every kind."""
    flag = {"category": "feature_flag", "default": False, "isEditable": False}
    define(world, "beta", "boolean", variants=[{"name": "on", "value": True, "weight": 20_000}], **flag)
    define(world, "theme", "string", choices=["dark", "light"], default="light", section="Looks")
    define(world, "size", "number", minimum=8, maximum=32, title="Size of the text", section="Looks")
    patch(world.member, world, metadata={"theme": "dark", "size": 12, "layout": {"columns": [1, 2]}})
    patch(
        world.member,
        world,
        metadata={"theme": "light", "text": "\u05e2\u05d1\u05e8\u05d9\u05ea " + "x" * 500},
    )


@pytest.mark.parametrize(("role", "path"), PAGES)
def test_a_page_has_no_serious_findings(console: Console, world: World, role: str, path: str) -> None:
    furnish(world)
    console.sign_in(getattr(world, role).token, keep=True)
    console.open(f"/console/{path.format(platform=world.platform_key, user=world.member.username)}")
    settle(console)
    check(console)


def test_signing_in_has_no_serious_findings(console: Console) -> None:
    expect(console.heading("For developers")).to_be_visible()
    check(console)


def test_a_finding_would_be_noticed(console: Console) -> None:
    expect(console.heading("For developers")).to_be_visible()
    console.page.evaluate("() => document.querySelector('main').append(document.createElement('button'))")
    assert serious_findings(console.page)[0][0] == "button-name"


def test_dialogs_have_no_serious_findings(console: Console, world: World) -> None:
    console.sign_in(world.owner.token)
    console.page.get_by_role("button", name="Badges").click()
    console.shows("0 of 5 earned")
    check(console)
    console.page.keyboard.press("Escape")
    console.page.set_viewport_size({"width": 1280, "height": 800})
    console.page.get_by_role("link", name="Platforms").click()
    console.page.get_by_role("button", name="Edit").first.click()
    expect(console.page.get_by_role("dialog")).to_be_visible()
    check(console)


def press_until(console: Console, key: str, reached: Locator) -> None:
    """Press a key until this has the focus, as people do who cannot point at it."""
    for _ in range(40):
        console.page.keyboard.press(key)
        if reached.evaluate("each => each === document.activeElement"):
            return
    raise AssertionError(f"The key {key} does not reach {reached}.")


def test_everything_works_with_the_keyboard(console: Console, world: World) -> None:
    page, keyboard = console.page, console.page.keyboard
    press_until(console, "Tab", page.get_by_role("textbox", name="Access token"))
    keyboard.type(world.owner.token)
    keyboard.press("Enter")
    settle(console)

    # The first stop leads past the navigation.
    skip = page.get_by_role("link", name="Skip to the content")
    press_until(console, "Tab", skip)
    expect(skip).to_be_in_viewport()
    keyboard.press("Enter")
    press_until(
        console, "Tab", page.get_by_role("button", name="Deutsch").or_(console.button("English Language"))
    )
    badges = page.get_by_role("button", name="Badges")
    press_until(console, "Tab", badges)
    assert badges.evaluate("each => getComputedStyle(each).outlineStyle") == "solid", "the focus is visible"

    keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    for _ in range(3):  # the focus stays in the dialog
        keyboard.press("Tab")
        assert page.evaluate("() => document.activeElement.closest('[role=dialog]') !== null")
    keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(badges).to_be_focused()

    press_until(console, "Shift+Tab", page.get_by_role("link", name="Tenants"))
    keyboard.press("Enter")
    expect(console.heading("Tenants")).to_be_visible()
    press_until(console, "Tab", console.button("Create tenant"))
    keyboard.press("Enter")
    keyboard.type("By keyboard")
    keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(console.button("Create tenant")).to_be_focused()


def test_nothing_moves_for_those_who_want_no_motion(console: Console, world: World) -> None:
    console.page.emulate_media(reduced_motion="reduce")
    console.sign_in(world.member.token)
    console.page.get_by_role("button", name="Badges").click()
    console.shows("0 of 5 earned")
    moving = """() => [...document.querySelectorAll("*")].map(each => getComputedStyle(each))
      .filter(each => each.transitionDuration !== "0s" || each.animationName !== "none").length"""
    assert console.page.evaluate(moving) == 0
    assert console.page.evaluate("() => document.getAnimations().length") == 0
