"""JSON that GraphQL and REST must reject, and similar JSON that they must accept."""

import json
from typing import Any

import httpx
import pytest

from tests.support.service import Service
from tests.support.world import REST, Caller, World

OPERATIONS = ("PATCH", "PUT", "patchPlatformMetadata", "replacePlatformMetadata")
PATCH_OPERATIONS = ("PATCH", "patchPlatformMetadata")
KIB, MIB = 1024, 1024 * 1024
LARGEST_TEXT = "x" * (128 * KIB - 2)
"""The longest string value. The quotes count."""


class RawClient:
    """A client that sends arbitrary bytes for a user (by default the member), whose document has one key."""

    def __init__(self, world: World, caller: Caller | None = None) -> None:
        self.caller = caller or world.member
        self.key = world.platform_key
        assert self.caller.rest("PUT", self.key, {"metadata": {"kept": 1}}).status_code == 200

    def rest(self, method: str, content: Any, **headers: str) -> httpx.Response:
        return self._send(method, REST, content, headers, params={"platform_key": self.key})

    def graphql(self, content: Any, **headers: str) -> httpx.Response:
        return self._send("POST", "/graphql", content, headers)

    def ask(self, query: str, variables: str = "{}") -> httpx.Response:
        """An operation whose variables are JSON text."""
        return self.graphql(f'{{"query": {json.dumps(query)}, "variables": {variables}}}'.encode())

    def write(self, operation: str, metadata: str) -> httpx.Response:
        """Write metadata as JSON text by one of the four operations."""
        if operation in ("PATCH", "PUT"):
            return self.rest(operation, f'{{"metadata": {metadata}}}'.encode())
        input_type = f"{operation[0].upper()}{operation[1:]}Input!"
        mutation = (
            f"mutation ($i: {input_type}) {{ {operation}(input: $i) {{ userErrors {{ code message }} }} }}"
        )
        return self.ask(mutation, f'{{"i": {{"platformKey": "{self.key}", "metadata": {metadata}}}}}')

    def state(self) -> tuple[str, Any]:
        response = self.caller.rest("GET", self.key)
        return response.headers["etag"], response.json()

    def _send(
        self, method: str, path: str, content: Any, headers: dict[str, str], **options: Any
    ) -> httpx.Response:
        custom_headers = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.caller.service.client.request(
            method,
            path,
            content=content,
            headers={
                "Authorization": f"Token {self.caller.token}",
                "Accept": "application/graphql-response+json, application/json",
                "Content-Type": "application/json",
                **custom_headers,
            },
            **options,
        )


def verdict(response: httpx.Response) -> tuple[str | int, str]:
    """The GraphQL code or the REST status of a response, and its message. Fails for internal errors."""
    assert response.status_code < 500, response.text
    assert "INTERNAL" not in response.text
    assert "Traceback" not in response.text
    assert 'File "' not in response.text
    body = response.json()
    if not {"data", "errors"} & set(body):
        return response.status_code, " ".join(map(str, body.values()))
    if "errors" in body:
        return body["errors"][0]["extensions"]["code"], body["errors"][0]["message"]
    (payload,) = body["data"].values()
    for error in payload.get("userErrors", ()):
        return error["code"], error["message"]
    return "OK", ""


@pytest.fixture(scope="module")
def world(service: Service) -> World:
    """The tests share their users: `client` resets the document."""
    return World(service)


@pytest.fixture
def client(world: World) -> RawClient:
    return RawClient(world)


def lists(depth: int) -> str:
    return "[" * depth + "]" * depth


def objects(depth: int, innermost: str = "1") -> str:
    return '{"a":' * depth + innermost + "}" * depth


