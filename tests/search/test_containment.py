"""Finding texts regardless of case, texts that contain a text, and arrays that have a member."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest

from gql_service.domain.search import conditions, members
from tests.search.test_operators import Directory, found, put, refusal, search
from tests.support.entries import set_entries
from tests.support.service import Service, serving
from tests.support.world import World


@pytest.fixture(scope="module")
def directory(service: Service) -> Directory:
    values = {
        "upper": ("string", "STRASSE"),
        "sharp": ("string", "Straße"),
        "wide": ("string", "\uff33traße"),
        "other": ("string", "Straßen"),
        "long": ("string", "x" * 250 + "ẞ"),
        "percent": ("string", "100%_\\"),
        "day": ("date", "2024-03-01"),
        "bytes": ("binary", "QUJD"),
        "number": ("number", "7"),
        "list": ("json", '["beta", 7, true, null, {"a": 1}, [8], "beta", 1.5]'),
        "word": ("json", '"strasse"'),
        "text_list": ("json", '["Straße"]'),
        "object": ("json", '{"beta": 7}'),
        "many": ("json", json.dumps([*range(1000, 1100), 5000])),
    }
    return Directory(World(service), values)


@pytest.mark.parametrize(
    ("operators", "names"),
    [
        ({"equalsIgnoreCase": "strasse"}, "sharp upper wide"),
        ({"equalsIgnoreCase": "STRAẞE"}, "sharp upper wide"),
        ({"equalsIgnoreCase": "X" * 250 + "SS"}, "long"),
        ({"equalsIgnoreCase": "x" * 250}, ""),
        ({"equalsIgnoreCase": "qujd"}, ""),
        ({"equalsIgnoreCase": "strasse", "prefix": "S"}, "sharp upper"),
        ({"equalsIgnoreCase": "strasse", "in": ["Straße", "STRASSE"], "contains": "SS"}, "upper"),
        ({"contains": "traß"}, "other sharp wide"),
        ({"contains": "TRASS"}, "upper"),
        ({"contains": "Straße"}, "other sharp text_list"),
        ({"contains": "%_"}, "percent"),
        ({"contains": "%"}, "percent"),
        ({"contains": "\\"}, "percent"),
        ({"contains": "ẞ"}, ""),
        ({"contains": "24-03"}, "day"),
        ({"contains": "beta"}, "list"),
        ({"contains": 7}, "list"),
        ({"contains": 7.0}, "list"),
        ({"contains": 1.5}, "list"),
        ({"contains": True}, "list"),
        ({"contains": 8}, ""),
        ({"contains": "7"}, ""),
        ({"contains": 1099}, "many"),
        ({"contains": 5000}, ""),
        ({"contains": "traß", "lessThan": "Straßen"}, "sharp"),
    ],
)  # fmt: skip
def test_operators_find_matching_values(directory: Directory, operators: dict[str, Any], names: str) -> None:
    assert directory.found(**operators) == names


def test_conditions_of_several_keys_are_combined(world: World) -> None:
    first, second = world.member, world.colleague
    for user, tags, name in ((first, ["a", "b"], "Ann"), (second, ["b"], "ANNA")):
        put(world, user, "tags", json.dumps(tags), "json")
        put(world, user, "name", name)
    assert found(world, {"key": "tags", "contains": "b"}) == {first.id, second.id}
    assert found(world, {"key": "tags", "contains": "b"}, {"key": "tags", "contains": "a"}) == {first.id}
    assert found(world, {"key": "tags", "contains": "b"}, {"key": "name", "contains": "NN"}) == {second.id}
    assert found(world, {"key": "name", "equalsIgnoreCase": "ann"}, {"key": "tags", "contains": "b"}) == {
        first.id
    }
    prefix = {"usernamePrefix": second.username}
    assert search(world, {"key": "tags", "contains": "b"}, where=prefix)["totalCount"] == 1


def test_changed_arrays_are_found_by_their_new_members(world: World) -> None:
    user = world.member
    has_a, has_b = {"key": "tags", "contains": "a"}, {"key": "tags", "contains": "b"}
    put(world, world.colleague, "tags", '["c"]', "json")
    put(world, user, "tags", '["a"]', "json")
    put(world, user, "tags", '["b"]', "json")
    assert (found(world, has_a), found(world, has_b)) == (set(), {user.id})
    put(world, user, "tags", "b", "string")
    assert (found(world, has_a), found(world, has_b)) == (set(), {user.id})
    put(world, user, "tags", '["a"]', "json")
    set_entries(world.admin, world, {"metadataKey": "tags", "isIndexed": False}, username=user.username)
    assert (found(world, has_a), found(world, has_b)) == (set(), set())
    put(world, user, "tags", '["a"]', "json")
    set_entries(world.admin, world, username=user.username, deleteKeys=["tags"])
    assert found(world, has_a) == set()


def test_pages_of_texts_that_contain_a_text(world: World) -> None:
    members = sorted((world.new_user() for _ in range(5)), key=lambda user: user.id)
    for user in members:
        put(
            world,
            user,
            "k",
            "abc" if user is not members[2] else '["b"]',
            "json" if user is members[2] else "string",
        )
    condition = {"key": "k", "contains": "b"}
    first = search(world, condition, first=2)
    assert [node["userId"] for node in first["nodes"]] == [user.id for user in members[:2]]
    assert first["totalCount"] == 5
    rest = search(world, condition, first=9, after=first["pageInfo"]["endCursor"])
    assert [node["userId"] for node in rest["nodes"]] == [user.id for user in members[2:]]
    last = search(world, condition, last=2)
    assert [node["userId"] for node in last["nodes"]] == [user.id for user in members[3:]]


@pytest.fixture(scope="module")
def encrypting_service(database_url: str) -> Iterator[Service]:
    with serving(database_url, encryption_keys={"k1": base64.b64encode(b"k" * 32).decode()}) as running:
        yield running


def test_encrypted_values_do_not_match(encrypting_service: Service) -> None:
    world = World(encrypting_service)
    put(world, world.member, "s", "a", isEncrypted=True)
    put(world, world.colleague, "s", '["a"]', "json", isEncrypted=True)
    put(world, world.admin, "s", "A")
    assert found(world, {"key": "s", "equalsIgnoreCase": "a"}) == {world.admin.id}
    assert found(world, {"key": "s", "contains": "A"}) == {world.admin.id}
    assert found(world, {"key": "s", "contains": "a"}) == set()


@pytest.mark.parametrize(
    ("operators", "message"),
    [
        ({"contains": ""}, "at least one character"),
        ({"contains": ["a"]}, "takes a text, a number or a boolean"),
        ({"contains": {"a": 1}}, "takes a text, a number or a boolean"),
        ({"contains": "a" * 201}, "this one has 201"),
        ({"contains": "\0"}, "U+0000"),
        ({"contains": None, "equalsIgnoreCase": None}, "at least one operator"),
        ({"contains": "a", "exists": False}, "cannot be combined"),
    ],
)
def test_an_invalid_search_is_refused(world: World, operators: dict[str, Any], message: str) -> None:
    put(world, world.member, "k", "a")
    assert message in refusal(world, {"key": "k"} | operators)


def test_too_many_texts_are_not_read(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (conditions, members):
        monkeypatch.setattr(module, "MAX_SCANNED_TEXTS", 1)
    put(world, world.member, "k", "abc")
    assert found(world, {"key": "k", "contains": "b"}) == {world.member.id}
    put(world, world.colleague, "k", "abd")
    assert "More than 1 texts" in refusal(world, {"key": "k", "contains": "b"})
    assert "More than 1 texts" in refusal(world, {"key": "k", "contains": "b", "exists": True})
    assert found(world, {"key": "k", "contains": "b", "prefix": "ab"}) == {
        world.member.id,
        world.colleague.id,
    }
    assert found(world, {"key": "k", "contains": "b", "equals": "abc"}) == {world.member.id}
    assert found(world, {"key": "k", "contains": 5}) == set()
