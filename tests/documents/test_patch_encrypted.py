"""Patching encrypted values: like other values for users who see them, if the key is configured."""

import base64
from typing import Any

from tests.support.patches import entries, patch, patched, refused, set_entries
from tests.support.service import serving
from tests.support.world import Caller, World

KEYS = {name: base64.b64encode(name.encode() * 32).decode() for name in "ab"}
SECRET = {"isEncrypted": True, "isPublic": True, "isEditable": True}


def counter(world: World) -> Caller:
    """A member with an encrypted number and an encrypted object."""
    number = {"metadataKey": "n", "metadataValue": "41", "valueType": "number"} | SECRET
    object_ = {"metadataKey": "o", "metadataValue": '{"a": 1}', "valueType": "json"} | SECRET
    payload = set_entries(world.admin, world, number, object_, username=world.member.username)
    assert payload["userErrors"] == []
    return world.member


def test_encrypted_values_are_patched_and_stay_encrypted(fresh_database_url: str) -> None:
    with serving(fresh_database_url, encryption_keys=KEYS) as service:
        world = World(service)
        user = counter(world)
        digest = entries(user, world)["n"]["digest"]
        operations = [{"increment": {"path": "/n", "by": 1}}, {"set": {"path": "/o/b", "value": 2}}]
        wrong = [{"key": "n", "digest": entries(user, world)["o"]["digest"]}]
        assert refused(user, world, operations=operations, expectedDigests=wrong)[0] == "DIGEST_CONFLICT"
        right = [{"key": "n", "digest": digest}]
        done = patched(user, world, operations=operations, expectedDigests=right)
        assert done == {"n": 42, "o": {"a": 1, "b": 2}}
        assert patched(user, world, metadata={"o": {"a": None}}, mode="MERGE_PATCH")["o"] == {"b": 2}
        query = """query ($key: String!) { platformMetadata(platformKey: $key) {
          entries(first: 9) { nodes { isEncrypted } } } }"""
        found = user.ask(query, key=world.platform_key)["platformMetadata"]["entries"]["nodes"]
        assert found == [{"isEncrypted": True}] * 2


def test_without_its_encryption_key_a_value_can_be_replaced_but_not_changed(fresh_database_url: str) -> None:
    with serving(fresh_database_url, encryption_keys={"a": KEYS["a"]}) as service:
        world = World(service)
        user = counter(world)
        digest = entries(user, world)["n"]["digest"]
    with serving(fresh_database_url, encryption_keys={"b": KEYS["b"]}) as service:
        user.service = service
        attempts: list[tuple[dict[str, Any], list[str]]] = [
            ({"operations": [{"increment": {"path": "/n", "by": 1}}]}, ["operations", "0", "path"]),
            ({"operations": [{"delete": {"path": "/o/a"}}]}, ["operations", "0", "path"]),
            ({"metadata": {"o": {"a": 2}}, "mode": "MERGE_PATCH"}, ["metadata", "o"]),
        ]
        for attempt, field in attempts:
            (error,) = patch(user, world, **attempt)["userErrors"]
            assert (error["code"], error["field"]) == ("ENCRYPTION_UNAVAILABLE", field)
            assert "41" not in error["message"]
        expected = {"expectedDigests": [{"key": "n", "digest": digest}]}
        mutation = """mutation ($input: PatchPlatformMetadataInput!) { patchPlatformMetadata(input: $input) {
          userErrors { code } } }"""
        input = {"platformKey": world.platform_key, "metadata": {}} | expected
        payload = user.ask(mutation, input=input)["patchPlatformMetadata"]
        assert payload["userErrors"] == [{"code": "DIGEST_CONFLICT"}]
        operations = [{"set": {"path": "/n", "value": 1}}, {"delete": {"path": "/o"}}]
        assert patched(user, world, operations=operations) == {"n": 1}
