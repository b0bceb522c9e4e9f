"""Invalid GraphQL literals and arguments, and unknown fields: rejected, and nothing is changed."""

import base64
import json
from typing import Any

import pytest

from tests.graphql.test_bad_json import RawClient, lists, objects, verdict
from tests.support.service import Service
from tests.support.world import World

INVALID, UNREADABLE = "GRAPHQL_VALIDATION_FAILED", "GRAPHQL_PARSE_FAILED"
RANGE = "Numbers must be finite, and integers beyond 64 bits must be exact as a double."
REFUSED_LITERALS = {
    "an enum value": ("DARK", INVALID, "text needs quotes"),
    "an enum value deep inside": ("[{a: [DARK]}]", INVALID, "text needs quotes"),
    "NaN": ("NaN", INVALID, "text needs quotes"),
    "Infinity": ("Infinity", INVALID, "text needs quotes"),
    "1e999": ("1e999", INVALID, RANGE),
    "-1e999": ("[-1e999]", INVALID, RANGE),
    "2^63 + 1": ("9223372036854775809", INVALID, RANGE),
    "2^70 + 1": ("{a: 1180591620717411303425}", INVALID, RANGE),
    "-2^63 - 1": ("-9223372036854775809", INVALID, RANGE),
    "an integer of 5,000 digits": ("9" * 5000, INVALID, RANGE),
    "65 lists": (lists(65), INVALID, "nested deeper than 64 levels"),
    "65 objects": ("{a: " * 65 + "1" + "}" * 65, INVALID, "nested deeper than 64 levels"),
    "300 lists": (lists(300), UNREADABLE, "nested too deeply"),
    "10,000 lists": (lists(10_000), UNREADABLE, ""),
    "16,000 lists": (lists(16_000), UNREADABLE, ""),
    "32,000 lists left open": ("[" * 32_000, UNREADABLE, ""),
    "100,000 lists": (lists(100_000), "LIMIT_EXCEEDED", "characters"),
    "a duplicate key": ("{b: 1, b: 1}", INVALID, "only one input field named 'b'"),
    "a duplicate key deep inside": ("[{a: {b: 1, b: 2}}]", INVALID, "only one input field named 'b'"),
    "a NUL": (r'"x\u0000"', INVALID, "U+0000"),
    "a NUL of variable width": (r'["\u{0}"]', INVALID, "U+0000"),
    "a lone surrogate": (r'"\uD800"', UNREADABLE, "Invalid Unicode escape sequence"),
    "a lone surrogate of variable width": (r'"\u{DFFF}"', UNREADABLE, "Invalid Unicode escape sequence"),
    "a code point beyond Unicode": (r'"\u{110000}"', UNREADABLE, "Invalid Unicode escape sequence"),
    "a hexadecimal number": ("0x1", UNREADABLE, "Invalid number"),
    "a leading zero": ("01", UNREADABLE, "Invalid number"),
    "single quotes": ("'x'", UNREADABLE, "single quote"),
    "a line break in a text": ('"a\nb"', UNREADABLE, "Unterminated string"),
    "a key in quotes": ('{"a": 1}', UNREADABLE, "Expected Name"),
    "an undefined variable": ("$undefined", INVALID, "'$undefined' is not defined"),
}
NULS = pytest.mark.parametrize("nul", [r"\u0000", r"\u{0}"])
HUGE = "9" * 5000


