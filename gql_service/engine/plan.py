"""Plans: an operation worked out once, so that a request only reads values and calls resolvers.

Fields are collected by graphql-core itself, for one setting of the variables that `@skip` and `@include` use.
What a plan does not cover raises Unplannable, and graphql-core executes it.
"""

from collections.abc import Callable, Sequence
from types import CoroutineType, NoneType
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
from gql_service.engine.run import Place, Run, Unplannable

Complete = Callable[[Run, Sequence[Any], Sequence[Place]], None]
"""Turns values into the response, and puts it in their places."""


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
        "resolve",
        "resolve_all",
        "title",
        "type",
    )

    def __init__(self, parent: GraphQLObjectType, key: str, nodes: list[FieldNode], definition: Any) -> None:
        self.key = key
        self.name = nodes[0].name.value
        self.title = f"{parent.name}.{self.name}"
        self.nodes = nodes
        self.type: GraphQLOutputType = definition.type
        self.nullable = not isinstance(definition.type, GraphQLNonNull)
        self.guard = definition.extensions.get("guard")
        self.attribute: str | None = None
        """Where a leaf is read from the source, if no resolver is to be called."""
        self.resolve: Callable[[Run, Any], Any]
        self.resolve_all: Callable[[Run, Sequence[Any]], Any] | None = None
        """For all objects at once, if the resolver can."""
        self.complete: Complete


class ObjectPlan:
    """All fields of one object type in one place of an operation; `field` is what leads there."""

    __slots__ = ("_origin", "_type", "calls", "field", "fields", "guards", "keys", "read")

    def __init__(self, type_: GraphQLObjectType, field: FieldPlan | None, fields: list[FieldPlan]) -> None:
        self.field: Any = field
        self.fields = fields
        self.keys = [each.key for each in fields]
        self.calls = [each for each in fields if each.attribute is None]
        self.guards = list({each.guard.before: each.guard for each in fields if each.guard}.values())
        self._type = type_
        self._origin = getattr(type_.extensions.get("strawberry-definition"), "origin", None)
        self.read = reader(type_, self._origin, fields)

    def check(self, source: Any, info: Any) -> None:
        """As graphql-core does: an exception is raised, and a value of another type refused."""
        if isinstance(source, Exception):
            raise source
        type_ = self._type
        if source is None or type(source) is self._origin or type_.is_type_of is None:
            return
        if not type_.is_type_of(source, info):
            message = f"Expected value of type '{type_.name}' but got: {inspect(source)}."
            raise GraphQLError(message, self.field.nodes)


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
        return self._object(root, None, collected)

    def _object(self, type_: GraphQLObjectType, field: FieldPlan | None, collected: Any) -> ObjectPlan:
        if collected.new_defer_usages:
            raise Unplannable
        fields = []
        for key, details in collected.grouped_field_set.items():
            name = details[0].node.name.value
            definition = self._schema.get_field(type_, name)
            if definition is None or (name.startswith("__") and name != "__typename"):
                raise Unplannable
            fields.append(self._field(type_, key, details, definition))
        return ObjectPlan(type_, field, fields)

    def _field(self, type_: GraphQLObjectType, key: str, details: Any, definition: GraphQLField) -> FieldPlan:
        nodes = [detail.node for detail in details]
        field = FieldPlan(type_, key, nodes, definition)
        field.resolve, field.resolve_all, field.attribute = resolver(self._schema, type_, nodes, definition)
        complete = self._completer(definition.type, details, field)
        judged = field.guard is not None and field.guard.after is not None
        field.complete = _judged(field, complete) if judged else complete
        return field

    def _completer(self, type_: GraphQLOutputType, details: Any, field: FieldPlan) -> Complete:
        if isinstance(type_, GraphQLNonNull):
            type_ = type_.of_type
        if is_leaf_type(type_):
            return _leaf(type_, field)
        if is_list_type(type_):
            return self._list_completer(type_, details, field)
        if is_object_type(type_):
            return _object(self._subplan(type_, details, field))
        assert is_abstract_type(type_), "there are no other output types"
        return self._abstract_completer(type_, details, field)

    def _list_completer(self, type_: GraphQLList[Any], details: Any, field: FieldPlan) -> Complete:
        item_type = get_nullable_type(type_.of_type)
        nullable = item_type is type_.of_type
        if not is_object_type(item_type):
            return _list(self._completer(item_type, details, field), nullable, field)
        plan = self._subplan(item_type, details, field)
        return _list(_object(plan), nullable, field, None if plan.calls else plan)

    def _subplan(self, type_: GraphQLObjectType, details: Any, field: FieldPlan) -> ObjectPlan:
        collected = collect_subfields(
            self._schema, self._fragments, self._variables, self._operation, type_, details
        )
        return self._object(type_, field, collected)

    def _abstract_completer(self, type_: Any, details: Any, field: FieldPlan) -> Complete:
        """Plans for the concrete types are worked out when they turn up, as graphql-core does."""
        completers: dict[type, Complete] = {NoneType: _nothing(field)}

        def completer(value: Any) -> Complete:
            definition = getattr(type(value), "__strawberry_definition__", None)
            concrete = None if definition is None else self._schema.type_map.get(definition.name)
            if not isinstance(concrete, GraphQLObjectType) or not self._schema.is_sub_type(type_, concrete):
                raise GraphQLError(
                    f"Abstract type '{type_.name}' must resolve to an Object type at runtime, "
                    f"not {inspect(value)}."
                )
            found = completers[type(value)] = _object(self._subplan(concrete, details, field))
            return found

        def complete(run: Run, values: Sequence[Any], places: Sequence[Place]) -> None:
            kinds: dict[type, tuple[list[Any], list[Place]]] = {}
            for value, place in zip(values, places, strict=True):
                found, there = kinds.setdefault(type(value), ([], []))
                found.append(value)
                there.append(place)
            for kind, (found, there) in kinds.items():
                try:
                    complete = completers.get(kind) or completer(found[0])
                except Exception as error:
                    for each, place in zip(found, there, strict=True):
                        run.fail(each if isinstance(each, Exception) else error, field, place)
                else:
                    complete(run, found, there)

        return complete


