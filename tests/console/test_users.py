"""The pages for admins about users: finding them, their entries, history, badges, access, and their end."""

import re

from playwright.sync_api import Locator, expect

from tests.support.console import Console
from tests.support.definitions import define
from tests.support.world import Caller, World

PATCH = """mutation ($platform: String!, $values: JSONObject!) {
  patchPlatformMetadata(input: {platformKey: $platform, metadata: $values}) { userErrors { message } } }"""
SET = """mutation ($input: SetUserMetadataInput!) {
  setUserMetadata(input: $input) { userErrors { message } } }"""
DEFINE = """mutation ($platform: String!) { defineMetadata(input:
  {platformKey: $platform, key: "plan", valueType: string, isIndexed: true, isEditable: true}) {
    userErrors { message } } }"""
READ = "query ($platform: String!) { me { platformMetadata(platformKey: $platform) { metadata } } }"
RENAME = """mutation ($user: String!, $fields: JSONObject!) {
  updateUser(input: {username: $user, profileFields: $fields}) { userErrors { message } } }"""
ISSUE = """mutation ($user: String!, $label: String!) {
  issueToken(input: {username: $user, label: $label}) { userErrors { message } } }"""
MARKUP = """<img src="/x" onerror="hacked=1"><script>hacked=1</script>{{7*7}}"""


def write(user: Caller, world: World, **values: object) -> None:
    answer = user.ask(PATCH, platform=world.platform_key, values=values)
    assert answer["patchPlatformMetadata"] == {"userErrors": []}


def metadata(user: Caller, world: World) -> object:
    return user.ask(READ, platform=world.platform_key)["me"]["platformMetadata"]["metadata"]


def users_page(world: World) -> str:
    return f"/console/p/{world.platform_key}/users"


def user_page(world: World, user: Caller, tab: str = "metadata") -> str:
    return f"{users_page(world)}/{user.username}?tab={tab}"


def row(console: Console, text: str) -> Locator:
    return console.page.get_by_role("row").filter(has_text=text)


def choose_tab(console: Console, name: str) -> None:
    console.page.get_by_role("tab", name=name).click()


def test_the_story_of_an_admin(console: Console, world: World) -> None:
    member, page = world.member, console.page
    write(member, world, theme="dark", tags=["a"])
    operations: list[str] = []
    console.open(users_page(world))
    console.sign_in(world.admin.token)
    console.shows("3 users")

    page.get_by_label("Search by username, name or email").fill(member.username[:-1])
    console.shows("1 user")
    page.on(
        "request",
        lambda request: operations.append(request.url) if request.url.endswith("/graphql") else None,
    )
    page.get_by_role("link", name=member.username).click()
    expect(row(console, "theme")).to_contain_text("dark")
    assert len([url for url in operations if url.endswith("/graphql")]) <= 3
    write(member, world, live=True)
    expect(row(console, "live")).to_contain_text(re.compile(f"true.*{member.username}"))

    console.button("Edit theme").click()
    form = page.get_by_role("form", name="Edit theme")
    form.get_by_role("textbox", name="Value").fill("light")
    form.get_by_role("button", name="Save entry").click()
    expect(row(console, "theme")).to_contain_text(re.compile(f"light.*{world.admin.username}"))
    assert metadata(member, world) == {"theme": "light", "tags": ["a"], "live": True}

    choose_tab(console, "Effective")
    expect(row(console, "theme")).to_contain_text("The user's own entry")

    choose_tab(console, "History")
    latest = page.get_by_role("listitem", name="Revision 3")
    expect(latest).to_contain_text(re.compile("through graphql.*theme.*dark.*light"))
    page.get_by_role("listitem", name="Revision 2").get_by_role("button", name="Restore to here").click()
    preview = page.get_by_role("dialog")
    expect(preview.get_by_role("row")).to_have_text(["KeyNowRestored", "themelightdark"])
    preview.get_by_role("button", name="Restore", exact=True).click()
    console.shows("Restored.")
    expect(page.get_by_role("listitem", name="Revision 4")).to_be_visible()
    assert metadata(member, world) == {"theme": "dark", "tags": ["a"], "live": True}

    choose_tab(console, "Badges")
    console.button("Award badge: Project founder").click()
    expect(row(console, "Project founder")).to_contain_text(re.compile(r"20\d\d"))
    choose_tab(console, "Changes")
    expect(row(console, "Awarded")).to_contain_text(world.admin.username)
    assert console.tab.complaints == []


