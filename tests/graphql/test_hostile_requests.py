"""Hostile requests through the front door: each is refused before the work that it asks for is done."""

import gc
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.cost import assert_costs_at_most
from tests.support.service import Service, serving
from tests.support.world import REST, Caller, World

KIB, MIB = 1024, 1024 * 1024
MOST = 10
"""An honest patch takes 2 to 4 of the 20 ms of processor time that a refusal may take, the less on
PostgreSQL. `test_bombs.py` measures the servers themselves."""
LENGTH, ANONYMOUS_BODY = 32 * KIB, 64 * KIB
PATCH = """mutation ($i: PatchPlatformMetadataInput!) {
  patchPlatformMetadata(input: $i) { userErrors { code } }
}"""


def post(service: Service, body: bytes, caller: Caller | None = None) -> httpx.Response:
    headers = {"Content-Type": "application/json"}
    if caller is not None:
        headers["Authorization"] = f"Bearer {caller.token}"
    return service.client.post("/graphql", content=body, headers=headers)


def encode(query: str | None = None, **rest: Any) -> bytes:
    return json.dumps(({} if query is None else {"query": query}) | rest).encode()


def refusal(response: httpx.Response) -> str:
    """The message of the only error, which is that a limit was exceeded."""
    (error,) = response.json()["errors"]
    assert error["extensions"] == {"code": "LIMIT_EXCEEDED"}, error
    return str(error["message"])


def honest_patch(world: World) -> bytes:
    """A request that does as much as one may: a patch with 100 operations."""
    operations = [{"set": {"path": f"/key{number}", "value": number}} for number in range(100)]
    return encode(PATCH, variables={"i": {"platformKey": world.platform_key, "operations": operations}})


def assert_refused_cheaply(world: World, body: bytes, caller: Caller | None) -> str:
    """The refusal of a request. It costs no more than `MOST` times what `honest_patch` costs."""
    honest = honest_patch(world)
    message = refusal(post(world.service, body, caller))
    assert_costs_at_most(
        MOST,
        lambda: post(world.service, honest, world.member),
        lambda: post(world.service, body, caller),
        rounds=3,
    )
    return message


# The length of a document

LONG: dict[str, Callable[[int], str]] = {
    "a comment": lambda length: "{ __typename } #".ljust(length, "x"),
    "line breaks": lambda length: "{ __typename }".ljust(length, "\n"),
    "a string": lambda length: '{ node(id: "' + "x" * (length - 21) + '") { id } }',
    "a block string": lambda length: '{ node(id: """' + "x" * (length - 25) + '""") { id } }',
    "open braces": lambda length: "{" * length,
}


