"""Sends one webhook: resolves the host, checks the address, connects to that address, and signs the body."""

import asyncio
import logging
import socket
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import httpx
from standardwebhooks import Webhook as Signer

from gql_service.domain.webhooks.deliveries import MAX_RESPONSE
from gql_service.domain.webhooks.destinations import AllowedNetworks, Destination, NotAllowed, parse
from gql_service.domain.webhooks.message import Message

_TIMEOUT = 15.0
"""Seconds for all of a request, the resolution of the name included."""
_CONNECT_TIMEOUT = 5.0
_MAX_ADDRESSES = 3
_USER_AGENT = "gql-service-webhooks/1"


class Response(NamedTuple):
    """What came back."""

    status: int | None = None
    text: str | None = None
    error: str | None = None
    """Why it is a failure, as a code."""
    retry_after: int = 0
    """Milliseconds."""


class WebhookSender:
    """Sends webhooks. It follows no redirects, uses no proxy, and keeps no connection."""

    def __init__(self, networks: AllowedNetworks) -> None:
        self._networks = networks
        # Connections are not kept: httpx would take one for another host at the same address.
        self._client = httpx.AsyncClient(
            transport=httpx.AsyncHTTPTransport(
                verify=ssl.create_default_context(),
                trust_env=False,
                limits=httpx.Limits(max_keepalive_connections=0),
            ),
            timeout=httpx.Timeout(_TIMEOUT, connect=_CONNECT_TIMEOUT),
            trust_env=False,
        )
        logging.getLogger("httpx").setLevel(logging.WARNING)  # it would log URLs, which may have secrets

    async def send(self, url: str, message: Message, secrets: Sequence[str], now: int) -> Response:
        """Send a message. Never raises, except when it is cancelled."""
        try:
            async with asyncio.timeout(_TIMEOUT):
                return await self._send(url, message, secrets, now)
        except TimeoutError:
            return Response(error="TIMEOUT")
        except NotAllowed:
            return Response(error="ADDRESS_NOT_ALLOWED")
        except (OSError, ValueError):  # the name cannot be resolved, or is malformed
            return Response(error="HOST_NOT_FOUND")
        except httpx.TimeoutException:
            return Response(error="TIMEOUT")
        except httpx.ConnectError as error:
            return Response(error="TLS_FAILED" if "SSL" in str(error) else "CONNECTION_FAILED")
        except (httpx.HTTPError, httpx.InvalidURL):
            return Response(error="CONNECTION_FAILED")

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def _send(self, url: str, message: Message, secrets: Sequence[str], now: int) -> Response:
        destination = parse(url)
        headers = _headers(url, message, secrets, now)
        addresses = await self._addresses(destination)
        for address in addresses[:-1]:
            try:
                return await self._post(url, address, destination, headers, message.body)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                continue
        return await self._post(url, addresses[-1], destination, headers, message.body)

    async def _addresses(self, destination: Destination) -> list[str]:
        """Some addresses of the host to which webhooks may be sent. Raises NotAllowed or OSError."""
        found = await resolve(destination.host, destination.port)
        refusal = NotAllowed("no address")
        allowed = []
        for address in dict.fromkeys(found):
            try:
                self._networks.check_address(address, is_secure=destination.is_secure)
            except NotAllowed as error:
                refusal = error
            else:
                allowed.append(address)
        if not allowed:
            raise refusal
        return allowed[:_MAX_ADDRESSES]

    async def _post(
        self, url: str, address: str, destination: Destination, headers: dict[str, str], body: bytes
    ) -> Response:
        """Send to one address. The host stays in `Host`, and in the name that the certificate must have."""
        request = self._client.build_request(
            "POST",
            httpx.URL(url).copy_with(host=address),
            headers=headers,
            content=body,
            extensions={"sni_hostname": destination.host},
        )
        response = await self._client.send(request, stream=True)
        try:
            text = await _beginning(response)
        finally:
            await response.aclose()
        status = response.status_code
        error = None if 200 <= status < 300 else "REDIRECTED" if 300 <= status < 400 else "REFUSED"
        return Response(status, text, error, _retry_after(response))


async def resolve(host: str, port: int) -> list[str]:
    """The IP addresses of a host. Raises OSError."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


def _headers(url: str, message: Message, secrets: Sequence[str], now: int) -> dict[str, str]:
    moment, body = datetime.fromtimestamp(now // 1000, UTC), message.body.decode()
    signatures = [Signer(secret).sign(message.id, moment, body) for secret in secrets]
    return {
        **message.headers,
        "host": httpx.URL(url).netloc.decode("ascii"),
        "user-agent": _USER_AGENT,
        "accept": "*/*",
        "accept-encoding": "identity",
        "webhook-id": message.id,
        "webhook-timestamp": str(now // 1000),
        "webhook-signature": " ".join(signatures),
    }


async def _beginning(response: httpx.Response) -> str:
    """The beginning of a body. What follows is not read: its size has no limit."""
    found = b""
    try:
        async for part in response.aiter_raw():
            found += part[:MAX_RESPONSE]
            if len(found) >= MAX_RESPONSE:
                break
    except httpx.HTTPError:
        pass  # the status has come, and that is what counts
    return found[:MAX_RESPONSE].decode(errors="replace").replace("\0", "\N{REPLACEMENT CHARACTER}")


def _retry_after(response: httpx.Response) -> int:
    text = response.headers.get("retry-after", "")
    return int(text) * 1000 if text.isascii() and text.isdigit() and len(text) < 10 else 0
