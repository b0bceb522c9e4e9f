"""The profile panel and its badges."""

import re

from playwright.sync_api import expect

from tests.support.console import Console
from tests.support.world import World

AWARD = """mutation ($user: String!) { checkBadge(input: {username: $user, badge: "projectCreated"}) {
  userErrors { message } } }"""


def test_badges(console: Console, world: World) -> None:
    assert world.admin.ask(AWARD, user=world.member.username)["checkBadge"] == {"userErrors": []}
    console.sign_in(world.member.token)
    console.button("Badges 1 of 5").click()
    console.shows("1 of 5 earned")
    dialog = console.page.get_by_role("dialog")
    badges = dialog.get_by_role("listitem")
    expect(badges).to_have_count(5)
    expect(badges.nth(0)).to_contain_text(re.compile(r"Project founder.*Earned .*20\d\d", re.S))
    for number in range(1, 5):
        expect(badges.nth(number)).to_contain_text(re.compile("Locked.*What to do:", re.S))
    console.page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)


def test_the_language_is_that_of_the_user(console: Console, world: World) -> None:
    user = world.new_user(language="de")
    console.sign_in(user.token)
    expect(console.heading("Profil")).to_be_visible()
    console.page.get_by_role("button", name="Deutsch").click()
    console.page.get_by_role("option", name="English").click()
    expect(console.heading("Profile")).to_be_visible()
    assert user.ask("{ me { language } }") == {"me": {"language": "en"}}
