"""Operations on parts of values: set, delete, increment and append, each at a JSON Pointer (RFC 6901).

The first token of a pointer is a key of the document. Operations work on what the writer sees: a key that is
hidden from them counts as absent, so that an operation reveals nothing about its value.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from gql_service import numbers
from gql_service.domain.values.json_pointer import (
    AFTER_THE_LAST,
    Pointer,
    PointerError,
    array_index,
    container,
    kind_of,
    parse,
    quoted_pointer,
)
from gql_service.domain.values.refusals import too_many
from gql_service.domain.values.validation import InputPath, Limits, check_key, check_value
from gql_service.domain.writes.draft import Draft
from gql_service.errors import Problem, Rejected

MAX_OPERATIONS = 100
"""The most operations of one patch, and so the most keys that it can change by them."""

Values = dict[str, Any]
"""Keys with their decoded values. Operations change them in place."""


class JsonOperation(NamedTuple):
    """One operation, validated as far as possible without the document."""

    name: str
    pointer: Pointer
    operand: Any
    """The canonical text of the value to set or append, or the number to add."""
    path: InputPath

    @property
    def key(self) -> str:
        return self.pointer[0]

    @property
    def deletes_key(self) -> bool:
        return self.name == "delete" and len(self.pointer) == 1

    @property
    def sets_key(self) -> bool:
        """Whether the former value makes no difference."""
        return self.name == "set" and len(self.pointer) == 1


def parse_operations(items: Sequence[Mapping[str, Any]], limits: Limits) -> list[JsonOperation]:
    """Parse items `{name: {path, value or by}}`. Raises Rejected."""
    if len(items) > MAX_OPERATIONS:
        raise too_many(len(items), "operations", MAX_OPERATIONS, ("operations",))
    return [_parse_operation(item, limits, ("operations", str(i))) for i, item in enumerate(items)]


def _parse_operation(item: Mapping[str, Any], limits: Limits, path: InputPath) -> JsonOperation:
    ((name, arguments),) = item.items()
    pointer_path = (*path, "path")
    try:
        pointer = parse(arguments["path"])
    except PointerError as error:
        raise Rejected(Problem.INVALID_OPERATION, str(error), pointer_path) from None
    check_key(pointer[0], limits, pointer_path)
    operand = arguments.get("by")
    if name in ("set", "append"):
        if "value" not in arguments:
            message = f"Provide a value to {name}. It may be null."
            raise Rejected(Problem.INVALID_OPERATION, message, (*path, "value"))
        operand = check_value(arguments["value"], limits, (*path, "value"))
    return JsonOperation(name, pointer, operand, pointer_path)


def apply_operations(draft: Draft, operations: Sequence[JsonOperation], written: Mapping[str, str]) -> None:
    """Do operations in order. `written` has the canonical texts that the same write has set before.

    Each changed key is set once, at the end, as part of an object. Raises Rejected.
    """
    values: Values = {}
    loaded_keys: set[str] = set()
    changed: dict[str, InputPath] = {}
    for operation in operations:
        key = operation.key
        if operation.deletes_key:
            draft.delete(key, operation.path)
            loaded_keys.add(key)
            values.pop(key, None)
            changed.pop(key, None)
            continue
        if key not in loaded_keys and not operation.sets_key:
            text = written.get(key) or draft.visible_text(key, operation.path)
            if text is not None:
                values[key] = orjson.loads(text)
        loaded_keys.add(key)
        try:
            if perform(operation, values):
                changed[key] = operation.path
        except PointerError as error:
            raise Rejected(Problem.INVALID_OPERATION, str(error), operation.path) from None
    for key, path in changed.items():
        draft.set(key, check_value(values[key], draft.limits, path), path)


def perform(operation: JsonOperation, values: Values) -> bool:
    """Do one operation. Returns whether it changed anything. Raises PointerError."""
    return _PERFORM[operation.name](values, operation.pointer, operation.operand)


def _set(values: Values, pointer: Pointer, text: str) -> bool:
    target, last, value = container(values, pointer, create=True), pointer[-1], orjson.loads(text)
    if isinstance(target, list) and last == AFTER_THE_LAST:
        target.append(value)
    else:
        target[_index(target, pointer)] = value
    return True


def _delete(values: Values, pointer: Pointer, _: None) -> bool:
    target = container(values, pointer, create=False)
    if target is None or (isinstance(target, dict) and pointer[-1] not in target):
        return False
    del target[_index(target, pointer)]
    return True


def _increment(values: Values, pointer: Pointer, by: int | float) -> bool:
    target = container(values, pointer, create=True)
    index = _index(target, pointer)
    current = target.get(index, 0) if isinstance(target, dict) else target[index]
    if type(current) not in (int, float):
        raise PointerError(
            f"{quoted_pointer(pointer)} is {kind_of(current)}; only numbers can be incremented."
        )
    try:
        result = current + by
    except OverflowError:  # an integer too large for a double
        result = math.inf
    if not (
        numbers.MIN_INTEGER <= result <= numbers.MAX_INTEGER if type(result) is int else math.isfinite(result)
    ):
        raise PointerError(
            f"{quoted_pointer(pointer)} would leave the range of 64-bit integers or finite numbers."
        )
    target[index] = numbers.normalized(result) if type(result) is float else result
    return True


def _append(values: Values, pointer: Pointer, text: str) -> bool:
    target = container(values, pointer, create=True)
    index = _index(target, pointer)
    items = target.setdefault(index, []) if isinstance(target, dict) else target[index]
    if not isinstance(items, list):
        raise PointerError(f"{quoted_pointer(pointer)} is {kind_of(items)}; only arrays can be appended to.")
    items.append(orjson.loads(text))
    return True


def _index(target: Any, pointer: Pointer) -> Any:
    """The last token as a key of an object or an index of an array. Raises PointerError."""
    return array_index(target, pointer[-1], pointer) if isinstance(target, list) else pointer[-1]


_PERFORM: Mapping[str, Callable[[Values, Pointer, Any], bool]] = {
    "set": _set,
    "delete": _delete,
    "increment": _increment,
    "append": _append,
}
