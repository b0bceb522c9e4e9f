"""The shapes of records: which fields they have, which values are valid, and the defaults."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from gql_service import strict_json
from gql_service.errors import BadUserInput
from gql_service.instants import is_instant
from gql_service.quoting import shortened

Json = dict[str, Any]


class InvalidRecord(BadUserInput):
    """A line cannot be imported; the message says why."""


class FieldKind(NamedTuple):
    """The valid values of a field, in words and as a predicate."""

    expected: str
    accepts: Callable[[Any], bool]


TEXT = FieldKind("a string", lambda value: isinstance(value, str))
BOOLEAN = FieldKind("true or false", lambda value: isinstance(value, bool))
INSTANT = FieldKind("milliseconds since 1970, as an integer from 0 to 2^53 - 1", is_instant)
OBJECT = FieldKind("an object", lambda value: isinstance(value, dict))
REVISION = FieldKind(
    "an integer from 1 to 2147483647", lambda value: type(value) is int and 1 <= value < 2**31
)
TEXTS = FieldKind(
    "a list of strings",
    lambda value: isinstance(value, list) and all(isinstance(each, str) for each in value),
)


def or_null(kind: FieldKind) -> FieldKind:
    """The kind, or null."""
    return FieldKind(f"{kind.expected}, or null", lambda value: value is None or kind.accepts(value))


def objects(**fields: FieldKind) -> FieldKind:
    """Lists of objects that have exactly these fields."""
    expected = "; ".join(f"`{name}`, {kind.expected}" for name, kind in fields.items())
    return FieldKind(
        f"a list of objects with {expected}",
        lambda value: (
            isinstance(value, list)
            and all(
                isinstance(each, dict)
                and each.keys() == fields.keys()
                and all(kind.accepts(each[name]) for name, kind in fields.items())
                for each in value
            )
        ),
    )


class _Required:
    """The type of the default of a field that has no default."""


REQUIRED = _Required()


class RecordField(NamedTuple):
    """A field of a record, and its value if a line omits it."""

    kind: FieldKind
    default: object = REQUIRED


Shape = Mapping[str, RecordField]


def complete_fields(provided: Json, shape: Shape) -> Json:
    """The provided fields, and the defaults of the others. Raises InvalidRecord."""
    if unknown := provided.keys() - shape.keys():
        unknown_names, names = _quote_names(sorted(unknown)), _quote_names(shape)
        raise InvalidRecord(f"Unknown field {unknown_names}. The fields are {names}.")
    fields: Json = {}
    for name, (kind, default) in shape.items():
        value = provided.get(name, default)
        if value is REQUIRED:
            raise InvalidRecord(f"The field `{name}` is missing.")
        if name in provided and not kind.accepts(value):
            raise InvalidRecord(f"`{name}` must be {kind.expected}.")
        fields[name] = value
    return fields


def differing_fields(one: Json, other: Json) -> list[str]:
    """The names of the fields whose JSON differs between two records; 1, 1.0 and true are different."""
    if strict_json.dumps(one) == strict_json.dumps(other):
        return []
    names = [*one, *(name for name in other if name not in one)]
    return [name for name in names if strict_json.dumps(one.get(name)) != strict_json.dumps(other.get(name))]


def _quote_names(names: Iterable[str]) -> str:
    return ", ".join(f"`{shortened(name)}`" for name in names)
