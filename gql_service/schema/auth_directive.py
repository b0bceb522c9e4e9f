"""`@auth`: declared once on a type or field, printed in the SDL, and enforced from that declaration.

The role of a type applies to its fields; a field's own role replaces it. Roles that depend on the owner of an
object are checked against a row: that of the object that the field returns, if it has one, or else that of
the object that the field belongs to. Root fields with neither only require a token here: their resolvers
cannot do anything without a proof from `auth.policy`.

Introspection does not show directives, so the role is also appended to descriptions, with the scopes that
`auth.policy` requires for it: see `requirement`.
"""

from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from functools import cache
from inspect import isawaitable
from typing import Any, NamedTuple

import strawberry
from graphql import (
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
)
from strawberry.schema_directive import Location

from gql_service.auth.policy import required_scopes
from gql_service.auth.roles import Role, Verdict, allows
from gql_service.auth.scopes import Scope
from gql_service.errors import Forbidden, RequestError, Unauthenticated
from gql_service.schema.enums import described_enum
from gql_service.services.context import Context

described_enum(
    Role,
    "Role",
    "The roles that a field can require of the viewer, from the weakest to the strongest.",
    {
        Role.PUBLIC: "Anyone, with or without a token.",
        Role.AUTHENTICATED: "Any user with a valid token.",
        Role.TENANT_MEMBER: "A member of a tenant that the user or platform belongs to.",
        Role.SELF: "The user who owns the object, or an admin of the tenant that the object belongs to.",
        Role.TENANT_ADMIN: "An admin of the tenant that the object belongs to.",
        Role.PLATFORM_OWNER: "A platform owner, who holds all other roles everywhere.",
    },
)

described_enum(
    Scope,
    "Scope",
    "What an access token may be used for. Scopes only reduce what the user of the token may do.",
    {
        Scope.READ: "Everything that queries return.",
        Scope.WRITE: "Mutations. Their payloads show stored data with READ only.",
        Scope.EVALUATE: "Evaluating flags by OFREP: those of the user; if the user is an admin, of anybody.",
        Scope.EVENTS: "Feeds of changes and subscriptions.",
        Scope.ADMIN: "Acting as an admin or a platform owner. Without it, the user is an ordinary one.",
    },
)


@strawberry.schema_directive(
    locations=[Location.OBJECT, Location.FIELD_DEFINITION],
    name="auth",
    description="The role that is required to read a field. On a type, it applies to all fields that have "
    "no role of their own. Tokens that are restricted to scopes also need READ for what queries return, "
    "EVENTS for subscriptions, WRITE for mutations and their payloads, and ADMIN where the viewer acts as an "
    "admin or a platform owner.",
)
class Auth:
    requires: Role = strawberry.directive_field(name="requires")


PUBLIC = [Auth(requires=Role.PUBLIC)]
AUTHENTICATED = [Auth(requires=Role.AUTHENTICATED)]
TENANT_MEMBER = [Auth(requires=Role.TENANT_MEMBER)]
SELF = [Auth(requires=Role.SELF)]
TENANT_ADMIN = [Auth(requires=Role.TENANT_ADMIN)]
PLATFORM_OWNER = [Auth(requires=Role.PLATFORM_OWNER)]

REQUIREMENTS = {
    Role.PUBLIC: "no token",
    Role.AUTHENTICATED: "a valid token",
    Role.TENANT_MEMBER: "a member of a common tenant",
    Role.SELF: "the user or a tenant admin",
    Role.TENANT_ADMIN: "a tenant admin",
    Role.PLATFORM_OWNER: "a platform owner",
}
"""Who may use a field, by the role that it requires."""

Resolve = Callable[..., Any]
_SUBJECT_ROLES = {Role.TENANT_MEMBER, Role.SELF, Role.TENANT_ADMIN}


class Requirement:
    """A role, and the scope of the token that goes with it. There is one object for each pair, so that it is
    a cheap key of a dictionary."""

    __slots__ = ("role", "scope")

    def __init__(self, role: Role, scope: Scope) -> None:
        self.role = role
        self.scope = scope


_requirement = cache(Requirement)


class Guard(NamedTuple):
    """The checks of one field: a role before its resolver runs, over the object that the field belongs to,
    and a role after it, over the object that it returns."""

    name: str
    declared: Role
    before: "Requirement"
    after: "Requirement | None"
    resolve: Resolve
    """The resolver without its guard."""

    def verdict(self, required: "Requirement", context: Context) -> Verdict[Any]:
        """Whether the viewer meets it: for all objects, for none, or as a function of the object."""
        policy, principal = context.services.policy, context.principal
        if principal is not None and not policy.has_scope(principal, required.scope):
            return False
        verdict = policy.verdict(required.role, principal)
        return verdict if isinstance(verdict, bool) else lambda subject: verdict(subject.row)

    def refusal(self, context: Context) -> RequestError:
        """The error to raise if the viewer does not hold the role."""
        if context.principal is None:
            return Unauthenticated()
        if not context.services.policy.has_scope(context.principal, self.before.scope):
            return Forbidden(f"{self.name} requires a token with the scope {self.before.scope}.")
        return Forbidden(f"{self.name} requires the role {self.declared.value}.")


