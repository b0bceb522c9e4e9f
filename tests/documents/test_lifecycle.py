"""Reading, patching, replacing and clearing a document by GraphQL, and its revision."""

from typing import Any

import pytest

from tests.support.world import Caller, World

DOCUMENT = "platformMetadata { metadata revision createdAt updatedAt }"
ERRORS = "userErrors { message code field ... on RevisionConflict { currentRevision } }"
PATCH = f"""mutation ($input: PatchPlatformMetadataInput!) {{
  written: patchPlatformMetadata(input: $input) {{ {DOCUMENT} deletedKeys {ERRORS} }} }}"""
REPLACE = f"""mutation ($input: ReplacePlatformMetadataInput!) {{
  written: replacePlatformMetadata(input: $input) {{ {DOCUMENT} {ERRORS} }} }}"""
CLEAR = f"""mutation ($input: ClearPlatformMetadataInput!) {{
  written: clearPlatformMetadata(input: $input) {{ {DOCUMENT} {ERRORS} }} }}"""
READ = """query ($key: String!) {
  platformMetadata(platformKey: $key) { metadata revision createdAt updatedAt } }"""


class Writer:
    """The member of a world, writing their document."""

    def __init__(self, world: World) -> None:
        self.caller: Caller = world.member
        self.key = world.platform_key

    def write(self, mutation: str, **input: Any) -> Any:
        return self.caller.ask(mutation, input={"platformKey": self.key, **input})["written"]

    def read(self) -> Any:
        return self.caller.ask(READ, key=self.key)["platformMetadata"]


@pytest.fixture
def writer(world: World) -> Writer:
    return Writer(world)


def test_reading_before_any_write_is_empty(writer: Writer) -> None:
    assert writer.read() == {"metadata": {}, "revision": 0, "createdAt": None, "updatedAt": None}


def test_patch_creates_the_document(writer: Writer) -> None:
    written = writer.write(PATCH, metadata={"theme": "dark"})
    assert written["userErrors"] == []
    assert written["platformMetadata"]["metadata"] == {"theme": "dark"}
    assert written["platformMetadata"]["revision"] == 1
    assert written["platformMetadata"]["createdAt"] == written["platformMetadata"]["updatedAt"]
    assert writer.read() == written["platformMetadata"]


def test_patch_keeps_unmentioned_keys(writer: Writer) -> None:
    writer.write(PATCH, metadata={"a": 1, "b": {"nested": [True, None, 1.5]}})
    written = writer.write(PATCH, metadata={"c": "x"})
    assert written["platformMetadata"]["metadata"] == {"a": 1, "b": {"nested": [True, None, 1.5]}, "c": "x"}


def test_patch_sets_a_whole_value_and_does_not_merge_deeply(writer: Writer) -> None:
    writer.write(PATCH, metadata={"a": {"x": 1, "y": 2}})
    assert writer.write(PATCH, metadata={"a": {"z": 3}})["platformMetadata"]["metadata"] == {"a": {"z": 3}}


def test_patch_stores_null_as_a_value(writer: Writer) -> None:
    assert writer.write(PATCH, metadata={"a": None})["platformMetadata"]["metadata"] == {"a": None}


def test_patch_deletes_before_it_sets(writer: Writer) -> None:
    writer.write(PATCH, metadata={"a": 1, "b": 2, "c": 3})
    written = writer.write(PATCH, metadata={"a": 9}, deleteKeys=["a", "b", "unknown"])
    assert written["platformMetadata"]["metadata"] == {"a": 9, "c": 3}
    assert written["deletedKeys"] == ["b"]


@pytest.mark.parametrize("input", [{}, {"metadata": None}, {"metadata": None, "deleteKeys": None}])
def test_an_incomplete_patch_is_refused_with_what_to_provide(writer: Writer, input: dict[str, Any]) -> None:
    written = writer.write(PATCH, **input)
    assert written["platformMetadata"] is None
    assert written["userErrors"] == [
        {
            "message": "Provide `metadata`, `deleteKeys` or `operations`.",
            "code": "METADATA_REQUIRED",
            "field": [],
        }
    ]


@pytest.mark.parametrize("input", [{"metadata": {}}, {"deleteKeys": []}, {"deleteKeys": ["unknown"]}])
def test_an_empty_patch_is_valid_and_changes_nothing(writer: Writer, input: dict[str, Any]) -> None:
    written = writer.write(PATCH, **input)
    assert written["userErrors"] == []
    assert written["deletedKeys"] == []
    assert writer.read()["revision"] == 0