def test_an_entry_that_was_changed_meanwhile_is_not_overwritten(console: Console, world: World) -> None:
    write(world.member, world, theme="dark")
    console.open(user_page(world, world.member))
    console.sign_in(world.admin.token)
    console.button("Edit theme").click()
    form = console.page.get_by_role("form", name="Edit theme")
    form.get_by_role("textbox", name="Value").fill("mine")
    write(world.member, world, theme="theirs")
    form.get_by_role("button", name="Save entry").click()
    expect(form.get_by_role("alert")).to_contain_text("Nothing was saved")
    expect(form).to_contain_text(re.compile("There now.*theirs.*Yours.*mine"))
    assert metadata(world.member, world) == {"theme": "theirs"}
    choose_tab(console, "Effective")
    choose_tab(console, "Metadata")
    expect(form.get_by_role("textbox", name="Value")).to_have_value("mine")
    form.get_by_role("button", name="Save entry").click()
    form.get_by_role("button", name="Save mine").click()
    expect(form).to_have_count(0)
    assert metadata(world.member, world) == {"theme": "mine"}


def test_entries_are_added_with_their_attributes_and_deleted(console: Console, world: World) -> None:
    console.open(user_page(world, world.member))
    console.sign_in(world.admin.token)
    console.shows("This user has no metadata on this platform.")
    console.button("Add entry").click()
    form = console.page.get_by_role("form", name="Add entry")
    form.get_by_role("textbox", name="Key").fill("risk")
    form.get_by_role("textbox", name="Value").fill("high")
    form.get_by_text("The user can see it").click()
    form.get_by_label("Valid until").fill("2099-01-01T00:00:00")
    form.get_by_role("button", name="Save entry").click()
    added = row(console, "risk")
    expect(added).to_contain_text(re.compile("hidden from the user.*high.*string.*until Jan 1, 2099"))
    assert metadata(world.member, world) == {}
    console.button("Edit risk").click()
    console.button("Delete entry").click()
    console.shows("This user has no metadata on this platform.")
    assert console.tab.complaints == []


def test_users_are_filtered_by_their_metadata(console: Console, world: World) -> None:
    world.admin.ask(DEFINE, platform=world.platform_key)
    write(world.member, world, plan="pro")
    write(world.colleague, world, plan="free")
    console.open(users_page(world))
    console.sign_in(world.admin.token)
    console.shows("3 users")
    console.button("Filter").click()
    console.page.get_by_label("Metadata key").fill("plan")
    console.page.get_by_role("textbox", name="Value").fill("pro")
    console.button("Apply filter").click()
    console.shows("1 user")
    console.page.get_by_role("link", name=world.member.username).click()
    expect(console.page.get_by_role("tab", name="Metadata")).to_be_visible()
    console.page.go_back()
    console.shows("1 user")
    console.button("Remove filter").click()
    console.shows("3 users")


def test_users_are_filtered_by_several_conditions_and_by_parts_of_values(
    console: Console, world: World
) -> None:
    world.admin.ask(DEFINE, platform=world.platform_key)
    define(world, "seats", "number", isIndexed=True)
    define(world, "company", "json", indexedPaths=["/size"])
    member, colleague, admin = world.member, world.colleague, world.admin
    for user, seats, size in ((member, 12, "big"), (colleague, 12, "small"), (admin, 3, "big")):
        write(user, world, plan="pro", seats=seats, company={"size": size})
    page = console.page
    console.open(users_page(world))
    console.sign_in(world.admin.token)
    console.button("Filter").click()
    page.get_by_label("Metadata key").fill("plan")
    page.get_by_role("textbox", name="Value").fill("pro")
    console.button("Apply filter").click()
    console.shows("3 users")
    console.button("Add condition").click()
    second = page.get_by_role("group", name="Condition 2")
    expect(console.button("Apply filter")).to_be_disabled()
    second.get_by_label("Metadata key").fill("seats")
    second.get_by_role("button", name="equals Condition").click()
    page.get_by_role("option", name="at least").click()
    second.get_by_role("textbox", name="Value").fill("10")
    console.button("Apply filter").click()
    console.shows("2 users")
    console.button("Add condition").click()
    third = page.get_by_role("group", name="Condition 3")
    third.get_by_label("Metadata key").fill("company")
    third.get_by_role("button", name="the whole value Part").click()
    page.get_by_role("option", name="/size").click()
    third.get_by_role("textbox", name="Value").fill("big")
    console.button("Apply filter").click()
    console.shows("1 user")
    page.get_by_role("link", name=world.member.username).click()
    expect(page.get_by_role("tab", name="Metadata")).to_be_visible()
    page.go_back()
    console.shows("1 user")
    expect(page.get_by_role("group")).to_have_count(3)
    console.button("Remove condition 2").click()
    console.button("Apply filter").click()
    console.shows("2 users")
    assert console.tab.complaints == []


