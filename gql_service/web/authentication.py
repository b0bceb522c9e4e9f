"""Finding the caller of an HTTP request by their access token. All endpoints share one `Authenticator`."""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from gql_service.auth import tokens
from gql_service.auth.principal import Principal
from gql_service.domain.users.access_tokens import TokenRefusal
from gql_service.errors import InvalidToken, MalformedData, RequestError, Unauthenticated, Unavailable
from gql_service.observability.security_log import MALFORMED_TOKEN, Origin
from gql_service.services.context import Services
from gql_service.services.jwt_callers import JwtCallers, RefusedJwt
from gql_service.services.loaders import Loaders
from gql_service.services.subscribers import Subscriber
from gql_service.web.client_address import TrustedProxies
from gql_service.web.request_origin import RequestOrigin
from gql_service.web.throttle import FailedAuthentications

_JWTS_PER_TURN = 32
"""JWTs that are verified before other requests get their turn."""


class Credentials(NamedTuple):
    """The value of an `Authorization` header, and where it came from."""

    authorization: bytes
    origin: Origin


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

    async def subscriber(
        self, services: Services, authorization: bytes | None, origin: RequestOrigin
    ) -> Subscriber:
        """The caller of a connection that stays open. Raises what `authenticate` raises, and Unauthenticated
        without a header."""
        principal = await self.authenticate(authorization, source="graphql", origin=origin)
        if principal is None or authorization is None:
            raise Unauthenticated
        return Subscriber(services, authorization, principal, origin, self.authenticate_again)

    async def authenticate_again(self, authorization: bytes, origin: Origin) -> Principal:
        """The caller whom a header identifies now that has identified one before.

        Raises what `authenticate` raises. Nothing is counted as a failure: tokens end while their connection
        is open.
        """
        (found,) = await self.authenticate_all_again([Credentials(authorization, origin)])
        if isinstance(found, RequestError):
            raise found
        return found

    async def authenticate_all_again(
        self, presented: Sequence[Credentials]
    ) -> list[Principal | RequestError]:
        """The same for several headers: the caller of each, or the error. Raises Unavailable."""
        texts = [each.authorization.decode("latin-1") for each in presented]
        own = {text: token for text in texts if (token := tokens.from_header(text)) is not None}
        loaded = await self._loaders.principals.load_many(list(own.values()))
        found: dict[str, Principal | RequestError] = {
            text: InvalidToken(each.value) if isinstance(each, TokenRefusal) else each
            for text, each in zip(own, loaded, strict=True)
        }
        jwts = {text: each.origin for text, each in zip(texts, presented, strict=True) if text not in own}
        pairs = list(jwts.items())
        for start in range(0, len(pairs), _JWTS_PER_TURN):
            turn = pairs[start : start + _JWTS_PER_TURN]
            callers = await asyncio.gather(*(self._jwt_caller_again(*each) for each in turn))
            found |= {text: caller for (text, _), caller in zip(turn, callers, strict=True)}
        return [found[text] for text in texts]

    async def _jwt_caller_again(self, text: str, origin: Origin) -> Principal | RequestError:
        if self._jwt_callers is None:
            return Unauthenticated()
        try:
            return await self._jwt_callers.find(tokens.credentials(text), source="graphql", origin=origin)
        except RefusedJwt as refused:
            return refused.error
        except (MalformedData, Unavailable) as error:
            return error

    async def _jwt_caller(
        self, jwt_callers: JwtCallers, text: str, source: str, origin: RequestOrigin
    ) -> Principal:
        try:
            return await jwt_callers.find(text, source=source, origin=origin)
        except RefusedJwt as refused:
            error, reason = refused.error, refused.reason
            raise self._failures.error(error, reason, None, source=source, origin=origin) from None
