"""`import` and lines that cannot be stored: each is named, nothing of it is written, and one can go on."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.transfer.test_round_trip import (
    ANN,
    BORN,
    DIRECTORY,
    NEWS,
    Line,
    Shell,
    filed,
    person,
    whole,
    written,
)

GONE = object()
"""Stands for a field that is left out."""
NOTE: Line = NEWS | {"userId": "u1", "id": "n1", "createdAt": BORN}
TENANT: Line = {"type": "tenant", "id": "new", "name": "New", "createdAt": BORN}
PLATFORM: Line = DIRECTORY[-1] | {"id": "p-3", "key": "new", "name": "New"}
USER = whole(person("u2"))
FILED = filed("u1", "blog", {})
BEFORE: list[Line] = [*DIRECTORY, whole(person("u1")), filed("u1", "shop", {"a": 1})]
AFTER: list[Line] = [whole(person("u3")), filed("u3", "shop", {"b": 2})]
LINE = len(BEFORE) + 1


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file to copy: migrating takes longer than the tests."""
    path = tmp_path_factory.mktemp("transfer") / "data.sqlite3"
    Shell(f"sqlite+aiosqlite:///{path}").told("migrate")
    return path


@pytest.fixture
def lite(migrated: Path, tmp_path: Path) -> Shell:
    """An empty database of SQLite."""
    return Shell(f"sqlite+aiosqlite:///{shutil.copy(migrated, tmp_path / 'lite.sqlite3')}")


@pytest.fixture
def shell(fresh_database_url: str) -> Shell:
    """An empty database of either kind."""
    shell = Shell(fresh_database_url)
    shell.told("migrate")
    return shell


def changed(line: Line, **fields: Any) -> str:
    """A line with other fields, as text."""
    return json.dumps({name: value for name, value in (line | fields).items() if value is not GONE})


def check_broken(shell: Shell, broken: str | bytes, message: str, mended: Line) -> None:
    """One broken line amid good ones: it is told, what comes before is stored, and one can go on."""
    broken = broken if isinstance(broken, bytes) else broken.encode()
    before, after = written(BEFORE).encode(), written(AFTER).encode()
    told = shell.refused("import", "-", input=before + broken + b"\n" + after)
    assert told.startswith(f"Line {LINE}: "), told
    assert message in told
    rest = f"What comes before line {LINE} is stored ({LINE - 1} written, 0 there already);"
    assert rest in told
    assert shell.everything() == written(BEFORE)
    told = shell.told("import", "-", input=before + written([mended]).encode() + after)
    assert told == f"Read {LINE + 2} lines: 3 written, {LINE - 1} there already.\n"
    assert sorted(shell.everything().split("\n")) == sorted(written([*BEFORE, mended, *AFTER]).split("\n"))


@pytest.mark.parametrize(
    ("mended", "fields", "message"),
    [
        (USER, {"createdAt": -1}, "`createdAt` must be whole milliseconds since 1970, from 0"),
        (USER, {"tenantId": "none"}, "`tenantId`: there is no tenant 'none'"),
        (USER, {"username": "u1"}, "`username`: u1 is taken by another user."),
        (USER, {"permissions": ["acme:read"]}, "`permissions`: 'acme:read' is not a permission"),
        (USER, {"email": 7}, "`email` must be a text."),
        (FILED, {"metadata": []}, "`metadata` must be an object."),
        (FILED, {"platformKey": "none"}, "`platformKey`: there is no platform 'none'"),
        (FILED, {"userId": "u3"}, "`userId`: there is no user 'u3'; its line must come before."),
    ],
)
def test_a_broken_line_is_named_and_what_comes_before_is_stored(
    shell: Shell, mended: Line, fields: Line, message: str
) -> None:
    check_broken(shell, changed(mended, **fields), message, mended)


