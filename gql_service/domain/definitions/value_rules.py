"""The rules of a definition: checked when it is set, compiled once per process, applied to every value."""

from collections.abc import Callable, Mapping
from functools import cached_property, lru_cache
from typing import Any

import jsonschema_rs
import orjson

from gql_service import strict_json
from gql_service.domain.definitions.json_schema import MAX_SIZE, check_schema, compile_schema, violation_path
from gql_service.domain.definitions.json_schema_cost import max_checkable_size
from gql_service.domain.definitions.refusals import invalid_definition
from gql_service.domain.definitions.regex import pattern_size
from gql_service.domain.values import json_pointer
from gql_service.domain.values.types import InvalidValue, ValueType, canonical_date, comparable_date, conform
from gql_service.domain.values.validation import Limits
from gql_service.errors import Rejected
from gql_service.quoting import shortened

JSON_TYPES = {
    ValueType.number: "number",
    ValueType.boolean: "boolean",
    ValueType.json: ["object", "array", "null", "string", "number", "boolean"],
}
"""The `type` of JSON Schema of each value type; that of the others is a string."""
_BOUNDS, _LENGTHS = ("minimum", "maximum"), ("minLength", "maxLength")
_TYPES_BY_RULE = {
    "minimum": (ValueType.number, ValueType.date),
    "maximum": (ValueType.number, ValueType.date),
    "minLength": (ValueType.string, ValueType.binary),
    "maxLength": (ValueType.string, ValueType.binary),
    "pattern": (ValueType.string,),
    "choices": tuple(ValueType),
    "schema": tuple(ValueType),
    "indexedPaths": (ValueType.json,),
}
"""The value types that may have each rule."""
RULES = tuple(_TYPES_BY_RULE)
"""The names of the rules in the API."""
_INPUT_NAMES = {"minLength": "min_length", "maxLength": "max_length", "indexedPaths": "indexed_paths"}
"""The inputs of rules whose names differ in snake case."""
_MAX_PATTERN_LENGTH = 2000
MAX_CHOICES = 500
MAX_INDEXED_PATHS, _MAX_PATH_LENGTH = 10, 200
_MAX_RULES_SIZE = 2 * MAX_SIZE
"""Bytes of all rules of one definition."""
_MAX_QUOTED_RULE = 200
"""Characters of a rule that a message quotes."""
_VIOLATES_SCHEMA = "`schema`: it must satisfy the JSON Schema of the definition"

RuleInput = Mapping[str, Any]
"""Rules by their names in the API."""


