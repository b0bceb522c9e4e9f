"""`@auth`: declared once on a type or field, printed in the SDL, and enforced from that declaration.

A type's role is the role of its fields; a field's own role replaces it. Roles that depend on whose thing it
is are judged against a `subject`: that of the object the field returns, if it has one, or else that of
the object the field belongs to. Root fields without either only require a caller here: their resolvers need
a proof from `auth.policy` to do anything.
"""

from collections.abc import Awaitable, Callable, Iterable
from inspect import isawaitable
from typing import Any

import strawberry
from graphql import GraphQLField, GraphQLObjectType, GraphQLResolveInfo, GraphQLSchema, get_named_type
from strawberry.schema_directive import Location

from gql_service.auth.policy import Role, Subject
from gql_service.errors import Forbidden, Unauthenticated
from gql_service.schema.context import Context
from gql_service.schema.enums import described_enum

described_enum(
    Role,
    "Role",
    "What a field asks of its viewer, from the least to the most.",
    {
        Role.PUBLIC: "Everybody, without a token.",
        Role.AUTHENTICATED: "Whoever presents a valid token.",
        Role.TENANT_MEMBER: "Whoever shares a tenant with the user or platform in question.",
        Role.SELF: "The user in question, or an admin of the tenant in question.",
        Role.TENANT_ADMIN: "An admin of the tenant in question.",
        Role.PLATFORM_OWNER: "A platform owner, who is admin everywhere.",
    },
)


@strawberry.schema_directive(
    locations=[Location.OBJECT, Location.FIELD_DEFINITION],
    name="auth",
    description="The role a viewer needs: for every field of the type, or for the one field.",
)
class Auth:
    requires: Role = strawberry.directive_field(name="requires")


PUBLIC = [Auth(requires=Role.PUBLIC)]
AUTHENTICATED = [Auth(requires=Role.AUTHENTICATED)]
TENANT_MEMBER = [Auth(requires=Role.TENANT_MEMBER)]
SELF = [Auth(requires=Role.SELF)]
TENANT_ADMIN = [Auth(requires=Role.TENANT_ADMIN)]

Resolve = Callable[..., Any]
_NEED_A_SUBJECT = {Role.TENANT_MEMBER, Role.SELF, Role.TENANT_ADMIN}


class UnguardedField(Exception):
    """A field declares no role; the server must not start."""


def guard_schema(schema: GraphQLSchema) -> None:
    """Wrap the resolver of every field with its role. Raises UnguardedField, naming all without one."""
    missing = []
    for type_ in schema.type_map.values():
        if isinstance(type_, GraphQLObjectType) and not type_.name.startswith("__"):
            inherited = _declared(type_.extensions)
            for name, field in type_.fields.items():
                role = _declared(field.extensions) or inherited
                if role is None:
                    missing.append(f"{type_.name}.{name}")
                else:
                    field.resolve = _guarded(f"{type_.name}.{name}", role, type_, field)
    if missing:
        raise UnguardedField(f"declare @auth on {', '.join(missing)}")


def _declared(extensions: dict[str, Any]) -> Role | None:
    directives: Iterable[object] = getattr(extensions.get("strawberry-definition"), "directives", None) or ()
    return next((directive.requires for directive in directives if isinstance(directive, Auth)), None)


def _has_subject(type_: object) -> bool:
    definition = getattr(type_, "extensions", {}).get("strawberry-definition")
    return "subject" in getattr(getattr(definition, "origin", None), "__annotations__", {})


def _guarded(name: str, role: Role, parent: GraphQLObjectType, field: GraphQLField) -> Resolve | None:
    resolve = field.resolve
    assert resolve is not None, "Strawberry gives every field a resolver"
    if role is Role.PUBLIC:
        return resolve
    if role in _NEED_A_SUBJECT and _has_subject(get_named_type(field.type)):
        return _judge_result(name, role, resolve)
    if role in _NEED_A_SUBJECT and _has_subject(parent):
        return _judge_parent(name, role, resolve)
    return _require_caller(name, role, resolve)


def _require_caller(name: str, role: Role, resolve: Resolve) -> Resolve:
    floor = Role.PLATFORM_OWNER if role is Role.PLATFORM_OWNER else Role.AUTHENTICATED

    def guarded(source: Any, info: GraphQLResolveInfo[Context], **arguments: Any) -> Any:
        _require(info.context, name, floor, None)
        return resolve(source, info, **arguments)

    return guarded


def _judge_parent(name: str, role: Role, resolve: Resolve) -> Resolve:
    def guarded(source: Any, info: GraphQLResolveInfo[Context], **arguments: Any) -> Any:
        _require(info.context, name, role, source.subject)
        return resolve(source, info, **arguments)

    return guarded


def _judge_result(name: str, role: Role, resolve: Resolve) -> Resolve:
    def guarded(source: Any, info: GraphQLResolveInfo[Context], **arguments: Any) -> Any:
        _require(info.context, name, Role.AUTHENTICATED, None)
        result = resolve(source, info, **arguments)
        return later(info.context, result) if isawaitable(result) else judged(info.context, result)

    async def later(context: Context, result: Awaitable[Any]) -> Any:
        return judged(context, await result)

    def judged(context: Context, result: Any) -> Any:
        if result is not None:
            _require(context, name, role, result.subject)
        return result

    return guarded


def _require(context: Context, name: str, role: Role, subject: Subject | None) -> None:
    if context.services.policy.allows(role, context.principal, subject):
        return
    if context.principal is None:
        raise Unauthenticated
    raise Forbidden(f"{name} requires the role {role.value}.")
