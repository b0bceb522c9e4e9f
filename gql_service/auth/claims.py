"""What a JWT access token says, and why one is refused. `auth.jwt` reads and verifies it."""

from collections.abc import Mapping
from enum import Enum
from typing import Any, NamedTuple

from gql_service.auth.scopes import Scopes

MAX_SIZE = 8 * 1024
"""Bytes of a token."""


class JwtRefusal(Enum):
    """Why a JWT does not identify a caller. The values are public messages.

    What a token says of itself is checked after its signature, so that only its holder learns of it.
    """

    MALFORMED = "The access token is not valid."
    TOO_LARGE = f"The access token is larger than {MAX_SIZE} bytes."
    HEADER = "The access token has a header that is not allowed: jku, x5u, jwk or crit."
    TYPE = "The token is not an access token."
    ALGORITHM = "The access token is signed by an algorithm that is not allowed."
    KEY = "The access token is signed by a key that its issuer does not publish."
    SIGNATURE = "The signature of the access token is wrong."
    ISSUER = "The access token is of another issuer."
    AUDIENCE = "The access token is for another audience."
    CLAIMS = "The access token lacks a claim, or has one of the wrong type."
    EXPIRED = "The access token has expired."
    NOT_YET_VALID = "The access token is not valid yet."
    REVOKED = "The access token was revoked."


class Claims(NamedTuple):
    """What a JWT says, as far as it is used. Instants are milliseconds."""

    issuer: str
    subject: str
    issued_at: int
    not_before: int
    expires_at: int
    signed_in_at: int | None
    """When the user last signed in: `auth_time`."""
    scopes: Scopes
    others: Mapping[str, Any]
    """All claims by their names."""

    def __hash__(self) -> int:
        """Without the other claims, which may be objects."""
        return hash(self[:-1])
