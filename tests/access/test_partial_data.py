"""Partial data: a field that a viewer may not read is null, and the fields beside it are answered."""

from typing import Any

import pytest
from graphql import GraphQLField, GraphQLObjectType, GraphQLSchema, is_non_null_type

from gql_service.auth.roles import Role
from gql_service.schema.auth_directive import Auth
from gql_service.schema.build import build_schema
from tests.support.world import World

WEAKEST_FIRST = list(Role)
REQUIRED_BY_FEDERATION = {"Query._entities"}
"""The specification of federation defines its type, `[_Entity]!`."""


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    return build_schema()._schema


def role(definition: GraphQLObjectType | GraphQLField) -> Role | None:
    directives = definition.extensions["strawberry-definition"].directives
    return next((each.requires for each in directives if isinstance(each, Auth)), None)


def refusable_fields(schema: GraphQLSchema) -> dict[str, GraphQLField]:
    """Root fields of queries with arguments, fields with a stricter role than their type, and fields with an
    argument for admins."""
    found = {}
    for type_ in schema.type_map.values():
        if not isinstance(type_, GraphQLObjectType) or type_.name.startswith("__"):
            continue
        of_type = role(type_)
        for name, field in type_.fields.items():
            own = role(field)
            is_stricter = own and of_type and WEAKEST_FIRST.index(own) > WEAKEST_FIRST.index(of_type)
            descriptions = [argument.description or "" for argument in field.args.values()]
            has_strict_argument = any(each.lower().endswith("admins only.") for each in descriptions)
            is_root = type_ is schema.query_type and field.args
            if is_stricter or is_root or (has_strict_argument and type_ is not schema.mutation_type):
                found[f"{type_.name}.{name}"] = field
    return found


def test_every_field_that_can_be_refused_alone_is_nullable(schema: GraphQLSchema) -> None:
    fields = refusable_fields(schema)
    assert {"Query.platformMetadata", "Query.nodes", "User.email", "Platform.users"} <= fields.keys()
    assert "PlatformMetadata.entries" in fields
    assert {name for name, field in fields.items() if is_non_null_type(field.type)} == REQUIRED_BY_FEDERATION


def test_fields_that_every_viewer_gets_are_not_null(schema: GraphQLSchema) -> None:
    assert schema.query_type is not None
    assert schema.mutation_type is not None
    roots = schema.query_type.fields
    for name in ("me", "session", "limits", "badgeCatalog"):
        assert is_non_null_type(roots[name].type), name
    for name, field in schema.mutation_type.fields.items():
        assert is_non_null_type(field.type), name
    session: Any = schema.type_map["LocalAuthUser"]
    for name in ("id", "tenantId", "email", "permissions", "revision"):
        assert is_non_null_type(session.fields[name].type), name


def test_a_private_field_of_another_member_is_null_and_its_neighbours_are_not(world: World) -> None:
    query = "query ($name: String!) { user(by: {username: $name}) { username email displayName } }"
    body = world.colleague.graphql(query, name=world.member.username)
    name = world.member.username
    assert body["data"] == {"user": {"username": name, "email": None, "displayName": name}}
    assert [(error["path"], error["extensions"]["code"]) for error in body["errors"]] == [
        (["user", "email"], "FORBIDDEN")
    ]


SELECTIONS = {
    "User.tokens": 'user(by: {username: "NAME"}) { username tokens(first: 1) { nodes { id } } }',
    "User.notifications": 'user(by: {username: "NAME"}) { username notifications { nodes { id } } }',
    "User.unreadNotificationCount": 'user(by: {username: "NAME"}) { username unreadNotificationCount }',
    "User.userMetadata": 'user(by: {username: "NAME"}) { username userMetadata { metadata } }',
    "User.platformMetadata": """user(by: {username: "NAME"}) { username
        platformMetadata(platformKey: "KEY") { metadata } }""",
    "Platform.users": 'platform(key: "KEY") { name users(first: 1) { nodes { id } } }',
    "PlatformMetadata.entries": """me { id platformMetadata(platformKey: "KEY") {
        revision entries(includeInactive: true) { nodes { id } } } }""",
    "Query.platformMetadata": 'platformMetadata(platformKey: "KEY", username: "NAME") { metadata }',
}


@pytest.mark.parametrize("selection", SELECTIONS.values(), ids=SELECTIONS)
def test_one_refusal_leaves_its_neighbours(world: World, selection: str) -> None:
    selection = selection.replace("NAME", world.member.username).replace("KEY", world.platform_key)
    body = world.colleague.graphql(f"{{ {selection} viewer: me {{ username }} }}")
    assert len(body["errors"]) == 1
    assert body["data"]["viewer"] == {"username": world.colleague.username}
    refused, parent = body["errors"][0]["path"][-1], body["data"]
    for step in body["errors"][0]["path"][:-1]:
        parent = parent[step]
    assert parent[refused] is None
    assert all(value is not None for name, value in parent.items() if name != refused)
