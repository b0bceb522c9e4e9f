"""Patches through GraphQL, and their payloads."""

from typing import Any

from tests.support.world import Caller, World

ERRORS = """userErrors { code message field
  ... on RevisionConflict { currentRevision entries { metadataKey value digest } } }"""
PATCH = f"""mutation ($input: PatchPlatformMetadataInput!) {{ patchPlatformMetadata(input: $input) {{
  platformMetadata {{ metadata revision }} deletedKeys {ERRORS} }} }}"""
SET = f"""mutation ($input: SetUserMetadataInput!) {{ setUserMetadata(input: $input) {{
  platformMetadata {{ metadata revision }} entries {{ metadataKey value digest }}
  deletedKeys {ERRORS} }} }}"""
READ = """query ($key: String!, $name: String) { platformMetadata(platformKey: $key, username: $name) {
  metadata revision entries(first: 100) { nodes { metadataKey valueType value digest isPublic isEditable
    validFrom validUntil } } } }"""


def patch(caller: Caller, world: World, **input: Any) -> Any:
    """The payload of a patch, by default of the caller's own document on the world's platform."""
    arguments = {"platformKey": world.platform_key} | input
    return caller.ask(PATCH, input=arguments)["patchPlatformMetadata"]


def patched(caller: Caller, world: World, **input: Any) -> Any:
    """The metadata after a patch, which must succeed."""
    payload = patch(caller, world, **input)
    assert payload["userErrors"] == []
    return payload["platformMetadata"]["metadata"]


def refused(caller: Caller, world: World, **input: Any) -> tuple[str, list[str]]:
    """Code and field of the error of a patch, which must be refused and change nothing."""
    before = read(caller, world, input.get("username"))
    payload = patch(caller, world, **input)
    (error,) = payload["userErrors"]
    assert payload["platformMetadata"] is None
    assert error["message"]
    assert read(caller, world, input.get("username")) == before
    return error["code"], error["field"]


def set_entries(caller: Caller, world: World, *entries: dict[str, Any], **input: Any) -> Any:
    """The payload of a write of typed entries."""
    arguments = {"platformKey": world.platform_key, "entries": list(entries)} | input
    return caller.ask(SET, input=arguments)["setUserMetadata"]


def read(caller: Caller, world: World, username: str | None = None) -> Any:
    """The document with its entries, as the caller sees it."""
    return caller.ask(READ, key=world.platform_key, name=username)["platformMetadata"]


def entries(caller: Caller, world: World, username: str | None = None) -> dict[str, Any]:
    """The entries that the caller sees, by key."""
    nodes = read(caller, world, username)["entries"]["nodes"]
    return {node["metadataKey"]: node for node in nodes}
