"""The OpenAPI document. Names, limits and statuses come from the code that it describes."""

from importlib.metadata import version
from typing import Any

from gql_service.domain.writes.idempotency import MAX_KEY_LENGTH
from gql_service.settings import Settings
from gql_service.web.content_negotiation import JSON
from gql_service.web.openapi.flags import flag_headers, flag_paths, flag_schemas
from gql_service.web.openapi.responses import headers, responses
from gql_service.web.openapi.schemas import ref, schemas
from gql_service.web.preconditions import IF_MATCH, IF_NONE_MATCH
from gql_service.web.read_after import READ_AFTER
from gql_service.web.rest import BODY_FIELDS, METHODS, PARAMETERS, PATH

_SUMMARIES = {
    "GET": "Read the metadata",
    "HEAD": "Read the revision",
    "PATCH": "Set and delete keys",
    "PUT": "Replace all metadata",
    "DELETE": "Delete all metadata",
}
_DESCRIPTIONS = {
    "GET": "A document that was never written is empty, at revision 0.",
    "HEAD": "The same headers as `GET`, without the body.",
    "PATCH": "Deletes the keys in `delete_keys`, then sets those in `metadata`. Other keys stay.",
    "PUT": "Keys that are not in `metadata` are deleted, except those that the caller must not change.",
    "DELETE": "Deletes the history, too. The revision goes on counting.",
}
_SUCCESSES = {"GET": "Read", "PATCH": "Written", "PUT": "Written", "DELETE": "Cleared"}
_BODIES = {"PATCH": "Patch", "PUT": "Replacement"}
_EXAMPLE_BODIES: dict[str, dict[str, Any]] = {
    "PATCH": {"metadata": {"theme": "dark", "newFeature": True}, "delete_keys": ["legacyTheme"]},
    "PUT": {"metadata": {"theme": "system", "language": "es"}},
}
_PARAMETER_DESCRIPTIONS = {
    "platform_key": "The key of the platform.",
    "username": "The user whose metadata it is; by default the caller. To name others, you must be an admin "
    "of the tenant that owns the platform.",
}
_PARAMETER_EXAMPLES = {"platform_key": "acme-corp", "username": "john_doe"}
_TAGS = r'^(\*|(W/)?"[!#-~]*"(, (W/)?"[!#-~]*")*)$'
"""The lists of entity tags that clients should send. Those that are read may have more white space, and the
rest of ISO 8859-1."""
_REQUIRED_PARAMETERS = ("platform_key",)


def describe(settings: Settings) -> dict[str, Any]:
    """The document for a service with these settings."""
    return {
        "openapi": "3.1.1",
        "info": {
            "title": "User platform metadata",
            "version": version("gql-service"),
            "description": "The metadata of a user on a platform, for clients that do not speak GraphQL, and "
            "the evaluation of feature flags. For metadata, other query parameters and fields than those "
            "below are refused.",
        },
        "servers": [{"url": "/", "description": "The host that serves this document."}],
        "security": [{"token": []}, {"bearer": []}],
        "tags": [
            {"name": "metadata", "description": "Preferences, settings, flags: values by key."},
            {"name": "flags", "description": "Feature flags for the SDKs of OpenFeature."},
        ],
        "paths": {
            PATH: {
                "parameters": [ref(name, "parameters") for name in (*PARAMETERS, "X-Request-Id", READ_AFTER)],
                **{method.lower(): _operation(method, settings) for method in ("HEAD", *METHODS)},
            },
            **flag_paths(settings),
        },
        "components": {
            "schemas": schemas(settings) | flag_schemas(),
            "parameters": _parameters(),
            "headers": headers() | flag_headers(),
            "responses": responses(),
            "securitySchemes": {
                "token": {
                    "description": "`Token <token>`, with an access token of the service.",
                    "type": "apiKey",
                    "in": "header",
                    "name": "Authorization",
                },
                "bearer": {"description": "The same token.", "type": "http", "scheme": "bearer"},
            },
        },
    }


def _operation(method: str, settings: Settings) -> dict[str, Any]:
    operation = {
        "operationId": f"{method.lower()}PlatformMetadata",
        "summary": _SUMMARIES[method],
        "description": _DESCRIPTIONS[method],
        "tags": ["metadata"],
        "parameters": [ref(name, "parameters") for name in _headers(method)],
        "responses": _responses(method),
    }
    if method in BODY_FIELDS:
        example = {"example": {"value": _EXAMPLE_BODIES[method]}}
        operation["requestBody"] = {
            "description": f"JSON in UTF-8, not compressed, of up to {settings.max_body_size} bytes.",
            "required": True,
            "content": {JSON: {"schema": ref(_BODIES[method]), "examples": example}},
        }
    return operation


def _is_read(method: str) -> bool:
    return method in ("GET", "HEAD")


def _headers(method: str) -> list[str]:
    return [IF_MATCH, IF_NONE_MATCH, *([] if _is_read(method) else ["Idempotency-Key"])]


def _responses(method: str) -> dict[str, Any]:
    statuses = ["400", "401", "403", "404", "412", "429", "500", "503"]
    statuses += ["304"] if _is_read(method) else ["409", "507"]
    statuses += ["413", "415"] if method in BODY_FIELDS else []
    if method == "HEAD":
        names = {"200": "Read"} | {status: status for status in sorted(statuses)}
        return {status: _without_body(responses()[name]) for status, name in names.items()}
    success = {"204" if method == "DELETE" else "200": ref(_SUCCESSES[method], "responses")}
    if method in BODY_FIELDS:
        success["204"] = ref("WrittenUnseen", "responses")
    return success | {status: ref(status, "responses") for status in sorted(statuses)}


def _without_body(response: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in response.items() if name != "content"}


def _parameters() -> dict[str, Any]:
    """The named parameters: of the query string, and the headers of requests."""
    query = {
        name: {
            "name": name,
            "in": "query",
            "description": _PARAMETER_DESCRIPTIONS[name],
            "required": name in _REQUIRED_PARAMETERS,
            "schema": {"type": "string", "minLength": 1},
            "example": _PARAMETER_EXAMPLES[name],
        }
        for name in PARAMETERS
    }
    tags = {"type": "string", "pattern": _TAGS}
    key = {"type": "string", "minLength": 1, "maxLength": MAX_KEY_LENGTH}
    return query | {
        IF_MATCH: _header(
            IF_MATCH,
            "Do it only if the document is at one of these revisions; `*`: if it was ever written. Entity "
            "tags are in quotation marks.",
            tags,
            '"33"',
        ),
        IF_NONE_MATCH: _header(
            IF_NONE_MATCH,
            "Do it only if the document is at none of these revisions; `*`: if it was never written.",
            tags,
            '"33"',
        ),
        "Idempotency-Key": _header(
            "Idempotency-Key",
            "Made up by the client for each write. A repetition with the same key is not done again.",
            key,
            "0b9e7a52-6f4c-4c36-9d0e-7d4f2e1c8a11",
        ),
        READ_AFTER: _header(
            READ_AFTER,
            "Where the service has read replicas: the value of this header in the response to a write. What "
            "is read includes that write.",
            {"type": "string"},
            "6b8c2f01a4e3d957-1-3000148",
        ),
        "X-Request-Id": _header(
            "X-Request-Id",
            "An id for the logs of the service: up to 128 letters, digits and `-_.`; others are ignored.",
            {"type": "string"},
            "7f3c9a04d1e2b586",
        ),
    }


def _header(name: str, description: str, schema: dict[str, Any], example: str) -> dict[str, Any]:
    return {"name": name, "in": "header", "description": description, "schema": schema, "example": example}