def test_long_lists_are_read_in_pages_and_columns_are_remembered(console: Console, world: World) -> None:
    for _ in range(50):
        world.new_user()
    page = console.page
    console.open(users_page(world))
    console.sign_in(world.admin.token, keep=True)
    console.shows("53 users")
    expect(page.get_by_role("row")).to_have_count(51)
    console.button("Next page").click()
    expect(page.get_by_role("row")).to_have_count(4)
    expect(console.button("Next page")).to_be_disabled()
    console.button("Previous page").click()
    expect(page.get_by_role("row")).to_have_count(51)
    console.button("Columns").click()
    page.get_by_role("dialog").get_by_text("Email").click()
    page.keyboard.press("Escape")
    expect(page.get_by_role("columnheader", name="Email")).to_have_count(0)
    page.reload()
    expect(page.get_by_role("columnheader", name="Permissions")).to_be_visible()
    expect(page.get_by_role("columnheader", name="Email")).to_have_count(0)
    assert world.member.username not in page.evaluate("() => JSON.stringify({...localStorage})")


def test_permissions_tokens_and_the_end(console: Console, world: World) -> None:
    user, page = world.new_user(), console.page
    write(user, world, theme="dark")
    console.open(user_page(world, user, "access"))
    console.sign_in(world.admin.token)
    permissions = page.get_by_role("textbox", name="Permissions")
    permissions.fill(f"{world.other_tenant_id}::admin")
    console.button("Save access").click()
    expect(page.get_by_role("alert").filter(has_text=re.compile(r"\w"))).to_be_visible()
    expect(permissions).to_have_value(f"{world.other_tenant_id}::admin")
    permissions.fill(f"{world.tenant_id}::audit")
    console.button("Save access").click()
    expect(page.locator("header").get_by_text(f"{world.tenant_id}::audit")).to_be_visible()

    console.button("Revoke test").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    expect(row(console, "test")).to_contain_text("revoked")

    choose_tab(console, "Danger")
    for action in ("Clear metadata", "Erase user"):
        console.button(action).click()
        dialog = page.get_by_role("dialog")
        confirm = dialog.get_by_role("button", name=action)
        expect(confirm).to_be_disabled()
        if action == "Erase user":
            expect(dialog).to_contain_text("Access tokens: 1")
        dialog.get_by_label(f"Type {user.username} to confirm").fill(user.username)
        confirm.click()
        expect(dialog).to_have_count(0)
    console.shows("3 users")
    console.open(user_page(world, user))
    console.sign_in(world.admin.token)
    console.shows("There is no such user")
    assert console.tab.complaints == []


def test_a_member_is_told_where_to_find_what_is_theirs(console: Console, world: World) -> None:
    for number, path in enumerate([users_page(world), user_page(world, world.colleague)]):
        console.open(path)
        if number == 0:
            console.sign_in(world.member.token, keep=True)
        expect(console.heading("This page is for admins")).to_be_visible()
        expect(console.page.get_by_role("link", name="Your settings")).to_be_visible()
        expect(console.page.locator("main")).not_to_contain_text(world.colleague.username)
    console.open(users_page(world).replace(world.platform_key, world.other_platform_key))
    console.shows("There is no such platform, or you may not see it.")


def test_markup_in_texts_is_shown_and_never_run(console: Console, world: World) -> None:
    user, page = world.new_user(), console.page
    name = {"firstName": {"value": MARKUP, "visibility": "tenant"}}
    assert world.admin.ask(RENAME, user=user.username, fields=name)["updateUser"] == {"userErrors": []}
    texts = ["metadataKey", "metadataValue", "description", "category", "source"]
    entry = {**dict.fromkeys(texts, MARKUP), "valueType": "string", "isPublic": False}
    where = {"platformKey": world.platform_key, "username": user.username}
    assert world.admin.ask(SET, input={**where, "entries": [entry]})["setUserMetadata"] == {"userErrors": []}
    assert user.ask(ISSUE, user=user.username, label=MARKUP)["issueToken"] == {"userErrors": []}

    console.open(users_page(world))
    console.sign_in(world.admin.token)
    expect(row(console, user.username)).to_contain_text(MARKUP)
    search = page.get_by_label("Search by username, name or email")
    search.fill(MARKUP)
    console.shows("1 user")
    page.get_by_role("link", name=user.username).click()
    expect(page.get_by_role("heading", name=MARKUP)).to_be_visible()
    expect(row(console, "hidden from the user")).to_contain_text(re.compile(f"({re.escape(MARKUP)}.*){{3}}"))
    for tab in ("Effective", "History", "Access", "Changes"):
        choose_tab(console, tab)
        expect(page.get_by_role("tabpanel", name=tab)).to_contain_text("<script>hacked=1</script>")
    assert page.evaluate("typeof hacked") == "undefined"
    assert console.tab.complaints == []
