"""Queries for the history of a document, and for its content at an instant."""

from typing import Any

from tests.support.world import Caller, World

_SIDE = """{ value valueType category description source isEncrypted isIndexed isPublic isEditable
  validFrom validUntil }"""
CHANGE = f"""revision changedAt source actor {{ username }} changedKeys deletedKeys
  changes {{ key old {_SIDE} new {_SIDE} }}"""
HISTORY = f"""query ($key: String!, $name: String, $first: Int, $after: String, $last: Int,
  $before: String) {{
  platformMetadata(platformKey: $key, username: $name) {{
    history(first: $first, after: $after, last: $last, before: $before) {{
      edges {{ cursor node {{ revision }} }} nodes {{ {CHANGE} }}
      pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} }} }} }}"""
AS_OF = """query ($key: String!, $name: String, $at: DateTime, $keys: [String!]) {
  platformMetadata(platformKey: $key, username: $name) { metadata(asOf: $at, keys: $keys) } }"""


def history(world: World, viewer: Caller, user: Caller | None = None, **page: Any) -> Any:
    """A page of the history of a user's document, by default the viewer's own."""
    name = None if user is None else user.username
    page = page or {"first": 100}
    return viewer.ask(HISTORY, key=world.platform_key, name=name, **page)["platformMetadata"]["history"]


def changes(world: World, viewer: Caller, user: Caller | None = None) -> list[Any]:
    """All changes, the newest first."""
    nodes: list[Any] = history(world, viewer, user)["nodes"]
    return nodes


def values(change: Any) -> dict[str, Any]:
    """The old and new value of each key of a change; "-" where there is no entry, "*" where it is unknown."""

    def value(side: Any) -> Any:
        return "-" if side is None else "*" if side["isEncrypted"] else side["value"]

    return {each["key"]: (value(each["old"]), value(each["new"])) for each in change["changes"]}


def as_of(world: World, viewer: Caller, at: str, user: Caller | None = None, keys: Any = None) -> Any:
    """The metadata at an instant, as the viewer sees it."""
    name = None if user is None else user.username
    data = viewer.ask(AS_OF, key=world.platform_key, name=name, at=at, keys=keys)
    return data["platformMetadata"]["metadata"]