BAD_USER_INPUT = (400, "BAD_USER_INPUT")
INVALID_KEY = (400, "INVALID_KEY")
VALUE_TOO_LARGE, TOO_MANY_KEYS = (413, "VALUE_TOO_LARGE"), (413, "TOO_MANY_KEYS")
DUPLICATE, NOT_JSON, RANGE = "appears twice", "not valid JSON", "64 bits"
NUL, SURROGATE, DEEP = r"\u0000", "surrogate", "nested deeper than 64 levels"
REFUSED = {
    "a string": ('"x"', BAD_USER_INPUT, "JSON object"),
    "a list": ("[]", BAD_USER_INPUT, "JSON object"),
    "a list of pairs": ('[["a", 1]]', BAD_USER_INPUT, "JSON object"),
    "a number": ("1", BAD_USER_INPUT, "JSON object"),
    "a boolean": ("true", BAD_USER_INPUT, "JSON object"),
    "a duplicate key": ('{"a": 1, "a": 1}', BAD_USER_INPUT, DUPLICATE),
    "a duplicate key with an escape": (r'{"ab": 1, "\u0061b": 2}', BAD_USER_INPUT, DUPLICATE),
    "a duplicate key inside a value": ('{"a": {"b": 1, "b": 2}}', BAD_USER_INPUT, DUPLICATE),
    "a duplicate key deep in a value": ('{"a": [[{"b": {"c": 1, "c": 2}}]]}', BAD_USER_INPUT, DUPLICATE),
    "a duplicate key beside misleading text": (r'{"a": "\":", "b": 1, "b" : 2}', BAD_USER_INPUT, DUPLICATE),
    "NaN": ('{"a": NaN}', BAD_USER_INPUT, NOT_JSON),
    "Infinity": ('{"a": Infinity}', BAD_USER_INPUT, NOT_JSON),
    "-Infinity": ('{"a": -Infinity}', BAD_USER_INPUT, NOT_JSON),
    "1e999": ('{"a": 1e999}', BAD_USER_INPUT, NOT_JSON),
    "-1e999 deep in a value": ('{"a": [{"b": -1e999}]}', BAD_USER_INPUT, NOT_JSON),
    "a leading zero": ('{"a": 01}', BAD_USER_INPUT, NOT_JSON),
    "a trailing comma": ('{"a": 1,}', BAD_USER_INPUT, NOT_JSON),
    "a control character": ('{"a": "\t"}', BAD_USER_INPUT, NOT_JSON),
    "a lone high surrogate": (r'{"a": "\ud800"}', BAD_USER_INPUT, SURROGATE),
    "a lone low surrogate": (r'{"a": ["\udc00"]}', BAD_USER_INPUT, SURROGATE),
    "surrogates the wrong way round": (r'{"a": "\udca9\ud83d"}', BAD_USER_INPUT, SURROGATE),
    "a lone surrogate in a key": (r'{"\ud800": 1}', BAD_USER_INPUT, SURROGATE),
    "a NUL in a value": (rf'{{"a": "x{NUL}"}}', BAD_USER_INPUT, "U+0000"),
    "a NUL in a key": (rf'{{"x{NUL}": 1}}', BAD_USER_INPUT, "U+0000"),
    "a NUL in a key deep in a value": (rf'{{"a": [{{"{NUL}": 1}}]}}', BAD_USER_INPUT, "U+0000"),
    "2^63 + 1": ('{"a": 9223372036854775809}', BAD_USER_INPUT, RANGE),
    "2^64 - 1": ('{"a": [18446744073709551615]}', BAD_USER_INPUT, RANGE),
    "2^70 + 1": ('{"a": {"b": 1180591620717411303425}}', BAD_USER_INPUT, RANGE),
    "-2^63 - 1": ('{"a": -9223372036854775809}', BAD_USER_INPUT, RANGE),
    "an integer of 300 digits": (f'{{"a": {"9" * 300}}}', BAD_USER_INPUT, RANGE),
    "an integer of 5,000 digits": (f'{{"a": {"9" * 5000}}}', BAD_USER_INPUT, NOT_JSON),
    "65 lists": (f'{{"a": {lists(65)}}}', BAD_USER_INPUT, DEEP),
    "65 objects": (f'{{"a": {objects(65)}}}', BAD_USER_INPUT, DEEP),
    "64 objects around a list": (f'{{"a": {objects(64, "[]")}}}', BAD_USER_INPUT, DEEP),
    "20,000 lists": (f'{{"a": {lists(20_000)}}}', BAD_USER_INPUT, NOT_JSON),
    "20,000 objects": (f'{{"a": {objects(20_000)}}}', BAD_USER_INPUT, NOT_JSON),
    "20,000 lists left open": (f'{{"a": {"[" * 20_000}', BAD_USER_INPUT, NOT_JSON),
    "an empty key": ('{"": 1}', INVALID_KEY, "must not be empty"),
    "a key of 256 characters": (f'{{"{"k" * 256}": 1}}', INVALID_KEY, "255"),
    "a key that begins with a space": ('{" a": 1}', INVALID_KEY, "white space"),
    "a key that ends with a tab": (r'{"a\t": 1}', INVALID_KEY, "white space"),
    "a key that ends with a no-break space": (r'{"a\u00a0": 1}', INVALID_KEY, "white space"),
    "a key of white space": (r'{"\u2003": 1}', INVALID_KEY, "white space"),
    "a bad key behind a good one": ('{"good": 1, " bad": 1}', INVALID_KEY, "white space"),
    "a text of 128 KiB and a byte": (f'{{"a": "x{LARGEST_TEXT}"}}', VALUE_TOO_LARGE, "takes 131073 bytes"),
    "a list of more than 128 KiB": (f'{{"a": [{"1," * 65_536}1]}}', VALUE_TOO_LARGE, "131072 are allowed"),
    "2,001 keys": (json.dumps({f"k{each}": 1 for each in range(2001)}), TOO_MANY_KEYS, "2000 are allowed"),
    "more than 1 MiB in a short spelling": (
        "{" + ",".join(f'"{each}": [{"1e15," * 7600}1]' for each in "abcdefghi") + "}",
        (413, "DOCUMENT_TOO_LARGE"),
        "1048576 are allowed",
    ),
}
ACCEPTED = {
    "-2^63": '{"a": -9223372036854775808}',
    "2^63 - 1": '{"a": 9223372036854775807}',
    "a large float": '{"a": 1e308}',
    "a float beyond 64 bits": '{"a": 1.5e300}',
    "64 lists": f'{{"a": {lists(64)}}}',
    "64 objects": f'{{"a": {objects(64)}}}',
    "a key of 255 characters": f'{{"{"é" * 255}": 1}}',
    "a key with a space inside": '{"a b": 1}',
    "a pair of surrogates": r'{"\ud83d\udca9": "\ud83d\udca9"}',
    "equal keys in different objects": '{"a": {"a": 1}, "b": {"a": {"a": 1}}}',
    "text that looks like a duplicate key": r'{"a": "\"a\": 1", "b": "{\"a\": 1, \"a\": 2}"}',
    "control characters": r'{"a": "\u0001\u001f\u007f\ufffe\uffff"}',
    "a text of 128 KiB": f'{{"a": "{LARGEST_TEXT}"}}',
    "1,999 more keys": json.dumps({f"k{number}": 1 for number in range(1999)}),
}