def global_id(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.fixture(scope="module")
def world(service: Service) -> World:
    """The tests share their users: `client` resets the document."""
    return World(service)


@pytest.fixture
def client(world: World) -> RawClient:
    return RawClient(world)


@pytest.fixture
def admin(world: World) -> RawClient:
    return RawClient(world, world.admin)


def patch(
    client: RawClient, metadata: str, declared: str = "", variables: str = "{}"
) -> tuple[str | int, str]:
    mutation = f"""mutation {declared} {{ patchPlatformMetadata(input: {{
      platformKey: "{client.key}", metadata: {metadata} }}) {{ userErrors {{ code message }} }} }}"""
    return verdict(client.ask(mutation, variables))


@pytest.mark.parametrize(("literal", "expected", "message"), REFUSED_LITERALS.values(), ids=REFUSED_LITERALS)
def test_a_bad_literal_is_refused(client: RawClient, literal: str, expected: str, message: str) -> None:
    before = client.state()
    code, message = patch(client, f"{{a: {literal}}}")
    assert (code, message in message) == (expected, True), message
    assert client.state() == before


@pytest.mark.parametrize("literal", ["DARK", "1", "1.5", "true", '"x"', '"{}"', "[]", "[{a: 1}]"])
def test_metadata_that_is_not_an_object_is_refused(client: RawClient, literal: str) -> None:
    before = client.state()
    assert patch(client, literal)[0] == INVALID
    assert client.state() == before


def test_the_largest_literals_are_stored(client: RawClient) -> None:
    literal = f"{{min: -9223372036854775808, max: 9223372036854775807, deep: {lists(64)}}}"
    assert patch(client, literal) == ("OK", "")
    stored = client.state()[1]["metadata"]
    assert (stored["min"], stored["max"]) == (-(2**63), 2**63 - 1)
    assert json.dumps(stored["deep"]) == lists(64)


@pytest.mark.parametrize("default", ["{a: 1e999}", "{a: 9223372036854775809}", "{a: {b: 1, b: 2}}", "{a: X}"])
def test_a_bad_default_of_a_variable_is_refused(client: RawClient, default: str) -> None:
    before = client.state()
    assert patch(client, "$v", f"($v: JSONObject = {default})")[0] == INVALID
    assert client.state() == before


@pytest.mark.parametrize(("around", "inside"), [(1, 64), (32, 33), (60, 5), (0, 65)])
def test_the_levels_of_a_literal_and_of_a_variable_inside_it_are_added(
    client: RawClient, around: int, inside: int
) -> None:
    literal = f"{{k: {'[' * around}$v{']' * around}}}"
    refused, stored = (f'{{"v": {objects(depth)}}}' for depth in (inside, inside - 1))
    before = client.state()
    code, message = patch(client, literal, "($v: JSONObject)", refused)
    assert code == "BAD_USER_INPUT"
    assert "nested deeper than 64 levels" in message
    assert client.state() == before
    assert patch(client, literal, "($v: JSONObject)", stored) == ("OK", "")


@NULS
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ('platformMetadata(platformKey: "a$") { revision }', "NOT_FOUND"),
        ('platformMetadata(platformKey: "KEY", username: "a$") { revision }', "NOT_FOUND"),
        ('platform(key: "a$") { id }', None),
        ('user(by: {username: "a$"}) { id }', None),
        ('user(by: {userId: "a$"}) { id }', None),
        ('user(by: {id: "a$"}) { id }', None),
        ('node(id: "a$") { id }', None),
        ('nodes(ids: ["a$", "$"]) { id }', [None, None]),
        ('_entities(representations: [{__typename: "User", username: "$"}]) { __typename }', [None]),
        ('_entities(representations: [{__typename: "User", userId: "$"}]) { __typename }', [None]),
        ('_entities(representations: [{__typename: "Platform", key: "$"}]) { __typename }', [None]),
        (
            'platform(key: "KEY") { users(first: 1, where: {usernamePrefix: "$"}) { totalCount } }',
            "BAD_USER_INPUT",
        ),
        ('platform(key: "KEY") { users(first: 1, after: "$") { totalCount } }', "BAD_USER_INPUT"),
        ('me { platformMetadata(platformKey: "$") { revision } }', "NOT_FOUND"),
        ('__type(name: "$") { name }', None),
    ],
)
def test_a_nul_in_an_argument_finds_nothing(admin: RawClient, nul: str, query: str, expected: Any) -> None:
    response = admin.ask(f"{{ found: {query.replace('$', nul).replace('KEY', admin.key)} }}")
    body = response.json()
    if isinstance(expected, str):
        assert verdict(response)[0] == expected
    else:
        assert body == {"data": {"found": expected}}


