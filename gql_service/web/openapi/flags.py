"""The evaluation of feature flags, as OFREP describes it, with the statuses and limits of this service."""

from typing import Any

from gql_service.errors import Locked
from gql_service.settings import Settings
from gql_service.web.content_negotiation import JSON
from gql_service.web.ofrep import ERROR_CODES, MAX_TARGETING_KEY, PATH, REASONS
from gql_service.web.openapi.schemas import TEXT, Schema, ref

BULK_PATH = PATH.replace("platform_key", "platformKey")
SINGLE_PATH = BULK_PATH + "/{key}"
_FLAG = {"key": "newSearch", "reason": "SPLIT", "variant": "on", "value": True}
_LIST = {
    "key": "sizes",
    "errorCode": "GENERAL",
    "errorDetails": "The protocol has no flags whose values are …",
}
_EVERY_RESPONSE = ("Cache-Control", "Vary", "X-Request-Id")
_FAILURES = {
    "400": (
        "The request cannot be evaluated, or the value of the flag is a list or null.",
        "INVALID_CONTEXT",
    ),
    "401": ("The token is missing or not valid.", "GENERAL"),
    "403": (
        "`targetingKey` names somebody else, and the caller is not an admin of the tenant; or the token is "
        "limited to other scopes or platforms.",
        "GENERAL",
    ),
    "404": (
        "There is no such platform or flag, or the caller must not know that there is.",
        "FLAG_NOT_FOUND",
    ),
    "413": ("The body is too large.", "GENERAL"),
    "415": ("The body is not in UTF-8, or is compressed.", "GENERAL"),
    "429": ("The token is not valid, and neither were many before it from this address.", "GENERAL"),
    "500": ("A bug, or stored data that something else has written. Report it to the operators.", None),
    "503": ("The database cannot serve the request now, or the request took too long.", None),
}
_ERROR_HEADERS = {"401": "WWW-Authenticate", "429": "Retry-After", "503": "Retry-After"}


def flag_paths(settings: Settings) -> dict[str, Any]:
    """The two paths, by path."""
    shared = [_path_parameter("platformKey", "The key of the platform.", "acme-corp"), _request_id()]
    key = _path_parameter("key", "The key of the flag.", "newSearch")
    bulk = {
        "200": _response(
            "All flags. Those with errors have no value.",
            ref("Flags"),
            {"flags": [_FLAG, _LIST]},
            ["FlagsETag"],
        ),
        "304": _response("The flags are those of the entity tag in `If-None-Match`.", headers=["FlagsETag"]),
    }
    single = {"200": _response("The flag.", ref("Flag"), _FLAG)}
    return {
        BULK_PATH: {
            "parameters": shared,
            "post": _operation("evaluateFlags", "Evaluate all flags", bulk, settings)
            | {"parameters": [_if_none_match()]},
        },
        SINGLE_PATH: {
            "parameters": [*shared, key],
            "post": _operation("evaluateFlag", "Evaluate a flag", single, settings),
        },
    }


def flag_schemas() -> dict[str, Schema]:
    """The named schemas of bodies."""
    any_object = {"type": "object", "propertyNames": TEXT, "additionalProperties": ref("Value")}
    targeting_key = TEXT | {
        "description": "A user id or a username. Tokens of admins, and theirs with the scope `EVALUATE`, may "
        "also use any other text, such as the id of a visitor. With others it must name the user of the "
        "token.",
        "minLength": 1,
        "maxLength": MAX_TARGETING_KEY,
    }
    context = any_object | {
        "description": "Members other than `targetingKey` are ignored.",
        "properties": {"targetingKey": targeting_key},
        "required": ["targetingKey"],
    }
    flag: dict[str, Schema] = {
        "key": {"type": "string"},
        "value": {
            "description": "Absent: use the default of the code.",
            "type": ["boolean", "string", "number", "object"],
        },
        "reason": {"enum": sorted(REASONS.values())},
        "variant": {"description": "`default` or `override` for values of no variant.", "type": "string"},
    }
    error: dict[str, Schema] = {
        "key": {"type": "string"},
        "errorCode": {"enum": sorted(ERROR_CODES)},
        "errorDetails": {"type": "string", "minLength": 1},
    }
    return {
        "EvaluationRequest": any_object | {"properties": {"context": context}, "required": ["context"]},
        "Flag": _object(flag, ["key", "reason", "variant"]),
        "FlagError": _object(error, ["errorDetails"]),
        "Flags": _object(
            {"flags": {"type": "array", "items": {"anyOf": [ref("Flag"), ref("FlagError")]}}}, ["flags"]
        ),
    }


def flag_headers() -> dict[str, Any]:
    """The named headers of responses."""
    tag = {
        "description": "Changes with every flag, also where one begins or ends to be valid.",
        "required": True,
        "schema": {"type": "string", "pattern": '^"[0-9a-f]{32}"$'},
        "example": '"5eb63bbbe01eeed093cb22bb8f5acdc3"',
    }
    return {"FlagsETag": tag}


def _operation(id: str, summary: str, successes: dict[str, Any], settings: Settings) -> dict[str, Any]:
    body = {"context": {"targetingKey": "john_doe"}}
    return {
        "operationId": id,
        "summary": summary,
        "description": "The OpenFeature Remote Evaluation Protocol (OFREP).",
        "tags": ["flags"],
        "requestBody": {
            "description": f"JSON in UTF-8, not compressed, of up to {settings.max_body_size} bytes.",
            "required": True,
            "content": {JSON: {"schema": ref("EvaluationRequest"), "examples": {"example": {"value": body}}}},
        },
        "responses": successes | {status: _failure(status) for status in _FAILURES},
    }


def _failure(status: str) -> dict[str, Any]:
    description, code = _FAILURES[status]
    example = {"errorDetails": Locked().message if code is None else description}
    if code is not None:
        example["errorCode"] = code
    extra = [_ERROR_HEADERS[status]] if status in _ERROR_HEADERS else []
    return _response(description, ref("FlagError"), example, extra)


def _response(
    description: str, schema: Schema | None = None, example: Any = None, headers: list[str] | None = None
) -> dict[str, Any]:
    tags = {"FlagsETag": "ETag"}
    names = [*(headers or ()), *_EVERY_RESPONSE]
    response = {
        "description": description,
        "headers": {tags.get(name, name): ref(name, "headers") for name in names},
    }
    if schema is None:
        return response
    content = {JSON: {"schema": schema, "examples": {"example": {"value": example}}}}
    return response | {"content": content}


def _object(properties: dict[str, Schema], required: list[str]) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def _path_parameter(name: str, description: str, example: str) -> dict[str, Any]:
    schema = {"type": "string", "minLength": 1}
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": description,
        "schema": schema,
        "example": example,
    }


def _if_none_match() -> dict[str, Any]:
    return {
        "name": "If-None-Match",
        "in": "header",
        "description": "The `ETag` of a response. If the flags are still the same, the status is 304.",
        "schema": {"type": "string"},
        "example": '"5eb63bbbe01eeed093cb22bb8f5acdc3"',
    }


def _request_id() -> dict[str, str]:
    return ref("X-Request-Id", "parameters")
