"""Mutations of definitions and of metadata, for tests."""

from typing import Any

from tests.support.world import Caller, World

PROPERTIES = """key valueType minimum maximum minLength maxLength pattern choices schema
  isEncrypted isIndexed isPublic isEditable category description"""
DEFINE = f"""mutation ($input: DefineMetadataInput!) {{ defineMetadata(input: $input) {{
  definition {{ {PROPERTIES} createdAt updatedAt }} brokenDocuments checkedDocuments
  examples {{ username violation }}
  userErrors {{ code message field }} }} }}"""
MODE = """mutation ($input: SetMetadataModeInput!) { setMetadataMode(input: $input) {
  platform { key mode } brokenDocuments userErrors { code message field } } }"""
REMOVE = """mutation ($input: RemoveMetadataDefinitionInput!) { removeMetadataDefinition(input: $input) {
  removed userErrors { code } } }"""
SET = """mutation ($input: SetUserMetadataInput!) { setUserMetadata(input: $input) {
  platformMetadata { metadata revision }
  entries { metadataKey metadataValue valueType value category description isEncrypted isIndexed isPublic
            isEditable }
  userErrors { code message field } } }"""
PATCH = """mutation ($input: PatchPlatformMetadataInput!) { patchPlatformMetadata(input: $input) {
  platformMetadata { metadata revision } userErrors { code message field } } }"""
REPLACE = PATCH.replace("patch", "replace").replace("Patch", "Replace")

READ = f"""query ($key: String!) {{ platform(key: $key) {{ mode definitions {{ {PROPERTIES} }} }} }}"""


def try_to_define(world: World, key: str, type_: str, caller: Caller | None = None, **rules: Any) -> Any:
    """The payload of `defineMetadata`."""
    arguments = {"platformKey": world.platform_key, "key": key, "valueType": type_} | rules
    return (caller or world.admin).ask(DEFINE, input=arguments)["defineMetadata"]


def define(world: World, key: str, type_: str, **rules: Any) -> Any:
    """Define a key of the world's platform, which must succeed."""
    payload = try_to_define(world, key, type_, **rules)
    assert payload["userErrors"] == [], payload
    return payload["definition"]


def refused(world: World, key: str, type_: str, **rules: Any) -> Any:
    """The only error of a definition that must be refused."""
    payload = try_to_define(world, key, type_, **rules)
    assert payload["definition"] is None
    (error,) = payload["userErrors"]
    return error


def set_mode(world: World, mode: str, **inputs: Any) -> Any:
    arguments = {"platformKey": world.platform_key, "mode": mode} | inputs
    return world.admin.ask(MODE, input=arguments)["setMetadataMode"]


def patch(caller: Caller, world: World, metadata: dict[str, Any], **inputs: Any) -> Any:
    arguments = {"platformKey": world.platform_key, "metadata": metadata} | inputs
    return caller.ask(PATCH, input=arguments)["patchPlatformMetadata"]


def replace(caller: Caller, world: World, metadata: dict[str, Any]) -> Any:
    arguments = {"platformKey": world.platform_key, "metadata": metadata}
    return caller.ask(REPLACE, input=arguments)["replacePlatformMetadata"]


def set_entries(caller: Caller, world: World, *entries: dict[str, Any], **inputs: Any) -> Any:
    arguments = {"platformKey": world.platform_key, "entries": list(entries)} | inputs
    return caller.ask(SET, input=arguments)["setUserMetadata"]


def metadata(caller: Caller, world: World) -> Any:
    query = "query ($key: String!) { platformMetadata(platformKey: $key) { metadata } }"
    return caller.ask(query, key=world.platform_key)["platformMetadata"]["metadata"]


def definitions(world: World) -> Any:
    """All definitions of the world's platform, as a member reads them."""
    return world.member.ask(READ, key=world.platform_key)["platform"]["definitions"]
