"""Finding the caller of an HTTP request by their access token. All endpoints share one `Authenticator`."""

from gql_service.auth import tokens
from gql_service.auth.principal import Principal
from gql_service.domain.users.access_tokens import TokenRefusal
from gql_service.errors import InvalidToken, MalformedData, Unauthenticated
from gql_service.observability.security_log import MALFORMED_TOKEN
from gql_service.services.jwt_callers import JwtCallers, RefusedJwt
from gql_service.services.loaders import Loaders
from gql_service.web.client_address import TrustedProxies
from gql_service.web.request_origin import RequestOrigin
from gql_service.web.throttle import FailedAuthentications


class Authenticator:
    """Verifies tokens."""

    def __init__(
        self,
        loaders: Loaders,
        failures: FailedAuthentications,
        proxies: TrustedProxies,
        jwt_callers: JwtCallers | None = None,
    ) -> None:
        """`jwt_callers` is None if no JWTs are accepted."""
        self._loaders = loaders
        self._failures = failures
        self.proxies = proxies
        self._jwt_callers = jwt_callers

    async def authenticate(
        self, authorization: bytes | None, *, source: str, origin: RequestOrigin
    ) -> Principal | None:
        """The caller; None if there is no `Authorization` header.

        Raises InvalidToken, TooManyRequests or Forbidden (for a valid JWT of nobody), Unauthenticated without
        a token, MalformedData if the caller's stored rights are malformed, and Unavailable.
        """
        if authorization is None:
            return None
        text = authorization.decode("latin-1")
        token = tokens.from_header(text)
        if token is None:
            credentials = tokens.credentials(text)
            if not credentials:
                raise Unauthenticated
            if self._jwt_callers is not None and "." in credentials:
                return await self._jwt_caller(self._jwt_callers, credentials, source, origin)
            error = InvalidToken(TokenRefusal.UNKNOWN.value)
            raise self._failures.error(error, MALFORMED_TOKEN, None, source=source, origin=origin)
        principal = await self._loaders.principals.load(token)
        if isinstance(principal, TokenRefusal):
            error = InvalidToken(principal.value)
            raise self._failures.error(error, principal.name, token.id, source=source, origin=origin)
        if isinstance(principal, MalformedData):
            raise principal
        return principal

    async def _jwt_caller(
        self, jwt_callers: JwtCallers, text: str, source: str, origin: RequestOrigin
    ) -> Principal:
        try:
            return await jwt_callers.find(text, source=source, origin=origin)
        except RefusedJwt as refused:
            error, reason = refused.error, refused.reason
            raise self._failures.error(error, reason, None, source=source, origin=origin) from None
