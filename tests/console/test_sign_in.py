"""Signing in: where the token is kept, and what happens when the server does not accept it."""

import pytest
from playwright.sync_api import expect

from tests.support.console import Console
from tests.support.world import World
from tests.web.test_explorer import STORED

REVOKE = "mutation ($id: ID!) { revokeToken(input: {id: $id}) { userErrors { message } } }"


@pytest.mark.parametrize("path", ["/", "/console", "/console/profile", "/console/nowhere"])
def test_browsers_get_the_console_and_programs_do_not(console: Console, world: World, path: str) -> None:
    console.open(path)
    expect(console.page.get_by_label("Access token", exact=True)).to_be_visible()
    expect(console.page.get_by_role("link", name="GraphiQL")).to_have_attribute("href", "/graphql")
    assert world.service.client.get("/").status_code == 404
    assert console.tab.complaints == []


def test_a_member_signs_in_and_out(console: Console, world: World) -> None:
    console.sign_in(world.member.token)
    expect(console.heading("Profile")).to_be_visible()
    console.shows(world.member.username)
    console.page.get_by_role("button", name=world.member.username).click()
    console.page.get_by_role("menuitem", name="Sign out").click()
    expect(console.page.get_by_label("Access token", exact=True)).to_be_visible()
    assert console.tab.complaints == []
    assert console.tab.hosts <= {"127.0.0.1", None}


def test_a_wrong_token_shows_the_servers_error(console: Console, world: World) -> None:
    console.sign_in(world.member.token[:-1] + "!")
    console.shows("The access token is not valid.")


@pytest.mark.parametrize("keep", [False, True])
def test_the_token_is_kept_for_the_tab_only_if_asked_to(console: Console, world: World, keep: bool) -> None:
    console.sign_in(world.member.token, keep=keep)
    expect(console.heading("Profile")).to_be_visible()
    assert (world.member.token in console.page.evaluate(STORED)) == keep
    assert world.member.token not in console.page.evaluate("() => JSON.stringify({...localStorage})")
    console.page.reload()
    expect(
        console.heading("Profile") if keep else console.page.get_by_label("Access token", exact=True)
    ).to_be_visible()


def test_a_token_that_ends_in_the_middle_is_replaced_over_the_page(console: Console, world: World) -> None:
    user = world.new_user()
    again = world.new_user()
    console.sign_in(user.token)
    expect(console.heading("Profile")).to_be_visible()
    assert user.ask(REVOKE, id=user.token.split("_")[1])["revokeToken"] == {"userErrors": []}
    # The bell follows notifications, so the page learns of it at once.
    expect(console.heading("Your access token is not valid any more")).to_be_visible()
    console.sign_in(again.token)
    console.shows(again.username)
    expect(console.page.get_by_role("dialog")).to_have_count(0)
    expect(console.heading("Profile")).to_be_visible()
