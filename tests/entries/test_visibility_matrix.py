"""Every kind of viewer reads and writes every kind of entry on every route, compared with reviewed tables."""

import re
from base64 import b64encode
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import pytest

from tests.support.entries import set_entries, stored
from tests.support.entry_tables import READS, WRITES, rows
from tests.support.service import serving
from tests.support.world import Caller, World

NOW = 2_000_000_000_000  # 2033-05-18T03:33:20Z
CREATED = NOW - 30 * 86_400_000
WINDOWS: dict[str, dict[str, str]] = {
    "ever": {},
    "now": {"validFrom": "2033-05-01T00:00:00Z", "validUntil": "2033-06-01T00:00:00Z"},
    "soon": {"validFrom": "2033-07-01T00:00:00Z"},
    "over": {"validFrom": "2033-04-01T00:00:00Z", "validUntil": "2033-05-10T00:00:00Z"},
}
EARLIER, LATER = "2033-05-05T00:00:00Z", "2033-08-01T00:00:00Z"
ENTRIES = {
    f"{seen}.{changed}.{time}.{storage}": {
        "metadataValue": f"{seen}.{changed}.{time}.{storage}",
        "isPublic": seen == "public",
        "isEditable": changed == "editable",
        "isEncrypted": storage == "secret",
        **WINDOWS[time],
    }
    for seen, changed, time, storage in product(
        ("public", "hidden"), ("editable", "locked"), WINDOWS, ("plain", "secret")
    )
}
LETTERS = {"FORBIDDEN": "F", "NOT_FOUND": "N", "KEY_NOT_EDITABLE": "E", "INVALID_VALUE": "V"}
STATUS = {400: "E", 403: "F", 404: "N"}
ReadResult = dict[str, Any] | str
"""The values by key, or the letter of an error."""


@pytest.fixture(scope="module")
def vault(database_url: str) -> Iterator[World]:
    """A world whose service can encrypt."""
    keys = {"k1": b64encode(b"1" * 32).decode()}
    with serving(database_url, encryption_keys=keys, sweep_interval=3600) as service:
        yield World(service)


def fill(vault: World, platform_key: str, *keys: str) -> None:
    """Create these entries of the member, by default all."""
    entries = [{"metadataKey": key, **ENTRIES[key]} for key in keys or ENTRIES]
    with vault.service.at(CREATED):
        payload = set_entries(
            vault.owner, vault, *entries, username=vault.member.username, platformKey=platform_key
        )
    assert payload["userErrors"] == []


@pytest.fixture(scope="module")
def stage(vault: World) -> World:
    """A world where the document of the member on its platform has all entries."""
    fill(vault, vault.platform_key)
    return vault


ENTRY = "metadataKey metadataValue value isEditable viewerCan { edit delete }"
SUMMARY = "metadataKey value valueType description digest"
BY_PLATFORM = "platformMetadata(platformKey: $key, username: $name)"
STALE = """mutation ($key: String, $name: String, $entries: [UserMetadataInput!]!) { setUserMetadata(input: {
  platformKey: $key, username: $name, entries: $entries, expectedRevision: 99}) { userErrors {
  ... on RevisionConflict { entries { %s } } } } }"""


VARIABLES = {
    "key": "String!",
    "name": "String!",
    "id": "ID!",
    "ids": "[ID!]!",
    "keys": "[String!]",
    "at": "DateTime",
}


def gid(type_name: str, *parts: str) -> str:
    return b64encode(f"{type_name}:{':'.join(parts)}".encode()).decode()


def run_query(caller: Caller, world: World, fields: str, **variables: Any) -> Any:
    """The result of a query with the root field `it`, or the letter of its error."""
    all_variables = {"key": world.platform_key, "name": world.member.username} | variables
    used = set(re.findall(r"\$(\w+)", fields))
    heads = ", ".join(f"${name}: {type_}" for name, type_ in VARIABLES.items() if name in used)
    body = caller.graphql(f"query ({heads}) {{ it: {fields} }}", **all_variables)
    if "errors" in body:
        (error,) = body["errors"]
        return LETTERS[error["extensions"]["code"]]
    return body["data"]["it"]


def values_by_key(entries: list[Any], viewer: str) -> dict[str, Any]:
    """The values of entries by key, after checking `viewerCan`."""
    for entry in entries:
        can_write = entry["isEditable"] or viewer != "self"
        assert entry["viewerCan"] == {"edit": can_write, "delete": can_write}, entry
        assert entry["value"] == entry["metadataValue"]
    return {entry["metadataKey"]: entry["value"] for entry in entries}


