"""`/graphql`: GraphQL over HTTP. See https://graphql.github.io/graphql-over-http/draft/."""

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
from gql_service.errors import BadUserInput, RequestError, ServiceError, Unavailable
from gql_service.observability.logging import report, report_unexpected
from gql_service.services.context import Context, Services
from gql_service.settings import Settings
from gql_service.web.content_negotiation import GRAPHQL_RESPONSE, JSON, essence, negotiate
from gql_service.web.request import (
    MethodNotAllowed,
    NotAcceptable,
    UnsupportedMediaType,
    authenticate,
    read_body,
)
from gql_service.web.timeouts import RequestTimeouts

PREFLIGHT_HEADERS = ("graphql-preflight", "x-requested-with", "apollo-require-preflight")
_MAX_MESSAGE = 1000
_OFFERS = (GRAPHQL_RESPONSE, JSON)
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
    401: ((b"www-authenticate", b"Bearer"),),
    503: ((b"retry-after", b"1"),),
}

Headers = dict[bytes, bytes]
"""The first value of each, by its name in lower case."""
ReadBody = Callable[[int], Awaitable[bytes]]
"""Gives the body, if it has no more bytes than that. Raises LimitExceeded or ClientDisconnect."""
Body = dict[str, Any]


class Parameters(NamedTuple):
    """What a client asks for."""

    query: str | None
    hash: str | None
    operation_name: str | None
    variables: dict[str, Any] | None


