"""Plans: an operation worked out once, so that a request only reads values and calls resolvers.

Fields are collected by graphql-core itself, for one setting of the variables that `@skip` and `@include` use.
What a plan does not cover raises Unplannable, and graphql-core executes it.
"""

from collections.abc import Callable
from contextlib import suppress
from types import CoroutineType
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLField,
    GraphQLLeafType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    get_nullable_type,
    is_abstract_type,
    is_leaf_type,
    is_list_type,
    is_object_type,
)
from graphql.execution import Executor
from graphql.execution.collect_fields import FragmentDetails, collect_fields, collect_subfields
from graphql.execution.values import VariableValues
from graphql.pyutils import inspect

from gql_service.engine.reading import reader
from gql_service.engine.resolving import resolver
from gql_service.engine.run import Nulled, Position, Run, Unplannable

Complete = Callable[[Run, Any, Position], Any]


class FieldPlan:
    """A field of a response object: how to get its value, and how to turn that into the response."""

    __slots__ = ("attribute", "finish", "guard", "key", "name", "nodes", "nullable", "resolve", "type")

    def __init__(self, key: str, name: str, nodes: list[FieldNode], definition: GraphQLField) -> None:
        self.key = key
        self.name = name
        self.nodes = nodes
        self.type = definition.type
        self.nullable = not isinstance(definition.type, GraphQLNonNull)
        self.guard = definition.extensions.get("guard")
        self.attribute: str | None = None
        """Where a leaf is read from the source, if no resolver is to be called."""
        self.resolve: Callable[[Run, Any, Position], Any]
        self.finish: Complete


class ObjectPlan:
    """All fields of one object type in one place of an operation."""

    __slots__ = ("caller_guards", "calls", "fields", "guards", "read")

    def __init__(self, type_: GraphQLObjectType, fields: list[FieldPlan]) -> None:
        self.fields = fields
        self.calls = [field for field in fields if field.attribute is None]
        guards = {field.guard.key: field.guard for field in fields if field.guard and field.attribute}
        self.guards = [guard for guard in guards.values() if guard.judges_parent]
        self.caller_guards = [guard for guard in guards.values() if not guard.judges_parent]
        self.read = reader(type_, fields)


class Planner:
    """Works out one operation."""

    def __init__(
        self,
        schema: GraphQLSchema,
        operation: OperationDefinitionNode,
        fragments: dict[str, FragmentDefinitionNode],
        variables: VariableValues,
    ) -> None:
        self._schema = schema
        self._operation = operation
        self._variables = variables
        self._fragments = {name: FragmentDetails(node) for name, node in fragments.items()}

    def plan(self) -> ObjectPlan:
        """Raises Unplannable, or GraphQLError as graphql-core would."""
        root = self._schema.get_root_type(self._operation.operation)
        if root is None or self._operation.operation is OperationType.SUBSCRIPTION:
            raise Unplannable
        collected = collect_fields(self._schema, self._fragments, self._variables, root, self._operation)
        return self._object(root, collected)

    def _object(self, type_: GraphQLObjectType, collected: Any) -> ObjectPlan:
        if collected.new_defer_usages:
            raise Unplannable
        fields = []
        for key, details in collected.grouped_field_set.items():
            name = details[0].node.name.value
            definition = self._schema.get_field(type_, name)
            if definition is None or (name.startswith("__") and name != "__typename"):
                raise Unplannable
            fields.append(self._field(type_, key, details, definition))
        return ObjectPlan(type_, fields)

    def _field(self, type_: GraphQLObjectType, key: str, details: Any, definition: GraphQLField) -> FieldPlan:
        nodes = [detail.node for detail in details]
        field = FieldPlan(key, nodes[0].name.value, nodes, definition)
        field.resolve, field.attribute = resolver(self._schema, type_, nodes, definition)
        complete = self._completer(definition.type, f"{type_.name}.{field.name}", details, field)
        field.finish = _judged(field.guard, complete) if field.guard is not None else complete
        return field

    def _completer(self, type_: GraphQLOutputType, name: str, details: Any, field: FieldPlan) -> Complete:
        if isinstance(type_, GraphQLNonNull):
            return _non_null(self._completer(type_.of_type, name, details, field), name)
        if is_leaf_type(type_):
            return _leaf(type_)
        if is_list_type(type_):
            return self._list_completer(type_, name, details, field)
        if is_object_type(type_):
            return self._object_completer(type_, details)
        assert is_abstract_type(type_), "there are no other output types"
        return self._abstract_completer(type_, details)

    def _list_completer(self, type_: GraphQLList[Any], name: str, details: Any, field: FieldPlan) -> Complete:
        item_type = get_nullable_type(type_.of_type)
        if is_object_type(item_type):
            plan, origin = self._subplan(item_type, details)
            item = _object(item_type, plan, origin, details)
            if not plan.calls and not plan.guards:
                return _list(item, type_, name, field, plan, origin)
        else:
            item = self._completer(item_type, name, details, field)
        return _list(item, type_, name, field)

    def _object_completer(self, type_: GraphQLObjectType, details: Any) -> Complete:
        return _object(type_, *self._subplan(type_, details), details)

    def _subplan(self, type_: GraphQLObjectType, details: Any) -> tuple[ObjectPlan, Any]:
        """The plan for a type in a place, and the Python class whose instances need no check."""
        collected = collect_subfields(
            self._schema, self._fragments, self._variables, self._operation, type_, details
        )
        origin = getattr(type_.extensions.get("strawberry-definition"), "origin", None)
        return self._object(type_, collected), origin

    def _abstract_completer(self, type_: Any, details: Any) -> Complete:
        """Plans for the concrete types are worked out when they turn up, as graphql-core does."""
        completers: dict[str, Complete] = {}

        def complete(run: Run, value: Any, here: Position) -> Any:
            if value is None:
                return None
            definition = getattr(type(value), "__strawberry_definition__", None)
            concrete = None if definition is None else self._schema.type_map.get(definition.name)
            if not isinstance(concrete, GraphQLObjectType) or not self._schema.is_sub_type(type_, concrete):
                raise GraphQLError(
                    f"Abstract type '{type_.name}' must resolve to an Object type at runtime, "
                    f"not {inspect(value)}."
                )
            if concrete.name not in completers:
                completers[concrete.name] = self._object_completer(concrete, details)
            return completers[concrete.name](run, value, here)

        return complete


