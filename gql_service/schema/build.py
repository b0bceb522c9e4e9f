"""Building the schema: the types joined, every field guarded, the SDL printed."""

import strawberry
from graphql import (
    GraphQLArgument,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLObjectType,
    GraphQLSchema,
    Undefined,
)
from strawberry.federation.schema import FederationAny
from strawberry.schema.config import StrawberryConfig
from strawberry.types.scalar import ScalarDefinition

from gql_service.schema.auth import guard_schema
from gql_service.schema.mutation import Mutation
from gql_service.schema.query import Query
from gql_service.schema.scalars import SCALARS
from gql_service.schema.types.platform import Platform
from gql_service.schema.types.platform_metadata import PlatformMetadata
from gql_service.schema.types.user import User
from gql_service.schema.types.user_error import InvalidInput, RevisionConflict

_ANY: ScalarDefinition = strawberry.scalar(
    name="_Any",
    description="For gateways: a `__typename` and the fields of one key.",
    serialize=lambda value: value,
    parse_value=lambda value: value,
)


def build_schema() -> strawberry.federation.Schema:
    """The Federation 2 subgraph. Raises UnguardedField where a field declares no role."""
    schema = strawberry.federation.Schema(
        query=Query,
        mutation=Mutation,
        types=[User, Platform, PlatformMetadata, InvalidInput, RevisionConflict],
        config=StrawberryConfig(scalar_map=SCALARS),
        scalar_overrides={FederationAny: _ANY},
    )
    _leave_out_null_defaults(schema._schema)
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
