"""The responses by status: their bodies, headers and examples."""

from collections.abc import Sequence
from typing import Any

from gql_service.errors import NO_CREDENTIALS, Locked, RevisionConflict, StorageFull
from gql_service.web.content_negotiation import JSON
from gql_service.web.openapi.schemas import ref
from gql_service.web.read_after import READ_AFTER

Response = dict[str, Any]
EXAMPLE_DOCUMENT = {
    "username": "john_doe",
    "platform_key": "acme-corp",
    "metadata": {"theme": "dark", "language": "en", "notifications_enabled": True},
    "created_at": "2024-01-15T10:30:00Z",
    "updated_at": "2024-01-20T14:45:00Z",
}
_EVERY_RESPONSE = ("Cache-Control", "Vary", "X-Request-Id", READ_AFTER)


def headers() -> dict[str, Any]:
    """The named headers of responses."""
    seconds = {"type": "string", "pattern": "^[0-9]+$"}
    return {
        "ETag": {
            "description": "The revision of the document, in quotation marks. If the caller sees entries "
            "that are hidden from others, encrypted or limited in time, a point and a digest follow it. "
            "Send it in `If-Match` or `If-None-Match`.",
            "required": True,
            "schema": {"type": "string", "pattern": '^"[0-9]+([.][0-9a-f]{16})?"$'},
            "example": '"33"',
        },
        "Cache-Control": {
            "description": "Caches shared by several users must not store the response.",
            "schema": {"const": "private, no-cache"},
        },
        "Vary": {
            "description": "Names `Authorization`: each caller gets their own response.",
            "schema": {"type": "string"},
            "example": "Authorization",
        },
        READ_AFTER: {
            "description": "Of writes, where the service has read replicas. Send it with requests that must "
            "see the write.",
            "schema": {"type": "string"},
            "example": "6b8c2f01a4e3d957-1-3000148",
        },
        "X-Request-Id": {
            "description": "The id of the request in the logs of the service, if it has one: that of the "
            "request header, or a new one.",
            "schema": {"type": "string"},
            "example": "7f3c9a04d1e2b586",
        },
        "Idempotency-Replayed": {
            "description": "The write was done before, by a request with the same `Idempotency-Key`. The "
            "response has the document as it is now.",
            "schema": {"const": "true"},
        },
        "WWW-Authenticate": {
            "description": "The scheme, and the reason if a token was sent.",
            "required": True,
            "schema": {"type": "string"},
            "example": 'Token error="invalid_token", error_description="The access token is not valid."',
        },
        "Retry-After": {
            "description": "Seconds after which the request may be sent again.",
            "required": True,
            "schema": seconds,
            "example": "1",
        },
        "Accept-Encoding": {
            "description": "`identity`, if the body was compressed.",
            "schema": {"const": "identity"},
        },
    }


def responses() -> dict[str, Response]:
    """The named responses, `NNN` by status; `Read`, `Written`, `WrittenUnseen` and `Cleared` are 2xx."""
    too_large = {"metadata": ["The document would have 2001 keys; 2000 are allowed."]}
    return {
        "Read": _document("The document.", ["ETag"]),
        "Written": _document(
            "The document after the write. A write that changes nothing succeeds, too.",
            ["ETag", "Idempotency-Replayed"],
        ),
        "WrittenUnseen": _response(
            "Written. The token does not have the scope `READ`, so the document is not shown.",
            ["ETag", "Idempotency-Replayed"],
        ),
        "Cleared": _response("All keys and their history are deleted.", ["ETag", "Idempotency-Replayed"]),
        "304": _response("The document is still at the revision in `If-None-Match`.", ["ETag"]),
        "400": _json(
            "A query parameter is missing, unknown or repeated; a precondition is malformed; or the body is "
            "invalid. Nothing was changed.",
            ["Error", "Detail", "Rejection"],
            {
                "missing": {"error": "platform_key query parameter is required"},
                "unknown": {"error": "Unknown query parameter 'userName'. Did you mean 'username'?"},
                "unquoted": {
                    "error": 'The header If-Match has no quotation marks. Quote the value: If-Match: "33".'
                },
                "malformed": {"detail": "The body cannot be read. The text is not valid JSON."},
                "rejected": {
                    "non_field_errors": ["Provide 'metadata' to update or 'delete_keys' to remove keys."]
                },
            },
        ),
        "401": _json(
            "The token is missing or not valid.",
            ["Unauthenticated"],
            {"unauthenticated": {"detail": NO_CREDENTIALS}},
            ["WWW-Authenticate"],
        ),
        "403": _json(
            "`username` names somebody else, and the caller is not an admin of the tenant; or the token is "
            "limited to other scopes or platforms.",
            ["Error"],
            {
                "member": {"error": "Only tenant admins can access other users' metadata"},
                "scope": {"error": "The access token does not have the scope WRITE."},
            },
        ),
        "404": _json(
            "There is no such platform or user, or the caller must not know that there is.",
            ["Error"],
            {"platform": {"error": "Platform not found"}, "user": {"error": "User not found"}},
        ),
        "409": _json(
            "The `Idempotency-Key` was used for another request.",
            ["Rejection"],
            {
                "reused": {"idempotency_key": ["This idempotency key was used for another request."]},
            },
        ),
        "412": _json(
            "The revision of the document does not meet `If-Match` or `If-None-Match`.",
            ["Error"],
            {"stale": {"error": RevisionConflict(34).message}},
            ["ETag"],
        ),
        "413": _json(
            "The body, a value or the document would be too large.",
            ["Error", "Rejection"],
            {"keys": too_large},
        ),
        "415": _json(
            "The body is not `application/json` in UTF-8, or is compressed.",
            ["Detail"],
            {"type": {"detail": f"The content type must be {JSON}."}},
            ["Accept-Encoding"],
        ),
        "429": _json(
            "The token is not valid, and neither were many before it from this address.",
            ["Error"],
            {
                "throttled": {
                    "error": "The access token is not valid, and too many such tokens were sent from this "
                    "address. Try again in 30 seconds; valid tokens are accepted at any time."
                }
            },
            ["Retry-After"],
        ),
        "500": _json(
            "A bug, or stored data that something else has written. Report it to the operators.",
            ["Error"],
            {"bug": {"error": "Internal error. Report this id to the operators: 5d1f0a7c"}},
        ),
        "503": _json(
            "The database cannot serve the request now, or the request took too long. If the message does "
            "not say otherwise, nothing was changed.",
            ["Error"],
            {"locked": {"error": Locked().message}},
            ["Retry-After"],
        ),
        "507": _json(
            "The database has no space left. Nothing was changed.",
            ["Error"],
            {"full": {"error": StorageFull().message}},
            ["Retry-After"],
        ),
    }


def _response(description: str, header_names: Sequence[str] = ()) -> Response:
    names = [*header_names, *_EVERY_RESPONSE]
    return {"description": description, "headers": {name: ref(name, "headers") for name in names}}


def _json(
    description: str, schema_names: Sequence[str], examples: dict[str, Any], header_names: Sequence[str] = ()
) -> Response:
    schemas = [ref(name) for name in schema_names]
    content = {
        "schema": schemas[0] if len(schemas) == 1 else {"anyOf": schemas},
        "examples": {name: {"value": value} for name, value in examples.items()},
    }
    return _response(description, header_names) | {"content": {JSON: content}}


def _document(description: str, header_names: Sequence[str]) -> Response:
    return _json(description, ["Document"], {"document": EXAMPLE_DOCUMENT}, header_names)
