"""Request heads of HTTP/1.1 (RFC 9112): rules that the parser (llhttp) does not check."""

import re
from collections.abc import Mapping
from functools import lru_cache

_HOST = re.compile(
    rb"(?:\[[0-9A-Za-z:._~!$&'()*+,;=-]+\]|(?:[0-9A-Za-z._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*)(?::[0-9]*)?"
)
"""The header `Host`: an IP literal or a registered name of RFC 3986, and a port. It may be empty."""
_LISTS = {b"accept", b"content-encoding", b"if-none-match"}
"""Of the headers that the service reads by `one_value_each`, those that are lists."""
HeaderLines = list[tuple[bytes, bytes]]
"""The header lines of a request, in order. Names are in lower case."""


class InvalidRequest(Exception):
    """The request cannot be answered, and the connection has to be closed. `message` is ASCII."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def one_value_each(lines: HeaderLines) -> dict[bytes, bytes]:
    """The first value of each header. The lines of a header that is a list are joined (RFC 9110, 5.3)."""
    values = dict(reversed(lines))
    if len(values) < len(lines):
        for name in _LISTS.intersection(values):
            values[name] = b", ".join([value for each, value in lines if each == name])
    return values


def is_plain(headers: Mapping[bytes, bytes], lines: HeaderLines) -> bool:
    """A quick test that nearly all valid requests pass. `check` decides about the others.

    `headers` has one value of each name in `lines`.
    """
    if len(headers) < len(lines) or b"transfer-encoding" in headers:
        return False
    host = headers.get(b"host")
    return host is not None and _is_valid_host(host)


def check(version: str, lines: HeaderLines) -> None:
    """Raises InvalidRequest for a missing or invalid `Host`, and for transfer codings other than chunked."""
    hosts = [value for name, value in lines if name == b"host"]
    if len(hosts) > 1:
        raise InvalidRequest(400, "The request has more than one Host header.")
    if not hosts and version not in ("0.9", "1.0"):
        raise InvalidRequest(400, "The request has no Host header.")
    if hosts and not _is_valid_host(hosts[0]):
        raise InvalidRequest(400, "The Host header is invalid.")
    values = [value for name, value in lines if name == b"transfer-encoding"]
    codings = [coding.strip().lower() for coding in b",".join(values).split(b",")]
    if values and codings[-1] != b"chunked":
        raise InvalidRequest(400, "The last transfer coding must be chunked.")
    if len(codings) > 1:
        raise InvalidRequest(501, "The only transfer coding that is supported is chunked.")


@lru_cache(64)
def _is_valid_host(host: bytes) -> bool:
    return _HOST.fullmatch(host) is not None


def without_upgrade(method: bytes, target: bytes, version: str, lines: HeaderLines) -> bytes:
    """The same request head without its `Upgrade` header, in bytes.

    A server that does not support a protocol ignores the header (RFC 9110, section 7.8).
    """
    return request_head(method, target, version, [line for line in lines if line[0] != b"upgrade"])


def request_head(method: bytes, target: bytes, version: str, lines: HeaderLines) -> bytes:
    """A request head in bytes."""
    request_line = b"%b %b HTTP/%b" % (method, target, version.encode())
    return b"\r\n".join([request_line, *[b"%b: %b" % line for line in lines], b"", b""])