def read(caller: Caller, world: World, route: str, viewer: str) -> ReadResult:
    """Read all entries on a route."""
    user, key = world.member, world.platform_key
    of_entry = [gid("UserMetadata", user.id, key, name) for name in ENTRIES]
    match route:
        case "object-by-rest":
            response = caller.rest("GET", key, username=user.username)
            return dict(response.json()["metadata"]) if response.is_success else STATUS[response.status_code]
        case "entry" | "node":
            found = []
            for name, id in zip(ENTRIES, of_entry, strict=True):
                if route == "node":
                    it = run_query(
                        caller, world, f"node(id: $id) {{ ... on UserMetadata {{ {ENTRY} }} }}", id=id
                    )
                else:
                    fields = f'{BY_PLATFORM} {{ entry(key: "{name}") {{ {ENTRY} }} }}'
                    it = run_query(caller, world, fields)
                    if isinstance(it, str):
                        return it
                    it = it["entry"]
                found += [it] if it else []
            return values_by_key(found, viewer)
        case "nodes":
            nodes = f"nodes(ids: $ids) {{ ... on UserMetadata {{ {ENTRY} }} }}"
            return values_by_key([it for it in run_query(caller, world, nodes, ids=of_entry) if it], viewer)
        case "conflict":
            entries = [{"metadataKey": name, "metadataValue": ""} for name in ENTRIES]
            body = caller.graphql(STALE % ENTRY, key=key, name=user.username, entries=entries)
            if "errors" in body:
                return LETTERS[body["errors"][0]["extensions"]["code"]]
            return values_by_key(body["data"]["setUserMetadata"]["userErrors"][0]["entries"], viewer)
        case "entries" | "inactive-too":
            more = ", includeInactive: true" if route == "inactive-too" else ""
            page = f"entries(first: 100{more}) {{ totalCount nodes {{ {ENTRY} }} }}"
            it = run_query(caller, world, f"{BY_PLATFORM} {{ {page} }}")
            if isinstance(it, str):
                return it
            nodes = it["entries"]["nodes"]
            assert it["entries"]["totalCount"] == len(nodes)
            if route == "entries":
                summaries = f"entries(first: 100) {{ nodes {{ {SUMMARY} viewerCan {{ edit }} }} }}"
                it = run_query(
                    caller, world, f"{BY_PLATFORM} {{ {summaries} entrySummaries {{ {SUMMARY} canChange }} }}"
                )
                for each in it["entries"]["nodes"]:
                    each["canChange"] = each.pop("viewerCan")["edit"]
                assert it["entrySummaries"] == it["entries"]["nodes"]
            return values_by_key(nodes, viewer)
    at = {"as-of-earlier": EARLIER, "as-of-later": LATER}.get(route)
    it = run_query(
        caller, world, OBJECTS[route], id=gid("PlatformMetadata", user.id, key), keys=list(ENTRIES), at=at
    )
    if isinstance(it, str):
        return it
    it = it[0] if isinstance(it, list) else it
    it = it["platformMetadata"] if it and route == "object-of-user" else it
    return dict(it["metadata"]) if it else {}


OBJECTS = {
    "object": f"{BY_PLATFORM} {{ metadata }}",
    "object-of-user": "user(by: {username: $name}) { platformMetadata(platformKey: $key) { metadata } }",
    "object-by-node": "node(id: $id) { ... on PlatformMetadata { metadata } }",
    "object-by-entity": """_entities(representations: [{__typename: "PlatformMetadata", id: $id}]) {
      ... on PlatformMetadata { metadata } }""",
    "keys": f"{BY_PLATFORM} {{ metadata(keys: $keys) }}",
    "as-of-earlier": f"{BY_PLATFORM} {{ metadata(asOf: $at) }}",
    "as-of-later": f"{BY_PLATFORM} {{ metadata(asOf: $at) }}",
}


def cells(outcomes: dict[str, str], *parts: int) -> str:
    """One letter for each combination of the parts of the entries' names; several if the outcomes differ."""
    found: dict[tuple[str, ...], set[str]] = {}
    for key, outcome in outcomes.items():
        found.setdefault(tuple(key.split(".")[part] for part in parts), set()).add(outcome)
    return "".join(each.pop() if len(each) == 1 else f"({'|'.join(sorted(each))})" for each in found.values())


READING, WRITING = rows(READS, 8), rows(WRITES, 16)


@pytest.mark.parametrize(("route", "viewer"), READING, ids=lambda value: str(value))
def test_each_viewer_reads_what_the_table_says(stage: World, route: str, viewer: str) -> None:
    caller = stage.member if viewer == "self" else getattr(stage, viewer)
    with stage.service.at(NOW):
        seen = read(caller, stage, route, viewer)
    if isinstance(seen, str):
        outcomes = dict.fromkeys(ENTRIES, seen)
    else:
        assert seen == {key: key for key in seen}, "the value is the one that was set"
        outcomes = {key: "v" if key in seen else "-" for key in ENTRIES}
    assert cells(outcomes, 0, 2) == READING[route, viewer]


