"""Setting typed entries through the API, and reading everything that is stored of a document."""

from typing import Any

from tests.support.world import Caller, World

ENTRY = """userId metadataKey metadataValue valueType category description source isEncrypted isIndexed
  isPublic isEditable validFrom validUntil createdAt updatedAt createdBy { username } updatedBy { username }
  value digest viewerCan { edit delete }"""
SET = f"""mutation ($input: SetUserMetadataInput!) {{ setUserMetadata(input: $input) {{
  platformMetadata {{ metadata revision }} entries {{ {ENTRY} }} deletedKeys replayed
  userErrors {{ code message field
    ... on RevisionConflict {{ currentRevision entries {{ metadataKey }} }} }} }} }}"""
STORED = f"""query ($key: String!, $name: String) {{ platformMetadata(platformKey: $key, username: $name) {{
  metadata revision createdAt updatedAt
  entries(first: 100, includeInactive: true) {{ nodes {{ {ENTRY} }} }} }} }}"""


def set_entries(caller: Caller, world: World, *entries: dict[str, Any], **input: Any) -> Any:
    """The payload of `setUserMetadata`; without a username, of the caller's own document."""
    arguments = {"platformKey": world.platform_key, "entries": list(entries)} | input
    return caller.ask(SET, input=arguments)["setUserMetadata"]


def stored(world: World, user: Caller, platform_key: str | None = None) -> Any:
    """A document as a platform owner sees it, including entries that are not currently valid."""
    key = platform_key or world.platform_key
    found = world.owner.ask(STORED, key=key, name=user.username)["platformMetadata"]
    found["entries"] = found["entries"]["nodes"]
    return found
