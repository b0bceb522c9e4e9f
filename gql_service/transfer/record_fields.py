"""The shapes of lines: which fields there are, what they may hold, and what stands for those left out."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from gql_service import strict_json
from gql_service.errors import BadUserInput
from gql_service.instants import is_instant
from gql_service.quoting import shortened

Json = dict[str, Any]


class InvalidRecord(BadUserInput):
    """A line that cannot be imported; the message says what to mend."""


class FieldKind(NamedTuple):
    """What a field may hold."""

    expected: str
    fits: Callable[[Any], bool]


_INSTANT = "whole milliseconds since 1970, from 0 and below 2^53"
TEXT = FieldKind("a text", lambda value: isinstance(value, str))
BOOLEAN = FieldKind("true or false", lambda value: isinstance(value, bool))
INSTANT = FieldKind(_INSTANT, is_instant)
OBJECT = FieldKind("an object", lambda value: isinstance(value, dict))
REVISION = FieldKind(
    "an integer from 1 to 2147483647", lambda value: type(value) is int and 1 <= value < 2**31
)
TEXTS = FieldKind(
    "a list of texts", lambda value: isinstance(value, list) and all(isinstance(each, str) for each in value)
)


def or_null(kind: FieldKind) -> FieldKind:
    """The kind, or null."""
    return FieldKind(f"{kind.expected}, or null", lambda value: value is None or kind.fits(value))


def objects(**fields: FieldKind) -> FieldKind:
    """Lists of objects that have exactly these fields."""
    known = "; ".join(f"`{name}`, {kind.expected}" for name, kind in fields.items())
    return FieldKind(
        f"a list of objects with {known}",
        lambda value: (
            isinstance(value, list)
            and all(
                isinstance(each, dict)
                and each.keys() == fields.keys()
                and all(kind.fits(each[name]) for name, kind in fields.items())
                for each in value
            )
        ),
    )


class _Required:
    """Stands where nothing else may."""


REQUIRED = _Required()


class RecordField(NamedTuple):
    """A field of a line, with what is meant where it is left out."""

    kind: FieldKind
    default: object = REQUIRED


Shape = Mapping[str, RecordField]


def check_complete(given: Json, shape: Shape) -> Json:
    """The fields of a line, those left out included. Raises Broken."""
    if unknown := given.keys() - shape.keys():
        raise InvalidRecord(f"There is no field {_named(sorted(unknown))}; there are {_named(shape)}.")
    fields: Json = {}
    for name, (kind, default) in shape.items():
        value = given.get(name, default)
        if value is REQUIRED:
            raise InvalidRecord(f"The field `{name}` is missing.")
        if name in given and not kind.fits(value):
            raise InvalidRecord(f"`{name}` must be {kind.expected}.")
        fields[name] = value
    return fields


def differing(one: Json, other: Json) -> list[str]:
    """The names of the fields in which two lines of a kind differ; 1, 1.0 and true do."""
    if strict_json.dumps(one) == strict_json.dumps(other):
        return []
    names = [*one, *(name for name in other if name not in one)]
    return [name for name in names if strict_json.dumps(one.get(name)) != strict_json.dumps(other.get(name))]


def _named(names: Any) -> str:
    return ", ".join(f"`{shortened(name)}`" for name in names)
