"""How much work checking a value against a JSON Schema may be, estimated before any value is there.

A value is checked while its writer waits, and everybody else with them. So a schema says how large the values
may be that it is asked about, and one that could not look at any within the time is refused.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote

from gql_service import strict_json
from gql_service.domain.definitions.regex import MAX_PATTERNS, pattern_size
from gql_service.errors import Problem, Rejected

_NANOSECONDS = 300_000_000
"""What one check may take at most, by the estimate below."""
_LONGEST_CHAIN = 100
"""Parts of a schema that apply to a value one through the other."""

_ONE = ("not", "if", "then", "else")
_SEVERAL = ("allOf", "anyOf", "oneOf")
_ANY_NAME = ("additionalProperties", "unevaluatedProperties", "propertyNames")
_ANY_ITEM = ("contains", "unevaluatedItems")
_ELSEWHERE = (
    "$id",
    "$schema",
    "$anchor",
    "$dynamicRef",
    "$dynamicAnchor",
    "$recursiveRef",
    "$recursiveAnchor",
)

InputPath = tuple[str, ...]
Schema = Mapping[str, Any]
SchemaPosition = tuple[str, Schema]
"""A part of a schema, and where it is."""


class _Cost(NamedTuple):
    """Nanoseconds: for a value whatever its size, and for each of its characters."""

    each: float = 0.0
    character: float = 0.0

    def plus(self, other: "_Cost", times: int = 1) -> "_Cost":
        each, character = self.each + times * other.each, self.character + times * other.character
        return _Cost(min(each, 1e12), min(character, 1e12))


class _Part(NamedTuple):
    """A part of a schema, by what it costs itself and the numbers of the parts it leads to."""

    own: _Cost
    times: int
    """How often those are asked that apply to the same value."""
    beside: list[int]
    named: list[int]
    any_name: list[int]
    item: list[int]
    any_item: list[int]


def largest_value(root: Schema, field: InputPath) -> int:
    """Bytes of the largest value that a schema checks in the time there is; below 0 where it is none at all.

    Raises Rejected where the schema refers to what is not there or elsewhere, or to itself without end, or
    has a pattern that is refused.
    """
    first, further = _Weighing(root, field).costs()
    per_byte = max(first.character, further.each / 2 + further.character)  # an item takes two bytes at least
    return int((_NANOSECONDS - first.each) / max(per_byte, 1e-3))


class _Weighing:
    """What applies to a value, and to the values in it, at most."""

    def __init__(self, root: Schema, field: InputPath) -> None:
        self._root = root
        self._field = field
        self._patterns = 0
        self._numbers: dict[int, int] = {}
        self._schemas: list[SchemaPosition] = []
        self._number("#", root)
        self._parts: list[_Part] = []
        for at, schema in self._schemas:  # which grows meanwhile
            self._parts.append(self._part(at, schema))
        self._order: list[int] = []
        """Every part after those that apply to the same value."""
        self._heights: dict[int, int] = {}
        for number in range(len(self._parts)):
            self._arrange(number, [])

    def costs(self) -> tuple[_Cost, _Cost]:
        """For the value itself, and for any value in it, at whatever level."""
        costs = [_Cost()] * len(self._parts)
        levels: list[_Cost] = []
        for level in range(strict_json.MAX_DEPTH + 1):
            before, costs = costs, self._level(costs, level == 0)
            if costs == before:
                break
            levels.append(costs[0])
        return levels[0], _largest(levels[1:])

    def _level(self, below: list[_Cost], innermost: bool) -> list[_Cost]:
        """What each part costs for a value, given what each costs for the values directly in it."""
        found = [_Cost()] * len(self._parts)
        for number in self._order:
            part = self._parts[number]
            cost = part.own if innermost else self._inside(part, below)
            for each in part.beside:
                cost = cost.plus(found[each], part.times)
            found[number] = cost
        return found

    def _inside(self, part: _Part, below: list[_Cost]) -> _Cost:
        """Each of the values directly in a value has one name, or one place."""
        named = _largest(below[each] for each in part.named)
        for each in part.any_name:
            named = named.plus(below[each])
        item = _largest(below[each] for each in part.item)
        for each in part.any_item:
            item = item.plus(below[each])
        return _largest([named, item])

    def _number(self, at: str, schema: Schema) -> int:
        known = self._numbers.get(id(schema))
        if known is None:
            known = self._numbers[id(schema)] = len(self._schemas)
            self._schemas.append((at, schema))
        return known

    def _part(self, at: str, schema: Schema) -> _Part:
        for name in _ELSEWHERE:
            if name in schema and (at, name) != ("#", "$schema"):
                message = f"{at} has `{name}`; a schema refers to its own parts alone, as in #/$defs/NAME."
                raise self._refusal(message)
        own = self._own(at, schema)

        def numbers(*keywords: str) -> list[int]:
            return [self._number(*place) for place in _under(at, schema, keywords)]

        beside = numbers(*_ONE, *_SEVERAL, "dependentSchemas")
        if "$ref" in schema and isinstance(target := self._target(at, schema["$ref"]), dict):
            beside.append(self._number(schema["$ref"], target))
        numbers("$defs", "definitions")
        return _Part(
            own,
            # What is unevaluated is found out by evaluating the rest once more.
            2 if "unevaluatedProperties" in schema or "unevaluatedItems" in schema else 1,
            beside,
            numbers("properties"),
            numbers(*_ANY_NAME, "patternProperties"),
            numbers("items", "prefixItems"),
            numbers(*_ANY_ITEM),
        )

    def _arrange(self, number: int, chain: list[int]) -> int:
        """Returns how many parts apply to a value one through the other, from this one on."""
        if number in self._heights:
            return self._heights[number]
        height = 1
        if number not in chain and len(chain) < _LONGEST_CHAIN:
            below = (self._arrange(each, [*chain, number]) for each in self._parts[number].beside)
            height += max(below, default=0)
        if number in chain or len(chain) + height > _LONGEST_CHAIN:
            at, _ = self._schemas[number]
            raise self._refusal(
                f"{at[:80]} applies to the same value again and again, through its references."
            )
        self._heights[number] = height
        self._order.append(number)
        return height

    def _own(self, at: str, schema: Schema) -> _Cost:
        """What a part itself asks for. The figures were measured, with the slowest values that were found."""
        each = 40.0
        if "const" in schema and not isinstance(schema["const"], str):
            each += 450
        if isinstance(choices := schema.get("enum"), list):
            kinds = {type(choice) for choice in choices}
            each += len(choices) * (450 if len(kinds) > 1 or kinds & {list, dict} else 10)
        if isinstance(step := schema.get("multipleOf"), int | float):
            each += 2000 if abs(step) > 1e-9 else 15000
        each += 1000 if "uniqueItems" in schema else 0
        patterns = schema.get("patternProperties")
        found = list(patterns) if isinstance(patterns, dict) else []
        found += [schema["pattern"]] if isinstance(schema.get("pattern"), str) else []
        return _Cost(each, 0.2 * sum(self._pattern(at, pattern) for pattern in found))

    def _pattern(self, at: str, pattern: str) -> int:
        self._patterns += 1
        if self._patterns > MAX_PATTERNS:
            raise self._refusal(f"The schema has more than {MAX_PATTERNS} patterns.")
        try:
            return pattern_size(pattern)
        except ValueError as error:
            raise self._refusal(f"{at[:80]} has a pattern that is refused. {error}") from None

    def _target(self, at: str, reference: object) -> object:
        if not isinstance(reference, str) or not (reference == "#" or reference.startswith("#/")):
            message = (
                f"{at[:80]} refers to {str(reference)[:80]!r}; a schema refers to its own parts alone, as in "
                "#/$defs/NAME."
            )
            raise self._refusal(message)
        found: Any = self._root
        for step in unquote(reference).split("/")[1:]:
            step = step.replace("~1", "/").replace("~0", "~")
            if isinstance(found, dict) and step in found:
                found = found[step]
            elif isinstance(found, list) and step.isdecimal() and int(step[:9]) < len(found):
                found = found[int(step[:9])]
            else:
                raise self._refusal(f"{at[:80]} refers to {reference[:80]!r}, which is not there.")
        return found

    def _refusal(self, message: str) -> Rejected:
        return Rejected(Problem.INVALID_DEFINITION, message, self._field)


def _under(at: str, schema: Schema, keywords: Iterable[str]) -> Iterator[SchemaPosition]:
    """The schemas under keywords, of which some have one, others a list of them or some by name."""
    for keyword in keywords:
        parts = schema.get(keyword)
        place = f"{at}/{keyword}"
        if isinstance(parts, list):
            yield from (
                (f"{place}/{index}", part) for index, part in enumerate(parts) if isinstance(part, dict)
            )
        elif isinstance(parts, dict) and keyword in _MAPS:
            yield from ((f"{place}/{name}", part) for name, part in parts.items() if isinstance(part, dict))
        elif isinstance(parts, dict):
            yield place, parts


_MAPS = {"properties", "patternProperties", "dependentSchemas", "$defs", "definitions"}


def _largest(costs: Iterable[_Cost]) -> _Cost:
    """No less than each of them."""
    each, character = 0.0, 0.0
    for cost in costs:
        each, character = max(each, cost.each), max(character, cost.character)
    return _Cost(each, character)
