"""Running a plan, a level at a time: all objects in one place of the operation are built together."""

from collections.abc import Sequence
from types import CoroutineType
from typing import Any, NamedTuple

from graphql import ExecutionResult

from gql_service.auth.roles import Verdict, allows
from gql_service.engine.execution.plan import FieldPlan, ObjectPlan, ResponseSlot
from gql_service.engine.execution.scheduler import Scheduler


class ResolveInfo(NamedTuple):
    """What resolvers of graphql-core and of Strawberry find in their `info`, as far as a plan provides it."""

    schema: Any
    context: Any

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"Plans provide `info.context` and `info.schema`, but not {name!r}.")


class Run(Scheduler):
    """One execution of a plan."""

    __slots__ = ("_given", "_reference", "_verdicts", "context", "info", "root", "variables")

    def __init__(self, root: Any, context: Any, info: Any, variables: dict[str, Any], given: Any) -> None:
        super().__init__()
        self.root = root
        self.context = context
        self.info = info
        self.variables = variables
        self._given = given
        self._reference: Any = None
        self._verdicts: dict[Any, Verdict[Any]] = {}

    def variables_by_reference(self) -> Any:
        """The variables as the reference implementation has them, coerced once."""
        if self._reference is None:
            self._reference = self._given()
        return self._reference

    async def query(self, plan: ObjectPlan) -> ExecutionResult:
        """Execute the fields of the root side by side."""
        data: dict[str, Any] = dict.fromkeys(plan.keys)
        for field in plan.fields:
            self.call(field, [self.root], [(data, field.key, field.nullable, None)])
        if self._waiting or self._cancelled is not None:
            await self.finish()
        return self.result(data)

    async def mutation(self, plan: ObjectPlan) -> ExecutionResult:
        """Execute the fields of the root one after the other, each to its end."""
        data: dict[str, Any] = {}
        for field in plan.fields:
            data[field.key] = None
            await self._call_and_wait(field, (data, field.key, field.nullable, None))
            if self.is_nulled(None):
                break
        return self.result(data)

    async def _call_and_wait(self, field: FieldPlan, place: ResponseSlot) -> None:
        for source in self.filter_guarded(field, [self.root], [place])[0]:
            try:
                value = field.resolve(self, source)
                if type(value) is CoroutineType:
                    value = await value
            except Exception as error:
                self.fail(error, field, place)
            else:
                field.complete(self, [value], [place])
        await self.finish()

    def build(self, plan: ObjectPlan, sources: Sequence[Any], places: Sequence[ResponseSlot]) -> None:
        """Put the response objects of some values in their places, and call the resolvers of their fields."""
        results = self.read(plan, sources)
        if results is None:
            for source, place in zip(sources, places, strict=True):
                self._build_carefully(plan, source, place)
            return
        for result, place in zip(results, places, strict=True):
            place[0][place[1]] = result
        for field in plan.calls:
            key, nullable = field.key, field.nullable
            here = [(result, key, nullable, place) for result, place in zip(results, places, strict=True)]
            self.resolve(field, sources, here)

    def read(self, plan: ObjectPlan, sources: Sequence[Any]) -> list[dict[str, Any]] | None:
        """The leaves of all objects at once; None where one is refused, missing, or fails to be read."""
        try:
            for guard in plan.guards:
                verdict = self.verdict(guard, guard.before)
                if verdict is not True and (verdict is False or not all(map(verdict, sources))):
                    return None
            return plan.read(sources)
        except Exception:
            return None

    def _build_carefully(self, plan: ObjectPlan, source: Any, place: ResponseSlot) -> None:
        """One object field by field, where something is the matter with one of them."""
        if self.complete_non_value(source, plan.complete, plan.field, place):
            return
        try:
            plan.check(source)
        except Exception as error:
            self.fail(error, plan.field, place)
            return
        result = place[0][place[1]] = dict.fromkeys(plan.keys)
        for field in plan.fields:
            self.call(field, [source], [(result, field.key, field.nullable, place)])

    def call(self, field: FieldPlan, sources: Sequence[Any], places: Sequence[ResponseSlot]) -> None:
        """Get the values of a field of some objects, as far as its guard allows."""
        self.resolve(field, *self.filter_guarded(field, sources, places))

    def resolve(self, field: FieldPlan, sources: Sequence[Any], places: Sequence[ResponseSlot]) -> None:
        """Call a resolver for all objects, or for each, and complete what it has found."""
        if field.resolve_all is not None and sources:
            try:
                answers = field.resolve_all(self, sources)
            except Exception as error:
                self.fail_all(error, field, places)
            else:
                self.start(answers, True, field.complete, field, places)
            return
        values, found = [], []
        for source, place in zip(sources, places, strict=True):
            try:
                value = field.resolve(self, source)
            except Exception as error:
                self.fail(error, field, place)
                continue
            if type(value) is CoroutineType:
                self.start(value, False, field.complete, field, [place])
            else:
                values.append(value)
                found.append(place)
        if values:
            field.complete(self, values, found)

    def verdict(self, guard: Any, role: Any) -> Verdict[Any]:
        """What a guard says of a role; what depends on the caller alone is asked once, not once an object."""
        if role in self._verdicts:
            return self._verdicts[role]
        verdict: Verdict[Any] = guard.verdict(role, self.context)
        self._verdicts[role] = verdict
        return verdict

    def filter_guarded(
        self, field: FieldPlan, sources: Sequence[Any], places: Sequence[ResponseSlot]
    ) -> tuple[Sequence[Any], Sequence[ResponseSlot]]:
        """The objects whose field the caller may have; the places of the others fail."""
        if field.guard is None:
            return sources, places
        return self.filter_allowed(field.guard.before, field, sources, places)

    def filter_allowed(
        self,
        role: Any,
        field: FieldPlan,
        subjects: Sequence[Any],
        places: Sequence[ResponseSlot],
        *,
        results: bool = False,
    ) -> tuple[Sequence[Any], Sequence[ResponseSlot]]:
        """The objects over which the caller holds a role; the places of the others fail.

        Among `results`, what is no value needs no role: there is nothing to see.
        """
        verdict = self.verdict(field.guard, role)
        try:
            if verdict is True or (verdict and all(map(verdict, subjects))):
                return subjects, places
        except Exception:  # noqa: S110 - it is raised again below, where it has a place
            pass
        allowed, here = [], []
        for subject, place in zip(subjects, places, strict=True):
            if results and self.complete_non_value(subject, field.complete, field, place):
                continue
            try:
                if not allows(verdict, subject):
                    raise field.guard.refusal(self.context)
            except Exception as error:
                self.fail(error, field, place)
            else:
                allowed.append(subject)
                here.append(place)
        return allowed, here
