"""Faults of a service, planted by a proxy, which the checker must find. Each strikes the first time it can,
and then sometimes, unless it says otherwise."""

import itertools
from collections.abc import Callable
from typing import Any

from tests.durability.http_messages import body, with_body
from tests.durability.proxy import Handler, Upstream
from tests.durability.recorder import READ

_EVERY = 5


def _strikes() -> Callable[[], bool]:
    """True at the first call, and at every fifth one from then on."""
    calls = itertools.count()
    return lambda: next(calls) % _EVERY == 0


def _patch(request: bytes) -> dict[str, Any] | None:
    """The input of a patch that sets keys; None for other requests."""
    patch: dict[str, Any] | None = body(request)["variables"].get("input")
    return patch if patch is not None and "metadata" in patch else None


def lost_update() -> Handler:
    """A write is acknowledged, but it was not executed."""
    strikes = _strikes()

    async def handle(request: bytes, upstream: Upstream) -> bytes:
        patch = _patch(request)
        if patch is None or "expectedRevision" in patch or not strikes():
            return await upstream.exchange(request)
        read = {"query": READ, "variables": {"key": patch["platformKey"]}}
        response = await upstream.exchange(with_body(request, read))
        document = body(response)["data"]["platformMetadata"]
        document = {
            "revision": document["revision"] + 1,
            "metadata": document["metadata"] | patch["metadata"],
        }
        payload = {"platformMetadata": document, "replayed": False, "userErrors": []}
        return with_body(response, {"data": {"patchPlatformMetadata": payload}})

    return handle


def stale_read() -> Handler:
    """A read gets the first response that any read got, which writes have overtaken long ago. The one before
    might be true still, or be explained by a write at the same time."""
    strikes = _strikes()
    responses: dict[str, bytes] = {}

    async def handle(request: bytes, upstream: Upstream) -> bytes:
        platform_key = body(request)["variables"].get("key")
        if platform_key in responses and strikes():
            return responses[platform_key]
        response = await upstream.exchange(request)
        if platform_key is not None:
            responses.setdefault(platform_key, response)
        return response

    return handle


def half_write() -> Handler:
    """Only one of two keys is written, though the response shows both. It strikes always: otherwise the next
    write may hide it, if no read comes before."""

    async def handle(request: bytes, upstream: Upstream) -> bytes:
        if _patch(request) is None:
            return await upstream.exchange(request)
        content = body(request)
        metadata = content["variables"]["input"].pop("metadata")
        content["variables"]["input"]["metadata"] = {"left": metadata["left"]}
        response = await upstream.exchange(with_body(request, content))
        answer = body(response)
        document = answer["data"]["patchPlatformMetadata"]["platformMetadata"]
        if document is not None:
            document["metadata"] = metadata
        return with_body(response, answer)

    return handle


def double_application() -> Handler:
    """A write is executed again after others, without its idempotency key."""
    strikes = _strikes()
    earlier: list[bytes] = []

    async def handle(request: bytes, upstream: Upstream) -> bytes:
        if earlier and strikes():
            await upstream.exchange(earlier.pop())
        patch = _patch(request)
        if patch is not None and "expectedRevision" not in patch:
            content = body(request)
            content["variables"]["input"].pop("idempotencyKey", None)
            earlier.append(with_body(request, content))
        return await upstream.exchange(request)

    return handle
