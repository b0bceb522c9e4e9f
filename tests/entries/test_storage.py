"""Typed entries as they are stored: failed writes change nothing, limits include hidden entries, and a value
that cannot be decrypted affects no other value."""

from base64 import b64encode
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select, update

from gql_service.store import tables
from gql_service.store.statement import Statement
from tests.support.entries import set_entries, stored
from tests.support.service import serving
from tests.support.users import codes, run_sql
from tests.support.world import World


@pytest.fixture(scope="module")
def vault(database_url: str) -> Iterator[World]:
    """A world whose service can encrypt."""
    keys = {"k1": b64encode(b"1" * 32).decode()}
    with serving(database_url, encryption_keys=keys, sweep_interval=3600) as service:
        yield World(service)


SECRET = {"metadataKey": "secret", "metadataValue": "v", "isEncrypted": True, "isIndexed": True}


def corrupt_ciphertext(world: World, user_id: str) -> None:
    """Replace the ciphertext of a user by one that cannot be decrypted."""
    columns = tables.documents.c
    entry = '{"secret":{"ciphertext":"gone:AAAA","isPublic":false}}'
    run_sql(world, update(tables.documents).where(columns.user_id == user_id).values(conditions=entry))


def rows(world: World, user_id: str) -> Any:
    """All rows of a user's document, of its history and of its index."""
    found = []
    for table in (tables.documents, tables.document_changes, tables.metadata_index):
        statement = Statement(select(table).where(table.c.user_id == user_id))
        found.append(world.service.write(lambda tx, statement=statement: tx.fetch(statement)))  # type: ignore[misc]
    return [[list(map(str, row)) for row in each] for each in found]


def test_a_value_that_cannot_be_decrypted_can_only_be_replaced(vault: World) -> None:
    member = vault.new_user()
    assert not set_entries(vault.admin, vault, SECRET, username=member.username)["userErrors"]
    corrupt_ciphertext(vault, member.id)
    before = rows(vault, member.id)
    for attributes in ({"category": "c"}, {"isEncrypted": False}, {"valueType": "json"}):
        entry = {"metadataKey": "secret", **attributes}
        (error,) = set_entries(vault.admin, vault, entry, username=member.username)["userErrors"]
        assert (error["code"], error["field"]) == (
            "ENCRYPTION_UNAVAILABLE",
            ["entries", "0", "metadataValue"],
        )
        assert "'gone', which is not configured" in error["message"]
        assert rows(vault, member.id) == before
    payload = set_entries(vault.admin, vault, SECRET | {"metadataValue": "w"}, username=member.username)
    assert [entry["value"] for entry in payload["entries"]] == ["w"]


def test_a_document_that_cannot_be_decrypted_affects_no_other_document(vault: World) -> None:
    key = vault.new_platform()
    people = [vault.new_user(), vault.new_user(), vault.new_user()]
    for user in people:
        set_entries(vault.admin, vault, SECRET, username=user.username, platformKey=key)
    corrupt_ciphertext(vault, people[1].id)
    ids = [b64encode(f"PlatformMetadata:{user.id}:{key}".encode()).decode() for user in people]
    for field in ("metadata", 'metadata(keys: ["secret"])', 'metadata(asOf: "2030-01-01T00:00:00Z")'):
        query = f"query ($ids: [ID!]!) {{ nodes(ids: $ids) {{ ... on PlatformMetadata {{ it: {field} }} }} }}"
        body = vault.admin.graphql(query, ids=ids)
        assert codes(body) == "MALFORMED_DATA"
        assert body["data"]["nodes"] == [{"it": {"secret": "v"}}, None, {"it": {"secret": "v"}}]
        assert [error["path"] for error in body["errors"]] == [["nodes", 1, "it"]]
    one = """query ($ids: [ID!]!) { nodes(ids: $ids) { ... on PlatformMetadata { revision
      entry(key: "secret") { category value metadataValue digest viewerCan { edit } } } } }"""
    body = vault.admin.graphql(one, ids=ids[1:2])
    entry = {
        "category": None,
        "value": None,
        "metadataValue": None,
        "digest": None,
        "viewerCan": {"edit": True},
    }
    assert body["data"]["nodes"] == [{"revision": 1, "entry": entry}]
    assert len(body["errors"]) == 3


def test_an_encrypted_value_is_not_stored_in_plaintext(vault: World) -> None:
    member, canary = vault.new_user(), uuid4().hex
    entry = SECRET | {"metadataValue": canary}
    arguments = {"username": member.username, "idempotencyKey": "1"}
    assert set_entries(vault.admin, vault, entry, **arguments)["entries"][0]["value"] == canary
    assert canary not in str(rows(vault, member.id))
    kept = Statement(select(tables.idempotency_keys))
    assert canary not in str(vault.service.write(lambda tx: tx.fetch(kept)))


