"""Sends one webhook: signs its body, and reads as much of the response as is kept."""

import asyncio
import ssl
from collections.abc import AsyncIterable, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import NamedTuple

import httpcore
from standardwebhooks import Webhook as Signer

from gql_service.domain.webhooks.deliveries import MAX_RESPONSE
from gql_service.domain.webhooks.destinations import AllowedNetworks, Destination, NotAllowed, parse
from gql_service.domain.webhooks.message import Message
from gql_service.services.webhook_connection import CheckedBackend, HostNotFound, TlsFailed

_TIMEOUT = 15.0
"""Seconds until the status of the response must have come, the resolution of the name included."""
_BODY_TIMEOUT = 2.0
"""Seconds for the body after that: the status decides, the body is only kept to look at."""
_USER_AGENT = "gql-service-webhooks/1"
_MAX_HEADER = 64
"""Characters of a `Retry-After` that is read."""


class Response(NamedTuple):
    """What came back."""

    status: int | None = None
    text: str | None = None
    error: str | None = None
    """Why it is a failure, as a code."""
    retry_after: int = 0
    """Milliseconds."""


class WebhookSender:
    """Sends webhooks. It follows no redirects, uses no proxy, and has a connection for each request."""

    def __init__(self, networks: AllowedNetworks) -> None:
        self._networks = networks
        self._ssl_context = ssl.create_default_context()

    async def send(self, url: str, message: Message, secrets: Sequence[str], now: int) -> Response:
        """Send a message. Never raises, except when it is cancelled."""
        try:
            return await self._send(parse(url), message, secrets, now)
        except (TimeoutError, httpcore.TimeoutException):
            return Response(error="TIMEOUT")
        except NotAllowed:
            return Response(error="ADDRESS_NOT_ALLOWED")
        except HostNotFound:
            return Response(error="HOST_NOT_FOUND")
        except TlsFailed:
            return Response(error="TLS_FAILED")
        except httpcore.RemoteProtocolError:
            return Response(error="INVALID_RESPONSE")
        except httpcore.NetworkError:
            return Response(error="CONNECTION_FAILED")

    async def _send(
        self, destination: Destination, message: Message, secrets: Sequence[str], now: int
    ) -> Response:
        request = _request(destination, message, secrets, now)
        backend = CheckedBackend(self._networks, destination)
        connection = httpcore.AsyncHTTPConnection(
            request.url.origin, self._ssl_context, network_backend=backend
        )
        try:
            async with asyncio.timeout(_TIMEOUT):
                response = await connection.handle_async_request(request)
            text = await _beginning(response)
        finally:
            await connection.aclose()
            await backend.close()
        status = response.status
        error = None if 200 <= status < 300 else "REDIRECTED" if 300 <= status < 400 else "REFUSED"
        return Response(status, text, error, _retry_after(response, now))


def _request(
    destination: Destination, message: Message, secrets: Sequence[str], now: int
) -> httpcore.Request:
    moment, body = datetime.fromtimestamp(now // 1000, UTC), message.body.decode()
    signatures = [Signer(secret).sign(message.id, moment, body) for secret in secrets]
    url = httpcore.URL(
        scheme="https" if destination.is_secure else "http",
        host=destination.host,
        port=destination.port,
        target=destination.target,
    )
    headers = [
        ("host", destination.authority),
        *message.headers.items(),
        ("content-length", str(len(message.body))),
        ("user-agent", _USER_AGENT),
        ("accept", "*/*"),
        ("accept-encoding", "identity"),
        ("connection", "close"),
        ("webhook-id", message.id),
        ("webhook-timestamp", str(now // 1000)),
        ("webhook-signature", " ".join(signatures)),
    ]
    # Certificates and SNI have no dot at the end of a name.
    extensions = {"sni_hostname": destination.host.rstrip(".")}
    return httpcore.Request("POST", url, headers=headers, content=message.body, extensions=extensions)


async def _beginning(response: httpcore.Response) -> str:
    """The beginning of a body. What follows is not read: its size has no limit."""
    found = b""
    assert isinstance(response.stream, AsyncIterable)
    try:
        async with asyncio.timeout(_BODY_TIMEOUT):
            async for part in response.stream:
                found += part[:MAX_RESPONSE]
                if len(found) >= MAX_RESPONSE:
                    break
    except (TimeoutError, httpcore.RemoteProtocolError, httpcore.NetworkError):
        pass  # the status has come, and that is what counts
    return found[:MAX_RESPONSE].decode(errors="replace").replace("\0", "\N{REPLACEMENT CHARACTER}")


def _retry_after(response: httpcore.Response, now: int) -> int:
    """Milliseconds from a number of seconds or a date; 0 if there is neither."""
    values = (value for name, value in response.headers if name.lower() == b"retry-after")
    text = next(values, b"").decode("latin-1")
    if len(text) > _MAX_HEADER:
        return 0
    if text.isascii() and text.isdigit():
        return int(text) * 1000
    try:
        date = parsedate_to_datetime(text)
        return max(0, int(date.replace(tzinfo=date.tzinfo or UTC).timestamp() * 1000) - now)
    except (ValueError, OverflowError):
        return 0