class ValueRules:
    """The rules for the values of one key. Checking a value is fast, whatever the value."""

    def __init__(self, type_: ValueType, rules: RuleInput) -> None:
        """`rules` must have been checked with `check_rules`."""
        self._type = type_
        self._rules = rules
        schema: dict[str, Any] = {"type": JSON_TYPES.get(type_, "string")}
        if type_ is ValueType.number:
            schema |= {name: rules[name] for name in _BOUNDS if name in rules}
        if type_ is ValueType.string:
            schema |= {name: rules[name] for name in (*_LENGTHS, "pattern") if name in rules}
        if "choices" in rules:
            schema["enum"] = rules["choices"]
        self._own_schema = schema
        """The rules that JSON Schema can express, other than the rule `schema` itself."""

    @cached_property
    def _validators(self) -> tuple[jsonschema_rs.Validator, jsonschema_rs.Validator | None, int]:
        """Validators of `_own_schema` and of the rule `schema`, and the largest value that both can check."""
        max_size = max_checkable_size(self._own_schema, ())
        schema = self._rules.get("schema")
        if schema is None:
            return compile_schema(self._own_schema), None, max_size
        max_size = min(max_size, max_checkable_size(schema, ()))
        return compile_schema(self._own_schema), compile_schema(schema), max_size

    def violation(self, text: str) -> str | None:
        """The rule that a value violates, and what it requires; None for a valid value.

        `text` is the canonical text of a value of the right type. The result does not quote it.
        """
        if not self._rules:
            return None
        own_validator, schema_validator, max_size = self._validators
        if len(text.encode()) > max_size:
            return f"its rules cannot be checked in time for a value of more than {max(max_size, 0)} bytes"
        value = orjson.loads(text)
        if (violation := self._bound_violation(value)) is not None:
            return violation
        if not own_validator.is_valid(value):
            return self._own_violation(own_validator, value)
        if schema_validator is not None and not schema_validator.is_valid(value):
            return _VIOLATES_SCHEMA
        return None

    def violation_path(self, text: str, violation: str, *, secret: bool) -> str:
        """Where the value violates the rule `schema`, to be appended to the violation; empty for other rules.

        The path in the value is left out if the value is secret.
        """
        if violation != _VIOLATES_SCHEMA:
            return ""
        return violation_path(self._rules["schema"], orjson.loads(text), secret=secret)

    def _bound_violation(self, value: Any) -> str | None:
        """Checks bounds that JSON Schema cannot express: those of dates, and of the bytes of binary data."""
        if self._type is ValueType.date:
            lower, upper, unit = *_BOUNDS, ""
            measured = comparable_date(value)
        elif self._type is ValueType.binary:
            lower, upper, unit = *_LENGTHS, " bytes"
            measured = len(value) // 4 * 3 - value.count("=", -2)
        else:
            return None
        rules = self._rules
        if lower in rules and measured < _measure(self._type, rules[lower]):
            return _requirement(lower, f"{rules[lower]}{unit}")
        if upper in rules and measured > _measure(self._type, rules[upper]):
            return _requirement(upper, f"{rules[upper]}{unit}")
        return None

    def _own_violation(self, validator: jsonschema_rs.Validator, value: Any) -> str:
        """The first violation of `_own_schema`. It is found quickly, as this schema has no alternatives."""
        try:
            validator.validate(value)
        except jsonschema_rs.ValidationError as error:
            name = str(error.schema_path[0]) if error.schema_path else "type"
            if name == "enum":
                return _requirement("choices", strict_json.dumps(self._rules["choices"]))
            if name in self._rules:
                unit = " characters" if name in _LENGTHS else ""
                return _requirement(name, f"{self._rules[name]}{unit}")
        return "`valueType`: it is of another type"


@lru_cache(maxsize=256)
def rules_of(type_: ValueType, text: str) -> ValueRules:
    """The rules that are stored as this canonical text. They are compiled on first use."""
    return ValueRules(type_, orjson.loads(text))


def check_rules(type_: ValueType, inputs: RuleInput, limits: Limits) -> str:
    """Check the rules of a definition; returns their canonical text. Rules that are null are left out.

    Raises Rejected for the rule that is not valid.
    """
    rules: dict[str, Any] = {}
    for name, rule in inputs.items():
        if rule is None:
            continue
        if type_ not in _TYPES_BY_RULE[name]:
            types = " and ".join(each.value for each in _TYPES_BY_RULE[name])
            message = f"`{name}` is not a rule for values of the type {type_.value}, only for {types}."
            raise _invalid_rule(name, message)
        rules[name] = _CHECKS[name](type_, rule, name, limits)
    for lower, upper in (_BOUNDS, _LENGTHS):
        if (
            lower in rules
            and upper in rules
            and _measure(type_, rules[lower]) > _measure(type_, rules[upper])
        ):
            raise _invalid_rule(lower, f"`{lower}` is greater than `{upper}`, so that no value is valid.")
    text = strict_json.dumps(rules)
    if len(text.encode()) > _MAX_RULES_SIZE:
        raise _invalid_rule("choices", f"The rules take more than {_MAX_RULES_SIZE} bytes.")
    _check_choices_are_valid(type_, rules)
    return text


def _check_choices_are_valid(type_: ValueType, rules: RuleInput) -> None:
    """Refuse choices that another rule forbids."""
    other_rules = ValueRules(type_, {name: rule for name, rule in rules.items() if name != "choices"})
    for index, choice in enumerate(rules.get("choices", ())):
        text = strict_json.dumps(choice)
        if (violation := other_rules.violation(text)) is not None:
            message = f"The choice {shortened(text)} breaks another rule, {violation}."
            raise _invalid_rule("choices", message, index)


def _measure(type_: ValueType, rule: Any) -> Any:
    return comparable_date(rule) if type_ is ValueType.date else rule


