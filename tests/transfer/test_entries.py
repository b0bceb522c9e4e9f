"""Typed entries, definitions and encrypted values through `export` and `import`, on both databases."""

import base64
import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from gql_service.store import tables
from gql_service.store.statement import Statement
from tests.support.entries import ENTRY, set_entries
from tests.support.service import Service, serving
from tests.support.world import Caller, World
from tests.transfer.test_round_trip import (
    BORN,
    DIRECTORY,
    Line,
    Shell,
    filed,
    lite,
    other,
    person,
    shell,
    whole,
    written,
)

__all__ = ["lite", "other", "shell"]

RING = {"k1": base64.b64encode(bytes(32)).decode(), "k2": base64.b64encode(bytes(range(32))).decode()}
KEYS = {"encryption_keys": json.dumps(RING)}
YEAR = 365 * 24 * 3600 * 1000
VALUES = {
    "string": 'ü "quoted" 🎉',
    "number": "-1.5e3",
    "boolean": "true",
    "date": "2024-03-01T10:00:00+01:00",
    "json": '{"b":[1,1.0,null],"a":"x"}',
    "binary": "AAEC/w==",
}
ROUTES: dict[str, Line] = {
    "plain": {"isPublic": True, "isEditable": True},
    "locked": {"isPublic": True, "category": "c" * 100, "description": "d" * 500, "source": "ä" * 100},
    "hidden": {"isEditable": True},
    "ended": {"isPublic": True, "validUntil": "2020-01-01T00:00:00.001Z"},
    "windowed": {"validFrom": "2020-01-01T00:00:00Z", "validUntil": "2120-01-01T00:00:00Z"},
    "secret": {"isEncrypted": True, "isPublic": True},
}
ENTRIES = [
    {
        "metadataKey": f"{name}.{type_}{'.indexed' if indexed else ''}",
        "metadataValue": value,
        "valueType": type_,
        "isIndexed": indexed,
    }
    | route
    for name, route in ROUTES.items()
    for type_, value in VALUES.items()
    for indexed in (False, True)
]


def seen(viewer: Caller, world_key: str | None, username: str) -> Any:
    """All entries of a document as an admin sees them, inactive ones too."""
    asked = f"""query ($key: String!, $username: String) {{
      platformMetadata(platformKey: $key, username: $username) {{ metadata revision createdAt updatedAt
        entries(first: 100, includeInactive: true) {{ totalCount nodes {{ {ENTRY} }} }} }} }}"""
    return viewer.ask(asked, key=world_key, username=username)["platformMetadata"]


def index_of(service: Service) -> Sequence[Any]:
    """What entries are found by."""

    async def read() -> Sequence[Any]:
        async with service.services.database.read() as connection:
            return await connection.fetch(Statement(select(tables.metadata_index)))

    rows = [
        [bytes(value) if isinstance(value, memoryview) else value for value in row]
        for row in service.run(read)
    ]
    return sorted(rows, key=lambda row: row[:3])


def in_service(shell: Shell) -> tuple[Sequence[Any], list[Any]]:
    """The index, and the history: what an import has to make, and what it must not."""
    with serving(shell.url) as service:

        async def history() -> Sequence[Any]:
            async with service.services.database.read() as connection:
                return await connection.fetch(Statement(select(tables.document_changes)))

        return index_of(service), list(service.run(history))


def test_typed_entries_come_through_with_their_values_and_are_found_again(
    shell: Shell, other: Shell, lite: Shell
) -> None:
    with serving(shell.url, encryption_keys=RING) as service:
        world = World(service)
        username = world.member.username
        service.clock_offset = -10 * YEAR
        for start in range(0, len(ENTRIES), 50):
            payload = set_entries(world.admin, world, *ENTRIES[start : start + 50], username=username)
            assert payload["userErrors"] == []
        service.clock_offset = 0
        change = {"metadataKey": "hidden.string", "metadataValue": "changed"}
        set_entries(world.owner, world, change, username=username)
        world.member.rest("PATCH", world.platform_key, {"metadata": {"through the object": [None]}})
        before = seen(world.admin, world.platform_key, username)
        index = index_of(service)
    assert before["entries"]["totalCount"] == len(ENTRIES) + 1
    assert len(index) == len(ENTRIES) // 2
    text = shell.everything()
    for target in (other, lite):
        told = target.told("import", "-", input=text.encode(), **KEYS)
        count = text.count("\n")
        assert told == f"Read {count} lines: {count} written, 0 already stored.\n"
        assert target.everything() == text
        told = target.told("import", "-", input=text.encode(), **KEYS)
        assert told == f"Read {count} lines: 0 written, {count} already stored.\n"
        assert in_service(target) == (index, [])
        token = target.told("token", "issue", world.admin.username).strip()
        with serving(target.url, encryption_keys=RING) as service:
            admin = Caller(service, world.admin.user, token)
            assert seen(admin, world.platform_key, username) == before


