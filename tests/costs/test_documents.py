"""The cost of one entry, and of a page of them, does not grow with the document."""

from typing import Any

import pytest

from tests.graphql.test_hostile_requests import encode, of_document, post
from tests.support.cost import assert_costs_at_most
from tests.support.entries import set_entries
from tests.support.world import Caller, World

FEW, MANY = 20, 2_000
MOST = 1.5
SELECTIONS = {
    "a page": "entries(first: 10) { nodes { metadataKey value updatedAt } pageInfo { hasNextPage } }",
    "the last page": "entries(last: 10) { nodes { metadataKey value updatedAt } }",
    "a page after": 'entries(first: 5, after: "azAwMTA=") { nodes { metadataKey value updatedAt } }',
    "keys that begin alike": 'entries(first: 5, where: {keyPrefix: "k001"}) { nodes { metadataKey value } }',
    "an entry": 'entry(key: "k0007") { value updatedAt isPublic digest }',
    "no entry": 'entry(key: "none") { value }',
    "some keys": 'metadata(keys: ["k0003", "k0012"])',
    "the evaluation of a key": 'evaluations(keys: ["k0003"]) { key value }',
}


def users_with_documents(world: World, *, hidden: bool = False) -> list[Caller]:
    """Two users, one with few and one with many keys; with `hidden`, every tenth one is."""
    users = []
    for size in (FEW, MANY):
        user = world.new_user()
        metadata = {f"k{number:04}": {"text": "v" * 100} for number in range(size)}
        assert user.rest("PATCH", world.platform_key, {"metadata": metadata}).status_code == 200
        for start in range(0, size if hidden else 0, 1000):
            keys = [f"k{number:04}" for number in range(start, min(size, start + 1000), 10)]
            entries: list[dict[str, Any]] = [{"metadataKey": key, "isPublic": False} for key in keys]
            assert not set_entries(world.admin, world, *entries, username=user.username)["userErrors"]
        users.append(user)
    return users


@pytest.mark.parametrize("selection", SELECTIONS)
def test_a_large_document_costs_what_is_read_of_it(world: World, selection: str) -> None:
    few, many = users_with_documents(world)
    body = encode(of_document(world, " ".join([SELECTIONS[selection]])))

    def read(user: Caller) -> None:
        for _ in range(5):
            assert "errors" not in post(world.service, body, user).json()

    read(few)
    assert_costs_at_most(MOST, lambda: read(few), lambda: read(many), rounds=3)
