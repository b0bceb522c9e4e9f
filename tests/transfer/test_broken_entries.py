"""Import of invalid entries and definitions: the message names the rule, and nothing is written."""

import base64
from typing import Any

import pytest

from tests.transfer.test_broken_records import OMITTED, changed, check_rejected, migrated, sqlite_shell
from tests.transfer.test_round_trip import CREATED_AT, Line, Shell, document_line

__all__ = ["sqlite_shell", "migrated"]

SEALED = f"k1:{base64.b64encode(bytes(40)).decode()}"
HIDDEN: Line = {"createdAt": CREATED_AT, "isPublic": False, "value": "x"}
SECRET: Line = {"createdAt": CREATED_AT, "type": "json", "ciphertext": SEALED}
DOCUMENT = document_line("u1", "blog", {"p": 1}, attributes={"h": HIDDEN, "p": {"createdAt": CREATED_AT}})
DEFINITION: Line = {
    "type": "definition",
    "platformKey": "blog",
    "key": "k",
    "valueType": "string",
    "rules": {"maxLength": 5},
    "defaults": {"is_public": False},
    "createdAt": CREATED_AT,
    "updatedAt": CREATED_AT,
}


def hidden(**fields: Any) -> Line:
    """The hidden entry with other fields; OMITTED removes one."""
    return {name: value for name, value in (HIDDEN | fields).items() if value is not OMITTED}


