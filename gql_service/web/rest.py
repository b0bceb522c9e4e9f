"""The REST façade: `/api/core/users/platform-metadata/`, over the same functions as GraphQL."""

from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from gql_service import strict_json
from gql_service.domain.documents.visibility import DocumentView
from gql_service.domain.writes import idempotency
from gql_service.domain.writes.changes import CLEAR, Change, patch, replace
from gql_service.domain.writes.idempotency import IdempotencyKey
from gql_service.domain.writes.unit_of_work import Precondition
from gql_service.errors import (
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
from gql_service.services.context import Context, Services
from gql_service.settings import Settings
from gql_service.web.content_negotiation import JSON, essence
from gql_service.web.request import MalformedBody, UnsupportedMediaType, authenticate, read_body
from gql_service.web.timeouts import RequestTimeouts

PATH = "/api/core/users/platform-metadata/"
METHODS = ("GET", "PATCH", "PUT", "DELETE")


class RestEndpoint:
    """One resource: the metadata of a user on a platform."""

    def __init__(self, services: Services, settings: Settings) -> None:
        self._services = services
        self._settings = settings
        self._deadlines = RequestTimeouts(settings.request_timeout)

    async def __call__(self, request: Request) -> Response:
        try:
            with self._deadlines():
                return await self._respond(request)
        except TimeoutError:
            return _refusal(Unavailable("The request took too long; try again."))
        except RequestError as error:
            return _refusal(error)
        except RevisionConflict as conflict:
            return _json({"error": conflict.message}, 412, conflict.current_revision)
        except Rejected as rejected:
            name = rejected.field[0] if rejected.field else "non_field_errors"
            return _json({name: [rejected.message]}, 413 if rejected.problem in SIZE_PROBLEMS else 400)

    async def _respond(self, request: Request) -> Response:
        context = Context(
            self._services,
            await authenticate(_raw(request, "authorization"), self._services.loaders),
            source="rest",
        )
        if context.principal is None:
            raise Unauthenticated
        platform_key = request.query_params.get("platform_key")
        if not platform_key:
            raise BadUserInput("platform_key query parameter is required")
        access = await context.access(platform_key, request.query_params.get("username"))
        if request.method in ("GET", "HEAD"):
            document = await context.document(access)
            match, none_match = _tags(request, "if-match"), _tags(request, "if-none-match")
            if match is not None and not _names(match, document.revision, weak=False):
                raise RevisionConflict(document.revision)
            # What is to be seen of a conditional document changes with time, too.
            if _names(none_match, document.revision, weak=True) and not document.is_conditional:
                return Response(status_code=304, headers=_headers(document.revision))
            return _document(document)
        change, body = await self._change(request)
        written = await context.write(access, change, _precondition(request), _once(request, body))
        document = context.view(access, written.document)
        if request.method == "DELETE":
            response = Response(status_code=204, headers=_headers(document.revision))
        else:
            response = _document(document)
        if written.replayed:
            response.headers["Idempotency-Replayed"] = "true"
        return response

    async def _change(self, request: Request) -> tuple[Change, object]:
        """What to write, and the body that says so."""
        if request.method == "DELETE":
            return CLEAR, None
        body = await self._read(request)
        if request.method == "PUT":
            _check_fields(body, {"metadata"})
            if "metadata" not in body:
                raise Rejected(Problem.METADATA_REQUIRED, "This field is required.", ("metadata",))
            return replace(body["metadata"], self._services.rules.limits), body
        _check_fields(body, {"metadata", "delete_keys"})
        return patch(body.get("metadata"), body.get("delete_keys"), self._services.rules.limits), body

    async def _read(self, request: Request) -> dict[str, Any]:
        text = await read_body(request.receive, _raw(request, "content-length"), self._settings.max_body_size)
        if essence(_raw(request, "content-type")) != JSON:
            raise UnsupportedMediaType(f"Send the body as {JSON}.")
        try:
            body = strict_json.loads(text)
        except strict_json.InvalidJson as error:
            raise MalformedBody(f"The body cannot be read. {error}") from None
        if not isinstance(body, dict):
            raise Rejected(Problem.INVALID_VALUE, "The body must be a JSON object.", ())
        return body


def _raw(request: Request, header: str) -> bytes | None:
    value = request.headers.get(header)
    return None if value is None else value.encode("latin-1")


def _check_fields(body: dict[str, Any], known: set[str]) -> None:
    """A misspelt field must not pass for an absent one."""
    for name in body:
        if name not in known:
            names = " and ".join(f"'{field}'" for field in sorted(known, reverse=True))
            raise Rejected(Problem.INVALID_KEY, f"Unknown field; the body has {names}.", (name,))


def _precondition(request: Request) -> Precondition:
    """`If-Match` and `If-None-Match` of RFC 9110, where the entity tag is the revision."""
    match, none_match = _tags(request, "if-match"), _tags(request, "if-none-match")

    def holds(revision: int) -> bool:
        if match is not None and not _names(match, revision, weak=False):
            return False
        return none_match is None or not _names(none_match, revision, weak=True)

    return holds


def _once(request: Request, body: object) -> IdempotencyKey | None:
    """The header `Idempotency-Key`: the same request under the same key is done once. Raises Rejected."""
    key = request.headers.get("idempotency-key")
    if key is None:
        return None
    conditions = [request.headers.getlist(name) for name in ("if-match", "if-none-match")]
    return idempotency.parse_key(key, "rest", request.method, body, *conditions)


def _tags(request: Request, header: str) -> set[str] | None:
    """The list in a header, which may be spread over several lines; None where there is no such header.

    Tags of ours contain no comma, so it does not matter that those of others are torn apart at theirs.
    """
    lines = request.headers.getlist(header)
    return {tag.strip() for line in lines for tag in line.split(",")} if lines else None


def _names(tags: set[str] | None, revision: int, *, weak: bool) -> bool:
    """Whether a list of entity tags names a revision; `*` names any that was ever written."""
    if tags is None:
        return False
    if tags == {"*"}:
        return revision > 0
    return f'"{revision}"' in tags or (weak and f'W/"{revision}"' in tags)


def _document(document: DocumentView) -> Response:
    """Raises MalformedData."""
    if isinstance(document.metadata, MalformedData):
        raise document.metadata
    body = {
        "username": document.username,
        "platform_key": document.platform_key,
        "metadata": orjson.Fragment(document.metadata),
        "created_at": None if document.created_at is None else rfc3339(document.created_at),
        "updated_at": None if document.updated_at is None else rfc3339(document.updated_at),
    }
    return _json(body, 200, document.revision)


def _refusal(error: RequestError) -> Response:
    named = "detail" if error.status in (401, 415) or isinstance(error, MalformedBody) else "error"
    response = _json({named: error.message}, error.status)
    if error.status == 401:
        response.headers["WWW-Authenticate"] = "Token"
    if error.status == 503:
        response.headers["Retry-After"] = "1"
    return response


def _json(body: dict[str, Any], status: int, revision: int | None = None) -> Response:
    return Response(orjson.dumps(body), status, headers=_headers(revision), media_type=JSON)


def _headers(revision: int | None) -> dict[str, str]:
    headers = {"Cache-Control": "private, no-cache", "Vary": "Authorization"}
    return headers if revision is None else headers | {"ETag": f'"{revision}"'}
