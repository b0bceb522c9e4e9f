"""Running a plan, a level at a time: all objects that stand in one place of the operation are built together.

A place says where a value goes: the container, the key in it, whether it may be null, and the place of the
container itself. Containers are put in their places before what they contain is known, so what arrives late
is filled in, and following places outward gives an error its path, and a null the place that takes it.

Resolvers of queries are started eagerly and stepped here, without a task each. They wait for loaders only,
so their reads are gathered; none may open a timeout, which would belong to the whole request.
"""

from collections.abc import Sequence
from types import CoroutineType
from typing import TYPE_CHECKING, Any, NamedTuple

from graphql import ExecutionResult, GraphQLError, located_error

from gql_service.auth.policy import Verdict, allows

if TYPE_CHECKING:
    from gql_service.engine.plan import Complete, FieldPlan, ObjectPlan

Place = tuple[Any, Any, bool, Any]


class Unplannable(Exception):
    """Something that a plan does not cover: graphql-core is to execute the operation."""


class Call(NamedTuple):
    """What resolvers of graphql-core and of Strawberry find in their `info`, as far as a plan provides it."""

    schema: Any
    context: Any


class Waiting:
    """A resolver that has been started and waits for a future (or, for None, for the next turn).

    It answers for one place, or for `many`, with a list.
    """

    __slots__ = ("complete", "coroutine", "field", "future", "many", "places")

    def __init__(
        self, coroutine: Any, many: bool, complete: "Complete", field: "FieldPlan", places: Sequence[Place]
    ) -> None:
        self.coroutine = coroutine
        self.many = many
        self.complete = complete
        self.field = field
        self.places = places
        self.future: Any = None