def _judged(guard: Any, complete: Complete) -> Complete:
    """Where the object that a resolver finds decides, it is asked before it is shown."""
    if not guard.judges_result:
        return complete

    def finish(run: Run, value: Any, here: Position) -> Any:
        if not guard.allows_result(run.context, value):
            raise guard.refusal(run.context)
        return complete(run, value, here)

    return finish


def _non_null(inner: Complete, name: str) -> Complete:
    def complete(run: Run, value: Any, here: Position) -> Any:
        completed = inner(run, value, here)
        if completed is None:
            raise TypeError(f"Cannot return null for non-nullable field {name}.")
        return completed

    return complete


def _leaf(type_: GraphQLLeafType) -> Complete:
    def complete(_run: Run, value: Any, _here: Position) -> Any:
        if value is None:
            return None
        if isinstance(value, Exception):
            raise value
        return Executor.complete_leaf_value(type_, value)

    return complete


def _object(type_: GraphQLObjectType, plan: ObjectPlan, origin: Any, details: Any) -> Complete:
    def complete(run: Run, value: Any, here: Position) -> Any:
        if type(value) is not origin:
            if value is None:
                return None
            _check_object(type_, value, run, details)
        return run.build(plan, value, here)

    return complete


def _list(
    item: Complete,
    type_: GraphQLList[Any],
    name: str,
    field: FieldPlan,
    plain: ObjectPlan | None = None,
    origin: Any = None,
) -> Complete:
    """`plain` is the plan of items that are only read, all at once, where nothing is the matter with them."""
    required = isinstance(type_.of_type, GraphQLNonNull)
    if required:
        item = _non_null(item, name)

    def one(run: Run, each: Any, place: Position) -> None:
        try:
            if type(each) is CoroutineType:
                run.start(each, item, field, place)
            else:
                place[0][place[1]] = item(run, each, place)
        except Nulled:
            run.null_or_raise(place)
        except Exception as error:
            run.record(error, field, place)
            run.null_or_raise(place)

    def complete(run: Run, value: Any, here: Position) -> Any:
        if value is None:
            return None
        if not isinstance(value, _SEQUENCES):
            if isinstance(value, Exception):
                raise value
            raise GraphQLError(f"Expected Iterable, but did not find one for field '{name}'.")
        if plain is not None and run.allows_caller(plain):
            read = plain.read
            with suppress(Exception):
                return [read(each) for each in value if type(each) is origin or _odd()]
        result: list[Any] = [None] * len(value)
        for index, each in enumerate(value):
            one(run, each, (result, index, not required, here))
        return result

    return complete


_SEQUENCES = (list, tuple)


def _odd() -> bool:
    raise ValueError("an item is of another class, or null")


def _check_object(type_: GraphQLObjectType, value: Any, run: Run, details: Any) -> None:
    """As graphql-core does: an exception is raised, and a value of another type refused."""
    if isinstance(value, Exception):
        raise value
    if type_.is_type_of is not None and not type_.is_type_of(value, run.info):
        nodes = [detail.node for detail in details]
        raise GraphQLError(f"Expected value of type '{type_.name}' but got: {inspect(value)}.", nodes)
