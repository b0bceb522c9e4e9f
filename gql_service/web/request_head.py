"""Request heads of HTTP/1.1 (RFC 9112): rules that the parser (llhttp) does not check."""

HeaderLines = list[tuple[bytes, bytes]]
"""The header lines of a request, in order. Names are in lower case."""


class InvalidRequest(Exception):
    """The request cannot be answered, and the connection has to be closed. `message` is ASCII."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def without_upgrade(method: bytes, target: bytes, version: str, lines: HeaderLines) -> bytes:
    """The same request head without its `Upgrade` header, in bytes.

    A server that does not support a protocol ignores the header (RFC 9110, section 7.8).
    """
    request_line = b"%b %b HTTP/%b" % (method, target, version.encode())
    kept = [b"%b: %b" % line for line in lines if line[0] != b"upgrade"]
    return b"\r\n".join([request_line, *kept, b"", b""])