@pytest.mark.parametrize(("metadata", "codes", "message"), REFUSED.values(), ids=REFUSED)
def test_graphql_and_rest_reject_the_same_invalid_metadata(
    client: RawClient, metadata: str, codes: tuple[int, str], message: str
) -> None:
    before = client.state()
    for operation in OPERATIONS:
        code, error = verdict(client.write(operation, metadata))
        assert code in codes, (operation, error)
        assert message in error, operation
    assert client.state() == before


@pytest.mark.parametrize("metadata", ACCEPTED.values(), ids=ACCEPTED)
def test_unusual_metadata_is_stored_as_it_was_sent(client: RawClient, metadata: str) -> None:
    sent = json.loads(metadata)
    for operation in OPERATIONS:
        kept = {"kept": 1} if operation.lower().startswith("patch") else {}
        client.caller.rest("PUT", client.key, {"metadata": {"kept": 1}})
        assert verdict(client.write(operation, metadata))[0] in (200, "OK"), operation
        assert client.state()[1]["metadata"] == {**kept, **sent}, operation


def test_metadata_cannot_be_replaced_with_null(client: RawClient) -> None:
    before = client.state()
    assert verdict(client.write("PUT", "null")) == (400, "['`metadata` must be a JSON object.']")
    code, message = verdict(client.write("replacePlatformMetadata", "null"))
    assert code == "BAD_USER_INPUT"
    assert "non-null" in message
    assert client.state() == before


@pytest.mark.parametrize("keys", ['{"kept": 1}', "1", "true", "[1]", "[null]", '[["kept"]]', '["kept", {}]'])
def test_keys_to_delete_must_be_strings(client: RawClient, keys: str) -> None:
    before = client.state()
    message = "['`delete_keys` must be a list of strings.']"
    assert verdict(client.rest("PATCH", f'{{"delete_keys": {keys}}}'.encode())) == (400, message)
    mutation = (
        "mutation ($i: PatchPlatformMetadataInput!) { patchPlatformMetadata(input: $i) { __typename } }"
    )
    custom_headers = f'{{"i": {{"platformKey": "{client.key}", "deleteKeys": {keys}}}}}'
    assert verdict(client.ask(mutation, custom_headers))[0] == "BAD_USER_INPUT"
    assert client.state() == before


def test_rest_rejects_a_single_string_as_keys_to_delete(client: RawClient) -> None:
    before = client.state()
    assert verdict(client.rest("PATCH", b'{"delete_keys": "kept"}'))[0] == 400
    assert client.state() == before


@pytest.mark.parametrize("operation", PATCH_OPERATIONS)
def test_a_document_grows_to_1_mib_and_no_further(client: RawClient, operation: str) -> None:
    for number in range(7):
        assert verdict(client.write("PATCH", f'{{"k{number}": "{LARGEST_TEXT}"}}'))[0] == 200
    before = client.state()
    room = MIB - len(json.dumps(before[1]["metadata"], separators=(",", ":"))) - len(',"z":""')
    code, message = verdict(client.write(operation, f'{{"z": "{"x" * (room + 1)}"}}'))
    assert code in (413, "DOCUMENT_TOO_LARGE")
    assert "1048577 bytes; 1048576 are allowed" in message
    assert client.state() == before
    assert verdict(client.write(operation, f'{{"z": "{"x" * room}"}}'))[0] in (200, "OK")


@pytest.mark.parametrize("operation", PATCH_OPERATIONS)
def test_a_document_grows_to_2000_keys_and_no_further(client: RawClient, operation: str) -> None:
    client.write("PATCH", json.dumps({f"k{number}": 1 for number in range(1999)}))
    before = client.state()
    assert verdict(client.write(operation, '{"one more": 1}'))[0] in (413, "TOO_MANY_KEYS")
    assert client.state() == before
    assert verdict(client.write(operation, '{"kept": 2}'))[0] in (200, "OK")
