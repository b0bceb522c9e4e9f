"""The flags of the lower bound: own entries that an admin has set, then variants, then defaults."""

from functools import lru_cache
from typing import Any

import orjson

from bench.peers.floor_operations import Connection, Refused, Row, require_member
from gql_service.auth.principal import Principal
from gql_service.domain.definitions.buckets import bucket_of


async def evaluate_flags(connection: Connection, caller: Principal, platform_key: str, target: str) -> Row:
    """All flags of the caller. Raises Refused."""
    platform = require_member(caller, await connection.platform(platform_key))
    if target not in (caller.user_id, caller.username):
        raise Refused("Only tenant admins may do this.")
    document = await connection.entries(caller.user_id, platform["id"])
    values = {} if document is None else orjson.loads(document["metadata"])
    attributes = {} if document is None else orjson.loads(document["attributes"])
    flags = []
    for row in await connection.definitions(platform["id"]):
        key, assignment = row["key"], _parse(row["assignment"])
        if _parse(row["defaults"]).get("category") != "feature_flags":
            continue
        value, reason, variant = assignment.get("default"), "STATIC", "default"
        if not assignment.get("enabled", True):
            reason = "DISABLED"
        elif key in values and attributes.get(key, {}).get("isEditable") is False:
            value, reason, variant = values[key], "TARGETING_MATCH", "override"
        elif (found := _variant(assignment, platform["id"], key, caller.user_id)) is not None:
            value, reason, variant = found["value"], "SPLIT", found["name"]
        flags.append({"key": key, "reason": reason, "variant": variant, "value": value})
    return {"flags": flags}


@lru_cache(1000)
def _parse(text: str) -> Any:
    return orjson.loads(text)


def _variant(assignment: Row, platform_id: str, key: str, user_id: str) -> Row | None:
    variants: list[Row] = assignment.get("variants", [])
    if not variants:
        return None
    bucket = bucket_of(platform_id, key, assignment.get("salt", ""), user_id)
    for each in variants:
        if any(start <= bucket < end for start, end in each["ranges"]):
            return each
    return None
