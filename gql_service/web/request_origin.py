"""Where an HTTP request comes from, for the security log. Nothing is computed until it is needed."""

import re
import secrets

from gql_service.web.client_address import TrustedProxies
from gql_service.web.request_head import HeaderLines

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}")
"""What is accepted as `X-Request-Id`. Anybody may send one."""


class RequestOrigin:
    """See `observability.security_log.Origin`.

    Also a base of requests, which set the attributes themselves where another object would be too slow.
    """

    operation: str | None = None
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

    @property
    def address(self) -> str | None:
        """The IP address of the client, as far as proxies that are trusted name it."""
        return self._proxies.client_address(self._peer[0] if self._peer else None, self._lines)

    @property
    def request_id(self) -> str:
        """The first valid `X-Request-Id` of the request, or a random one."""
        if self._request_id is None:
            sent = (value for name, value in self._lines if name == b"x-request-id")
            valid = next((value.decode() for value in sent if _REQUEST_ID.fullmatch(value)), None)
            self._request_id = valid or secrets.token_hex(8)
        return self._request_id
