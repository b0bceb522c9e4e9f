"""Export and import of definitions, and their effect on imported documents."""

import json
import sqlite3
from contextlib import closing
from typing import Any

import pytest

from tests.support.service import serving
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

DEFINITION: Line = {
    "type": "definition",
    "platformKey": "shop",
    "key": "size",
    "valueType": "number",
    "rules": {"choices": [1, 2.5, 7], "minimum": 1, "maximum": 1000},
    "defaults": {"category": "c", "description": "d", "is_public": False, "is_editable": False},
    "createdAt": CREATED_AT,
    "updatedAt": CREATED_AT + 5,
}
DEFINED: list[Line] = [
    *DIRECTORY[:4],
    DIRECTORY[4] | {"strict": True},
    completed(user_line("u")),
    document_line("u", "shop", {"size": "XL", "undefined": True}),
    DEFINITION | {"defaults": {}, "key": "Size", "rules": {}},
    DEFINITION,
    DEFINITION | {"platformKey": "blog", "valueType": "binary", "rules": {"maxLength": 9}},
]


def test_definitions_are_imported_after_documents_that_break_them(shell: Shell, other: Shell) -> None:
    text = jsonl(DEFINED)
    for target, source in ((shell, text), (other, text)):
        output = target.output("import", "-", input=source.encode())
        assert output == f"Read {len(DEFINED)} lines: {len(DEFINED)} written, 0 already stored.\n"
        assert target.exported() == text
        output = target.output("import", "-", input=text.encode())
        assert output == f"Read {len(DEFINED)} lines: 0 written, {len(DEFINED)} already stored.\n"


@pytest.mark.parametrize("at_once", [True, False])
def test_documents_must_conform_to_the_definitions_before_them(shell: Shell, at_once: bool) -> None:
    before = [*DEFINED, completed(user_line("v"))]
    if not at_once:
        shell.load(*before)

    def error_for(document: Line) -> str:
        output = shell.error("import", "-", input=jsonl([*before, document]).encode())
        assert output.startswith(f"Line {len(before) + 1}: ")
        return output.partition(": ")[2]

    output = error_for(document_line("v", "shop", {"size": "XL"}))
    assert output.startswith("'size': ")
    assert " a number" in output
    output = error_for(
        document_line("v", "shop", {}, attributes={"size": {"isPublic": False, "value": "XL"}})
    )
    assert " a number" in output
    output = error_for(document_line("v", "shop", {"size": 1, "other": 1}))
    assert output.startswith("The platform accepts only defined keys, and 'other' is not defined.")
    output = error_for(document_line("v", "blog", {"size": "XL"}))
    assert " a binary" in output
    good = [
        document_line("v", "blog", {"free": 1}),
        document_line("v", "shop", {"Size": 2, "size": 1}),
        document_line("v", None, {"size": "XL"}),
    ]
    shell.load(*before, *good)


def test_imported_definitions_apply_to_writes(shell: Shell) -> None:
    shell.load(*DEFINED)
    token = shell.output("token", "issue", "u").strip()
    patch = """mutation ($metadata: JSONObject!) { patchPlatformMetadata(input: {platformKey: "shop",
      metadata: $metadata}) { userErrors { code } platformMetadata { metadata } } }"""
    with serving(shell.url) as service:
        responses = [
            service.client.post(
                "/graphql",
                json={"query": patch, "variables": {"metadata": metadata}},
                headers={"Authorization": f"Bearer {token}"},
            ).json()["data"]["patchPlatformMetadata"]["userErrors"]
            for metadata in ({"other": 1}, {"Size": "XL"}, {"Size": 7})
        ]
    assert responses[0] == [{"code": "KEY_NOT_DEFINED"}]
    assert responses[1] != []
    assert responses[2] == []


def test_stored_definitions_are_not_overwritten(shell: Shell) -> None:
    text = jsonl(DEFINED)
    shell.load(*DEFINED)
    for line, names in (
        (DEFINITION | {"rules": {}, "updatedAt": 0}, "`rules`, `updatedAt`"),
        (DEFINITION | {"valueType": "json", "rules": {}, "defaults": {}}, "`valueType`, `rules`, `defaults`"),
        (DEFINED[4] | {"strict": False}, "`strict`"),
    ):
        output = shell.error("import", "-", input=jsonl([line]).encode())
        assert output.startswith(f"Line 1: This record is already stored with a different {names}. Remove ")
        assert shell.exported() == text


