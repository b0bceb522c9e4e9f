"""REST: `/api/core/users/platform-metadata/`, implemented by the same functions as GraphQL."""

from collections.abc import Sequence
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from gql_service import strict_json
from gql_service.auth.scopes import Scope
from gql_service.domain.documents.visibility import DocumentView
from gql_service.domain.writes import idempotency
from gql_service.domain.writes.changes import CLEAR, Change, patch, replace
from gql_service.domain.writes.idempotency import IdempotencyKey
from gql_service.errors import (
    NO_CREDENTIALS,
    SIZE_PROBLEMS,
    BadUserInput,
    MalformedData,
    Problem,
    Rejected,
    RequestError,
    RevisionConflict,
    Unauthenticated,
    Unavailable,
)
from gql_service.instants import rfc3339
from gql_service.observability.current_request import CURRENT_REQUEST
from gql_service.services.context import Context, Services
from gql_service.settings import Settings
from gql_service.web.authentication import Authenticator
from gql_service.web.content_negotiation import JSON, essence
from gql_service.web.error_headers import error_headers
from gql_service.web.preconditions import (
    IF_MATCH,
    IF_NONE_MATCH,
    Preconditions,
    entity_tag,
    read_preconditions,
)
from gql_service.web.protected_resource import metadata_url
from gql_service.web.read_after import READ_AFTER, position_after, read_after
from gql_service.web.request import (
    MalformedBody,
    UnsupportedMediaType,
    body_limit,
    check_encoding,
    known_parameters,
    parse_body,
    read_body,
)
from gql_service.web.request_origin import RequestOrigin
from gql_service.web.timeouts import RequestTimeouts

PATH = "/api/core/users/platform-metadata/"
METHODS = ("GET", "PATCH", "PUT", "DELETE")
PARAMETERS = ("platform_key", "username")
"""The query parameters of all methods."""
BODY_FIELDS = {"PATCH": ("metadata", "delete_keys"), "PUT": ("metadata",)}
"""The fields of the bodies, by method. Others have no body."""


class RestEndpoint:
    """The only REST resource: the metadata of a user on a platform."""

    def __init__(self, services: Services, settings: Settings, authenticator: Authenticator) -> None:
        self._services = services
        self._replicas = services.lists.replicas
        self._authenticator = authenticator
        self._body_limit = body_limit(settings)
        self._max_json_values = settings.max_json_values
        self._timeouts = RequestTimeouts(settings.request_timeout)
        self._metadata_url = metadata_url(settings)

    async def __call__(self, request: Request) -> Response:
        if (record := CURRENT_REQUEST.get()) is not None:
            record.endpoint, record.operation = "rest", request.method
        response = await self._respond_or_fail(request)
        if self._replicas is not None and _writes(request) and response.status_code != 401:
            position = position_after(self._replicas, response.status_code)
            if position is not None:
                response.headers[READ_AFTER] = position
        return response

    async def _respond_or_fail(self, request: Request) -> Response:
        try:
            with self._timeouts():
                return await self._respond(request)
        except TimeoutError:
            return self._error_response(Unavailable("The request took too long. Try again."))
        except RequestError as error:
            return self._error_response(error)
        except RevisionConflict as conflict:
            return _json_response({"error": conflict.message}, 412, entity_tag(conflict.current_revision))
        except Rejected as rejected:
            name = rejected.field[0] if rejected.field else "non_field_errors"
            return _json_response({name: [rejected.message]}, _status(rejected.problem))

    async def _respond(self, request: Request) -> Response:
        origin = RequestOrigin(
            self._authenticator.proxies, request.scope.get("client"), request.scope["headers"], request.method
        )
        authorization = _raw_header(request, "authorization")
        principal = await self._authenticator.authenticate(authorization, source="rest", origin=origin)
        context = Context(self._services, principal, source="rest", origin=origin)
        try:
            return await self._execute(request, context)
        except RequestError as error:
            if _writes(request):
                context.log_refusal(error)
            raise

    async def _execute(self, request: Request, context: Context) -> Response:
        if context.principal is None:
            raise Unauthenticated
        if self._replicas is not None:  # documents are read from the primary: it is only checked
            read_after(_raw_header(request, READ_AFTER))
        parameters = _parameters(request)
        policy, principal = self._services.policy, context.principal
        policy.require_scope(principal, Scope.WRITE if _writes(request) else Scope.READ)
        access = await context.access(parameters["platform_key"], parameters.get("username"))
        preconditions = read_preconditions(request.headers)
        if not _writes(request):
            return _read_response(await context.document(access), preconditions)
        change, body = await self._change(request)
        key = _idempotency_key(request, body)
        result = await context.write(access, change, preconditions.allow_write, key)
        document = context.view(access, result.document)
        if request.method == "DELETE" or not policy.has_scope(principal, Scope.READ):
            response = Response(status_code=204, headers=_headers(entity_tag(document.revision)))
        else:
            response = _document_response(document)
        if result.replayed:
            response.headers["Idempotency-Replayed"] = "true"
        return response

    async def _change(self, request: Request) -> tuple[Change, object]:
        """The change to write, and the request body. Raises Rejected, MalformedBody or
        UnsupportedMediaType."""
        if request.method == "DELETE":
            return CLEAR, None
        body = await self._read_object(request)
        _check_fields(body, BODY_FIELDS[request.method])
        if request.method == "PUT":
            if "metadata" not in body:
                raise Rejected(Problem.METADATA_REQUIRED, "This field is required.", ("metadata",))
            return replace(body["metadata"], self._services.write_settings.limits), body
        if body.get("metadata") is None and body.get("delete_keys") is None:
            message = "Provide 'metadata' to update or 'delete_keys' to remove keys."
            raise Rejected(Problem.METADATA_REQUIRED, message, ())
        return patch(
            body.get("metadata"), body.get("delete_keys"), self._services.write_settings.limits
        ), body

    async def _read_object(self, request: Request) -> dict[str, Any]:
        content_type = _raw_header(request, "content-type")
        if essence(content_type) != JSON:
            raise UnsupportedMediaType(f"The content type must be {JSON}.")
        check_encoding(content_type, ", ".join(request.headers.getlist("content-encoding")).encode("latin-1"))
        content_length = _raw_header(request, "content-length")
        text = await read_body(request.receive, content_length, self._body_limit)
        try:
            body = parse_body(text, self._max_json_values)
        except strict_json.InvalidJson as error:
            raise MalformedBody(f"The body cannot be read. {error}") from None
        if not isinstance(body, dict):
            raise Rejected(Problem.INVALID_VALUE, "The body must be a JSON object.", ())
        return body

    def _error_response(self, error: RequestError) -> Response:
        """The field `detail` or `error` with the message: the REST contract defines which."""
        field = "detail" if error.status in (401, 415) or isinstance(error, MalformedBody) else "error"
        # The contract has one message for all requests without a valid token; the header has the reason.
        message = NO_CREDENTIALS if isinstance(error, Unauthenticated) else error.message
        response = _json_response({field: message}, error.status)
        response.headers.update(error_headers(error, "Token", self._metadata_url))
        return response


