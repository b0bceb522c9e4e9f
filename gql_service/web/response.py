"""An HTTP response without ASGI."""

from typing import NamedTuple

HeaderPairs = tuple[tuple[bytes, bytes], ...]


class HttpResponse(NamedTuple):
    """An HTTP response. `headers` lacks the content length and the entity tag, so few different values occur,
    which are cached."""

    status: int
    headers: HeaderPairs
    body: bytes
    etag: bytes | None = None
