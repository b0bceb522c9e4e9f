"""How a plan resolves a field: it calls the Python function directly, with prepared arguments."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from graphql import FieldNode, GraphQLField, GraphQLObjectType, GraphQLSchema, get_nullable_type, is_leaf_type
from strawberry.types.field import StrawberryField

from gql_service.engine.execution.arguments import argument_binder
from gql_service.engine.execution.plan import Unplannable
from gql_service.engine.execution.run import Run
from gql_service.engine.execution.strawberry_schema import python_class_of, resolver_is_unchanged

Resolve = Callable[[Run, Any], Any]
ResolveBatch = Callable[[Run, Sequence[Any]], Any]


class FieldResolver(NamedTuple):
    """The ways to get the value of a field; see the attributes of the same names in `FieldPlan`."""

    resolve: Resolve
    resolve_batch: ResolveBatch | None = None
    leaf_expression: str | None = None


def field_resolver(
    schema: GraphQLSchema, parent: GraphQLObjectType, nodes: list[FieldNode], definition: GraphQLField
) -> FieldResolver:
    """How to resolve a field of an object type. Raises Unplannable.

    The schema marks its functions for this:

    - `batch_resolver` on a resolver: a function that resolves the field for many objects at once;
    - `row_column` on a resolver: without arguments, it returns this attribute of the object's `row`;
    - `reads_row` on a default resolver: it returns the attribute of the object's `row`, or of the object
      itself where it has no `row`.
    """
    if nodes[0].name.value == "__typename":
        return FieldResolver(lambda _run, _source: parent.name, leaf_expression=repr(parent.name))
    resolver, field = _attribute_resolver(parent, nodes[0].name.value)
    return resolver or _function_resolver(schema, nodes[0], definition, field)


@lru_cache(1000)
def _attribute_resolver(
    parent: GraphQLObjectType, field_name: str
) -> tuple[FieldResolver | None, StrawberryField]:
    """How to read a field that has no function, the same for all documents; None if it has one."""
    definition = parent.fields[field_name]
    field = definition.extensions.get("strawberry-definition")
    if type(field) is not StrawberryField or field.extensions or not resolver_is_unchanged(definition):
        raise Unplannable
    if field.is_subscription:  # its function makes the stream; here, the source is one event of it
        return FieldResolver(lambda _run, source: source), field
    if field.base_resolver is not None:
        return None, field
    read, name = field.default_resolver, field.python_name
    is_leaf = is_leaf_type(get_nullable_type(definition.type))
    leaf_expression = _attribute_expression(parent, field) if is_leaf else None
    return FieldResolver(lambda _run, source: read(source, name), leaf_expression=leaf_expression), field


def _attribute_expression(parent: GraphQLObjectType, field: StrawberryField) -> str | None:
    """Code that reads what the field's default resolver returns; None if that resolver is unknown."""
    read: Any = field.default_resolver
    if read is getattr:
        return f"source.{field.python_name}"
    if not getattr(read, "reads_row", False):
        return None
    class_ = python_class_of(parent)
    has_row = "row" in getattr(class_, "__dataclass_fields__", {}) or hasattr(class_, "row")
    return f"{'row' if has_row else 'source'}.{field.python_name}"


def _function_resolver(
    schema: GraphQLSchema, node: FieldNode, definition: GraphQLField, field: StrawberryField
) -> FieldResolver:
    """How to call the function behind a field that has a resolver."""
    resolver = field.base_resolver
    assert resolver is not None, "the caller has checked"
    if resolver.parent_parameter or resolver.root_parameter:
        raise Unplannable
    function: Any = resolver.wrapped_func
    info_name = resolver.info_parameter.name if resolver.info_parameter else None
    takes_self = resolver.self_parameter is not None
    bind = argument_binder(schema, node, definition, field)

    def arguments(run: Run) -> dict[str, Any]:
        return bind(run) if info_name is None else bind(run) | {info_name: run.info}

    def resolve(run: Run, source: Any) -> Any:
        return function(source, **arguments(run)) if takes_self else function(**arguments(run))

    column = None if node.arguments else getattr(function, "row_column", None)
    leaf_expression = None if column is None else f"row.{column}"
    batch_resolver: Callable[..., Any] | None = getattr(function, "batch_resolver", None)
    if batch_resolver is None:
        return FieldResolver(resolve, leaf_expression=leaf_expression)
    return FieldResolver(
        resolve, lambda run, sources: batch_resolver(sources, **arguments(run)), leaf_expression
    )
