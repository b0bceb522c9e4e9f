"""Changes of a user: merging, unchanged fields, revisions and conflicts."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest

from tests.support.http_clients import http_client
from tests.support.service import Service
from tests.support.users import EVERYTHING, ask, send, unchanged, verdict, write
from tests.support.world import Caller, World

MAPS: dict[str, tuple[Any, Any]] = {  # two values of an entry
    "profileFields": ({"value": "a", "visibility": "private"}, {"value": "b"}),
    "recentProjects": (1, 2),
    "personalAgentPermissions": ({"t": {"read": True, "write": True}}, {"u": {"read": True, "write": False}}),
}
CHANGES: dict[str, Any] = {
    "language": "de",
    "profileFields": {"city": {"value": "London"}, "email": {"visibility": "tenant"}},
    "recentProjects": {"p1": 1, "p2": 2},
    "lastSeenReleaseVersion": "2.0",
    "optInDecisions": [{"name": "beta", "optedIn": True, "decidedAt": 1}],
    "personalAgentPermissions": {"p1": {"task": {"read": True, "write": False}}},
    "email": "new@example.org",
    "emailVerified": True,
    "image": "https://example.com/new.png",
    "permissions": [],
    "passwordChangeDisabled": True,
    "projectCreationDisabled": True,
    "profileFieldChangeDisabled": True,
    "messagingDisabled": True,
    "isPlatformOwner": True,
}


@pytest.fixture(scope="module")
def world(service: Service) -> World:
    return World(service)


def update(caller: Caller, **input: Any) -> None:
    write(caller, "updateUser", input)


@pytest.mark.parametrize("field", MAPS)
def test_a_map_is_merged_by_its_names(world: World, field: str) -> None:
    first, second = MAPS[field]
    user = world.new_user()
    for value, expected in [
        ({"a": first}, {"a": first}),
        ({"b": first}, {"a": first, "b": first}),
        ({"a": second}, {"a": second, "b": first}),
        ({}, {"a": second, "b": first}),
        ({"b": None, "c": second}, {"a": second, "c": second}),
        ({"no-such-name": None}, {"a": second, "c": second}),
        ({"a": None, "c": None}, {}),
    ]:
        update(user, **{field: value})
        assert ask(user, user, field)[field] == expected


@pytest.mark.parametrize("field", MAPS)
def test_a_value_in_a_map_is_replaced_entirely(world: World, field: str) -> None:
    first, second = MAPS[field]
    user = world.new_user()
    update(user, **{field: {"a": first}})
    update(user, **{field: {"a": second}})
    assert ask(user, user, field)[field] == {"a": second}


def test_decisions_of_other_names_are_kept(world: World) -> None:
    user = world.new_user()
    beta = {"name": "beta", "optedIn": True, "decidedAt": 1}
    news = {"name": "news", "optedIn": False, "decidedAt": 2}
    later = beta | {"optedIn": False, "decidedAt": 3}
    for value, expected in [
        ([beta], [beta]),
        ([news], [beta, news]),
        ([later], [later, news]),
        ([], [later, news]),
    ]:
        update(user, optInDecisions=value)
        assert ask(user, user, "optInDecisions { name optedIn decidedAt }")["optInDecisions"] == expected


def test_the_last_of_two_decisions_of_the_same_name_is_kept(world: World) -> None:
    user = world.new_user()
    decisions = [{"name": "beta", "optedIn": flag, "decidedAt": 1} for flag in (True, False)]
    update(user, optInDecisions=decisions)
    assert ask(user, user, "optInDecisions { optedIn }")["optInDecisions"] == [{"optedIn": False}]


def test_omitted_fields_are_unchanged(world: World) -> None:
    user = world.new_user()
    update(world.owner, username=user.username, **CHANGES)
    before = ask(user, user, EVERYTHING)
    update(user, lastSeenReleaseVersion="3.0")
    after = ask(user, user, EVERYTHING)
    assert {field for field in before if before[field] != after[field]} <= {
        "lastSeenReleaseVersion",
        "revision",
        "updatedAt",
    }


def test_a_change_increases_the_revision_by_one_and_sets_updated_at(world: World) -> None:
    user = world.new_user()
    world.service.clock_offset += 1000
    try:
        for revision, version in ((2, "1"), (3, "2")):
            before = ask(user, user, "createdAt updatedAt")
            world.service.clock_offset += 1000
            payload = write(
                user,
                "updateUser",
                {"lastSeenReleaseVersion": version},
                "user { revision updatedAt createdAt }",
            )
            assert payload["user"]["revision"] == revision
            assert payload["user"]["updatedAt"] > before["updatedAt"]
            assert payload["user"]["createdAt"] == before["createdAt"]
    finally:
        world.service.clock_offset = 0


@pytest.mark.parametrize("field", CHANGES)
def test_a_write_without_effect_changes_neither_revision_nor_updated_at(world: World, field: str) -> None:
    user = world.new_user()
    value = f"{uuid4().hex}@example.org" if field == "email" else CHANGES[field]
    input = {"username": user.username, field: value}
    write(world.owner, "updateUser", input)
    with unchanged(world, user):
        for _ in range(2):
            world.service.clock_offset += 1000
            write(world.owner, "updateUser", input)
        revision = ask(user, user, "revision")["revision"]
        write(world.owner, "updateUser", {"username": user.username, "expectedRevision": revision})
    world.service.clock_offset = 0
    assert revision == (1 if CHANGES[field] == [] else 2)


def test_setting_null_to_null_has_no_effect(world: World) -> None:
    user = world.new_user()
    with unchanged(world, user):
        update(world.admin, username=user.username, language=None, lastSeenReleaseVersion=None, image=None)
        update(
            user, profileFields={"a": None}, recentProjects={"a": None}, personalAgentPermissions={"a": None}
        )
        update(user)


def test_users_and_documents_have_separate_revisions(world: World) -> None:
    user = world.new_user()
    update(user, language="de")
    body = user.rest("PATCH", world.platform_key, {"metadata": {"theme": "dark"}})
    assert body.headers["ETag"] == '"1"'
    assert ask(user, user, "revision") == {"revision": 2}
    update(user, language="fr")
    assert user.rest("GET", world.platform_key).headers["ETag"] == '"1"'


def test_a_stale_write_is_a_conflict_with_the_current_revision(world: World) -> None:
    user = world.new_user()
    stale = {"username": user.username, "expectedRevision": 1}
    assert verdict(user, "updateUser", stale | {"language": "de"}) == "OK"
    with unchanged(world, user):
        for caller in (user, world.admin, world.owner):
            body = send(caller, "updateUser", stale | {"language": "fr"}, "user { id }")
            (problem,) = body["data"]["updateUser"]["userErrors"]
            assert body["data"]["updateUser"]["user"] is None
            assert (problem["code"], problem["field"]) == ("REVISION_CONFLICT", ["expectedRevision"])
            assert problem["currentRevision"] == 2
    assert verdict(user, "updateUser", {"expectedRevision": 2, "language": "fr"}) == "OK"
    assert ask(user, user, "language revision") == {"language": "fr", "revision": 3}


@pytest.mark.parametrize("revision", [0, 2, -1, 2**31 - 1, -(2**31)])
def test_another_expected_revision_is_a_conflict_even_without_changes(world: World, revision: int) -> None:
    user = world.new_user()
    with unchanged(world, user):
        outcome = verdict(user, "updateUser", {"expectedRevision": revision})
        assert outcome == "REVISION_CONFLICT expectedRevision"


def test_a_write_without_expected_revision_always_succeeds(world: World) -> None:
    user = world.new_user()
    for language in ("de", "fr", "en"):
        update(user, language=language, expectedRevision=None)
    assert ask(user, user, "language revision") == {"language": "en", "revision": 4}


def test_of_concurrent_writes_at_the_same_revision_exactly_one_succeeds(world: World) -> None:
    user = world.new_user()
    query = """mutation ($input: UpdateUserInput!) { updateUser(input: $input) {
      userErrors { ... on RevisionConflict { currentRevision } } } }"""

    def race(number: int) -> Any:
        variables = {"input": {"expectedRevision": 1, "lastSeenReleaseVersion": str(number)}}
        with http_client(world.service.url) as client:
            body = {"query": query, "variables": variables}
            response = client.post("/graphql", json=body, headers={"Authorization": f"Token {user.token}"})
        return response.json()["data"]["updateUser"]["userErrors"]

    with ThreadPoolExecutor(10) as racers:
        outcomes = list(racers.map(race, range(10)))
    assert sorted(map(len, outcomes)) == [0] + [1] * 9
    assert [each for each in outcomes if each] == [[{"currentRevision": 2}]] * 9
    assert ask(user, user, "revision lastSeenReleaseVersion") == {
        "revision": 2,
        "lastSeenReleaseVersion": str(outcomes.index([])),
    }


def test_concurrent_changes_of_different_fields_are_all_kept(world: World) -> None:
    user = world.new_user()
    query = "mutation ($input: UpdateUserInput!) { updateUser(input: $input) { userErrors { code } } }"

    def change(number: int) -> int:
        variables = {"input": {"recentProjects": {f"p{number}": number}}}
        with http_client(world.service.url) as client:
            body = {"query": query, "variables": variables}
            response = client.post("/graphql", json=body, headers={"Authorization": f"Token {user.token}"})
        return len(response.json()["data"]["updateUser"]["userErrors"])

    with ThreadPoolExecutor(10) as writers:
        assert set(writers.map(change, range(20))) == {0}
    assert ask(user, user, "recentProjects revision") == {
        "recentProjects": {f"p{number}": number for number in range(20)},
        "revision": 21,
    }
