"""JWT access tokens of an OpenID Connect issuer: their form, their signature, and their claims.

RFC 7519 (JWT), RFC 9068 (JWT access tokens) and RFC 8725 (best practices). The keys come from `KeySet`.
Headers that say where the key of a token is are refused.
"""

import base64
import binascii
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import orjson
from jwt.api_jwk import PyJWK
from jwt.api_jws import PyJWS
from jwt.exceptions import PyJWTError

from gql_service.auth.claims import MAX_SIZE, Claims, JwtRefusal
from gql_service.auth.scopes import SCOPE_PREFIX, Scope, Scopes

_MAX_KEYS = 100
_MIN_RSA_BITS = 2048
_MAX_RSA_BITS = 8192
"""A larger key would make each verification slow."""
_MAX_SUBJECT = 255
_MAX_SECONDS = 10**11
"""Instants are below this, so that they can be converted to milliseconds."""
_FORBIDDEN_HEADERS = ("jku", "x5u", "jwk", "crit")
_TYPES = ("jwt", "at+jwt", "application/at+jwt")
_KEY_TYPES = {"RS256": ("RSA", None), "ES256": ("EC", "P-256"), "EdDSA": ("OKP", "Ed25519")}
"""The type and the curve of the keys of each algorithm."""
_JWS = PyJWS(algorithms=list(_KEY_TYPES))


class InvalidJwt(Exception):
    """A JWT is refused."""

    def __init__(self, refusal: JwtRefusal) -> None:
        super().__init__(refusal.value)
        self.refusal = refusal


class UnknownKey(Exception):
    """The key of a JWT is not among the known ones."""


class Rules(NamedTuple):
    """What a JWT must conform to."""

    issuer: str
    audience: str
    algorithms: Sequence[str]
    clock_skew: int
    """Milliseconds by which the issuer's clock may differ."""


class KeySet:
    """The public keys of an issuer (RFC 7517)."""

    def __init__(self, keys: Iterable[object], algorithms: Sequence[str]) -> None:
        """Keys that cannot verify one of the algorithms are left out."""
        self._keys: dict[tuple[str | None, str], Any] = {}
        for key in list(keys)[:_MAX_KEYS]:
            for algorithm in algorithms:
                if isinstance(key, dict) and _suits(key, algorithm):
                    self._add(key, algorithm)

    def _add(self, key: dict[str, Any], algorithm: str) -> None:
        try:
            public = PyJWK.from_dict(key, algorithm).key
        except (PyJWTError, ValueError, TypeError, NotImplementedError):
            return
        size = getattr(public, "key_size", None) if algorithm == "RS256" else None
        if size is None or _MIN_RSA_BITS <= size <= _MAX_RSA_BITS:
            self._keys.setdefault((key.get("kid"), algorithm), public)

    def __len__(self) -> int:
        return len(self._keys)

    def find(self, kid: str | None, algorithm: str) -> Any:
        """The key of a token. A token without `kid` needs a set with a single key for its algorithm.

        Raises UnknownKey.
        """
        if kid is not None:
            key = self._keys.get((kid, algorithm))
            if key is None:
                raise UnknownKey
            return key
        suitable = [key for (_, each), key in self._keys.items() if each == algorithm]
        if len(suitable) != 1:
            raise UnknownKey
        return suitable[0]


def _suits(key: dict[str, Any], algorithm: str) -> bool:
    kid, operations = key.get("kid"), key.get("key_ops", ["verify"])
    type_, curve = _KEY_TYPES[algorithm]
    return (
        key.get("kty") == type_
        and (curve is None or key.get("crv") == curve)
        and key.get("alg", algorithm) in (algorithm, curve)
        and key.get("use", "sig") == "sig"
        and isinstance(operations, list)
        and "verify" in operations
        and (kid is None or isinstance(kid, str))
        and "d" not in key  # a published private key is no secret
    )


def check_form(text: str, rules: Rules) -> None:
    """Raise InvalidJwt for what needs no key to be refused."""
    _checked_header(text, rules.algorithms)


