"""Value types, through the API: what each type accepts, its canonical text, and what it refuses."""

import base64
from typing import Any

import pytest

from tests.support.entries import set_entries, stored
from tests.support.world import World

SAME = "the same text"

# The text written; the text read; the `repr` of the JSON value read.
VALID: dict[str, list[tuple[str, str, str]]] = {
    "string": [
        ("", SAME, "''"),
        (" two  spaces\t\n", SAME, r"' two  spaces\t\n'"),
        ('"quoted" \\ \x01', SAME, r"""'"quoted" \\ \x01'"""),
        ("true", SAME, "'true'"),
        ("e\u0301 \u00e9", SAME, "'e\u0301 é'"),
        ("😀 \U0001d518", SAME, "'😀 \U0001d518'"),
        ("\u2028", SAME, r"'\u2028'"),
    ],
    "number": [
        ("0", SAME, "0"),
        ("-0", "0", "0"),
        ("-0.0", "0", "0"),
        ("1", SAME, "1"),
        ("1.0", "1", "1"),
        ("1e0", "1", "1"),
        ("-1.5E3", "-1500", "-1500"),
        ("0.10", "0.1", "0.1"),
        ("9007199254740993", SAME, "9007199254740993"),
        ("9223372036854775807", SAME, "9223372036854775807"),
        ("-9223372036854775808", SAME, "-9223372036854775808"),
        ("9007199254740993.0", "9007199254740993", "9007199254740993"),
        ("1.152921504606846976e18", "1152921504606846976", "1152921504606846976"),
        ("1152921504606846976.5", "1152921504606847000", "1152921504606847000"),
        ("9223372036854775808", "9.223372036854776e+18", "9.223372036854776e+18"),
        ("9223372036854775808.0", "9.223372036854776e+18", "9.223372036854776e+18"),
        ("18446744073709551616", "1.8446744073709552e+19", "1.8446744073709552e+19"),
        ("1e20", "1e+20", "1e+20"),
        ("1e21", "1e+21", "1e+21"),
        ("0.0000015", "1.5e-6", "1.5e-06"),
        ("15e-8", "1.5e-7", "1.5e-07"),
        ("1.7976931348623157e308", "1.7976931348623157e+308", "1.7976931348623157e+308"),
        ("5e-324", SAME, "5e-324"),
        ("1e-400", "0", "0"),
    ],
    "boolean": [("true", SAME, "True"), ("false", SAME, "False")],
    "date": [
        ("2024-03-01", SAME, "'2024-03-01'"),
        ("2024-02-29", SAME, "'2024-02-29'"),
        ("0001-01-01", SAME, "'0001-01-01'"),
        ("9999-12-31", SAME, "'9999-12-31'"),
        ("1969-12-31T23:59:59Z", SAME, "'1969-12-31T23:59:59Z'"),
        ("2024-03-01t10:00:00z", "2024-03-01T10:00:00Z", "'2024-03-01T10:00:00Z'"),
        ("2024-03-01T01:30:00+02:00", "2024-02-29T23:30:00Z", "'2024-02-29T23:30:00Z'"),
        ("2024-03-01T10:00:00-00:00", "2024-03-01T10:00:00Z", "'2024-03-01T10:00:00Z'"),
        ("2024-03-01 10:00:00Z", "2024-03-01T10:00:00Z", "'2024-03-01T10:00:00Z'"),
        ("2016-12-31T23:59:60.5Z", "2017-01-01T00:00:00Z", "'2017-01-01T00:00:00Z'"),
        ("2017-01-01T00:59:60+01:00", "2017-01-01T00:00:00Z", "'2017-01-01T00:00:00Z'"),
        ("2024-03-01T10:00:00.1Z", SAME, "'2024-03-01T10:00:00.1Z'"),
        ("2024-03-01T10:00:00.500Z", "2024-03-01T10:00:00.5Z", "'2024-03-01T10:00:00.5Z'"),
        ("2024-03-01T10:00:00.000000000Z", "2024-03-01T10:00:00Z", "'2024-03-01T10:00:00Z'"),
        ("9999-12-31T23:59:59.123456789Z", SAME, "'9999-12-31T23:59:59.123456789Z'"),
        ("0001-01-01T23:59:00+23:59", "0001-01-01T00:00:00Z", "'0001-01-01T00:00:00Z'"),
    ],
    "json": [
        ("null", SAME, "None"),
        (" true ", "true", "True"),
        ("1.0", "1", "1"),
        ('"text"', SAME, "'text'"),
        ("[ ]", "[]", "[]"),
        (
            '{"b": [1, 1.0, true], "a": null}',
            '{"a":null,"b":[1,1,true]}',
            "{'a': None, 'b': [1, 1, True]}",
        ),
        ('{"\\u0061": "\\ud83d\\ude00"}', '{"a":"😀"}', "{'a': '😀'}"),
        ('{"": 1}', '{"":1}', "{'': 1}"),
        ("[" * 64 + "]" * 64, SAME, "[" * 64 + "]" * 64),
    ],
    "binary": [
        ("", SAME, "''"),
        ("AA==", SAME, "'AA=='"),
        ("aGVsbG8=", SAME, "'aGVsbG8='"),
        ("+/+/", SAME, "'+/+/'"),
    ],
}

