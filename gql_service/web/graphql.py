"""`/graphql`: GraphQL over HTTP, see https://graphql.github.io/graphql-over-http/draft/."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import orjson
from graphql import ExecutionResult, GraphQLError, GraphQLSchema, OperationType
from starlette.datastructures import QueryParams
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from gql_service import strict_json
from gql_service.engine.document.cache import DocumentCache, InvalidDocument
from gql_service.engine.document.limits import DocumentLimits
from gql_service.engine.document.persisted import PersistedDocuments, Trust, read_folder
from gql_service.engine.execution.execute import execute
from gql_service.errors import BadUserInput, RequestError, ServiceError, Unauthenticated, Unavailable
from gql_service.observability.logging import report, report_unexpected
from gql_service.quoting import shortened
from gql_service.services.context import Context, Services
from gql_service.services.response_size import limit_response, response_too_large
from gql_service.settings import Settings
from gql_service.web.authentication import Authenticator, challenge
from gql_service.web.content_negotiation import GRAPHQL_RESPONSE, JSON, essence, response_media_type
from gql_service.web.introspection import IntrospectionAnswers, introspects, is_constant
from gql_service.web.request import (
    BodyLimit,
    MethodNotAllowed,
    NotAcceptable,
    UnsupportedEncoding,
    UnsupportedMediaType,
    anonymous_body_limit,
    body_limit,
    check_encoding,
    parse_body,
    read_body,
)
from gql_service.web.request_origin import RequestOrigin
from gql_service.web.throttle import TooManyRequests
from gql_service.web.timeouts import RequestTimeouts

INTERNAL = "INTERNAL"
"""The error code of unexpected exceptions."""
PREFLIGHT_HEADERS = ("graphql-preflight", "x-requested-with", "apollo-require-preflight")
"""A POST without a JSON content type needs one of these: a browser only sends them after a CORS preflight."""
_MAX_MESSAGE_LENGTH = 1000
_OFFERS = (GRAPHQL_RESPONSE, JSON)
_DOCUMENT_ID_PREFIX = "sha256:"
"""See "Persisted Documents" in the specification."""
_SIMPLE_TYPES = ("", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data")
_HEADERS = {
    offer: (
        (b"content-type", f"{offer}; charset=utf-8".encode()),
        (b"cache-control", b"no-store"),
        (b"vary", b"Accept, Authorization"),
    )
    for offer in _OFFERS
}
_EXTRA_HEADERS = {
    503: ((b"retry-after", b"1"),),
}

Headers = dict[bytes, bytes]
"""The first value of each header, by its name in lower case."""
ReadBody = Callable[[BodyLimit], Awaitable[bytes]]
"""Called with the maximum size. Raises LimitExceeded or ClientDisconnect."""
Body = dict[str, Any]
"""The response, before it is encoded as JSON."""


class Parameters(NamedTuple):
    """The parameters of a GraphQL request, checked."""

    query: str | None
    hash: str | None
    """The SHA-256 of a persisted document, in hexadecimal."""
    operation_name: str | None
    variables: dict[str, Any] | None


class GraphQLResponse(NamedTuple):
    """An HTTP response. `headers` lacks the content length, so few different values occur, which are
    cached."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes


