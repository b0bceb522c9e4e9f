"""The service equals a model of plain dictionaries after each random write by a user or an admin, while
time passes and the clock is set back now and then. The test runs on both databases, so both behave in the
same way."""

import json
from base64 import b64encode
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from gql_service.instants import rfc3339
from tests.support.document_model import CANONICAL, DocumentModel, Entry, Refused, canonical
from tests.support.entries import ENTRY
from tests.support.service import serving
from tests.support.world import World

START = 2_000_000_000_000  # 2033-05-18T03:33:20Z
HOUR = 3_600_000

ADMIN = st.booleans()
KEYS = st.sampled_from(["a", "b.c", "ключ"])
VALUES = st.sampled_from(["a", "2024-03-01", 1, 1.0, True, None, {"x": [1, 1.0]}])
METADATA = st.dictionaries(KEYS, VALUES, max_size=2)
DELETE = st.lists(KEYS, max_size=2)
TYPES = st.sampled_from(["string", "number", "boolean", "date", "json", "binary"])
HOURS = st.none() | st.sampled_from([-1, 1, 2, 5])
VALID = [{"metadataValue": "a", "valueType": "string"}] + [
    {"metadataValue": text, "valueType": type_} for text, types in CANONICAL.items() for type_ in types
]
VALUE = st.sampled_from(VALID) | st.fixed_dictionaries(
    {}, optional={"metadataValue": st.sampled_from([*CANONICAL, None]), "valueType": TYPES}
)
ABOUT = st.fixed_dictionaries(
    {"metadataKey": KEYS},
    optional={
        "category": st.sampled_from(["c", "d", None]),
        "isPublic": st.booleans(),
        "isEditable": st.booleans(),
        "isEncrypted": st.booleans(),
        "validFrom": HOURS,
        "validUntil": HOURS,
    },
)
ENTRY_INPUTS = st.builds(dict[str, Any].__or__, ABOUT, VALUE)
ENTRIES = st.lists(ENTRY_INPUTS, min_size=1, max_size=2)

READ = f"""query ($key: String!, $name: String!) {{ platformMetadata(platformKey: $key, username: $name) {{
  metadata revision createdAt updatedAt entries(first: 9) {{ totalCount nodes {{ {ENTRY} }} }} }} }}"""
READ_ALL = READ.replace("first: 9", "first: 9, includeInactive: true").replace(
    "metadata revision",
    """metadata revision history(first: 50) { nodes { revision changedKeys deletedKeys
      changes { key old { value isEncrypted } new { value isEncrypted } } } }""",
)
WRITE = """mutation ($i: %sInput!) { it: %s(input: $i) { platformMetadata { metadata revision }
  userErrors { code ... on RevisionConflict { currentRevision entries { metadataKey } } } %s } }"""


@pytest.fixture(scope="module")
def vault(database_url: str) -> Iterator[World]:
    """A world whose service can encrypt, and does not sweep during the tests."""
    keys = {"k1": b64encode(b"1" * 32).decode()}
    with serving(database_url, encryption_keys=keys, sweep_interval=3600) as service:
        yield World(service)


def expected_entry(entry: Entry, key: str, admin: bool) -> dict[str, Any]:
    """An entry of the model as a viewer should see it, without its digest."""
    value = json.loads(entry["text"])
    can_write = admin or entry["isEditable"]
    return {
        "metadataKey": key,
        "metadataValue": value if entry["type"] in ("string", "date", "binary") else entry["text"],
        "valueType": entry["type"],
        "category": entry["category"],
        **{name: entry[name] for name in ("isPublic", "isEditable", "isEncrypted")},
        **{name: timestamp(entry[name]) for name in ("validFrom", "validUntil", "createdAt", "updatedAt")},
        **{name: {"username": entry[name]} for name in ("createdBy", "updatedBy")},
        "value": canonical(value),
        "viewerCan": {"edit": can_write, "delete": can_write},
    }


