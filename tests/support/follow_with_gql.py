"""A program like `follow.mjs` of the npm project `live-clients`, with the Python library `gql`."""

import asyncio
import json
import sys
from typing import Any

from aiohttp import ClientError
from gql import Client, gql
from gql.transport.aiohttp_websockets import AIOHTTPWebsocketsTransport
from gql.transport.async_transport import AsyncTransport
from gql.transport.exceptions import TransportError, TransportQueryError
from gql.transport.websockets import WebsocketsTransport
from websockets.exceptions import WebSocketException

_REFUSED = 4403


def _transport(name: str, url: str, token: str) -> AsyncTransport:
    """The one sends the token in `connection_init`, the other one in the header."""
    payload = {"Authorization": f"Token {token}"}
    if name == "gql-websockets":
        return WebsocketsTransport(url, init_payload=payload)
    return AIOHTTPWebsocketsTransport(url, headers=payload)


def _print(line: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def _close_code(error: BaseException | None) -> int | None:
    """The code of the close frame that has led to an error."""
    while error is not None:
        received = getattr(error, "rcvd", None)
        if received is not None:
            return int(received.code)
        error = error.__cause__ or error.__context__
    return None


class Follower:
    """Follows a document, and goes on after its last revision whenever the connection is lost."""

    def __init__(self, arguments: list[str]) -> None:
        self._name, url, self._token, self._key, query = arguments
        self._url = url.replace("http", "ws", 1)
        self._query = gql(query)
        self._since = 0

    async def run(self) -> None:
        while True:
            try:
                await self._follow()
                return
            except TransportQueryError as error:
                _print({"codes": [each["extensions"]["code"] for each in error.errors or []]})
                return
            except (OSError, TransportError, WebSocketException, ClientError) as error:
                code = _close_code(error)
                _print({"close": code})
                if code == _REFUSED:
                    return
            await asyncio.sleep(0.1)

    async def _follow(self) -> None:
        self._query.variable_values = {"key": self._key, "since": self._since}
        async with Client(transport=_transport(self._name, self._url, self._token)) as session:
            async for result in session.subscribe(self._query):
                change = result["platformMetadataChanged"]
                self._since = change["revision"]
                _print(change)


async def _main() -> None:
    following = asyncio.create_task(Follower(sys.argv[1:]).run())
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    while line := await reader.readline():
        if line == b"complete\n":
            following.cancel()


if __name__ == "__main__":
    asyncio.run(_main())
