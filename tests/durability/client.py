"""A client that knows whether it got an answer."""

import asyncio
import random
from collections.abc import Sequence
from typing import Any

from tests.durability.http_messages import body, connect, read_message, with_body
from tests.support.http_clients import PATIENCE

_PAUSE = 0.02
"""Seconds before a client tries again."""
_CLIENT_ERROR = 4
"""The first digit of the statuses of requests that are wrong."""


class NoAnswer(Exception):
    """The request may have been executed, or not, or later."""


class Client:
    """Sends each request to one of several servers, over connections that it keeps open."""

    def __init__(self, ports: Sequence[int], token: str) -> None:
        self._ports = ports
        self._head = (
            "POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            f"Authorization: Bearer {token}\r\n\r\n"
        ).encode()
        self._connections: dict[int, tuple[asyncio.StreamReader, asyncio.StreamWriter]] = {}
        self.attempts = 0
        """The number of requests that were sent."""

    async def ask(self, query: str, **variables: Any) -> Any:
        """The data of the response. Raises NoAnswer if there is none, or if it has errors."""
        port = random.choice(self._ports)
        reader, writer = await self._connection(port)
        self.attempts += 1
        try:
            async with asyncio.timeout(PATIENCE):
                writer.write(with_body(self._head, {"query": query, "variables": variables}))
                response = await read_message(reader)
        except (OSError, asyncio.IncompleteReadError, TimeoutError) as error:
            self._connections.pop(port)[1].close()
            raise NoAnswer(repr(error)) from error
        answer = body(response)
        if "errors" not in answer:
            return answer["data"]
        assert int(response.split()[1]) // 100 != _CLIENT_ERROR, answer
        await asyncio.sleep(_PAUSE)
        raise NoAnswer(str(answer))

    async def ask_until_answered(self, query: str, **variables: Any) -> Any:
        """Send the request again until there is an answer."""
        while True:
            try:
                return await self.ask(query, **variables)
            except NoAnswer:
                await asyncio.sleep(_PAUSE)

    def close(self) -> None:
        for _, writer in self._connections.values():
            writer.close()

    async def _connection(self, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """The open connection, or a new one as soon as the server accepts it."""
        async with asyncio.timeout(PATIENCE):
            while port not in self._connections:
                try:
                    self._connections[port] = await connect(port)
                except OSError:
                    await asyncio.sleep(_PAUSE)
        return self._connections[port]