Write = Callable[[Caller, str, str], str | None]
"""Writes a key of the member's document on a platform; returns the letter of an error."""


def mutate(caller: Caller, name: str, **input: Any) -> str | None:
    type_name = f"{name[0].upper()}{name[1:]}Input"
    body = caller.graphql(
        f"mutation ($i: {type_name}!) {{ it: {name}(input: $i) {{ userErrors {{ code }} }} }}", i=input
    )
    errors = body.get("errors") and [error["extensions"] for error in body["errors"]]
    errors = errors or body["data"]["it"]["userErrors"]
    return LETTERS[errors[0]["code"]] if errors else None


def write_key(world: World, route: str, caller: Caller, platform: str, key: str) -> str | None:
    """Write a key, or the whole document, on a route; returns the letter of an error."""
    name = world.member.username
    document = {"platformKey": platform, "username": name}
    operation, _, variant = route.partition("-")
    new = {key: key if variant == "same" else "new"} if variant != "all" else {}
    match operation, variant:
        case "patch", "drop":
            return mutate(caller, "patchPlatformMetadata", **document, deleteKeys=[key])
        case "patch", _:
            return mutate(caller, "patchPlatformMetadata", **document, metadata=new)
        case "replace", _:
            return mutate(caller, "replacePlatformMetadata", **document, metadata=new)
        case "clear", _:
            return mutate(caller, "clearPlatformMetadata", **document)
        case "set", "drop":
            return mutate(caller, "setUserMetadata", **document, deleteKeys=[key])
        case "set", _:
            attributes: dict[str, Any] = {"attr": {"category": "c"}, "public": {"isPublic": True}}
            entry = attributes.get(variant, {"metadataValue": new.get(key)})
            return mutate(caller, "setUserMetadata", **document, entries=[{"metadataKey": key, **entry}])
    method = {"drop": "PATCH"}.get(variant, variant.upper())
    body = {"delete_keys": [key]} if variant == "drop" else {"metadata": new}
    response = caller.rest(method, platform, None if variant == "delete" else body, username=name)
    return None if response.is_success else STATUS[response.status_code]


def outcome(before: Any, after: Any) -> str:
    """The letter for the change of an entry."""
    if after is None:
        return "d"
    if after == before:
        return "="
    if after["createdAt"] != before["createdAt"]:
        return "b"
    window = [(entry["validFrom"], entry["validUntil"]) for entry in (before, after)]
    return "s" if window[0] == window[1] else "w"


def entries_by_key(world: World, platform: str) -> dict[str, Any]:
    return {entry["metadataKey"]: entry for entry in stored(world, world.member, platform)["entries"]}


@pytest.mark.parametrize(("route", "viewer"), WRITING, ids=lambda value: str(value))
def test_each_write_does_what_the_table_says(vault: World, route: str, viewer: str) -> None:
    caller = vault.member if viewer == "self" else getattr(vault, viewer)
    whole_document, one_by_one = (
        route in ("replace-all", "clear", "rest-delete"),
        route in ("replace", "rest-put"),
    )
    outcomes: dict[str, str] = {}
    for keys in [[key] for key in ENTRIES] if one_by_one else [list(ENTRIES)]:
        platform = vault.new_platform()
        fill(vault, platform, *keys)
        before = entries_by_key(vault, platform)
        with vault.service.at(NOW + 1000):
            refusals = {
                key: write_key(vault, route, caller, platform, key)
                for key in keys[: 1 if whole_document else None]
            }
        after = entries_by_key(vault, platform)
        for key in keys:
            refusal = refusals[keys[0] if whole_document else key]
            assert not refusal or after[key] == before[key], "a refused write changes nothing"
            outcomes[key] = refusal or outcome(before[key], after.get(key))
    assert cells(outcomes, 0, 1, 2) == WRITING[route, viewer]


@pytest.mark.parametrize("route", sorted({route for route, _ in WRITING}))
def test_other_users_cannot_write(stage: World, route: str) -> None:
    before = stored(stage, stage.member)
    for viewer, letter in (("colleague", "F"), ("stranger", "N"), ("foreign_admin", "N")):
        for key in (next(iter(ENTRIES)), "no such key"):
            assert write_key(stage, route, getattr(stage, viewer), stage.platform_key, key) == letter
    assert stored(stage, stage.member) == before
