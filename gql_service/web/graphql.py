"""`/graphql`: GraphQL over HTTP, see https://graphql.github.io/graphql-over-http/draft/."""

from collections.abc import Sequence
from functools import partial
from time import perf_counter
from typing import Any

import orjson
from graphql import ExecutionResult, GraphQLError, GraphQLSchema, OperationType
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from gql_service.engine.document.cache import (
    DocumentCache,
    GraphQLDocument,
    InvalidDocument,
)
from gql_service.engine.document.limits import DocumentLimits
from gql_service.engine.document.persisted import PersistedDocuments, Trust
from gql_service.engine.execution.execute import execute
from gql_service.errors import BadUserInput, RequestError, Unauthenticated, Unavailable
from gql_service.observability.current_request import CURRENT_REQUEST, Part, note_part
from gql_service.observability.logging import report
from gql_service.observability.requests import RequestObserver
from gql_service.services.context import Context, Services
from gql_service.services.response_size import limit_response, response_too_large
from gql_service.settings import Settings
from gql_service.store.database import Replicas
from gql_service.web.authentication import Authenticator
from gql_service.web.content_negotiation import GRAPHQL_RESPONSE, JSON, response_media_type
from gql_service.web.error_headers import error_headers
from gql_service.web.graphql_parameters import Headers, ReadBody, read_parameters
from gql_service.web.graphql_result import (
    Body,
    document_errors,
    masked_error,
    original_error,
    raise_unavailable,
    request_error,
    response_to,
)
from gql_service.web.introspection import IntrospectionAnswers, introspects
from gql_service.web.protected_resource import metadata_url
from gql_service.web.read_after import READ_AFTER, position_after, read_after
from gql_service.web.request import (
    MethodNotAllowed,
    NotAcceptable,
    anonymous_body_limit,
    body_limit,
    read_body,
)
from gql_service.web.request_head import one_value_each
from gql_service.web.request_origin import RequestOrigin
from gql_service.web.response import HeaderPairs, HttpResponse
from gql_service.web.timeouts import RequestTimeouts

_OFFERS = (GRAPHQL_RESPONSE, JSON)
_HEADERS = {
    offer: (
        (b"content-type", f"{offer}; charset=utf-8".encode()),
        (b"cache-control", b"no-store"),
        (b"vary", b"Accept, Authorization"),
    )
    for offer in _OFFERS
}
SUBSCRIPTION_OVER_HTTP = (
    "Subscriptions need a WebSocket (`graphql-transport-ws`), or the header `Accept: text/event-stream`."
)


