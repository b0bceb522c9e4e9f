"""The requests of a gateway: the schema, and objects by their federation keys."""

import base64
from pathlib import Path
from typing import Any

import pytest
from graphql import (
    DirectiveDefinitionNode,
    InterfaceTypeDefinitionNode,
    ObjectTypeDefinitionNode,
    TypeDefinitionNode,
    parse,
)

from gql_service.schema.build import build_schema
from tests.support.world import Caller, World

SCHEMA = Path(__file__).parent.parent.parent / "schema.graphql"
ENTITIES = """query ($of: [_Any!]!) { _entities(representations: $of) { __typename
  ... on User { userId username } ... on Platform { key name }
  ... on PlatformMetadata { platformKey metadata user { username } } } }"""


def global_id(type_name: str, key: str) -> str:
    return base64.b64encode(f"{type_name}:{key}".encode()).decode()


def entities(caller: Caller, *representations: Any) -> Any:
    return caller.ask(ENTITIES, of=list(representations))["_entities"]


def refusal(caller: Caller, *representations: Any) -> tuple[str, str]:
    """The code and the message of the error for all representations."""
    body = caller.graphql(ENTITIES, of=list(representations))
    assert body.get("data") is None, body
    (error,) = body["errors"]
    return error["extensions"]["code"], error["message"]


def as_user(caller: Caller) -> dict[str, str]:
    return {"__typename": "User", "userId": caller.id, "username": caller.username}


def test_the_schema_for_gateways_is_the_published_one_without_what_concerns_only_clients(
    world: World,
) -> None:
    sdl = world.member.ask("{ _service { sdl } }")["_service"]["sdl"]
    assert sdl.strip() == build_schema().as_subgraph_str()
    read, published = coordinates(sdl), coordinates(SCHEMA.read_text())
    assert published - read == {
        "@auth", "Role", "Query.node", "Query.nodes", "Query._entities", "Query._service", "_Any", "_Entity",
        "_Service", "_Service.sdl",
    }  # fmt: skip
    assert read <= published
    assert "@auth" not in sdl


def coordinates(sdl: str) -> set[str]:
    """The names of the directives, types and output fields that a schema defines."""
    found = set()
    for node in parse(sdl).definitions:
        if isinstance(node, DirectiveDefinitionNode):
            found.add(f"@{node.name.value}")
        elif isinstance(node, TypeDefinitionNode):
            found.add(node.name.value)
            if isinstance(node, ObjectTypeDefinitionNode | InterfaceTypeDefinitionNode):
                found |= {f"{node.name.value}.{each.name.value}" for each in node.fields or ()}
    return found


def test_the_schema_needs_no_token(world: World) -> None:
    response = world.service.client.post("/graphql", json={"query": "{ _service { sdl } }"})
    assert response.json()["data"]["_service"]["sdl"].strip() == build_schema().as_subgraph_str()