def dated(text: str) -> Line:
    return hidden(type="date", value=text)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ([], "The attributes of a key must be an object."),
        (hidden(isEncrypted=True), "Unknown field `isEncrypted`. The fields are `type`, `value`, "),
        (hidden(type="text"), "`type` must be one of string, number, boolean, date, json, binary."),
        (hidden(type=["string"]), "`type` must be one of"),
        (hidden(type=None), "`type` must be one of"),
        (hidden(isPublic=0), "`isPublic` must be true or false."),
        (hidden(isEditable=None), "`isEditable` must be true or false."),
        (hidden(isIndexed="yes"), "`isIndexed` must be true or false."),
        (hidden(category=""), "`category` must be a string of 1 to 100 characters."),
        (hidden(category="c" * 101), "`category` must be a string of 1 to 100 characters."),
        (hidden(description="d" * 501), "`description` must be a string of 1 to 500 characters."),
        (hidden(source=None), "`source` must be a string of 1 to 100 characters."),
        (hidden(validFrom="2024-01-01T00:00:00Z"), "`validFrom` must be milliseconds since 1970"),
        (hidden(validUntil=-1), "`validUntil` must be milliseconds since 1970"),
        (hidden(validUntil=2**53), "`validUntil` must be milliseconds since 1970"),
        (hidden(validFrom=5, validUntil=5), "`validFrom` must be before `validUntil`."),
        (hidden(createdAt=None), "`createdAt` must be milliseconds since 1970"),
        (hidden(createdBy="a b"), "`createdBy` must be the id of a user, or null."),
        (hidden(updatedBy="u1"), "`updatedBy` needs `updatedAt`."),
        (hidden(updatedAt=1.5), "`updatedAt` must be milliseconds since 1970"),
        (hidden(value=OMITTED), "The entry has no value. Set exactly one: in `metadata`, or here as"),
        (hidden(ciphertext=SEALED), "The entry has more than one value. Set exactly one"),
        (hidden(isPublic=True), "The entry is public and always valid: move its value to `metadata`."),
        (hidden(type="number"), "The value cannot be stored as number. A number is expected, not a string."),
        (hidden(type="boolean"), "cannot be stored as boolean. A boolean is expected, not a string."),
        (hidden(type="string", value=1), "cannot be stored as string. A string is expected, not a number."),
        (hidden(type="string", value=None), "cannot be stored as string. A string is expected, not a json."),
        (dated("2024-02-30"), "The value cannot be stored as date. A date is expected"),
        (dated("2024-03-01T10:00:00"), "The value cannot be stored as date. A date is expected"),
        (dated("2024-03-01T10:00:00+01:00"), 'not in canonical form: write "2024-03-01T09:00:00Z".'),
        (dated("2024-03-01T10:00:00.500Z"), 'not in canonical form: write "2024-03-01T10:00:00.5Z".'),
        (hidden(type="binary", value="AAE"), "The value cannot be stored as binary. Binary data is expected"),
        (hidden(type="binary", value="AAAA" * 43691), "as binary. The data takes 131073 bytes; 131072 are"),
        (hidden(value="x" * 2**17), "The value takes 131074 bytes; 131072 are allowed."),
        (hidden(value=OMITTED, ciphertext=SEALED), "An encrypted value needs a `type`."),
        (SECRET | {"ciphertext": 1}, "`ciphertext` must be a string."),
        (SECRET | {"ciphertext": SEALED[3:]}, "`ciphertext` must be the id of an encryption key, a"),
        (SECRET | {"ciphertext": f"k/{SEALED}"}, "`ciphertext` must be the id of an encryption key, a"),
        (SECRET | {"ciphertext": SEALED[:-2]}, "`ciphertext` must be the id of an encryption key, a"),
        (SECRET | {"ciphertext": f"k1:{'A' * 36}"}, "`ciphertext` must be the id of an encryption key, a"),
        (SECRET | {"ciphertext": f"k1:{'A' * 180_000}"}, "The value takes 134972 bytes; 131072 are allowed."),
        (SECRET | {"isIndexed": True}, "encrypted with the key 'k1', which is not configured."),
    ],
)  # fmt: skip
def test_an_entry_must_obey_every_rule(sqlite_shell: Shell, entry: object, message: str) -> None:
    attributes = DOCUMENT["attributes"] | {"h": entry}
    check_rejected(sqlite_shell, changed(DOCUMENT, attributes=attributes), message, DOCUMENT)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"attributes": None}, "`attributes` must be an object."),
        ({"attributes": []}, "`attributes` must be an object."),
        ({"attributes": {"": HIDDEN}}, "`attributes`: '': A key must not be empty."),
        ({"attributes": {" a": HIDDEN}}, "`attributes`: ' a': The key ' a' begins or ends with white space."),
        ({"attributes": {"k" * 256: HIDDEN}}, "has 256 characters; 255 are allowed."),
        ({"attributes": {"p": HIDDEN}}, "`attributes`: 'p': The entry has more than one value"),
        ({"attributes": {"p": {"ciphertext": SEALED, "type": "json"}}}, "'p': The entry has more than one"),
        ({"attributes": {"p": {"isPublic": False}}},
         "`attributes`: 'p': The entry is hidden or has a validity period: move its value to `value` here."),
        ({"attributes": {"p": {"validFrom": 0}}}, "'p': The entry is hidden or has a validity period"),
        ({"attributes": {"p": {"type": "string"}}}, "'p': The value cannot be stored as string. A string"),
        ({"attributes": {"q": {"createdAt": CREATED_AT}}}, "`attributes`: 'q': The entry has no value"),
        ({"metadata": {f"p{n}": n for n in range(1000)},
          "attributes": {f"q{n}": HIDDEN for n in range(1001)}}, "2001 keys; 2000 are allowed."),
        ({"attributes": {f"q{n}": HIDDEN | {"value": "x" * 130_000} for n in range(9)}},
         "The document would take 11"),
    ],
)  # fmt: skip
def test_a_document_must_obey_every_rule(sqlite_shell: Shell, fields: Line, message: str) -> None:
    check_rejected(sqlite_shell, changed(DOCUMENT, **fields), message, DOCUMENT)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"platformKey": "none"}, "`platformKey`: there is no platform 'none'"),
        ({"platformKey": None}, "`platformKey` must be a string."),
        ({"key": " k"}, "`key`: The key ' k' begins or ends with white space."),
        ({"key": OMITTED}, "The field `key` is missing."),
        ({"valueType": "text"}, "`valueType`: There is no such type; the types are string, number, boolean,"),
        ({"rules": []}, "`rules` must be an object."),
        ({"rules": {"max": 1}}, "`rules`: There is no rule `max`; the rules are minimum, maximum,"),
        ({"rules": {"pattern": "x" * 2**17}}, "`"),
        ({"defaults": None}, "`defaults` must be an object."),
        ({"defaults": {"isPublic": True}}, "`defaults`: There is no default `isPublic`; the defaults are"),
        ({"defaults": {"is_public": 1}}, "`defaults`: The default `is_public` must be true or false."),
        ({"defaults": {"category": ""}}, "The default `category` must be a text of 1 to 100 characters."),
        ({"createdAt": None}, "`createdAt` must be milliseconds since 1970"),
        ({"strict": True}, "Unknown field `strict`"),
    ],
)
def test_a_definition_must_obey_every_rule(sqlite_shell: Shell, fields: Line, message: str) -> None:
    check_rejected(sqlite_shell, changed(DEFINITION, **fields), message, DEFINITION)


def test_a_platform_is_strict_or_not(sqlite_shell: Shell) -> None:
    platform: Line = {"type": "platform", "id": "p-3", "key": "new", "tenantId": "acme", "name": "New"}
    platform |= {"createdAt": CREATED_AT, "strict": True}
    check_rejected(sqlite_shell, changed(platform, strict=None), "`strict` must be true or false.", platform)
