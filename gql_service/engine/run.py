"""Running a plan: objects are built at once, and what has to wait is filled in when it arrives.

A position says where a value goes: the container, the key in it, whether it may be null, and the position
of the container itself. Following positions outward gives an error its path, and a null its place.

Resolvers of queries are started eagerly and stepped here, without a task each. They wait for loaders only,
so their reads are gathered; none may open a timeout, which would belong to the whole request.
"""

from collections.abc import Coroutine
from types import CoroutineType
from typing import TYPE_CHECKING, Any, NamedTuple

from graphql import ExecutionResult, GraphQLError, located_error

if TYPE_CHECKING:
    from gql_service.engine.plan import Complete, FieldPlan, ObjectPlan

Position = tuple[Any, Any, bool, Any]


class Nulled(Exception):
    """A value that must not be null is missing: its error is recorded, and its container is to be null."""


class Unplannable(Exception):
    """Something that a plan does not cover: graphql-core is to execute the operation."""


class Waiting:
    """A resolver that has been started and waits for a future (or, for None, for the next turn)."""

    __slots__ = ("complete", "coroutine", "field", "future", "position")

    def __init__(
        self,
        coroutine: Coroutine[Any, Any, Any],
        complete: "Complete",
        field: "FieldPlan",
        position: Position,
        future: Any,
    ) -> None:
        self.coroutine = coroutine
        self.complete = complete
        self.field = field
        self.position = position
        self.future = future


class Call(NamedTuple):
    """What resolvers of graphql-core and of Strawberry find in their `info`, as far as a plan provides it."""

    schema: Any
    context: Any


class Run:
    """One execution of a plan."""

    __slots__ = (
        "_allowed",
        "_errors",
        "_nulled",
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
        self._allowed: dict[ObjectPlan, bool] = {}
        self._errors: list[GraphQLError] = []
        self._nulled: list[Position | None] = []
        self._waiting: list[Waiting] = []

    async def query(self, plan: "ObjectPlan") -> ExecutionResult:
        """Execute the fields of the root side by side."""
        data: dict[str, Any] | None
        try:
            data = self.build(plan, self.root, None)
        except Nulled:
            return self._result(None)
        if self._waiting:
            await self._drain()
        return self._result(data)

    async def mutation(self, plan: "ObjectPlan") -> ExecutionResult:
        """Execute the fields of the root one after the other, each to its end."""
        data: dict[str, Any] = {}
        try:
            for field in plan.fields:
                await self._call_and_wait(field, data)
        except Nulled:
            return self._result(None)
        return self._result(data)

    def build(self, plan: "ObjectPlan", source: Any, position: Position | None) -> dict[str, Any]:
        """The response object for a value. Raises Nulled."""
        if not self.allows_caller(plan):
            return self._build_carefully(plan, source, position)
        for guard in plan.guards:
            if not guard.allows(self.context, source):
                return self._build_carefully(plan, source, position)
        try:
            result = plan.read(source)
        except Exception:
            return self._build_carefully(plan, source, position)
        for field in plan.calls:
            self._call(field, source, result, position)
        return result

    def allows_caller(self, plan: "ObjectPlan") -> bool:
        """What depends on the caller alone is asked once, not once an object."""
        allowed = self._allowed.get(plan)
        if allowed is None:
            allowed = all(guard.allows(self.context, None) for guard in plan.caller_guards)
            self._allowed[plan] = allowed
        return allowed

    def _build_carefully(self, plan: "ObjectPlan", source: Any, position: Position | None) -> dict[str, Any]:
        """Field by field, where one was refused or failed."""
        result: dict[str, Any] = {}
        for field in plan.fields:
            self._call(field, source, result, position)
        return result

    def _call(self, field: "FieldPlan", source: Any, result: dict[str, Any], parent: Position | None) -> None:
        here = (result, field.key, field.nullable, parent)
        try:
            guard = field.guard
            if guard is not None and not guard.allows(self.context, source):
                raise guard.refusal(self.context)
            value = field.resolve(self, source, here)
            if type(value) is CoroutineType:
                self.start(value, field.finish, field, here)
                return
            result[field.key] = field.finish(self, value, here)
        except Nulled:
            self.null_or_raise(here)
        except Exception as error:
            self.record(error, field, here)
            self.null_or_raise(here)

    async def _call_and_wait(self, field: "FieldPlan", data: dict[str, Any]) -> None:
        here = (data, field.key, field.nullable, None)
        data[field.key] = None
        try:
            if field.guard is not None and not field.guard.allows(self.context, self.root):
                raise field.guard.refusal(self.context)
            value = field.resolve(self, self.root, here)
            if type(value) is CoroutineType:
                value = await value
            data[field.key] = field.finish(self, value, here)
        except Nulled:
            self.null_or_raise(here)
        except Exception as error:
            self.record(error, field, here)
            self.null_or_raise(here)
        await self._drain()
        if None in self._nulled:
            raise Nulled

    def start(self, coroutine: Any, complete: "Complete", field: "FieldPlan", here: Position) -> None:
        """Run a resolver up to where it waits, and keep it; or finish it, if it does not wait."""
        try:
            future = coroutine.send(None)
        except StopIteration as end:
            here[0][here[1]] = complete(self, end.value, here)
            return
        here[0][here[1]] = None  # it has its place among the keys
        if future is not None:
            future._asyncio_future_blocking = False
        self._waiting.append(Waiting(coroutine, complete, field, here, future))

    def null_or_raise(self, here: Position) -> None:
        """In the midst of building: the nearest value that may be null catches."""
        if not here[2]:
            raise Nulled
        here[0][here[1]] = None
        self._nulled.append(here)

    async def _drain(self) -> None:
        """Step whatever can go on, until nothing waits."""
        try:
            while self._waiting:
                waiting, self._waiting = self._waiting, []
                future = waiting[0].future
                if future is None or not future.done():
                    await _Turn(future)
                for each in waiting:
                    if (each.future is not None and not each.future.done()) or self._step(each):
                        self._waiting.append(each)
        finally:
            for each in self._waiting:
                each.coroutine.close()

    def _step(self, waiting: Waiting) -> bool:
        """Run a resolver up to where it waits again (True) or ends (False).

        The containers stand already, so a null goes outward along the positions.
        """
        position: Position | None = waiting.position
        try:
            future = waiting.coroutine.send(None)
            if future is not None:
                future._asyncio_future_blocking = False
            waiting.future = future
            return True
        except StopIteration as end:
            try:
                waiting.position[0][waiting.position[1]] = waiting.complete(self, end.value, waiting.position)
                return False
            except Nulled:
                pass
            except Exception as error:
                self.record(error, waiting.field, waiting.position)
        except Exception as error:
            self.record(error, waiting.field, waiting.position)
        while position is not None and not position[2]:
            position = position[3]
        if position is not None:
            position[0][position[1]] = None
        self._nulled.append(position)
        return False

    def record(self, error: Exception, field: "FieldPlan", position: Position) -> None:
        """Keep a located error, unless the place it belongs to is null already."""
        if self._nulled and self._is_nulled(position):
            return
        path: list[str | int] = []
        at: Position | None = position
        while at is not None:
            path.append(at[1])
            at = at[3]
        self._errors.append(located_error(error, field.nodes, path[::-1]))

    def _is_nulled(self, position: Position | None) -> bool:
        if None in self._nulled:
            return True
        while position is not None:
            if any(position is nulled for nulled in self._nulled):
                return True
            position = position[3]
        return False

    def _result(self, data: dict[str, Any] | None) -> ExecutionResult:
        return ExecutionResult(None if None in self._nulled else data, self._errors or None)


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