class UnguardedField(Exception):
    """A field declares no role, so the server must not start."""


def guard_schema(schema: GraphQLSchema) -> None:
    """Guard every field by its role, and append the roles and scopes to the descriptions.

    Raises UnguardedField, naming all fields without a role.
    """
    missing, readable = [], _readable_types(schema)
    for type_ in schema.type_map.values():
        if isinstance(type_, GraphQLObjectType) and not type_.name.startswith("__"):
            inherited = _declared_role(type_.extensions)
            for name, field in type_.fields.items():
                role = _declared_role(field.extensions) or inherited
                if role is None:
                    missing.append(f"{type_.name}.{name}")
                    continue
                scopes = required_scopes(role, _use(schema, type_, readable))
                field.description = f"{field.description} {requirement(role, scopes)}"
                if scopes:
                    _guard(f"{type_.name}.{name}", role, scopes[0], type_, field)
    if missing:
        raise UnguardedField(f"declare @auth on {', '.join(missing)}")


def _use(schema: GraphQLSchema, type_: GraphQLObjectType, readable: Collection[str]) -> Scope:
    """The scope for using the fields of a type, whoever the viewer is."""
    if type_ is schema.subscription_type:
        return Scope.EVENTS
    return Scope.READ if type_.name in readable else Scope.WRITE


def requirement(role: Role, scopes: Sequence[Scope]) -> str:
    """The sentence at the end of a field's description."""
    plural = "s" if len(scopes) > 1 else ""
    return f"Requires: {REQUIREMENTS[role]}{f'; scope{plural} ' if scopes else ''}{' and '.join(scopes)}."


def _readable_types(schema: GraphQLSchema) -> set[str]:
    """The object types that queries and subscriptions return. The others are their roots and what only
    mutations return."""
    found: set[str] = set()
    waiting: list[Any] = [schema.query_type]
    if schema.subscription_type is not None:
        waiting += [get_named_type(each.type) for each in schema.subscription_type.fields.values()]
    while waiting:
        type_ = waiting.pop()
        if isinstance(type_, GraphQLUnionType | GraphQLInterfaceType):
            waiting += schema.get_possible_types(type_)
        elif isinstance(type_, GraphQLObjectType) and type_.name not in found:
            found.add(type_.name)
            waiting += [get_named_type(field.type) for field in type_.fields.values()]
    return found


def _guard(name: str, role: Role, scope: Scope, parent: GraphQLObjectType, field: GraphQLField) -> None:
    """Give the guard to the engine as data, and wrap the resolver with it for graphql-core."""
    before, after = role, None
    if role in _SUBJECT_ROLES:
        if _is_subject(get_named_type(field.type)):
            before, after = Role.AUTHENTICATED, role
        elif not _is_subject(parent):
            before = Role.AUTHENTICATED
    assert field.resolve is not None, "Strawberry sets a resolver on every field"
    required_after = None if after is None else _requirement(after, scope)
    guard = Guard(name, role, _requirement(before, scope), required_after, field.resolve)
    field.extensions["guard"] = guard
    field.resolve = _guarded(guard)
    if field.subscribe is not None:
        field.subscribe = _guarded(guard._replace(after=None, resolve=field.subscribe))


def _declared_role(extensions: dict[str, Any]) -> Role | None:
    directives: Iterable[object] = getattr(extensions.get("strawberry-definition"), "directives", None) or ()
    return next((directive.requires for directive in directives if isinstance(directive, Auth)), None)


def _is_subject(type_: object) -> bool:
    """Whether objects of a type have a row that such roles can be checked against."""
    return _declared_role(getattr(type_, "extensions", {})) in _SUBJECT_ROLES


def _guarded(guard: Guard) -> Resolve:
    def resolve(source: Any, info: GraphQLResolveInfo[Context], **arguments: Any) -> Any:
        require(guard.before, info.context, source)
        result = guard.resolve(source, info, **arguments)
        if guard.after is None:
            return result
        return check_awaited(info.context, result) if isawaitable(result) else check(info.context, result)

    async def check_awaited(context: Context, result: Awaitable[Any]) -> Any:
        return check(context, await result)

    def check(context: Context, result: Any) -> Any:
        if result is not None and guard.after is not None and not isinstance(result, Exception):
            require(guard.after, context, result)
        return result

    def require(role: Requirement, context: Context, subject: Any) -> None:
        if not allows(guard.verdict(role, context), subject):
            raise guard.refusal(context)

    return resolve
