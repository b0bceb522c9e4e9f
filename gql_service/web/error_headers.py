"""The response headers that an error needs. They are the same for GraphQL and REST."""

from gql_service.errors import InvalidToken, RequestError, Unauthenticated, Unavailable
from gql_service.web.request import MethodNotAllowed, UnsupportedEncoding
from gql_service.web.throttle import TooManyRequests


def error_headers(error: RequestError, scheme: str, metadata_url: str | None = None) -> dict[str, str]:
    """The headers for an error. `scheme` is the authentication scheme that the endpoint asks for, and
    `metadata_url` says where it tells of the issuer of its tokens (RFC 9728)."""
    if isinstance(error, Unauthenticated):
        return {"WWW-Authenticate": _challenge(error, scheme, metadata_url)}
    if isinstance(error, MethodNotAllowed):
        return {"Allow": error.allow}
    if isinstance(error, UnsupportedEncoding):
        return {"Accept-Encoding": "identity"}
    if isinstance(error, TooManyRequests):
        return {"Retry-After": str(error.seconds)}
    return {"Retry-After": str(error.retry_after)} if isinstance(error, Unavailable) else {}


def _challenge(error: Unauthenticated, scheme: str, metadata_url: str | None) -> str:
    """The scheme, with the reason if a token was sent (RFC 6750, section 3)."""
    parameters = []
    if isinstance(error, InvalidToken):
        parameters += ['error="invalid_token"', f'error_description="{error.message}"']
    if metadata_url is not None:
        parameters.append(f'resource_metadata="{metadata_url}"')
    return " ".join([scheme, ", ".join(parameters)]).rstrip()
