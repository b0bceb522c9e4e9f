"""The schema as clients see it: the exported text, its descriptions, and a role on every field."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import strawberry
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    is_specified_directive,
    is_specified_scalar_type,
    parse,
)

from gql_service.auth.roles import Role
from gql_service.schema import auth_directive as auth
from gql_service.schema.build import build_schema
from tests.support.service import Service

SNAPSHOT = Path(__file__).parent.parent.parent / "schema.graphql"
IDIOMS = re.compile(
    r"\b(?:all the same|amount to|as far as|as ever|at hand|be it|gist|goes on|in question|(?<!there )is no"
    r"|(?:is|are) to be|lest|mend|meant|moved on|of which|oneself|on the way|said|shown|stands? for|thereof"
    r"|to come|told|unfolded|whereby|where (?:there|it|that) is|whoever|whom)\b",
    re.IGNORECASE,
)
"""Translated or old-fashioned phrases that make readers stumble."""


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    return build_schema()._schema


@pytest.fixture(scope="module")
def descriptions(schema: GraphQLSchema) -> dict[str, str | None]:
    """The description of everything in the schema, by its coordinate."""
    found: dict[str, str | None] = {"schema": schema.description}
    for type_ in schema.type_map.values():
        if not (type_.name.startswith("__") or is_specified_scalar_type(type_)):
            found |= dict(_descriptions(type_))
    for directive in schema.directives:
        if not is_specified_directive(directive):
            found[f"@{directive.name}"] = directive.description
            for name, argument in directive.args.items():
                found[f"@{directive.name}({name})"] = argument.description
    return found


def _descriptions(type_: GraphQLNamedType) -> Iterator[tuple[str, str | None]]:
    yield type_.name, type_.description
    if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType):
        for name, field in type_.fields.items():
            yield f"{type_.name}.{name}", field.description
            for argument, definition in field.args.items():
                yield f"{type_.name}.{name}({argument}:)", definition.description
    elif isinstance(type_, GraphQLInputObjectType):
        for name, input_field in type_.fields.items():
            yield f"{type_.name}.{name}", input_field.description
    elif isinstance(type_, GraphQLEnumType):
        for name, value in type_.values.items():
            yield f"{type_.name}.{name}", value.description


def test_the_exported_schema_is_current() -> None:
    assert SNAPSHOT.read_text() == build_schema().as_str() + "\n", "run: make schema"


def test_everything_has_a_description_of_whole_sentences(descriptions: dict[str, str | None]) -> None:
    assert [name for name, text in descriptions.items() if not text] == []
    assert [name for name, text in descriptions.items() if text and not text.endswith(".")] == []
    starts = {name: text[0] for name, text in descriptions.items() if text}
    assert [name for name, first in starts.items() if not (first.isupper() or first in "`0123456789")] == []


def test_descriptions_are_short(descriptions: dict[str, str | None]) -> None:
    assert [name for name, text in descriptions.items() if text and len(text) > 600] == []


def test_no_description_contains_an_idiom(descriptions: dict[str, str | None]) -> None:
    found = {name: IDIOMS.findall(text) for name, text in descriptions.items() if text}
    assert {name: idioms for name, idioms in found.items() if idioms} == {}


def test_descriptions_use_the_names_of_graphql(descriptions: dict[str, str | None]) -> None:
    """`delete_keys` is a name of REST; in GraphQL it is `deleteKeys`."""
    assert [name for name, text in descriptions.items() if text and re.search(r"[a-z]_[a-z]", text)] == []


def _declared_role(definition: GraphQLObjectType | object) -> Role | None:
    extensions = getattr(definition, "extensions", {})
    directives = getattr(extensions.get("strawberry-definition"), "directives", None) or ()
    return next((each.requires for each in directives if isinstance(each, auth.Auth)), None)


def test_the_description_of_a_field_ends_with_the_role_that_it_requires(schema: GraphQLSchema) -> None:
    endings = set()
    for type_ in schema.type_map.values():
        if not isinstance(type_, GraphQLObjectType) or type_.name.startswith("__"):
            continue
        for name, field in type_.fields.items():
            own, inherited = _declared_role(field), _declared_role(type_)
            role = own or inherited
            assert role is not None
            description = field.description or ""
            ending = re.escape(f". Requires: {auth.REQUIREMENTS[role]}")
            scopes = "" if role is Role.PUBLIC else r"; scopes? [A-Z]+( and ADMIN)?"
            assert re.search(rf"{ending}{scopes}\.$", description), f"{type_.name}.{name}"
            assert description.count("Requires:") == 1, f"{type_.name}.{name}"
            endings.add(role)
    assert endings == set(Role)


def test_every_role_has_its_own_sentence() -> None:
    assert auth.REQUIREMENTS.keys() == set(Role)
    assert len(set(auth.REQUIREMENTS.values())) == len(Role)


def test_introspection_shows_the_role_and_the_description_of_the_schema(service: Service) -> None:
    query = """{ __schema { description }
      __type(name: "User") { fields { name description } } }"""
    data = service.client.post("/graphql", json={"query": query}).json()["data"]
    assert data["__schema"]["description"] == build_schema()._schema.description
    fields = {field["name"]: field["description"] for field in data["__type"]["fields"]}
    assert fields["email"] == "The email address. Requires: the user or a tenant admin; scope READ."
    username = "The unique username. Requires: a member of a common tenant; scope READ."
    assert fields["username"] == username


def test_the_printed_schema_has_the_description_of_the_schema() -> None:
    document = parse(build_schema().as_str())
    (definition,) = [node for node in document.definitions if node.kind == "schema_definition"]
    assert getattr(definition, "description").value == build_schema()._schema.description  # noqa: B009


def test_mutations_are_listed_by_subject(schema: GraphQLSchema) -> None:
    """Documents, then many documents, users, definitions, tenants, webhooks."""
    assert schema.mutation_type is not None
    assert list(schema.mutation_type.fields) == [
        "patchPlatformMetadata", "replacePlatformMetadata", "clearPlatformMetadata", "setUserMetadata",
        "restorePlatformMetadata", "bulkPatchPlatformMetadata", "createUser", "updateUser", "checkBadge",
        "markNotificationsRead", "issueToken", "revokeToken", "renameUser", "deleteUser", "revokeTokens",
        "linkIdentity", "unlinkIdentity",
        "defineMetadata", "removeMetadataDefinition", "setMetadataMode", "setRetention", "createTenant",
        "renameTenant", "deleteTenant", "createPlatform", "renamePlatform", "deletePlatform",
        "createWebhook", "updateWebhook", "rotateWebhookSecret", "deleteWebhook", "testWebhook", "redeliver",
    ]  # fmt: skip


def test_a_field_without_a_role_stops_the_server_from_starting() -> None:
    @strawberry.type
    class Query:
        @strawberry.field(directives=auth.PUBLIC)
        def guarded(self) -> str:
            return ""

        @strawberry.field
        def forgotten(self) -> str:
            return ""

    with pytest.raises(auth.UnguardedField, match=r"Query\.forgotten"):
        auth.guard_schema(strawberry.Schema(Query)._schema)
