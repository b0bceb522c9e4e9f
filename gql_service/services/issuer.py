"""The OpenID Connect issuer: its discovered metadata and its keys, and the tokens that it has signed.

Keys come from the `jwks_uri` of the metadata only. They are read when they are first needed, again when they
are old, and when a token has an unknown key. One read runs at a time, and a short time passes between two, so
that wrong tokens cause no load. If the issuer is away, the keys that are known go on working.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import httpx
import orjson

from gql_service.auth import jwt
from gql_service.auth.claims import Claims, JwtRefusal
from gql_service.auth.jwt import InvalidJwt, KeySet, Rules, UnknownKey
from gql_service.errors import IssuerUnavailable
from gql_service.oidc_settings import LOOPBACK_HOSTS
from gql_service.services.jwt_callers import IssuerMetadata, RefusedJwt
from gql_service.settings import Settings

_MAX_DOCUMENT = 256 * 1024
"""Bytes of the metadata, and of the keys."""
_TIMEOUT = 5.0
"""Seconds for both together."""
_REFRESH_INTERVAL = 5.0
"""Seconds between the ends of two reads."""
_MAX_AGE = 300.0
"""Seconds after which keys are read again, while the known ones are used."""
_VERDICT_SECONDS = 30.0
_MAX_VERDICTS_SIZE = 8 * 1024 * 1024
_VERDICT_OVERHEAD = 2048
"""Bytes that a verdict takes besides its token, which is in it twice: its claims have other forms."""
_WELL_KNOWN = "/.well-known/openid-configuration"


class _Unusable(Exception):
    """What the issuer has answered cannot be used. The message says why."""


class _Verdict(NamedTuple):
    claims: Claims
    ends: float


class Verdicts:
    """Tokens whose signature was verified a moment ago. Bounded in bytes; the oldest leave first."""

    def __init__(self) -> None:
        self._verdicts: OrderedDict[str, _Verdict] = OrderedDict()
        self.size = 0

    def find(self, text: str) -> Claims | None:
        verdict = self._verdicts.get(text)
        if verdict is None:
            return None
        if verdict.ends <= monotonic():
            self._remove(text)
            return None
        return verdict.claims

    def add(self, text: str, claims: Claims) -> None:
        if text in self._verdicts:
            self._remove(text)
        self._verdicts[text] = _Verdict(claims, monotonic() + _VERDICT_SECONDS)
        self.size += _size(text)
        while self.size > _MAX_VERDICTS_SIZE:
            self._remove(next(iter(self._verdicts)))

    def _remove(self, text: str) -> None:
        del self._verdicts[text]
        self.size -= _size(text)


def _size(text: str) -> int:
    return 4 * len(text) + _VERDICT_OVERHEAD


class OpenIdIssuer:
    """Verifies the tokens of one issuer."""

    def __init__(
        self, settings: Settings, clock: Callable[[], int], on_problem: Callable[[str], None]
    ) -> None:
        """`clock` returns milliseconds; `on_problem` gets the reason if the keys cannot be read."""
        assert settings.oidc_issuer is not None
        assert settings.oidc_audience is not None
        self._rules = Rules(
            settings.oidc_issuer,
            settings.oidc_audience,
            settings.oidc_algorithms,
            round(settings.oidc_clock_skew * 1000),
        )
        self._clock = clock
        self._on_problem = on_problem
        self._allows_http = settings.oidc_issuer.startswith("http:")
        self._metadata: IssuerMetadata | None = None
        self._keys: KeySet | None = None
        self._read_at = self._failed_at = self._ended_at = float("-inf")
        self._reading: asyncio.Task[None] | None = None
        self._client = httpx.AsyncClient(
            follow_redirects=False, headers={"Accept": "application/json", "Accept-Encoding": "identity"}
        )
        self._verdicts = Verdicts()

    async def verify(self, text: str) -> Claims:
        """The claims of a token that is valid now. Raises RefusedJwt or IssuerUnavailable."""
        claims = self._verdicts.find(text)
        if claims is None:
            try:
                claims = await self._verify_signature(text)
            except InvalidJwt as invalid:
                raise RefusedJwt(invalid.refusal) from None
        refusal = jwt.check_times(claims, self._clock(), self._rules.clock_skew)
        if refusal is not None:
            raise RefusedJwt(refusal)
        return claims

    async def _verify_signature(self, text: str) -> Claims:
        jwt.check_form(text, self._rules)
        if self._keys is None:
            await self._read_keys()
        elif monotonic() - self._read_at > _MAX_AGE:
            self._start_reading()
        for is_last in (False, True):
            if self._keys is None:
                raise IssuerUnavailable
            try:
                claims = jwt.verify(text, self._keys, self._rules)
            except UnknownKey:
                if not is_last:
                    await self._read_keys()
            else:
                self._verdicts.add(text, claims)
                return claims
        if self._failed_at > self._read_at:
            raise IssuerUnavailable
        raise InvalidJwt(JwtRefusal.KEY)

    async def metadata(self) -> IssuerMetadata | None:
        """What the issuer says about itself; None if it was never reached."""
        if self._metadata is None:
            await self._read_keys()
        return self._metadata

    async def close(self) -> None:
        """End what runs."""
        if self._reading is not None:
            self._reading.cancel()
            with suppress(asyncio.CancelledError):
                await self._reading
        await self._client.aclose()

    async def _read_keys(self) -> None:
        """Read the keys, unless that was just done. Everybody who waits gets the same read."""
        self._start_reading()
        if self._reading is not None:
            await asyncio.shield(self._reading)

    def _start_reading(self) -> None:
        if self._reading is None and monotonic() - self._ended_at >= _REFRESH_INTERVAL:
            self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        try:
            async with asyncio.timeout(_TIMEOUT):
                metadata = await self._discover()
                keys = await self._get(metadata.jwks_uri)
            if not isinstance(keys, dict) or not isinstance(keys.get("keys"), list):
                raise _Unusable("the keys are not a JSON Web Key Set")
            self._keys = KeySet(keys["keys"], self._rules.algorithms)
            self._metadata = metadata._replace(keys=len(self._keys))
            self._read_at = monotonic()
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError, _Unusable) as error:
            self._failed_at = monotonic()
            self._on_problem(str(error) or type(error).__name__)
        finally:
            self._ended_at = monotonic()
            self._reading = None

    async def _discover(self) -> IssuerMetadata:
        issuer = self._rules.issuer
        found = await self._get(issuer.rstrip("/") + _WELL_KNOWN)
        if not isinstance(found, dict) or found.get("issuer") != issuer:
            raise _Unusable("the metadata is of another issuer")
        jwks_uri = found.get("jwks_uri")
        if not isinstance(jwks_uri, str) or not self._is_allowed(jwks_uri):
            raise _Unusable("the metadata has no usable jwks_uri")
        endpoints = [issuer, found.get("token_endpoint")]
        origins = {_origin(each) for each in endpoints if isinstance(each, str) and self._is_allowed(each)}
        return IssuerMetadata(jwks_uri, frozenset(origins))

    def _is_allowed(self, url: str) -> bool:
        """Whether a URL may be requested: with encryption, except where the issuer is on this machine."""
        try:
            parts = urlsplit(url)
        except ValueError:
            return False
        is_local = self._allows_http and parts.scheme == "http" and parts.hostname in LOOPBACK_HOSTS
        return is_local or (parts.scheme == "https" and bool(parts.hostname))

    async def _get(self, url: str) -> Any:
        """The JSON document at a URL. Redirects are not followed, and nothing is decompressed."""
        async with self._client.stream("GET", url) as response:
            if response.status_code != 200:
                raise _Unusable(f"the issuer has answered with {response.status_code}")
            content = bytearray()
            async for chunk in response.aiter_raw():
                content += chunk
                if len(content) > _MAX_DOCUMENT:
                    raise _Unusable(f"the document is larger than {_MAX_DOCUMENT} bytes")
        try:
            return orjson.loads(content)
        except ValueError:
            raise _Unusable("the document is not JSON") from None


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
