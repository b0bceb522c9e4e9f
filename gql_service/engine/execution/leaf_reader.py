"""Reading the leaves (scalars and enums) of objects, by a generated function.

The generated code reads a page of users 1.2 to 1.5 times as fast as a loop over closures does
(`python -m bench.reading`).
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from types import CodeType, FunctionType
from typing import Any, NamedTuple

from graphql import GraphQLNonNull, GraphQLObjectType, Undefined, get_nullable_type
from graphql.pyutils import is_awaitable

from gql_service.engine.execution.plan import FieldPlan

PLAIN_TYPES = frozenset({str, int, float, bool, list, dict})
"""Types whose instances are always values: never null, an exception, or an awaitable."""
_UNCHANGED_TYPES = {"String": "str", "ID": "str", "Boolean": "bool"}
"""Scalars whose serialization returns values of this Python type unchanged."""

LeafReader = Callable[[Sequence[Any]], list[dict[str, Any]]]


class _Leaf(NamedTuple):
    """What the reader needs to know of a field."""

    key: str
    name: str
    expression: str | None
    type: Any


def leaf_reader(type_: GraphQLObjectType, class_: type | None, fields: Sequence[FieldPlan]) -> LeafReader:
    """A function from instances of `class_` to their response objects.

    It reads the fields that have a `leaf_expression`, and leaves None for the others. It raises an exception
    where a source has another class, or a value is an error, an awaitable, or an illegal null. The caller
    then resolves field by field, which records the errors.
    """
    leaves = [_Leaf(field.key, field.name, field.leaf_expression, field.type) for field in fields]
    return _reader(type_, class_, tuple(leaves))


@lru_cache(500)
def _reader(type_: GraphQLObjectType, class_: type | None, leaves: tuple[_Leaf, ...]) -> LeafReader:
    """The function; cached because different documents often select the same fields."""
    names: dict[str, Any] = {
        "class_": class_,
        "Undefined": Undefined,
        "plain_types": PLAIN_TYPES,
        "is_value": _is_value,
        "give_up": _give_up,
    }
    lines, items = [], []
    for number, leaf in enumerate(leaves):
        value = "None"
        if leaf.name == "__typename":
            value = repr(type_.name)
        elif leaf.expression is not None:
            lines.append(f"v{number} = {leaf.expression}")
            value = _value_expression(leaf, number, names)
        items.append(f"'{number}': {value}")
    if any(leaf.expression and leaf.expression.startswith("row.") for leaf in leaves):
        lines.insert(0, "row = source.row")
    source = "\n".join(
        [
            "def read(sources):",
            "    results = []",
            "    for source in sources:",
            "        if type(source) is not class_: give_up()",
            *(f"        {line}" for line in lines),
            f"        results.append({{{', '.join(items)}}})",
            "    return results",
        ]
    )
    code = _compiled(source, type_.name)
    keys = {str(number): leaf.key for number, leaf in enumerate(leaves)}
    return FunctionType(code.replace(co_consts=_with_keys(code.co_consts, keys)), names)


@lru_cache(500)
def _compiled(source: str, name: str) -> CodeType:
    """The code of the function in some source.

    The source has numbers for the response keys, so that documents with other aliases share the code.
    """
    module = compile(source, f"<{name}>", "exec")
    return next(each for each in module.co_consts if isinstance(each, CodeType))


def _with_keys(constant: Any, keys: dict[str, str]) -> Any:
    """A constant of a function with response keys in place of their numbers, which no other text is."""
    if type(constant) is tuple:
        return tuple([_with_keys(each, keys) for each in constant])
    return keys.get(constant, constant) if type(constant) is str else constant


def _value_expression(leaf: _Leaf, number: int, names: dict[str, Any]) -> str:
    """The code that serializes the variable `v{number}`; adds what it calls to `names`."""
    type_ = get_nullable_type(leaf.type)
    names[f"serialize{number}"] = type_.coerce_output_value
    null = "give_up()" if isinstance(leaf.type, GraphQLNonNull) else "None"
    is_value = f"(type(v{number}) in plain_types or is_value(v{number}))"
    is_serialized = f"(s := serialize{number}(v{number})) is not None and s is not Undefined"
    checked = f"({null} if v{number} is None else s if {is_value} and {is_serialized} else give_up())"
    if type_.name in _UNCHANGED_TYPES:
        return f"v{number} if type(v{number}) is {_UNCHANGED_TYPES[type_.name]} else {checked}"
    return checked


def _is_value(value: Any) -> bool:
    return not (value is Undefined or isinstance(value, Exception) or is_awaitable(value))


def _give_up() -> None:
    raise ValueError("a value is null, unusual, or of another class")
