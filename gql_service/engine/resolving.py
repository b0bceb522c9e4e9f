"""Calling a field's resolver: Strawberry's functions directly, with arguments that are ready."""

from collections.abc import Callable, Sequence
from typing import Any

from graphql import FieldNode, GraphQLField, GraphQLObjectType, GraphQLSchema, get_nullable_type, is_leaf_type
from strawberry.types.field import StrawberryField

from gql_service.engine.arguments import arguments
from gql_service.engine.run import Run, Unplannable

Resolve = Callable[[Run, Any], Any]
ResolveAll = Callable[[Run, Sequence[Any]], Any]


def resolver(
    schema: GraphQLSchema, parent: GraphQLObjectType, nodes: list[FieldNode], definition: GraphQLField
) -> tuple[Resolve, ResolveAll | None, str | None]:
    """How to get the value of a field; the values of many objects, if there is a way; and for a leaf that is
    just read, the expression that reads it from `source` or its `row`."""
    if nodes[0].name.value == "__typename":
        return lambda _run, _source: parent.name, None, repr(parent.name)
    field = definition.extensions.get("strawberry-definition")
    if not isinstance(field, StrawberryField) or field.extensions:
        raise Unplannable
    if field.base_resolver is not None:
        return *_call(schema, nodes[0], definition, field), None
    path = ("row", field.python_name) if _has_row(parent) else (field.python_name,)
    is_leaf = is_leaf_type(get_nullable_type(definition.type))
    return _read(path), None, ".".join(("source", *path)[-2:]) if is_leaf else None


def _has_row(type_: GraphQLObjectType) -> bool:
    origin = getattr(type_.extensions.get("strawberry-definition"), "origin", None)
    return "row" in getattr(origin, "__annotations__", {})


def _read(path: tuple[str, ...]) -> Resolve:
    def read(_run: Run, source: Any) -> Any:
        for name in path:
            source = getattr(source, name)
        return source

    return read


def _call(
    schema: GraphQLSchema, node: FieldNode, definition: GraphQLField, field: StrawberryField
) -> tuple[Resolve, ResolveAll | None]:
    resolver = field.base_resolver
    assert resolver is not None, "the caller has looked"
    if resolver.parent_parameter or resolver.root_parameter:
        raise Unplannable
    function: Callable[..., Any] = resolver._unbound_wrapped_func
    info = resolver.info_parameter.name if resolver.info_parameter else None
    takes_self = resolver.self_parameter is not None
    bind = arguments(schema, node, definition, field)

    def given(run: Run) -> dict[str, Any]:
        return bind(run) if info is None else bind(run) | {info: run.info}

    def call(run: Run, source: Any) -> Any:
        return function(source, **given(run)) if takes_self else function(**given(run))

    of_all: Callable[..., Any] | None = getattr(function, "of_all", None)
    if of_all is None:
        return call, None
    return call, lambda run, sources: of_all(sources, **given(run))