def test_deleting_a_key_and_setting_the_same_value_changes_nothing(world: World) -> None:
    world.member.rest("PATCH", world.platform_key, {"metadata": {"k": 1, "l": 2}})
    before = stored(world, world.member)
    patch = {"delete_keys": ["k"], "metadata": {"k": 1}}
    assert world.member.rest("PATCH", world.platform_key, patch).headers["etag"] == '"1"'
    assert stored(world, world.member) == before
    history = tables.document_changes
    changes = Statement(select(history.c.revision).where(history.c.user_id == world.member.id))
    assert [row[0] for row in world.service.write(lambda tx: tx.fetch(changes))] == [1]


def test_two_inputs_for_one_key_are_applied_in_their_order(world: World) -> None:
    first = {"metadataKey": "k", "metadataValue": "1", "valueType": "number", "category": "c"}
    payload = set_entries(world.admin, world, first, {"metadataKey": "k", "metadataValue": "2"})
    (entry,) = payload["entries"]
    assert (entry["value"], entry["category"], payload["platformMetadata"]["revision"]) == (2, "c", 1)


def test_hidden_keys_count_among_the_keys_of_a_document(world: World) -> None:
    entries = [{"metadataKey": f"h{number}", "metadataValue": ""} for number in range(100)]
    set_entries(world.admin, world, *entries, username=world.member.username)
    fits = {f"k{number}": number for number in range(1900)}
    assert world.member.rest("PATCH", world.platform_key, {"metadata": fits}).is_success
    response = world.member.rest("PATCH", world.platform_key, {"metadata": {"one more": 1}})
    assert (response.status_code, response.json()) == (
        413,
        {
            "metadata": [
                "The document has no room for that; 2000 keys are allowed. Delete something, or ask an admin."
            ]
        },
    )
    more = {f"more{number}": number for number in range(150)}
    response = world.member.rest("PATCH", world.platform_key, {"metadata": more})
    assert response.json()["metadata"] == ["The document would have 2050 keys; 2000 are allowed."]
    response = world.admin.rest(
        "PATCH", world.platform_key, {"metadata": more}, username=world.member.username
    )
    assert response.json()["metadata"] == ["The document would have 2150 keys; 2000 are allowed."]


def test_hidden_values_count_with_their_keys_in_the_size_of_a_document(world: World) -> None:
    entries = [
        {"metadataKey": f"{number:0255}", "metadataValue": "x" * 104_000, "isPublic": number % 2 == 0}
        for number in range(10)
    ]
    for entry in entries:
        assert not set_entries(world.admin, world, entry, username=world.member.username)["userErrors"]
    size = 2 + 10 * (255 + 104_000 + 5) + 9  # braces; quotes and colons; commas
    room = 1024 * 1024 - size - len(',"k":""')
    for excess, code in ((0, None), (1, "DOCUMENT_TOO_LARGE")):
        payload = set_entries(
            world.admin,
            world,
            {"metadataKey": "k", "metadataValue": "x" * (room + excess), "isPublic": not excess},
            username=world.member.username,
        )
        assert [error["code"] for error in payload["userErrors"]] == ([code] if code else [])


def test_a_repeated_request_shows_only_entries_that_are_still_valid(world: World) -> None:
    entry = {"metadataKey": "k", "metadataValue": "v", "isPublic": True, "validUntil": "2033-05-18T03:33:20Z"}
    other = {"metadataKey": "other", "metadataValue": "v", "isPublic": True}
    with world.service.at(2_000_000_000_000 - 1000):
        first = set_entries(world.member, world, entry, idempotencyKey="1")
        world.member.rest("PATCH", world.platform_key, {"metadata": {"later": 1}})
        again = set_entries(world.member, world, entry, idempotencyKey="1")
        assert (again["replayed"], again["entries"]) == (True, first["entries"])
        assert again["platformMetadata"] == {"metadata": {"k": "v", "later": 1}, "revision": 2}
        reused = set_entries(world.member, world, other, idempotencyKey="1")
        assert [error["code"] for error in reused["userErrors"]] == ["IDEMPOTENCY_KEY_REUSED"]
    assert first["platformMetadata"] == {"metadata": {"k": "v"}, "revision": 1}
    with world.service.at(2_000_000_000_000):
        again = set_entries(world.member, world, entry, idempotencyKey="1")
        assert again["platformMetadata"] == {"metadata": {"later": 1}, "revision": 2}
        assert again["entries"] == []