class GraphQLEndpoint:
    """Reads a GraphQL request, executes its operation and returns the response.

    It is an ASGI application without Starlette's request and response objects, which take as long as a small
    query. `web/http_protocol.py` calls `respond` without ASGI, too.
    """

    def __init__(
        self,
        schema: GraphQLSchema,
        services: Services,
        settings: Settings,
        authenticator: Authenticator,
    ) -> None:
        self._schema = schema
        self._services = services
        self._authenticator = authenticator
        self.proxies = authenticator.proxies
        self._body_limit = body_limit(settings)
        self._max_json_values = settings.max_json_values
        self._max_response_size = settings.max_response_size
        self._guards_introspection = settings.introspection == "authenticated"
        self._introspection_answers = IntrospectionAnswers()
        self._anonymous_body_limit = anonymous_body_limit(settings)
        self._timeouts = RequestTimeouts(settings.request_timeout)
        self._documents = DocumentCache(
            schema,
            max_tokens=settings.max_document_tokens,
            limits=DocumentLimits(
                length=settings.max_document_length,
                depth=settings.max_document_depth,
                aliases=settings.max_document_aliases,
                root_fields=settings.max_root_fields,
                fields=settings.max_document_fields,
                cost=settings.max_document_cost,
                entities_cost=settings.max_entities_cost,
            ),
            capacity=settings.max_cached_documents,
            max_size=settings.max_document_cache_size,
        )
        folder = settings.trusted_documents
        self._persisted_documents = PersistedDocuments(
            read_folder(folder) if folder else {},
            Trust(settings.trust),
            settings.max_cached_documents,
            settings.max_document_cache_size,
            lambda hash: report("untrusted document", hash=hash),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(reversed(scope["headers"]))
        read = partial(read_body, receive, headers.get(b"content-length"))
        origin = RequestOrigin(self.proxies, scope.get("client"), scope["headers"])
        response = await self.respond(scope["method"], scope["query_string"], headers, read, origin)
        if response is not None:
            length = (b"content-length", b"%d" % len(response.body))
            start = {"type": "http.response.start", "status": response.status}
            await send(start | {"headers": [*response.headers, length]})
            await send({"type": "http.response.body", "body": response.body})

    async def respond(
        self, method: str, query_string: bytes, headers: Headers, read: ReadBody, origin: RequestOrigin
    ) -> GraphQLResponse | None:
        """The response; None if the client has disconnected. The body is read after authentication."""
        media_type = response_media_type(headers.get(b"accept"))
        extra: tuple[tuple[bytes, bytes], ...] = ()
        try:
            if method not in ("GET", "HEAD", "POST"):
                raise MethodNotAllowed("Use GET or POST.", "GET, HEAD, POST")
            if media_type is None:
                raise NotAcceptable(f"The `Accept` header must allow {GRAPHQL_RESPONSE} or {JSON}.")
            with self._timeouts():
                status, body = await self._execute(method, query_string, headers, read, origin, media_type)
        except TimeoutError:
            status, body = _request_error(
                Unavailable("The request took too long. Request less, or try again.")
            )
        except MethodNotAllowed as error:
            status, body = _request_error(error)
            extra = ((b"allow", error.allow.encode()),)
        except Unauthenticated as error:
            status, body = _request_error(error)
            extra = ((b"www-authenticate", challenge("Bearer", error).encode()),)
        except TooManyRequests as error:
            status, body = _request_error(error)
            extra = ((b"retry-after", b"%d" % error.seconds),)
        except UnsupportedEncoding as error:
            status, body = _request_error(error)
            extra = ((b"accept-encoding", b"identity"),)
        except RequestError as error:
            status, body = _request_error(error)
        except ClientDisconnect:
            return None
        except Exception as exception:
            status, body = 500, {"errors": [_masked_error(exception)]}
        if status != 200:
            extra += _EXTRA_HEADERS.get(status, ())
        content = orjson.dumps(body)
        if len(content) > self._max_response_size:
            status, body = _request_error(response_too_large(self._max_response_size))
            content = orjson.dumps(body)
        return GraphQLResponse(status, _HEADERS[media_type or JSON] + extra, content)

    async def _execute(
        self,
        method: str,
        query_string: bytes,
        headers: Headers,
        read: ReadBody,
        origin: RequestOrigin,
        media_type: str,
    ) -> tuple[int, Body]:
        principal = await self._authenticator.authenticate(
            headers.get(b"authorization"), source="graphql", origin=origin
        )
        limit = self._anonymous_body_limit if principal is None else self._body_limit
        parameters = await self._read(method, query_string, headers, read, limit)
        try:
            text = self._persisted_documents.find_text(parameters.query, parameters.hash)
        except RequestError as error:
            status, body = _request_error(error)
            return status if media_type == GRAPHQL_RESPONSE else 200, body
        if principal is None and self._guards_introspection and introspects(text):
            raise Unauthenticated
        answer_key = text, parameters.operation_name
        answer = self._introspection_answers.get(answer_key)
        if answer is not None:
            return 200, {"data": orjson.Fragment(answer)}
        try:
            document = self._documents.get(text)
        except InvalidDocument as invalid:
            return _document_errors(invalid.errors, invalid.code, media_type)
        if parameters.query is not None and parameters.hash is not None:
            self._persisted_documents.register(parameters.hash, text)
        operation = document.operation(parameters.operation_name)
        is_query = operation is None or operation.node.operation is OperationType.QUERY
        if operation is not None and not is_query:
            if method != "POST":
                raise MethodNotAllowed("Only queries may use GET. Use POST for this operation.", "POST")
            origin.operation = operation.root_field_names
        context = Context(self._services, principal, origin=origin)
        limit_response(self._max_response_size)
        result = await execute(
            self._schema,
            document,
            context_value=context,
            variable_values=parameters.variables,
            operation_name=parameters.operation_name,
        )
        if not is_query and result.errors:
            _log_refusals(context, result.errors)
        if operation and not result.errors and is_constant(operation):
            self._introspection_answers.add(answer_key, orjson.dumps(result.data))
        return _result(result, media_type)

    async def _read(
        self, method: str, query_string: bytes, headers: Headers, read: ReadBody, limit: BodyLimit
    ) -> Parameters:
        if method != "POST":
            # Clients and forms send parameters without a value; these are as if absent.
            query_parameters: Any = {
                name: value for name, value in QueryParams(query_string).items() if value
            }
            for name in ("variables", "extensions"):
                if name in query_parameters:
                    query_parameters[name] = _parse_json(
                        query_parameters[name].encode(), f"`{name}`", self._max_json_values
                    )
            return _check_parameters(query_parameters)
        content_type = headers.get(b"content-type")
        if content_type != b"application/json" or b"content-encoding" in headers:
            _check_content_type(content_type, headers)
            check_encoding(content_type, headers.get(b"content-encoding"))
        return _check_parameters(_parse_json(await read(limit), "The body", self._max_json_values))


def _log_refusals(context: Context, errors: Sequence[GraphQLError]) -> None:
    """Put the mutations that were refused into the security log. Errors deeper in their results are reads."""
    for error in errors:
        original = _original_error(error)
        if isinstance(original, RequestError) and len(error.path or ()) == 1:
            context.log_refusal(original)


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


def _check_parameters(parameters: Any) -> Parameters:
    """Raises BadUserInput."""
    if isinstance(parameters, list):
        raise BadUserInput("Batches (JSON arrays) are not supported. Send one operation in each request.")
    if not isinstance(parameters, dict):
        raise BadUserInput("The body must be a JSON object with a `query`.")
    query, variables = parameters.get("query"), parameters.get("variables")
    name, extensions = parameters.get("operationName"), parameters.get("extensions")
    if extensions is not None and not isinstance(extensions, dict):
        raise BadUserInput("`extensions` must be an object.")
    hash = _document_hash(parameters.get("documentId"), extensions or {})
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


def _result(result: ExecutionResult, media_type: str) -> tuple[int, Body]:
    """The status and the body for the result of an operation."""
    errors = result.errors
    if not errors:
        return 200, {"data": result.data}
    if result.data is None and not any(error.path for error in errors):
        return _document_errors(errors, BadUserInput.code, media_type)
    return 200, {"data": result.data, "errors": [_public_error(error) for error in errors]}


def _document_errors(errors: Sequence[GraphQLError], code: str, media_type: str) -> tuple[int, Body]:
    """For operations that were not executed. Clients that accept only the older media type expect 200."""
    body = {"errors": [_public_error(error, code) for error in errors]}
    return 400 if media_type == GRAPHQL_RESPONSE else 200, body


def _request_error(error: ServiceError) -> tuple[int, Body]:
    """For requests that fail before their document is found: the status is an error in either media type."""
    return error.status, {"errors": [{"message": error.message, "extensions": {"code": error.code}}]}


def _public_error(error: GraphQLError, code: str = BadUserInput.code) -> dict[str, Any]:
    """An error as the client may see it. Unexpected exceptions are logged and masked."""
    original = _original_error(error)
    formatted: dict[str, Any] = dict(error.formatted)
    formatted["message"] = _truncated(error.message)
    if original is None:
        extensions: dict[str, Any] = {"code": code}
    elif isinstance(original, ServiceError):
        formatted["message"] = original.message
        extensions = {"code": original.code}
    else:
        return formatted | _masked_error(original)
    return formatted | {"extensions": extensions}


def _original_error(error: GraphQLError) -> BaseException | None:
    """The exception of a resolver that an error reports; None for errors of the document."""
    original: BaseException | None = error
    while isinstance(original, GraphQLError):
        original = original.original_error
    return original


def _masked_error(error: BaseException) -> dict[str, Any]:
    id = report_unexpected(error)
    message = f"Internal error. Report this id to the operators: {id}"
    return {"message": message, "extensions": {"code": INTERNAL, "id": id}}


def _truncated(message: str) -> str:
    """Messages of graphql-core quote the input; a large input would be repeated in each of them."""
    return shortened(message, _MAX_MESSAGE_LENGTH)
