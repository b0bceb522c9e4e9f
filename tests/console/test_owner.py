"""The pages of platform owners: tenants, platforms, the health of the service."""

from playwright.sync_api import expect

from gql_service import __version__
from tests.support.console import Console, first_id
from tests.support.world import World

TENANT = "mutation ($input: CreateTenantInput!) { createTenant(input: $input) { userErrors { code } } }"
PLATFORM = """query ($key: String!) { platform(key: $key) { name mode
  retention { historyMaxAge historyMaxChanges } } }"""


OWNERS = """query ($after: String) { platformOwners(first: 50, after: $after) {
  nodes { username } pageInfo { endCursor } } }"""


def test_a_tenant_is_created_renamed_and_deleted_with_what_it_has(console: Console, world: World) -> None:
    page, tenant_id = console.page, first_id()
    console.sign_in(world.owner.token)
    page.get_by_role("link", name="Tenants").click()
    console.button("Create tenant").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("Acme <b>\u202d\u05e9\u05dc\u05d5\u05dd</b>")
    dialog.get_by_label("Id", exact=True).fill(world.tenant_id)
    dialog.get_by_role("button", name="Create tenant").click()
    expect(dialog.get_by_role("alert")).to_contain_text(world.tenant_id)
    dialog.get_by_label("Id", exact=True).fill(tenant_id)
    dialog.get_by_role("button", name="Create tenant").click()
    expect(dialog).to_have_count(0)
    row = page.get_by_role("row").filter(has_text=tenant_id)
    expect(row).to_contain_text("Acme <b>\u202d\u05e9\u05dc\u05d5\u05dd</b>")

    row.get_by_role("button", name="Rename").click()
    dialog.get_by_label("Name").fill("Acme")
    dialog.get_by_role("button", name="Rename").click()
    expect(row.get_by_role("cell").first).to_have_text("Acme")

    users = [world.new_user(tenant_id) for _ in range(21)]
    world.new_platform(tenant_id)
    row.get_by_role("button", name="Delete").click()
    console.shows("21 users with all their data, 1 platform and 0 documents")
    delete = console.button("Delete tenant")
    expect(delete).to_be_disabled()
    page.get_by_label("Type Acme to confirm").fill("acme")
    expect(delete).to_be_disabled()
    page.get_by_label("Type Acme to confirm").fill("Acme")
    delete.click()  # more users than one request deletes
    expect(dialog).to_have_count(0)
    expect(row).to_have_count(0)
    assert users[0].graphql("{ me { id } }")["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    assert console.tab.complaints == []


def test_a_platform_is_created_changed_and_deleted(console: Console, world: World) -> None:
    page, key = console.page, first_id()
    console.sign_in(world.owner.token)
    page.get_by_role("link", name="Platforms").click()
    console.button("Create platform").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Key").fill(key)
    dialog.get_by_label("Name").fill("Shop")
    dialog.get_by_label("Tenant").fill("nowhere")
    dialog.get_by_role("button", name="Create platform").click()
    expect(page.get_by_role("alert")).not_to_be_empty()
    dialog.get_by_label("Tenant").fill(world.tenant_id)
    dialog.get_by_role("button", name="Create platform").click()
    expect(dialog).to_have_count(0)
    row = page.get_by_role("row").filter(has_text=key)
    expect(row).to_contain_text("Open: any keys")

    world.member.rest("PUT", key, {"metadata": {"theme": "dark"}})
    row.get_by_role("button", name="Edit").click()
    dialog.get_by_label("Name").fill("Store")
    dialog.get_by_text("Strict: defined keys only").click()
    dialog.get_by_label("Changes in the history of a document").fill("7")
    console.button("Save changes").click()
    console.shows("1 document has keys that are not defined.")
    assert world.owner.ask(PLATFORM, key=key)["platform"]["name"] == "Shop", "nothing is saved"
    dialog.get_by_text("Set it anyway").click()
    console.button("Save changes").click()
    expect(dialog).to_have_count(0)
    expect(row).to_contain_text("Strict: defined keys only")
    expect(row).to_contain_text("at most 7 changes")
    saved = world.owner.ask(PLATFORM, key=key)["platform"]
    assert (saved["name"], saved["mode"], saved["retention"]["historyMaxChanges"]) == ("Store", "STRICT", 7)

    row.get_by_role("button", name="Delete").click()
    console.shows("1 document of its users with their history")
    page.get_by_label(f"Type {key} to confirm").fill(key)
    console.button("Delete platform").click()
    expect(row).to_have_count(0)
    assert world.owner.ask(PLATFORM, key=key) == {"platform": None}
    assert console.tab.complaints == []


def test_the_admins_of_a_tenant_and_the_platform_owners_are_listed(console: Console, world: World) -> None:
    page, tenant_id = console.page, first_id()
    created = {"input": {"tenantId": tenant_id, "name": tenant_id}}
    assert world.owner.ask(TENANT, **created)["createTenant"] == {"userErrors": []}
    console.sign_in(world.owner.token)
    page.get_by_role("link", name="Tenants").click()
    console.button(f"Admins of {tenant_id}").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Nobody has the admin permission of this tenant.")
    console.button("Close").click()

    admin, member = (world.new_user(tenant_id, permissions=each) for each in ([f"{tenant_id}::admin"], []))
    page.reload()
    console.sign_in(world.owner.token)
    console.button(f"Admins of {tenant_id}").click()
    expect(dialog.get_by_role("row")).to_have_count(2)
    expect(dialog).to_contain_text(admin.username)
    expect(dialog).not_to_contain_text(member.username)
    console.button("Close").click()
    owners = page.get_by_role("table", name="Platform owners")
    after = None
    while True:  # the owners of other tests are listed, too
        found = world.owner.ask(OWNERS, after=after)["platformOwners"]
        expect(owners).to_contain_text(found["nodes"][0]["username"])
        if world.owner.username in [each["username"] for each in found["nodes"]]:
            break
        after = found["pageInfo"]["endCursor"]
        page.get_by_role("button", name="Next page").last.click()
    expect(owners).to_contain_text(world.owner.username)
    expect(owners).not_to_contain_text(admin.username)
    assert console.tab.complaints == []


def test_what_was_created_is_told_though_it_is_on_another_page(console: Console, world: World) -> None:
    page = console.page
    console.sign_in(world.owner.token)
    page.get_by_role("link", name="Tenants").click()
    console.button("Create tenant").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("Far")
    dialog.get_by_role("button", name="Create tenant").click()
    expect(page.get_by_role("status").filter(has_text="was created")).to_have_count(1)
    tenant_id = page.get_by_role("status").filter(has_text="was created").inner_text().split()[0]
    row = page.get_by_role("row").filter(has_text=tenant_id)
    expect(row).to_have_count(0)

    page.get_by_role("link", name="Platforms").click()
    console.button("Create platform").click()
    dialog.get_by_label("Key").fill(f"p-{tenant_id}")
    dialog.get_by_label("Tenant").fill(tenant_id)
    dialog.get_by_role("button", name="Create platform").click()
    expect(page.get_by_role("status").filter(has_text=f"p-{tenant_id} was created")).to_have_count(1)
    assert console.tab.complaints == []


def test_health(console: Console, world: World) -> None:
    console.sign_in(world.owner.token)
    console.page.get_by_role("link", name="Health").click()
    console.shows(__version__)
    console.shows("as this version needs it")
    expect(console.page.get_by_role("row", name="Keys of a document")).to_contain_text("2,000")
    console.button("Read again").click()
    console.shows("as this version needs it")
    assert console.tab.complaints == []


def test_others_are_told_that_they_may_not_see_it(console: Console, world: World) -> None:
    console.sign_in(world.admin.token, keep=True)
    expect(console.page.get_by_role("link", name="Tenants")).to_have_count(0)
    for path in ("tenants", "health"):
        console.open(f"/console/{path}")
        expect(console.heading("This page is for platform owners")).to_be_visible()
