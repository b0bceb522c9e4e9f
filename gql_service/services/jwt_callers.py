"""The callers behind JWTs: verifies a token, finds the user of its identity, and admits new identities."""

import asyncio
from collections.abc import Callable, Iterable
from importlib import import_module
from typing import NamedTuple, Protocol

from gql_service.auth.claims import Claims, JwtRefusal
from gql_service.auth.policy import Policy
from gql_service.auth.principal import Principal
from gql_service.domain.users import identities
from gql_service.domain.users.identities import FirstSight, IdentityRefusal, RefusedIdentity
from gql_service.errors import Forbidden, InvalidToken, MalformedData, RequestError
from gql_service.observability.logging import report
from gql_service.observability.security_log import Origin, SecurityEvent, SecurityLog
from gql_service.services.loaders import Loaders
from gql_service.settings import Settings
from gql_service.store.connection import Connection
from gql_service.store.database import Database


class IssuerMetadata(NamedTuple):
    """What an issuer says about itself (OpenID Connect Discovery 1.0)."""

    jwks_uri: str
    origins: frozenset[str]
    """The origins of the endpoints that pages in browsers call."""
    keys: int = 0
    """How many of its keys can verify tokens."""


class Issuer(Protocol):
    """An OpenID Connect issuer: see `services.issuer`."""

    async def verify(self, text: str) -> Claims:
        """The claims of a token that is valid now. Raises RefusedJwt or Unavailable."""
        ...

    async def metadata(self) -> IssuerMetadata | None:
        """What the issuer says about itself; None if it cannot be reached."""
        ...

    async def close(self) -> None:
        """Close all connections."""
        ...


def _report_problem(reason: str) -> None:
    report("the keys of the issuer cannot be read", "warning", reason=reason)


def open_issuer(
    settings: Settings, clock: Callable[[], int], on_problem: Callable[[str], None] = _report_problem
) -> Issuer | None:
    """The issuer of the settings; None if there is none. Its libraries are only imported if it is used.

    `on_problem` is called with the reason if its keys cannot be read.
    """
    if settings.oidc_issuer is None:
        return None
    issuer: Issuer = import_module("gql_service.services.issuer").OpenIdIssuer(settings, clock, on_problem)
    return issuer


class RefusedJwt(Exception):
    """A JWT identifies no caller. `reason` is a code for the security log."""

    def __init__(self, refusal: JwtRefusal | IdentityRefusal) -> None:
        super().__init__(refusal.value)
        self.reason = refusal.name
        is_valid = isinstance(refusal, IdentityRefusal)
        self.error: RequestError = Forbidden(refusal.value) if is_valid else InvalidToken(refusal.value)


class JwtCallers:
    """Finds the callers behind JWTs."""

    def __init__(
        self,
        issuer: Issuer,
        loaders: Loaders,
        database: Database,
        policy: Policy,
        settings: Settings,
        security_log: SecurityLog,
        clock: Callable[[], int],
    ) -> None:
        self._issuer = issuer
        self._loaders = loaders
        self._database = database
        self._policy = policy
        self._security_log = security_log
        self._clock = clock
        self._first_sight = _first_sight(settings)
        self._admission = asyncio.Lock()

    async def find(self, text: str, *, source: str, origin: Origin) -> Principal:
        """The caller with a token. Raises RefusedJwt, MalformedData or Unavailable."""
        claims = await self._issuer.verify(text)
        principal = await self._loaders.jwt_principals.load(claims)
        if principal is None:
            await self._admit(claims, source, origin)
            principal = await self._loaders.jwt_principals.load(claims)
        if isinstance(principal, Principal):
            return principal
        if isinstance(principal, MalformedData):
            raise principal
        raise RefusedJwt(principal or IdentityRefusal.UNLINKED)

    async def _admit(self, claims: Claims, source: str, origin: Origin) -> None:
        """Link an identity at its first request. One at a time, so that refused ones cannot fill the queue of
        writes. Raises RefusedJwt."""
        rules = self._first_sight
        if rules is None:
            raise RefusedJwt(IdentityRefusal.UNLINKED)

        async def admit(transaction: Connection) -> None:
            await identities.admit(transaction, claims, rules, self._policy, self._clock())

        def log(events: Iterable[SecurityEvent]) -> None:
            for event in events:
                self._security_log.write(event, source=source, actor=event.target, origin=origin)

        async with self._admission:
            try:
                await self._database.write(admit, log)
            except RefusedIdentity as refused:
                raise RefusedJwt(refused.refusal) from None


def _first_sight(settings: Settings) -> FirstSight | None:
    """What the settings say about identities that are linked to nobody; None if nothing."""
    link, create, tenant = settings.oidc_link_claim, settings.oidc_create_claim, settings.oidc_tenant
    return FirstSight(link, create, tenant) if tenant and (link or create) else None
