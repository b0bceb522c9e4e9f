"""What a patch stores, as gql_service does: the document with its attributes, a row of the history, and an
event."""

import time
from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson

from gql_service.strict_json import dumps

Content = dict[str, Any]


class Change(NamedTuple):
    """The columns to store, by name. All JSON is canonical text."""

    user_id: str
    platform_id: str
    tenant_id: str
    actor_id: str
    now: int
    revision: int
    metadata: str
    attributes: str
    changes: str
    keys: str


def change(
    row: Mapping[str, Any] | None, platform: Mapping[str, Any], user_id: str, actor_id: str, patch: Content
) -> Change | None:
    """The change that a patch makes to a locked document, which may be missing; None if it makes none."""
    values = orjson.loads(row["metadata"]) if row else {}
    attributes = orjson.loads(row["attributes"]) if row else {}
    now = instant()
    changes = merge(values, attributes, patch, actor_id, now)
    if not changes:
        return None
    return Change(
        user_id,
        platform["id"],
        platform["tenant_id"],
        actor_id,
        now,
        row["revision"] + 1 if row else 1,
        dumps(values),
        dumps(attributes),
        dumps(changes),
        dumps(sorted(changes)),
    )


def merge(values: Content, attributes: Content, patch: Content, actor_id: str, now: int) -> Content:
    """Set values and the attributes of their keys, in place; returns what has changed, by key."""
    changes: Content = {}
    for key, value in patch.items():
        before = attributes.get(key, {})
        if key not in values:
            after = {"createdAt": now, "createdBy": actor_id}
            changes[key] = {"new": after | {"value": value}}
        elif dumps(values[key]) == dumps(value):
            continue
        else:
            after = before | {"updatedAt": now, "updatedBy": actor_id}
            changes[key] = {"old": before | {"value": values[key]}, "new": after | {"value": value}}
        values[key], attributes[key] = value, after
    return changes


def instant() -> int:
    """Now, in milliseconds."""
    return int(time.time() * 1000)
