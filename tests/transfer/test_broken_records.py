"""Import of invalid lines: the message names the line, it is not written, and the import can go on."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.transfer.test_round_trip import (
    ANN,
    CREATED_AT,
    DIRECTORY,
    NEWS,
    Line,
    Shell,
    completed,
    document_line,
    jsonl,
    user_line,
)
from tests.transfer.test_round_trip import IDENTITY as IDENTITY_OF_ANN

OMITTED = object()
"""The value of a field that `changed` removes."""
NOTE: Line = NEWS | {"userId": "u1", "id": "n1", "createdAt": CREATED_AT}
TENANT: Line = {"type": "tenant", "id": "new", "name": "New", "createdAt": CREATED_AT}
PLATFORM: Line = DIRECTORY[-1] | {"id": "p-3", "key": "new", "name": "New"}
USER = completed(user_line("u2"))
DOCUMENT = document_line("u1", "blog", {})
IDENTITY: Line = IDENTITY_OF_ANN | {"userId": "u1", "subject": "z", "linkedAt": CREATED_AT}
BEFORE: list[Line] = [
    *DIRECTORY,
    completed(user_line("u1")),
    IDENTITY | {"subject": "taken", "linkedAt": 1},
    document_line("u1", "shop", {"a": 1}),
]
AFTER: list[Line] = [completed(user_line("u3")), document_line("u3", "shop", {"b": 2})]
LINE = len(BEFORE) + 1


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated database to copy: migrating takes longer than the tests."""
    path = tmp_path_factory.mktemp("transfer") / "data.sqlite3"
    Shell(f"sqlite+aiosqlite:///{path}").output("migrate")
    return path


@pytest.fixture
def sqlite_shell(migrated: Path, tmp_path: Path) -> Shell:
    """An empty database of SQLite."""
    return Shell(f"sqlite+aiosqlite:///{shutil.copy(migrated, tmp_path / 'lite.sqlite3')}")


@pytest.fixture
def shell(fresh_database_url: str) -> Shell:
    """An empty database of either kind."""
    shell = Shell(fresh_database_url)
    shell.output("migrate")
    return shell


def changed(line: Line, **fields: Any) -> str:
    """A line with other fields, as text."""
    return json.dumps({name: value for name, value in (line | fields).items() if value is not OMITTED})


def check_rejected(shell: Shell, broken: str | bytes, message: str, fixed: Line) -> None:
    """Import an invalid line between valid ones: those before it are stored; once it is fixed, all are."""
    broken = broken if isinstance(broken, bytes) else broken.encode()
    before, after = jsonl(BEFORE).encode(), jsonl(AFTER).encode()
    output = shell.error("import", "-", input=before + broken + b"\n" + after)
    assert output.startswith(f"Line {LINE}: "), output
    assert message in output
    rest = f"All lines before line {LINE} are stored ({LINE - 1} written, 0 already stored)."
    assert rest in output
    assert shell.exported() == jsonl(BEFORE)
    output = shell.output("import", "-", input=before + jsonl([fixed]).encode() + after)
    assert output == f"Read {LINE + 2} lines: 3 written, {LINE - 1} already stored.\n"
    assert sorted(shell.exported().split("\n")) == sorted(jsonl([*BEFORE, fixed, *AFTER]).split("\n"))


@pytest.mark.parametrize(
    ("fixed", "fields", "message"),
    [
        (USER, {"createdAt": -1}, "`createdAt` must be milliseconds since 1970, as an integer from 0"),
        (USER, {"tenantId": "none"}, "`tenantId`: there is no tenant 'none'"),
        (USER, {"username": "u1"}, "`username`: u1 is taken by another user, perhaps in another spelling."),
        (USER, {"permissions": ["acme:read"]}, "`permissions`: 'acme:read' is not a permission"),
        (USER, {"email": 7}, "`email` must be a string."),
        (DOCUMENT, {"metadata": []}, "`metadata` must be an object."),
        (DOCUMENT, {"platformKey": "none"}, "`platformKey`: there is no platform 'none'"),
        (DOCUMENT, {"userId": "u3"}, "`userId`: there is no user 'u3'. Its line must come before this one."),
    ],
)
def test_the_lines_before_an_invalid_one_are_stored(
    shell: Shell, fixed: Line, fields: Line, message: str
) -> None:
    check_rejected(shell, changed(fixed, **fields), message, fixed)


