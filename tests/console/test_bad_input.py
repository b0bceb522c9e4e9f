"""What nobody wants to happen: each is shown clearly, nothing is lost, and nothing runs."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from tests.console.pages import ADMIN, MEMBER, OWNER, TABS
from tests.console.test_accessibility import settle
from tests.console.test_users import choose_tab, row, user_page
from tests.support.browser import Tab
from tests.support.clock import HOUR, instant
from tests.support.console import ON_SQLITE, Console
from tests.support.definitions import define, metadata, patch, set_entries
from tests.support.service import Service, serving
from tests.support.users import notify, write
from tests.support.webhooks import SETTINGS
from tests.support.webhooks import create as create_webhook
from tests.support.world import World

MARKUP = """<img src="/x" onerror="hacked=1"><script>hacked=1</script>{{7*7}}${7*7}javascript:hacked=1"""
HEBREW = "\u05e9\u05dc\u05d5\u05dd"
OVERRIDE = f"\u202e{HEBREW} abc\u202c"
SKEW = """hours => {
  const Real = Date, skew = hours * 3600000;
  globalThis.Date = class extends Real {
    constructor(...parts) { parts.length ? super(...parts) : super(Real.now() + skew); }
    static now() { return Real.now() + skew; }
  };
}"""
OPENERS = {
    "data": "Make token",
    "p/{platform}/users/{user}?tab=metadata": "Add entry",
    "p/{platform}/webhooks": "Create webhook",
    "tenants": "Create tenant",
    "platforms": "Create platform",
}
"""Buttons that open forms, by page."""
INJECTED = """() => [...document.querySelectorAll("img, script, iframe, [onerror], a[href^='javascript:']")]
  .filter(each => each.matches("img[src='/x'], [onerror], iframe, a[href^='javascript:']") ||
                  (each.localName === "script" && !each.src)).map(each => each.outerHTML)"""


def assert_nothing_ran(console: Console) -> None:
    assert console.page.evaluate("typeof hacked") == "undefined"
    assert console.page.evaluate(INJECTED) == []


def fill(fields: Locator) -> None:
    """Type markup into each field that takes any text."""
    for field in fields.all():
        if field.is_editable() and field.get_attribute("type") in (None, "", "text", "search"):
            field.fill(MARKUP)
            field.press("Tab")


@pytest.fixture(scope="module")
def webhook_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("markup")
    with serving(f"sqlite+aiosqlite:///{folder / 'test.sqlite3'}", **SETTINGS) as running:
        yield running


@pytest.fixture
def marked(webhook_service: Service) -> World:
    """A world with markup in every text that a member, an admin or a platform owner can write."""
    world = World(webhook_service)
    member, key = world.member, world.platform_key
    profile = {name: {"value": MARKUP, "visibility": "tenant"} for name in ("firstName", "lastName", "city")}
    write(world.admin, "updateUser", {"username": member.username, "profileFields": profile})
    write(world.owner, "renameTenant", {"tenantId": world.tenant_id, "name": MARKUP})
    write(world.owner, "renamePlatform", {"platformKey": key, "name": MARKUP})
    texts: dict[str, Any] = dict.fromkeys(("title", "section", "description"), MARKUP)
    variants = [{"name": MARKUP, "value": MARKUP, "weight": 50_000}]
    define(world, "beta", "string", default=MARKUP, variants=variants, category="feature_flag", **texts)
    define(world, "chosen", "string", choices=[MARKUP, "b"], category=MARKUP, **texts)
    define(world, MARKUP, "string", pattern="|".join(map(re.escape, [MARKUP, "b"])), **texts)
    entry = dict.fromkeys(("metadataValue", "description", "category", "source"), MARKUP)
    for name in ("loose", f"{MARKUP}2"):
        set_entries(world.admin, world, {"metadataKey": name, **entry}, username=member.username)
    patch(member, world, {"beta": MARKUP, "json": {MARKUP: [MARKUP]}})
    for caller in (member, world.admin, world.owner):
        write(caller, "issueToken", {"label": MARKUP})
        notify(world, caller, MARKUP)
    create_webhook(world, "http://127.0.0.1:9/?<script>hacked=1</script>".replace("<", "%3C"))
    return world


@pytest.mark.parametrize("role", ["member", "admin", "owner"])
def test_markup_in_every_text_is_shown_and_never_run(marked: World, tab: Tab, role: str) -> None:
    console, page = Console(tab, marked.service.url), tab.page
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    console.open("/console")
    fill(page.get_by_role("textbox"))
    console.sign_in(getattr(marked, role).token, keep=True)
    settle(console)
    paths = {"member": MEMBER, "admin": [*MEMBER, *ADMIN], "owner": [*MEMBER, *ADMIN, *OWNER]}[role]
    for path in paths:
        console.open(f"/console/{path.format(platform=marked.platform_key, user=marked.member.username)}")
        settle(console)
        assert_nothing_ran(console)
        fill(page.locator("main").get_by_role("textbox"))
        fill(page.locator("main").get_by_role("searchbox"))
        assert_nothing_ran(console)
        page.evaluate("() => document.querySelectorAll('details').forEach(each => { each.open = true; })")
        if path in OPENERS:
            console.button(OPENERS[path]).click()
            fill(page.get_by_role("dialog").or_(page.locator("main form")).get_by_role("textbox"))
        assert_nothing_ran(console)
    assert not [url for url in requests if url.endswith("/x")]
    assert tab.complaints == []


def test_the_texts_are_there_to_be_seen(marked: World, tab: Tab) -> None:
    """Otherwise, the test above would pass without showing anything."""
    console = Console(tab, marked.service.url)
    console.open(user_page(marked, marked.member))
    console.sign_in(marked.admin.token, keep=True)
    expect(console.page.get_by_role("heading", level=1)).to_contain_text(MARKUP)
    expect(row(console, "loose")).to_contain_text(re.compile(f"({re.escape(MARKUP)}.*){{2}}"))
    console.open(f"/console/p/{marked.platform_key}/definitions")
    expect(console.page.get_by_role("link", name=MARKUP)).to_be_visible()
    console.open("/console/notifications")
    expect(console.page.get_by_role("heading", name=MARKUP)).to_be_visible()


def test_a_user_who_is_deleted_while_their_page_is_open(console: Console, world: World) -> None:
    user, page = world.new_user(), console.page
    patch(user, world, {"theme": "dark"})
    console.open(user_page(world, user))
    console.sign_in(world.admin.token)
    console.button("Edit theme").click()
    page.get_by_role("form", name="Edit theme").get_by_role("textbox", name="Value").fill("a long story")
    write(world.admin, "deleteUser", {"username": user.username})
    console.shows("There is no such user, or you may not see them. They may have been deleted.")
    console.shows("a long story")  # it can still be copied
    console.button("Discard changes").click()
    expect(page.get_by_text("a long story")).to_have_count(0)
    page.get_by_role("link", name="All users").click()
    expect(page.get_by_role("link", name=world.member.username)).to_be_visible()
    expect(page.get_by_role("link", name=user.username)).to_have_count(0)
    assert console.tab.complaints == []


@ON_SQLITE
@pytest.mark.parametrize("open_tab", TABS)
def test_a_link_to_a_user_who_is_gone(console: Console, world: World, open_tab: str) -> None:
    user = world.new_user()
    write(world.admin, "deleteUser", {"username": user.username})
    console.open(user_page(world, user, open_tab))
    console.sign_in(world.admin.token)
    console.shows("There is no such user, or you may not see them. They may have been deleted.")
    expect(console.page.get_by_role("link", name="All users")).to_be_visible()
    assert console.tab.complaints == []


@pytest.mark.parametrize("loads_again", [False, True])
def test_a_member_who_is_deleted_is_asked_to_sign_in(
    console: Console, world: World, loads_again: bool
) -> None:
    user = world.new_user()
    console.sign_in(user.token, keep=True)
    settle(console)
    if loads_again:
        console.page.goto("about:blank")
    write(world.admin, "deleteUser", {"username": user.username})
    if loads_again:
        console.open("/console")
    expect(console.heading("Your access token is not valid any more")).to_be_visible()


@ON_SQLITE
@pytest.mark.parametrize("hours", [-9, 9])
def test_the_clock_of_the_browser_is_wrong(console: Console, world: World, hours: int) -> None:
    member, service, page = world.member, world.service, console.page
    entry = {"metadataKey": "soon", "metadataValue": "a", "validUntil": instant(service, HOUR)}
    set_entries(world.admin, world, entry | {"isPublic": True}, username=member.username)
    lifetime = {"username": member.username, "expiresInSeconds": 4 * 3600, "label": "short"}
    write(member, "issueToken", lifetime)
    page.add_init_script(f"({SKEW})({hours})")
    console.open(user_page(world, member))
    console.sign_in(world.admin.token, keep=True)
    expect(row(console, "soon")).to_contain_text(re.compile("(now|second|minute)"))
    console.button("Edit soon").click()
    form = page.get_by_role("form", name="Edit soon")
    expect(form.get_by_role("button", name="Delete entry")).to_be_visible()  # it has not expired
    form.get_by_role("textbox", name="Value").fill("changed")
    form.get_by_role("button", name="Save entry").click()
    expect(row(console, "soon")).to_contain_text("changed")
    assert metadata(member, world)["soon"] == "changed"

    page.evaluate("() => sessionStorage.clear()")
    console.open("/console/data")
    console.sign_in(member.token)
    token = page.get_by_role("row").filter(has_text="short")
    expect(token.get_by_role("button", name="Revoke short")).to_be_visible()
    expect(token).not_to_contain_text("Expired")
    assert console.tab.complaints == []


@pytest.fixture
def roomy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A server that accepts values of a mebibyte."""
    size = 1024 * 1024
    sizes = {"max_value_size": size + 2, "max_metadata_size": 4 * size, "max_body_size": 8 * size}
    folder = tmp_path_factory.mktemp("roomy")
    with serving(f"sqlite+aiosqlite:///{folder / 'test.sqlite3'}", **sizes) as service:
        yield World(service)


