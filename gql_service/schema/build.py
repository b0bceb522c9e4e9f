"""Building the schema: the types joined, every field guarded, the SDL printed."""

import strawberry
from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLObjectType,
    GraphQLSchema,
    Undefined,
)
from strawberry.federation.schema import FederationAny
from strawberry.schema.config import StrawberryConfig
from strawberry.types.scalar import ScalarDefinition

from gql_service.schema.auth_directive import guard_schema
from gql_service.schema.mutation import Mutation
from gql_service.schema.query import Query
from gql_service.schema.row_fields import read
from gql_service.schema.scalars import SCALARS
from gql_service.schema.types.platform import Platform
from gql_service.schema.types.platform_metadata import PlatformMetadata
from gql_service.schema.types.user import User
from gql_service.schema.types.user_error import InvalidInput, RevisionConflict
from gql_service.schema.types.user_metadata import UserMetadata

_ANY: ScalarDefinition = strawberry.scalar(
    name="_Any",
    description="For gateways: a `__typename` and the fields of one key.",
    serialize=lambda value: value,
    parse_value=lambda value: value,
)


_FEDERATION = {
    "_FieldSet": "For gateways: the names of fields.",
    "link__Import": "For gateways: an element of a specification that this schema uses.",
    "link__Purpose": "For gateways: what a specification is needed for.",
    "link__Purpose.SECURITY": "For guarding fields.",
    "link__Purpose.EXECUTION": "For resolving fields.",
    "@auth(requires)": "The role.",
    "@key": "For gateways: fields that tell one object of the type from all others.",
    "@key(fields)": "The names of the fields.",
    "@key(resolvable)": "Whether this service finds the object by them.",
    "@link": "For gateways: a specification that this schema follows.",
    "@link(url)": "The address of the specification.",
    "@link(as)": "What its elements are prefixed with.",
    "@link(for)": "What it is needed for.",
    "@link(import)": "The elements used without a prefix.",
}
"""What Strawberry publishes for federation without a description."""


def build_schema() -> strawberry.federation.Schema:
    """The Federation 2 subgraph. Raises UnguardedField where a field declares no role."""
    schema = strawberry.federation.Schema(
        query=Query,
        mutation=Mutation,
        types=[User, Platform, PlatformMetadata, UserMetadata, InvalidInput, RevisionConflict],
        config=StrawberryConfig(scalar_map=SCALARS, default_resolver=read),
        scalar_overrides={FederationAny: _ANY},
    )
    _leave_out_null_defaults(schema._schema)
    _enforce_one_of(schema._schema)
    _describe_federation(schema._schema)
    guard_schema(schema._schema)
    return schema


def _leave_out_null_defaults(schema: GraphQLSchema) -> None:
    """An optional input has no default in GraphQL; that Python needs one is not the client's business."""
    for type_ in schema.type_map.values():
        inputs: list[GraphQLInputField | GraphQLArgument] = []
        if isinstance(type_, GraphQLInputObjectType):
            inputs = list(type_.fields.values())
        elif isinstance(type_, GraphQLObjectType):
            inputs = [argument for field in type_.fields.values() for argument in field.args.values()]
        for each in inputs:
            if each.default_value is None:
                each.default_value = Undefined


def _enforce_one_of(schema: GraphQLSchema) -> None:
    """Strawberry prints `@oneOf` but checks it while executing only; this has validation check it too."""
    for type_ in schema.type_map.values():
        if isinstance(type_, GraphQLInputObjectType) and type_.extensions["strawberry-definition"].is_one_of:
            type_.is_one_of = True


def _describe_federation(schema: GraphQLSchema) -> None:
    for type_ in schema.type_map.values():
        type_.description = type_.description or _FEDERATION.get(type_.name)
        for name, value in type_.values.items() if isinstance(type_, GraphQLEnumType) else ():
            value.description = value.description or _FEDERATION.get(f"{type_.name}.{name}")
    for directive in schema.directives:
        directive.description = directive.description or _FEDERATION.get(f"@{directive.name}")
        for name, argument in directive.args.items():
            argument.description = argument.description or _FEDERATION.get(f"@{directive.name}({name})")