class Run:
    """One execution of a plan."""

    __slots__ = (
        "_errors",
        "_nulled",
        "_verdicts",
        "_waiting",
        "context",
        "given",
        "info",
        "root",
        "variables",
    )

    def __init__(self, root: Any, context: Any, info: Any, variables: dict[str, Any], given: Any) -> None:
        self.root = root
        self.context = context
        self.info = info
        self.variables = variables
        self.given = given
        self._errors: list[GraphQLError] = []
        self._nulled: dict[int, Place | None] = {}
        self._verdicts: dict[Any, Verdict[Any]] = {}
        self._waiting: list[Waiting] = []

    async def query(self, plan: "ObjectPlan") -> ExecutionResult:
        """Execute the fields of the root side by side."""
        data: dict[str, Any] = dict.fromkeys(plan.keys)
        for field in plan.fields:
            self.call(field, [self.root], [(data, field.key, field.nullable, None)])
        if self._waiting:
            await self._drain()
        return self._result(data)

    async def mutation(self, plan: "ObjectPlan") -> ExecutionResult:
        """Execute the fields of the root one after the other, each to its end."""
        data: dict[str, Any] = {}
        for field in plan.fields:
            data[field.key] = None
            await self._call_and_wait(field, (data, field.key, field.nullable, None))
            if self._is_nulled(None):
                break
        return self._result(data)

    async def _call_and_wait(self, field: "FieldPlan", place: Place) -> None:
        for source in self.admit(field, [self.root], [place])[0]:
            try:
                value = field.resolve(self, source)
                if type(value) is CoroutineType:
                    value = await value
            except Exception as error:
                self.fail(error, field, place)
            else:
                field.complete(self, [value], [place])
        await self._drain()

    def build(self, plan: "ObjectPlan", sources: Sequence[Any], places: Sequence[Place]) -> None:
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

    def read(self, plan: "ObjectPlan", sources: Sequence[Any]) -> list[dict[str, Any]] | None:
        """The leaves of all objects at once; None where one is refused, missing, or fails to be read."""
        try:
            for guard in plan.guards:
                verdict = self.verdict(guard, guard.before)
                if verdict is not True and (verdict is False or not all(map(verdict, sources))):
                    return None
            return plan.read(sources)
        except Exception:
            return None

    def _build_carefully(self, plan: "ObjectPlan", source: Any, place: Place) -> None:
        """One object field by field, where something is the matter with one of them."""
        try:
            plan.check(source, self.info)
        except Exception as error:
            self.fail(error, plan.field, place)
            return
        if source is None:
            self.absent(plan.field, place)
            return
        result = place[0][place[1]] = dict.fromkeys(plan.keys)
        for field in plan.fields:
            self.call(field, [source], [(result, field.key, field.nullable, place)])

    def call(self, field: "FieldPlan", sources: Sequence[Any], places: Sequence[Place]) -> None:
        """Get the values of a field of some objects, as far as its guard allows."""
        self.resolve(field, *self.admit(field, sources, places))

    def resolve(self, field: "FieldPlan", sources: Sequence[Any], places: Sequence[Place]) -> None:
        """Call a resolver for all objects, or for each, and complete what it has found."""
        if field.resolve_all is not None and sources:
            self.start(field.resolve_all(self, sources), True, field.complete, field, places)
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
        verdict = self._verdicts.get(role)
        if verdict is None:
            verdict = self._verdicts[role] = guard.verdict(role, self.context)
        return verdict

    def admit(
        self, field: "FieldPlan", sources: Sequence[Any], places: Sequence[Place]
    ) -> tuple[Sequence[Any], Sequence[Place]]:
        """The objects whose field the caller may have; the places of the others fail."""
        if field.guard is None:
            return sources, places
        return self.sift(field.guard.before, field, sources, places)

    def sift(
        self,
        role: Any,
        field: "FieldPlan",
        subjects: Sequence[Any],
        places: Sequence[Place],
        *,
        results: bool = False,
    ) -> tuple[Sequence[Any], Sequence[Place]]:
        """The objects over which the caller holds a role; the places of the others fail.

        Among `results`, nulls and exceptions need no role: there is nothing to see.
        """
        verdict = self.verdict(field.guard, role)
        try:
            if verdict is True or (verdict and all(map(verdict, subjects))):
                return subjects, places
        except Exception:  # noqa: S110 - it is raised again below, where it has a place
            pass
        allowed, here = [], []
        for subject, place in zip(subjects, places, strict=True):
            try:
                nothing = results and (subject is None or isinstance(subject, Exception))
                if not nothing and not allows(verdict, subject):
                    raise field.guard.refusal(self.context)
            except Exception as error:
                self.fail(error, field, place)
            else:
                allowed.append(subject)
                here.append(place)
        return allowed, here

    def start(
        self, coroutine: Any, many: bool, complete: "Complete", field: "FieldPlan", places: Sequence[Place]
    ) -> None:
        """Run a resolver up to where it waits, and keep it; or complete its value, if it does not wait."""
        waiting = Waiting(coroutine, many, complete, field, places)
        for place in places:
            place[0][place[1]] = None  # it has its place among the keys
        values = self._step(waiting)
        if values is None:
            self._waiting.append(waiting)
        elif values:
            complete(self, values, places)

    def _step(self, waiting: Waiting) -> Sequence[Any] | None:
        """Run a resolver on; returns None where it waits again, and nothing where it failed."""
        try:
            future = waiting.coroutine.send(None)
        except StopIteration as end:
            return end.value if waiting.many else [end.value]
        except Exception as error:
            for place in waiting.places:
                self.fail(error, waiting.field, place)
            return ()
        if future is not None:
            future._asyncio_future_blocking = False
        waiting.future = future
        return None

    async def _drain(self) -> None:
        """Step whatever can go on, until nothing waits."""
        try:
            while self._waiting:
                future = self._waiting[0].future
                if future is None or not future.done():
                    await _Turn(future)
                started, self._waiting = self._waiting, []
                for each in started:
                    values = None
                    if each.future is None or each.future.done():
                        values = self._step(each)
                    if values is None:
                        self._waiting.append(each)
                    elif values:
                        each.complete(self, values, each.places)
        finally:
            for each in self._waiting:
                each.coroutine.close()

    def fail(self, error: Exception, field: "FieldPlan", place: Place) -> None:
        """Record an error, unless where it belongs is null already, and put null in its place."""
        if not self._nulled or not self._is_nulled(place):
            path: list[str | int] = []
            at: Place | None = place
            while at is not None:
                path.append(at[1])
                at = at[3]
            self._errors.append(located_error(error, field.nodes, path[::-1]))
        self._put_null(place)

    def absent(self, field: "FieldPlan", place: Place) -> None:
        """Put null in a place, which is an error where it must not be null."""
        if place[2]:
            place[0][place[1]] = None
        else:
            self.fail(TypeError(f"Cannot return null for non-nullable field {field.title}."), field, place)

    def _put_null(self, place: Place | None) -> None:
        """The nearest place outward that may be null takes it."""
        while place is not None and not place[2]:
            place = place[3]
        if place is not None:
            place[0][place[1]] = None
        self._nulled[id(place)] = place

    def _is_nulled(self, place: Place | None) -> bool:
        while place is not None and id(place) not in self._nulled:
            place = place[3]
        return id(place) in self._nulled

    def _result(self, data: dict[str, Any]) -> ExecutionResult:
        return ExecutionResult(None if self._is_nulled(None) else data, self._errors or None)


class _Turn:
    """Waits until a future is done, whatever its outcome, or for one turn of the event loop."""

    __slots__ = ("_future",)

    def __init__(self, future: Any) -> None:
        self._future = future

    def __await__(self) -> Any:
        future = self._future
        if future is not None:
            future._asyncio_future_blocking = True
        try:
            yield future
        except Exception:  # the resolver that waits for it will be told
            if future is None or not future.done():
                raise
