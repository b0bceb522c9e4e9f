"""The JSON Schema (draft 2020-12) of the metadata of a platform, made of its definitions."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from gql_service import strict_json
from gql_service.domain.definitions.definitions import StoredDefinition
from gql_service.domain.definitions.value_rules import JSON_TYPES
from gql_service.domain.values.json_pointer import escape
from gql_service.domain.values.types import ValueType

_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_BY_NAME = {"properties", "patternProperties", "dependentSchemas", "$defs", "definitions"}
"""Keywords whose value is an object of subschemas."""
_DATA = {"const", "enum", "default", "examples"}
"""Keywords whose value is no schema, whatever it looks like."""
_NUMBER_RULES, _STRING_RULES = ("minimum", "maximum"), ("minLength", "maxLength", "pattern")


def document_schema(title: str, definitions: Sequence[StoredDefinition], *, strict: bool) -> str:
    """The canonical text of the schema. In strict mode, it allows no other keys.

    Rules that JSON Schema cannot express, such as the earliest date, are left out.
    """
    schema = {
        "$schema": _DRAFT,
        "title": title,
        "type": "object",
        "properties": {each.key: _value_schema(each) for each in definitions},
        "additionalProperties": not strict,
    }
    return strict_json.dumps(schema)


def _value_schema(definition: StoredDefinition) -> dict[str, Any]:
    type_, rules = definition.value_type, definition.rules
    schema: dict[str, Any] = {} if type_ is ValueType.json else {"type": JSON_TYPES.get(type_, "string")}
    if type_ is ValueType.number:
        schema |= {name: rules[name] for name in _NUMBER_RULES if name in rules}
    if type_ is ValueType.string:
        schema |= {name: rules[name] for name in _STRING_RULES if name in rules}
    if type_ is ValueType.binary:
        schema["contentEncoding"] = "base64"
    if "choices" in rules:
        schema["enum"] = rules["choices"]
    if "schema" in rules:
        location = f"#/properties/{escape(definition.key)}/allOf/0"
        schema["allOf"] = [_moved(rules["schema"], _fragment(location))]
    if (default := definition.assignment.default) is not None:
        schema["default"] = strict_json.loads(default.encode())
    about = {
        "title": definition.presentation.get("title"),
        "description": definition.defaults.get("description"),
    }
    return schema | {name: text for name, text in about.items() if text is not None}


def _moved(schema: Any, location: str) -> Any:
    """A schema whose references to its own parts are right when it is at another location."""
    if isinstance(schema, list):
        return [_moved(each, location) for each in schema]
    if not isinstance(schema, dict):
        return schema
    moved: dict[str, Any] = {}
    for name, value in schema.items():
        if name == "$ref":
            moved[name] = location + value.removeprefix("#")
        elif name in _DATA:
            moved[name] = value
        elif name in _BY_NAME and isinstance(value, dict):
            moved[name] = {key: _moved(each, location) for key, each in value.items()}
        elif name != "$schema":
            moved[name] = _moved(value, location)
    return moved


def _fragment(pointer: str) -> str:
    """A JSON Pointer with the characters escaped that a URI fragment cannot have."""
    return "#" + quote(pointer.removeprefix("#"))
