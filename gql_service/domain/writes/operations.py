"""Operations on parts of values: set, delete, increment and append, each at a JSON Pointer.

The first token of a pointer is a key of the document. Operations see what the writer sees: a key that is
hidden from them is as if it were not there, so that no operation tells anything of its value.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import orjson

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
from gql_service.domain.values.validation import InputPath, Limits, check_key, check_value
from gql_service.domain.writes.draft import Draft
from gql_service.errors import Problem, Rejected

MAX_OPERATIONS = 100
"""Operations of one patch, and so the keys that it can change by them."""

Root = dict[str, Any]
"""Keys with their decoded values, which operations change in place."""
_MIN_INTEGER, _MAX_INTEGER = -(2**63), 2**63 - 1


class JsonOperation(NamedTuple):
    """One operation, checked as far as it can be without the document."""

    name: str
    pointer: Pointer
    operand: Any
    """Canonical text of the value to set or append; the number to increment by."""
    field: InputPath

    @property
    def key(self) -> str:
        return self.pointer[0]

    @property
    def deletes_key(self) -> bool:
        return self.name == "delete" and len(self.pointer) == 1

    @property
    def sets_key(self) -> bool:
        """Whether it does not matter what was there before."""
        return self.name == "set" and len(self.pointer) == 1


def parse_operations(given: Sequence[Mapping[str, Any]], limits: Limits) -> list[JsonOperation]:
    """Operations as `{name: {path, value or by}}`. Raises Rejected."""
    if len(given) > MAX_OPERATIONS:
        message = f"There are {len(given)} operations; {MAX_OPERATIONS} are allowed at once."
        raise Rejected(Problem.TOO_MANY_KEYS, message, ("operations",))
    return [_parse_operation(each, limits, ("operations", str(index))) for index, each in enumerate(given)]


def _parse_operation(given: Mapping[str, Any], limits: Limits, field: InputPath) -> JsonOperation:
    ((name, said),) = given.items()
    at = (*field, "path")
    try:
        pointer = parse(said["path"])
    except PointerError as error:
        raise Rejected(Problem.INVALID_OPERATION, str(error), at) from None
    check_key(pointer[0], limits, at)
    operand = said.get("by")
    if name in ("set", "append"):
        if "value" not in said:
            message = f"There is no value to {name}; null is one, too."
            raise Rejected(Problem.INVALID_OPERATION, message, (*field, "value"))
        operand = check_value(said["value"], limits, (*field, "value"))
    return JsonOperation(name, pointer, operand, at)


def apply(draft: Draft, operations: Sequence[JsonOperation], written: Mapping[str, str]) -> None:
    """Do operations in their order; `written` are the canonical texts that the same write has set before.

    Each key that is written is set once, at the end, as part of an object. Raises Rejected.
    """
    root: Root = {}
    loaded: set[str] = set()
    changed: dict[str, InputPath] = {}
    for operation in operations:
        key = operation.key
        if operation.deletes_key:
            draft.delete(key, operation.field)
            loaded.add(key)
            root.pop(key, None)
            changed.pop(key, None)
            continue
        if key not in loaded and not operation.sets_key:
            text = written.get(key) or draft.shown_text(key, operation.field)
            if text is not None:
                root[key] = orjson.loads(text)
        loaded.add(key)
        try:
            if perform(operation, root):
                changed[key] = operation.field
        except PointerError as error:
            raise Rejected(Problem.INVALID_OPERATION, str(error), operation.field) from None
    for key, field in changed.items():
        draft.set(key, check_value(root[key], draft.limits, field), field)


def perform(operation: JsonOperation, root: Root) -> bool:
    """Do one operation; returns whether it wrote anything. Raises Impossible."""
    return _PERFORM[operation.name](root, operation.pointer, operation.operand)


def _set(root: Root, pointer: Pointer, text: str) -> bool:
    at, last, value = container(root, pointer, create=True), pointer[-1], orjson.loads(text)
    if isinstance(at, list) and last == AFTER_THE_LAST:
        at.append(value)
    else:
        at[_slot(at, pointer)] = value
    return True


def _delete(root: Root, pointer: Pointer, _: None) -> bool:
    at = container(root, pointer, create=False)
    if at is None or (isinstance(at, dict) and pointer[-1] not in at):
        return False
    del at[_slot(at, pointer)]
    return True


def _increment(root: Root, pointer: Pointer, by: int | float) -> bool:
    at = container(root, pointer, create=True)
    slot = _slot(at, pointer)
    current = at.get(slot, 0) if isinstance(at, dict) else at[slot]
    if type(current) not in (int, float):
        raise PointerError(f"{quoted_pointer(pointer)} is {kind_of(current)}, to which nothing can be added.")
    try:
        result = current + by
    except OverflowError:  # an integer too large for a double
        result = math.inf
    if not (_MIN_INTEGER <= result <= _MAX_INTEGER if type(result) is int else math.isfinite(result)):
        raise PointerError(
            f"{quoted_pointer(pointer)} would leave the range of 64-bit integers or finite numbers."
        )
    at[slot] = result
    return True


def _append(root: Root, pointer: Pointer, text: str) -> bool:
    at = container(root, pointer, create=True)
    slot = _slot(at, pointer)
    items = at.setdefault(slot, []) if isinstance(at, dict) else at[slot]
    if not isinstance(items, list):
        raise PointerError(
            f"{quoted_pointer(pointer)} is {kind_of(items)}, to which nothing can be appended."
        )
    items.append(orjson.loads(text))
    return True


def _slot(at: Any, pointer: Pointer) -> Any:
    """What the last token of a pointer means in its object or array. Raises Impossible."""
    return array_index(at, pointer[-1], pointer) if isinstance(at, list) else pointer[-1]


_PERFORM: Mapping[str, Callable[[Root, Pointer, Any], bool]] = {
    "set": _set,
    "delete": _delete,
    "increment": _increment,
    "append": _append,
}
