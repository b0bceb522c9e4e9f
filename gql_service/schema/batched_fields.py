"""Batched fields: one call resolves a field for many objects, such as all users of a page.

The engine calls the resolver once for all objects in a list. For graphql-core there is a resolver of one
object.
"""

import inspect
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, get_args

import strawberry

ResolveAll = Callable[..., Awaitable[Sequence[Any]]]


def batched_field(
    *,
    description: str,
    directives: Sequence[object] = (),
    column: str | None = None,
    type_: Any = None,
) -> Callable[[ResolveAll], Any]:
    """Make a field of a resolver that takes a list of objects, `info` and arguments, and returns a list of
    their values.

    An exception among the values is the error of that object only. `column` names the attribute of the
    object's `row` that has the value when the query passes no arguments. `type_` is the type of one value, if
    the annotations cannot name it.
    """

    def field(resolve_all: ResolveAll) -> Any:
        resolve = _resolver_of_one(resolve_all, type_)
        resolve.row_column = column  # type: ignore[attr-defined]
        return strawberry.field(resolve, description=description, directives=directives)

    return field


def _resolver_of_one(resolve_all: ResolveAll, type_: Any) -> Callable[..., Awaitable[Any]]:
    async def resolve(self: Any, **arguments: Any) -> Any:
        return (await resolve_all([self], **arguments))[0]

    signature = inspect.signature(resolve_all)
    (result,) = get_args(signature.return_annotation) if type_ is None else (type_,)
    _, *parameters = signature.parameters.values()
    resolve.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=[inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD), *parameters],
        return_annotation=result,
    )
    resolve.__annotations__ = {each.name: each.annotation for each in parameters} | {"return": result}
    resolve.__module__ = resolve_all.__module__
    resolve.__name__ = resolve.__qualname__ = resolve_all.__name__
    resolve.batch_resolver = resolve_all  # type: ignore[attr-defined]
    return resolve
