"""Plans: an operation worked out once, so that a request only reads values and calls resolvers.

Fields are collected by graphql-core itself, for one setting of the variables that `@skip` and `@include` use.
What a plan does not cover raises Unplannable while planning, never later, and graphql-core executes it:
introspection, subscriptions, extensions and permissions of fields, types with an `is_type_of` or
`resolve_type` of their own, and whatever else may change how a field is resolved.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from graphql import (
    FieldNode,
    GraphQLError,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
)
from graphql.pyutils import inspect

ResponseSlot = tuple[Any, Any, bool, Any]
Complete = Callable[[Any, Sequence[Any], Sequence[ResponseSlot]], None]
"""Turns values into the response of a run, and puts it in their places."""


class Unplannable(Exception):
    """Something that a plan does not cover: graphql-core is to execute the operation."""


class Run(Protocol):
    """What a plan needs to know of its execution."""

    def build(self, plan: "ObjectPlan", sources: Sequence[Any], places: Sequence[ResponseSlot]) -> None: ...


class FieldPlan:
    """A field of a response object: how to get its values, and how to turn them into the response."""

    __slots__ = (
        "attribute",
        "complete",
        "guard",
        "key",
        "name",
        "nodes",
        "nullable",
        "parent",
        "resolve",
        "resolve_all",
        "title",
        "type",
    )

    def __init__(self, parent: GraphQLObjectType, key: str, nodes: list[FieldNode], definition: Any) -> None:
        self.parent = parent
        self.key = key
        self.name = nodes[0].name.value
        self.title = f"{parent.name}.{self.name}"
        self.nodes = nodes
        self.type: GraphQLOutputType = definition.type
        self.nullable = not isinstance(definition.type, GraphQLNonNull)
        self.guard = definition.extensions.get("guard")
        self.attribute: str | None = None
        """Where a leaf is read from the source, if no resolver is to be called."""
        self.resolve: Callable[[Any, Any], Any]
        self.resolve_all: Callable[[Any, Sequence[Any]], Any] | None = None
        """For all objects at once, if the resolver can."""
        self.complete: Complete


class ObjectPlan:
    """All fields of one object type in one place of an operation; `field` is what leads there."""

    __slots__ = ("_origin", "_type", "calls", "field", "fields", "guards", "keys", "read")

    def __init__(
        self,
        type_: GraphQLObjectType,
        field: FieldPlan | None,
        fields: list[FieldPlan],
        read: Callable[[Sequence[Any]], list[dict[str, Any]]],
    ) -> None:
        self.field: Any = field
        self.fields = fields
        self.keys = [each.key for each in fields]
        self.calls = [each for each in fields if each.attribute is None]
        self.guards = list({each.guard.before: each.guard for each in fields if each.guard}.values())
        self._type = type_
        self._origin = origin_of(type_)
        self.read = read

    def complete(self, run: Run, values: Sequence[Any], places: Sequence[ResponseSlot]) -> None:
        run.build(self, values, places)

    def check(self, source: Any) -> None:
        """As graphql-core does, refuse a value of another type."""
        type_ = self._type
        if type(source) is self._origin or type_.is_type_of is None:
            return
        if not type_.is_type_of(source, None):  # type: ignore[arg-type] # Strawberry's own ignore it
            message = f"Expected value of type '{type_.name}' but got: {inspect(source)}."
            raise GraphQLError(message, self.field.nodes)


def definition_of(type_: GraphQLNamedType) -> Any:
    """What Strawberry has made a type of."""
    return type_.extensions.get("strawberry-definition")


def origin_of(type_: GraphQLNamedType) -> Any:
    """The Python class of a type."""
    return getattr(definition_of(type_), "origin", None)
