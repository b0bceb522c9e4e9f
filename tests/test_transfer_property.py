"""Whatever the service may store comes through export and import as it is: generated users and documents."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.test_transfer import BORN, DIRECTORY, Line, Shell, filed, person, whole, written

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
NAME = TEXT.filter(bool)
KEY = TEXT.map(str.strip).filter(bool)
ID = st.from_regex(r"[A-Za-z0-9_-]{1,8}", fullmatch=True)
INSTANT = st.integers(0, 2**53 - 1)
NUMBER = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
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
DOCUMENT = st.tuples(
    st.sampled_from([None, "blog", "shop"]), st.dictionaries(KEY, JSON, max_size=4), st.integers(1, 2**31 - 1)
)
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
    Shell(f"sqlite+aiosqlite:///{path}").told("migrate")
    return path


@settings(max_examples=60)
@given(people=PEOPLE)
def test_whatever_may_be_stored_comes_through(
    migrated: Path, tmp_path: Path, people: dict[str, tuple[Line, list[Any]]]
) -> None:
    first, second = (
        Shell(f"sqlite+aiosqlite:///{shutil.copy(migrated, tmp_path / name)}") for name in ("1", "2")
    )
    lines = list(DIRECTORY)
    for id, (fields, documents) in sorted(people.items()):
        lines.append(whole(person(id, **fields)))
        for key, metadata, revision in sorted(documents, key=lambda document: _PLATFORM_IDS[document[0]]):
            lines.append(filed(id, key, metadata, revision=revision, updatedAt=BORN + 1))
    first.told("import", "-", input=written(lines).encode())
    text = first.everything()
    assert written([json.loads(line) for line in text.split("\n")[:-1]]) == written(lines)
    second.told("import", "-", input=text.encode())
    assert second.everything() == text
