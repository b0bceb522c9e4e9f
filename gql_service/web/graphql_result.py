"""The status and the body for the outcome of a GraphQL request. Unexpected exceptions are masked."""

from collections.abc import Sequence
from typing import Any

from graphql import ExecutionResult, GraphQLError

from gql_service.errors import BadUserInput, ServiceError, Unavailable
from gql_service.observability.logging import report_unexpected
from gql_service.quoting import shortened
from gql_service.web.content_negotiation import GRAPHQL_RESPONSE

INTERNAL = "INTERNAL"
"""The error code of unexpected exceptions."""
_MAX_MESSAGE_LENGTH = 1000

Body = dict[str, Any]
"""The response, before it is encoded as JSON."""


def response_to(result: ExecutionResult, media_type: str) -> tuple[int, Body]:
    """The status and the body for the result of an operation."""
    errors = result.errors
    if not errors:
        return 200, {"data": result.data}
    if result.data is None and not any(error.path for error in errors):
        return document_errors(errors, BadUserInput.code, media_type)
    return 200, {"data": result.data, "errors": [_public_error(error) for error in errors]}


def document_errors(errors: Sequence[GraphQLError], code: str, media_type: str) -> tuple[int, Body]:
    """For operations that were not executed. Clients that accept only the older media type expect 200."""
    body = {"errors": [_public_error(error, code) for error in errors]}
    return 400 if media_type == GRAPHQL_RESPONSE else 200, body


def request_error(error: ServiceError) -> tuple[int, Body]:
    """For requests that fail before their document is found: the status is an error in either media type."""
    return error.status, {"errors": [{"message": error.message, "extensions": {"code": error.code}}]}


def raise_unavailable(data: Any, errors: Sequence[GraphQLError]) -> None:
    """Raise Unavailable where it is the only reason why an operation has no result.

    The response then has the status of the error, so that proxies and clients try again later. Not to be
    called for several writes, some of which may have been done.
    """
    first = original_error(errors[0])
    if data is None and len(errors) == 1 and isinstance(first, Unavailable):
        raise first


def _public_error(error: GraphQLError, code: str = BadUserInput.code) -> dict[str, Any]:
    """An error as the client may see it. Unexpected exceptions are logged and masked."""
    original = original_error(error)
    formatted: dict[str, Any] = dict(error.formatted)
    formatted["message"] = _truncated(error.message)
    if original is None:
        extensions: dict[str, Any] = {"code": code}
    elif isinstance(original, ServiceError):
        formatted["message"] = original.message
        extensions = {"code": original.code}
    else:
        return formatted | masked_error(original)
    return formatted | {"extensions": extensions}


def original_error(error: GraphQLError) -> BaseException | None:
    """The exception of a resolver that an error reports; None for errors of the document."""
    original: BaseException | None = error
    while isinstance(original, GraphQLError):
        original = original.original_error
    return original


def masked_error(error: BaseException) -> dict[str, Any]:
    id = report_unexpected(error)
    message = f"Internal error. Report this id to the operators: {id}"
    return {"message": message, "extensions": {"code": INTERNAL, "id": id}}


def _truncated(message: str) -> str:
    """Messages of graphql-core quote the input; a large input would be repeated in each of them."""
    return shortened(message, _MAX_MESSAGE_LENGTH)
