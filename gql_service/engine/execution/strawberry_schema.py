"""What Strawberry attaches to the graphql-core schema that it builds.

This is the only module that depends on how Strawberry converts a schema.
"""

from typing import Any

from graphql import GraphQLError, GraphQLField, GraphQLNamedType
from graphql.pyutils import inspect
from strawberry.schema import schema_converter

from gql_service.engine.execution.plan import ObjectPlan


def definition_of(type_: GraphQLNamedType) -> Any:
    """Strawberry's definition of a type; None for types that Strawberry did not make."""
    return type_.extensions.get("strawberry-definition")


def python_class_of(type_: GraphQLNamedType) -> Any:
    """The Python class of a type; None for types that Strawberry did not make."""
    return getattr(definition_of(type_), "origin", None)


def resolver_is_unchanged(field: GraphQLField) -> bool:
    """Whether graphql-core would call the resolver that Strawberry's schema converter made for a field.

    A plan calls the Python function behind that resolver directly. It must not do so if something else wraps
    or replaces the resolver. The exception are our own guards: they keep the resolver that they wrap, and a
    plan applies them itself. The converter defines its resolvers inside a method, so they can only be
    recognized by their module.
    """
    resolve: Any = field.extensions.get("guard", field).resolve
    return getattr(resolve, "__module__", None) == schema_converter.__name__


def check_type(plan: ObjectPlan, source: Any) -> None:
    """Raise GraphQLError, as graphql-core does, if an object is not of the type that a plan is for."""
    type_ = plan.type
    if type(source) is python_class_of(type_) or type_.is_type_of is None:
        return
    if not type_.is_type_of(source, None):  # type: ignore[arg-type] # Strawberry's implementation ignores `info`
        message = f"Expected value of type '{type_.name}' but got: {inspect(source)}."
        raise GraphQLError(message, plan.field.nodes)
