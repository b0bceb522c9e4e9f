"""`@auth`: declared once on a type or field, printed in the SDL, and enforced from that declaration.

A type's role is the role of its fields; a field's own role replaces it. Roles that depend on whose thing it
is are judged against a row: that of the object the field returns, if it has one, or else that of the
object the field belongs to. Root fields without either only require a caller here: their resolvers need
a proof from `auth.policy` to do anything.
"""

from collections.abc import Awaitable, Callable, Iterable
from inspect import isawaitable
from typing import Any, NamedTuple

import strawberry
from graphql import GraphQLField, GraphQLObjectType, GraphQLResolveInfo, GraphQLSchema, get_named_type
from strawberry.schema_directive import Location

from gql_service.auth.roles import Role, Verdict, allows
from gql_service.errors import Forbidden, RequestError, Unauthenticated
from gql_service.schema.enums import described_enum
from gql_service.services.context import Context

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


class Guard(NamedTuple):
    """What one field asks of its viewer: a role before its resolver runs, over the object the field belongs
    to, and one after, over the object it returns."""

    name: str
    declared: Role
    before: Role
    after: Role | None
    resolve: Resolve
    """The resolver without its guard."""

    def verdict(self, role: Role, context: Context) -> Verdict[Any]:
        """Whether the viewer holds a role: over any object, over none, or as a function of the object."""
        verdict = context.services.policy.verdict(role, context.principal)
        return verdict if isinstance(verdict, bool) else lambda found: verdict(found.row)

    def refusal(self, context: Context) -> RequestError:
        """What to raise where the guard does not allow."""
        if context.principal is None:
            return Unauthenticated()
        return Forbidden(f"{self.name} requires the role {self.declared.value}.")


class UnguardedField(Exception):
    """A field declares no role; the server must not start."""


def guard_schema(schema: GraphQLSchema) -> None:
    """Guard every field by its role. Raises UnguardedField, naming all without one."""
    missing = []
    for type_ in schema.type_map.values():
        if isinstance(type_, GraphQLObjectType) and not type_.name.startswith("__"):
            inherited = _declared(type_.extensions)
            for name, field in type_.fields.items():
                role = _declared(field.extensions) or inherited
                if role is None:
                    missing.append(f"{type_.name}.{name}")
                elif role is not Role.PUBLIC:
                    _guard(f"{type_.name}.{name}", role, type_, field)
    if missing:
        raise UnguardedField(f"declare @auth on {', '.join(missing)}")


def _guard(name: str, role: Role, parent: GraphQLObjectType, field: GraphQLField) -> None:
    """The guard goes to the engine as data, and around the resolver for graphql-core."""
    before, after = role, None
    if role in _NEED_A_SUBJECT:
        if _is_subject(get_named_type(field.type)):
            before, after = Role.AUTHENTICATED, role
        elif not _is_subject(parent):
            before = Role.AUTHENTICATED
    assert field.resolve is not None, "Strawberry gives every field a resolver"
    guard = Guard(name, role, before, after, field.resolve)
    field.extensions["guard"] = guard
    field.resolve = _guarded(guard)


def _declared(extensions: dict[str, Any]) -> Role | None:
    directives: Iterable[object] = getattr(extensions.get("strawberry-definition"), "directives", None) or ()
    return next((directive.requires for directive in directives if isinstance(directive, Auth)), None)


def _is_subject(type_: object) -> bool:
    """A type whose own role depends on whose thing it is has a row that tells."""
    return _declared(getattr(type_, "extensions", {})) in _NEED_A_SUBJECT


def _guarded(guard: Guard) -> Resolve:
    def resolve(source: Any, info: GraphQLResolveInfo[Context], **arguments: Any) -> Any:
        require(guard.before, info.context, source)
        result = guard.resolve(source, info, **arguments)
        if guard.after is None:
            return result
        return later(info.context, result) if isawaitable(result) else judged(info.context, result)

    async def later(context: Context, result: Awaitable[Any]) -> Any:
        return judged(context, await result)

    def judged(context: Context, result: Any) -> Any:
        if result is not None and guard.after is not None and not isinstance(result, Exception):
            require(guard.after, context, result)
        return result

    def require(role: Role, context: Context, subject: Any) -> None:
        if not allows(guard.verdict(role, context), subject):
            raise guard.refusal(context)

    return resolve