def test_values_of_a_mebibyte(roomy: World, tab: Tab) -> None:
    console, page, member = Console(tab, roomy.service.url), tab.page, roomy.member
    huge = "0123456789abcdef" * (1024 * 64)
    patch(member, roomy, {"huge": huge, "small": "a"})
    patch(member, roomy, {"huge": huge[::-1]})
    console.open(f"/console/p/{roomy.platform_key}/settings")
    console.sign_in(member.token, keep=True)
    console.button("Show 1,025 KiB").wait_for()
    page.get_by_role("textbox", name="small").fill("b")
    console.button("Save").click()
    console.shows("Saved.")
    assert metadata(member, roomy)["huge"] == huge[::-1]

    page.evaluate("() => sessionStorage.clear()")
    console.open(user_page(roomy, member))
    console.sign_in(roomy.admin.token, keep=True)
    row(console, "huge").get_by_role("button", name="Show all 1,048,576 characters").click()
    expect(page.get_by_role("dialog").locator("pre")).to_contain_text(huge[::-1][-50:])
    page.keyboard.press("Escape")
    for name in ("Effective", "History"):
        choose_tab(console, name)
        expect(page.get_by_role("button", name="Show all 1,048,576 characters").first).to_be_visible()
    page.get_by_role("button", name="Restore to here").last.click()
    expect(page.get_by_role("dialog").get_by_role("button", name="Show all")).to_have_count(2)
    assert tab.complaints == []