@pytest.mark.parametrize(
    "type_", ["User:", "Platform:", "PlatformMetadata:", "PlatformMetadata:ME:", "X:", ""]
)
@pytest.mark.parametrize("key", [b"a\0", b"\xff", b"\xed\xa0\x80", b"\n", b"", b"x" * 100_000])
def test_a_malformed_global_id_finds_nothing(admin: RawClient, type_: str, key: bytes) -> None:
    id = base64.b64encode(type_.replace("ME", admin.caller.id).encode() + key).decode()
    found = admin.caller.ask(
        """query ($id: ID!, $some: [_Any!]!) { node(id: $id) { id } user(by: {id: $id}) { id }
        _entities(representations: $some) { __typename } }""",
        id=id,
        some=[{"__typename": name, "id": id} for name in ("User", "PlatformMetadata")],
    )
    own = type_ == "PlatformMetadata:ME:" and not key  # the document that belongs to no platform
    assert found["user"] is None
    assert (found["node"] is not None, found["_entities"][1] is not None) == (own, own)
    assert found["_entities"][0] is None


@NULS
def test_a_nul_in_a_write_changes_nothing(admin: RawClient, nul: str) -> None:
    before = admin.state()
    for input, expected in (
        (f'platformKey: "{admin.key}", deleteKeys: ["kept{nul}"]', ("OK", "INVALID_KEY")),
        (f'platformKey: "a{nul}", metadata: {{a: 1}}', ("NOT_FOUND",)),
        (f'platformKey: "{admin.key}", username: "a{nul}", metadata: {{a: 1}}', ("NOT_FOUND",)),
        (f'username: "a{nul}", metadata: {{a: 1}}', ("FORBIDDEN",)),
    ):
        mutation = (
            f"mutation {{ patchPlatformMetadata(input: {{{input}}}) {{ userErrors {{ code message }} }} }}"
        )
        assert verdict(admin.ask(mutation))[0] in expected
    assert admin.state() == before


@pytest.mark.parametrize(
    "query",
    [
        f'{{ platform(key: "KEY") {{ users(first: {HUGE}) {{ totalCount }} }} }}',
        f'{{ platform(key: "KEY") {{ users(first: -{HUGE}) {{ totalCount }} }} }}',
        '{ platform(key: "KEY") { users(first: 2147483648) { totalCount } } }',
        '{ platform(key: "KEY") { users(first: 1e999) { totalCount } } }',
        f'query ($n: Int = {HUGE}) {{ platform(key: "KEY") {{ users(first: $n) {{ totalCount }} }} }}',
        f"mutation {{ clearPlatformMetadata(input: {{expectedRevision: {HUGE}}}) {{ __typename }} }}",
    ],
    ids=["5,000 digits", "-5,000 digits", "2^31", "1e999", "a default", "in an input"],
)
def test_a_number_that_is_not_an_int_is_refused(admin: RawClient, query: str) -> None:
    code, message = verdict(admin.ask(query.replace("KEY", admin.key)))
    assert code == INVALID
    assert len(message) < 10_000


@pytest.mark.parametrize(
    "number", ["2147483648", "-2147483649", "1.5", "1e300", '"1"', "true", "[[1]]", "{}"]
)
def test_a_variable_that_is_not_an_int_is_refused(client: RawClient, number: str) -> None:
    before = client.state()
    mutation = (
        "mutation ($i: ClearPlatformMetadataInput!) { clearPlatformMetadata(input: $i) { __typename } }"
    )
    variables = f'{{"i": {{"platformKey": "{client.key}", "expectedRevision": {number}}}}}'
    assert verdict(client.ask(mutation, variables))[0] == "BAD_USER_INPUT"
    assert client.state() == before


@pytest.mark.parametrize("id", [HUGE, "0", "-1", '""'])
def test_an_odd_id_finds_nothing(client: RawClient, id: str) -> None:
    assert client.ask(f"{{ node(id: {id}) {{ id }} }}").json() == {"data": {"node": None}}


@pytest.mark.parametrize(
    "representation",
    ["1", '"User"', "[]", "{}", '{__typename: 1, id: "x"}', '{__typename: "Query", id: "x"}',
     '{__typename: "User"}', '{__typename: "User", id: 1}', '{__typename: "User", username: ["x"]}',
     f'{{__typename: "User", userId: {HUGE}}}', '{__typename: "User", userId: 1e999}', lists(90)],
)  # fmt: skip
def test_a_malformed_representation_is_refused(client: RawClient, representation: str) -> None:
    query = f"{{ _entities(representations: [{representation}]) {{ __typename }} }}"
    assert verdict(client.ask(query))[0] == "BAD_USER_INPUT"


