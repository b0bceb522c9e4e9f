"""An estimate of how long checking a value against a JSON Schema takes, made before there is a value.

Values are checked in the event loop, while other requests wait. So each schema has a maximum size of values
that it checks, and a schema that cannot check even small values in time is refused.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote

from gql_service import strict_json
from gql_service.domain.definitions.refusals import invalid_definition
from gql_service.domain.definitions.regex import MAX_COMPILED_SIZE, MAX_PATTERNS, RESTRICTIONS, pattern_size
from gql_service.domain.values.json_pointer import PointerError, resolve, tokens_of
from gql_service.domain.values.validation import InputPath
from gql_service.errors import Rejected
from gql_service.quoting import quoted, shortened

_MAX_NANOSECONDS = 40_000_000
"""The time that one check may take according to the estimate."""
_MAX_CHAIN = 100
"""Subschemas that apply to the same value, each by way of the one before."""
_COST_CEILING = 1e12
"""Keeps sums of exponentially growing costs finite; far above `_MAX_NANOSECONDS`."""

_IN_PLACE = ("not", "if", "then", "else", "allOf", "anyOf", "oneOf", "dependentSchemas")
"""Keywords whose subschemas apply to the same value."""
_ANY_PROPERTY = ("additionalProperties", "unevaluatedProperties", "propertyNames", "patternProperties")
"""Keywords of which each may apply to the same property."""
_ANY_ITEM = ("contains", "unevaluatedItems")
"""Keywords of which each may apply to the same item."""
_BY_NAME = {"properties", "patternProperties", "dependentSchemas", "$defs", "definitions"}
"""Keywords whose value is an object of subschemas."""
_UNSUPPORTED = (
    "$id",
    "$schema",
    "$anchor",
    "$dynamicRef",
    "$dynamicAnchor",
    "$recursiveRef",
    "$recursiveAnchor",
)
"""Keywords that change what references refer to."""
_OWN_PARTS_ONLY = "a schema may refer only to its own parts, as in #/$defs/NAME."

Schema = Mapping[str, Any]
LocatedSchema = tuple[str, Schema]
"""The location of a subschema in the root schema as a URI fragment, and the subschema."""


class _Cost(NamedTuple):
    """Nanoseconds of a check: a fixed part, and one for each character of the value."""

    fixed: float = 0.0
    per_character: float = 0.0

    def plus(self, other: "_Cost", times: int = 1) -> "_Cost":
        fixed = self.fixed + times * other.fixed
        per_character = self.per_character + times * other.per_character
        return _Cost(min(fixed, _COST_CEILING), min(per_character, _COST_CEILING))


class _Subschema(NamedTuple):
    """The cost of a subschema itself, and the indexes of the subschemas that it applies."""

    own: _Cost
    in_place: list[int]
    """Those that apply to the same value."""
    in_place_times: int
    """How often each of those is evaluated."""
    properties: list[int]
    any_property: list[int]
    items: list[int]
    any_item: list[int]

    @property
    def has_children(self) -> bool:
        return bool(self.properties or self.any_property or self.items or self.any_item)


_NOTHING = _Cost()


def max_checkable_size(root: Schema, field: InputPath) -> int:
    """The size in bytes of the largest value that a schema can check in time; negative if there is none.

    Raises Rejected if a reference leads nowhere, outside the schema or endlessly back to itself, or if a
    pattern is not accepted.
    """
    outer, inner = _CostEstimate(root, field).costs()
    # The values inside a value take at least two bytes each, with the comma.
    per_byte = max(outer.per_character, inner.fixed / 2 + inner.per_character)
    return int((_MAX_NANOSECONDS - outer.fixed) / max(per_byte, 1e-3))


class _CostEstimate:
    """An upper bound of what a schema costs for a value, and for the values inside it."""

    def __init__(self, root: Schema, field: InputPath) -> None:
        self._root = root
        self._field = field
        self._patterns = 0
        self._compiled_size = 0
        """Bytes of the compiled patterns so far."""
        self._indexes: dict[int, int] = {}
        """The index of each schema in `_schemas`, by its `id()`."""
        self._schemas: list[LocatedSchema] = []
        self._index_of("#", root)
        self._subschemas: list[_Subschema] = []
        for location, schema in self._schemas:  # grows during the iteration
            self._subschemas.append(self._analyzed(location, schema))
        self._order: list[int] = []
        """All subschemas, each one after those that it applies to the same value."""
        self._chain_lengths: dict[int, int] = {}
        for index in range(len(self._subschemas)):
            self._add_to_order(index, [])

    def costs(self) -> tuple[_Cost, _Cost]:
        """The cost for the value itself, and the highest cost for a single value inside it, at any depth."""
        costs = [_Cost()] * len(self._subschemas)
        of_root: list[_Cost] = []
        for depth in range(strict_json.MAX_DEPTH + 1):
            shallower, costs = costs, self._costs_at_depth(depth, costs)
            if costs == shallower:
                break
            of_root.append(costs[0])
        return of_root[0], _maximum(of_root[1:])

    def _costs_at_depth(self, depth: int, shallower: list[_Cost]) -> list[_Cost]:
        """For each subschema, what applying it to a value costs for a single value that is `depth` levels
        inside of that; `shallower` are these costs for one level less."""
        costs = [_Cost()] * len(self._subschemas)
        for index in self._order:
            subschema = self._subschemas[index]
            if depth:
                cost = self._child_cost(subschema, shallower) if subschema.has_children else _NOTHING
            else:
                cost = subschema.own
            for applied in subschema.in_place:
                cost = cost.plus(costs[applied], subschema.in_place_times)
            costs[index] = cost
        return costs

    def _child_cost(self, subschema: _Subschema, shallower: list[_Cost]) -> _Cost:
        """The cost of applying the subschemas of one child, which is either a property or an item."""
        of_property = _maximum(shallower[index] for index in subschema.properties)
        for index in subschema.any_property:
            of_property = of_property.plus(shallower[index])
        of_item = _maximum(shallower[index] for index in subschema.items)
        for index in subschema.any_item:
            of_item = of_item.plus(shallower[index])
        return _maximum([of_property, of_item])

    def _index_of(self, location: str, schema: Schema) -> int:
        index = self._indexes.get(id(schema))
        if index is None:
            index = self._indexes[id(schema)] = len(self._schemas)
            self._schemas.append((location, schema))
        return index

    def _analyzed(self, location: str, schema: Schema) -> _Subschema:
        for name in _UNSUPPORTED:
            if name in schema and (location, name) != ("#", "$schema"):
                raise self._refusal(f"{shortened(location)} has `{name}`; {_OWN_PARTS_ONLY}")

        def indexes(*keywords: str) -> list[int]:
            present = [keyword for keyword in keywords if keyword in schema]
            return [self._index_of(*found) for found in _subschemas(location, schema, present)]

        own = self._own_cost(location, schema)
        in_place = indexes(*_IN_PLACE)
        if "$ref" in schema and isinstance(target := self._target(location, schema["$ref"]), dict):
            in_place.append(self._index_of(schema["$ref"], target))
        indexes("$defs", "definitions")
        has_unevaluated = "unevaluatedProperties" in schema or "unevaluatedItems" in schema
        return _Subschema(
            own,
            in_place,
            2 if has_unevaluated else 1,  # to find what is unevaluated, the others are evaluated again
            indexes("properties"),
            indexes(*_ANY_PROPERTY),
            indexes("items", "prefixItems"),
            indexes(*_ANY_ITEM),
        )

    def _add_to_order(self, index: int, chain: list[int]) -> int:
        """Add a subschema after those that it applies to the same value.

        Returns the length of the longest chain of subschemas that begins here and applies to the same value.
        """
        if index in self._chain_lengths:
            return self._chain_lengths[index]
        length = 1
        if index not in chain and len(chain) < _MAX_CHAIN:
            applied = self._subschemas[index].in_place
            length += max((self._add_to_order(each, [*chain, index]) for each in applied), default=0)
        if index in chain or len(chain) + length > _MAX_CHAIN:
            location, _ = self._schemas[index]
            raise self._refusal(
                f"For the same value, the references of {shortened(location)} lead back to it, or through "
                f"more than {_MAX_CHAIN} parts of the schema."
            )
        self._chain_lengths[index] = length
        self._order.append(index)
        return length

    def _own_cost(self, location: str, schema: Schema) -> _Cost:
        """The cost of the keywords without subschemas. The figures were measured with the slowest values."""
        fixed = 40.0
        if "const" in schema and not isinstance(schema["const"], str):
            fixed += 450
        if isinstance(choices := schema.get("enum"), list):
            kinds = {type(choice) for choice in choices}
            fixed += len(choices) * (450 if len(kinds) > 1 or kinds & {list, dict} else 10)
        if isinstance(divisor := schema.get("multipleOf"), int | float):
            fixed += 2000 if abs(divisor) > 1e-9 else 15000
        fixed += 1000 if "uniqueItems" in schema else 0
        of_properties = schema.get("patternProperties")
        patterns = list(of_properties) if isinstance(of_properties, dict) else []
        patterns += [schema["pattern"]] if isinstance(schema.get("pattern"), str) else []
        return _Cost(fixed, 0.2 * sum(self._pattern_size(location, pattern) for pattern in patterns))

    def _pattern_size(self, location: str, pattern: str) -> int:
        self._patterns += 1
        if self._patterns > MAX_PATTERNS:
            raise self._refusal(f"The schema has more than {MAX_PATTERNS} patterns.")
        try:
            size = pattern_size(pattern)
        except ValueError as error:
            message = f"{shortened(location)} has a pattern that is not accepted. {error}"
            raise self._refusal(message) from None
        self._compiled_size += size
        if self._compiled_size > MAX_COMPILED_SIZE:
            raise self._refusal(f"The patterns of the schema are too large together. {RESTRICTIONS}")
        return size

    def _target(self, location: str, reference: object) -> object:
        """What a `$ref` refers to."""
        refers = f"{shortened(location)} refers to {quoted(str(reference))}"
        if not isinstance(reference, str) or not (reference == "#" or reference.startswith("#/")):
            raise self._refusal(f"{refers}; {_OWN_PARTS_ONLY}")
        try:
            target: object = resolve(self._root, tokens_of(unquote(reference.removeprefix("#"))))
        except PointerError:
            raise self._refusal(f"{refers}, which does not exist.") from None
        return target

    def _refusal(self, message: str) -> Rejected:
        return invalid_definition(message, self._field)


def _subschemas(location: str, schema: Schema, keywords: Iterable[str]) -> Iterator[LocatedSchema]:
    """The subschemas under keywords, each of which has one, a list of them, or an object of them."""
    for keyword in keywords:
        value = schema.get(keyword)
        prefix = f"{location}/{keyword}"
        if isinstance(value, list):
            yield from (
                (f"{prefix}/{index}", each) for index, each in enumerate(value) if isinstance(each, dict)
            )
        elif isinstance(value, dict) and keyword in _BY_NAME:
            yield from ((f"{prefix}/{name}", each) for name, each in value.items() if isinstance(each, dict))
        elif isinstance(value, dict):
            yield prefix, value


def _maximum(costs: Iterable[_Cost]) -> _Cost:
    """The lowest cost that is as high as each of them in both parts."""
    fixed, per_character = 0.0, 0.0
    for cost in costs:
        fixed, per_character = max(fixed, cost.fixed), max(per_character, cost.per_character)
    return _Cost(fixed, per_character)
