"""The response headers that an error needs. They are the same for GraphQL and REST."""

from gql_service.errors import InvalidToken, RequestError, Unauthenticated, Unavailable
from gql_service.web.request import MethodNotAllowed, UnsupportedEncoding
from gql_service.web.throttle import TooManyRequests


def error_headers(error: RequestError, scheme: str) -> dict[str, str]:
    """The headers for an error. `scheme` is the authentication scheme that the endpoint asks for."""
    if isinstance(error, Unauthenticated):
        return {"WWW-Authenticate": _challenge(error, scheme)}
    if isinstance(error, MethodNotAllowed):
        return {"Allow": error.allow}
    if isinstance(error, UnsupportedEncoding):
        return {"Accept-Encoding": "identity"}
    if isinstance(error, TooManyRequests):
        return {"Retry-After": str(error.seconds)}
    return {"Retry-After": str(error.retry_after)} if isinstance(error, Unavailable) else {}


def _challenge(error: Unauthenticated, scheme: str) -> str:
    """The scheme, with the reason if a token was sent (RFC 6750, section 3)."""
    if not isinstance(error, InvalidToken):
        return scheme
    return f'{scheme} error="invalid_token", error_description="{error.message}"'