@pytest.mark.parametrize(
    ("mended", "fields", "message"),
    [
        (USER, {"type": GONE},
         "`type` must be one of tenant, platform, user, notification, document, definition."),
        (USER, {"type": "token"}, "`type` must be one of"),
        (USER, {"type": ["user"]}, "`type` must be one of"),
        (USER, {"email": GONE}, "The field `email` is missing."),
        (USER, {"nickname": "U"}, "There is no field `nickname`; there are `id`, `tenantId`, "),
        (USER, {"id": "u/2"}, "`id` must be 1 to 64 letters"),
        (USER, {"id": "u1", "email": "u@x"}, "It is there already, with another `username`, `email`. Leave "),
        (USER, {"username": "u 2"}, "`username` must be 1 to 150 letters"),
        (USER, {"email": "u2"}, "`email`: 'u2' is not an email address."),
        (USER, {"emailVerified": 1}, "`emailVerified` must be true or false."),
        (USER, {"emailVerified": None}, "`emailVerified` must be true or false."),
        (USER, {"image": "u.png"}, "`image`: An image must be a URL"),
        (USER, {"language": "xx"}, "`language`: 'xx' is not an ISO 639-1 language code"),
        (USER, {"language": 1}, "`language` must be a text, or null."),
        (USER, {"permissions": "acme::read"}, "`permissions` must be a list of texts."),
        (USER, {"permissions": ["none::read"]}, "`permissions`: there is no tenant 'none'"),
        (USER, {"permissions": ["acme::a", "acme::a"]}, "`permissions` says something twice"),
        (USER, {"profileFields": {"a": 1}}, "`profileFields`: `a` must be an object with"),
        (USER, {"profileFields": {"a": None}}, "`profileFields` says something twice, or holds a null"),
        (USER, {"badges": [{"name": "a"}]}, "`badges` must be a list of objects with `name`, a text;"),
        (USER, {"badges": [{"name": "a", "earnedAt": 1.0}]}, "`badges` must be a list of objects"),
        (USER, {"badges": [{"name": "", "earnedAt": 1}]}, "The name of a badge is 1 to 100 characters."),
        (USER, {"badges": [{"name": "a", "earnedAt": at} for at in (1, 2)]}, "`badges` says something twice"),
        (USER, {"recentProjects": {"p": True}}, "`recentProjects`: The instant at which `p` was"),
        (USER, {"lastSeenReleaseVersion": ""}, "`lastSeenReleaseVersion`: A release version is 1 to 64"),
        (USER, {"personalAgentPermissions": {"p": []}}, "`personalAgentPermissions`: `p` must map"),
        (USER, {"optInDecisions": [{"name": "a"}]}, "`optInDecisions` must be a list of objects"),
        (USER, {"optInDecisions": [{"name": "a", "optedIn": True, "decidedAt": at} for at in (1, 2)]},
         "`optInDecisions` says something twice"),
        (USER, {"revision": 0}, "`revision` must be an integer from 1 to 2147483647."),
        (USER, {"revision": 2**31}, "`revision` must be an integer"),
        (USER, {"revision": True}, "`revision` must be an integer"),
        (USER, {"createdAt": 2**53}, "`createdAt` must be whole milliseconds"),
        (USER, {"updatedAt": 1.5}, "`updatedAt` must be whole milliseconds"),
        (FILED, {"metadata": {"": 1}}, "`metadata`: A key must not be empty."),
        (FILED, {"metadata": {" a": 1}}, "`metadata`: The key ' a' begins or ends with white space."),
        (FILED, {"metadata": {"a": "x" * 2**17}}, "`metadata`: The value takes 131074 bytes; 131072 are"),
        (FILED, {"metadata": {f"k{n}": n for n in range(2001)}}, "2001 keys; 2000 are allowed."),
        (FILED, {"platformKey": GONE}, "The field `platformKey` is missing."),
        (FILED, {"platformKey": "shop"}, "It is there already, with another `metadata`. Leave the line out"),
        (FILED, {"userId": "nobody"}, "`userId`: there is no user 'nobody'"),
        (FILED, {"createdAt": None}, "`createdAt` must be whole milliseconds"),
        (NOTE, {"userId": "nobody"}, "`userId`: there is no user 'nobody'"),
        (NOTE, {"id": ""}, "`id` must be 1 to 64 letters and digits."),
        (NOTE, {"readAt": "today"}, "`readAt` must be whole milliseconds since 1970"),
        (TENANT, {"name": " "}, "A tenant needs a name."),
        (TENANT, {"id": "a b"}, "'a b' is not an id"),
        (TENANT, {"id": "acme"}, "It is there already, with another `name`."),
        (PLATFORM, {"key": "New"}, "'New' is not a platform key."),
        (PLATFORM, {"id": "p 1"}, "'p 1' is not an id"),
        (PLATFORM, {"id": "p-1"}, "Another platform has the `id` p-1."),
        (PLATFORM, {"key": "shop"}, "It is there already, with another `id`, `name`."),
        (PLATFORM, {"tenantId": "none"}, "`tenantId`: there is no tenant 'none'"),
    ],
)  # fmt: skip
def test_a_line_is_held_to_every_rule(lite: Shell, mended: Line, fields: Line, message: str) -> None:
    check_broken(lite, changed(mended, **fields), message, mended)


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
        ('{"type":"user","createdAt":9223372036854775808}', "integers must fit in 64 bits"),
        ('{"type":"document","metadata":{"a":NaN}}', "The text is not valid JSON"),
        ('{"a":' * 2000 + "1" + "}" * 2000, "The text is not valid JSON"),
        ('{"a":' * 200 + "1" + "}" * 200, "nested deeper"),
        ('{"\\u001b[31m\\n":1,"type":"tenant"}', "There is no field"),
        ('{"type":"tenant","name":"' + "x" * 23_068_672 + '"}', "The line is longer than 23068672 bytes."),
    ],
)  # fmt: skip
def test_what_is_no_line_is_told(lite: Shell, broken: str | bytes, message: str) -> None:
    check_broken(lite, broken, message, USER)


