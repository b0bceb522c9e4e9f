"""The bodies of requests and responses, as JSON Schema (2020-12), with the limits of the settings."""

from typing import Any

from gql_service.errors import NO_CREDENTIALS
from gql_service.settings import Settings
from gql_service.strict_json import MAX_DEPTH
from gql_service.web.rest import BODY_FIELDS

Schema = dict[str, Any]
_SPACE = r"\t-\r\u001c- \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
"""White space as Python defines it: in ECMAScript, `\\s` has other characters."""
_KEY_PATTERN = rf"^[^\u0000{_SPACE}]([^\u0000]*[^\u0000{_SPACE}])?$"
TEXT = {"type": "string", "pattern": r"^[^\u0000]*$"}


def ref(name: str, section: str = "schemas") -> dict[str, str]:
    return {"$ref": f"#/components/{section}/{name}"}


def schemas(settings: Settings) -> dict[str, Schema]:
    """The named schemas."""
    return {
        "Document": _document(),
        "Metadata": _metadata(settings),
        "Value": _value(),
        "Patch": _patch(settings),
        "Replacement": _object(
            "All metadata that the document has afterwards.",
            BODY_FIELDS["PUT"],
            {"metadata": ref("Metadata")},
        ),
        "Error": _object("What is wrong with the request.", ("error",), {"error": _text()}),
        "Detail": _object("What is wrong with the request.", ("detail",), {"detail": _text()}),
        "Unauthenticated": _object(
            "The header `WWW-Authenticate` has the reason.",
            ("detail",),
            {"detail": {"const": NO_CREDENTIALS}},
        ),
        "Rejection": {
            "description": "Why the write changed nothing: messages by the name of the invalid field, or "
            "`non_field_errors`.",
            "type": "object",
            "additionalProperties": {"type": "array", "items": {"type": "string"}, "minItems": 1},
            "minProperties": 1,
            "maxProperties": 1,
        },
    }


def _text() -> Schema:
    return {"type": "string", "minLength": 1}


def _object(description: str, required: tuple[str, ...], properties: dict[str, Schema]) -> Schema:
    """An object without other properties."""
    return {
        "description": description,
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


def _document() -> Schema:
    timestamp = {"type": ["string", "null"], "format": "date-time"}
    properties: dict[str, Schema] = {
        "username": {"description": "The user whose metadata it is.", "type": "string"},
        "platform_key": {"description": "The key of the platform.", "type": "string"},
        "metadata": {"description": "What the caller may see, and is valid now.", "type": "object"},
        "created_at": timestamp
        | {"description": "When the document was first written; null if it never was."},
        "updated_at": timestamp | {"description": "When it was last changed; null if it never was written."},
    }
    return _object("The metadata of a user on a platform.", tuple(properties), properties)


def _metadata(settings: Settings) -> Schema:
    key = {
        "type": "string",
        "minLength": 1,
        "maxLength": settings.max_key_length,
        "pattern": _KEY_PATTERN,
    }
    return {
        "description": f"Values of any JSON type by key. A value takes up to {settings.max_value_size} bytes "
        f"and all of a document up to {settings.max_metadata_size}, as canonical JSON; arrays and objects "
        f"nest up to {MAX_DEPTH} levels. Integers are exact up to 64 bits; larger ones must be the exact "
        "value of a double.",
        "type": "object",
        "propertyNames": key,
        "additionalProperties": ref("Value"),
        "maxProperties": settings.max_metadata_keys,
    }


def _value() -> Schema:
    return {
        "description": "Any JSON value whose texts do not contain U+0000.",
        "anyOf": [
            {"type": ["null", "boolean", "number"]},
            TEXT,
            {"type": "array", "items": ref("Value")},
            {"type": "object", "propertyNames": TEXT, "additionalProperties": ref("Value")},
        ],
    }


def _patch(settings: Settings) -> Schema:
    """Null counts as absent; one of the two fields is needed."""
    values: dict[str, Schema] = {
        "metadata": ref("Metadata"),
        "delete_keys": {
            "description": "Keys to delete. Unknown keys are ignored.",
            "type": "array",
            "items": TEXT,
            "maxItems": settings.max_metadata_keys,
        },
    }
    properties = {name: {"anyOf": [values[name], {"type": "null"}]} for name in BODY_FIELDS["PATCH"]}
    patch = _object("Keys to delete, then keys to set. Other keys stay.", (), properties)
    is_provided = [
        {"required": [name], "properties": {name: {"not": {"type": "null"}}}} for name in BODY_FIELDS["PATCH"]
    ]
    return patch | {"anyOf": is_provided}
