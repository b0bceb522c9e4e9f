"""JSON Schemas of clients: which are accepted, and where a value violates one."""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, NamedTuple
from urllib.parse import quote, unquote

import jsonschema_rs

from gql_service import strict_json
from gql_service.domain.definitions.json_schema_cost import max_checkable_size
from gql_service.domain.definitions.refusals import invalid_definition
from gql_service.domain.definitions.regex import OPTIONS
from gql_service.domain.values.json_pointer import escape, resolve, tokens_of
from gql_service.domain.values.validation import InputPath
from gql_service.quoting import shortened

MAX_SIZE = 16 * 1024
"""Bytes of a schema."""
_MAX_DEPTH = 32
_MIN_CHECKABLE_SIZE = 256
"""Bytes of a value. A schema that cannot check values of this size in time is refused."""
_SCHEMA_URI = "schema:of-the-definition"
_MAX_STEPS = 16
_MAX_SUBSCHEMAS = 100
"""How deep the search for a violation goes, and how many properties or items it tries at each step."""
_LOCAL_KEYWORDS = (
    *("type", "const", "enum", "multipleOf", "minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum"),
    *("minLength", "maxLength", "pattern", "minItems", "maxItems", "uniqueItems", "minProperties"),
    *("maxProperties", "required"),
)
"""Keywords that can be checked alone, whatever else the schema has."""
_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_MAX_SCHEMA_PATH, _MAX_DESCRIPTION = 200, 300
"""Characters in a message."""


def compile_schema(schema: Mapping[str, Any]) -> jsonschema_rs.Validator:
    """The validator of a schema. It reads nothing outside the schema. Raises ValueError if it is invalid."""
    return jsonschema_rs.Draft202012Validator(dict(schema), pattern_options=OPTIONS, offline=True)


def check_schema(schema: object, field: InputPath) -> None:
    """Check that a schema of a client is valid, and fast enough to check values with. Raises Rejected."""
    if not isinstance(schema, dict):
        raise invalid_definition('A schema is a JSON object, such as {"type": "object"}.', field)
    if (size := len(strict_json.dumps(schema).encode())) > MAX_SIZE:
        raise invalid_definition(f"The schema takes {size} bytes; {MAX_SIZE} are allowed.", field)
    try:
        strict_json.check(schema, _MAX_DEPTH)
    except strict_json.InvalidJson:
        message = f"The schema is nested deeper than {_MAX_DEPTH} levels."
        raise invalid_definition(message, field) from None
    if str(schema.get("$schema", _DRAFT)).rstrip("#") != _DRAFT:
        message = f"The schema must be of draft 2020-12: set `$schema` to {_DRAFT}, or leave it out."
        raise invalid_definition(message, field)
    if max_checkable_size(schema, field) < _MIN_CHECKABLE_SIZE:
        message = (
            "Checking a value could take too long, because many parts of the schema apply to the same value. "
            "Use fewer alternatives and references, and smaller patterns."
        )
        raise invalid_definition(message, field)
    try:
        compile_schema(schema)
    except ValueError as error:
        message = f"This is not a JSON Schema of draft 2020-12: {_description(error)}"
        raise invalid_definition(message, field) from None


def violation_path(schema: Mapping[str, Any], value: Any, *, secret: bool) -> str:
    """Where a value violates a schema, to be appended to a message: in the schema and, unless the value is
    secret, in the value.

    The library's own errors say that too, but it collects them for every alternative, which may take minutes.
    """
    registry = jsonschema_rs.Registry([(_SCHEMA_URI, dict(schema))])

    def is_valid(part: _Part) -> bool:
        validator = jsonschema_rs.Draft202012Validator(
            {"$ref": f"{_SCHEMA_URI}#{quote(part.schema_pointer)}"},
            registry=registry,
            pattern_options=OPTIONS,
            offline=True,
        )
        return validator.is_valid(part.value)

    invalid = _Part("", "", value)
    subschema: Any = schema
    for _ in range(_MAX_STEPS):
        deeper = next((part for part in _parts(subschema, invalid) if not is_valid(part)), None)
        if deeper is None:
            break
        invalid = deeper
        subschema = resolve(schema, tokens_of(invalid.schema_pointer))
    keyword = _violated_keyword(subschema, invalid.value)
    path = shortened(f", #{invalid.schema_pointer}{keyword}", _MAX_SCHEMA_PATH)
    if secret or not invalid.value_pointer:
        return path
    return shortened(f"{path}, at {invalid.value_pointer}", _MAX_DESCRIPTION)


class _Part(NamedTuple):
    """A part of the schema, and the part of the value that it applies to."""

    schema_pointer: str
    value_pointer: str
    value: Any


def _parts(subschema: Any, part: _Part) -> Iterator[_Part]:
    """The subschemas of a part that every valid value must satisfy."""
    if not isinstance(subschema, dict):
        return
    pointer, value_pointer, value = part
    if "$ref" in subschema:
        yield part._replace(schema_pointer=unquote(subschema["$ref"].removeprefix("#")))
    for index in range(len(subschema.get("allOf", ()))):
        yield part._replace(schema_pointer=f"{pointer}/allOf/{index}")
    if isinstance(value, dict):
        present = (name for name in subschema.get("properties", ()) if name in value)
        for name in islice(present, _MAX_SUBSCHEMAS):
            token = escape(name)
            yield _Part(f"{pointer}/properties/{token}", f"{value_pointer}/{token}", value[name])
    if isinstance(value, list) and "items" in subschema:
        start = len(subschema.get("prefixItems", ()))
        for index in range(start, min(len(value), start + _MAX_SUBSCHEMAS)):
            yield _Part(f"{pointer}/items", f"{value_pointer}/{index}", value[index])


def _violated_keyword(subschema: Any, value: Any) -> str:
    """The first violated local keyword, as the end of a pointer; empty if there is none."""
    if isinstance(subschema, dict):
        for name in _LOCAL_KEYWORDS:
            if name in subschema and not compile_schema({name: subschema[name]}).is_valid(value):
                return f"/{name}"
    return ""


def _description(error: ValueError) -> str:
    path = "/".join(map(str, getattr(error, "instance_path", ())))
    return shortened(f"at #/{path}: {getattr(error, 'message', str(error))}", _MAX_DESCRIPTION)
