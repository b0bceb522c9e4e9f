"""The settings of a member: drawn from definitions, saved as patches, merged with the writes of others."""

from typing import Any

import pytest
from playwright.sync_api import Browser, Dialog, Locator, Request, WebSocketRoute, expect

from tests.support.browser import Tab
from tests.support.console import ON_SQLITE, Console
from tests.support.definitions import define, metadata, patch, set_entries
from tests.support.users import write
from tests.support.world import World

RIGHT_TO_LEFT = "\u05e9\u05dc\u05d5\u05dd"
WATCH_MARKS = """() => {
  window.marked = [];
  new MutationObserver((changes) => {
    for (const { target } of changes) {
      if (target.dataset.fresh) window.marked.push(target.querySelector("h3").textContent);
    }
  }).observe(document.body, { subtree: true, attributeFilter: ["data-fresh"] });
}"""
"""Notes the settings that are marked as changed by somebody else: the marks are gone after two seconds."""
SCRIPT = "<script>document.title = 'hacked'</script>"


def open_settings(console: Console, world: World, token: str | None = None) -> None:
    console.open(f"/console/p/{world.platform_key}/settings")
    console.sign_in(token or world.member.token)
    expect(console.heading("Settings")).to_be_visible()


def row(console: Console, title: str) -> Locator:
    return console.page.get_by_role("listitem").filter(has=console.heading(title))


def field(console: Console, title: str) -> Locator:
    return console.page.get_by_role("textbox", name=title, exact=True)


def stored(world: World) -> Any:
    return metadata(world.member, world)


@pytest.fixture
def second(browser: Browser, console: Console, world: World) -> Any:
    """A second window, of another browser profile."""
    context = browser.new_context()
    yield Console(Tab(context.new_page()), world.service.url)
    context.close()


def test_settings_are_drawn_from_the_definitions_and_saved_together(console: Console, world: World) -> None:
    look: dict[str, Any] = {"section": "Look", "position": 1, "choices": ["light", "dark"]}
    size = {"minimum": 10, "maximum": 24, "default": 14}
    define(world, "size", "number", title="Font size", section="Look", position=2, **size)
    define(world, "theme", "string", default="light", title="Theme", **look)
    define(world, "mail", "boolean", default=False, title="Send mail")
    define(world, "since", "date", title="First day")
    define(world, "layout", "json", default={"columns": 2}, title="Layout")
    define(world, "name", "string", pattern="^[A-Z]", title="Name")
    define(world, "quota", "number", default=5, isEditable=False, title="Quota")
    define(world, "beta", "boolean", default=False, enabled=False, title="Beta")
    patch(world.member, world, {"theme": "dark", "loose": RIGHT_TO_LEFT + SCRIPT})
    open_settings(console, world)
    expect(console.page.get_by_role("main").get_by_role("heading", level=2)).to_have_text(
        ["Look", "General", "Other"]
    )
    expect(console.page.get_by_role("heading", level=3)).to_have_text(
        ["Theme", "Font size", "Beta", "First day", "Layout", "Name", "Quota", "Send mail", "loose"]
    )
    expect(row(console, "Theme")).to_contain_text("Set by you.")
    expect(row(console, "Font size")).to_contain_text("The default.")
    expect(row(console, "Quota")).to_contain_text("Only admins of your organisation can change it.")
    expect(field(console, "Quota")).to_be_disabled()
    expect(row(console, "Beta")).to_contain_text("Switched off for everybody.")
    expect(field(console, "loose")).to_have_value(RIGHT_TO_LEFT + SCRIPT)

    row(console, "Theme").get_by_role("button", name="Reset to default").click()
    console.page.get_by_role("slider", name="Font size").press("ArrowRight")
    expect(field(console, "Font size")).to_have_value("15")
    row(console, "Send mail").locator("label").click()
    console.page.get_by_label("First day").fill("2024-03-01")
    field(console, "Layout").fill("{")
    expect(row(console, "Layout").get_by_role("alert")).to_contain_text("This is not valid JSON.")
    expect(console.button("Save")).to_be_disabled()
    field(console, "Layout").fill('{"columns": 3}')
    field(console, "Name").fill("ada")
    console.button("Save").click()
    expect(row(console, "Name").get_by_role("alert")).to_contain_text("pattern")
    assert stored(world)["theme"] == "dark"
    field(console, "Name").fill("Ada")
    console.button("Save").click()
    console.shows("Saved.")
    new = {"size": 15, "mail": True, "since": "2024-03-01", "layout": {"columns": 3}, "name": "Ada"}
    assert stored(world) == new | {"loose": RIGHT_TO_LEFT + SCRIPT}
    expect(row(console, "Theme")).to_contain_text("The default.")

    console.button("Undo").click()
    expect(row(console, "Theme")).to_contain_text("Set by you.")
    assert stored(world) == {"theme": "dark", "loose": RIGHT_TO_LEFT + SCRIPT}
    assert console.page.title() != "hacked"
    assert console.tab.complaints == []


