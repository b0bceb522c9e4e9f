"""HTTP/1.1 messages with a `Content-Length`, as bytes: enough for our clients and proxies."""

import asyncio
import json
from typing import Any

END_OF_HEAD = b"\r\n\r\n"
_LENGTH = b"content-length:"
_MOST = 16 * 1024 * 1024


async def connect(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection to this port of loopback. Raises OSError."""
    return await asyncio.open_connection("127.0.0.1", port, limit=_MOST)


async def read_message(reader: asyncio.StreamReader) -> bytes:
    """Raises IncompleteReadError if the connection ends before the end of the message."""
    head = await reader.readuntil(END_OF_HEAD)
    lines = head.lower().split(b"\r\n")
    length = next((int(line[len(_LENGTH) :]) for line in lines if line.startswith(_LENGTH)), 0)
    return head + await reader.readexactly(length)


def body(message: bytes) -> Any:
    """The JSON of a message."""
    return json.loads(message.partition(END_OF_HEAD)[2])


def with_body(message: bytes, content: Any) -> bytes:
    """The same message with another body."""
    head = message.partition(END_OF_HEAD)[0]
    lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(_LENGTH)]
    encoded = json.dumps(content).encode()
    return b"\r\n".join([*lines, b"Content-Length: %d" % len(encoded)]) + END_OF_HEAD + encoded
