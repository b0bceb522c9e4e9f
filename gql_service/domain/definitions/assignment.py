"""The assignment of a definition: which value users get for a key that they have no value of.

It is stored as one JSON object without the members that have their defaults, with the ranges of buckets of
each variant. See `domain.flags` for how it is evaluated.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import orjson

from gql_service import strict_json
from gql_service.domain.definitions.buckets import BUCKETS, Range, bucket_of, reallocate, size
from gql_service.domain.definitions.refusals import invalid_definition
from gql_service.domain.definitions.value_rules import rules_of
from gql_service.domain.values.types import InvalidValue, ValueType, conform
from gql_service.domain.values.validation import InputPath, Limits

MAX_VARIANTS, MAX_NAME_LENGTH, MAX_SALT_LENGTH = 100, 100, 100
_MAX_SIZE = 64 * 1024
"""Bytes of the stored text of one assignment."""

INPUTS = ("default", "enabled", "variants", "salt", "user_wide_fallback", "client_visible")
"""The names of the inputs of an assignment."""
DEFAULTS: Mapping[str, Any] = {
    "default": None,
    "enabled": True,
    "variants": [],
    "salt": "",
    "userWideFallback": False,
    "clientVisible": True,
}
"""The members of a stored assignment, and what a missing one stands for."""


class Variant(NamedTuple):
    """A value that a share of the users gets."""

    name: str
    text: str
    """The canonical text of the value."""
    weight: int
    """The share in 1/100,000."""
    ranges: tuple[Range, ...] = ()

    @property
    def value(self) -> str:
        """The value, under the name of its GraphQL field."""
        return self.text


class Assignment(NamedTuple):
    """Who gets which value."""

    default: str | None = None
    """The canonical text of the default; None if there is none."""
    enabled: bool = True
    variants: tuple[Variant, ...] = ()
    salt: str = ""
    user_wide_fallback: bool = False
    client_visible: bool = True
    starts: tuple[int, ...] = ()
    """The first bucket of each range of all variants, ascending."""
    owners: tuple[tuple[int, Variant], ...] = ()
    """For each of them, the end of the range and its variant."""

    def variant_of(self, platform_id: str, key: str, user_id: str) -> Variant | None:
        """The variant that a user gets; None for those who get the default."""
        if not self.starts:
            return None
        bucket = bucket_of(platform_id, key, self.salt, user_id)
        index = bisect_right(self.starts, bucket) - 1
        if index < 0 or bucket >= self.owners[index][0]:
            return None
        return self.owners[index][1]

    def encode(self) -> str:
        """The canonical text to store."""
        members = {
            "default": None if self.default is None else orjson.Fragment(self.default),
            "enabled": self.enabled,
            "variants": [
                {
                    "name": each.name,
                    "value": orjson.Fragment(each.text),
                    "weight": each.weight,
                    "ranges": each.ranges,
                }
                for each in self.variants
            ],
            "salt": self.salt,
            "userWideFallback": self.user_wide_fallback,
            "clientVisible": self.client_visible,
        }
        return strict_json.dumps({name: value for name, value in members.items() if value != DEFAULTS[name]})

    def with_ranges(self, former: "Assignment") -> "Assignment":
        """This assignment with buckets: its variants keep those that they own in the former one.

        Raises Rejected. Another salt shuffles the users, so that all buckets are given out anew.
        """
        owned = {each.name: each.ranges for each in former.variants} if former.salt == self.salt else {}
        ranges = reallocate(owned, {each.name: each.weight for each in self.variants})
        allocated = self._replace(
            variants=tuple(each._replace(ranges=tuple(ranges[each.name])) for each in self.variants)
        )
        text = allocated.encode()
        if len(text.encode()) > _MAX_SIZE:
            message = (
                f"The default and the variants take more than {_MAX_SIZE} bytes, with the buckets that they "
                "have got. Use smaller values, or another `salt`, which gives out the buckets anew."
            )
            raise invalid_definition(message, ("variants",))
        return assignment_of(text)


@lru_cache(maxsize=2048)
def assignment_of(text: str) -> Assignment:
    """The assignment that is stored as this text."""
    if text == "{}":
        return Assignment()
    members = {**DEFAULTS, **orjson.loads(text)}
    variants = tuple(
        Variant(
            each["name"],
            strict_json.dumps(each["value"]),
            each["weight"],
            tuple((start, end) for start, end in each["ranges"]),
        )
        for each in members["variants"]
    )
    owned = sorted((start, end, index) for index, each in enumerate(variants) for start, end in each.ranges)
    return Assignment(
        None if members["default"] is None else strict_json.dumps(members["default"]),
        members["enabled"],
        variants,
        members["salt"],
        members["userWideFallback"],
        members["clientVisible"],
        tuple(start for start, _, _ in owned),
        tuple((end, variants[index]) for _, end, index in owned),
    )


def check_assignment(type_: ValueType, rules: str, inputs: Mapping[str, Any], limits: Limits) -> Assignment:
    """Check the inputs of an assignment against the rules of its definition; it has no buckets yet.

    Inputs that are null are left out. Raises Rejected.
    """
    provided = {name: inputs[name] for name in INPUTS if inputs.get(name) is not None}
    default = provided.get("default")
    return Assignment(
        None if default is None else _check_value(type_, rules, default, ("default",), limits),
        _check_boolean(provided.get("enabled", True), ("enabled",)),
        _check_variants(type_, rules, provided.get("variants", ()), limits),
        _check_name(provided.get("salt", ""), MAX_SALT_LENGTH, ("salt",), required=False),
        _check_boolean(provided.get("user_wide_fallback", False), ("user_wide_fallback",)),
        _check_boolean(provided.get("client_visible", True), ("client_visible",)),
    )


def check_stored(type_: ValueType, rules: str, stored: Mapping[str, Any], limits: Limits) -> None:
    """Check an imported assignment, which must be canonical. Raises Rejected."""
    field = ("assignment",)
    if unknown := sorted(stored.keys() - DEFAULTS):
        raise invalid_definition(f"There is no member {unknown[0]!r:.100}.", field)
    try:
        assignment = assignment_of(strict_json.dumps(stored))
        inputs = {
            "default": stored.get("default"),
            "enabled": assignment.enabled,
            "variants": [
                {name: each[name] for name in ("name", "value", "weight")}
                for each in stored.get("variants", ())
            ],
            "salt": assignment.salt,
            "user_wide_fallback": assignment.user_wide_fallback,
            "client_visible": assignment.client_visible,
        }
    except (KeyError, TypeError, ValueError):
        raise invalid_definition("The assignment is malformed. Export it again.", field) from None
    checked = check_assignment(type_, rules, inputs, limits)
    ranges = sorted(each for variant in assignment.variants for each in variant.ranges)
    are_exact = all(size(each.ranges) == each.weight for each in assignment.variants)
    bounds = [bound for each in ranges for bound in each]
    are_disjoint = bounds == sorted(bounds) and all(
        type(each) is int and 0 <= each <= BUCKETS for each in bounds
    )
    with_ranges = checked._replace(variants=assignment.variants)
    if not (are_exact and are_disjoint) or with_ranges.encode() != strict_json.dumps(stored):
        message = "The assignment is not canonical, or the ranges of its variants do not have their weights."
        raise invalid_definition(message, field)


def _check_variants(
    type_: ValueType, rules: str, variants: Sequence[Mapping[str, Any]], limits: Limits
) -> tuple[Variant, ...]:
    if len(variants) > MAX_VARIANTS:
        raise invalid_definition(f"A key can have at most {MAX_VARIANTS} variants.", ("variants",))
    checked: dict[str, Variant] = {}
    for index, each in enumerate(variants):
        path = ("variants", str(index))
        name = _check_name(each["name"], MAX_NAME_LENGTH, (*path, "name"), required=True)
        if name in checked:
            raise invalid_definition("Another variant has this name.", (*path, "name"))
        weight = each["weight"]
        if type(weight) is not int or not 0 <= weight <= BUCKETS:
            message = f"A weight is an integer from 0 to {BUCKETS}, in 1/{BUCKETS} of the users."
            raise invalid_definition(message, (*path, "weight"))
        text = _check_value(type_, rules, each["value"], (*path, "value"), limits)
        checked[name] = Variant(name, text, weight)
    if (total := sum(each.weight for each in checked.values())) > BUCKETS:
        message = f"The weights add up to {total}; {BUCKETS} are all users, so that no more buckets are free."
        raise invalid_definition(message, ("variants",))
    return tuple(checked.values())


def _check_boolean(value: Any, path: InputPath) -> bool:
    if not isinstance(value, bool):
        raise invalid_definition("This must be true or false.", path)
    return value


def _check_name(name: Any, limit: int, path: InputPath, *, required: bool) -> str:
    if not isinstance(name, str) or "\0" in name or len(name) > limit or (required and not name):
        least = 1 if required else 0
        raise invalid_definition(f"Use {least} to {limit} characters, without U+0000.", path)
    return name


def _check_value(type_: ValueType, rules: str, value: Any, path: InputPath, limits: Limits) -> str:
    """The canonical text of a value that the definition allows. Raises Rejected."""
    try:
        strict_json.check(value)
        text = conform(type_, strict_json.dumps(value), limits)
    except (strict_json.InvalidJson, InvalidValue) as error:
        message = f"This is not a value of the type {type_.value}. {error}"
        raise invalid_definition(message, path) from None
    if len(text.encode()) > limits.max_value_size:
        message = f"The value takes more than {limits.max_value_size} bytes."
        raise invalid_definition(message, path)
    if (violation := rules_of(type_, rules).violation(text)) is not None:
        message = f"The value breaks a rule of the definition itself, {violation}."
        raise invalid_definition(message, path)
    return text