def test_two_windows_edit_one_document(console: Console, second: Console, world: World) -> None:
    for key in ("a", "b", "c"):
        define(world, key, "string", default="", title=key.upper())
    patch(world.member, world, {"a": "1", "b": "1", "c": "1"})
    open_settings(console, world)
    open_settings(second, world)
    for key in ("A", "B"):
        field(console, key).fill(f"mine of {key}")
    console.page.evaluate(WATCH_MARKS)

    for key in ("A", "B", "C"):
        field(second, key).fill(f"theirs of {key}")
    second.button("Save").click()
    second.shows("Saved.")
    # What is not being edited follows; what is being edited stays, and says so.
    expect(field(console, "C")).to_have_value("theirs of C")
    expect(field(console, "A")).to_have_value("mine of A")
    expect(row(console, "A")).to_contain_text("Changed by somebody else meanwhile.")
    expect(console.page.locator("[data-fresh]")).to_have_count(0)
    assert set(console.page.evaluate("marked")) == {"A", "B", "C"}

    console.button("Save").click()
    dialog = console.page.get_by_role("dialog")
    expect(dialog).to_contain_text("mine of A")
    expect(dialog).to_contain_text("theirs of A")
    expect(console.button("Save what is chosen")).to_be_disabled()
    dialog.get_by_role("group", name="A").get_by_label("Yours").check()
    dialog.get_by_role("group", name="B").get_by_label("Stored now").check()
    console.button("Save what is chosen").click()
    console.shows("Saved.")
    assert stored(world) == {"a": "mine of A", "b": "theirs of B", "c": "theirs of C"}
    expect(field(second, "A")).to_have_value("mine of A")
    assert console.tab.complaints == second.tab.complaints == []


def test_writes_of_other_keys_are_no_conflict_and_the_same_value_is_none_either(
    console: Console, world: World
) -> None:
    patch(world.member, world, {"a": "1", "b": "1", "c": "1"})
    open_settings(console, world)
    field(console, "a").fill("2")
    field(console, "b").fill("2")
    patch(world.member, world, {"a": "2", "c": "3"})
    expect(field(console, "c")).to_have_value("3")
    console.button("Save").click()
    console.shows("Saved.")
    assert stored(world) == {"a": "2", "b": "2", "c": "3"}


def test_a_draft_survives_a_token_that_ends_and_a_save_that_fails(console: Console, world: World) -> None:
    user = world.new_user()
    patch(user, world, {"note": "old"})
    open_settings(console, world, user.token)
    field(console, "note").fill("new")
    console.page.route("**/graphql", lambda route: route.abort())
    console.button("Save").click()
    expect(console.page.get_by_role("main").get_by_role("alert").last).not_to_be_empty()
    console.page.unroute("**/graphql")
    again = write(world.admin, "issueToken", {"username": user.username}, "token")["token"]
    write(user, "revokeToken", {"id": user.token.split("_")[1]})
    # The subscription is cut off, so the page learns of it at once.
    expect(console.heading("Your access token is not valid any more")).to_be_visible()
    console.sign_in(again)
    expect(console.page.get_by_role("dialog")).to_have_count(0)
    expect(field(console, "note")).to_have_value("new")
    console.button("Save").click()
    console.shows("Saved.")


def test_a_token_that_ended_while_live_updates_were_cut_off(console: Console, world: World) -> None:
    user, is_cut_off = world.new_user(), [True]

    def connect(socket: WebSocketRoute) -> None:
        if is_cut_off:
            socket.close(code=1013)
        else:
            socket.connect_to_server()

    console.page.route_web_socket("**/graphql", connect)
    open_settings(console, world, user.token)
    expect(console.page.get_by_text("Reconnecting.")).to_be_visible()
    write(user, "revokeToken", {"id": user.token.split("_")[1]})
    is_cut_off.clear()
    expect(console.heading("Your access token is not valid any more")).to_be_visible()