@pytest.mark.parametrize("text", LONG.values(), ids=LONG)
def test_a_document_is_refused_by_its_length_before_it_is_read(
    world: World, text: Callable[[int], str]
) -> None:
    body = encode(text(MIB - 100 * KIB))
    if b"\\n" in body:
        body = encode(text(MIB // 3))
    message = assert_refused_cheaply(world, body, world.member)
    assert message.endswith(
        "characters; 32768 are allowed (GQL_SERVICE_MAX_DOCUMENT_LENGTH). Use variables for values, and "
        "request less at a time."
    )


def test_the_limit_of_the_length_is_exact(world: World) -> None:
    for query in (LONG["a comment"](LENGTH), LONG["line breaks"](LENGTH)):
        assert len(query) == LENGTH
        assert post(world.service, encode(query)).json() == {"data": {"__typename": "Query"}}
        assert refusal(post(world.service, encode(query + " "))).startswith("The document has 32769 charac")


def test_persisted_and_trusted_documents_have_the_same_limit(fresh_database_url: str, tmp_path: Path) -> None:
    query = LONG["a comment"](LENGTH + 1)
    (tmp_path / "long.graphql").write_text(query)
    extensions = {"persistedQuery": {"version": 1, "sha256Hash": hashlib.sha256(query.encode()).hexdigest()}}
    with serving(fresh_database_url) as service:
        refusal(post(service, encode(query, extensions=extensions)))
        (error,) = post(service, encode(extensions=extensions)).json()["errors"]
        assert error["extensions"] == {"code": "PERSISTED_QUERY_NOT_FOUND"}
    with serving(fresh_database_url, trusted_documents=tmp_path) as service:
        refusal(post(service, encode(extensions=extensions)))


def test_the_operator_chooses_the_length(fresh_database_url: str) -> None:
    with serving(fresh_database_url, max_document_length=20) as service:
        assert post(service, encode("{ __typename }")).json() == {"data": {"__typename": "Query"}}
        assert "20 are allowed" in refusal(post(service, encode("{ __typename }       ")))


# The body of a request without a token


def padded(size: int) -> bytes:
    return encode("{ __typename }").ljust(size)


def test_without_a_token_a_body_has_at_most_64_kib(world: World) -> None:
    assert post(world.service, padded(ANONYMOUS_BODY)).json() == {"data": {"__typename": "Query"}}
    response = post(world.service, padded(ANONYMOUS_BODY + 1))
    assert response.status_code == 413
    assert refusal(response) == (
        "The request body is larger than 65536 bytes, the limit for requests without a token "
        "(GQL_SERVICE_MAX_ANONYMOUS_BODY_SIZE)."
    )
    assert post(world.service, padded(MIB), world.member).json() == {"data": {"__typename": "Query"}}
    assert refusal(post(world.service, padded(MIB + 1), world.member)) == (
        "The request body is larger than 1048576 bytes, the limit (GQL_SERVICE_MAX_BODY_SIZE)."
    )


def test_without_a_token_a_body_is_refused_before_it_is_parsed(world: World) -> None:
    assert_refused_cheaply(
        world, b'{"query": "{ __typename }", "variables": {"a": [' + b"{}," * 340_000 + b"{}]}}", None
    )


def test_the_operator_chooses_the_size_of_a_body_without_a_token(fresh_database_url: str) -> None:
    with serving(fresh_database_url, max_anonymous_body_size=100, max_body_size=200) as service:
        assert "100 bytes" in refusal(post(service, padded(101)))
    with serving(fresh_database_url, max_anonymous_body_size=300, max_body_size=200) as service:
        assert "200 bytes, the limit (GQL_SERVICE_MAX_BODY_SIZE)" in refusal(post(service, padded(201)))


# The length of lists

SET = "mutation ($i: SetUserMetadataInput!) { setUserMetadata(input: $i) { userErrors { code } } }"
BULK = """mutation ($i: BulkPatchPlatformMetadataInput!) {
  bulkPatchPlatformMetadata(input: $i) { userErrors { code } }
}"""
USERS = "query ($w: UserFilter) { platform(key: $key) { users(where: $w) { totalCount } } }"
DEFINE = "mutation ($i: DefineMetadataInput!) { defineMetadata(input: $i) { userErrors { code } } }"
UPDATE = "mutation ($i: UpdateUserInput!) { updateUser(input: $i) { userErrors { code } } }"
READ = (
    "mutation ($i: MarkNotificationsReadInput!) { markNotificationsRead(input: $i) { userErrors { code } } }"
)
NODES = "query ($i: [ID!]!) { nodes(ids: $i) { id } }"
ENTITIES = "query ($i: [_Any!]!) { _entities(representations: $i) { __typename } }"
PARTS = """mutation ($p: [PatchOperation!]) {
  ...F
}
fragment F on Mutation { patchPlatformMetadata(input: {operations: $p}) { userErrors { code } } }"""
KEYS = "query ($k: [String!]) { me { userMetadata { metadata(keys: $k) } } }"
OPERATION: dict[str, Any] = {"set": {"path": "/a", "value": 1}}
DEFINITION = {"platformKey": "", "key": "k", "valueType": "string"}

LISTS: dict[str, tuple[str, str, int, Any, Callable[[list[Any]], Any]]] = {
    # name: document, name of the list, limit, one item, variables
    "operations": (PATCH, "operations", 100, OPERATION, lambda items: {"i": {"operations": items}}),
    "expectedDigests": (
        PATCH,
        "expectedDigests",
        100,
        {"key": "k"},
        lambda items: {"i": {"metadata": {}, "expectedDigests": items}},
    ),
    "deleteKeys": (PATCH, "deleteKeys", 2000, "k", lambda items: {"i": {"deleteKeys": items}}),
    "entries": (SET, "entries", 100, {"metadataKey": "k"}, lambda items: {"i": {"entries": items}}),
    "deleteKeys of entries": (SET, "deleteKeys", 2000, "k", lambda items: {"i": {"deleteKeys": items}}),
    "patches": (
        BULK,
        "patches",
        100,
        {"username": "u", "metadata": {}},
        lambda items: {"i": {"platformKey": "", "patches": items}},
    ),
    "operations in patches": (
        BULK,
        "operations",
        100,
        OPERATION,
        lambda items: {"i": {"platformKey": "", "patches": [{"username": "u", "operations": items}]}},
    ),
    "conditions": (USERS, "metadata", 5, {"key": "k", "equals": 1}, lambda items: {"w": {"metadata": items}}),
    "one condition": (USERS, "in", 100, 1, lambda items: {"w": {"metadata": {"key": "k", "in": items}}}),
    "in": (USERS, "in", 100, 1, lambda items: {"w": {"metadata": [{"key": "k", "in": items}]}}),
    "choices": (DEFINE, "choices", 500, "c", lambda items: {"i": DEFINITION | {"choices": items}}),
    "permissions": (UPDATE, "permissions", 1000, "t::p", lambda items: {"i": {"permissions": items}}),
    "optInDecisions": (
        UPDATE,
        "optInDecisions",
        100,
        {"name": "n", "optedIn": True},
        lambda items: {"i": {"optInDecisions": items}},
    ),
    "ids of notifications": (READ, "ids", 1000, "n", lambda items: {"i": {"ids": items}}),
    "ids": (NODES, "ids", 100, "x", lambda items: {"i": items}),
    "representations": (
        ENTITIES,
        "representations",
        1000,
        {"__typename": "User"},
        lambda items: {"i": items},
    ),
    "a list in a fragment": (PARTS, "operations", 100, OPERATION, lambda items: {"p": items}),
    "keys": (KEYS, "keys", 2000, "key", lambda items: {"k": items}),
}


@pytest.mark.parametrize(("query", "name", "limit", "item", "variables"), LISTS.values(), ids=LISTS)
def test_a_list_is_refused_before_its_items_are_coerced(
    world: World,
    query: str,
    name: str,
    limit: int,
    item: Any,
    variables: Callable[[list[Any]], Any],
) -> None:
    query = query.replace("$key", json.dumps(world.platform_key))
    containers = json.dumps(item).count("{")
    most = min(90_000, MIB // 2 // (len(json.dumps(item)) + 2), 24_990 // max(1, containers))
    message = assert_refused_cheaply(world, encode(query, variables=variables([item] * most)), world.admin)
    setting = " (GQL_SERVICE_MAX_REPRESENTATIONS)" if name == "representations" else ""
    assert message == f"`{name}` has {most} items; {limit} are allowed{setting}."
    response = post(world.service, encode(query, variables=variables([item] * limit)), world.admin)
    assert "items;" not in response.text
    response = post(world.service, encode(query, variables=variables([item] * (limit + 1))), world.admin)
    assert refusal(response) == f"`{name}` has {limit + 1} items; {limit} are allowed{setting}."


@pytest.mark.parametrize(
    "query",
    [
        "{ nodes(ids: [*]) { id } }",
        "query ($i: [ID!]! = [*]) { nodes(ids: $i) { id } }",
        '{ platform(key: "k") { users(where: {metadata: [{key: "a", in: [*]}]}) { totalCount } } }',
        "mutation { setUserMetadata(input: {deleteKeys: [], entries: [*]}) { userErrors { code } } }",
    ],
)
def test_a_list_in_a_document_has_the_same_limit(world: World, query: str) -> None:
    item = '{metadataKey: "k"}' if "entries" in query else "1"
    for count in (100, 101):
        text = query.replace("*", f"{item} " * count)
        response = post(world.service, encode(text), world.member)
        assert ("101 items; 100 are allowed." in response.text) == (count == 101), response.text


def test_a_list_in_a_document_has_the_limit_of_its_setting(fresh_database_url: str) -> None:
    query = "{ _entities(representations: [%s]) { __typename } }"
    message = "`representations` has 4 items; 3 are allowed (GQL_SERVICE_MAX_REPRESENTATIONS)."
    with serving(fresh_database_url, max_representations=3) as service:
        caller = World(service).member
        assert message not in post(service, encode(query % ("1 " * 3)), caller).text
        assert refusal(post(service, encode(query % ("1 " * 4)), caller)) == message


@pytest.mark.parametrize("name", ["metadata", "delete_keys"])
def test_rest_refuses_too_many_keys_before_it_reads_them(world: World, name: str) -> None:
    def patch(keys: int) -> Callable[[], httpx.Response]:
        names = [f"k{number}" for number in range(keys)]
        value = names if name == "delete_keys" else dict.fromkeys(names, 1)
        content = json.dumps({name: value}).encode()
        headers = {"Authorization": f"Token {world.member.token}", "Content-Type": "application/json"}
        parameters = {"platform_key": world.platform_key}
        return lambda: world.service.client.patch(REST, content=content, params=parameters, headers=headers)

    response = patch(60_000)()
    assert response.status_code == 413
    assert "60000" in response.text
    assert "2000 are allowed" in response.text
    honest = honest_patch(world)
    assert_costs_at_most(MOST, lambda: post(world.service, honest, world.member), patch(60_000), rounds=3)


# The number of values in JSON

MANY, CONTAINERS = "values; 100000", "objects and arrays; 25000"
VALUES = {
    "objects": (b"[" + b"{}," * 340_000 + b"{}]", MANY),
    "lists": (b"[" + b"[]," * 340_000 + b"[]]", MANY),
    "numbers": (b"[" + b"1," * 500_000 + b"1]", MANY),
    "texts": (b"[" + b'"",' * 340_000 + b'""]', MANY),
    "keys": (b"{" + b",".join([b'"%x":1' % number for number in range(100_001)]) + b"}", MANY),
    "some objects": (b"[" + b"{}," * 25_000 + b"{}]", CONTAINERS),
    "nested lists": (b"[" * 30_000 + b"]" * 30_000, CONTAINERS),
}


@pytest.mark.parametrize(("value", "what"), VALUES.values(), ids=VALUES)
def test_json_has_a_limited_number_of_values(world: World, value: bytes, what: str) -> None:
    message = assert_refused_cheaply(
        world, b'{"query": "{ __typename }", "variables": {"a": ' + value + b"}}", world.member
    )
    assert f" {what} are allowed" in message
    assert message.endswith("(GQL_SERVICE_MAX_JSON_VALUES).")
    response = world.service.client.patch(
        REST,
        params={"platform_key": world.platform_key},
        content=b'{"metadata": {"a": ' + value + b"}}",
        headers={"Authorization": f"Token {world.member.token}", "Content-Type": "application/json"},
    )
    assert response.status_code == 413
    assert f" {what} are allowed" in response.json()["error"]


def test_commas_and_brackets_in_texts_are_not_values(world: World) -> None:
    text = '{[,"\\"' * 12_000
    body = encode(KEYS, variables={"k": [text]})
    assert list(post(world.service, body, world.member).json()) == ["data"]


def test_without_a_token_undeclared_variables_cost_little(world: World) -> None:
    body = b'{"query": "{ __typename }", "variables": {"a": [' + b"{}," * 21_000 + b"{}]}}"
    assert post(world.service, body).json() == {"data": {"__typename": "Query"}}
    honest = honest_patch(world)
    assert_costs_at_most(
        MOST,
        lambda: post(world.service, honest, world.member),
        lambda: post(world.service, body),
        rounds=3,
    )


# The size of a response


def big_history(world: World, revisions: int) -> None:
    """Write a document of 400 KB several times."""
    for number in range(revisions):
        metadata = {f"key{index}": f"{number}" + "v" * 100_000 for index in range(4)}
        response = world.member.rest("PATCH", world.platform_key, {"metadata": metadata})
        assert response.status_code == 200


def of_document(world: World, selection: str) -> str:
    return f"{{ platformMetadata(platformKey: {json.dumps(world.platform_key)}) {{ {selection} }} }}"


def test_a_response_is_limited_while_it_is_built(world: World) -> None:
    big_history(world, 6)
    values = "history(first: 20) { nodes { changes { old { value } new { value } } } }"
    query = of_document(world, " ".join(f"a{number}: {values}" for number in range(5)))
    response = post(world.service, encode(query), world.member)
    assert len(response.content) < 11 * MIB
    message = "The response would have more than 10485760 bytes (GQL_SERVICE_MAX_RESPONSE_SIZE). "
    errors = response.json()["errors"]
    assert {error["extensions"]["code"] for error in errors} == {"LIMIT_EXCEEDED"}
    assert {error["message"] for error in errors} == {message + "Request less at a time."}
    metadata = post(world.service, encode(of_document(world, "metadata")), world.member).json()
    assert list(metadata) == ["data"]


def test_aliases_of_a_history_are_read_and_decoded_once(world: World) -> None:
    big_history(world, 5)
    history = "history(first: 20) { nodes { revision changedKeys } }"
    single = of_document(world, history)
    often = of_document(world, " ".join(f"a{number}: {history}" for number in range(10)))
    with world.service.statements() as seen:
        document = post(world.service, encode(often), world.member).json()["data"]["platformMetadata"]
    assert len([statement for statement in seen if "document_changes" in statement]) == 1
    assert len({json.dumps(each) for each in document.values()}) == 1
    assert_costs_at_most(
        3,
        lambda: post(world.service, encode(single), world.member),
        lambda: post(world.service, encode(often), world.member),
        rounds=3,
    )


def test_the_json_in_texts_has_a_limited_number_of_values(world: World) -> None:
    query = """mutation ($i: SetUserMetadataInput!) {
      setUserMetadata(input: $i) { userErrors { code message } }
    }"""
    text = "[" + "{}," * 20_000 + "{}]"

    def errors(texts: int, type: str) -> list[dict[str, str]]:
        entries = [
            {"metadataKey": f"{type}{texts}-{number}", "metadataValue": text, "valueType": type}
            for number in range(texts)
        ]
        body = encode(query, variables={"i": {"entries": entries}})
        answer = post(world.service, body, world.member).json()
        found: list[dict[str, str]] = answer["data"]["setUserMetadata"]["userErrors"]
        return found

    assert errors(1, "json") == errors(6, "string") == []
    (error,) = errors(6, "json")
    assert error["code"] == "VALUE_TOO_LARGE"
    assert error["message"].endswith("(GQL_SERVICE_MAX_JSON_VALUES).")


def test_the_deep_value_that_is_refused_is_named(world: World) -> None:
    deep: object = 1
    for _ in range(65):
        deep = [deep]
    metadata = {f"k{number}": number for number in range(100)} | {"k70": deep}
    response = world.member.rest("PATCH", world.platform_key, {"metadata": metadata})
    assert response.status_code == 400
    assert "64 levels" in str(response.json())


def test_mutations_of_one_request_see_the_history_of_their_time(world: World) -> None:
    input = f"platformKey: {json.dumps(world.platform_key)}, metadata: "
    history = "history(first: 9) { nodes { revision } }"
    patch = f"patchPlatformMetadata(input: {{%s}}) {{ platformMetadata {{ {history} }} }}"
    data = world.member.ask(f"mutation {{ a: {patch % (input + '{a: 1}')} b: {patch % (input + '{a: 2}')} }}")
    lengths = [len(data[alias]["platformMetadata"]["history"]["nodes"]) for alias in "ab"]
    assert lengths == [1, 2]


def test_a_read_that_fails_when_nobody_waits_for_it_any_more_is_not_logged(
    fresh_database_url: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """`metadata` makes its document null, so that its entries are no longer wanted."""
    with serving(fresh_database_url, max_read_size=2000) as service:
        world = World(service)
        world.member.rest("PATCH", world.platform_key, {"metadata": {"long": "x" * 5000}})
        fields = 'metadata(asOf: "never") entries(first: 1) { totalCount } entrySummaries { digest }'
        response = post(service, encode(of_document(world, fields)), world.member)
        assert "cannot be read as a time" in response.text
    gc.collect()
    assert "never retrieved" not in capfd.readouterr().err


def test_the_operator_chooses_the_size_of_a_response(fresh_database_url: str) -> None:
    with serving(fresh_database_url, max_response_size=1000) as service:
        assert post(service, encode("{ __typename }")).json() == {"data": {"__typename": "Query"}}
        assert "more than 1000 bytes" in refusal(post(service, encode("{ _service { sdl } }")))
