"""Export and import of generated users, documents, typed entries and definitions change nothing."""

import base64
import json
import shutil
import sqlite3
from contextlib import closing
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.transfer.test_round_trip import (
    CREATED_AT,
    DIRECTORY,
    Line,
    Shell,
    completed,
    document_line,
    jsonl,
    user_line,
)

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
NAME = TEXT.filter(bool)
KEY = TEXT.map(str.strip).filter(bool)
ID = st.from_regex(r"[A-Za-z0-9_-]{1,8}", fullmatch=True)
INSTANT = st.integers(0, 2**53 - 1)
NUMBER = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False).filter(
    lambda double: not 1e-6 <= abs(double) < 1e-5 and (abs(double) >= 1e21 or not double.is_integer())
)
"""Numbers that Python writes as an export does."""
SCALAR = st.none() | st.booleans() | NUMBER | TEXT
JSON = st.recursive(
    SCALAR, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3)
)
FIELD = st.fixed_dictionaries(
    {}, optional={"value": SCALAR, "visibility": st.sampled_from(["tenant", "private"])}
)
PERMISSION = st.builds("{}::{}".format, st.sampled_from(["acme", "Other", "-"]), st.text("ab/ö", min_size=1))
BADGES = st.dictionaries(NAME, INSTANT, max_size=3).map(
    lambda badges: [
        {"name": name, "earnedAt": at} for at, name in sorted((at, name) for name, at in badges.items())
    ]
)
DECISION = st.fixed_dictionaries({"name": NAME, "optedIn": st.booleans(), "decidedAt": INSTANT})
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "image": st.none() | st.text("aö/?", min_size=1, max_size=9).map("https://{}".format),
    "language": st.sampled_from([None, "de", "zu"]),
    "permissions": st.lists(PERMISSION, max_size=4, unique=True),
    "profileFields": st.dictionaries(NAME.filter(lambda name: name != "email"), FIELD, max_size=3),
    "badges": BADGES,
    "recentProjects": st.dictionaries(NAME, INSTANT, max_size=3),
    "lastSeenReleaseVersion": st.none() | NAME,
    "personalAgentPermissions": st.dictionaries(
        NAME,
        st.dictionaries(
            NAME, st.fixed_dictionaries({"read": st.booleans(), "write": st.booleans()}), max_size=2
        ),
        max_size=2,
    ),
    "optInDecisions": st.lists(DECISION, max_size=3, unique_by=lambda decision: decision["name"]),
    "revision": st.integers(1, 2**31 - 1),
    "createdAt": INSTANT,
    "updatedAt": INSTANT,
    **{name: st.booleans() for name in ("emailVerified", "messagingDisabled", "isPlatformOwner")},
}


def _instant(moment: datetime) -> str:
    """The stored text of an instant: in UTC, without zeros at the end of its fraction."""
    return f"{moment.isoformat().rstrip('0') if moment.microsecond else moment.isoformat()}Z"


VALUE = st.one_of(
    st.tuples(st.just("string"), TEXT),
    st.tuples(st.just("number"), NUMBER),
    st.tuples(st.just("boolean"), st.booleans()),
    st.tuples(
        st.just("date"),
        st.dates(date(1000, 1, 1)).map(str) | st.datetimes(datetime(1000, 1, 1)).map(_instant),
    ),
    st.tuples(st.just("json"), JSON),
    st.tuples(st.just("binary"), st.binary(max_size=9).map(lambda data: base64.b64encode(data).decode())),
)
SEALED = st.tuples(st.sampled_from(["k1", "2026-01.b_"]), st.binary(min_size=29, max_size=40)).map(
    lambda parts: f"{parts[0]}:{base64.b64encode(parts[1]).decode()}"
)
WORDS = st.none() | NAME
WINDOW = st.lists(INSTANT, min_size=2, max_size=2, unique=True).map(sorted)
ENTRY = st.fixed_dictionaries(
    {
        "value": VALUE,
        "ciphertext": st.none() | SEALED,
        "attributed": st.booleans(),
        "window": WINDOW,
        "has": st.tuples(st.booleans(), st.booleans()),
        "isIndexed": st.booleans(),
        "isPublic": st.booleans(),
        "isEditable": st.booleans(),
        "category": WORDS,
        "description": WORDS,
        "source": WORDS,
        "created": st.tuples(INSTANT, st.none() | ID),
        "updated": st.none() | st.tuples(INSTANT, st.none() | ID),
    }
)
DOCUMENT = st.tuples(
    st.sampled_from([None, "blog", "shop"]),
    st.dictionaries(KEY, ENTRY, max_size=4),
    st.integers(1, 2**31 - 1),
)
FLAG_DEFAULTS = dict.fromkeys(("is_public", "is_editable", "is_indexed", "is_encrypted"), st.booleans())
DEFINITION = st.fixed_dictionaries(
    {
        "type": st.just("definition"),
        "platformKey": st.sampled_from(["blog", "shop"]),
        "key": KEY,
        "valueType": st.just("string"),
        "rules": st.fixed_dictionaries(
            {}, optional={"maxLength": st.integers(0, 2**31), "minLength": st.just(0)}
        ),
        "defaults": st.fixed_dictionaries(
            {}, optional=FLAG_DEFAULTS | {"category": NAME, "description": NAME}
        ),
        "createdAt": INSTANT,
        "updatedAt": INSTANT,
    }
)
DEFINITIONS = st.lists(DEFINITION, max_size=4, unique_by=lambda line: (line["platformKey"], line["key"]))
PEOPLE = st.dictionaries(
    ID,
    st.tuples(
        st.fixed_dictionaries(FIELDS), st.lists(DOCUMENT, max_size=3, unique_by=lambda document: document[0])
    ),
    max_size=3,
)
_PLATFORM_IDS = {None: "", "shop": "p-1", "blog": "p-2"}


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("property") / "data.sqlite3"
    Shell(f"sqlite+aiosqlite:///{path}").output("migrate")
    return path


