"""The effective values of a user, and what they would be without the entries."""

import re
from itertools import count

from playwright.sync_api import Locator, TimeoutError, expect

from tests.support.console import ON_SQLITE, Console
from tests.support.definitions import patch, set_entries
from tests.support.flags import define_flag, variant
from tests.support.world import World


def test_each_value_says_what_it_would_be_without_the_entry(console: Console, world: World) -> None:
    define_flag(world, "beta", default=False, variants=[variant("on", True, 100_000)])
    define_flag(world, "theme", "string", default="light", userWideFallback=True)
    define_flag(world, "size", "number", default=3)
    define_flag(world, "empty", "number")
    wide = {"metadataKey": "theme", "metadataValue": "sepia"}
    set_entries(world.member, world, wide, platformKey=None)
    patch(world.member, world, {"beta": False, "theme": "dark", "other": 1})
    console.open(f"/console/p/{world.platform_key}/users/{world.member.username}?tab=effective")
    console.sign_in(world.admin.token)
    rows = console.page.get_by_role("row")
    expect(rows).to_have_text(
        [
            "KeyValueWhyWithout this entry",
            "betafalseThe user's own entrytrueRollout: Variant on",
            "emptyno valueDefault of the definition",
            "other1The user's own entryno value",
            "size3Default of the definition",
            "themedarkThe user's own entrysepiaThe user's entry for all platforms",
        ]
    )
    patch(world.member, world, {}, deleteKeys=["beta", "theme"])
    expect(rows.filter(has_text="beta")).to_have_text("betatrueRollout: Variant on")
    expect(rows.filter(has_text="theme")).to_contain_text(re.compile("sepia.*for all platforms$"))
    assert console.tab.complaints == []


@ON_SQLITE
def test_a_kill_switch_that_changes_no_value_appears_at_the_user(console: Console, world: World) -> None:
    define_flag(world, "beta", default=False)
    console.open(f"/console/p/{world.platform_key}/users/{world.member.username}?tab=effective")
    console.sign_in(world.admin.token)
    row = console.page.get_by_role("row").filter(has_text="beta")
    expect(row).to_have_text("betafalseDefault of the definition")
    switch_off_until(world, row.filter(has_text="Switched off for everybody: the default"))
    assert console.tab.complaints == []


@ON_SQLITE
def test_a_kill_switch_appears_in_the_list_of_definitions(console: Console, world: World) -> None:
    define_flag(world, "beta", default=False)
    console.open(f"/console/p/{world.platform_key}/definitions")
    console.sign_in(world.admin.token)
    row = console.page.get_by_role("row").filter(has_text="beta")
    expect(row.get_by_role("cell").last).to_have_text("On")
    switch_off_until(world, row.get_by_role("cell").last.filter(has_text="Off"))
    assert console.tab.complaints == []


def switch_off_until(world: World, seen: Locator) -> None:
    """Switch the flag off, until the page shows it: it may not yet follow the changes when it is drawn."""
    for number in count():
        define_flag(world, "beta", default=False, enabled=False, description=f"change {number}")
        try:
            seen.wait_for(timeout=3000)
        except TimeoutError:
            assert number < 40
        else:
            return
