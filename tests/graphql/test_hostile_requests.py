"""Hostile requests through the front door: each is refused before the work that it asks for is done."""

import hashlib
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.cost import assert_costs_at_most
from tests.support.service import Service, serving
from tests.support.world import Caller, World

KIB, MIB = 1024, 1024 * 1024
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


def assert_refused_cheaply(world: World, body: bytes, caller: Caller | None, times: float = 1) -> str:
    """The refusal of a request that costs no more than `honest_patch`, times a number."""
    honest = honest_patch(world)
    message = refusal(post(world.service, body, caller))
    assert_costs_at_most(
        times,
        lambda: post(world.service, honest, world.member),
        lambda: post(world.service, body, caller),
        rounds=3,
    )
    return message


# The length of a document

LONG = {
    "a comment": lambda length: "{ __typename } #".ljust(length, "x"),
    "line breaks": lambda length: "{ __typename }".ljust(length, "\n"),
    "a string": lambda length: '{ node(id: "' + "x" * (length - 21) + '") { id } }',
    "a block string": lambda length: '{ node(id: """' + "x" * (length - 25) + '""") { id } }',
    "open braces": lambda length: "{" * length,
}


@pytest.mark.parametrize("text", LONG.values(), ids=LONG)
def test_a_document_is_refused_by_its_length_before_it_is_read(world: World, text: Any) -> None:
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
