"""JSON Schemas that clients bring: what they may contain, and where a value breaks one."""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any
from urllib.parse import quote, unquote

import jsonschema_rs

from gql_service import strict_json
from gql_service.domain.definitions.json_schema_cost import largest_value
from gql_service.domain.definitions.regex import OPTIONS
from gql_service.errors import Problem, Rejected

MAX_SIZE = 16 * 1024
"""Bytes of a schema."""
_MAX_LEVELS = 32
_SMALLEST = 256
"""A schema that takes too long for values of even so few bytes is refused."""
_HERE = "schema:of-the-definition"
_MOST_STEPS = 16
_MOST_PARTS = 100
"""How far a fault is looked for, and among how many parts."""
_SIMPLE = (
    *("type", "const", "enum", "multipleOf", "minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum"),
    *("minLength", "maxLength", "pattern", "minItems", "maxItems", "uniqueItems", "minProperties"),
    *("maxProperties", "required"),
)
"""Keywords that a value breaks by itself, whatever else the schema says."""
_DRAFT = "https://json-schema.org/draft/2020-12/schema"


def compiled(schema: Mapping[str, Any]) -> jsonschema_rs.Validator:
    """The validator of a schema; nothing outside the schema is ever read. Raises ValueError."""
    return jsonschema_rs.Draft202012Validator(dict(schema), pattern_options=OPTIONS, offline=True)


def check_schema(schema: object, field: tuple[str, ...]) -> None:
    """Whether a client's schema can be understood, and is quick. Raises Rejected, saying where it is not."""
    if not isinstance(schema, dict):
        raise _refusal('A schema is a JSON object, such as {"type": "object"}.', field)
    if (size := len(strict_json.dumps(schema).encode())) > MAX_SIZE:
        raise _refusal(f"The schema takes {size} bytes; {MAX_SIZE} are allowed.", field)
    try:
        strict_json.check(schema, _MAX_LEVELS)
    except strict_json.InvalidJson:
        raise _refusal(f"The schema is nested deeper than {_MAX_LEVELS} levels.", field) from None
    if str(schema.get("$schema", _DRAFT)).rstrip("#") != _DRAFT:
        raise _refusal(f"Schemas are of draft 2020-12: `$schema` is {_DRAFT}, or left out.", field)
    if largest_value(schema, field) < _SMALLEST:
        message = (
            "Checking a value could take too long, for parts of the schema apply to the same value again and "
            "again. Use fewer alternatives and references, and smaller patterns."
        )
        raise _refusal(message, field)
    try:
        compiled(schema)
    except ValueError as error:
        raise _refusal(f"This is no JSON Schema of draft 2020-12: {_told(error)}", field) from None


def place_of_fault(schema: Mapping[str, Any], value: Any, *, secret: bool) -> str:
    """Where a value that breaks a schema does so, in words that follow others: in the schema and, unless the
    value is secret, in the value.

    The library finds that out, too, but lists every fault of every alternative, which may take minutes.
    """
    registry = jsonschema_rs.Registry([(_HERE, dict(schema))])

    def is_valid(pointer: str, part: Any) -> bool:
        validator = jsonschema_rs.Draft202012Validator(
            {"$ref": f"{_HERE}#{quote(pointer)}"}, registry=registry, pattern_options=OPTIONS, offline=True
        )
        return validator.is_valid(part)

    pointer, place = "", ""
    at: Any = schema
    for _ in range(_MOST_STEPS):
        for deeper, into, part in _steps(at, pointer, value):
            if not is_valid(deeper, part):
                pointer, place, value = deeper, place + into, part
                at = _resolve(schema, deeper)
                break
        else:
            break
    keyword = _keyword(at, value)
    told = f", #{pointer}{keyword}"[:200]
    return told if secret or not place else f"{told}, at {place}"[:300]


def _steps(schema: Any, pointer: str, value: Any) -> Iterator[tuple[str, str, Any]]:
    """The parts of a schema that every valid value satisfies, and what of the value each is about."""
    if not isinstance(schema, dict):
        return
    if "$ref" in schema:
        yield unquote(schema["$ref"][1:]), "", value
    for index in range(len(schema.get("allOf", ()))):
        yield f"{pointer}/allOf/{index}", "", value
    if isinstance(value, dict):
        for name in islice((name for name in schema.get("properties", ()) if name in value), _MOST_PARTS):
            step = _escape(name)
            yield f"{pointer}/properties/{step}", f"/{step}", value[name]
    if isinstance(value, list) and "items" in schema:
        start = len(schema.get("prefixItems", ()))
        for index in range(start, min(len(value), start + _MOST_PARTS)):
            yield f"{pointer}/items", f"/{index}", value[index]


def _keyword(schema: Any, value: Any) -> str:
    """The first keyword that a value breaks by itself."""
    if isinstance(schema, dict):
        for name in _SIMPLE:
            if name in schema and not compiled({name: schema[name]}).is_valid(value):
                return f"/{name}"
    return ""


def _resolve(schema: Any, pointer: str) -> Any:
    for step in pointer.split("/")[1:]:
        step = step.replace("~1", "/").replace("~0", "~")
        schema = schema[int(step)] if isinstance(schema, list) else schema[step]
    return schema


def _escape(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def _told(error: ValueError) -> str:
    place = "/".join(map(str, getattr(error, "instance_path", ())))
    return f"at #/{place}: {getattr(error, 'message', str(error))}"[:300]


def _refusal(message: str, field: tuple[str, ...]) -> Rejected:
    return Rejected(Problem.INVALID_DEFINITION, message, field)
