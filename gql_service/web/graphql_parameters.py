"""The parameters of a GraphQL request: reading and checking them."""

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from gql_service import strict_json
from gql_service.errors import BadUserInput
from gql_service.web.content_negotiation import JSON, essence
from gql_service.web.request import (
    BodyLimit,
    UnsupportedMediaType,
    check_encoding,
    parse_body,
    query_parameters,
)

NAMES = ("query", "operationName", "variables", "extensions", "documentId")
"""The parameters. Others are ignored, as the specification of GraphQL over HTTP demands: newer clients may
send more."""
PREFLIGHT_HEADERS = ("graphql-preflight", "x-requested-with", "apollo-require-preflight")
"""A POST without a JSON content type needs one of these: a browser only sends them after a CORS preflight."""
_DOCUMENT_ID_PREFIX = "sha256:"
"""See "Persisted Documents" in the specification."""
_SIMPLE_TYPES = ("", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data")

Headers = dict[bytes, bytes]
"""See `request_head.one_value_each`."""
ReadBody = Callable[[BodyLimit], Awaitable[bytes]]
"""Called with the maximum size. Raises LimitExceeded or ClientDisconnect."""


class Parameters(NamedTuple):
    """The parameters of a GraphQL request, checked."""

    query: str | None
    hash: str | None
    """The SHA-256 of a persisted document, in hexadecimal."""
    operation_name: str | None
    variables: dict[str, Any] | None


async def read_parameters(
    method: str, query_string: bytes, headers: Headers, read: ReadBody, limit: BodyLimit, max_json_values: int
) -> Parameters:
    """The parameters of a request, from its query string or its body.

    Raises BadUserInput, LimitExceeded, UnsupportedMediaType or ClientDisconnect.
    """
    if method != "POST":
        # Clients and forms send parameters without a value; these are as if absent.
        provided: Any = {
            name: value for name, value in query_parameters(query_string, NAMES).items() if value
        }
        for name in ("variables", "extensions"):
            if name in provided:
                provided[name] = _parse_json(provided[name].encode(), f"`{name}`", max_json_values)
        return check_parameters(provided)
    content_type = headers.get(b"content-type")
    if content_type != b"application/json" or b"content-encoding" in headers:
        _check_content_type(content_type, headers)
        check_encoding(content_type, headers.get(b"content-encoding"))
    body = await read(limit)
    if body[:1] != b"{" and body.lstrip()[:1] == b"[":
        raise BadUserInput("Batches (JSON arrays) are not supported. Send one operation in each request.")
    return check_parameters(_parse_json(body, "The body", max_json_values))


def _check_content_type(content_type: bytes | None, headers: Headers) -> None:
    """Raises UnsupportedMediaType."""
    media_type = essence(content_type)
    is_preflighted = any(name.encode() in headers for name in PREFLIGHT_HEADERS)
    if media_type != JSON and not (media_type in _SIMPLE_TYPES and is_preflighted):
        raise UnsupportedMediaType(f"The content type must be {JSON}.")


def _parse_json(text: bytes, source: str, max_values: int) -> Any:
    try:
        return parse_body(text, max_values)
    except strict_json.InvalidJson as error:
        raise BadUserInput(f"{source} cannot be read. {error}") from None


def check_parameters(parameters: Any) -> Parameters:
    """Raises BadUserInput."""
    if not isinstance(parameters, dict):
        raise BadUserInput("The body must be a JSON object with a `query`.")
    query, variables = parameters.get("query"), parameters.get("variables")
    name, extensions = parameters.get("operationName"), parameters.get("extensions")
    if extensions is not None and not isinstance(extensions, dict):
        raise BadUserInput("`extensions` must be an object.")
    document_id = parameters.get("documentId")
    hash = _document_hash(document_id, extensions or {}) if extensions or document_id is not None else None
    if not (query is None and hash) and (not isinstance(query, str) or not query or query.isspace()):
        raise BadUserInput("`query` must be a string that contains a GraphQL document.")
    if name is not None and not isinstance(name, str):
        raise BadUserInput("`operationName` must be a string.")
    if variables is not None and not isinstance(variables, dict):
        raise BadUserInput("`variables` must be an object.")
    return Parameters(query, hash, name or None, variables)


def _document_hash(document_id: Any, extensions: dict[str, Any]) -> str | None:
    """The hash of a persisted document, by `documentId` or by Apollo's extension. Raises BadUserInput."""
    hash = _persisted_query_hash(extensions)
    if document_id is None:
        return hash
    if not isinstance(document_id, str) or not document_id.startswith(_DOCUMENT_ID_PREFIX):
        raise BadUserInput(
            f"`documentId` must be `{_DOCUMENT_ID_PREFIX}` and the SHA-256 of the document in hexadecimal."
        )
    id_hash = document_id.removeprefix(_DOCUMENT_ID_PREFIX).lower()
    if hash not in (None, id_hash):
        raise BadUserInput("`documentId` and `persistedQuery` name different documents.")
    return id_hash


def _persisted_query_hash(extensions: dict[str, Any]) -> str | None:
    """The hash of an automatic persisted query, in lower case; None if it is not one. Raises BadUserInput."""
    persisted = extensions.get("persistedQuery")
    if persisted is None:
        return None
    hash = persisted.get("sha256Hash") if isinstance(persisted, dict) else None
    if not isinstance(hash, str) or persisted.get("version") != 1:
        raise BadUserInput("`persistedQuery` must be an object with `version` 1 and a `sha256Hash`.")
    return hash.lower()
