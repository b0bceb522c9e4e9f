"""Export and import of definitions, and their effect on imported documents."""

import sqlite3
from contextlib import closing

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
