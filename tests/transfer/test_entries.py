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
    CREATED_AT,
    DIRECTORY,
    Line,
    Shell,
    completed,
    document_line,
    jsonl,
    other,
    shell,
    sqlite_shell,
    user_line,
)

__all__ = ["sqlite_shell", "other", "shell"]

RING = {"k1": base64.b64encode(bytes(32)).decode(), "k2": base64.b64encode(bytes(range(32))).decode()}
KEYS = {"encryption_keys": json.dumps(RING)}
YEAR = 365 * 24 * 3600 * 1000
VALUES = {
    "string": 'ü "quoted" 🎉',
    "number": "-1.5e3",
    "boolean": "true",
    "date": "2024-03-01T10:00:00+01:00",
    "json": '{"b":[1,1.5,null],"a":"x"}',
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
    query = f"""query ($key: String!, $username: String) {{
      platformMetadata(platformKey: $key, username: $username) {{ metadata revision createdAt updatedAt
        entries(first: 100, includeInactive: true) {{ totalCount nodes {{ {ENTRY} }} }} }} }}"""
    return viewer.ask(query, key=world_key, username=username)["platformMetadata"]


def index_of(service: Service) -> Sequence[Any]:
    """The rows of the index for searches."""

    async def read() -> Sequence[Any]:
        async with service.services.database.read() as connection:
            return await connection.fetch(Statement(select(tables.metadata_index)))

    rows = [
        [bytes(value) if isinstance(value, memoryview) else value for value in row]
        for row in service.run(read)
    ]
    return sorted(rows, key=lambda row: row[:3])


def in_service(shell: Shell) -> tuple[Sequence[Any], list[Any]]:
    """The index, which an import creates, and the history, which it does not."""
    with serving(shell.url) as service:

        async def history() -> Sequence[Any]:
            async with service.services.database.read() as connection:
                return await connection.fetch(Statement(select(tables.document_changes)))

        return index_of(service), list(service.run(history))


def test_typed_entries_keep_their_values_and_can_be_searched(
    shell: Shell, other: Shell, sqlite_shell: Shell
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
    text = shell.exported()
    for target in (other, sqlite_shell):
        output = target.output("import", "-", input=text.encode(), **KEYS)
        count = text.count("\n")
        assert output == f"Read {count} lines: {count} written, 0 already stored.\n"
        assert target.exported() == text
        output = target.output("import", "-", input=text.encode(), **KEYS)
        assert output == f"Read {count} lines: 0 written, {count} already stored.\n"
        assert in_service(target) == (index, [])
        token = target.output("token", "issue", world.admin.username).strip()
        with serving(target.url, encryption_keys=RING) as service:
            admin = Caller(service, world.admin.user, token)
            assert seen(admin, world.platform_key, username) == before


def sealed(id: str, size: int = 40) -> str:
    """A text in the format of a ciphertext."""
    return f"{id}:{base64.b64encode(bytes(size)).decode()}"


def secret_of(id: str, **more: Any) -> Line:
    return {"createdAt": CREATED_AT, "type": "string", "ciphertext": sealed(id)} | more


def test_missing_encryption_keys_are_reported_once_at_the_end(shell: Shell) -> None:
    lines = [*DIRECTORY, completed(user_line("u"))]
    lines.append(document_line("u", None, {}, attributes={"a": secret_of("k9"), "b": secret_of("k8")}))
    lines.append(document_line("u", "shop", {}, attributes={"a": secret_of("k1"), "b": secret_of("k9")}))
    message = (
        "Some values are encrypted with keys that are not configured: k8, k9. "
        "Add them to GQL_SERVICE_ENCRYPTION_KEYS to read these values.\n"
    )
    for _ in range(2):
        done = shell.run("import", "-", input=jsonl(lines).encode(), **KEYS)
        assert (done.exit_code, done.stderr) == (0, message)
        assert shell.exported() == jsonl(lines)


def test_an_indexed_secret_needs_its_encryption_key(shell: Shell, other: Shell) -> None:
    with serving(shell.url, encryption_keys=RING) as service:
        world = World(service)
        entry = {"metadataKey": "s", "metadataValue": "v", "isEncrypted": True, "isIndexed": True}
        set_entries(world.admin, world, entry, username=world.member.username)
    lines = shell.exported().splitlines()
    number = next(index for index, line in enumerate(lines, 1) if '"ciphertext"' in line)
    source = "".join(f"{line}\n" for line in lines).encode()
    with serving(shell.url) as service:
        index = index_of(service)
    output = other.error("import", "-", input=source)
    assert output.startswith(
        f"Line {number}: 's' is indexed or has a definition, so its value must be decrypted, but it is "
        "encrypted with the key 'k2', which is not configured. Check the keys in GQL_SERVICE_ENCRYPTION_KEYS."
    )
    assert other.exported().count("\n") == number - 1
    moved = source.replace(b'"s":{', b'"t":{')
    output = other.error("import", "-", input=moved, **KEYS)
    assert "'t' is indexed or has a definition" in output
    assert "its ciphertext was altered, or belongs to another document or key" in output
    other.output("import", "-", input=source, **KEYS)
    assert in_service(other) == (index, [])


def test_stored_attributes_are_not_overwritten(shell: Shell) -> None:
    attributes = {
        "a": {"createdAt": CREATED_AT, "isEditable": False},
        "b": {"createdAt": CREATED_AT, "isPublic": False, "value": 1},
    }
    before = [
        *DIRECTORY,
        completed(user_line("u")),
        document_line("u", "blog", {"a": 1}, attributes=attributes),
    ]
    text = jsonl(before)
    shell.load(*before)

    def error_for(line: Line) -> str:
        output = shell.error("import", "-", input=jsonl([line]).encode())
        assert shell.exported() == text
        return output.partition(" Remove ")[0]

    other = {"a": {"createdAt": CREATED_AT}, "b": attributes["b"]}
    message = "Line 1: This record is already stored with a different `attributes`."
    assert error_for(before[-1] | {"attributes": other}) == message
    assert error_for(before[-1] | {"attributes": {}}) == message


def test_omitted_attributes_have_defaults(shell: Shell) -> None:
    attributes: Line = {
        "a": {"type": "number", "isPublic": True, "isEditable": True, "isIndexed": False},
        "b": {"value": "2024-03-01", "type": "date", "isPublic": False, "updatedAt": CREATED_AT + 1},
        "c": {"ciphertext": sealed("k1"), "type": "json", "createdAt": 0, "createdBy": None},
        "d": {"createdBy": "u", "updatedAt": CREATED_AT, "updatedBy": "u"},
        "e": {"createdBy": "u", "updatedAt": CREATED_AT},
    }
    kept: Line = {
        "a": {"createdAt": CREATED_AT},
        "b": {"createdAt": CREATED_AT, "type": "date", "isPublic": False, "value": "2024-03-01",
              "updatedAt": CREATED_AT + 1, "updatedBy": None},
        "c": {"createdAt": 0, "type": "json", "ciphertext": sealed("k1")},
        "d": {"createdAt": CREATED_AT, "createdBy": "u"},
        "e": {"createdAt": CREATED_AT, "createdBy": "u", "updatedAt": CREATED_AT, "updatedBy": None},
    }  # fmt: skip
    before = [*DIRECTORY, completed(user_line("u"))]
    line = document_line("u", "shop", {"a": 1, "d": "x", "e": None, "f": True}, attributes=attributes)
    shell.output("import", "-", input=jsonl([*before, line]).encode(), **KEYS)
    assert shell.exported() == jsonl([*before, line | {"attributes": kept}])
    output = shell.output("import", "-", input=jsonl([*before, line]).encode(), **KEYS)
    assert output.endswith("0 written, 7 already stored.\n")