@ON_SQLITE
def test_2000_keys_of_a_user(console: Console, world: World) -> None:
    member, page = world.member, console.page
    patch(member, world, {f"key-{number:04}": {"order": number} for number in range(2000)})
    console.open(user_page(world, member))
    console.sign_in(world.admin.token)
    console.shows("2,000 entries")
    console.button("Next page").click()
    page.get_by_role("searchbox").fill("key-1999")
    console.shows("1 entry")
    expect(row(console, "key-1999")).to_contain_text('{"order":1999}')
    choose_tab(console, "History")
    expect(page.get_by_role("row")).to_have_count(21)
    choose_tab(console, "Effective")
    expect(page.get_by_role("row")).to_have_count(2001)
    assert console.tab.complaints == []


@ON_SQLITE
def test_text_from_right_to_left_stays_in_its_place(console: Console, world: World) -> None:
    """Each value has its own direction, and cannot turn what stands beside it."""
    member = world.new_user(profile_fields={"firstName": {"value": OVERRIDE, "visibility": "tenant"}})
    patch(member, world, {"greeting": OVERRIDE, OVERRIDE: "abc"})
    console.open(user_page(world, member))
    console.sign_in(world.admin.token)
    for text in console.page.get_by_text(HEBREW).all():
        style = "each => getComputedStyle(each).unicodeBidi"
        assert text.evaluate(style) in ("plaintext", "isolate"), text.evaluate("each => each.outerHTML")
    left = console.page.locator("th").filter(has_text="greeting").bounding_box()
    right = row(console, "greeting").get_by_role("button", name="Edit").bounding_box()
    assert left is not None
    assert right is not None
    assert left["x"] < right["x"]


