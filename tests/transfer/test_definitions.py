"""Definitions through `export` and `import`, and what they say of the documents that are imported."""

import sqlite3
from contextlib import closing

import pytest

from tests.support.service import serving
from tests.transfer.test_round_trip import (
    BORN,
    DIRECTORY,
    Line,
    Shell,
    filed,
    lite,
    other,
    person,
    shell,
    whole,
    written,
)

__all__ = ["lite", "other", "shell"]

DEFINITION: Line = {
    "type": "definition",
    "platformKey": "shop",
    "key": "size",
    "valueType": "number",
    "rules": {"choices": [1, 2.5, 7], "minimum": 1, "maximum": 1e3},
    "defaults": {"category": "c", "description": "d", "is_public": False, "is_editable": False},
    "createdAt": BORN,
    "updatedAt": BORN + 5,
}
DEFINED: list[Line] = [
    *DIRECTORY[:4],
    DIRECTORY[4] | {"strict": True},
    whole(person("u")),
    filed("u", "shop", {"size": "XL", "undefined": True}),
    DEFINITION | {"defaults": {}, "key": "Size", "rules": {}},
    DEFINITION,
    DEFINITION | {"platformKey": "blog", "valueType": "binary", "rules": {"maxLength": 9}},
]


def test_definitions_come_through_whatever_was_there_before_them(shell: Shell, other: Shell) -> None:
    text = written(DEFINED)
    for target, source in ((shell, text), (other, text)):
        told = target.told("import", "-", input=source.encode())
        assert told == f"Read {len(DEFINED)} lines: {len(DEFINED)} written, 0 already stored.\n"
        assert target.everything() == text
        told = target.told("import", "-", input=text.encode())
        assert told == f"Read {len(DEFINED)} lines: 0 written, {len(DEFINED)} already stored.\n"


@pytest.mark.parametrize("at_once", [True, False])
def test_documents_are_held_to_the_definitions_before_them(shell: Shell, at_once: bool) -> None:
    before = [*DEFINED, whole(person("v"))]
    if not at_once:
        shell.load(*before)

    def refused(document: Line) -> str:
        told = shell.refused("import", "-", input=written([*before, document]).encode())
        assert told.startswith(f"Line {len(before) + 1}: ")
        return told.partition(": ")[2]

    told = refused(filed("v", "shop", {"size": "XL"}))
    assert told.startswith("'size': ")
    assert " a number" in told
    told = refused(filed("v", "shop", {}, attributes={"size": {"isPublic": False, "value": "XL"}}))
    assert " a number" in told
    told = refused(filed("v", "shop", {"size": 1, "other": 1}))
    assert told.startswith("The platform accepts only defined keys, and 'other' is not defined.")
    told = refused(filed("v", "blog", {"size": "XL"}))
    assert " a binary" in told
    good = [
        filed("v", "blog", {"free": 1}),
        filed("v", "shop", {"Size": 2, "size": 1}),
        filed("v", None, {"size": "XL"}),
    ]
    shell.load(*before, *good)


def test_what_was_defined_binds_the_service(shell: Shell) -> None:
    shell.load(*DEFINED)
    token = shell.told("token", "issue", "u").strip()
    patch = """mutation ($metadata: JSONObject!) { patchPlatformMetadata(input: {platformKey: "shop",
      metadata: $metadata}) { userErrors { code } platformMetadata { metadata } } }"""
    with serving(shell.url) as service:
        answers = [
            service.client.post(
                "/graphql",
                json={"query": patch, "variables": {"metadata": metadata}},
                headers={"Authorization": f"Bearer {token}"},
            ).json()["data"]["patchPlatformMetadata"]["userErrors"]
            for metadata in ({"other": 1}, {"Size": "XL"}, {"Size": 7})
        ]
    assert answers[0] == [{"code": "KEY_NOT_DEFINED"}]
    assert answers[1] != []
    assert answers[2] == []


def test_definitions_that_are_there_otherwise_are_not_overwritten(shell: Shell) -> None:
    text = written(DEFINED)
    shell.load(*DEFINED)
    for line, names in (
        (DEFINITION | {"rules": {}, "updatedAt": 0}, "`rules`, `updatedAt`"),
        (DEFINITION | {"valueType": "json", "rules": {}, "defaults": {}}, "`valueType`, `rules`, `defaults`"),
        (DEFINED[4] | {"strict": False}, "`strict`"),
    ):
        told = shell.refused("import", "-", input=written([line]).encode())
        assert told.startswith(f"Line 1: This record is already stored with a different {names}. Remove ")
        assert shell.everything() == text


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
def test_what_is_malformed_is_named_and_not_exported(lite: Shell, corrupting: str, message: str) -> None:
    lite.load(*DEFINED)
    with closing(sqlite3.connect(lite.url.partition(":///")[2])) as connection:
        connection.executescript(corrupting)
    done = lite.run("export", "-")
    assert (done.exit_code, done.stderr) == (1, f"gql-service: {message}\n")


def test_a_platform_has_no_more_definitions_than_it_may(shell: Shell) -> None:
    many = [DEFINITION | {"key": f"k{number:03}"} for number in range(500)]
    lines = [*DIRECTORY, *many]
    told = shell.refused("import", "-", input=written([*lines, DEFINITION]).encode())
    number = len(lines) + 1
    assert told.startswith(f"Line {number}: The platform has 500 definitions; no more are allowed.")
    assert shell.everything() == written(lines)
