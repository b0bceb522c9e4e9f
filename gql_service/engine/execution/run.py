"""Running a plan. All objects in the same position of the operation are resolved and completed together."""

from collections.abc import Callable, Sequence
from types import CoroutineType
from typing import Any, NamedTuple

from graphql import ExecutionResult

from gql_service.auth.roles import Verdict, allows
from gql_service.engine.execution.plan import FieldPlan, ObjectPlan, ResponseSlot
from gql_service.engine.execution.scheduler import Scheduler
from gql_service.engine.execution.strawberry_schema import check_type


class ResolveInfo(NamedTuple):
    """The part of `info` that a plan provides to resolvers."""

    schema: Any
    context: Any

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"Plans provide `info.context` and `info.schema`, but not {name!r}.")


class Run(Scheduler):
    """One execution of a plan."""

    __slots__ = (
        "_coerce_variables",
        "_graphql_core_variables",
        "_verdicts",
        "bound_arguments",
        "context",
        "info",
        "introspected_fields",
        "root",
        "variables",
    )

    def __init__(
        self,
        root: Any,
        context: Any,
        info: Any,
        variables: dict[str, Any],
        coerce_variables: Callable[[], Any],
    ) -> None:
        """`variables` are coerced; `coerce_variables` returns them in graphql-core's form, which
        only some arguments need."""
        super().__init__()
        self.root = root
        self.context = context
        self.info = info
        self.variables = variables
        self._coerce_variables = coerce_variables
        self._graphql_core_variables: Any = None
        self._verdicts: dict[Any, Verdict[Any]] = {}
        self.bound_arguments: dict[Any, dict[str, Any]] = {}
        """The arguments of fields for all objects, as far as they are kept: see `arguments.py`."""
        self.introspected_fields = 0
        """How many fields of the schema's description were read: see `introspection.py`."""

    def graphql_core_variables(self) -> Any:
        """The variables in graphql-core's own form, for arguments that it has to coerce."""
        if self._graphql_core_variables is None:
            self._graphql_core_variables = self._coerce_variables()
        return self._graphql_core_variables

    async def execute_query(self, plan: ObjectPlan) -> ExecutionResult:
        """Execute the root fields concurrently."""
        data: dict[str, Any] = dict.fromkeys(plan.keys)
        for field in plan.fields:
            self.resolve_if_allowed(field, [self.root], [(data, field.key, field.nullable, None)])
        if self._pending or self._cancellation is not None:
            await self.finish()
        return self.result(data)

    async def execute_mutation(self, plan: ObjectPlan) -> ExecutionResult:
        """Execute the root fields one after the other."""
        data: dict[str, Any] = {}
        for field in plan.fields:
            data[field.key] = None
            await self._execute_mutation_field(field, (data, field.key, field.nullable, None))
            if self.is_nulled(None):
                break
        return self.result(data)

    async def _execute_mutation_field(self, field: FieldPlan, slot: ResponseSlot) -> None:
        sources, _slots = self.filter_guarded(field, [self.root], [slot])
        if sources:
            try:
                value = field.resolve(self, self.root)
                if type(value) is CoroutineType:
                    value = await value
            except Exception as error:
                self.fail(error, field, slot)
            else:
                field.complete(self, [value], [slot])
        await self.finish()

    def build_objects(self, plan: ObjectPlan, sources: Sequence[Any], slots: Sequence[ResponseSlot]) -> None:
        """Store the response objects of `sources` in their slots, and resolve their fields."""
        results = self.read_leaves(plan, sources)
        if results is None:
            for source, slot in zip(sources, slots, strict=True):
                self._build_one_by_one(plan, source, slot)
            return
        for result, (container, key, _nullable, _parent) in zip(results, slots, strict=True):
            container[key] = result
        for field in plan.resolved_fields:
            key, nullable = field.key, field.nullable
            field_slots = [(result, key, nullable, slot) for result, slot in zip(results, slots, strict=True)]
            self.resolve(field, sources, field_slots)

    def read_leaves(self, plan: ObjectPlan, sources: Sequence[Any]) -> list[dict[str, Any]] | None:
        """The response objects of `sources`, with all their leaves.

        None if a guard denies a field, or a value is invalid or unusual. Then the fields have to be resolved
        one by one, which records the errors.
        """
        try:
            for guard in plan.guards:
                verdict = self.verdict(guard, guard.before)
                if verdict is not True and (verdict is False or not all(map(verdict, sources))):
                    return None
            return plan.read_leaves(sources)
        except Exception:
            return None

    def _build_one_by_one(self, plan: ObjectPlan, source: Any, slot: ResponseSlot) -> None:
        """Build the response object of one source field by field, as graphql-core does."""
        if self.complete_null_error_or_awaitable(source, plan.complete, plan.field, slot):
            return
        try:
            check_type(plan, source)
        except Exception as error:
            self.fail(error, plan.field, slot)
            return
        container, key, _nullable, _parent = slot
        result = container[key] = dict.fromkeys(plan.keys)
        for field in plan.fields:
            self.resolve_if_allowed(field, [source], [(result, field.key, field.nullable, slot)])

    def resolve_if_allowed(
        self, field: FieldPlan, sources: Sequence[Any], slots: Sequence[ResponseSlot]
    ) -> None:
        """Resolve a field of the objects whose guard allows it, and record an error for the others."""
        self.resolve(field, *self.filter_guarded(field, sources, slots))

    def resolve(self, field: FieldPlan, sources: Sequence[Any], slots: Sequence[ResponseSlot]) -> None:
        """Call the resolver of a field, once for all objects if it can, and complete the values."""
        if field.resolve_batch is not None and sources:
            try:
                batch = field.resolve_batch(self, sources)
            except Exception as error:
                self.fail_all(error, field, slots)
            else:
                self.start(batch, True, field.complete, field, slots)
            return
        values, value_slots = [], []
        for source, slot in zip(sources, slots, strict=True):
            try:
                value = field.resolve(self, source)
            except Exception as error:
                self.fail(error, field, slot)
                continue
            if type(value) is CoroutineType:
                self.start(value, False, field.complete, field, [slot])
            else:
                values.append(value)
                value_slots.append(slot)
        if values:
            field.complete(self, values, value_slots)

    def verdict(self, guard: Any, role: Any) -> Verdict[Any]:
        """Whether the viewer holds a role. It is the same for every guard, and computed once per run."""
        if role in self._verdicts:
            return self._verdicts[role]
        verdict: Verdict[Any] = guard.verdict(role, self.context)
        self._verdicts[role] = verdict
        return verdict

    def filter_guarded(
        self, field: FieldPlan, sources: Sequence[Any], slots: Sequence[ResponseSlot]
    ) -> tuple[Sequence[Any], Sequence[ResponseSlot]]:
        """The objects whose field the viewer may read, and their slots. The others get an error."""
        if field.guard is None:
            return sources, slots
        return self.filter_allowed(field.guard.before, field, sources, slots)

    def filter_allowed(
        self,
        role: Any,
        field: FieldPlan,
        subjects: Sequence[Any],
        slots: Sequence[ResponseSlot],
        *,
        are_results: bool = False,
    ) -> tuple[Sequence[Any], Sequence[ResponseSlot]]:
        """The objects over which the viewer holds `role`, and their slots. The others get an error.

        With `are_results`, the objects are the field's values: nulls, errors and awaitables among them are
        completed without a role, because they reveal nothing yet.
        """
        verdict = self.verdict(field.guard, role)
        try:
            if verdict is True or (verdict and all(map(verdict, subjects))):
                return subjects, slots
        except Exception:  # noqa: S110 - raised again below, where it is recorded for its slot
            pass
        allowed, allowed_slots = [], []
        for subject, slot in zip(subjects, slots, strict=True):
            if are_results and self.complete_null_error_or_awaitable(subject, field.complete, field, slot):
                continue
            try:
                if not allows(verdict, subject):
                    raise field.guard.refusal(self.context)
            except Exception as error:
                self.fail(error, field, slot)
            else:
                allowed.append(subject)
                allowed_slots.append(slot)
        return allowed, allowed_slots