def timestamp(instant: int | None) -> str | None:
    return None if instant is None else rfc3339(instant)


def observed_change(node: Any) -> Any:
    """The revision, keys and values of a change in the history."""
    changes = [(each["key"], past_value(each["old"]), past_value(each["new"])) for each in node["changes"]]
    return node["revision"], node["changedKeys"], node["deletedKeys"], changes


def past_value(side: Any) -> str | None:
    """A value in the history: None if there was no entry, "secret" if it was encrypted."""
    if side is None:
        return None
    return "secret" if side["isEncrypted"] else side.get("text") or canonical(side["value"])


class Documents(RuleBasedStateMachine):
    """A document and its model, written by the user and by an admin.

    To test another write, add a rule: change the model, which raises Refused if the service should refuse the
    write, and call `check_write` to compare the result with the response of the service.
    """

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world
        self.callers = {False: world.member, True: world.admin}

    @initialize()
    def begin(self) -> None:
        self.platform_key = self.world.new_platform()
        self.model = DocumentModel(START, self.world.member.username, self.world.admin.username)

    @rule(hours=st.sampled_from([0.5, 1, 3]))
    def wait(self, hours: float) -> None:
        self.model.wait(int(hours * HOUR))

    @rule(hours=st.sampled_from([0.2, 2]))
    def set_back(self, hours: float) -> None:
        self.model.set_back(int(hours * HOUR))

    @rule(admin=ADMIN, metadata=METADATA, delete=DELETE)
    def patch(self, admin: bool, metadata: dict[str, Any], delete: list[str]) -> None:
        expected = self.model_result(lambda: self.model.patch(admin, metadata, delete))
        input = {"metadata": metadata, "deleteKeys": delete}
        self.check_write("patchPlatformMetadata", admin, input, expected, "keys: deletedKeys")

    @rule(admin=ADMIN, metadata=METADATA)
    def replace(self, admin: bool, metadata: dict[str, Any]) -> None:
        expected = self.model_result(lambda: self.model.replace(admin, metadata))
        self.check_write("replacePlatformMetadata", admin, {"metadata": metadata}, expected)

    @rule(admin=ADMIN)
    def clear(self, admin: bool) -> None:
        self.check_write(
            "clearPlatformMetadata", admin, {}, self.model_result(lambda: self.model.clear(admin))
        )

    @rule(admin=ADMIN, entries=ENTRIES, delete=DELETE)
    def set(self, admin: bool, entries: list[dict[str, Any]], delete: list[str]) -> None:
        timed_entries = [self.timed(entry) for entry in entries]
        expected = self.model_result(lambda: self.model.set(admin, timed_entries, delete))
        texts = [
            entry | {name: timestamp(entry[name]) for name in ("validFrom", "validUntil") if name in entry}
            for entry in timed_entries
        ]
        input = {"entries": texts, "deleteKeys": delete}
        self.check_write(
            "setUserMetadata", admin, input, expected, "keys: deletedKeys entries { metadataKey }"
        )

    @precondition(lambda self: self.model.revision)
    @rule(back=st.integers(-1, 4))
    def restore(self, back: int) -> None:
        revision = max(self.model.revision - back, 1)
        expected = self.model_result(lambda: self.model.restore(revision))
        self.check_write(
            "restorePlatformMetadata", True, {"revision": revision}, expected, "keys: skippedKeys"
        )

    @rule(admin=ADMIN, metadata=METADATA, off=st.sampled_from([0, 0, -1, 1]))
    def patch_a_revision(self, admin: bool, metadata: dict[str, Any], off: int) -> None:
        input = {"metadata": metadata, "expectedRevision": self.model.revision + off}
        if off:
            visible_keys = [key for key in self.model.visible(admin, inactive=True) if key in metadata]
            conflict = {
                "code": "REVISION_CONFLICT",
                "currentRevision": self.model.revision,
                "entries": [{"metadataKey": key} for key in visible_keys],
            }
            self.check_write("patchPlatformMetadata", admin, input, conflict)
        else:
            expected = self.model_result(lambda: self.model.patch(admin, metadata, []))
            self.check_write("patchPlatformMetadata", admin, input, expected, "keys: deletedKeys")

    @invariant()
    def each_viewer_reads_what_the_model_contains(self) -> None:
        for admin, query in ((False, READ), (True, READ_ALL)):
            found = self.ask(query, admin)["platformMetadata"]
            assert canonical(found["metadata"]) == self.projection(admin)
            assert found["revision"] == self.model.revision
            assert found["createdAt"] == timestamp(self.model.created_at)
            assert found["updatedAt"] == timestamp(self.model.updated_at)
            seen = self.model.visible(admin, inactive=True)
            expected = [expected_entry(entry, key, admin) for key, entry in seen.items()]
            nodes = [node for node in found["entries"]["nodes"] if not self.has_expired(node)]
            for node, each in zip(nodes, expected, strict=True):
                node["value"] = canonical(node["value"])
                assert {name: node[name] for name in each} == each
            if admin:
                assert [observed_change(node) for node in found["history"]["nodes"]] == self.history()

    def history(self) -> list[Any]:
        """The history that an admin should see, the newest change first."""
        expected = []
        for revision, changes in sorted(self.model.history.items(), reverse=True):
            deleted = [key for key in sorted(changes) if changes[key].new is None]
            values = [
                (key, past_value(change.old), past_value(change.new))
                for key, change in sorted(changes.items())
                if change.is_remembered
            ]
            expected.append((revision, sorted(changes.keys() - deleted), deleted, values))
        return expected

    def has_expired(self, node: dict[str, Any]) -> bool:
        """Admins see expired entries until they are swept, but the model has none."""
        end = node["validUntil"]
        return end is not None and end <= rfc3339(self.model.now)

    def timed(self, entry: dict[str, Any]) -> dict[str, Any]:
        """Replace hours from now by instants."""
        hours = {name: entry[name] for name in ("validFrom", "validUntil") if entry.get(name) is not None}
        return entry | {name: self.model.now + each * HOUR for name, each in hours.items()}

    def projection(self, admin: bool) -> str:
        seen = self.model.visible(admin)
        return canonical({key: json.loads(entry["text"]) for key, entry in seen.items()})

    def model_result(self, write: Any) -> Any:
        """The keys that a write to the model returns, or the expected user error."""
        try:
            return write() or []
        except Refused as refused:
            return {"code": refused.code}

    def check_write(self, mutation: str, admin: bool, input: Any, expected: Any, more: str = "") -> None:
        """Write through the service; its deleted or skipped keys, or its user error, must be as expected."""
        type_name = f"{mutation[0].upper()}{mutation[1:]}"
        document = {"platformKey": self.platform_key, "username": self.world.member.username}
        query = WRITE % (type_name, mutation, more)
        payload = self.ask(query, admin, i=document | input)["it"]
        if isinstance(expected, dict):
            assert payload["userErrors"] == [expected]
            assert payload["platformMetadata"] is None
            return
        assert payload["userErrors"] == []
        assert payload.get("keys", expected) == expected
        assert canonical(payload["platformMetadata"]["metadata"]) == self.projection(admin)
        assert payload["platformMetadata"]["revision"] == self.model.revision

    def ask(self, query: str, admin: bool, **variables: Any) -> Any:
        if "$key" in query:
            variables = {"key": self.platform_key, "name": self.world.member.username}
        with self.world.service.at(self.model.now):
            return self.callers[admin].ask(query, **variables)


def test_a_document_equals_the_model(vault: World) -> None:
    class Machine(Documents):
        def __init__(self) -> None:
            super().__init__(vault)

    long = settings().max_examples >= 1000
    run_state_machine_as_test(
        Machine, settings=settings(max_examples=1000 if long else 15, stateful_step_count=30)
    )
