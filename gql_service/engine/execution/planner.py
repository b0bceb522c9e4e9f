"""The planner: makes the plan of an operation."""

from types import SimpleNamespace
from typing import Any, NoReturn

from graphql import (
    FragmentDefinitionNode,
    GraphQLField,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    OperationDefinitionNode,
    get_nullable_type,
    is_abstract_type,
    is_leaf_type,
    is_list_type,
    is_object_type,
)
from graphql.execution import Executor
from graphql.execution.collect_fields import FragmentDetails, collect_fields, collect_subfields
from graphql.execution.values import VariableValues
from graphql.pyutils import is_awaitable
from strawberry import Info

from gql_service.engine.execution.completion import (
    abstract_completer,
    guarded_completer,
    leaf_completer,
    list_completer,
)
from gql_service.engine.execution.introspection import INTROSPECTION_FIELDS, IntrospectionPlanner
from gql_service.engine.execution.leaf_reader import leaf_reader
from gql_service.engine.execution.plan import Complete, FieldPlan, ObjectPlan, Unplannable
from gql_service.engine.execution.resolvers import field_resolver
from gql_service.engine.execution.strawberry_schema import definition_of, python_class_of


class Planner:
    """Makes the plan of one operation, for one combination of its condition variables."""

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
        self._subplans: dict[tuple[Any, ...], ObjectPlan] = {}

    def plan(self) -> ObjectPlan:
        """Plan the operation. Raises Unplannable, or GraphQLError where graphql-core would, too."""
        self._check_is_plannable()
        root = self._schema.get_root_type(self._operation.operation)
        if root is None:
            raise Unplannable
        collected = collect_fields(self._schema, self._fragments, self._variables, root, self._operation)
        plan = self._plan_object(root, None, collected)
        plan.parts = [plan, *self._subplans.values()]
        return plan

    def _check_is_plannable(self) -> None:
        """Raise Unplannable for what changes the execution of all fields."""
        schema: Any = getattr(self._schema, "_strawberry_schema", None)
        if (
            schema is None
            or schema.config.info_class is not Info
            or schema.config.enable_experimental_incremental_execution
            or schema.schema_converter.exception_handlers
            or self._operation.directives
            or any(each.definition.variable_definitions for each in self._fragments.values())
        ):
            raise Unplannable

    def _plan_object(self, type_: GraphQLObjectType, field: FieldPlan | None, collected: Any) -> ObjectPlan:
        fields = []
        for key, details in collected.grouped_field_set.items():
            name = details[0].node.name.value
            definition = self._schema.get_field(type_, name)
            if definition is None:
                raise Unplannable
            if name in INTROSPECTION_FIELDS:
                fields.append(self._plan_introspection(type_, key, details, definition))
            else:
                fields.append(self._plan_field(type_, key, details, definition))
        # The fields of the root are resolved one by one: see `run.py`.
        read_leaves = _read_root if field is None else leaf_reader(type_, python_class_of(type_), fields)
        return ObjectPlan(type_, field, fields, read_leaves)

    def _plan_field(
        self, type_: GraphQLObjectType, key: str, details: Any, definition: GraphQLField
    ) -> FieldPlan:
        nodes = [detail.node for detail in details]
        field = FieldPlan(type_, key, nodes, definition)
        resolver = field_resolver(self._schema, type_, nodes, definition)
        field.resolve = resolver.resolve
        field.resolve_batch = resolver.resolve_batch
        field.leaf_expression = resolver.leaf_expression
        complete = self._completer(definition.type, details, field)
        guards_result = field.guard is not None and field.guard.after is not None
        field.complete = guarded_completer(field, complete) if guards_result else complete
        return field

    def _plan_introspection(
        self, type_: GraphQLObjectType, key: str, details: Any, definition: GraphQLField
    ) -> FieldPlan:
        field = FieldPlan(type_, key, [detail.node for detail in details], definition)
        planner = IntrospectionPlanner(
            self._schema,
            lambda type_, details: collect_subfields(
                self._schema, self._fragments, self._variables, self._operation, type_, details
            ),
        )
        planner.plan(field, details, definition)
        return field

    def _completer(self, type_: GraphQLOutputType, details: Any, field: FieldPlan) -> Complete:
        if isinstance(type_, GraphQLNonNull):
            type_ = type_.of_type
        if is_leaf_type(type_):
            return leaf_completer(type_, field)
        if is_list_type(type_):
            return self._list_completer(type_, details, field)
        if is_object_type(type_):
            return self._subplan(type_, details, field).complete
        assert is_abstract_type(type_), "there are no other output types"
        return self._abstract_completer(type_, details, field)

    def _list_completer(self, type_: GraphQLList[Any], details: Any, field: FieldPlan) -> Complete:
        item_type = get_nullable_type(type_.of_type)
        nullable = item_type is type_.of_type
        if not is_object_type(item_type):
            return list_completer(self._completer(item_type, details, field), nullable, field)
        plan = self._subplan(item_type, details, field)
        return list_completer(plan.complete, nullable, field, None if plan.resolved_fields else plan)

    def _subplan(self, type_: GraphQLObjectType, details: Any, field: FieldPlan) -> ObjectPlan:
        """The plan of the objects of a type that `field` returns; made once for the same nodes."""
        if getattr(definition_of(type_), "is_type_of", None):
            raise Unplannable  # its result may be awaitable
        key = (type_.name, field.coordinate, *[id(detail.node) for detail in details])
        if key not in self._subplans:
            collected = collect_subfields(
                self._schema, self._fragments, self._variables, self._operation, type_, details
            )
            self._subplans[key] = self._plan_object(type_, field, collected)
        return self._subplans[key]

    def _abstract_completer(self, type_: Any, details: Any, field: FieldPlan) -> Complete:
        """Looks up the plan by the class of a value; for other classes, graphql-core resolves the type."""
        if getattr(definition_of(type_), "resolve_type", None):
            raise Unplannable  # its result may be awaitable
        plans, plans_by_class = {}, {}
        for possible in self._schema.get_possible_types(type_):
            plan = plans[possible.name] = self._subplan(possible, details, field)
            definition = definition_of(possible)
            if definition.name == possible.name and not definition.is_graphql_generic:
                plans_by_class[definition.origin] = plan
        info: Any = SimpleNamespace(
            schema=self._schema, field_name=field.name, parent_type=field.parent, is_awaitable=is_awaitable
        )

        def find_plan(value: Any) -> ObjectPlan:
            name = type_.resolve_type(value, info, type_)
            return plans[Executor.ensure_valid_runtime_type(info, name, type_, details, info, value).name]

        return abstract_completer(field, plans_by_class, find_plan)


def _read_root(_sources: object) -> NoReturn:
    raise AssertionError("nobody reads the leaves of a root")