@pytest.mark.parametrize("field", ["delete_key", "deleteKeys", "Metadata", "platform_key", "", "x" * 300])
@pytest.mark.parametrize("method", ["PATCH", "PUT"])
def test_an_unknown_field_of_rest_is_rejected(client: RawClient, method: str, field: str) -> None:
    before = client.state()
    response = client.rest(method, json.dumps({"metadata": {"a": 1}, field: ["kept"]}).encode())
    assert response.status_code == 400
    assert "Unknown field" in response.json()[field][0]
    assert client.state() == before


def test_put_rejects_keys_to_delete(client: RawClient) -> None:
    before = client.state()
    assert verdict(client.rest("PUT", b'{"metadata": {}, "delete_keys": ["kept"]}'))[0] == 400
    assert client.state() == before


@pytest.mark.parametrize("field", ["delete_keys", "Metadata", "platform_key", "", "x" * 300])
def test_an_unknown_field_of_graphql_is_rejected(client: RawClient, field: str) -> None:
    before = client.state()
    mutation = (
        "mutation ($i: PatchPlatformMetadataInput!) { patchPlatformMetadata(input: $i) { __typename } }"
    )
    variables = {"i": {"platformKey": client.key, "metadata": {"a": 1}, field: ["kept"]}}
    assert verdict(client.ask(mutation, json.dumps(variables)))[0] == "BAD_USER_INPUT"
    assert client.state() == before


def test_errors_do_not_repeat_the_request_many_times(client: RawClient) -> None:
    """graphql-core quotes the input in each message: 30 KB would come back as 600 KB."""
    fields = " ".join(f'x{number}: "{"y" * 650}"' for number in range(45))
    query = f"{{ user(by: {{{fields}}}) {{ id }} }}"
    response = client.ask(query)
    assert verdict(response)[0] == INVALID
    assert len(response.content) < len(query)


INVALID_LITERALS = {
    "a number": (
        """mutation { patchPlatformMetadata(input: {operations: [{increment: {path: "/a",
          by: "x"}}]}) { deletedKeys } }""",
        "Argument 'input' has invalid value at .operations[0].increment.by: Expected a number.",
        (2, 15),
    ),
    "an object": (
        """mutation { patchPlatformMetadata(input: {
          metadata: 5}) { deletedKeys } }""",
        "Argument 'input' has invalid value at .metadata: Expected a JSON object.",
        (2, 21),
    ),
    "a word in an object": (
        """mutation { patchPlatformMetadata(input: {metadata: {a: [1,
          b]}}) { deletedKeys } }""",
        "Argument 'input' has invalid value at .metadata: This is not a JSON value. Strings need quotes.",
        (2, 11),
    ),
    "a JSON value": (
        """mutation { patchPlatformMetadata(input: {operations: [{set: {path: "/a",
          value: 1e999}}]}) { deletedKeys } }""",
        "Argument 'input' has invalid value at .operations[0].set.value: "
        "Numbers must be finite, and integers beyond 64 bits must be exact as a double.",
        (2, 18),
    ),
    "a time in an argument": (
        """{ me { userMetadata { metadata(
          asOf: 5) } } }""",
        "Argument 'asOf' has invalid value: "
        "Expected an RFC 3339 timestamp as a string, such as 2024-01-15T10:30:00Z.",
        (2, 17),
    ),
    "a default value": (
        """query ($at: DateTime =
          5) { me { userMetadata { metadata(asOf: $at) } } }""",
        "Variable '$at' has invalid value: "
        "Expected an RFC 3339 timestamp as a string, such as 2024-01-15T10:30:00Z.",
        (2, 11),
    ),
}


@pytest.mark.parametrize(("query", "message", "at"), INVALID_LITERALS.values(), ids=INVALID_LITERALS)
def test_an_invalid_literal_of_a_custom_scalar_is_located(
    service: Service, query: str, message: str, at: tuple[int, int]
) -> None:
    (error,) = service.client.post("/graphql", json={"query": query}).json()["errors"]
    assert error["message"] == message
    assert error["locations"] == [{"line": at[0], "column": at[1]}]
    assert error["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
