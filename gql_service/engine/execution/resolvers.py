"""Calling a field's resolver: Strawberry's functions directly, with arguments that are ready."""

from collections.abc import Callable, Sequence
from typing import Any

from graphql import FieldNode, GraphQLField, GraphQLObjectType, GraphQLSchema, get_nullable_type, is_leaf_type
from strawberry.types.field import StrawberryField

from gql_service.engine.execution.arguments import argument_binder
from gql_service.engine.execution.plan import Unplannable
from gql_service.engine.execution.run import Run

Resolve = Callable[[Run, Any], Any]
ResolveAll = Callable[[Run, Sequence[Any]], Any]
_CONVERTER = "strawberry.schema.schema_converter"
_READ = "gql_service.schema.row_fields.read"
"""The default resolver of this schema, by its name, for this package is not to import the schema."""


def field_resolver(
    schema: GraphQLSchema, parent: GraphQLObjectType, nodes: list[FieldNode], definition: GraphQLField
) -> tuple[Resolve, ResolveAll | None, str | None]:
    """How to get the value of a field; the values of many objects, if there is a way; and for a leaf that is
    just read, the expression that reads it from `source` or its `row`."""
    if nodes[0].name.value == "__typename":
        return lambda _run, _source: parent.name, None, repr(parent.name)
    field = definition.extensions.get("strawberry-definition")
    if type(field) is not StrawberryField or field.extensions:
        raise Unplannable
    if _module(definition.extensions.get("guard", definition).resolve) != _CONVERTER:
        raise Unplannable  # somebody has put a resolver in front of it
    if field.base_resolver is not None:
        column = None if nodes[0].arguments else getattr(field.base_resolver.wrapped_func, "column", None)
        return *_call(schema, nodes[0], definition, field), column and f"row.{column}"
    read, name = field.default_resolver, field.python_name
    is_leaf = is_leaf_type(get_nullable_type(definition.type))
    return lambda _run, source: read(source, name), None, _attribute(parent, field) if is_leaf else None


def _attribute(parent: GraphQLObjectType, field: StrawberryField) -> str | None:
    """What reads the same as the default resolver, if it is a known one."""
    read: Any = field.default_resolver
    if read is getattr:
        return f"source.{field.python_name}"
    if f"{_module(read)}.{getattr(read, '__qualname__', None)}" != _READ:
        return None
    origin = getattr(parent.extensions.get("strawberry-definition"), "origin", None)
    has_row = "row" in getattr(origin, "__dataclass_fields__", {}) or hasattr(origin, "row")
    return f"{'row' if has_row else 'source'}.{field.python_name}"


def _module(function: Any) -> str | None:
    return getattr(function, "__module__", None)


def _call(
    schema: GraphQLSchema, node: FieldNode, definition: GraphQLField, field: StrawberryField
) -> tuple[Resolve, ResolveAll | None]:
    field_resolver = field.base_resolver
    assert field_resolver is not None, "the caller has looked"
    if field_resolver.parent_parameter or field_resolver.root_parameter:
        raise Unplannable
    function: Any = field_resolver.wrapped_func
    info = field_resolver.info_parameter.name if field_resolver.info_parameter else None
    takes_self = field_resolver.self_parameter is not None
    bind = argument_binder(schema, node, definition, field)

    def given(run: Run) -> dict[str, Any]:
        return bind(run) if info is None else bind(run) | {info: run.info}

    def call(run: Run, source: Any) -> Any:
        return function(source, **given(run)) if takes_self else function(**given(run))

    of_all: Callable[..., Any] | None = getattr(function, "of_all", None)
    if of_all is None:
        return call, None
    return call, lambda run, sources: of_all(sources, **given(run))
