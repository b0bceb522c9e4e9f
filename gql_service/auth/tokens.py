"""The text form of an access token: `upm_<id>_<secret>_<checksum>`.

The prefix lets secret scanners find leaked tokens. The checksum detects typing errors without a database
read. Only the SHA-256 of the secret is stored.
"""

import hashlib
import hmac
import re
import secrets
import zlib
from typing import NamedTuple

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]
_TOKEN = re.compile(r"upm_([0-9A-Za-z]{16})_([0-9A-Za-z]{43})_([0-9A-Za-z]{6})")


class Token(NamedTuple):
    """The id and the secret of a token; `str()` gives the text form."""

    id: str
    secret: str

    def __str__(self) -> str:
        body = f"upm_{self.id}_{self.secret}"
        return f"{body}_{_checksum(body)}"

    @property
    def digest(self) -> bytes:
        """32 bytes, stored instead of the secret. A random secret of 256 bits needs no salt."""
        return hashlib.sha256(self.secret.encode()).digest()

    def matches(self, digest: bytes) -> bool:
        """Whether the secret has this digest; takes constant time."""
        return hmac.compare_digest(self.digest, digest)


def generate() -> Token:
    """A new random token."""
    return Token(_random(16), _random(43))


def parse(text: str) -> Token | None:
    """Parse the text form; None if it is malformed or the checksum is wrong."""
    match = _TOKEN.fullmatch(text)
    if match is None or match[3] != _checksum(text[: match.start(3) - 1]):
        return None
    return Token(match[1], match[2])


def from_header(authorization: str | None) -> Token | None:
    """The token of an `Authorization: Token …` or `Bearer …` header; None if it has no well-formed token."""
    return parse(credentials(authorization or ""))


def credentials(authorization: str) -> str:
    """What follows the scheme in an `Authorization` header; empty if it has neither of the two schemes."""
    scheme, _, text = authorization.strip(" \t").partition(" ")
    return text.strip(" \t") if scheme.lower() in ("token", "bearer") else ""


def _random(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def _checksum(text: str) -> str:
    number = zlib.crc32(text.encode())
    high, low = divmod(number, 62**4)
    middle, low = divmod(low, 62**2)
    return _PAIRS[high] + _PAIRS[middle] + _PAIRS[low]
