"""Typed entries, written and read by GraphQL: an example of the specification, a window, and authors."""

from tests.support.entries import ENTRY, set_entries
from tests.support.world import World


def test_an_entry_is_read_as_it_was_set(world: World) -> None:
    entry = {
        "metadataKey": "feature_flags.new_dashboard",
        "metadataValue": "true",
        "valueType": "boolean",
        "category": "feature_flags",
        "description": "Beta access",
        "source": "admin_panel",
        "isEncrypted": False,
        "isIndexed": True,
        "isPublic": False,
        "isEditable": False,
        "validFrom": "2024-03-01T00:00:00Z",
        "validUntil": "2124-06-01T00:00:00Z",
    }
    payload = set_entries(world.admin, world, entry, username=world.member.username)
    assert payload["userErrors"] == []
    (found,) = payload["entries"]
    assert {name: found[name] for name in entry} == entry
    assert found["userId"] == world.member.id
    assert found["value"] is True
    assert found["createdBy"] == found["updatedBy"] == {"username": world.admin.username}
    assert found["viewerCan"] == {"edit": True, "delete": True}
    assert payload["platformMetadata"]["metadata"] == {"feature_flags.new_dashboard": True}
    query = f"""query ($key: String!) {{ platformMetadata(platformKey: $key) {{ metadata revision
      entries(first: 9) {{ totalCount nodes {{ {ENTRY} }} }}
      entry(key: "feature_flags.new_dashboard") {{ id }} }} }}"""
    seen = world.member.ask(query, key=world.platform_key)["platformMetadata"]
    assert seen == {"metadata": {}, "revision": 1, "entries": {"totalCount": 0, "nodes": []}, "entry": None}


def test_an_entry_whose_window_has_ended_is_stored_and_listed_as_inactive(world: World) -> None:
    entry = {"metadataKey": "old", "metadataValue": "v", "validUntil": "2020-01-01T00:00:00Z"}
    payload = set_entries(world.admin, world, entry, username=world.member.username)
    assert payload["userErrors"] == []
    assert (payload["platformMetadata"]["revision"], payload["platformMetadata"]["metadata"]) == (1, {})
    query = """query ($key: String!, $username: String) {
      platformMetadata(platformKey: $key, username: $username) {
        revision entries(first: 9, includeInactive: true) { nodes { metadataKey validUntil } } } }"""
    seen = world.admin.ask(query, key=world.platform_key, username=world.member.username)["platformMetadata"]
    stored = {"metadataKey": "old", "validUntil": "2020-01-01T00:00:00Z"}
    assert seen == {"revision": 1, "entries": {"nodes": [stored]}}
    payload = set_entries(world.admin, world, username=world.member.username, deleteKeys=["old"])
    assert (payload["deletedKeys"], payload["platformMetadata"]["revision"]) == ([], 1)


def test_the_authors_of_an_entry_are_visible_to_viewers_who_may_see_these_users(world: World) -> None:
    entry = {"metadataKey": "k", "metadataValue": "v", "isPublic": True, "isEditable": True}
    for author, is_visible in ((world.admin, True), (world.owner, False)):
        set_entries(author, world, entry | {"metadataValue": author.id}, username=world.member.username)
        query = """query ($key: String!) { platformMetadata(platformKey: $key) { entry(key: "k") {
          createdBy { username } updatedBy { username displayName } } } }"""
        found = world.member.ask(query, key=world.platform_key)["platformMetadata"]["entry"]
        assert found["createdBy"] == {"username": world.admin.username}
        by = {"username": author.username, "displayName": author.username}
        assert found["updatedBy"] == (by if is_visible else None)
