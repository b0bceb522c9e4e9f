"""Windows with fields: closing them loses nothing that was entered, and closing the tab asks first."""

from typing import Any, NamedTuple

import pytest
from playwright.sync_api import Locator, expect

from tests.console.test_accessibility import check, press_until
from tests.console.test_settings import field, open_settings, stored
from tests.support.console import ON_SQLITE, Console, first_id
from tests.support.definitions import define, patch
from tests.support.world import World


class Form(NamedTuple):
    """A window with fields: who opens it where, by the first button of a name, and what can be entered."""

    role: str
    path: str
    opener: str
    label: str
    choice: tuple[Any, str] | None = None
    """The role and the name of something to choose."""


FORMS = {
    "token": Form("member", "data", "Make token", "Purpose", ("checkbox", "Acting as an admin")),
    "new tenant": Form("owner", "tenants", "Create tenant", "Name"),
    "tenant": Form("owner", "tenants", "Rename", "Name"),
    "new platform": Form("owner", "platforms", "Create platform", "Name"),
    "platform": Form("owner", "platforms", "Edit", "Name", ("radio", "defined keys only")),
    "webhook": Form("admin", "p/{platform}/webhooks", "Create webhook", "URL", ("checkbox", "User erased")),
    "variant": Form("admin", "p/{platform}/definitions/beta", "Add variant", "Name"),
}
KEPT = "What you entered before is still here."


class Window:
    """Such a window, on the page that opens it."""

    def __init__(self, console: Console, form: Form) -> None:
        self._console, self._form = console, form
        self.box = console.page.get_by_role("dialog")
        self.field = self.box.get_by_role("textbox", name=form.label)

    def open(self) -> None:
        """Open it with the keyboard."""
        opener = self._console.page.get_by_role("button", name=self._form.opener).first
        opener.focus()
        opener.press("Enter")
        expect(self.box).to_be_visible()

    def choice(self) -> Locator | None:
        if self._form.choice is None:
            return None
        role, name = self._form.choice
        return self.box.get_by_role(role, name=name)

    def enter(self, text: str) -> None:
        self.field.fill(text)
        if choice := self.choice():
            choice.press("Space")
            expect(choice).to_be_checked()

    def close(self, way: str) -> None:
        page = self._console.page
        if way == "Escape":
            page.keyboard.press("Escape")
        elif way == "beside it":
            page.mouse.click(5, 5)
        else:
            press_until(self._console, "Tab", self.box.get_by_role("button", name=way, exact=True))
            page.keyboard.press("Enter")
        expect(self.box).to_have_count(0)

    def shows(self, text: str) -> None:
        """See what was entered before."""
        expect(self.box).to_contain_text(KEPT)
        expect(self.field).to_have_value(text)
        if choice := self.choice():
            expect(choice).to_be_checked()


@ON_SQLITE
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_what_is_entered_stays_until_it_is_discarded(console: Console, world: World, form: Form) -> None:
    define(world, "beta", "string", default="off")
    page, window = console.page, Window(console, form)
    console.open(f"/console/{form.path.format(platform=world.platform_key)}")
    console.sign_in(getattr(world, form.role).token)
    window.open()
    before = window.field.input_value()
    expect(window.box).not_to_contain_text(KEPT)
    window.close("Cancel")

    window.open()
    window.enter("https://example.com/new")
    for way in ("Escape", "Close", "beside it"):
        window.close(way)
        window.open()
        window.shows("https://example.com/new")
    check(console)
    page.set_viewport_size({"width": 1280, "height": 800})

    # Leaving the page by the keys of the browser, while the window is open, loses nothing either.
    window.close("Escape")
    page.get_by_role("link", name="Profile").click()
    page.go_back()
    window.open()
    page.go_forward()
    expect(console.heading("Profile")).to_be_visible()
    expect(window.box).to_have_count(0)
    with page.expect_event("dialog") as question:
        page.close(run_before_unload=True)
    assert question.value.type == "beforeunload"
    question.value.dismiss()
    page.go_back()
    window.open()
    window.shows("https://example.com/new")

    window.close("Discard")
    window.open()
    expect(window.field).to_have_value(before)
    expect(window.box).not_to_contain_text(KEPT)
    window.enter("other")
    window.close("Discard")
    assert console.tab.complaints == []
    with page.expect_event("close"):  # without a question
        page.close(run_before_unload=True)


@ON_SQLITE
def test_what_is_saved_or_deleted_leaves_no_draft(console: Console, world: World) -> None:
    page = console.page
    name = f"{world.platform_key} <b>"
    console.open("/console/tenants")
    console.sign_in(world.owner.token)
    console.button("Create tenant").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill(name)
    dialog.get_by_label("Id", exact=True).fill(first_id())
    page.keyboard.press("Enter")
    expect(dialog).to_have_count(0)
    console.button(f"Rename {name}").click()
    dialog.get_by_label("Name").fill("another")
    page.keyboard.press("Escape")
    console.button(f"Delete {name}").click()
    dialog.get_by_role("textbox").fill(name)
    page.keyboard.press("Escape")
    # What is typed to confirm has to be typed again: it is no draft.
    console.button(f"Delete {name}").click()
    expect(dialog.get_by_role("textbox")).to_have_value("")
    dialog.get_by_role("textbox").fill(name)
    dialog.get_by_role("button", name="Delete").click()
    expect(console.button(f"Delete {name}")).to_have_count(0)
    console.button("Create tenant").click()
    expect(dialog.get_by_label("Name")).to_have_value("")
    page.keyboard.press("Escape")
    with page.expect_event("close"):
        page.close(run_before_unload=True)


@ON_SQLITE
def test_what_was_chosen_in_a_conflict_stays_until_others_write_again(console: Console, world: World) -> None:
    patch(world.member, world, {"a": "1", "b": "1"})
    open_settings(console, world)
    dialog = console.page.get_by_role("dialog")
    mine = {key: dialog.get_by_role("group", name=key).get_by_label("Yours") for key in "ab"}
    for key in mine:
        field(console, key).fill("mine")
    patch(world.member, world, {"a": "2", "b": "2"})
    console.button("Save").click()
    for each in mine.values():
        each.check()
    console.page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    console.button("Save").click()
    expect(mine["a"]).to_be_checked()
    expect(mine["b"]).to_be_checked()

    console.page.keyboard.press("Escape")
    patch(world.member, world, {"b": "3"})
    console.button("Save").click()
    expect(mine["a"]).to_be_checked()
    expect(mine["b"]).not_to_be_checked()
    mine["b"].check()
    console.button("Save what is chosen").click()
    console.shows("Saved.")
    assert stored(world) == {"a": "mine", "b": "mine"}
    assert console.tab.complaints == []


@ON_SQLITE
def test_the_secret_of_a_token_stays_until_it_is_kept(console: Console, world: World) -> None:
    console.open("/console/data")
    console.sign_in(world.member.token)
    console.button("Make token").click()
    dialog = console.page.get_by_role("dialog")
    dialog.get_by_role("button", name="Make token").click()
    expect(dialog).to_contain_text("it is not shown again")
    console.page.keyboard.press("Escape")
    console.page.mouse.click(5, 5)
    expect(dialog).to_contain_text("it is not shown again")
    press_until(console, "Tab", console.button("I have kept it"))
    console.page.keyboard.press("Enter")
    expect(dialog).to_have_count(0)
    assert console.tab.complaints == []