INVALID: dict[str, list[str]] = {
    "number": [
        *(
            "",
            " ",
            "-",
            ".",
            "1.",
            ".5",
            "01",
            "-01",
            "+1",
            " 1",
            "1 ",
            "1\n",
            "1\u00a0",
            "0x10",
            "1_000",
            "1,5",
        ),
        *("1e", "1e400", "-1e400", "NaN", "nan", "Infinity", "-Infinity", "true", "null", '"1"', "[1]"),
        *("\uff11", "\u0663", "9223372036854775809", "-9223372036854775809", "18446744073709551617"),
        *("1" * 30, "1" * 401, "1" + "0" * 309),
    ],
    "boolean": ["", "True", "FALSE", "1", "0", "yes", " true", "true ", '"true"', "null"],
    "date": [
        *("", "now", "2024", "2024-03", "2024-3-1", "20240301", "2024-W09-5", "2024-061", "+02024-03-01"),
        *("2023-02-29", "1900-02-29", "2024-04-31", "2024-13-01", "2024-00-01", "2024-01-00", "0000-01-01"),
        *("-0001-01-01", "10000-01-01", "\uff12024-03-01", " 2024-03-01", "2024-03-01\n", "1709287200"),
        *("2024-03-01T10:00:00", "2024-03-01T10:00Z", "2024-03-01T10Z", "2024-03-01_10:00:00Z", "T10:00:00Z"),
        *("2024-03-01T24:00:00Z", "2024-03-01T23:60:00Z", "2024-03-01T23:59:61Z", "2016-12-30T23:59:60Z"),
        *("2024-03-01T10:00:00+24:00", "2024-03-01T10:00:00+0200", "2024-03-01T10:00:00+02"),
        *("2024-03-01T10:00:00.Z", "2024-03-01T10:00:00.1234567890Z", "2024-03-01T10:00:00,5Z"),
        *("2024-03-01T10:00:00 Z", "2024-03-01T10:00:00 Europe/Berlin", "2024-03-01T10:00:00[Europe/Berlin]"),
        *("2024-03-01T10:00:00 CET", "0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01", "01.03.2024"),
    ],
    "json": [
        *("", " ", "{", "[1,]", '{"a":1,}', "{a:1}", "'a'", "1 2", "null null", "{} x", "// c\n1", "True"),
        *("NaN", "[Infinity]", "1e400", "[1e400]", "01", "18446744073709551617", "9223372036854775809"),
        *('{"n":-9223372036854775809}', '{"a":1,"a":1}', '{"a":1,"\\u0061":2}', '[{"x":{"a":1,"a":2}}]'),
        *('"\\ud800"', '["\\udc00\\ud800"]', '"\\u0000"', '{"\\u0000":1}', '"a\tb"', "\ufeff1"),
        *("[" * 65 + "]" * 65, '{"a":' * 65 + "1" + "}" * 65),
    ],
    "binary": [
        *("A", "AA", "AAA", "AA=", "A===", "====", "AAAA====", "AA==AA==", "AB==", "AAB=", "-_8=", "\u00e9"),
        *(" AA==", "AA==\n", "AA ==", "A\nA==", "data:;base64,AA=="),
    ],
}


