"""Cut replies: the request reaches the server, but the client gets no response, or a part of it."""

import random

from tests.durability.http_messages import body
from tests.durability.proxy import Cut, Handler, Upstream


async def _cut(request: bytes, upstream: Upstream) -> bytes:
    """Forward the request, then close the connection: before, after or within the response."""
    await upstream.send(request)
    moment = random.choice(["before", "after", "within"])
    if moment == "before":
        raise Cut
    response = await upstream.receive()
    raise Cut(b"" if moment == "after" else response[: random.randrange(len(response))])


def cutting(share: float) -> Handler:
    """Cut this share of all replies."""

    async def handle(request: bytes, upstream: Upstream) -> bytes:
        return await (_cut(request, upstream) if random.random() < share else upstream.exchange(request))

    return handle


def cutting_first_replies(share: float) -> Handler:
    """Cut the first reply to each idempotency key, and this share of the others."""
    keys: set[str] = set()
    otherwise = cutting(share)

    async def handle(request: bytes, upstream: Upstream) -> bytes:
        key = body(request)["variables"]["input"]["idempotencyKey"]
        if key in keys:
            return await otherwise(request, upstream)
        keys.add(key)
        return await _cut(request, upstream)

    return handle
