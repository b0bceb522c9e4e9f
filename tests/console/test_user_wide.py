"""The metadata that belongs to no platform: of a user, for their admins, and one's own."""

import re
from typing import Any

from playwright.sync_api import expect

from tests.console.test_users import choose_tab, row, user_page
from tests.support.console import Console
from tests.support.definitions import patch, set_entries
from tests.support.flags import define_flag, evaluations
from tests.support.world import Caller, World

READ = "{ me { userMetadata { metadata } } }"


def user_wide(user: Caller) -> Any:
    return user.ask(READ)["me"]["userMetadata"]["metadata"]


def test_admins_edit_restore_and_clear_the_user_wide_metadata(console: Console, world: World) -> None:
    member, page = world.member, console.page
    define_flag(world, "theme", "string", default="none", userWideFallback=True)
    patch(member, world, {"here": 1})
    set_entries(member, world, {"metadataKey": "theme", "metadataValue": "dark"}, platformKey=None)
    console.open(user_page(world, member))
    console.sign_in(world.admin.token)
    expect(row(console, "here")).to_be_visible()
    console.button("Edit here").click()
    page.get_by_role("button", name=re.compile("Metadata of")).click()
    page.get_by_role("option", name="All platforms").click()
    expect(row(console, "theme")).to_contain_text("dark")
    expect(page.get_by_role("form")).to_have_count(0)
    expect(row(console, "here")).to_have_count(0)
    console.button("Edit theme").click()
    form = page.get_by_role("form", name="Edit theme")
    form.get_by_role("textbox", name="Value").fill("light")
    form.get_by_role("button", name="Save entry").click()
    expect(row(console, "theme")).to_contain_text(re.compile(f"light.*{world.admin.username}"))
    assert user_wide(member) == {"theme": "light"}
    assert evaluations(member, world)["theme"][0] == "light"
    choose_tab(console, "Effective")
    expect(row(console, "theme")).to_contain_text("The user's entry for all platforms")

    choose_tab(console, "History")
    console.button("Restore to here").click()
    page.get_by_role("dialog").get_by_role("button", name="Restore", exact=True).click()
    console.shows("Restored.")
    assert user_wide(member) == {"theme": "dark"}
    choose_tab(console, "Danger")
    console.button("Clear metadata").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("that belong to no platform")
    dialog.get_by_role("textbox").fill(member.username)
    dialog.get_by_role("button", name="Clear metadata").click()
    console.shows("The metadata is cleared.")
    assert user_wide(member) == {}
    choose_tab(console, "Metadata")
    page.get_by_role("button", name=re.compile("Metadata of")).click()
    page.get_by_role("option", name=world.platform_key).click()
    expect(page.get_by_role("form", name="Edit here")).to_be_visible()
    assert console.tab.complaints == []


def test_the_user_wide_metadata_of_guests_is_not_offered(console: Console, world: World) -> None:
    guest = world.new_user(world.other_tenant_id, permissions=[f"{world.tenant_id}::guest"])
    patch(guest, world, {"here": 1})
    console.open(user_page(world, guest))
    console.sign_in(world.admin.token, keep=True)
    expect(row(console, "here")).to_be_visible()
    expect(console.page.locator("header").get_by_text(world.other_tenant_id).first).to_be_visible()
    expect(console.page.get_by_role("button", name=re.compile("Metadata of"))).to_have_count(0)
    console.open(f"{user_page(world, guest)}&of=account")
    console.shows("You have no right to see this.")


def test_a_member_changes_their_settings_for_all_platforms(console: Console, world: World) -> None:
    member, page = world.member, console.page
    locked = {"metadataKey": "plan", "metadataValue": "pro", "isPublic": True, "isEditable": False}
    set_entries(world.admin, world, locked, username=member.username, platformKey=None)
    set_entries(member, world, {"metadataKey": "theme", "metadataValue": "dark"}, platformKey=None)
    console.open(f"/console/p/{world.platform_key}/settings")
    console.sign_in(member.token)
    page.get_by_role("link", name="Settings for all platforms").click()
    expect(page.get_by_role("textbox", name="plan")).to_be_disabled()
    page.get_by_role("textbox", name="theme").fill("light")
    console.button("Save").click()
    console.shows("Saved.")
    assert user_wide(member) == {"theme": "light", "plan": "pro"}
    set_entries(member, world, {"metadataKey": "theme", "metadataValue": "blue"}, platformKey=None)
    expect(page.get_by_role("textbox", name="theme")).to_have_value("blue")
    page.get_by_role("link", name=f"Settings on {world.platform_key}").click()
    console.shows("There are no settings yet.")
    assert console.tab.complaints == []