def _writes(request: Request) -> bool:
    return request.method not in ("GET", "HEAD")


def _status(problem: Problem) -> int:
    """The status for a write that was rejected."""
    if problem in SIZE_PROBLEMS:
        return 413
    return 409 if problem is Problem.IDEMPOTENCY_KEY_REUSED else 400


def _parameters(request: Request) -> dict[str, str]:
    """The query parameters; `platform_key` is among them. Raises BadUserInput."""
    parameters = known_parameters(request.scope["query_string"], PARAMETERS)
    if not parameters.get("platform_key"):
        raise BadUserInput("platform_key query parameter is required")
    if parameters.get("username") == "":  # a script has probably lost the name
        raise BadUserInput("The query parameter 'username' is empty. Leave it out, or name a user.")
    return parameters


def _raw_header(request: Request, header: str) -> bytes | None:
    value = request.headers.get(header)
    return None if value is None else value.encode("latin-1")


def _check_fields(body: dict[str, Any], allowed: Sequence[str]) -> None:
    """Raise Rejected for unknown fields, so that a misspelt field is not ignored."""
    for name in body:
        if name not in allowed:
            names = " and ".join(f"'{field}'" for field in allowed)
            raise Rejected(Problem.INVALID_KEY, f"Unknown field; the body has {names}.", (name,))


def _idempotency_key(request: Request, body: object) -> IdempotencyKey | None:
    """The header `Idempotency-Key`: a repeated request with the same key is executed once. Raises
    Rejected."""
    keys = request.headers.getlist("idempotency-key")
    if not keys:
        return None
    if len(keys) > 1:
        message = "The request has more than one Idempotency-Key header."
        raise Rejected(Problem.INVALID_KEY, message, ("idempotency_key",))
    conditions = [request.headers.getlist(name) for name in (IF_MATCH, IF_NONE_MATCH)]
    return idempotency.parse_key(keys[0], "rest", request.method, body, *conditions)


def _read_response(document: DocumentView, preconditions: Preconditions) -> Response:
    """Raises RevisionConflict or MalformedData."""
    if preconditions.is_stale(document.revision):
        raise RevisionConflict(document.revision)
    tag = _tag(document)
    if preconditions.is_cached(document.revision, tag):
        return Response(status_code=304, headers=_headers(tag))
    return _document_response(document)


def _document_response(document: DocumentView) -> Response:
    """Raises MalformedData."""
    tag = _tag(document)
    body = {
        "username": document.username,
        "platform_key": document.platform_key,
        "metadata": orjson.Fragment(str(document.metadata)),
        "created_at": None if document.created_at is None else rfc3339(document.created_at),
        "updated_at": None if document.updated_at is None else rfc3339(document.updated_at),
    }
    return _json_response(body, 200, tag)


def _tag(document: DocumentView) -> str:
    """Raises MalformedData. Entries with a validity window appear and expire without a new revision."""
    if isinstance(document.metadata, MalformedData):
        raise document.metadata
    return entity_tag(document.revision, document.metadata if document.is_conditional else None)


def _json_response(body: dict[str, Any], status: int, tag: str | None = None) -> Response:
    return Response(orjson.dumps(body), status, headers=_headers(tag), media_type=JSON)


def _headers(tag: str | None) -> dict[str, str]:
    headers = {"Cache-Control": "private, no-cache", "Vary": "Authorization"}
    return headers if tag is None else headers | {"ETag": tag}