def test_replace_removes_all_other_keys(writer: Writer) -> None:
    writer.write(PATCH, metadata={"a": 1, "b": 2})
    written = writer.write(REPLACE, metadata={"b": 3})
    assert written["platformMetadata"]["metadata"] == {"b": 3}
    assert written["platformMetadata"]["revision"] == 2


def test_clear_removes_everything_and_keeps_counting(writer: Writer) -> None:
    writer.write(PATCH, metadata={"a": 1})
    assert writer.write(CLEAR)["platformMetadata"]["revision"] == 2
    assert writer.write(CLEAR)["platformMetadata"]["revision"] == 2
    assert writer.write(PATCH, metadata={"a": 1})["platformMetadata"]["revision"] == 3


@pytest.mark.parametrize(
    ("before", "after"),
    [(True, 1), (1, 1.5), (0, False), ("1", 1), (None, False), ([], {}), (False, 0), (2**53, 2**53 + 1)],
)
def test_values_that_look_alike_are_different(writer: Writer, before: Any, after: Any) -> None:
    writer.write(REPLACE, metadata={"a": before})
    assert writer.write(REPLACE, metadata={"a": after})["platformMetadata"]["revision"] == 2
    assert repr(writer.read()["metadata"]["a"]) == repr(after)


def test_a_write_that_changes_nothing_leaves_no_trace(writer: Writer) -> None:
    first = writer.write(PATCH, metadata={"a": {"x": 1, "y": 2}})["platformMetadata"]
    same = {"a": {"y": 2, "x": 1}}
    assert writer.write(PATCH, metadata=same)["platformMetadata"] == first
    assert writer.write(REPLACE, metadata=same)["platformMetadata"] == first


def test_documents_of_different_platforms_are_separate(world: World, writer: Writer) -> None:
    other_platform = world.new_platform()
    writer.write(PATCH, metadata={"a": 1})
    world.member.ask(PATCH, input={"platformKey": other_platform, "metadata": {"a": 2}})
    assert writer.read()["metadata"] == {"a": 1}


def test_metadata_without_a_platform_is_a_separate_document(world: World, writer: Writer) -> None:
    writer.write(PATCH, metadata={"a": 1})
    world.member.ask(PATCH, input={"metadata": {"a": 2}})
    me = world.member.ask("{ me { userMetadata { platformKey metadata } } }")["me"]
    assert me["userMetadata"] == {"platformKey": None, "metadata": {"a": 2}}
    assert writer.read()["metadata"] == {"a": 1}


@pytest.mark.parametrize("mutation", [PATCH, REPLACE, CLEAR])
def test_a_stale_expected_revision_is_a_conflict(writer: Writer, mutation: str) -> None:
    writer.write(PATCH, metadata={"a": 1})
    fields = {} if mutation is CLEAR else {"metadata": {"a": 2}}
    refused = writer.write(mutation, expectedRevision=0, **fields)
    assert refused["platformMetadata"] is None
    assert refused["userErrors"][0]["code"] == "REVISION_CONFLICT"
    assert refused["userErrors"][0]["field"] == ["expectedRevision"]
    assert refused["userErrors"][0]["currentRevision"] == 1
    assert writer.read()["metadata"] == {"a": 1}
    assert writer.write(mutation, expectedRevision=1, **fields)["platformMetadata"]["revision"] == 2


def test_a_stale_expected_revision_is_a_conflict_even_without_changes(writer: Writer) -> None:
    writer.write(PATCH, metadata={"a": 1})
    assert writer.write(PATCH, metadata={"a": 1}, expectedRevision=7)["userErrors"]


def test_literals_and_variables_mean_the_same(world: World, writer: Writer) -> None:
    literal = """mutation ($k: String, $v: JSONObject) { patchPlatformMetadata(input: {platformKey: $k,
      metadata: {s: "x", i: 1, f: 1.0, e: 1e3, b: true, n: null, l: [1, [2]], o: {k: $v}}}) {
        platformMetadata { metadata } userErrors { message } } }"""
    payload = world.member.ask(literal, k=world.platform_key, v={"deep": 1})["patchPlatformMetadata"]
    written = payload["platformMetadata"]
    scalars = {"s": "x", "i": 1, "f": 1.0, "e": 1000.0, "b": True, "n": None, "l": [1, [2]]}
    expected = {**scalars, "o": {"k": {"deep": 1}}}
    assert written["metadata"] == expected
    assert writer.write(REPLACE, metadata=expected)["platformMetadata"]["revision"] == 1
