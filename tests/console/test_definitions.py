"""Definitions in the console: what keys mean, who gets which value, and what stops it."""

from playwright.sync_api import Browser, Locator, expect

from tests.support.console import Console, second_window
from tests.support.definitions import define
from tests.support.flags import evaluations
from tests.support.world import World


def test_an_admin_defines_a_flag_rolls_it_out_and_stops_it(
    console: Console, browser: Browser, world: World
) -> None:
    page = console.page
    console.sign_in(world.admin.token, keep=True)
    page.get_by_role("link", name="Definitions").click()
    console.shows("No key is defined yet.")
    page.get_by_role("link", name="Define key").click()
    _text_field(console, "Key").fill("newSearch")
    page.get_by_role("button", name="Text Type").click()
    page.get_by_role("option", name="Yes or no").click()
    _text_field(console, "Default").fill("false")
    _text_field(console, "Category").fill("feature_flags")
    console.button("Define key").click()
    expect(console.heading("newSearch")).to_be_visible()

    console.button("Add variant").click()
    expect(_text_field(console, "Value")).to_have_value("true")
    page.get_by_role("dialog").get_by_role("button", name="Add variant").click()
    slider = page.get_by_role("slider", name="Share of on")
    slider.focus()
    page.keyboard.press("End")
    console.shows("about 3 of 3 users")
    console.shows("3 users would get another value.")
    assert evaluations(world.member, world)["newSearch"] == (False, "DEFAULT", None)
    with second_window(
        browser, world.admin, f"/console/p/{world.platform_key}/definitions/newSearch"
    ) as other:
        expect(other.page.get_by_role("img", name="Shares of the users: on 0%, Default 100%")).to_be_visible()
        console.button("Save rollout").click()
        console.shows("Saved.")
        assert evaluations(world.member, world)["newSearch"] == (True, "SPLIT", "on")
        expect(other.page.get_by_role("img", name="Shares of the users: on 100%, Default 0%")).to_be_visible()

        page.get_by_text("Enabled").click()
        expect(_switch(other)).not_to_be_checked()
        other.shows("Off: everybody gets the default")
        assert evaluations(world.member, world)["newSearch"] == (False, "DISABLED", None)
        other.page.get_by_role("tab", name="History").click()
        other.shows("enabled: true → false")
        other.shows("on: true, 0 % → true, 100 %")
        assert other.tab.complaints == []
    assert console.tab.complaints == []


def test_the_editor_keeps_what_it_does_not_show_and_says_what_is_wrong_where(
    console: Console, world: World
) -> None:
    variants = [{"name": "big", "value": 90, "weight": 1000}]
    define(world, "size", "number", minimum=0, maximum=100, default=10, variants=variants, section="Look")
    assert world.member.rest("PATCH", world.platform_key, {"metadata": {"size": 80}}).status_code == 200
    console.sign_in(world.admin.token)
    console.page.get_by_role("link", name="Definitions").click()
    row = console.page.get_by_role("row", name="size")
    for text in ("number, 0 to 100", "Look", "1 of 1 documents", "On"):
        expect(row).to_contain_text(text)
    row.get_by_role("link").click()
    console.page.get_by_role("tab", name="Rules and texts").click()

    _text_field(console, "Smallest value").fill("200")
    console.button("Save definition").click()
    console.shows("so that no value is valid")
    expect(_text_field(console, "Smallest value")).to_have_attribute("aria-invalid", "true")
    _text_field(console, "Smallest value").fill("x")
    console.button("Save definition").click()
    expect(_text_field(console, "Smallest value")).to_have_attribute("aria-invalid", "true")

    _text_field(console, "Smallest value").fill("")
    _text_field(console, "Largest value").fill("95")
    console.button("Save definition").click()
    console.shows("Saved.")
    # `big` and its weight are nothing that the editor shows.
    assert _definition(world)["variants"] == variants

    _text_field(console, "Default").fill("5")
    define(world, "size", "number", maximum=95, default=10, variants=variants, section="Feel")
    console.page.get_by_role("link", name="Profile").click()
    console.page.go_back()
    console.page.get_by_role("tab", name="Rules and texts").click()
    expect(_text_field(console, "Default")).to_have_value("5")
    console.button("Save definition").click()
    console.shows("Saved.")
    # What somebody else has changed meanwhile stays.
    assert _definition(world) == {"default": 5, "section": "Feel", "variants": variants}
    _text_field(console, "Default").fill("6")
    console.button("Discard changes").click()
    expect(_text_field(console, "Default")).to_have_value("5")
    assert console.tab.complaints == []


def test_rules_that_documents_break_are_saved_only_if_asked_again(console: Console, world: World) -> None:
    define(world, "size", "number")
    assert world.member.rest("PATCH", world.platform_key, {"metadata": {"size": 80}}).status_code == 200
    console.sign_in(world.admin.token)
    console.page.get_by_role("link", name="Definitions").click()
    console.page.get_by_role("link", name="size").click()
    console.page.get_by_role("tab", name="Rules and texts").click()
    page, count = console.page, "of 2 documents with this key"
    assert world.colleague.rest("PATCH", world.platform_key, {"metadata": {"size": 10}}).status_code == 200
    _text_field(console, "Largest value").fill("5")
    expect(page.get_by_role("status").filter(has_text=f"2 {count} break these rules.")).to_be_visible()
    _text_field(console, "Largest value").fill("80")
    console.shows(f"None {count} breaks these rules.")
    _text_field(console, "Largest value").fill("50")
    console.shows(f"1 {count} breaks these rules.")
    console.shows(f"{world.member.username}: `maximum`: it must be at most 50")
    _text_field(console, "Largest value").fill("x")
    expect(_text_field(console, "Largest value")).to_have_attribute("aria-invalid", "true")
    _text_field(console, "Largest value").fill("50")
    console.shows(f"1 {count} breaks these rules.")
    console.button("Save definition").click()
    console.shows("1 document breaks these rules.")
    console.button("Save anyway").click()
    console.shows("Saved.")
    console.button("Remove definition").click()
    dialog = console.page.get_by_role("dialog")
    expect(dialog.get_by_role("button", name="Remove definition")).to_be_disabled()
    dialog.get_by_role("textbox").fill("size")
    dialog.get_by_role("button", name="Remove definition").click()
    console.shows("No key is defined yet.")
    assert console.tab.complaints == []


def test_a_member_learns_that_definitions_are_for_admins(console: Console, world: World) -> None:
    console.sign_in(world.member.token, keep=True)
    expect(console.heading("Profile")).to_be_visible()
    expect(console.page.get_by_role("link", name="Definitions")).to_have_count(0)
    define(world, "size", "number")
    console.open(f"/console/p/{world.platform_key}/definitions/size")
    expect(console.heading("This page is for admins")).to_be_visible()


def _text_field(console: Console, label: str) -> Locator:
    return console.page.get_by_role("textbox", name=label, exact=True)


def _switch(console: Console) -> Locator:
    return console.page.get_by_role("switch", name="Enabled")


def _definition(world: World) -> dict[str, object]:
    """What the editor must not lose of the only definition."""
    query = """query ($key: String!) { platform(key: $key) { definitions {
      default section variants { name value weight } } } }"""
    (definition,) = world.admin.ask(query, key=world.platform_key)["platform"]["definitions"]
    found: dict[str, object] = definition
    return found
