"""Who has opened a connection that stays open, and the context of its operations."""

from dataclasses import dataclass

from gql_service.auth.principal import Principal
from gql_service.auth.tokens import Token
from gql_service.domain.users.access_tokens import TokenRefusal
from gql_service.errors import InvalidToken, MalformedData
from gql_service.observability.security_log import Origin
from gql_service.services.context import Context, Services


class Subscriber:
    """The caller of a connection. Their token and their rights are read again while it is open."""

    __slots__ = ("origin", "principal", "services", "token")

    def __init__(self, services: Services, token: Token, principal: Principal, origin: Origin) -> None:
        self.services = services
        self.token = token
        self.principal = principal
        """As it was read last."""
        self.origin = origin

    async def refresh(self) -> None:
        """Read the token and the rights again. Raises InvalidToken, MalformedData or Unavailable."""
        self.update(await self.services.loaders.principals.load(self.token))

    def update(self, found: Principal | MalformedData | TokenRefusal) -> None:
        """Take over what was read of the token. Raises InvalidToken or MalformedData."""
        if isinstance(found, TokenRefusal):
            raise InvalidToken(found.value)
        if isinstance(found, MalformedData):
            raise found
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