def verify(text: str, keys: KeySet, rules: Rules) -> Claims:
    """The claims of a token whose form, signature, issuer and audience are right. Its times are not checked.

    Raises InvalidJwt or UnknownKey.
    """
    header = _checked_header(text, rules.algorithms)
    algorithm: str = header["alg"]
    key = keys.find(header.get("kid"), algorithm)
    try:
        payload = _JWS.decode_complete(text, key, [algorithm])["payload"]
    except (PyJWTError, ValueError, TypeError):
        raise InvalidJwt(JwtRefusal.SIGNATURE) from None
    return _checked_claims(payload, rules)


def _checked_header(text: str, algorithms: Sequence[str]) -> dict[str, Any]:
    if len(text) > MAX_SIZE:
        raise InvalidJwt(JwtRefusal.TOO_LARGE)
    if not text.isascii() or text.count(".") != 2:
        raise InvalidJwt(JwtRefusal.MALFORMED)
    encoded = text.partition(".")[0]
    try:
        header = orjson.loads(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))
    except (binascii.Error, ValueError):
        raise InvalidJwt(JwtRefusal.MALFORMED) from None
    if not isinstance(header, dict):
        raise InvalidJwt(JwtRefusal.MALFORMED)
    if any(name in header for name in _FORBIDDEN_HEADERS) or "b64" in header:
        raise InvalidJwt(JwtRefusal.HEADER)
    if header.get("alg") not in algorithms:
        raise InvalidJwt(JwtRefusal.ALGORITHM)
    type_, kid = header.get("typ", "JWT"), header.get("kid")
    if not isinstance(type_, str) or type_.lower() not in _TYPES:
        raise InvalidJwt(JwtRefusal.TYPE)
    if not (kid is None or isinstance(kid, str)):
        raise InvalidJwt(JwtRefusal.MALFORMED)
    return header


def _checked_claims(payload: bytes, rules: Rules) -> Claims:
    try:
        claims = orjson.loads(payload)
    except ValueError:
        raise InvalidJwt(JwtRefusal.MALFORMED) from None
    if not isinstance(claims, dict):
        raise InvalidJwt(JwtRefusal.MALFORMED)
    if claims.get("iss") != rules.issuer:
        raise InvalidJwt(JwtRefusal.ISSUER)
    audience = claims.get("aud")
    if rules.audience not in (audience if isinstance(audience, list) else [audience]):
        raise InvalidJwt(JwtRefusal.AUDIENCE)
    subject, expires_at, issued_at = claims.get("sub"), _instant(claims, "exp"), _instant(claims, "iat")
    if not isinstance(subject, str) or not 0 < len(subject) <= _MAX_SUBJECT or "\0" in subject:
        raise InvalidJwt(JwtRefusal.CLAIMS)
    if expires_at is None or issued_at is None:
        raise InvalidJwt(JwtRefusal.CLAIMS)
    return Claims(
        issuer=rules.issuer,
        subject=subject,
        issued_at=issued_at,
        not_before=_instant(claims, "nbf") or 0,
        expires_at=expires_at,
        signed_in_at=_instant(claims, "auth_time"),
        scopes=_scopes(claims),
        others=claims,
    )


def _instant(claims: Mapping[str, Any], name: str) -> int | None:
    """The milliseconds of a claim; None if it is missing. Raises InvalidJwt."""
    seconds = claims.get(name)
    if seconds is None:
        return None
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds < _MAX_SECONDS:
        raise InvalidJwt(JwtRefusal.CLAIMS)
    return int(seconds * 1000)


def _scopes(claims: Mapping[str, Any]) -> Scopes:
    """Our scopes of a token; None, which is all of them, if it names none with our prefix."""
    found = [claims[name] for name in ("scope", "scp") if name in claims]
    texts = [each if isinstance(each, list) else str(each).split() for each in found]
    own = [each for text in texts for each in text if isinstance(each, str) and each.startswith(SCOPE_PREFIX)]
    names = {each.removeprefix(SCOPE_PREFIX).upper() for each in own}
    return frozenset(Scope(name) for name in names & Scope.__members__.keys()) if own else None


def check_times(claims: Claims, now: int, clock_skew: int) -> JwtRefusal | None:
    """Why a token is not valid at an instant; None if it is."""
    if claims.expires_at <= now - clock_skew:
        return JwtRefusal.EXPIRED
    if max(claims.not_before, claims.issued_at) > now + clock_skew:
        return JwtRefusal.NOT_YET_VALID
    return None
