"""The schema as clients see it: the exported text, the descriptions, and a role on every field."""

from pathlib import Path

import pytest
import strawberry
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
)

from gql_service.schema import auth_directive as auth
from gql_service.schema.build import build_schema

SNAPSHOT = Path(__file__).parent.parent.parent / "schema.graphql"


def test_the_exported_schema_is_current() -> None:
    assert SNAPSHOT.read_text() == build_schema().as_str() + "\n", "run: make schema"


def _undescribed(type_: GraphQLNamedType) -> list[str]:
    parts: dict[str, str | None] = {type_.name: type_.description}
    if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType):
        for name, field in type_.fields.items():
            parts[f"{type_.name}.{name}"] = field.description
            for argument, definition in field.args.items():
                parts[f"{type_.name}.{name}({argument})"] = definition.description
    elif isinstance(type_, GraphQLInputObjectType):
        parts |= {f"{type_.name}.{name}": field.description for name, field in type_.fields.items()}
    elif isinstance(type_, GraphQLEnumType):
        parts |= {f"{type_.name}.{name}": value.description for name, value in type_.values.items()}
    return [name for name, description in parts.items() if not description]


def test_everything_has_a_description() -> None:
    schema = build_schema()._schema
    types = schema.type_map.values()
    assert [name for type_ in types if not type_.name.startswith("__") for name in _undescribed(type_)] == []
    for directive in schema.directives:
        assert directive.description, directive.name
        assert all(argument.description for argument in directive.args.values()), directive.name


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
