"""Encrypted entries: what is stored, who can read them, what is refused, and invalid encryption keys."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select, update

from gql_service.store import tables
from tests.support.cli_processes import command, serving_process
from tests.support.entries import SET, set_entries
from tests.support.service import Service, serving
from tests.support.stored import alter, conditions, fetch, is_stored
from tests.support.users import run_sql
from tests.support.world import Caller, World

KEY = base64.b64encode(bytes(range(32))).decode()
RING = json.dumps({"k1": KEY})
READ = """query ($key: String!, $name: String) { platformMetadata(platformKey: $key, username: $name) {
  revision entries(first: 100) { nodes { metadataKey value metadataValue digest isEncrypted } } } }"""
OBJECT = """query ($key: String!, $name: String) { platformMetadata(platformKey: $key, username: $name) {
  metadata } }"""


@pytest.fixture(scope="module")
def encrypting_service(database_url: str) -> Iterator[Service]:
    with serving(database_url, encryption_keys={"k1": KEY}) as running:
        yield running


@pytest.fixture
def world(encrypting_service: Service) -> World:
    return World(encrypting_service)


def secret(value: str, key: str = "s", **more: Any) -> dict[str, Any]:
    entry = {"metadataKey": key, "metadataValue": value, "isEncrypted": True, "isIndexed": True}
    return entry | {"isPublic": True, "isEditable": True} | more


def put(world: World, user: Caller, *entries: dict[str, Any], **input: Any) -> int:
    """Set entries of a user; returns the revision."""
    payload = set_entries(world.admin, world, *entries, username=user.username, **input)
    assert payload["userErrors"] == []
    return int(payload["platformMetadata"]["revision"])


def refused(world: World, user: Caller, *entries: dict[str, Any]) -> str:
    """The code, field and message of the error of a write, which must be refused."""
    input = {"platformKey": world.platform_key, "username": user.username, "entries": list(entries)}
    payload = world.admin.ask(SET, input=input)["setUserMetadata"]
    assert payload["platformMetadata"] is None
    (error,) = payload["userErrors"]
    return f"{error['code']} {'.'.join(error['field'])} {error['message']}"


def patch(world: World, user: Caller, metadata: dict[str, Any]) -> Any:
    response = user.rest("PATCH", world.platform_key, {"metadata": metadata})
    assert response.status_code == 200, response.text
    return response.json()["metadata"]


def read(world: World, user: Caller, platform_key: str | None = None) -> tuple[dict[str, Any], list[str]]:
    """The values of the entries that a user sees, and the messages for those that cannot be decrypted."""
    body = user.graphql(READ, key=platform_key or world.platform_key)
    nodes = body["data"]["platformMetadata"]["entries"]["nodes"]
    failed = set()
    for error in body.get("errors", []):
        assert error["extensions"]["code"] == "MALFORMED_DATA"
        assert error["path"][:3] == ["platformMetadata", "entries", "nodes"]
        assert error["path"][4] in ("value", "metadataValue", "digest")
        failed.add(error["message"])
    return {node["metadataKey"]: node["value"] for node in nodes}, sorted(failed)


def test_only_the_ciphertext_is_stored(world: World, request: pytest.FixtureRequest) -> None:
    first, second, plain = (f"canary-{uuid4().hex}" for _ in range(3))
    put(world, world.member, secret(first), idempotencyKey="once")
    put(world, world.member, secret(second), {"metadataKey": "p", "metadataValue": plain})
    patch(world, world.member, {"s": first, "other": 1})
    put(world, world.member, {"metadataKey": "s", "description": "changed"})
    put(world, world.member, deleteKeys=["s"])
    assert is_stored(request, world, plain)
    assert not is_stored(request, world, first)
    assert not is_stored(request, world, second)


def test_an_entry_is_decrypted_for_users_who_may_see_it(world: World) -> None:
    put(world, world.member, secret("seen"), secret("hidden", "h", isPublic=False))
    assert read(world, world.member) == ({"s": "seen"}, [])
    assert world.member.rest("GET", world.platform_key).json()["metadata"] == {"s": "seen"}
    data = world.admin.ask(READ, key=world.platform_key, name=world.member.username)
    nodes = data["platformMetadata"]["entries"]["nodes"]
    assert {node["metadataKey"]: node["metadataValue"] for node in nodes} == {"s": "seen", "h": "hidden"}
    assert all(node["isEncrypted"] for node in nodes)
    for other in (world.colleague, world.stranger, world.foreign_admin):
        body = other.graphql(OBJECT, key=world.platform_key, name=world.member.username)
        assert "seen" not in str(body)


@pytest.mark.parametrize("value", ["", "ünïcödé 🗝", "x" * 100_000])
def test_any_text_can_be_encrypted_and_decrypted(world: World, value: str) -> None:
    put(world, world.member, secret(value))
    assert read(world, world.member) == ({"s": value}, [])


def test_a_ciphertext_is_valid_only_for_its_key_user_platform_and_tenant(world: World) -> None:
    put(world, world.member, secret("one", "a"), secret("two", "b"), secret("plain", "c", isEncrypted=False))
    put(world, world.colleague, secret("three", "a"), secret("fine", "f"))
    own, of_colleague = conditions(world, world.member), conditions(world, world.colleague)
    other_platform = world.new_platform()
    put(world, world.member, secret("four", "a"), secret("fine", "f"), platformKey=other_platform)
    swapped = {"a": own["a"] | {"ciphertext": own["b"]["ciphertext"]}}
    alter(world, world.member, own | swapped)  # another key
    moved = {"a": of_colleague["a"] | {"ciphertext": own["a"]["ciphertext"]}}
    alter(world, world.colleague, of_colleague | moved)  # another user
    alter(
        world, world.member, conditions(world, world.member, other_platform) | moved, other_platform
    )  # another platform
    for user, key, others in (
        (world.member, None, {"b": "two", "c": "plain"}),
        (world.colleague, None, {"f": "fine"}),
        (world.member, other_platform, {"f": "fine"}),
    ):
        values, (failure,) = read(world, user, key)
        assert values == {"a": None} | others
        assert "`a` cannot be decrypted: its ciphertext was altered, or belongs to another" in failure
        (error,) = user.graphql(OBJECT, key=key or world.platform_key)["errors"]
        assert error["extensions"]["code"] == "MALFORMED_DATA"
    platform = tables.platforms
    of_others = (
        update(platform).where(platform.c.key == other_platform).values(tenant_id=world.other_tenant_id)
    )
    run_sql(world, of_others)  # another tenant
    body = world.owner.graphql(READ, key=other_platform, name=world.member.username)
    assert "User not found" in str(body)
    guest = update(tables.users).where(tables.users.c.id == world.member.id)
    run_sql(world, guest.values(permissions=json.dumps([f"{world.other_tenant_id}::editor"])))
    data = world.owner.graphql(READ, key=other_platform, name=world.member.username)["data"]
    assert [node["value"] for node in data["platformMetadata"]["entries"]["nodes"]] == [None, None]


def corrupt_ciphertext(world: World, change: Any) -> None:
    """Change the ciphertext of `s` directly in the database."""
    stored = conditions(world, world.member)
    stored["s"]["ciphertext"] = change(stored["s"]["ciphertext"])
    alter(world, world.member, stored)


def changed_byte(ciphertext: str) -> str:
    key, _, encoded = ciphertext.partition(":")
    sealed = bytearray(base64.b64decode(encoded))
    sealed[20] ^= 1
    return f"{key}:{base64.b64encode(sealed).decode()}"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (changed_byte, "its ciphertext was altered, or belongs to another document or key"),
        (lambda text: text[:-8], "its ciphertext was altered, or belongs to another document or key"),
        (lambda text: "k1:no base64", "its ciphertext was altered, or belongs to another document or key"),
        (lambda text: "", "the key '', which is not configured"),
        (lambda text: text.replace("k1:", "k0:"), "the key 'k0', which is not configured"),
    ],
)
def test_a_value_that_cannot_be_decrypted_is_reported_and_can_be_replaced(
    world: World, change: Any, message: str
) -> None:
    put(world, world.member, secret("lost"), {"metadataKey": "p", "metadataValue": "1", "isPublic": True})
    for write in (
        lambda: put(world, world.member, secret("new")),
        lambda: patch(world, world.member, {"s": "new"}),
    ):
        corrupt_ciphertext(world, change)
        values, (failure,) = read(world, world.member)
        assert values == {"p": "1", "s": None}
        assert message in failure
        for entry in ({"description": "d"}, {"isEncrypted": False}, {"valueType": "date"}):
            assert refused(world, world.member, {"metadataKey": "s"} | entry).startswith(
                "ENCRYPTION_UNAVAILABLE entries.0.metadataValue The value of 's' cannot be decrypted"
            )
        write()
        assert read(world, world.member) == ({"p": "1", "s": "new"}, [])
    corrupt_ciphertext(world, change)
    put(world, world.member, deleteKeys=["s"])
    assert read(world, world.member) == ({"p": "1"}, [])


def test_without_a_key_nothing_is_written(service: Service) -> None:
    unguarded = World(service)
    plain = {"metadataKey": "p", "metadataValue": "1", "isPublic": True}
    message = refused(unguarded, unguarded.member, plain, secret("x"))
    assert message.startswith(
        "ENCRYPTION_UNAVAILABLE entries.1.metadataValue No encryption key is configured"
    )
    data = unguarded.member.ask(READ, key=unguarded.platform_key)["platformMetadata"]
    assert data == {"revision": 0, "entries": {"nodes": []}}


def test_encryption_is_turned_on_and_off(world: World) -> None:
    def stored() -> Any:
        return conditions(world, world.member).get("s", {}).get("ciphertext")

    put(world, world.member, secret("x", isEncrypted=False))
    assert stored() is None
    for encrypted in (True, False, True):
        put(world, world.member, {"metadataKey": "s", "isEncrypted": encrypted})
        assert (stored() is not None) is encrypted
        assert read(world, world.member) == ({"s": "x"}, [])
    assert world.member.rest("GET", world.platform_key).json()["metadata"] == {"s": "x"}


def test_encrypting_an_entry_removes_its_values_from_history(world: World) -> None:
    put(world, world.member, secret("canary-1", isEncrypted=False), secret("told", "o", isEncrypted=False))
    put(world, world.member, {"metadataKey": "s", "metadataValue": "canary-2"})
    put(world, world.member, {"metadataKey": "s", "isEncrypted": True})
    changes = tables.document_changes.c
    rows = fetch(world, select(changes.changes).where(changes.user_id == world.member.id))
    assert len(rows) == 3
    assert "told" in str(rows)
    assert "canary" not in str(rows)
    assert read(world, world.member) == ({"o": "told", "s": "canary-2"}, [])


def test_writing_the_same_plaintext_changes_nothing(world: World) -> None:
    assert put(world, world.member, secret("x")) == 1
    before = conditions(world, world.member)
    assert put(world, world.member, secret("x")) == 1
    patch(world, world.member, {"s": "x"})
    assert conditions(world, world.member) == before
    assert put(world, world.member, secret("y")) == 2


def test_a_patch_of_the_object_keeps_a_key_encrypted(world: World) -> None:
    put(world, world.member, secret("x"))
    for value in ("y", 5, {"deep": ["y"]}):
        assert patch(world, world.member, {"s": value}) == {"s": value}
        stored = conditions(world, world.member)["s"]
        assert stored["ciphertext"].startswith("k1:")
        assert "value" not in stored
    response = world.member.rest("PUT", world.platform_key, {"metadata": {"s": "z"}})
    assert response.json()["metadata"] == {"s": "z"}
    assert "ciphertext" in conditions(world, world.member)["s"]


def test_logs_and_errors_contain_no_secrets(world: World, tmp_path: Path) -> None:
    canary, url = f"canary-{uuid4().hex}", world.service.settings.database_url
    extra = {"GQL_SERVICE_ENCRYPTION_KEYS": RING, "GQL_SERVICE_LOG_LEVEL": "debug"}
    with serving_process(tmp_path, url, extra=extra) as server:
        key, responses = world.platform_key, []
        for entry in (
            secret(canary),
            secret(canary, valueType="number"),
            secret(canary, valueType="date"),
            secret(canary, valueType="json"),
            secret(canary, valueType="binary"),
            secret(canary + "x" * 200_000),
            secret(canary, validFrom="2024-01-01T00:00:00Z", validUntil="2023-01-01T00:00:00Z"),
        ):
            literal = ", ".join(
                f"{name}: {value if name == 'valueType' else json.dumps(value)}"
                for name, value in entry.items()
            )
            query = f"""mutation {{ setUserMetadata(input: {{platformKey: "{key}", entries: [{{ {literal} }}],
              username: "{world.member.username}"}}) {{ userErrors {{ code message field }} }} }}"""
            responses.append(server.ask(query, world.admin.token).text)
        assert responses[0] == '{"data":{"setUserMetadata":{"userErrors":[]}}}'
        assert all('"code":' in response for response in responses[1:]), responses
        read_query = f'{{ platformMetadata(platformKey: "{key}") {{ metadata }} }}'
        assert canary in server.ask(read_query, world.member.token).text
        corrupt_ciphertext(world, changed_byte)
        responses.append(server.ask(read_query, world.member.token).text)
        assert "MALFORMED_DATA" in responses[-1]
        server.stop()
        for text in (*responses, server.output):
            assert canary not in text
            assert KEY not in text


@pytest.mark.parametrize(
    ("keys", "active", "message"),
    [
        ("{", None, "KEYS: use a JSON object of key ids and keys in base64"),
        ('["a"]', None, "KEYS: use a JSON object of key ids and keys in base64"),
        (json.dumps({"a": KEY[:-5] + "*" + KEY[-4:]}), None, "KEYS: use a JSON object of key ids and keys"),
        (json.dumps({"a": KEY[:-1]}), None, "KEYS: use a JSON object of key ids and keys in base64"),
        (json.dumps({"a": KEY[:20] + "AA=="}), None, "KEYS: the key a has 16 bytes; 32 are needed"),
        (json.dumps({"a b": KEY}), None, "KEYS: a key id must be 1 to 64 letters"),
        (RING, "k2", "KEY: GQL_SERVICE_ENCRYPTION_KEYS has no key with this id"),
        (None, "k2", "KEY: GQL_SERVICE_ENCRYPTION_KEYS has no key with this id"),
    ],
)
def test_invalid_keys_are_reported_in_one_line(
    tmp_path: Path, keys: str | None, active: str | None, message: str
) -> None:
    values = {"encryption_keys": keys, "encryption_key": active}
    settings = {name: value for name, value in values.items() if value is not None}
    done = command(f"sqlite:///{tmp_path / 'x'}", "serve", **settings)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"gql-service: GQL_SERVICE_ENCRYPTION_{message}")
    assert done.stderr.count("\n") == 1
    assert KEY[:20] not in done.stderr
