"""`/graphql`: GraphQL over HTTP. See https://graphql.github.io/graphql-over-http/draft/."""

import asyncio
from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson
from graphql import ExecutionResult, GraphQLError, GraphQLSchema, OperationType
from starlette.requests import Request
from starlette.responses import Response

from gql_service import strict_json
from gql_service.engine.documents import Documents, InvalidDocument
from gql_service.engine.execute import execute
from gql_service.errors import BadUserInput, RequestError, ServiceError, Unavailable
from gql_service.observability.logging import report_unexpected
from gql_service.schema.context import Context, Services
from gql_service.settings import Settings
from gql_service.web.media_types import GRAPHQL_RESPONSE, JSON, essence, negotiate
from gql_service.web.request import (
    MethodNotAllowed,
    NotAcceptable,
    UnsupportedMediaType,
    authenticate,
    read_body,
)

PREFLIGHT_HEADERS = ("graphql-preflight", "x-requested-with", "apollo-require-preflight")
_MAX_MESSAGE = 1000
_OFFERS = (GRAPHQL_RESPONSE, JSON)


class Parameters(NamedTuple):
    """What a client asks for."""

    query: str
    operation_name: str | None
    variables: dict[str, Any] | None


class GraphQLEndpoint:
    """Reads a request, executes its operation, and writes the response."""

    def __init__(self, schema: GraphQLSchema, services: Services, settings: Settings) -> None:
        self._schema = schema
        self._services = services
        self._settings = settings
        self._documents = Documents(
            schema, max_tokens=settings.max_document_tokens, capacity=settings.max_cached_documents
        )

    async def __call__(self, request: Request) -> Response:
        media_type = negotiate(request.headers.get("accept"), _OFFERS)
        try:
            if media_type is None:
                raise NotAcceptable(f"The response is {GRAPHQL_RESPONSE} or {JSON}; accept one of them.")
            async with asyncio.timeout(self._settings.request_timeout):
                return await self._respond(request, media_type)
        except TimeoutError:
            error: ServiceError = Unavailable("The request took too long; ask for less, or try again.")
        except RequestError as refusal:
            error = refusal
        return _refusal(error, media_type or JSON)

    async def _respond(self, request: Request, media_type: str) -> Response:
        principal = await authenticate(request, self._services.loaders)
        parameters = await self._read(request)
        try:
            document = self._documents.get(parameters.query)
        except InvalidDocument as invalid:
            return _request_errors(invalid.errors, invalid.code, media_type)
        operation = document.operation_type(parameters.operation_name)
        if request.method != "POST" and operation not in (OperationType.QUERY, None):
            raise MethodNotAllowed("Only queries may be sent by GET; send this operation by POST.")
        result = await execute(
            self._schema,
            document.node,
            context_value=Context(self._services, principal),
            variable_values=parameters.variables,
            operation_name=parameters.operation_name,
        )
        return _result(result, media_type)

    async def _read(self, request: Request) -> Parameters:
        if request.method != "POST":
            given: Any = dict(request.query_params)
            for name in ("variables", "extensions"):
                if name in given:
                    given[name] = _json(given[name].encode(), f"`{name}`")
            return _parameters(given)
        content_type = essence(request.headers.get("content-type"))
        simple = content_type in (
            "",
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data",
        )
        if content_type != JSON and not (
            simple and any(header in request.headers for header in PREFLIGHT_HEADERS)
        ):
            raise UnsupportedMediaType(f"Send the request as {JSON}.")
        return _parameters(_json(await read_body(request, self._settings.max_body_size), "The body"))


def _json(text: bytes, what: str) -> Any:
    try:
        return strict_json.loads(text)
    except strict_json.InvalidJson as error:
        raise BadUserInput(f"{what} cannot be read. {error}") from None


def _parameters(given: Any) -> Parameters:
    if not isinstance(given, dict):
        raise BadUserInput("The body must be a JSON object with a `query`; batches are not supported.")
    query, name, variables = (given.get(key) for key in ("query", "operationName", "variables"))
    if not isinstance(query, str) or not query.strip():
        raise BadUserInput("`query` must be a string with a GraphQL document.")
    if name is not None and not isinstance(name, str):
        raise BadUserInput("`operationName` must be a string.")
    if variables is not None and not isinstance(variables, dict):
        raise BadUserInput("`variables` must be an object.")
    extensions = given.get("extensions")
    if extensions is not None and not isinstance(extensions, dict):
        raise BadUserInput("`extensions` must be an object.")
    return Parameters(query, name or None, variables)


def _result(result: ExecutionResult, media_type: str) -> Response:
    errors = result.errors or []
    if result.data is None and errors and not any(error.path for error in errors):
        return _request_errors(errors, BadUserInput.code, media_type)
    body: dict[str, Any] = {"data": result.data}
    if errors:
        body["errors"] = [_public(error) for error in errors]
    return _response(body, 200, media_type)


def _request_errors(errors: Sequence[GraphQLError], code: str, media_type: str) -> Response:
    """The operation was not executed. Clients of the older media type expect 200 all the same."""
    body = {"errors": [_public(error, code) for error in errors]}
    return _response(body, 400 if media_type == GRAPHQL_RESPONSE else 200, media_type)


def _refusal(error: ServiceError, media_type: str) -> Response:
    """The request is none of GraphQL over HTTP, or its caller is unknown: an error in either media type."""
    body = {"errors": [{"message": error.message, "extensions": {"code": error.code}}]}
    response = _response(body, error.status, media_type)
    if error.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    if error.status == 405:
        response.headers["Allow"] = "POST"
    if error.status == 503:
        response.headers["Retry-After"] = "1"
    return response


def _response(body: dict[str, Any], status: int, media_type: str) -> Response:
    return Response(
        orjson.dumps(body),
        status,
        headers={"Cache-Control": "no-store", "Vary": "Accept, Authorization"},
        media_type=f"{media_type}; charset=utf-8",
    )


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
        id = report_unexpected(original)
        formatted["message"] = f"Internal error; the operators find it by the id {id}."
        extensions = {"code": "INTERNAL", "id": id}
    return formatted | {"extensions": extensions}


def _shortened(message: str) -> str:
    """graphql-core quotes the input in each of its messages, which would multiply a large one."""
    return message if len(message) <= _MAX_MESSAGE else message[:_MAX_MESSAGE] + "…"