def _check_bound(type_: ValueType, rule: Any, name: str, _limits: Limits) -> Any:
    if type_ is ValueType.date:
        try:
            return canonical_date(rule if isinstance(rule, str) else "")
        except InvalidValue as error:
            raise _invalid_rule(name, str(error)) from None
    if isinstance(rule, bool) or not isinstance(rule, int | float):
        raise _invalid_rule(name, f"The `{name}` of numbers must be a number.")
    return rule


def _check_length(_type: ValueType, rule: Any, name: str, _limits: Limits) -> int:
    if isinstance(rule, bool) or not isinstance(rule, int) or rule < 0:
        raise _invalid_rule(name, f"`{name}` must be an integer, 0 or more.")
    return rule


def _check_pattern(_type: ValueType, rule: Any, name: str, _limits: Limits) -> str:
    if not isinstance(rule, str) or "\0" in rule or not 0 < len(rule) <= _MAX_PATTERN_LENGTH:
        message = f"A pattern is a text of 1 to {_MAX_PATTERN_LENGTH} characters, without U+0000."
        raise _invalid_rule(name, message)
    try:
        pattern_size(rule)
    except ValueError as error:
        raise _invalid_rule(name, f"The pattern is not accepted. {error}") from None
    return rule


def _check_choices(type_: ValueType, rule: Any, name: str, limits: Limits) -> list[Any]:
    if not isinstance(rule, list) or not 0 < len(rule) <= MAX_CHOICES:
        raise _invalid_rule(name, f"`{name}` must be a list of 1 to {MAX_CHOICES} values.")
    choices: dict[str, Any] = {}
    for index, choice in enumerate(rule):
        try:
            strict_json.check(choice)
            text = conform(type_, strict_json.dumps(choice), limits)
        except (strict_json.InvalidJson, InvalidValue) as error:
            message = f"This choice is not a value of the type {type_.value}. {error}"
            raise _invalid_rule(name, message, index) from None
        if text in choices:
            raise _invalid_rule(name, "This choice is listed twice.", index)
        choices[text] = orjson.loads(text)
    return list(choices.values())


def _check_schema(_type: ValueType, rule: Any, name: str, _limits: Limits) -> Any:
    check_schema(rule, (name,))
    return rule


def _check_indexed_paths(_type: ValueType, rule: Any, name: str, _limits: Limits) -> list[str]:
    if not isinstance(rule, list) or not 0 < len(rule) <= MAX_INDEXED_PATHS:
        raise _invalid_rule(name, f"`{name}` must be a list of 1 to {MAX_INDEXED_PATHS} JSON Pointers.")
    for index, path in enumerate(rule):
        if not isinstance(path, str) or "\0" in path or len(path) > _MAX_PATH_LENGTH:
            message = f"A path is a text of at most {_MAX_PATH_LENGTH} characters, without U+0000."
            raise _invalid_rule(name, message, index)
        try:
            json_pointer.parse(path)
        except json_pointer.PointerError as error:
            raise _invalid_rule(name, str(error), index) from None
        if path in rule[:index]:
            raise _invalid_rule(name, "This path is listed twice.", index)
    return list(rule)


_CHECKS: dict[str, Callable[[ValueType, Any, str, Limits], Any]] = {
    "minimum": _check_bound,
    "maximum": _check_bound,
    "minLength": _check_length,
    "maxLength": _check_length,
    "pattern": _check_pattern,
    "choices": _check_choices,
    "schema": _check_schema,
    "indexedPaths": _check_indexed_paths,
}

_REQUIREMENTS = {
    "minimum": "at least",
    "maximum": "at most",
    "minLength": "at least",
    "maxLength": "at most",
    "pattern": "a text that matches",
    "choices": "one of",
}


def _requirement(name: str, limit: str) -> str:
    """What a rule requires of a value."""
    return f"`{name}`: it must be {_REQUIREMENTS[name]} {shortened(limit, _MAX_QUOTED_RULE)}"


def _invalid_rule(name: str, message: str, index: int | None = None) -> Rejected:
    """The refusal of a rule or, with an index, of one of its items."""
    path = (_INPUT_NAMES.get(name, name), *(() if index is None else (str(index),)))
    return invalid_definition(message, path)
