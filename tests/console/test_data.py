"""A member's data and tokens: downloaded, made, revoked, deleted."""

import json
from pathlib import Path

from playwright.sync_api import expect

from tests.support.browser import Tab
from tests.support.console import Console
from tests.support.definitions import patch
from tests.support.service import serving
from tests.support.world import World

TOKENS = "{ me { tokens { nodes { label scopes expiresAt revokedAt } } } }"


def open_data(console: Console, token: str) -> None:
    console.open("/console/data")
    console.sign_in(token)
    expect(console.heading("Data and tokens")).to_be_visible()


def test_a_token_is_made_shown_once_used_and_revoked(console: Console, world: World) -> None:
    open_data(console, world.member.token)
    row = console.page.get_by_role("row").filter(has_text="Robot")
    console.button("Make token").click()
    dialog = console.page.get_by_role("dialog")
    dialog.get_by_label("Purpose").fill("Robot <b>1</b>")
    dialog.get_by_text("Following changes").click()
    dialog.get_by_role("button", name="Make token").click()
    secret = dialog.locator("code").inner_text()
    console.button("I have kept it").click()
    expect(row).to_contain_text("Robot <b>1</b>")
    expect(row).to_contain_text("Reading, Following changes")
    assert secret not in console.page.content()
    made = world.member.ask(TOKENS)["me"]["tokens"]["nodes"][-1]
    assert made["label"] == "Robot <b>1</b>"
    assert made["scopes"] == ["READ", "EVENTS"]
    assert made["expiresAt"] is not None

    headers = {"Authorization": f"Bearer {secret}"}
    request = {"query": "{ me { username } }"}
    assert world.service.client.post("/graphql", json=request, headers=headers).status_code == 200
    row.get_by_role("button").click()
    console.page.get_by_role("dialog").get_by_role("button", name="Revoke", exact=True).click()
    expect(row).to_contain_text("Revoked")
    expect(row.get_by_role("button")).to_have_count(0)
    assert world.service.client.post("/graphql", json=request, headers=headers).status_code == 401
    assert console.tab.complaints == []


def test_revoking_the_token_of_the_page_asks_for_another(console: Console, world: World) -> None:
    user = world.new_user()
    open_data(console, user.token)
    row = console.page.get_by_role("row").filter(has_text="You are signed in with it")
    row.get_by_role("button").click()
    console.shows("You have to sign in again with another one.")
    console.page.get_by_role("dialog").get_by_role("button", name="Revoke", exact=True).click()
    expect(console.heading("Your access token is not valid any more")).to_be_visible()


def test_the_data_are_downloaded(console: Console, world: World) -> None:
    patch(world.member, world, {"theme": "dark"})
    open_data(console, world.member.token)
    console.shows("Entries that only admins see are not in it")
    with console.page.expect_download() as event:
        console.button("Download data").click()
    assert event.value.suggested_filename == f"{world.member.username}.json"
    data = json.loads(Path(event.value.path()).read_text())
    assert data == world.member.ask("{ exportUser }")["exportUser"]
    assert "dark" in json.dumps(data)
    assert console.tab.complaints == []


def test_members_cannot_delete_themselves_by_default(console: Console, world: World) -> None:
    open_data(console, world.member.token)
    console.button("Delete account…").click()
    console.shows("You cannot delete your account yourself. Ask an admin of your organisation.")
    expect(console.page.get_by_role("dialog")).to_have_count(0)


def test_a_member_deletes_their_account_by_typing_its_name(tab: Tab, fresh_database_url: str) -> None:
    with serving(fresh_database_url, self_deletion=True) as service:
        world = World(service)
        patch(world.member, world, {"theme": "dark"})
        console = Console(tab, service.url)
        open_data(console, world.member.token)
        console.button("Delete account…").click()
        console.shows("the settings on 1 platform")
        console.shows("1 access token")
        delete = console.button("Delete account forever")
        expect(delete).to_be_disabled()
        console.page.get_by_role("textbox", name=f"Type {world.member.username} to confirm").fill(
            world.member.username
        )
        delete.click()
        expect(console.page.get_by_role("textbox", name="Access token", exact=True)).to_be_visible()
        query = "query ($name: String!) { user(by: {username: $name}) { id } }"
        assert world.admin.ask(query, name=world.member.username) == {"user": None}
        assert tab.complaints == []