class GraphQLEndpoint:
    """Reads a GraphQL request, executes its operation and returns the response.

    It is an ASGI application without Starlette's request and response objects, which take as long as a small
    query. `web/http_protocol.py` calls `respond` without ASGI, too.
    """

    name, path, operation = "graphql", "/graphql", None
    """See `shortcut.DirectEndpoint`."""

    def __init__(
        self,
        schema: GraphQLSchema,
        services: Services,
        settings: Settings,
        authenticator: Authenticator,
        observer: RequestObserver,
        trusted_documents: Sequence[str],
    ) -> None:
        self._schema = schema
        self._services = services
        self._replicas = services.lists.replicas
        self._authenticator = authenticator
        self.proxies = authenticator.proxies
        self.observer = observer
        self._run = _traced_execute if settings.tracing else execute
        self._body_limit = body_limit(settings)
        self._max_json_values = settings.max_json_values
        self._max_response_size = settings.max_response_size
        self._guards_introspection = settings.introspection == "authenticated"
        self._introspection_answers = IntrospectionAnswers()
        self._anonymous_body_limit = anonymous_body_limit(settings)
        self._timeouts = RequestTimeouts(settings.request_timeout)
        self._failure = partial(failure, settings)
        self.documents = DocumentCache(
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
        if settings.trusted_documents is not None:
            report("trusted documents were read", number=len(trusted_documents), trust=settings.trust)
        self.persisted_documents = PersistedDocuments(
            trusted_documents,
            Trust(settings.trust),
            settings.max_cached_documents,
            settings.max_document_cache_size,
            lambda hash: report("untrusted document", hash=hash),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = one_value_each(scope["headers"])
        read = partial(read_body, receive, headers.get(b"content-length"))
        origin = RequestOrigin(self.proxies, scope.get("client"), scope["headers"])
        response = await self.respond(scope["method"], scope["query_string"], headers, read, origin)
        if (record := CURRENT_REQUEST.get()) is not None:
            record.endpoint, record.operation = "graphql", origin.graphql_operation_name
        if response is not None:
            length = (b"content-length", b"%d" % len(response.body))
            start = {"type": "http.response.start", "status": response.status}
            await send(start | {"headers": [*response.headers, length]})
            await send({"type": "http.response.body", "body": response.body})

    async def respond(
        self, method: str, query_string: bytes, headers: Headers, read: ReadBody, origin: RequestOrigin
    ) -> HttpResponse | None:
        """The response; None if the client has disconnected. The body is read after authentication."""
        media_type = response_media_type(headers.get(b"accept"))
        extra: HeaderPairs = ()
        try:
            if method not in ("GET", "HEAD", "POST"):
                raise MethodNotAllowed("Use GET or POST.", "GET, HEAD, POST")
            if media_type is None:
                raise NotAcceptable(f"The `Accept` header must allow {GRAPHQL_RESPONSE} or {JSON}.")
            origin.timeout = self._timeouts()
            with origin.timeout:
                status, body = await self._execute(method, query_string, headers, read, origin, media_type)
        except ClientDisconnect:
            return None
        except TimeoutError:
            status, body, extra = self._failure(
                Unavailable("The request took too long. Request less, or try again.")
            )
        except RequestError as error:
            status, body, extra = self._failure(error)
        except Exception as exception:
            status, body = 500, {"errors": [masked_error(exception)]}
        content = orjson.dumps(body)
        if len(content) > self._max_response_size:
            status, body = request_error(response_too_large(self._max_response_size))
            content = orjson.dumps(body)
        if self._replicas is not None and origin.writes:
            extra += _position_after(self._replicas, status)
        return HttpResponse(status, _HEADERS[media_type or JSON] + extra, content)

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
        parameters = await read_parameters(method, query_string, headers, read, limit, self._max_json_values)
        try:
            text = self.persisted_documents.find_text(parameters.query, parameters.hash)
        except RequestError as error:
            status, body = request_error(error)
            return status if media_type == GRAPHQL_RESPONSE else 200, body
        if principal is None and self._guards_introspection and introspects(text):
            raise Unauthenticated
        try:
            document = self.documents.get(text)
        except InvalidDocument as invalid:
            return document_errors(invalid.errors, invalid.code, media_type)
        if parameters.query is not None and parameters.hash is not None:
            self.persisted_documents.register(parameters.hash, text)
        operation = origin.graphql_operation = document.operation(parameters.operation_name)
        is_read = operation is None or operation.node.operation is OperationType.QUERY
        if not is_read and operation and operation.node.operation is OperationType.SUBSCRIPTION:
            raise BadUserInput(SUBSCRIPTION_OVER_HTTP)
        if not is_read and method != "POST":
            raise MethodNotAllowed("Only queries may use GET. Use POST for this operation.", "POST")
        answer_key = (text, parameters.operation_name) if operation and operation.is_constant else None
        if answer_key and (answer := self._introspection_answers.get(answer_key)):
            return 200, {"data": orjson.Fragment(answer)}
        context = Context(self._services, principal, origin=origin)
        if self._replicas is not None:
            context.read_after = read_after(headers.get(b"x-read-after"))
            context.reads_primary = not is_read
            origin.writes = not is_read and principal is not None
        if operation and not is_read:
            origin.operation = operation.root_field_names
        limit_response(self._max_response_size)
        result = await self._run(
            self._schema,
            document,
            context_value=context,
            variable_values=parameters.variables,
            operation_name=parameters.operation_name,
        )
        if result.errors and not is_read:
            _log_refusals(context, result.errors)
        if answer_key and not result.errors:
            answer = orjson.dumps(result.data)
            self._introspection_answers.add(answer_key, answer)
            return 200, {"data": orjson.Fragment(answer)}
        if result.errors and (operation is None or is_read or operation.has_one_root_field):
            raise_unavailable(result.data, result.errors)
        return response_to(result, media_type)


def failure(settings: Settings, error: RequestError) -> tuple[int, Body, HeaderPairs]:
    """The status, the body and the headers for a request that fails as a whole."""
    headers = error_headers(error, "Bearer", metadata_url(settings)).items()
    return *request_error(error), tuple((name.lower().encode(), value.encode()) for name, value in headers)


async def _traced_execute(
    schema: GraphQLSchema, document: GraphQLDocument, *, operation_name: str | None, **parameters: Any
) -> ExecutionResult:
    """`execute`, with a part of its own in the trace of the request."""
    started = perf_counter()
    result = await execute(schema, document, operation_name=operation_name, **parameters)
    operation = document.operation(operation_name)
    kind = operation.node.operation.value if operation else "operation"
    name = operation.name if operation and operation.name else "anonymous"
    attributes: dict[str, str | int] = {"graphql.operation.type": kind, "graphql.operation.name": name}
    note_part(Part(f"{kind} {name}", started, perf_counter(), attributes))
    return result


def _position_after(replicas: Replicas, status: int) -> HeaderPairs:
    position = position_after(replicas, status)
    return () if position is None else ((READ_AFTER.lower().encode(), position.encode()),)


def _log_refusals(context: Context, errors: Sequence[GraphQLError]) -> None:
    """Put the mutations that were refused into the security log. Errors deeper in their results are reads."""
    for error in errors:
        original = original_error(error)
        if isinstance(original, RequestError) and len(error.path or ()) == 1:
            context.log_refusal(original)
