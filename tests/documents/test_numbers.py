"""Numbers that are equal are one value, and what a JavaScript client sends back changes nothing."""

import json
import math
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.conftest import require
from tests.graphql.test_bad_json import RawClient
from tests.support.patches import PATCH, SET, patched, read
from tests.support.world import World

GENERATED = 20 if settings().max_examples < 1000 else 2000
SAFE_INTEGERS = st.integers(-(2**53) + 1, 2**53 - 1)
DOUBLES = st.floats(allow_nan=False, allow_infinity=False)
MANY_DIGITS = st.floats(2**53, 2**70) | st.floats(1e-8, 1e-4) | st.integers(0, 1200).map(lambda n: n / 100)
NUMBERS = SAFE_INTEGERS | DOUBLES | MANY_DIGITS
VALUES = st.recursive(
    NUMBERS | st.sampled_from([None, True, "1.0", "x.0,", "1e+5"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("ab.", max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)
DOCUMENTS = st.dictionaries(st.sampled_from(["a", "b", "c.0"]), VALUES, max_size=3)
ECHO = """require('readline').createInterface({input: process.stdin}).on('line', line =>
  process.stdout.write(JSON.stringify(JSON.parse(line)) + '\\n'))"""
"""A program that parses JSON and writes it again, line by line."""


class JavaScript:
    """A JavaScript program that reads JSON and sends it back."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def rewritten(self, text: str) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(text + "\n")
        self._process.stdin.flush()
        return self._process.stdout.readline().strip()


@pytest.fixture(scope="module")
def javascript() -> Iterator[JavaScript]:
    require("Node", shutil.which("node") is not None)
    with subprocess.Popen(
        ["node", "-e", ECHO], text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        yield JavaScript(process)
        assert process.stdin is not None
        process.stdin.close()


def stored_text(client: RawClient) -> tuple[str, str]:
    """The metadata of the member as JSON text, and the entity tag."""
    response = client.rest("GET", b"")
    text = response.text.partition('"metadata":')[2]
    decoder = json.JSONDecoder()
    return text[: decoder.raw_decode(text)[1]], response.headers["ETag"]


@settings(max_examples=GENERATED)
@given(document=DOCUMENTS)
def test_what_a_javascript_client_reads_and_sends_back_changes_nothing(
    world: World, javascript: JavaScript, document: Any
) -> None:
    client = RawClient(world)
    assert client.write("PUT", json.dumps(document)).status_code == 200
    before = stored_text(client)
    for operation in ("PUT", "PATCH", "replacePlatformMetadata", "patchPlatformMetadata"):
        assert client.write(operation, javascript.rewritten(before[0])).status_code == 200
        assert stored_text(client) == before


@settings(max_examples=GENERATED)
@given(number=NUMBERS | st.integers(-(2**63), 2**63 - 1), digits=st.integers(0, 3))
def test_a_literal_is_the_same_value_as_a_variable(world: World, number: Any, digits: int) -> None:
    client = RawClient(world)
    spelling = json.dumps(number)
    if isinstance(number, int) and digits:
        spelling += "." + "0" * digits
    key = json.dumps(world.platform_key)
    literal = (
        f"mutation {{ patchPlatformMetadata(input: {{platformKey: {key}, metadata: {{n: {spelling}}}}}) {{"
    )
    assert "errors" not in client.ask(f"{literal} userErrors {{ code }} }} }}").json()
    before = stored_text(client)
    assert client.write("patchPlatformMetadata", f'{{"n": {spelling}}}').status_code == 200
    assert stored_text(client) == before
    if isinstance(number, int):
        assert before[0] == f'{{"kept":1,"n":{number}}}'


def written(integer: int, digits: int) -> str:
    """An integer with its point after so many digits, and an exponent that makes up for it."""
    sign, text = "-" if integer < 0 else "", str(abs(integer))
    digits = min(digits, len(text))
    mantissa = f"{text[:digits] or 0}.{text[digits:] or 0}"
    return f"{sign}{mantissa}e{len(text) - digits}"


@settings(max_examples=GENERATED)
@given(integer=st.integers(-(2**63), 2**63 - 1), digits=st.integers(0, 19))
@example(integer=9007199254740993, digits=8)
def test_an_integer_is_exact_wherever_its_point_is_written(world: World, integer: int, digits: int) -> None:
    client, spelling = RawClient(world), written(integer, digits)
    for operation in ("PUT", "PATCH", "replacePlatformMetadata", "patchPlatformMetadata"):
        client.write("PUT", "{}")
        assert client.write(operation, f'{{"n": [{spelling}]}}').status_code == 200
        assert stored_text(client)[0] == f'{{"n":[{integer}]}}'
    before = stored_text(client)
    inside = f"platformKey: {json.dumps(world.platform_key)}, metadata: {{n: [{spelling}]}}"
    mutation = f"mutation {{ patchPlatformMetadata(input: {{{inside}}}) {{ userErrors {{ code }} }} }}"
    assert "errors" not in client.ask(mutation).json()
    assert stored_text(client) == before


def test_an_integer_beyond_64_bits_must_be_exact_as_a_double(world: World) -> None:
    client = RawClient(world)
    for integer in (2**64, -(2**63) - 2**11, 10**22, int(1.7976931348623157e308)):
        assert client.write("PUT", f'{{"n": {integer}}}').status_code == 200
        text, tag = stored_text(client)
        assert math.isclose(json.loads(text)["n"], float(integer), rel_tol=0)
        assert client.write("PUT", text).status_code == 200  # as it was read, with fewer exact digits
        assert stored_text(client) == (text, tag)
    for integer in (2**64 + 1, -(2**63) - 1, 10**23 + 1, 10**309):
        assert client.write("PUT", f'{{"n": {integer}}}').status_code == 400


def test_operations_work_on_values_that_contain_large_numbers(world: World) -> None:
    large = {"n": 1, "large": [2**63, 2**64, 1e300]}
    patched(world.member, world, metadata={"v": large})
    after = patched(world.member, world, operations=[{"increment": {"path": "/v/n", "by": 1.0}}])
    assert after["v"]["n"] == 2
    assert [float(each) for each in after["v"]["large"]] == [2.0**63, 2.0**64, 1e300]
    after = patched(world.member, world, operations=[{"increment": {"path": "/v/large/0", "by": 2048}}])
    assert float(after["v"]["large"][0]) == 2.0**63 + 2048


def test_a_read_only_number_may_be_sent_back_in_another_spelling(world: World) -> None:
    entry = {
        "metadataKey": "quota",
        "metadataValue": "10.0",
        "valueType": "number",
        "isPublic": True,
        "isEditable": False,
    }
    admin_input = {"platformKey": world.platform_key, "username": world.member.username, "entries": [entry]}
    assert world.admin.ask(SET, input=admin_input)["setUserMetadata"]["userErrors"] == []
    for quota in (10, 10.0, 1e1):
        body = {"metadata": {"quota": quota, "theme": str(quota)}}
        assert world.member.rest("PUT", world.platform_key, body).status_code == 200
    refused = world.member.rest("PUT", world.platform_key, {"metadata": {"quota": 10.5}})
    assert refused.status_code == 400


ABSENT = "mutation ($key: String!, $t: String, $l: String) { %s }"
LITERAL = "{theme: $t, language: $l, nested: {a: $l, b: [$l, {c: $l}], d: $t}}"


@pytest.mark.parametrize("mode", ["MERGE", "MERGE_PATCH"])
def test_an_absent_variable_in_a_literal_leaves_its_key_out(world: World, mode: str) -> None:
    patched(world.member, world, metadata={"language": "de"})
    mutation = f"patchPlatformMetadata(input: {{platformKey: $key, metadata: {LITERAL}, mode: {mode}}})"
    query = ABSENT % f"{mutation} {{ userErrors {{ code }} }}"
    world.member.ask(query, key=world.platform_key, t="light")
    assert read(world.member, world)["metadata"] == {
        "language": "de",
        "theme": "light",
        "nested": {"b": [None, {}], "d": "light"},
    }
    # A variable that is null is there.
    world.member.ask(query, key=world.platform_key, t="light", l=None)
    metadata = read(world.member, world)["metadata"]
    assert metadata.get("language", "gone") == ("gone" if mode == "MERGE_PATCH" else None)


def test_an_absent_variable_is_left_out_of_the_values_of_operations_and_conditions(world: World) -> None:
    operation = 'operations: [{set: {path: "/a", value: {x: $l, y: $t}}}]'
    query = (
        ABSENT
        % f"patchPlatformMetadata(input: {{platformKey: $key, {operation}}}) {{ userErrors {{ code }} }}"
    )
    world.member.ask(query, key=world.platform_key, t="light")
    assert read(world.member, world)["metadata"] == {"a": {"y": "light"}}


def test_the_same_request_in_another_spelling_has_the_same_idempotency_key(world: World) -> None:
    arguments = {"platformKey": world.platform_key, "idempotencyKey": "k"}
    first = world.member.ask(PATCH, input=arguments | {"metadata": {"a": 1}})["patchPlatformMetadata"]
    again = world.member.ask(PATCH, input=arguments | {"metadata": {"a": 1.0}})["patchPlatformMetadata"]
    assert again == first