@pytest.mark.parametrize(
    ("corrupting", "message"),
    [
        (
            "UPDATE metadata_definitions SET rules = '7' WHERE key = 'Size'",
            "The stored `rules` of the definition of 'Size' on the platform shop is malformed: "
            "not a JSON object.",
        ),
        (
            "UPDATE metadata_definitions SET defaults = '{' WHERE key = 'Size'",
            "The stored `defaults` of the definition of 'Size' on the platform shop is malformed: "
            "not a JSON object.",
        ),
        (
            "UPDATE documents SET attributes = '[]'",
            "The stored `attributes` of the user u is malformed: not an object of objects.",
        ),
    ],
)
def test_malformed_definitions_are_not_exported(sqlite_shell: Shell, corrupting: str, message: str) -> None:
    sqlite_shell.load(*DEFINED)
    with closing(sqlite3.connect(sqlite_shell.url.partition(":///")[2])) as connection:
        connection.executescript(corrupting)
    done = sqlite_shell.run("export", "-")
    assert (done.exit_code, done.stderr) == (1, f"gql-service: {message}\n")


def test_the_number_of_definitions_of_a_platform_is_limited(shell: Shell) -> None:
    many = [DEFINITION | {"key": f"k{number:03}"} for number in range(500)]
    lines = [*DIRECTORY, *many]
    output = shell.error("import", "-", input=jsonl([*lines, DEFINITION]).encode())
    number = len(lines) + 1
    assert output.startswith(f"Line {number}: The platform has 500 definitions; no more are allowed.")
    assert shell.exported() == jsonl(lines)


ASSIGNMENT: Line = {
    "default": 1,
    "variants": [
        {"name": "a", "value": 2.5, "weight": 3, "ranges": [[0, 2], [9, 10]]},
        {"name": "b", "value": 7, "weight": 2, "ranges": [[2, 4]]},
    ],
    "salt": "s",
    "enabled": False,
    "clientVisible": False,
    "userWideFallback": True,
}
ASSIGNED = DEFINITION | {
    "assignment": ASSIGNMENT,
    "presentation": {"title": "Size", "section": "Look", "position": 3},
}


def test_variants_keep_their_buckets(shell: Shell, other: Shell) -> None:
    text = jsonl([*DIRECTORY, ASSIGNED])
    for target in (shell, other):
        target.output("import", "-", input=text.encode())
        exported = [json.loads(line) for line in target.exported().split("\n") if line]
        assert exported[-1] == ASSIGNED
        history = json.loads(target.output("definition", "history", "shop", "--json"))
        (change,) = history
        assert (change["key"], change["actorId"]) == ("size", None)
        assert [each["name"] for each in change["definition"]["variants"]] == ["a", "b"]


def _variants(**changed: Any) -> Line:
    first, second = ASSIGNMENT["variants"]
    return ASSIGNMENT | {"variants": [first | changed, second]}


@pytest.mark.parametrize(
    "fields",
    [
        {"assignment": ASSIGNMENT | {"default": 3}},  # is no choice
        {"assignment": ASSIGNMENT | {"enabled": True}},  # the default, which is left out
        {"assignment": ASSIGNMENT | {"other": 1}},
        {"assignment": ASSIGNMENT | {"variants": 1}},
        {"assignment": ASSIGNMENT | {"enabled": "no"}},
        {"assignment": _variants(value=3)},
        {"assignment": _variants(weight=4)},  # the ranges have 3
        {"assignment": _variants(weight="3")},
        {"assignment": _variants(weight=100_000)},
        {"assignment": _variants(ranges=[[0, 3]])},  # overlaps
        {"assignment": _variants(ranges=[[99_999, 100_002]])},
        {"assignment": _variants(ranges=[[5, 2]])},
        {"assignment": _variants(ranges="abc")},
        {"assignment": _variants(ranges=[["0", "3"]])},
        {"assignment": _variants(ranges=[[10.5, 13.5]])},
        {"assignment": _variants(ranges=[[False, 2], [9, 10]])},
        {"assignment": _variants(name=7)},
        {"assignment": _variants(name="b")},
        {"assignment": ASSIGNMENT | {"variants": [{"name": "a"}]}},
        {"presentation": {"title": 1}},
        {"presentation": {"title": ""}},
        {"presentation": {"position": "1"}},
        {"presentation": {"position": True}},
        {"presentation": {"other": "x"}},
    ],
)
def test_a_wrong_assignment_is_not_imported(shell: Shell, fields: Line) -> None:
    lines = [*DIRECTORY, ASSIGNED | fields]
    output = shell.error("import", "-", input=jsonl(lines).encode())
    assert output.startswith(f"Line {len(lines)}: `"), output
