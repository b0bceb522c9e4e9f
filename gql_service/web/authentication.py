"""Finding the caller of an HTTP request by their access token. All endpoints share one `Authenticator`."""

from gql_service.auth import tokens
from gql_service.auth.principal import Principal
from gql_service.domain.users.access_tokens import TokenRefusal
from gql_service.errors import MalformedData, Unauthenticated
from gql_service.services.loaders import Loaders
from gql_service.web.client_address import TrustedProxies
from gql_service.web.request_origin import RequestOrigin
from gql_service.web.throttle import FailedAuthentications


class Authenticator:
    """Verifies tokens."""

    def __init__(self, loaders: Loaders, failures: FailedAuthentications, proxies: TrustedProxies) -> None:
        self._loaders = loaders
        self._failures = failures
        self.proxies = proxies

    async def authenticate(
        self, authorization: bytes | None, *, source: str, origin: RequestOrigin
    ) -> Principal | None:
        """The caller; None if there is no `Authorization` header.

        Raises InvalidToken or TooManyRequests, Unauthenticated without a token, MalformedData if the caller's
        stored rights are malformed, and Unavailable.
        """
        if authorization is None:
            return None
        text = authorization.decode("latin-1")
        token = tokens.from_header(text)
        if token is None:
            if not tokens.credentials(text):
                raise Unauthenticated
            raise self._failures.error(TokenRefusal.UNKNOWN, None, source=source, origin=origin)
        principal = await self._loaders.principals.load(token)
        if isinstance(principal, TokenRefusal):
            raise self._failures.error(principal, token, source=source, origin=origin)
        if isinstance(principal, MalformedData):
            raise principal
        return principal