@pytest.mark.parametrize("number", [1, 499, 500, 501, 1234])
def test_the_line_is_counted_across_batches(shell: Shell, number: int) -> None:
    good = [DIRECTORY[2], *(whole(person(f"u{n:04}")) for n in range(1500))]
    lines = [*good[: number - 1], person("broken", "nowhere"), *good[number - 1 :]]
    told = shell.refused("import", "-", input=written(lines).encode())
    assert told.startswith(f"Line {number}: ")
    assert shell.everything() == written(good[: number - 1])
    shell.told("import", "-", input=written(good).encode())
    assert shell.everything() == written(good)


def test_one_may_go_on_from_a_line(lite: Shell) -> None:
    lines = written([*BEFORE, *AFTER]).encode()
    lite.told("import", "-", input=written(BEFORE).encode())
    assert lite.told("import", "-", "--from-line", str(LINE), input=lines) == (
        "Read 2 lines: 2 written, 0 there already.\n"
    )
    message = lite.refused("import", "-", "--from-line", "99", input=lines)
    assert message == f"There is no line 99: there are {len(BEFORE) + len(AFTER)}."
    broken = lines + b"{}\n"
    assert lite.refused("import", "-", "--from-line", str(LINE), input=broken).startswith(
        f"Line {LINE + 2}: "
    )


def test_what_has_changed_since_is_not_overwritten(shell: Shell) -> None:
    lines = [DIRECTORY[1], DIRECTORY[2], DIRECTORY[0], ANN]
    shell.load(*lines)
    shell.told("user", "update", ANN["username"], "--language", "fr")
    before = shell.everything()
    told = shell.refused("import", "-", input=written(lines).encode())
    assert told.startswith("Line 4: It is there already, with another `language`, `revision`, `updatedAt`.")
    assert shell.everything() == before


def test_a_database_that_was_not_migrated_is_left_alone(tmp_path: Path) -> None:
    shell = Shell(f"sqlite+aiosqlite:///{tmp_path / 'data.sqlite3'}")
    for command in ("import", "export"):
        told = shell.refused(command, "-", input=b"")
        assert told == "The database is not up to date. Run: gql-service migrate"