def test_a_kill_switch_and_a_rollout_appear_at_once(console: Console, world: World) -> None:
    everybody = {"variants": [{"name": "on", "value": True, "weight": 100_000}]}
    define(world, "beta", "boolean", default=False, title="Beta")
    patch(world.member, world, {"note": "old"})
    open_settings(console, world)
    expect(row(console, "Beta")).to_contain_text("The default.")
    field(console, "note").fill("new")
    define(world, "beta", "boolean", default=False, title="Beta", **everybody)
    expect(row(console, "Beta")).to_contain_text("From a rollout.")
    define(world, "beta", "boolean", default=False, title="Beta", enabled=False, **everybody)
    expect(row(console, "Beta")).to_contain_text("Switched off for everybody.")
    expect(console.page.get_by_role("switch", name="Beta")).to_be_disabled()
    expect(field(console, "note")).to_have_value("new")
    console.button("Save").click()
    console.shows("Saved.")
    assert stored(world) == {"note": "new"}
    assert console.tab.complaints == []


@ON_SQLITE
def test_a_kill_switch_that_changes_no_value_appears_too(console: Console, world: World) -> None:
    define(world, "beta", "boolean", default=False, title="Beta")
    patch(world.member, world, {"note": "old"})
    open_settings(console, world)
    beta = console.page.get_by_role("switch", name="Beta")
    expect(row(console, "Beta")).to_contain_text("The default.")
    expect(beta).to_be_enabled()
    console.page.evaluate(WATCH_MARKS)
    define(world, "beta", "boolean", default=False, title="Beta", enabled=False)
    expect(row(console, "Beta")).to_contain_text("Switched off for everybody.")
    expect(beta).to_be_disabled()
    define(world, "beta", "boolean", default=False, title="Beta")
    expect(row(console, "Beta")).to_contain_text("The default.")
    expect(beta).to_be_enabled()
    assert set(console.page.evaluate("marked")) == {"Beta"}
    assert console.tab.complaints == []


def test_a_draft_waits_while_other_pages_are_open_and_closing_the_tab_asks(
    console: Console, world: World
) -> None:
    patch(world.member, world, {"note": "old"})
    open_settings(console, world)
    field(console, "note").fill("new")
    console.page.get_by_role("link", name="Profile").click()
    expect(console.heading("Profile")).to_be_visible()
    questions: list[str] = []

    def stay(dialog: Dialog) -> None:
        questions.append(dialog.type)
        dialog.dismiss()

    console.page.on("dialog", stay)
    console.page.close(run_before_unload=True)
    console.page.get_by_role("link", name="Settings").click()
    expect(field(console, "note")).to_have_value("new")
    assert questions == ["beforeunload"]
    assert stored(world) == {"note": "old"}

    # Whoever signs in next in this tab does not see it.
    console.page.get_by_role("button", name=world.member.user.username).click()
    console.page.get_by_role("menuitem", name="Sign out").click()
    console.sign_in(world.colleague.token)
    expect(console.heading("Settings")).to_be_visible()
    console.shows("There are no settings yet.")
    console.page.get_by_role("button", name=world.colleague.user.username).click()
    console.page.get_by_role("menuitem", name="Sign out").click()
    console.sign_in(world.member.token)
    field(console, "note").wait_for()
    console.button("Discard all").click()
    expect(field(console, "note")).to_have_value("old")
    console.page.close(run_before_unload=True)
    assert questions == ["beforeunload"]


def test_an_entry_that_only_admins_edit_and_a_platform_of_others(console: Console, world: World) -> None:
    entry = {"metadataKey": "plan", "metadataValue": "gold", "isPublic": True}
    set_entries(world.admin, world, entry, username=world.member.username)
    open_settings(console, world)
    expect(field(console, "plan")).to_be_disabled()
    expect(row(console, "plan")).to_contain_text("Only admins of your organisation can change it.")
    console.open(f"/console/p/{world.other_platform_key}/settings")
    console.sign_in(world.member.token)
    console.shows("There is no such platform, or you are not a member of its organisation.")


def test_2000_keys_are_read_at_once_and_can_be_searched(console: Console, world: World) -> None:
    patch(world.member, world, {f"key-{number:04}": number for number in range(2000)})
    reads: list[str] = []

    def note(request: Request) -> None:
        body = request.post_data or ""
        if request.url.endswith("/graphql") and "platformMetadata" in body:
            reads.append(body)

    console.page.on("request", note)
    open_settings(console, world)
    expect(console.button("Show more (1950 left)")).to_be_visible()
    console.page.get_by_role("searchbox").fill("1999")
    expect(console.page.get_by_role("heading", level=3)).to_have_text(["key-1999"])
    assert len(reads) == 1
    field(console, "key-1999").fill("7")
    console.button("Save").click()
    console.shows("Saved.")
    assert stored(world)["key-1999"] == 7
