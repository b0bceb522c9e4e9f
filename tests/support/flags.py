"""Flags and effective values, for tests."""

from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import orjson

from gql_service.domain.definitions.buckets import BUCKETS
from tests.support.walkthrough import ADDRESS, MEMBER_TOKEN, ROOT, blocks_of
from tests.support.world import Caller, World

ASSIGNMENT = """key valueType default enabled variants { name value weight } salt
  userWideFallback clientVisible title section position category isPublic isEditable"""
DEFINE = f"""mutation ($input: DefineMetadataInput!) {{ defineMetadata(input: $input) {{
  definition {{ {ASSIGNMENT} }} brokenDocuments userErrors {{ code message field }} }} }}"""
EVALUATE = """query ($key: String!, $username: String, $keys: [String!], $category: String) {
  platformMetadata(platformKey: $key, username: $username) {
    evaluations(keys: $keys, category: $category) { key value reason variant } effective(keys: $keys) } }"""


def try_to_define(world: World, key: str, type_: str = "boolean", **inputs: Any) -> Any:
    """The payload of `defineMetadata`."""
    arguments = {"platformKey": world.platform_key, "key": key, "valueType": type_} | inputs
    return world.admin.ask(DEFINE, input=arguments)["defineMetadata"]


def define_flag(world: World, key: str, type_: str = "boolean", **inputs: Any) -> Any:
    """Define a key of the category `feature_flags`."""
    payload = try_to_define(world, key, type_, **({"category": "feature_flags"} | inputs))
    assert payload["userErrors"] == [], payload
    return payload["definition"]


def evaluations(
    caller: Caller, world: World, username: str | None = None, **arguments: Any
) -> dict[str, tuple[Any, str, str | None]]:
    """Value, reason and variant of keys, by key. The object of the values must agree."""
    arguments = {"key": world.platform_key, "username": username} | arguments
    document = caller.ask(EVALUATE, **arguments)["platformMetadata"]
    if "category" not in arguments:
        values = {each["key"]: each["value"] for each in document["evaluations"]}
        assert {key: value for key, value in values.items() if value is not None} == document["effective"]
    keys = [each["key"] for each in document["evaluations"]]
    assert keys == sorted(keys)
    return {each["key"]: (each["value"], each["reason"], each["variant"]) for each in document["evaluations"]}


def instant_text(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat()


def variant(name: str, value: Any, weight: int) -> dict[str, Any]:
    return {"name": name, "value": value, "weight": weight}


def bucket(platform_id: str, key: str, salt: str, user_id: str) -> int:
    """The rule for buckets, as docs/flags.md states it."""
    digest = sha256(orjson.dumps([platform_id, key, salt, user_id])).digest()
    return int.from_bytes(digest[:8], "big") % BUCKETS


def documented_sdk(name: str, base_url: str, caller: Caller) -> str:
    """The program of `docs/flags.md` with this language or option, for a caller on a platform."""
    (text,) = [
        block.text
        for block in blocks_of(ROOT / "docs" / "flags.md")
        if name in (block.language, block.options)
    ]
    for placeholder, value in (
        (f"{ADDRESS}/platforms/personal", base_url),
        (MEMBER_TOKEN, caller.token),
        ("john_doe", caller.username),
    ):
        assert placeholder in text
        text = text.replace(placeholder, value)
    return text
