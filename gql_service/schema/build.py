"""Builds the schema: joins the types, completes the descriptions, and guards every field."""

from typing import Literal

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
from graphql.utilities.print_schema import print_description
from strawberry.federation.schema import FederationAny
from strawberry.schema.config import StrawberryConfig
from strawberry.types.scalar import ScalarDefinition

from gql_service.schema.auth_directive import guard_schema
from gql_service.schema.list_limits import declare_list_limits
from gql_service.schema.mutation import Mutation
from gql_service.schema.query import Query
from gql_service.schema.row_fields import read
from gql_service.schema.scalars import SCALARS
from gql_service.schema.sdl import api_sdl, subgraph_sdl
from gql_service.schema.subscription import Subscription
from gql_service.schema.types.platform import Platform
from gql_service.schema.types.platform_metadata import PlatformMetadata
from gql_service.schema.types.user import User
from gql_service.schema.types.user_error import InvalidInput, RevisionConflict
from gql_service.schema.types.user_metadata import UserMetadata
from gql_service.settings import Settings

_ANY: ScalarDefinition = strawberry.scalar(
    name="_Any",
    description="Used by federation gateways: an object with the `__typename` and one key of an entity.",
    serialize=lambda value: value,
    parse_value=lambda value: value,
)


_FEDERATION_VERSION: Literal["2.0"] = "2.0"
"""The first version that has `@key` and `@shareable`: gateways do not need to know a later one."""
_DESCRIPTION = """\
Per-user metadata: key-value documents of users on platforms, with users, platforms and badges.

The viewer is the user whose token the request carries in its `Authorization` header. The description of a \
field ends with who may use it, such as "Requires: a tenant admin; scopes READ and ADMIN." Platform owners \
may do everything.

A field that the viewer may not read is null, with an error; the fields beside it are as usual.

Mutations return the errors that the caller can fix in `userErrors`. All other errors are in the top-level \
`errors`, with a code in `extensions.code`.\
"""

_FEDERATION = {
    "_FieldSet": "Used by federation gateways: a selection of fields.",
    "link__Import": "Used by federation gateways: an imported element of a specification.",
    "link__Purpose": "Used by federation gateways: the purpose of a linked specification.",
    "link__Purpose.SECURITY": "The specification is needed to secure fields.",
    "link__Purpose.EXECUTION": "The specification is needed to execute operations.",
    "@auth(requires)": "The required role.",
    "@shareable": "Used by federation gateways: other services may define the same fields.",
    "@key": "Used by federation gateways: fields that identify an object of the type.",
    "@key(fields)": "The fields of the key.",
    "@key(resolvable)": "Whether this service resolves objects by the key.",
    "@link": "Used by federation gateways: a specification that this schema uses.",
    "@link(url)": "The URL of the specification.",
    "@link(as)": "The prefix of the elements of the specification.",
    "@link(for)": "The purpose of the specification.",
    "@link(import)": "The elements that are used without a prefix.",
}
"""Descriptions of the federation elements that Strawberry publishes without any."""


class Schema(strawberry.federation.Schema):
    """A subgraph whose printed SDL has the description of the schema, which Strawberry leaves out."""

    def as_str(self) -> str:
        """The complete SDL, with federation and roles."""
        description = print_description(self._schema)
        return super().as_str().replace("\nschema @link(", f"\n{description}schema @link(", 1)

    def as_subgraph_str(self) -> str:
        """The SDL for gateways."""
        return subgraph_sdl(self.as_str())

    def as_api_str(self) -> str:
        """The SDL without federation."""
        return api_sdl(self.as_str())


def build_schema(settings: Settings | None = None) -> Schema:
    """The Federation 2 subgraph. Without settings, lists have their default limits.

    Raises UnguardedField if a field declares no role, and UnlimitedList.
    """
    schema = Schema(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        types=[User, Platform, PlatformMetadata, UserMetadata, InvalidInput, RevisionConflict],
        config=StrawberryConfig(scalar_map=SCALARS, default_resolver=read),
        scalar_overrides={FederationAny: _ANY},
        federation_version=_FEDERATION_VERSION,
    )
    _leave_out_null_defaults(schema._schema)
    _enforce_one_of(schema._schema)
    schema._schema.description = _DESCRIPTION
    _describe_federation(schema._schema)
    declare_list_limits(schema._schema, settings or Settings.model_construct())
    guard_schema(schema._schema)
    return schema


def _leave_out_null_defaults(schema: GraphQLSchema) -> None:
    """Remove `= null` from optional inputs: Python needs the default, but clients do not."""
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
    """Let validation check `@oneOf`, too, which Strawberry checks only during execution."""
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