GO = """address => {
  history.pushState({}, "", address);
  dispatchEvent(new PopStateEvent("popstate"));
}"""
"""Opens a page as a link of the console does."""
READING = {
    "member": MEMBER[1:],
    "admin": [each for each in ADMIN if not each.endswith(("define", "danger", "bulk"))],
    "owner": OWNER,
}
"""The pages that ask the server for something as they are opened."""


@ON_SQLITE
@pytest.mark.parametrize("role", ["member", "admin", "owner"])
def test_the_server_is_away(console: Console, world: World, role: str) -> None:
    """Each page says so, and shows what it has to show as soon as the server is there again."""
    define(world, "beta", "boolean")
    page = console.page
    console.sign_in(getattr(world, role).token, keep=True)
    settle(console)
    for path in READING[role]:
        address = f"/console/{path.format(platform=world.platform_key, user=world.member.username)}"
        page.route("**/graphql", lambda route: route.abort())
        page.evaluate(GO, address)
        again = page.get_by_role("button", name="Try again")
        expect(again.first).to_be_visible()
        console.shows("The server cannot be reached. Nothing is lost; try again in a moment.")
        page.unroute("**/graphql")
        for button in reversed(again.all()):  # each part of a page has its own
            button.click()
        expect(again).to_have_count(0)
        settle(console)


@ON_SQLITE
def test_the_code_of_a_page_cannot_be_loaded(console: Console, world: World) -> None:
    page = console.page
    console.sign_in(world.member.token)
    settle(console)
    page.route(re.compile("/pages/assets/Data-"), lambda route: route.abort())
    page.get_by_role("link", name="Data and tokens").click()
    console.shows("This page could not be shown.")
    page.get_by_role("link", name="Notifications").first.click()
    expect(console.heading("Notifications")).to_be_visible()
    page.unroute(re.compile("/pages/assets/Data-"))
    page.get_by_role("link", name="Data and tokens").click()
    console.button("Try again").click()
    expect(console.heading("Data and tokens")).to_be_visible()


@ON_SQLITE
def test_a_member_opens_each_page_of_others(console: Console, world: World) -> None:
    define(world, "beta", "boolean")
    patch(world.colleague, world, {"secret": "not yours"})
    console.sign_in(world.member.token, keep=True)
    settle(console)
    for path in [*ADMIN, "tenants", "health"]:
        console.open(f"/console/{path.format(platform=world.platform_key, user=world.colleague.username)}")
        expect(
            console.page.get_by_role(
                "heading", name=re.compile("^This page is for (admins|platform owners)$")
            )
        ).to_be_visible()
        expect(console.page.get_by_role("link", name="Your profile")).to_be_visible()
        expect(console.page.locator("main").get_by_role("button")).to_have_count(0)
        expect(console.page.locator("main")).not_to_contain_text("not yours")
    console.open("/console/platforms")
    settle(console)
    expect(console.page.locator("main").get_by_role("button")).to_have_count(0)
    assert console.tab.complaints == []


@ON_SQLITE
def test_permissions_that_are_typed_wait_until_they_are_saved(console: Console, world: World) -> None:
    member, page = world.new_user(), console.page
    console.open(user_page(world, member, "access"))
    console.sign_in(world.admin.token)
    field = page.get_by_role("textbox", name="Permissions")
    field.fill(f"{world.tenant_id}::editor")
    page.get_by_role("link", name="Profile").click()
    expect(console.heading("Profile")).to_be_visible()
    write(world.admin, "updateUser", {"username": member.username, "messagingDisabled": True})
    page.go_back()
    expect(field).to_have_value(f"{world.tenant_id}::editor")
    console.button("Save access").click()
    console.shows("revision")  # somebody else has changed the user
    expect(field).to_have_value(f"{world.tenant_id}::editor")
    console.button("Discard changes").click()
    expect(field).to_have_value("")
    field.fill(f"{world.tenant_id}::editor")
    console.button("Save access").click()
    expect(console.button("Discard changes")).to_have_count(0)
    expect(page.get_by_role("checkbox", name="May not send messages")).to_be_checked()