def put(world: World, type_: str, text: str, key: str = "k") -> Any:
    entry = {
        "metadataKey": key,
        "metadataValue": text,
        "valueType": type_,
        "isPublic": True,
        "isEditable": True,
    }
    return set_entries(world.member, world, entry)


def stored_entry(world: World) -> Any:
    (entry,) = stored(world, world.member)["entries"]
    return entry


@pytest.mark.parametrize("type_", VALID)
def test_a_valid_value_has_one_canonical_text(world: World, type_: str) -> None:
    actual, expected = [], []
    for text, canonical, value in VALID[type_]:
        assert put(world, type_, text)["userErrors"] == [], text
        entry = stored_entry(world)
        before = stored(world, world.member)["revision"]
        rewritten = put(world, type_, entry["metadataValue"])["platformMetadata"]["revision"]
        assert rewritten == before, f"writing back what was read for {text!r} changed it"
        assert entry["valueType"] == type_
        actual.append((text, entry["metadataValue"], repr(entry["value"])))
        expected.append((text, text if canonical is SAME else canonical, value))
    assert actual == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("2030-01-01T00:00Z", "it has no seconds"),
        ("2030-01-01T00:00:00+0200", "with a colon"),
        ("2030-01-01T00:00:00+02", "with a colon"),
        ("2030-01-01T00:00:00", "it has no UTC offset"),
        ("2030-01-01T00:00:00.1234567890Z", "more than nine digits"),
        ("2030-01-01T23:59:60Z", "leap seconds end a month"),
        ("2030-02-30", "day is out of range for month"),
    ],
)
def test_the_refusal_of_a_date_tells_the_true_reason(world: World, text: str, reason: str) -> None:
    (error,) = put(world, "date", text)["userErrors"]
    assert reason in error["message"]


@pytest.mark.parametrize("type_", INVALID)
def test_an_invalid_value_is_refused_with_its_path_and_changes_nothing(world: World, type_: str) -> None:
    put(world, "string", "as it was")
    before = stored(world, world.member)
    for text in INVALID[type_]:
        payload = put(world, type_, text)
        (error,) = payload["userErrors"] or ({"code": None, "field": text},)
        assert (error["code"], error["field"]) == ("INVALID_VALUE", ["entries", "0", "metadataValue"]), text
        assert payload["platformMetadata"] is None
    assert stored(world, world.member) == before


def test_equal_numbers_are_one_value_however_they_are_written(world: World) -> None:
    spellings = ("1", "1.0", "10e-1", "2", "2.00", "0", "-0.0")
    revisions = [put(world, "number", text)["platformMetadata"]["revision"] for text in spellings]
    assert revisions == [1, 1, 1, 2, 2, 3, 3]


LIMIT = 128 * 1024


def encoded(size: int) -> str:
    return base64.b64encode(b"\xff" * size).decode()