def natural(value: object) -> str:
    """The type of a value without an explicit type."""
    if isinstance(value, bool):
        return "boolean"
    return {str: "string", int: "number", float: "number"}.get(type(value), "json")


def stored(entry: Line) -> tuple[bool, Any, Line | None]:
    """The stored form of an entry: whether its value is in `metadata`, the value, and the attributes."""
    type_, value = entry["value"]
    if not entry["attributed"] and natural(value) == type_:
        return True, value, None
    (created_at, created_by), updated = entry["created"], entry["updated"]
    attributes: Line = {"createdAt": created_at} | ({"createdBy": created_by} if created_by else {})
    if updated is not None and updated != entry["created"]:
        attributes |= {"updatedAt": updated[0], "updatedBy": updated[1]}
    for name in ("category", "description", "source"):
        attributes |= {name: entry[name]} if entry[name] is not None else {}
    for name, at, has in zip(("validFrom", "validUntil"), entry["window"], entry["has"], strict=True):
        attributes |= {name: at} if has else {}
    ciphertext = entry["ciphertext"]
    indexed = entry["isIndexed"] and ciphertext is None  # an indexed ciphertext would have to be valid
    attributes |= {"isIndexed": True} if indexed else {}
    attributes |= {name: False for name in ("isPublic", "isEditable") if not entry[name]}
    if ciphertext is not None:
        return False, None, attributes | {"type": type_, "ciphertext": ciphertext}
    attributes |= {"type": type_} if natural(value) != type_ else {}
    if not entry["isPublic"] or any(entry["has"]):
        return False, None, attributes | {"value": value}
    return True, value, attributes


def documented(user: str, platform: str | None, entries: dict[str, Line], revision: int) -> Line:
    """The line of a document of these entries."""
    kept = {key: stored(entry) for key, entry in entries.items()}
    metadata = {key: value for key, (plain, value, _) in kept.items() if plain}
    attributes = {key: of_key for key, (_, _, of_key) in kept.items() if of_key is not None}
    return document_line(
        user, platform, metadata, attributes=attributes, revision=revision, updatedAt=CREATED_AT + 1
    )


def derived(line: Line) -> tuple[bool, int | None, int]:
    """What an import computes: whether values are conditional, the first expiry, and the number of indexed
    entries."""
    attributes = line["attributes"].values()
    ends = [each["validUntil"] for each in attributes if "validUntil" in each]
    conditional = any("value" in each or "ciphertext" in each for each in attributes)
    return conditional, min(ends, default=None), sum("isIndexed" in each for each in attributes)


@settings(max_examples=30 if settings().max_examples < 1000 else 1000)
@given(people=PEOPLE, definitions=DEFINITIONS, strict=st.booleans())
def test_all_data_that_can_be_stored_can_be_exported_and_imported(
    migrated: Path,
    tmp_path: Path,
    people: dict[str, tuple[Line, list[Any]]],
    definitions: list[Line],
    strict: bool,
) -> None:
    first, second = (
        Shell(f"sqlite+aiosqlite:///{shutil.copy(migrated, tmp_path / name)}") for name in ("1", "2")
    )
    lines = [*DIRECTORY[:-1], DIRECTORY[-1] | {"strict": strict}]
    for id, (fields, documents) in sorted(people.items()):
        lines.append(completed(user_line(id, **fields)))
        for key, entries, revision in sorted(documents, key=lambda document: _PLATFORM_IDS[document[0]]):
            lines.append(documented(id, key, entries, revision))
    lines += sorted(definitions, key=lambda line: (_PLATFORM_IDS[line["platformKey"]], line["key"]))
    first.output("import", "-", input=jsonl(lines).encode())
    text = first.exported()
    assert jsonl([json.loads(line) for line in text.split("\n")[:-1]]) == jsonl(lines)
    second.output("import", "-", input=text.encode())
    assert second.exported() == text
    output = second.output("import", "-", input=text.encode())
    assert output == f"Read {len(lines)} lines: 0 written, {len(lines)} already stored.\n"
    query = """SELECT conditions IS NOT NULL, expires_at, (SELECT count(*) FROM metadata_index i
      WHERE i.user_id = d.user_id AND i.platform_id = d.platform_id)
      FROM documents d ORDER BY user_id, platform_id"""
    with closing(sqlite3.connect(tmp_path / "2")) as connection:
        rows = [(bool(row[0]), *row[1:]) for row in connection.execute(query)]
    assert rows == [derived(line) for line in lines if line["type"] == "document"]
