"""`/graphql` as server-sent events: the "distinct connections mode" of the protocol GraphQL over SSE.

See https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md. Why it is not Strawberry's:
docs/decisions/0016-own-transports-of-subscriptions.md.
"""

from functools import partial

import orjson
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from gql_service.errors import RequestError
from gql_service.services.context import Services
from gql_service.services.subscribers import Subscriber
from gql_service.settings import Settings
from gql_service.web.authentication import Authenticator
from gql_service.web.connection import HAND_OVER
from gql_service.web.content_negotiation import GRAPHQL_RESPONSE, JSON, negotiate
from gql_service.web.event_stream_protocol import EventStream
from gql_service.web.graphql import failure
from gql_service.web.graphql_parameters import Headers, Parameters, read_parameters
from gql_service.web.live_operations import LiveOperations
from gql_service.web.open_connections import OpenConnections
from gql_service.web.request import body_limit, read_body
from gql_service.web.request_head import one_value_each
from gql_service.web.request_origin import RequestOrigin

EVENT_STREAM = "text/event-stream"
_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),  # or nginx would hold events back
    (b"vary", b"Accept, Authorization"),
    (b"connection", b"close"),  # see `EventStream`
]


def wants_stream(accept: bytes | None) -> bool:
    """Whether a client names a stream, and prefers it to a plain response. urql, for one, lists it last."""
    if accept is None or EVENT_STREAM.encode() not in accept.lower():
        return False
    return negotiate(accept, (JSON, GRAPHQL_RESPONSE, EVENT_STREAM)) == EVENT_STREAM


class EventStreamOrGraphQL:
    """Answers with a stream to who prefers one, and passes all other requests to the GraphQL endpoint."""

    def __init__(
        self,
        graphql: ASGIApp,
        services: Services,
        authenticator: Authenticator,
        operations: LiveOperations,
        connections: OpenConnections,
    ) -> None:
        self._graphql = graphql
        self._services = services
        self._authenticator = authenticator
        self._operations = operations
        self._connections = connections

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = one_value_each(scope["headers"])
        if scope["method"] not in ("GET", "POST") or not wants_stream(headers.get(b"accept")):
            await self._graphql(scope, receive, send)
            return
        try:
            self._connections.check_open()
            subscriber, parameters = await self._read(scope, headers, receive)
        except RequestError as error:
            await _refuse(self._services.settings, error, send)
            return
        except ClientDisconnect:
            return
        results = self._operations.results(subscriber, parameters, may_write=scope["method"] == "POST")
        ping_interval = self._services.settings.subscription_ping_interval
        await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
        scope["extensions"][HAND_OVER](EventStream(subscriber, results, self._connections, ping_interval))

    async def _read(self, scope: Scope, headers: Headers, receive: Receive) -> tuple[Subscriber, Parameters]:
        """Raises RequestError or ClientDisconnect."""
        settings = self._services.settings
        origin = RequestOrigin(self._authenticator.proxies, scope.get("client"), scope["headers"])
        authorization = headers.get(b"authorization")
        subscriber = await self._authenticator.subscriber(self._services, authorization, origin)
        read = partial(read_body, receive, headers.get(b"content-length"))
        parameters = await read_parameters(
            scope["method"],
            scope["query_string"],
            headers,
            read,
            body_limit(settings),
            settings.max_json_values,
        )
        return subscriber, parameters


async def _refuse(settings: Settings, error: RequestError, send: Send) -> None:
    """A plain response: the request was not understood, or its sender is not known."""
    status, body, headers = failure(settings, error)
    content = orjson.dumps(body)
    lines = [
        (b"content-type", f"{GRAPHQL_RESPONSE}; charset=utf-8".encode()),
        (b"cache-control", b"no-store"),
        (b"content-length", b"%d" % len(content)),
        *headers,
    ]
    await send({"type": "http.response.start", "status": status, "headers": lines})
    await send({"type": "http.response.body", "body": content})