@pytest.mark.parametrize(
    ("fixed", "fields", "message"),
    [
        (USER, {"type": OMITTED},
         "`type` must be one of tenant, platform, user, identity, notification, document, definition, "
         "tombstone."),
        (USER, {"type": "token"}, "`type` must be one of"),
        (USER, {"type": ["user"]}, "`type` must be one of"),
        (USER, {"email": OMITTED}, "The field `email` is missing."),
        (USER, {"nickname": "U"}, "Unknown field `nickname`. The fields are `id`, `tenantId`, "),
        (USER, {"id": "u/2"}, "`id` must be 1 to 64 letters"),
        (USER, {"id": "u1", "email": "u@x"},
         "This record is already stored with a different `username`, `email`. Remove "),
        (USER, {"username": "u 2"}, "`username` must be 1 to 150 letters"),
        (USER, {"email": "u2"}, "`email`: 'u2' is not an email address."),
        (USER, {"emailVerified": 1}, "`emailVerified` must be true or false."),
        (USER, {"emailVerified": None}, "`emailVerified` must be true or false."),
        (USER, {"image": "u.png"}, "`image`: An image must be a URL"),
        (USER, {"language": "xx"}, "`language`: 'xx' is not an ISO 639-1 language code"),
        (USER, {"language": 1}, "`language` must be a string, or null."),
        (USER, {"permissions": "acme::read"}, "`permissions` must be a list of strings."),
        (USER, {"permissions": ["none::read"]}, "`permissions`: there is no tenant 'none'"),
        (USER, {"permissions": ["acme::a", "acme::a"]}, "`permissions` contains a duplicate"),
        (USER, {"profileFields": {"a": 1}}, "`profileFields`: `a` must be an object with"),
        (USER, {"profileFields": {"a": None}}, "`profileFields` contains a duplicate, or a null"),
        (USER, {"badges": [{"name": "a"}]}, "`badges` must be a list of objects with `name`, a string;"),
        (USER, {"badges": [{"name": "a", "earnedAt": 1.5}]}, "`badges` must be a list of objects"),
        (USER, {"badges": [{"name": "", "earnedAt": 1}]}, "The name of a badge must have 1 to 100"),
        (USER, {"badges": [{"name": "a", "earnedAt": at} for at in (1, 2)]}, "`badges` contains a duplicate"),
        (USER, {"recentProjects": {"p": True}}, "`recentProjects`: The instant at which `p` was"),
        (USER, {"lastSeenReleaseVersion": ""}, "`lastSeenReleaseVersion`: A release version is 1 to 64"),
        (USER, {"personalAgentPermissions": {"p": []}}, "`personalAgentPermissions`: `p` must map"),
        (USER, {"optInDecisions": [{"name": "a"}]}, "`optInDecisions` must be a list of objects"),
        (USER, {"optInDecisions": [{"name": "a", "optedIn": True, "decidedAt": at} for at in (1, 2)]},
         "`optInDecisions` contains a duplicate"),
        (USER, {"revision": 0}, "`revision` must be an integer from 1 to 2147483647."),
        (USER, {"revision": 2**31}, "`revision` must be an integer"),
        (USER, {"revision": True}, "`revision` must be an integer"),
        (USER, {"createdAt": 2**53}, "`createdAt` must be milliseconds"),
        (USER, {"updatedAt": 1.5}, "`updatedAt` must be milliseconds"),
        (IDENTITY, {"userId": "none"}, "`userId`: there is no user 'none'"),
        (IDENTITY, {"subject": ""}, "`subject`: This must have 1 to 255 characters."),
        (IDENTITY, {"subject": "taken"}, "This record is already stored with a different `linkedAt`."),
        (IDENTITY, {"issuer": OMITTED}, "The field `issuer` is missing."),
        (DOCUMENT, {"metadata": {"": 1}}, "`metadata`: A key must not be empty."),
        (DOCUMENT, {"metadata": {" a": 1}}, "`metadata`: The key ' a' begins or ends with white space."),
        (DOCUMENT, {"metadata": {"a": "x" * 2**17}}, "`metadata`: The value takes 131074 bytes; 131072 are"),
        (DOCUMENT, {"metadata": {f"k{n}": n for n in range(2001)}}, "2001 keys; 2000 are allowed."),
        (DOCUMENT, {"platformKey": OMITTED}, "The field `platformKey` is missing."),
        (DOCUMENT, {"platformKey": "shop"},
         "This record is already stored with a different `metadata`. Remove the line"),
        (DOCUMENT, {"userId": "nobody"}, "`userId`: there is no user 'nobody'"),
        (DOCUMENT, {"createdAt": None}, "`createdAt` must be milliseconds"),
        (NOTE, {"userId": "nobody"}, "`userId`: there is no user 'nobody'"),
        (NOTE, {"id": ""}, "`id` must be 1 to 64 letters and digits."),
        (NOTE, {"readAt": "today"}, "`readAt` must be milliseconds since 1970"),
        (TENANT, {"name": " "}, "A tenant needs a name."),
        (TENANT, {"id": "a b"}, "'a b' is not an id"),
        (TENANT, {"id": "acme"}, "This record is already stored with a different `name`."),
        (PLATFORM, {"key": "New"}, "'New' is not a platform key."),
        (PLATFORM, {"id": "p 1"}, "'p 1' is not an id"),
        (PLATFORM, {"id": "p-1"}, "Another platform has the `id` p-1."),
        (PLATFORM, {"key": "shop"}, "This record is already stored with a different `id`, `name`."),
        (PLATFORM, {"tenantId": "none"}, "`tenantId`: there is no tenant 'none'"),
    ],
)  # fmt: skip
def test_a_line_must_obey_every_rule(sqlite_shell: Shell, fixed: Line, fields: Line, message: str) -> None:
    check_rejected(sqlite_shell, changed(fixed, **fields), message, fixed)


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ("", "The text is not valid JSON"),
        ('{"type":"user"', "The text is not valid JSON"),
        ("null", "A line must be a JSON object."),
        (b'{"type":"user","id":"\xff"}', "The text is not valid JSON"),
        ('{"type":"user","type":"user"}', 'The key "type" appears twice in one object.'),
        ('{"type":"user","id":"\\u0000"}', "Text must not contain the character U+0000."),
        ('{"type":"user","id":"\\ud800"}', "The text is not valid JSON"),
        ('{"type":"user","createdAt":9223372036854775809}', "integers beyond 64 bits must be exact"),
        ('{"type":"document","metadata":{"a":NaN}}', "The text is not valid JSON"),
        ('{"a":' * 2000 + "1" + "}" * 2000, "The text is not valid JSON"),
        ('{"a":' * 200 + "1" + "}" * 200, "nested deeper"),
        ('{"\\u001b[31m\\n":1,"type":"tenant"}', "Unknown field"),
        ('{"type":"tenant","name":"' + "x" * 23_068_672 + '"}', "The line is longer than 23068672 bytes."),
    ],
)  # fmt: skip
def test_invalid_json_is_rejected(sqlite_shell: Shell, broken: str | bytes, message: str) -> None:
    check_rejected(sqlite_shell, broken, message, USER)


