"""The page for the same change to many users: tried first, then applied."""

import re
from uuid import uuid4

from playwright.sync_api import Locator, Route, expect

from tests.console.test_users import metadata, write
from tests.support.console import Console
from tests.support.world import World

TRIED = "Nothing is written yet."


def bulk_page(world: World) -> str:
    return f"/console/p/{world.platform_key}/bulk"


def field(console: Console, name: str) -> Locator:
    return console.page.get_by_role("textbox", name=name)


def test_a_change_is_tried_and_then_applied(console: Console, world: World) -> None:
    member, colleague = world.member, world.colleague
    write(member, world, plan="free", theme="dark", old=1)
    nobody = f"u_{uuid4().hex}"
    console.open(bulk_page(world))
    console.sign_in(world.admin.token)
    field(console, "Usernames").fill(f"{member.username}\n{colleague.username}\n{nobody}")
    field(console, "Set these keys").fill("[1]")
    console.shows("This is not a JSON object.")
    expect(console.button("Try it")).to_be_disabled()
    field(console, "Set these keys").fill('{"plan": "pro"}')
    field(console, "Delete these keys").fill("old")
    console.button("Try it").click()
    console.shows(f"{TRIED} Of 3 users, 2 would change, 1 would be refused.")
    rows = console.page.get_by_role("row")
    expect(rows.nth(1)).to_have_text(f"{nobody} There is no such user in this organisation.")
    table = console.page.get_by_role("table")
    expect(table).to_contain_text(re.compile(f"{member.username} old1\\(no entry\\)planfreepro"))
    expect(table).to_contain_text(re.compile(f"{colleague.username} plan\\(no entry\\)pro"))
    assert metadata(member, world) == {"plan": "free", "theme": "dark", "old": 1}

    write(colleague, world, theme="changed since")
    console.button("Apply to 2 users").click()
    console.shows("Of 3 users, 1 are written, 2 were refused.")
    assert metadata(member, world) == {"plan": "pro", "theme": "dark"}
    assert metadata(colleague, world) == {"theme": "changed since"}

    console.button("Try it").click()
    console.button("Apply to 1 users").click()
    console.shows("Of 3 users, 1 are written, 1 were refused.")
    assert metadata(colleague, world) == {"plan": "pro", "theme": "changed since"}
    field(console, "Usernames").fill(member.username)
    expect(table).to_have_count(0)
    assert console.tab.complaints == []


def test_cancelling_keeps_what_is_written_and_applying_goes_on(console: Console, world: World) -> None:
    users = [world.new_user() for _ in range(60)]
    page = console.page
    console.open(bulk_page(world))
    console.sign_in(world.admin.token)
    field(console, "Usernames").fill(", ".join(user.username for user in users))
    field(console, "Set these keys").fill('{"plan": "pro"}')
    console.button("Try it").click()
    console.shows(f"{TRIED} Of 60 users, 60 would change")

    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/graphql", hold, times=1)
    with page.expect_request("**/graphql"):
        console.button("Apply to 60 users").click()
    console.button("Cancel").click()
    held[0].continue_()
    console.shows("Of 60 users, 50 are written")
    assert sum(metadata(user, world) == {"plan": "pro"} for user in users) == 50
    console.button("Apply to 10 users").click()
    console.shows("Of 60 users, 60 are written, 0 were refused.")
    assert all(metadata(user, world) == {"plan": "pro"} for user in users)


def test_what_the_server_refuses_is_shown_and_not_applied(console: Console, world: World) -> None:
    console.open(bulk_page(world))
    console.sign_in(world.admin.token)
    field(console, "Usernames").fill(world.member.username)
    field(console, "Set these keys").fill('{"": 1}')
    console.button("Try it").click()
    console.shows("Of 1 users, 0 would change, 1 would be refused.")
    expect(console.page.get_by_role("button", name=re.compile("Apply"))).to_have_count(0)