def test_entities_need_a_token(world: World) -> None:
    request = {"query": ENTITIES, "variables": {"of": [{"__typename": "User", "userId": world.member.id}]}}
    body = world.service.client.post("/graphql", json=request).json()
    assert body["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    assert world.member.username not in str(body)


@pytest.mark.parametrize("key", ["id", "userId", "username"])
def test_a_user_is_found_by_each_key(world: World, key: str) -> None:
    colleague = world.colleague
    values = {
        "id": global_id("User", colleague.id),
        "userId": colleague.id,
        "username": colleague.username,
    }
    found = entities(world.member, {"__typename": "User", key: values[key]})
    assert found == [as_user(colleague)]


@pytest.mark.parametrize("key", ["key", "id"])
def test_a_platform_is_found_by_each_key(world: World, key: str) -> None:
    keys = {"key": world.platform_key, "id": global_id("Platform", world.platform_key)}
    found = entities(world.member, {"__typename": "Platform", key: keys[key]})
    assert found == [{"__typename": "Platform", "key": world.platform_key, "name": world.platform_key}]


@pytest.mark.parametrize("platform", ["platform", "user-wide"])
def test_a_document_is_found_by_its_owner_and_platform(world: World, platform: str) -> None:
    key = world.platform_key if platform == "platform" else None
    write(world.member, key, on=platform)
    representation = {"__typename": "PlatformMetadata", "userId": world.member.id, "platformKey": key}
    (found,) = entities(world.member, representation)
    assert (found["platformKey"], found["metadata"]) == (key, {"on": platform})
    assert found["user"] == {"username": world.member.username}
    assert entities(world.colleague, representation) == [None]
    assert entities(world.admin, representation) == [found]


def test_an_entry_is_found_by_its_id(world: World) -> None:
    write(world.member, world.platform_key, plan="pro")
    id = global_id("UserMetadata", f"{world.member.id}:{world.platform_key}:plan")
    query = "query ($of: [_Any!]!) { _entities(representations: $of) { ... on UserMetadata { id value } } }"
    representation = {"__typename": "UserMetadata", "id": id}
    assert world.member.ask(query, of=[representation])["_entities"] == [{"id": id, "value": "pro"}]
    assert world.colleague.ask(query, of=[representation])["_entities"] == [None]


@pytest.mark.parametrize("key", [{"userId": "a:b", "platformKey": "c"}, {"userId": "a", "platformKey": ""}])
def test_a_key_that_no_document_can_have_is_null(world: World, key: dict[str, str]) -> None:
    write(world.member, None, secret="canary")
    confused = {"userId": f"{world.member.id}:", "platformKey": None}
    for representation in (key, confused, {"userId": world.member.id, "platformKey": ""}):
        assert entities(world.member, {"__typename": "PlatformMetadata", **representation}) == [None]


def write(caller: Caller, platform_key: str | None, **metadata: Any) -> None:
    caller.ask(
        """mutation ($input: PatchPlatformMetadataInput!) {
          patchPlatformMetadata(input: $input) { userErrors { message } } }""",
        input={"platformKey": platform_key, "metadata": metadata},
    )


@pytest.mark.parametrize("platform", ["platform", "user-wide"])
def test_a_document_is_found_by_its_id(world: World, platform: str) -> None:
    key = world.platform_key if platform == "platform" else None
    world.member.ask(
        """mutation ($input: PatchPlatformMetadataInput!) {
          patchPlatformMetadata(input: $input) { userErrors { message } } }""",
        input={"platformKey": key, "metadata": {"on": platform}},
    )
    id = global_id("PlatformMetadata", f"{world.member.id}:{key or ''}")
    (found,) = entities(world.member, {"__typename": "PlatformMetadata", "id": id})
    assert found["platformKey"] == key
    assert found["metadata"] == {"on": platform}
    assert found["user"] == {"username": world.member.username}


def test_a_returned_id_can_be_used_as_a_key(world: World) -> None:
    representations = "query ($key: String!) { me { id platformMetadata(platformKey: $key) { id } } }"
    me = world.member.ask(representations, key=world.platform_key)["me"]
    user, document = entities(
        world.member,
        {"__typename": "User", "id": me["id"]},
        {"__typename": "PlatformMetadata", "id": me["platformMetadata"]["id"]},
    )
    assert user == as_user(world.member)
    assert document["platformKey"] == world.platform_key


@pytest.mark.parametrize(
    "extra",
    [
        {"displayName": "Forged", "email": "forged@example.com", "isPlatformOwner": True},
        {"info": 1, "context": 2, "self": 3, "user_id": 4, "representations": []},
        {"key": "other", "orders": [{"deep": None}], "__extra": True, "": ""},
    ],
)
def test_other_fields_of_a_representation_are_ignored(world: World, extra: dict[str, Any]) -> None:
    query = """query ($of: [_Any!]!) { _entities(representations: $of) {
      ... on User { userId displayName email isPlatformOwner } } }"""
    of = [{**extra, "__typename": "User", "userId": world.member.id}]
    (user,) = world.member.ask(query, of=of)["_entities"]
    assert user == {
        "userId": world.member.id,
        "displayName": world.member.username,
        "email": f"{world.member.username}@example.com",
        "isPlatformOwner": False,
    }


@pytest.mark.parametrize(
    "representation",
    [
        {"__typename": "Nothing", "id": "x"},
        {"__typename": "Badge", "name": "projectCreated"},
        {"__typename": "Query"},
        {"__typename": "Node", "id": "x"},
        {"__typename": None, "id": "x"},
        {"__typename": ["User"], "id": "x"},
        {"id": "x"},
        {"__typename": "User"},
        {"__typename": "User", "key": "x"},
        {"__typename": "User", "userId": None},
        {"__typename": "User", "userId": 7},
        {"__typename": "User", "id": True},
        {"__typename": "User", "username": {"eq": "x"}},
        {"__typename": "Platform", "name": "x"},
        {"__typename": "Platform", "id": 7},
        {"__typename": "UserMetadata", "metadataKey": "x"},
        {"__typename": "PlatformMetadata", "userId": "x"},
        {"__typename": "PlatformMetadata", "platformKey": "x"},
        {"__typename": "PlatformMetadata", "userId": "x", "platformKey": 7},
        {"__typename": "PlatformMetadata", "userId": None, "platformKey": "x"},
        {"__typename": "Platform", "key": 1.5},
        {"__typename": "PlatformMetadata", "id": ["x"]},
        {"__typename": "PlatformMetadata", "username": "x", "platformKey": "y"},
        {},
    ],
)
def test_a_representation_without_a_usable_key_is_refused(
    world: World, representation: dict[str, Any]
) -> None:
    body = world.member.graphql(ENTITIES, of=[as_user(world.member), representation])
    assert [found and found["userId"] for found in body["data"]["_entities"]] == [world.member.id, None]
    (error,) = body["errors"]
    assert (error["path"], error["extensions"]["code"]) == (["_entities", 1], "BAD_USER_INPUT")
    assert error["message"] == "A representation needs `__typename` and one of the keys of that type."


@pytest.mark.parametrize("representation", ["User", 7, True, 1.5, [], [{"__typename": "User"}]])
def test_a_representation_that_is_not_an_object_is_refused(world: World, representation: Any) -> None:
    body = world.member.graphql(ENTITIES, of=[representation])
    assert body["data"] == {"_entities": [None]}
    assert body["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


def test_a_null_representation_is_refused(world: World) -> None:
    assert refusal(world.member, None)[0] == "BAD_USER_INPUT"


@pytest.mark.parametrize(
    "id", ["", "x", "VXNlcg==", "VXNlcjo=", "ÿ", "VXNlcjr//w==", global_id("Platform", "x")]
)
def test_an_id_of_no_object_is_null(world: World, id: str) -> None:
    found = entities(
        world.member, {"__typename": "User", "id": id}, {"__typename": "PlatformMetadata", "id": id}
    )
    assert found == [None, None]


def test_a_key_with_nul_is_null(world: World) -> None:
    found = entities(
        world.member,
        {"__typename": "User", "id": global_id("User", "a\0b")},
        {"__typename": "PlatformMetadata", "id": global_id("PlatformMetadata", "a\0b:c")},
        {"__typename": "PlatformMetadata", "id": global_id("PlatformMetadata", f"{world.member.id}:c\0")},
    )
    assert found == [None, None, None]


def test_hidden_objects_look_like_objects_that_do_not_exist(world: World) -> None:
    found = entities(
        world.stranger,
        {"__typename": "User", "userId": world.member.id},
        {"__typename": "User", "userId": "unknown"},
        {"__typename": "User", "username": world.member.username},
        {"__typename": "User", "id": global_id("User", world.member.id)},
        {"__typename": "Platform", "key": world.platform_key},
        {"__typename": "Platform", "key": "unknown"},
        {"__typename": "PlatformMetadata", "id": global_id("PlatformMetadata", f"{world.member.id}:")},
        {
            "__typename": "PlatformMetadata",
            "id": global_id("PlatformMetadata", f"{world.member.id}:{world.platform_key}"),
        },
    )
    assert found == [None] * 8


def test_a_colleagues_document_is_null(world: World) -> None:
    id = global_id("PlatformMetadata", f"{world.member.id}:{world.platform_key}")
    assert entities(world.colleague, {"__typename": "PlatformMetadata", "id": id}) == [None]
    assert entities(world.admin, {"__typename": "PlatformMetadata", "id": id}) != [None]


def test_private_fields_stay_private(world: World) -> None:
    query = "query ($of: [_Any!]!) { _entities(representations: $of) { ... on User { username email } } }"
    both = [as_user(world.colleague), as_user(world.member)]
    body = world.colleague.graphql(query, of=both)
    own = {"username": world.colleague.username, "email": f"{world.colleague.username}@example.com"}
    assert body["data"]["_entities"] == [own, {"username": world.member.username, "email": None}]
    assert [error["path"] for error in body["errors"]] == [["_entities", 1, "email"]]
    assert body["errors"][0]["extensions"]["code"] == "FORBIDDEN"


def test_the_order_is_kept_with_null_for_what_is_missing(world: World) -> None:
    people = [world.new_user() for _ in range(4)]
    unknown = {"__typename": "User", "userId": "unknown"}
    platform = {"__typename": "Platform", "key": world.platform_key}
    representations = [as_user(people[2]), unknown, platform, as_user(people[0]), unknown, as_user(people[2])]
    found = entities(world.member, *representations)
    assert [each and each.get("username", "platform") for each in found] == [
        people[2].username, None, "platform", people[0].username, None, people[2].username,
    ]  # fmt: skip


def test_no_representations_give_no_entities(world: World) -> None:
    assert entities(world.member) == []


def test_a_thousand_representations_are_allowed(world: World) -> None:
    assert entities(world.member, *[as_user(world.member)] * 1000) == [as_user(world.member)] * 1000


def test_a_thousand_and_one_representations_are_refused(world: World) -> None:
    code, message = refusal(world.member, *[as_user(world.member)] * 1001)
    assert code == "LIMIT_EXCEEDED"
    assert message == "`representations` has 1001 items; 1000 are allowed (GQL_SERVICE_MAX_REPRESENTATIONS)."


@pytest.mark.parametrize("key", ["id", "userId", "username", "document"])
def test_the_number_of_statements_does_not_grow_with_the_representations(world: World, key: str) -> None:
    people = [world.new_user() for _ in range(50)]

    def representation(caller: Caller) -> dict[str, str]:
        document = {
            "__typename": "PlatformMetadata",
            "id": global_id("PlatformMetadata", f"{caller.id}:{world.platform_key}"),
        }
        user = {**as_user(caller), "id": global_id("User", caller.id)}
        return document if key == "document" else {"__typename": "User", key: user[key]}

    counts = []
    for some in (people[:2], people):
        with world.service.statements() as statements:
            found = entities(world.admin, *map(representation, some))
        assert len(found) == len(some)
        assert None not in found
        counts.append(len(statements))
    assert counts[0] == counts[1], counts
