"""Where an HTTP request comes from, for the security log. Nothing is computed until it is needed."""

from typing import Protocol

from gql_service.observability.current_request import CURRENT_REQUEST, find_request_id, new_request_id
from gql_service.web.client_address import TrustedProxies
from gql_service.web.request_head import HeaderLines
from gql_service.web.timeouts import RequestTimeout


class NamedOperation(Protocol):
    """A GraphQL operation."""

    @property
    def name(self) -> str | None:
        """The name that its client has given it."""


class RequestOrigin:
    """See `observability.security_log.Origin`.

    Also a base of requests, which set the attributes themselves where another object would be too slow.
    """

    operation: str | None = None
    graphql_operation: NamedOperation | None = None
    """The GraphQL operation of the request, once it is known."""
    writes = False
    """Whether the request may write, where there are replicas."""
    timeout: RequestTimeout | None = None
    """The timeout of the request, once it has begun."""
    _request_id: str | None = None

    def __init__(
        self,
        proxies: TrustedProxies,
        peer: tuple[str, int] | None,
        lines: HeaderLines,
        operation: str | None = None,
    ) -> None:
        """`peer` is the host and port of the other end of the connection; None for a Unix socket."""
        self._proxies = proxies
        self._peer = peer
        self._lines = lines
        self.operation = operation
        record = CURRENT_REQUEST.get()
        if record is not None:
            self._request_id = record.request_id

    @property
    def graphql_operation_name(self) -> str | None:
        """The name of the GraphQL operation, as far as it has one."""
        return None if self.graphql_operation is None else self.graphql_operation.name

    @property
    def address(self) -> str | None:
        """The IP address of the client, as far as proxies that are trusted name it."""
        return self._proxies.client_address(self._peer[0] if self._peer else None, self._lines)

    @property
    def request_id(self) -> str:
        """The first valid `X-Request-Id` of the request, or a random one."""
        if self._request_id is None:
            self._request_id = find_request_id(self._lines) or new_request_id()
        return self._request_id
