"""What every door reads of a request: its caller and its body, and what may be wrong with it."""

from starlette.requests import Request

from gql_service.auth import tokens
from gql_service.auth.principal import Principal
from gql_service.errors import BadUserInput, LimitExceeded, RequestError, Unauthenticated
from gql_service.schema.loaders import Loaders


class MethodNotAllowed(RequestError):
    code = "METHOD_NOT_ALLOWED"
    status = 405


class NotAcceptable(RequestError):
    code = "NOT_ACCEPTABLE"
    status = 406


class UnsupportedMediaType(RequestError):
    code = "UNSUPPORTED_MEDIA_TYPE"
    status = 415


class MalformedBody(BadUserInput):
    """The body is not what its content type says."""


async def authenticate(request: Request, loaders: Loaders) -> Principal | None:
    """The caller; None where no credentials were presented. Raises Unauthenticated where they are wrong."""
    authorization = request.headers.get("authorization")
    if authorization is None:
        return None
    token = tokens.from_header(authorization)
    principal = None if token is None else await loaders.principal(token)
    if principal is None:
        raise Unauthenticated
    return principal


async def read_body(request: Request, max_size: int) -> bytes:
    """The whole body. Raises LimitExceeded beyond `max_size` bytes, without reading on."""
    length = request.headers.get("content-length", "0")
    chunks: list[bytes] = []
    size = int(length) if length.isdecimal() else 0
    if size <= max_size:
        size = 0
        async for chunk in request.stream():
            chunks.append(chunk)
            size += len(chunk)
            if size > max_size:
                break
    if size > max_size:
        raise LimitExceeded(f"The request body is larger than {max_size} bytes.")
    return b"".join(chunks)