@pytest.mark.parametrize("number", [1, 499, 500, 501, 1234])
def test_line_numbers_count_across_batches(shell: Shell, number: int) -> None:
    good = [DIRECTORY[2], *(completed(user_line(f"u{n:04}")) for n in range(1500))]
    lines = [*good[: number - 1], user_line("broken", "nowhere"), *good[number - 1 :]]
    output = shell.error("import", "-", input=jsonl(lines).encode())
    assert output.startswith(f"Line {number}: ")
    assert shell.exported() == jsonl(good[: number - 1])
    shell.output("import", "-", input=jsonl(good).encode())
    assert shell.exported() == jsonl(good)


def test_an_import_can_start_at_a_line(sqlite_shell: Shell) -> None:
    lines = jsonl([*BEFORE, *AFTER]).encode()
    sqlite_shell.output("import", "-", input=jsonl(BEFORE).encode())
    assert sqlite_shell.output("import", "-", "--from-line", str(LINE), input=lines) == (
        "Read 2 lines: 2 written, 0 already stored.\n"
    )
    message = sqlite_shell.error("import", "-", "--from-line", "99", input=lines)
    assert message == f"There is no line 99: the number of lines is {len(BEFORE) + len(AFTER)}."
    broken = lines + b"{}\n"
    assert sqlite_shell.error("import", "-", "--from-line", str(LINE), input=broken).startswith(
        f"Line {LINE + 2}: "
    )


def test_changed_records_are_not_overwritten(shell: Shell) -> None:
    lines = [DIRECTORY[1], DIRECTORY[2], DIRECTORY[0], ANN]
    shell.load(*lines)
    shell.output("user", "update", ANN["username"], "--language", "fr")
    before = shell.exported()
    output = shell.error("import", "-", input=jsonl(lines).encode())
    message = "Line 4: This record is already stored with a different `language`, `revision`, `updatedAt`."
    assert output.startswith(message)
    assert shell.exported() == before


def test_a_database_must_be_migrated(tmp_path: Path) -> None:
    shell = Shell(f"sqlite+aiosqlite:///{tmp_path / 'data.sqlite3'}")
    for command in ("import", "export"):
        output = shell.error(command, "-", input=b"")
        assert output == "The database is not up to date. Run: gql-service migrate"