def sealed(id: str, size: int = 40) -> str:
    """What looks like a ciphertext."""
    return f"{id}:{base64.b64encode(bytes(size)).decode()}"


def secret_of(id: str, **more: Any) -> Line:
    return {"createdAt": BORN, "type": "string", "ciphertext": sealed(id)} | more


def test_keys_that_are_missing_are_told_once_at_the_end(shell: Shell) -> None:
    lines = [*DIRECTORY, whole(person("u"))]
    lines.append(filed("u", None, {}, attributes={"a": secret_of("k9"), "b": secret_of("k8")}))
    lines.append(filed("u", "shop", {}, attributes={"a": secret_of("k1"), "b": secret_of("k9")}))
    message = (
        "Some values are encrypted with keys that are not configured: k8, k9. "
        "Add them to GQL_SERVICE_ENCRYPTION_KEYS to read these values.\n"
    )
    for _ in range(2):
        done = shell.run("import", "-", input=written(lines).encode(), **KEYS)
        assert (done.exit_code, done.stderr) == (0, message)
        assert shell.everything() == written(lines)


def test_an_indexed_secret_needs_its_key_at_once(shell: Shell, other: Shell) -> None:
    with serving(shell.url, encryption_keys=RING) as service:
        world = World(service)
        entry = {"metadataKey": "s", "metadataValue": "v", "isEncrypted": True, "isIndexed": True}
        set_entries(world.admin, world, entry, username=world.member.username)
    lines = shell.everything().splitlines()
    number = next(index for index, line in enumerate(lines, 1) if '"ciphertext"' in line)
    source = "".join(f"{line}\n" for line in lines).encode()
    with serving(shell.url) as service:
        index = index_of(service)
    told = other.refused("import", "-", input=source)
    assert told.startswith(
        f"Line {number}: 's' is indexed or has a definition, so its value must be decrypted, but it is "
        "encrypted with the key 'k2', which is not configured. Check the keys in GQL_SERVICE_ENCRYPTION_KEYS."
    )
    assert other.everything().count("\n") == number - 1
    moved = source.replace(b'"s":{', b'"t":{')
    told = other.refused("import", "-", input=moved, **KEYS)
    assert "'t' is indexed or has a definition" in told
    assert "its ciphertext was changed, or belongs elsewhere" in told
    other.told("import", "-", input=source, **KEYS)
    assert in_service(other) == (index, [])


def test_what_is_there_with_other_attributes_is_not_overwritten(shell: Shell) -> None:
    attributes = {
        "a": {"createdAt": BORN, "isEditable": False},
        "b": {"createdAt": BORN, "isPublic": False, "value": 1},
    }
    before = [*DIRECTORY, whole(person("u")), filed("u", "blog", {"a": 1}, attributes=attributes)]
    text = written(before)
    shell.load(*before)

    def refused(line: Line) -> str:
        told = shell.refused("import", "-", input=written([line]).encode())
        assert shell.everything() == text
        return told.partition(" Remove ")[0]

    other = {"a": {"createdAt": BORN}, "b": attributes["b"]}
    message = "Line 1: This record is already stored with a different `attributes`."
    assert refused(before[-1] | {"attributes": other}) == (message)
    assert refused(before[-1] | {"attributes": {}}) == message


def test_what_an_entry_leaves_out_is_what_the_object_gives(shell: Shell) -> None:
    said: Line = {
        "a": {"type": "number", "isPublic": True, "isEditable": True, "isIndexed": False},
        "b": {"value": "2024-03-01", "type": "date", "isPublic": False, "updatedAt": BORN + 1},
        "c": {"ciphertext": sealed("k1"), "type": "json", "createdAt": 0, "createdBy": None},
        "d": {"createdBy": "u", "updatedAt": BORN, "updatedBy": "u"},
        "e": {"createdBy": "u", "updatedAt": BORN},
    }
    kept: Line = {
        "a": {"createdAt": BORN},
        "b": {"createdAt": BORN, "type": "date", "isPublic": False, "value": "2024-03-01",
              "updatedAt": BORN + 1, "updatedBy": None},
        "c": {"createdAt": 0, "type": "json", "ciphertext": sealed("k1")},
        "d": {"createdAt": BORN, "createdBy": "u"},
        "e": {"createdAt": BORN, "createdBy": "u", "updatedAt": BORN, "updatedBy": None},
    }  # fmt: skip
    before = [*DIRECTORY, whole(person("u"))]
    line = filed("u", "shop", {"a": 1, "d": "x", "e": None, "f": True}, attributes=said)
    shell.told("import", "-", input=written([*before, line]).encode(), **KEYS)
    assert shell.everything() == written([*before, line | {"attributes": kept}])
    told = shell.told("import", "-", input=written([*before, line]).encode(), **KEYS)
    assert told.endswith("0 written, 7 already stored.\n")