@pytest.mark.parametrize(
    ("type_", "fits", "exceeds"),
    [
        ("string", "x" * (LIMIT - 2), "x" * (LIMIT - 1)),
        ("string", "😀" * (LIMIT // 4 - 1), "😀" * (LIMIT // 4)),
        ("string", '"' * (LIMIT // 2 - 1), '"' * (LIMIT // 2)),
        ("json", "[" + "1," * (LIMIT // 2 - 2) + "1 ]", "[" + "1," * (LIMIT // 2 - 1) + "1]"),
        (
            "binary",
            base64.b64encode(b"\xff" * LIMIT).decode(),
            base64.b64encode(b"\xff" * (LIMIT + 1)).decode(),
        ),
    ],
    ids=["bytes of text", "bytes of astral text", "bytes of escapes", "bytes of json", "decoded bytes"],
)
def test_a_value_can_be_as_large_as_the_limit_but_not_larger(
    world: World, type_: str, fits: str, exceeds: str
) -> None:
    assert put(world, type_, fits)["userErrors"] == []
    assert stored_entry(world)["metadataValue"] == fits.replace(" ", "")
    (error,) = put(world, type_, exceeds)["userErrors"]
    assert (error["code"], error["field"]) == ("VALUE_TOO_LARGE", ["entries", "0", "metadataValue"])
    assert stored(world, world.member)["revision"] == 1


@pytest.mark.parametrize("missing", [{}, {"metadataValue": None}])
def test_a_new_entry_needs_a_value(world: World, missing: dict[str, Any]) -> None:
    (error,) = set_entries(world.member, world, {"metadataKey": "k", **missing})["userErrors"]
    assert (error["code"], error["field"]) == ("INVALID_VALUE", ["entries", "0", "metadataValue"])


@pytest.mark.parametrize(
    ("before", "text", "after", "expected"),
    [
        ("string", "2024-03-01", "date", "2024-03-01"),
        ("string", "2024-03-01T12:00:00+01:00", "date", "2024-03-01T11:00:00Z"),
        ("string", "AA==", "binary", "AA=="),
        ("string", "5", "json", '"5"'),
        ("number", "5", "json", "5"),
        ("boolean", "true", "json", "true"),
        ("json", "5", "number", "5"),
        ("date", "2024-03-01", "string", "2024-03-01"),
        ("string", "5", "number", None),
        ("string", "true", "boolean", None),
        ("string", "soon", "date", None),
        ("string", "A", "binary", None),
        ("number", "5", "string", None),
        ("json", "[5]", "number", None),
        ("json", "null", "string", None),
    ],
)
def test_the_type_changes_only_if_the_value_is_valid_for_the_new_type(
    world: World, before: str, text: str, after: str, expected: str | None
) -> None:
    assert put(world, before, text)["userErrors"] == []
    payload = set_entries(world.member, world, {"metadataKey": "k", "valueType": after})
    entry = stored_entry(world)
    if expected is None:
        assert [each["code"] for each in payload["userErrors"]] == ["INVALID_VALUE"]
        assert (entry["valueType"], entry["metadataValue"]) == (before, text)
    else:
        assert payload["userErrors"] == []
        assert (entry["valueType"], entry["metadataValue"]) == (after, expected)


KEYS = [
    "k",
    "a:b",
    ":",
    "a/b//c",
    "\U0001f600",
    "ключ",
    "with space",
    "x" * 255,
    "\U0001f600" * 255,
    "__proto__",
    '"',
]


@pytest.mark.parametrize("key", KEYS)
def test_every_valid_key_finds_its_entry(world: World, key: str) -> None:
    assert put(world, "string", "v", key)["userErrors"] == []
    by_key = """query ($key: String!, $name: String!) { platformMetadata(platformKey: $key) {
      metadata(keys: [$name]) entry(key: $name) { id metadataKey } } }"""
    found = world.member.ask(by_key, key=world.platform_key, name=key)["platformMetadata"]
    assert found["metadata"] == {key: "v"}
    by_id = "query ($id: ID!) { node(id: $id) { id ... on UserMetadata { metadataKey } } }"
    node = world.member.ask(by_id, id=found["entry"]["id"])["node"]
    assert node == found["entry"]
    deleted = set_entries(world.member, world, deleteKeys=[key])
    assert deleted["deletedKeys"] == [key]


@pytest.mark.parametrize(
    "key",
    ["", " ", "\t", "\u00a0", " k", "k ", "k\n", "\u3000k", "k\u2028", "x" * 256, "😀" * 256],
)
def test_an_invalid_key_is_refused_with_its_path(world: World, key: str) -> None:
    good = {"metadataKey": "good", "metadataValue": "v"}
    (error,) = set_entries(world.member, world, good, {"metadataKey": key, "metadataValue": "v"})[
        "userErrors"
    ]
    assert (error["code"], error["field"]) == ("INVALID_KEY", ["entries", "1", "metadataKey"])
    assert stored(world, world.member)["revision"] == 0


@pytest.mark.parametrize("entry", ['metadataKey: "\\u0000k"', 'metadataKey: "k", metadataValue: "\\u0000"'])
def test_a_literal_with_a_nul_character_is_refused_with_its_path(world: World, entry: str) -> None:
    value = "" if "Value" in entry else ', metadataValue: "v"'
    query = f"""mutation ($key: String!) {{ setUserMetadata(input: {{platformKey: $key,
      entries: [{{{entry}{value}}}]}}) {{ userErrors {{ code field }} }} }}"""
    (error,) = world.member.ask(query, key=world.platform_key)["setUserMetadata"]["userErrors"]
    name = "Value" if "Value" in entry else "Key"
    assert error == {"code": f"INVALID_{name.upper()}", "field": ["entries", "0", f"metadata{name}"]}
