"""The stored data that a request reads: limited, decoded once, and read in parts."""

import pytest

from tests.graphql.test_hostile_requests import encode, of_document, post
from tests.support.clock import instant
from tests.support.cost import assert_costs_at_most
from tests.support.world import World


def write_keys(world: World, revisions: int, size: int = 1000) -> None:
    """Write a document of 900 keys several times."""
    for number in range(revisions):
        metadata = {f"k{index:03}": f"{number}" + "v" * size for index in range(900)}
        response = world.member.rest("PATCH", world.platform_key, {"metadata": metadata})
        assert response.status_code == 200


@pytest.mark.parametrize(
    "selection",
    [
        "history(first: 20) { nodes { changedKeys } }",
        "history(last: 20) { nodes { changes { key } } }",
        "history(first: 2) { nodes { a: changes { key } b: changes { key } c: changes { new { value } } } }",
        'metadata(keys: ["k001"], asOf: "AFTER THE FIRST WRITE")',
    ],
)
def test_what_a_request_reads_is_limited(world: World, selection: str) -> None:
    write_keys(world, 1)
    selection = selection.replace("AFTER THE FIRST WRITE", instant(world.service))
    write_keys(world, 10)
    errors = post(world.service, encode(of_document(world, selection)), world.member).json()["errors"]
    message = "The request reads more than 16777216 bytes of stored data (GQL_SERVICE_MAX_READ_SIZE). "
    assert [error["message"] for error in errors] == [message + "Request less at a time."]
    assert errors[0]["extensions"]["code"] == "LIMIT_EXCEEDED"
    history = "history(first: 1) { nodes { changedKeys changes { new { valueType } } } }"
    answer = post(world.service, encode(of_document(world, history)), world.member).json()
    assert len(answer["data"]["platformMetadata"]["history"]["nodes"][0]["changes"]) == 900


@pytest.mark.parametrize(
    "selection",
    [
        'metadata(keys: ["k001"])',
        'entry(key: "k001") { digest }',
        'entries(first: 1, where: {keyPrefix: "k1"}) { totalCount }',
    ],
)
def test_references_to_one_large_document_decode_it_once(world: World, selection: str) -> None:
    write_keys(world, 1)
    reference = {
        "__typename": "PlatformMetadata",
        "userId": world.member.id,
        "platformKey": world.platform_key,
    }
    query = f"""query ($r: [_Any!]!) {{
      _entities(representations: $r) {{ ... on PlatformMetadata {{ {selection} }} }}
    }}"""
    few, many = (encode(query, variables={"r": [reference] * count}) for count in (1, 60))
    assert_costs_at_most(
        20,
        lambda: post(world.service, few, world.member),
        lambda: post(world.service, many, world.member),
        rounds=3,
    )


def test_a_history_that_is_read_in_parts_is_one_page(world: World) -> None:
    write_keys(world, 2)
    for number in range(14):
        world.member.rest("PATCH", world.platform_key, {"metadata": {"n": number}})
    for page, revisions in (
        ("first: 13", range(16, 3, -1)),
        ("last: 13", range(13, 0, -1)),
        ("first: 100", range(16, 0, -1)),
        ("last: 100", range(16, 0, -1)),
    ):
        history = f"history({page}) {{ nodes {{ revision }} pageInfo {{ hasNextPage hasPreviousPage }} }}"
        answer = post(world.service, encode(of_document(world, history)), world.member).json()
        found = answer["data"]["platformMetadata"]["history"]
        assert [node["revision"] for node in found["nodes"]] == list(revisions)
        more = {"hasNextPage": page == "first: 13", "hasPreviousPage": page == "last: 13"}
        assert found["pageInfo"] == more
