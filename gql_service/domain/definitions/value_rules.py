"""The rules of a definition: checked when it is made, compiled once a process, asked about every value."""

from collections.abc import Callable, Mapping
from functools import cached_property, lru_cache
from typing import Any

import jsonschema_rs
import orjson

from gql_service import strict_json
from gql_service.domain.definitions.json_schema import MAX_SIZE, check_schema, compiled, place_of_fault
from gql_service.domain.definitions.json_schema_cost import largest_value
from gql_service.domain.definitions.regex import pattern_size
from gql_service.domain.values.types import InvalidValue, ValueType, canonical_date, comparable_date, conform
from gql_service.domain.values.validation import Limits
from gql_service.errors import Problem, Rejected

_JSON_TYPES = {
    ValueType.number: "number",
    ValueType.boolean: "boolean",
    ValueType.json: ["object", "array", "null", "string", "number", "boolean"],
}
_BOUNDS, _LENGTHS = ("minimum", "maximum"), ("minLength", "maxLength")
_OF_TYPES = {
    "minimum": (ValueType.number, ValueType.date),
    "maximum": (ValueType.number, ValueType.date),
    "minLength": (ValueType.string, ValueType.binary),
    "maxLength": (ValueType.string, ValueType.binary),
    "pattern": (ValueType.string,),
    "choices": tuple(ValueType),
    "schema": tuple(ValueType),
}
"""The rules, and of which types values may have them."""
RULES = tuple(_OF_TYPES)
"""Their names, as clients know them."""
_LONGEST_PATTERN = 2000
_MOST_CHOICES = 500
_BREAKS_SCHEMA = "`schema`: it must satisfy the JSON Schema of the definition"

RuleInput = Mapping[str, Any]
"""Rules by their names, as clients know them."""


class ValueRules:
    """The rules for the values of one key. `fault` is quick, whatever the value."""

    def __init__(self, type_: ValueType, given: RuleInput) -> None:
        """`given` was checked."""
        self._type = type_
        self._given = given
        own: dict[str, Any] = {"type": _JSON_TYPES.get(type_, "string")}
        if type_ is ValueType.number:
            own |= {name: given[name] for name in _BOUNDS if name in given}
        if type_ is ValueType.string:
            own |= {name: given[name] for name in (*_LENGTHS, "pattern") if name in given}
        if "choices" in given:
            own["enum"] = given["choices"]
        self._own = own

    @cached_property
    def _validators(self) -> tuple[jsonschema_rs.Validator, jsonschema_rs.Validator | None, int]:
        """For the rules themselves, and for the client's schema; and for values of how many bytes."""
        size = largest_value(self._own, ())
        schema = self._given.get("schema")
        if schema is None:
            return compiled(self._own), None, size
        return compiled(self._own), compiled(schema), min(size, largest_value(schema, ()))

    def fault(self, text: str) -> str | None:
        """The rule that a value of the type breaks, by its canonical text, and what the rule asks for.

        It quotes nothing of the value.
        """
        if not self._given:
            return None
        own, schema, size = self._validators
        if len(text.encode()) > size:
            return f"its rules are too much work for a value of more than {max(size, 0)} bytes"
        value = orjson.loads(text)
        if (told := self._bounds_fault(value)) is not None:
            return told
        if not own.is_valid(value):
            return self._own_fault(own, value)
        if schema is not None and not schema.is_valid(value):
            return _BREAKS_SCHEMA
        return None

    def place_of_fault(self, text: str, fault: str, *, secret: bool) -> str:
        """Where the schema is broken, if it is that: in the schema and, unless it is secret, in the value."""
        if fault != _BREAKS_SCHEMA:
            return ""
        return place_of_fault(self._given["schema"], orjson.loads(text), secret=secret)

    def _bounds_fault(self, value: Any) -> str | None:
        """What JSON Schema has no words for: dates as instants, and the bytes of binary data."""
        if self._type is ValueType.date:
            measure, names, unit = comparable_date, _BOUNDS, ""
            size = measure(value)
            limits = {name: measure(self._given[name]) for name in names if name in self._given}
        elif self._type is ValueType.binary:
            names, unit = _LENGTHS, " bytes"
            size = len(value) // 4 * 3 - value[-2:].count("=")
            limits = {name: self._given[name] for name in names if name in self._given}
        else:
            return None
        for name, limit in limits.items():
            if (size < limit) if name == names[0] else (size > limit):
                return _asks(name, f"{self._given[name]}{unit}")
        return None

    def _own_fault(self, own: jsonschema_rs.Validator, value: Any) -> str:
        """Without alternatives, the first fault is found at once."""
        try:
            own.validate(value)
        except jsonschema_rs.ValidationError as error:
            name = str(error.schema_path[0]) if error.schema_path else "type"
            if name == "enum":
                return _asks("choices", strict_json.dumps(self._given["choices"]))
            if name in self._given:
                return _asks(name, f"{self._given[name]}{' characters' if name in _LENGTHS else ''}")
        return "`valueType`: it is of another type"