def _judged(field: FieldPlan, complete: Complete) -> Complete:
    """Where the objects that a resolver finds decide, they are asked before they are shown."""

    def sift(run: Run, values: Sequence[Any], places: Sequence[Place]) -> None:
        values, places = run.sift(field.guard.after, field, values, places, results=True)
        if values:
            complete(run, values, places)

    return sift


def _nothing(field: FieldPlan) -> Complete:
    def complete(run: Run, _values: Sequence[Any], places: Sequence[Place]) -> None:
        for place in places:
            run.absent(field, place)

    return complete


def _leaf(type_: GraphQLLeafType, field: FieldPlan) -> Complete:
    def complete(run: Run, values: Sequence[Any], places: Sequence[Place]) -> None:
        for value, place in zip(values, places, strict=True):
            if value is None:
                run.absent(field, place)
                continue
            try:
                if isinstance(value, Exception):
                    raise value
                place[0][place[1]] = Executor.complete_leaf_value(type_, value)
            except Exception as error:
                run.fail(error, field, place)

    return complete


def _object(plan: ObjectPlan) -> Complete:
    return lambda run, values, places: run.build(plan, values, places)


def _list(
    complete_items: Complete, nullable: bool, field: FieldPlan, plain: ObjectPlan | None = None
) -> Complete:
    """`plain` is the plan of items that are only read, all at once, where nothing is the matter with them."""

    def complete(run: Run, values: Sequence[Any], places: Sequence[Place]) -> None:
        lists: list[Sequence[Any]] = []
        where: list[Place] = []
        for value, place in zip(values, places, strict=True):
            if value is None:
                run.absent(field, place)
            elif not isinstance(value, _SEQUENCES):
                refused = GraphQLError(f"Expected Iterable, but did not find one for field '{field.title}'.")
                run.fail(value if isinstance(value, Exception) else refused, field, place)
            else:
                lists.append(value)
                where.append(place)
        items = [item for each in lists for item in each]
        read = None if plain is None else run.read(plain, items)
        if read is not None:
            start = 0
            for each, place in zip(lists, where, strict=True):
                place[0][place[1]] = read[start : start + len(each)]
                start += len(each)
        elif items:
            complete_each(run, items, _spread(lists, where))
        else:
            _spread(lists, where)

    def _spread(lists: list[Sequence[Any]], where: list[Place]) -> list[Place]:
        """Put empty lists in their places; the places of their items."""
        below: list[Place] = []
        for each, place in zip(lists, where, strict=True):
            result = place[0][place[1]] = [None] * len(each)
            below += [(result, index, nullable, place) for index in range(len(each))]
        return below

    def complete_each(run: Run, items: list[Any], below: list[Place]) -> None:
        if CoroutineType not in map(type, items):
            complete_items(run, items, below)
            return
        for item, place in zip(items, below, strict=True):
            if type(item) is CoroutineType:
                run.start(item, False, complete_items, field, [place])
            else:
                complete_items(run, [item], [place])

    return complete


_SEQUENCES = (list, tuple)
