"""Introspection: reading the schema's description of itself.

The resolvers are graphql-core's. Its executor is not used, because it takes several times as long: it looks
up fields, arguments and types for every object anew, while here that is done once for each selection set.
"""

from collections.abc import Callable
from functools import cache
from types import SimpleNamespace
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    TypeNameMetaFieldDef,
    VariableNode,
    get_nullable_type,
    is_list_type,
    is_scalar_type,
)
from graphql.execution.collect_fields import FieldDetails
from graphql.execution.values import get_argument_values

from gql_service.engine.execution.plan import FieldPlan, Unplannable
from gql_service.engine.execution.run import Run
from gql_service.errors import LimitExceeded

INTROSPECTION_FIELDS = ("__schema", "__type")
"""The fields of the root that read the schema."""
_MAX_FIELDS = 14_000
"""Fields in the response to an introspection. Tools that read all of the schema get about 10,000."""

Read = Callable[[Run, Any], Any]
"""Called with a run and a part of the schema; returns the part of the response."""
CollectSubfields = Callable[[GraphQLObjectType, list[FieldDetails]], Any]
"""Called with an object type and the nodes of a field. Returns what they select."""


class IntrospectionPlanner:
    """Plans the fields that read the schema."""

    def __init__(self, schema: GraphQLSchema, collect_subfields: CollectSubfields) -> None:
        self._schema = schema
        self._collect_subfields = collect_subfields
        self._info: Any = SimpleNamespace(schema=schema)
        """What the resolvers need of `info`."""

    def plan(self, field: FieldPlan, details: list[FieldDetails], definition: GraphQLField) -> None:
        """Set how the field of a root is resolved: to the finished part of the response."""
        read = self._field_reader(definition, details)

        def complete(_run: Any, values: Any, slots: Any) -> None:
            for value, (container, key, _nullable, _parent) in zip(values, slots, strict=True):
                container[key] = value

        field.resolve, field.complete = read, complete

    def _field_reader(self, definition: GraphQLField, details: list[FieldDetails]) -> Read:
        resolve: Any = definition.resolve
        node, info = details[0].node, self._info
        if is_scalar_type(get_nullable_type(definition.type)):  # most fields, and none has arguments
            return lambda _run, source: resolve(source, info)
        read_value = self._value_reader(definition.type, details)
        if not any(isinstance(argument.value, VariableNode) for argument in node.arguments or ()):
            constants = get_argument_values(definition, node)
            return lambda run, source: read_value(run, resolve(source, info, **constants))

        def read(run: Run, source: Any) -> Any:
            arguments = get_argument_values(definition, node, run.graphql_core_variables())
            return read_value(run, resolve(source, info, **arguments))

        return read

    def _value_reader(self, type_: GraphQLOutputType, details: list[FieldDetails]) -> Read:
        """Reads a value of a type; null stays null."""
        if isinstance(type_, GraphQLNonNull):
            type_ = type_.of_type
        if is_list_type(type_):
            read_item = self._value_reader(type_.of_type, details)
            return lambda run, values: None if values is None else [read_item(run, each) for each in values]
        if isinstance(type_, GraphQLEnumType):
            name_of = cache(type_.serialize)
            return lambda _run, value: name_of(value)
        assert isinstance(type_, GraphQLObjectType), "introspection has no abstract types"
        return self._object_reader(type_, details)

    def _object_reader(self, type_: GraphQLObjectType, details: list[FieldDetails]) -> Read:
        readers: list[tuple[str, Read]] = []
        for key, nodes in self._collect_subfields(type_, details).grouped_field_set.items():
            definition = self._schema.get_field(type_, nodes[0].node.name.value)
            if definition is None:
                raise Unplannable
            is_typename = definition is TypeNameMetaFieldDef
            readers.append(
                (key, _constant(type_.name) if is_typename else self._field_reader(definition, nodes))
            )

        def read(run: Run, source: Any) -> Any:
            if source is None:
                return None
            run.introspected_fields += len(readers)
            if run.introspected_fields > _MAX_FIELDS:
                raise LimitExceeded(
                    f"The introspection has more than {_MAX_FIELDS} fields. Request less at a time."
                )
            return {key: read_field(run, source) for key, read_field in readers}

        return read


def _constant(value: str) -> Read:
    return lambda _run, _source: value