@lru_cache(maxsize=256)
def rules_of(type_: ValueType, text: str) -> ValueRules:
    """The rules that are stored as this canonical text, compiled when they are first asked."""
    return ValueRules(type_, orjson.loads(text))


def check_rules(type_: ValueType, given: RuleInput, limits: Limits) -> str:
    """Rules that are to be stored: their canonical text. Raises Rejected, naming the one at fault."""
    rules: dict[str, Any] = {}
    for name, rule in given.items():
        if rule is None:
            continue
        if type_ not in _OF_TYPES[name]:
            names = " or ".join(each.value for each in _OF_TYPES[name])
            raise _refusal(
                f"A value that is a {type_.value} has no `{name}`; one that is a {names} has.", name
            )
        rules[name] = _CHECKS[name](type_, rule, name, limits)
    for least, most in (_BOUNDS, _LENGTHS):
        if least in rules and most in rules and _measure(type_, rules[least]) > _measure(type_, rules[most]):
            raise _refusal(f"`{least}` is above `{most}`, so that no value would do.", least)
    text = strict_json.dumps(rules)
    if len(text.encode()) > 2 * MAX_SIZE:
        raise _refusal(f"The rules take more than {2 * MAX_SIZE} bytes.", "choices")
    _check_choices_do(type_, rules)
    return text


def _check_choices_do(type_: ValueType, rules: RuleInput) -> None:
    """A choice that another rule forbids is none."""
    others = ValueRules(type_, {name: rule for name, rule in rules.items() if name != "choices"})
    for index, choice in enumerate(rules.get("choices", ())):
        if (fault := others.fault(strict_json.dumps(choice))) is not None:
            message = f"The choice {_short(strict_json.dumps(choice), 40)} breaks another rule, {fault}."
            raise _refusal(message, "choices", str(index))


def _measure(type_: ValueType, rule: Any) -> Any:
    return comparable_date(rule) if type_ is ValueType.date else rule


def _check_bound(type_: ValueType, rule: Any, name: str, _limits: Limits) -> Any:
    if type_ is ValueType.date:
        try:
            return canonical_date(rule if isinstance(rule, str) else "")
        except InvalidValue as error:
            raise _refusal(str(error), name) from None
    if isinstance(rule, bool) or not isinstance(rule, int | float):
        raise _refusal(f"The `{name}` of numbers is a number.", name)
    return rule


def _check_length(_type: ValueType, rule: Any, name: str, _limits: Limits) -> int:
    if isinstance(rule, bool) or not isinstance(rule, int) or rule < 0:
        raise _refusal(f"`{name}` is a whole number, 0 or more.", name)
    return rule


def _check_pattern(_type: ValueType, rule: Any, name: str, _limits: Limits) -> str:
    if not isinstance(rule, str) or "\0" in rule or not 0 < len(rule) <= _LONGEST_PATTERN:
        raise _refusal(f"A pattern is a text of 1 to {_LONGEST_PATTERN} characters, without U+0000.", name)
    try:
        pattern_size(rule)
    except ValueError as error:
        raise _refusal(f"The pattern is refused. {error}", name) from None
    return rule


def _check_choices(type_: ValueType, rule: Any, name: str, limits: Limits) -> list[Any]:
    if not isinstance(rule, list) or not 0 < len(rule) <= _MOST_CHOICES:
        raise _refusal(f"`{name}` is a list of 1 to {_MOST_CHOICES} values.", name)
    found = {}
    for index, choice in enumerate(rule):
        try:
            strict_json.check(choice)
            text = conform(type_, strict_json.dumps(choice), limits)
        except (strict_json.InvalidJson, InvalidValue) as error:
            raise _refusal(f"This choice is no {type_.value}. {error}", name, str(index)) from None
        if text in found:
            raise _refusal("This choice is there twice.", name, str(index))
        found[text] = orjson.loads(text)
    return list(found.values())


def _check_schema(_type: ValueType, rule: Any, name: str, _limits: Limits) -> Any:
    check_schema(rule, (name,))
    return rule


_CHECKS: dict[str, Callable[[ValueType, Any, str, Limits], Any]] = {
    "minimum": _check_bound,
    "maximum": _check_bound,
    "minLength": _check_length,
    "maxLength": _check_length,
    "pattern": _check_pattern,
    "choices": _check_choices,
    "schema": _check_schema,
}


def _asks(name: str, limit: str) -> str:
    words = {"minimum": "at least", "maximum": "at most", "minLength": "at least", "maxLength": "at most"}
    words |= {"pattern": "what matches", "choices": "one of"}
    return f"`{name}`: it must be {words[name]} {_short(limit, 200)}"


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else text[:most] + "…"


def _refusal(message: str, *field: str) -> Rejected:
    snake = {"minLength": "min_length", "maxLength": "max_length"}
    return Rejected(Problem.INVALID_DEFINITION, message, (snake.get(field[0], field[0]), *field[1:]))
