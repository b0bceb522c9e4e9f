"""Searching by defined and by encrypted keys, and paginating the result."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest

from gql_service.store import tables
from tests.search.test_operators import found, put, refusal, search
from tests.support.service import Service, serving
from tests.support.stored import platform_id
from tests.support.users import store
from tests.support.world import World


def define(world: World, key: str, **defaults: bool) -> None:
    """Define a key of the platform directly in the database."""
    row = {"platform_id": platform_id(world), "key": key, "value_type": "string", "rules": "{}"}
    store(
        world, tables.metadata_definitions, **row, defaults=json.dumps(defaults), created_at=0, updated_at=0
    )


def test_a_key_that_is_defined_as_indexed_can_be_searched_before_it_has_entries(world: World) -> None:
    define(world, "indexed", is_indexed=True)
    define(world, "secret", is_indexed=True, is_encrypted=True)
    define(world, "other", is_public=True)
    assert found(world, {"key": "indexed", "prefix": "a"}) == set()
    assert world.member.id in found(world, {"key": "indexed", "exists": False})
    assert found(world, {"key": "secret", "equals": "a"}) == set()
    assert found(world, {"key": "secret", "prefix": "a"}) == set()
    assert "'other' is not indexed" in refusal(world, {"key": "other", "equals": "a"})


@pytest.fixture(scope="module")
def encrypting_service(database_url: str) -> Iterator[Service]:
    with serving(database_url, encryption_keys={"k1": base64.b64encode(b"k" * 32).decode()}) as running:
        yield running


def test_encrypted_values_are_found_by_equality_only(encrypting_service: Service) -> None:
    world = World(encrypting_service)
    day = "2024-03-01T10:00:00Z"
    for user, value, type_ in (
        (world.member, "a", "string"),
        (world.colleague, "7", "number"),
        (world.admin, day, "date"),
    ):
        put(world, user, "s", value, type_, isEncrypted=True)
    assert found(world, {"key": "s", "equals": "a"}) == {world.member.id}
    assert found(world, {"key": "s", "equals": 7.0}) == {world.colleague.id}
    assert found(world, {"key": "s", "equals": "2024-03-01T11:00:00+01:00"}) == {world.admin.id}
    assert found(world, {"key": "s", "in": ["a", 7, "b"]}) == {world.member.id, world.colleague.id}
    assert len(found(world, {"key": "s", "exists": True})) == 3
    assert found(world, {"key": "s", "greaterThan": 1}) == set()
    assert found(world, {"key": "s", "lessThan": day, "equals": day}) == set()
    assert found(world, {"key": "s", "prefix": "a", "equals": "a"}) == set()
    put(world, world.member, "other", "a", isEncrypted=True)
    assert found(world, {"key": "other", "equals": "a"}) == {world.member.id}


def test_an_encrypted_entry_does_not_disturb_searches_for_others(encrypting_service: Service) -> None:
    world = World(encrypting_service)
    put(world, world.member, "plan", "pro", isEncrypted=True)
    put(world, world.colleague, "plan", "pro")
    put(world, world.admin, "plan", "2030-01-01", "date")
    assert found(world, {"key": "plan", "prefix": "p"}) == {world.colleague.id}
    assert found(world, {"key": "plan", "greaterThan": "a"}) == {world.colleague.id}
    assert found(world, {"key": "plan", "greaterThan": "2029-01-01"}) == {world.colleague.id, world.admin.id}
    assert found(world, {"key": "plan", "lessThan": 5}) == set()
    both = {world.member.id, world.colleague.id}
    assert found(world, {"key": "plan", "in": ["pro", "free"]}) == both
    assert found(world, {"key": "plan", "exists": True}) == both | {world.admin.id}


@pytest.mark.parametrize(
    "condition", [{"equals": "a"}, {"in": ["a", "b"]}, {"prefix": ""}, {"exists": True}, {"greaterThan": ""}]
)
def test_pages_in_both_directions_have_no_duplicates_while_entries_change(
    world: World, condition: dict[str, Any]
) -> None:
    members = sorted((world.new_user() for _ in range(7)), key=lambda user: user.id)
    for user in members:
        put(world, user, "k", "a")
    condition = {"key": "k"} | condition
    first = search(world, condition, first=3)
    assert [node["userId"] for node in first["nodes"]] == [user.id for user in members[:3]]
    assert (first["totalCount"], first["pageInfo"]["hasNextPage"]) == (7, True)
    for user, value in ((members[0], "changed"), (members[1], "a"), (members[4], "other")):
        put(world, user, "k", value, isIndexed=value == "a")
    rest = search(world, condition, first=9, after=first["pageInfo"]["endCursor"])
    assert [node["userId"] for node in rest["nodes"]] == [members[index].id for index in (3, 5, 6)]
    last = search(world, condition, last=2)
    assert [node["userId"] for node in last["nodes"]] == [user.id for user in members[5:]]
    assert last["pageInfo"]["hasPreviousPage"]
    back = search(world, condition, last=9, before=last["pageInfo"]["startCursor"])
    assert [node["userId"] for node in back["nodes"]] == [members[index].id for index in (1, 2, 3)]


@pytest.mark.parametrize("size", [1, 6])
def test_the_number_of_statements_does_not_depend_on_the_result(world: World, size: int) -> None:
    for _ in range(6):
        put(world, world.new_user(), "k", "a")
    with world.service.statements() as seen:
        search(world, {"key": "k", "equals": "a"}, first=size)
    assert len(seen) == 5  # token, platform, searchability of the key, page, count
