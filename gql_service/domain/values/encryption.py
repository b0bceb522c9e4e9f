"""Encrypting values: AES-256-GCM-SIV under a ring of keys, and the digests by which values are found.

A ciphertext is `key id:base64(nonce, ciphertext, tag)`, and is bound to its place, so that one that is moved
to another user, platform or key is refused. Each key of the ring gives two: one to encrypt, one to digest.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gql_service import strict_json
from gql_service.auth.access import DocumentAccess
from gql_service.errors import Problem, Rejected
from gql_service.settings import KEY_ID

_NONCE = 12
_TAG = 16


class CipherContext(NamedTuple):
    """Where a value lives; a ciphertext is good there only."""

    tenant_id: str
    user_id: str
    platform_id: str
    key: str

    @staticmethod
    def of(access: DocumentAccess, key: str) -> "CipherContext":
        return CipherContext(access.tenant_id, access.user_id, access.platform_id, key)

    def associated(self) -> bytes:
        """What is bound to a ciphertext, unambiguously."""
        return strict_json.dumps(list(self)).encode()


class Undecipherable(Exception):
    """A stored ciphertext cannot be read: its key is not in the ring, or it was moved or changed."""


class _DerivedKeys(NamedTuple):
    cipher: AESGCMSIV
    digest: bytes


class KeyRing:
    """The keys by their ids; the active one encrypts, all of them decrypt."""

    def __init__(self, keys: Mapping[str, bytes], active: str | None) -> None:
        self._keys = {
            id: _DerivedKeys(AESGCMSIV(_derive(key, b"encryption")), _derive(key, b"equality"))
            for id, key in keys.items()
        }
        self.active = active

    def encrypt(self, place: CipherContext, text: str) -> str:
        """Raises Rejected where no key is configured."""
        if self.active is None:
            message = (
                "No encryption key is configured, so nothing can be stored encrypted; ask the operators."
            )
            raise Rejected(Problem.ENCRYPTION_UNAVAILABLE, message, ())
        nonce = secrets.token_bytes(_NONCE)
        sealed = self._keys[self.active].cipher.encrypt(nonce, text.encode(), place.associated())
        return f"{self.active}:{base64.b64encode(nonce + sealed).decode()}"

    def decrypt(self, place: CipherContext, ciphertext: str) -> str:
        """Raises Undecipherable."""
        id, _, encoded = ciphertext.partition(":")
        key = self._keys.get(id)
        if key is None:
            raise Undecipherable(f"it is encrypted with the key {id[:64]!r}, which is not configured")
        try:
            sealed = base64.b64decode(encoded, validate=True)
            return key.cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], place.associated()).decode()
        except (InvalidTag, ValueError):
            raise Undecipherable("its ciphertext was changed, or belongs elsewhere") from None

    def __contains__(self, id: str) -> bool:
        """Whether there is a key with this id."""
        return id in self._keys

    def is_current(self, ciphertext: str) -> bool:
        """Whether a ciphertext was made with the active key."""
        return ciphertext.partition(":")[0] == self.active

    def equality(self, place: CipherContext, text: str) -> bytes:
        """What an encrypted value is found by: the same for equal values of one key of one platform."""
        assert self.active is not None, "it has just encrypted the value"
        return _keyed(self._keys[self.active].digest, place.platform_id, place.key, text)

    def equalities(self, platform_id: str, key: str, text: str) -> Sequence[bytes]:
        """Everything an encrypted value may be found by, whichever key of the ring encrypted it."""
        return [_keyed(each.digest, platform_id, key, text) for each in self._keys.values()]


def parse_ciphertext(ciphertext: str) -> tuple[str, int]:
    """The id of the key of a ciphertext, and how many bytes it hides. Raises ValueError where it is none."""
    id, _, encoded = ciphertext.partition(":")
    sealed = base64.b64decode(encoded, validate=True)
    hidden = len(sealed) - _NONCE - _TAG
    if not KEY_ID.fullmatch(id) or base64.b64encode(sealed).decode() != encoded or hidden < 1:
        raise ValueError("no ciphertext")
    return id, hidden


def _derive(key: bytes, purpose: bytes) -> bytes:
    return HKDF(SHA256(), 32, salt=None, info=b"gql_service " + purpose).derive(key)


def _keyed(key: bytes, platform_id: str, name: str, text: str) -> bytes:
    message = strict_json.dumps([platform_id, name, text]).encode()
    return hmac.new(key, message, hashlib.sha256).digest()
