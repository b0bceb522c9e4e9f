"""Observing HTTP requests from their first to their last byte; see `observability.requests`.

A request is observed if the settings ask for it, or if it brings an id or a trace: these are then part of its
log lines, and its response has the header `X-Request-Id`.
"""

from collections.abc import Container, Coroutine
from time import perf_counter
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gql_service.observability.current_request import (
    CURRENT_REQUEST,
    RequestRecord,
    find_request_id,
    new_request_id,
    parse_trace_parent,
)
from gql_service.observability.requests import RequestObserver
from gql_service.observability.response import CLIENT_DISCONNECTED
from gql_service.web.graphql_parameters import Headers
from gql_service.web.request_head import HeaderLines, one_value_each
from gql_service.web.response import HttpResponse
from gql_service.web.shortcut import DirectRequest

REQUEST_ID = b"x-request-id"
ARRIVED = "gql_service.arrived"
"""In the scope of ASGI: when a request came, by `time.perf_counter`. It may have waited: see `web.waves`."""
_TRACE_PARENT = b"traceparent"


def brings_id(headers: Container[bytes]) -> bool:
    """Whether a request has an id or a trace."""
    return REQUEST_ID in headers or _TRACE_PARENT in headers


def begin(
    observer: RequestObserver, headers: Headers, lines: HeaderLines, arrived: float | None = None
) -> RequestRecord:
    """Begin to observe a request, in its own task. `headers` has one value of each of `lines`. `arrived` is
    when it came, by `time.perf_counter`, if that was not now."""
    request_id = find_request_id(lines) if REQUEST_ID in headers else None
    trace_parent = parse_trace_parent(headers[_TRACE_PARENT]) if _TRACE_PARENT in headers else None
    record = RequestRecord(request_id or new_request_id(), trace_parent, arrived or perf_counter())
    CURRENT_REQUEST.set(record)
    if observer.traces is not None:
        observer.traces.start(record)
    return record


class ObservedDirectRequest(DirectRequest):
    """A request without ASGI that is observed."""

    _record: RequestRecord

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._arrived = perf_counter()

    def respond(self, *_asgi: object) -> Coroutine[Any, Any, None]:
        """Called in the task of the request. A coroutine around the other would cost at each of its steps."""
        self._record = begin(self._endpoint.observer, self._headers, self._lines, self._arrived)
        self._record.endpoint = self._endpoint.name
        self._request_id = self._record.request_id
        return DirectRequest.respond(self)

    def _encode(self, response: HttpResponse, extra: bytes = b"") -> bytes:
        self._finish(response.status, len(response.body))
        request_id = self._record.request_id.encode()
        return DirectRequest._encode(self, response, b"x-request-id: %b\r\n" % request_id)

    def _abandon(self) -> None:
        self._finish(CLIENT_DISCONNECTED, 0)

    async def send_500_response(self) -> None:
        self._finish(500, 0)
        await super().send_500_response()

    def _finish(self, status: int, size: int) -> None:
        self._record.operation = self._endpoint.operation or self.graphql_operation_name
        # The next request of the connection may be started in this task.
        CURRENT_REQUEST.set(None)
        self._endpoint.observer.finish(self._record, "POST", self._endpoint.path, status, size)


class ObserveRequests:
    """The outermost middleware: observes what does not take the shortcut."""

    def __init__(self, app: ASGIApp, observer: RequestObserver) -> None:
        self._app = app
        self._observer = observer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = one_value_each(scope["headers"])
        if not self._observer.is_on and not brings_id(headers):
            await self._app(scope, receive, send)
            return
        record = begin(self._observer, headers, scope["headers"], scope.get(ARRIVED))
        status, size = CLIENT_DISCONNECTED, 0

        async def send_observed(message: Message) -> None:
            nonlocal status, size
            if message["type"] == "http.response.start":
                status = message["status"]
                lines = [*message.get("headers", ()), (REQUEST_ID, record.request_id.encode())]
                message = {**message, "headers": lines}
            else:
                size += len(message.get("body", b""))
                if not message.get("more_body"):
                    CURRENT_REQUEST.set(None)  # the next request may be started in this task
            await send(message)

        try:
            await self._app(scope, receive, send_observed)
        finally:
            self._observer.finish(record, scope["method"], scope["path"], status, size)