class GraphQLAnswer(NamedTuple):
    """A response but for its length; there are few different headers."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes


class GraphQLEndpoint:
    """Reads a request, executes its operation, and says what to answer.

    Also a plain ASGI application: Starlette's request and response objects cost as much as a small query.
    """

    def __init__(self, schema: GraphQLSchema, services: Services, settings: Settings) -> None:
        self._schema = schema
        self._services = services
        self._settings = settings
        self._deadlines = RequestTimeouts(settings.request_timeout)
        self._documents = DocumentCache(
            schema,
            max_tokens=settings.max_document_tokens,
            limits=DocumentLimits(
                depth=settings.max_document_depth,
                aliases=settings.max_document_aliases,
                root_fields=settings.max_root_fields,
                fields=settings.max_document_fields,
                cost=settings.max_document_cost,
            ),
            capacity=settings.max_cached_documents,
        )
        folder = settings.trusted_documents
        self._known = PersistedDocuments(
            read_folder(folder) if folder else {},
            Trust(settings.trust),
            settings.max_cached_documents,
            lambda hash: report("untrusted document", hash=hash),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(reversed(scope["headers"]))
        read = partial(read_body, receive, headers.get(b"content-length"))
        answer = await self.answer(scope["method"], scope["query_string"], headers, read)
        if answer is not None:
            length = (b"content-length", b"%d" % len(answer.body))
            head = {"type": "http.response.start", "status": answer.status}
            await send(head | {"headers": [*answer.headers, length]})
            await send({"type": "http.response.body", "body": answer.body})

    async def answer(
        self, method: str, query_string: bytes, headers: Headers, read: ReadBody
    ) -> GraphQLAnswer | None:
        """The response; None where the client has gone. The body is read once the caller is known."""
        media_type = negotiate(headers.get(b"accept"), _OFFERS)
        extra: tuple[tuple[bytes, bytes], ...] = ()
        try:
            if method not in ("GET", "HEAD", "POST"):
                raise MethodNotAllowed("Send queries by GET or POST.", "GET, HEAD, POST")
            if media_type is None:
                raise NotAcceptable(f"The response is {GRAPHQL_RESPONSE} or {JSON}; accept one of them.")
            with self._deadlines():
                status, body = await self._answer(method, query_string, headers, read, media_type)
        except TimeoutError:
            status, body = _refused(Unavailable("The request took too long; ask for less, or try again."))
        except MethodNotAllowed as refusal:
            status, body = _refused(refusal)
            extra = ((b"allow", refusal.allow.encode()),)
        except RequestError as refusal:
            status, body = _refused(refusal)
        except ClientDisconnect:
            return None
        except Exception as error:
            status, body = 500, {"errors": [_masked(error)]}
        if status != 200:
            extra += _EXTRA_HEADERS.get(status, ())
        return GraphQLAnswer(status, _HEADERS[media_type or JSON] + extra, orjson.dumps(body))

    async def _answer(
        self, method: str, query_string: bytes, headers: Headers, read: ReadBody, media_type: str
    ) -> tuple[int, Body]:
        principal = await authenticate(headers.get(b"authorization"), self._services.loaders)
        parameters = await self._read(method, query_string, headers, read)
        try:
            document = self._documents.get(self._known.find_text(parameters.query, parameters.hash))
        except InvalidDocument as invalid:
            return _request_errors(invalid.errors, invalid.code, media_type)
        operation = document.operation(parameters.operation_name)
        if method != "POST" and operation and operation.node.operation is not OperationType.QUERY:
            raise MethodNotAllowed("Only queries may be sent by GET; send this operation by POST.", "POST")
        result = await execute(
            self._schema,
            document,
            context_value=Context(self._services, principal),
            variable_values=parameters.variables,
            operation_name=parameters.operation_name,
        )
        return _result(result, media_type)

    async def _read(self, method: str, query_string: bytes, headers: Headers, read: ReadBody) -> Parameters:
        if method != "POST":
            given: Any = dict(QueryParams(query_string))
            for name in ("variables", "extensions"):
                if name in given:
                    given[name] = _json(given[name].encode(), f"`{name}`")
            return _parameters(given)
        content_type = headers.get(b"content-type")
        if content_type != b"application/json" and essence(content_type) != JSON:
            simple = essence(content_type) in _SIMPLE_TYPES
            if not (simple and any(name.encode() in headers for name in PREFLIGHT_HEADERS)):
                raise UnsupportedMediaType(f"Send the request as {JSON}.")
        return _parameters(_json(await read(self._settings.max_body_size), "The body"))


def _json(text: bytes, what: str) -> Any:
    try:
        return strict_json.loads(text)
    except strict_json.InvalidJson as error:
        raise BadUserInput(f"{what} cannot be read. {error}") from None


def _parameters(given: Any) -> Parameters:
    if not isinstance(given, dict):
        raise BadUserInput("The body must be a JSON object with a `query`; batches are not supported.")
    query, name, variables = given.get("query"), given.get("operationName"), given.get("variables")
    extensions = given.get("extensions")
    if extensions is not None and not isinstance(extensions, dict):
        raise BadUserInput("`extensions` must be an object.")
    hash = _hash(extensions) if extensions else None
    if not (query is None and hash) and (not isinstance(query, str) or not query or query.isspace()):
        raise BadUserInput("`query` must be a string with a GraphQL document.")
    if name is not None and not isinstance(name, str):
        raise BadUserInput("`operationName` must be a string.")
    if variables is not None and not isinstance(variables, dict):
        raise BadUserInput("`variables` must be an object.")
    return Parameters(query, hash, name or None, variables)


def _hash(extensions: dict[str, Any]) -> str | None:
    """The hash of an automatic persisted query."""
    persisted = extensions.get("persistedQuery")
    if persisted is None:
        return None
    hash = persisted.get("sha256Hash") if isinstance(persisted, dict) else None
    if not isinstance(hash, str) or persisted.get("version") != 1:
        raise BadUserInput("`persistedQuery` is an object with `version` 1 and a `sha256Hash`.")
    return hash.lower()


def _result(result: ExecutionResult, media_type: str) -> tuple[int, Body]:
    errors = result.errors
    if not errors:
        return 200, {"data": result.data}
    if result.data is None and not any(error.path for error in errors):
        return _request_errors(errors, BadUserInput.code, media_type)
    return 200, {"data": result.data, "errors": [_public(error) for error in errors]}


def _request_errors(errors: Sequence[GraphQLError], code: str, media_type: str) -> tuple[int, Body]:
    """The operation was not executed. Clients of the older media type expect 200 all the same."""
    body = {"errors": [_public(error, code) for error in errors]}
    return 400 if media_type == GRAPHQL_RESPONSE else 200, body


def _refused(error: ServiceError) -> tuple[int, Body]:
    """The request is none of GraphQL over HTTP, or its caller is unknown: an error in either media type."""
    return error.status, {"errors": [{"message": error.message, "extensions": {"code": error.code}}]}


def _public(error: GraphQLError, code: str = BadUserInput.code) -> dict[str, Any]:
    """An error as the client may see it: what nobody expected is logged and masked."""
    original: BaseException | None = error
    while isinstance(original, GraphQLError):
        original = original.original_error
    formatted: dict[str, Any] = dict(error.formatted)
    formatted["message"] = _shortened(error.message)
    if original is None:
        extensions: dict[str, Any] = {"code": code}
    elif isinstance(original, ServiceError):
        formatted["message"] = original.message
        extensions = {"code": original.code}
    else:
        return formatted | _masked(original)
    return formatted | {"extensions": extensions}


def _masked(error: BaseException) -> dict[str, Any]:
    id = report_unexpected(error)
    message = f"Internal error; the operators find it by the id {id}."
    return {"message": message, "extensions": {"code": "INTERNAL", "id": id}}


def _shortened(message: str) -> str:
    """graphql-core quotes the input in each of its messages, which would multiply a large one."""
    return message if len(message) <= _MAX_MESSAGE else message[:_MAX_MESSAGE] + "…"
