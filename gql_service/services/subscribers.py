"""Who has opened a connection that stays open, and the context of its operations."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from gql_service.auth import tokens
from gql_service.auth.principal import Principal
from gql_service.errors import InvalidToken, RequestError
from gql_service.observability.security_log import Origin
from gql_service.services.context import Context, Services
from gql_service.store.connection import Row


class Subscriber:
    """The caller of a connection. Their token and their rights are read again while it is open."""

    __slots__ = ("_authenticate", "_is_jwt", "_version", "authorization", "origin", "principal", "services")

    def __init__(
        self,
        services: Services,
        authorization: bytes,
        principal: Principal,
        origin: Origin,
        authenticate: Callable[[bytes, Origin], Awaitable[Principal]],
    ) -> None:
        """`authorization` is the value of the header that has identified the caller. `authenticate` reads it
        again, and raises RequestError if it does not identify a caller now."""
        self.services = services
        self.authorization = authorization
        self.principal = principal
        """As it was read last."""
        self.origin = origin
        self._authenticate = authenticate
        self._is_jwt = tokens.from_header(authorization.decode("latin-1")) is None
        self._version: Row | None = None
        """That of the data in which the token was checked last: see `Database.data_version`."""

    async def refresh(self) -> None:
        """Read the token and the rights again. Raises what `authenticate` and `update` raise."""
        self.update(await self._authenticate(self.authorization, self.origin))

    def is_due(self, version: Row, now: int) -> bool:
        """Whether the token has to be checked in this version of the data. A version is checked once, but a
        token expires by itself, and a JWT ends with the keys of its issuer."""
        expires_at = self.principal.token_expires_at
        return version != self._version or (expires_at is not None and expires_at <= now) or self._is_jwt

    def update(self, found: Principal | RequestError, version: Row | None = None) -> None:
        """Take over who the token identifies now, in this version of the data if it is known.

        Raises an error that was found, and InvalidToken if it is another user: the identity of a JWT can be
        linked anew.
        """
        self._version = version
        if isinstance(found, RequestError):
            raise found
        if found.user_id != self.principal.user_id:
            raise InvalidToken("The access token identifies another user now.")
        self.principal = found

    def context(self) -> "SubscriptionContext":
        """The context of one operation, or of one event of a subscription.

        Everything is read from the primary: a replica may not have what the event tells of.
        """
        return SubscriptionContext(
            self.services, self.principal, origin=self.origin, reads_primary=True, subscriber=self
        )


@dataclass(slots=True)
class SubscriptionContext(Context):
    """The context of an operation on a connection that stays open."""

    subscriber: Subscriber | None = None

    @property
    def caller(self) -> Subscriber:
        """The subscriber, who is known to subscriptions."""
        assert self.subscriber is not None
        return self.subscriber
