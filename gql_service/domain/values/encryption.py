"""Encryption of values with AES-256-GCM-SIV, and keyed digests by which encrypted values are searched.

A ciphertext is stored as `KEY_ID:base64(nonce, ciphertext, tag)`. Its associated data are the tenant, user,
platform and metadata key, so that a ciphertext that is copied elsewhere cannot be decrypted. Each key of the
ring yields two derived keys, one for encryption and one for digests.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import NamedTuple, Protocol

from gql_service import strict_json
from gql_service.auth.access import DocumentAccess
from gql_service.errors import Problem, Rejected
from gql_service.quoting import quoted
from gql_service.settings import KEY_ID

_NONCE_BYTES = 12
_TAG_BYTES = 16


class CipherContext(NamedTuple):
    """Where an encrypted value is stored; its ciphertext can be decrypted only there."""

    tenant_id: str
    user_id: str
    platform_id: str
    key: str

    @staticmethod
    def of(access: DocumentAccess, key: str) -> "CipherContext":
        return CipherContext(access.tenant_id, access.user_id, access.platform_id, key)

    def associated_data(self) -> bytes:
        """The associated data of the encryption, in an unambiguous encoding."""
        return strict_json.dumps(list(self)).encode()


class Undecipherable(Exception):
    """A stored ciphertext cannot be decrypted: its key is not in the ring, or it was altered or moved."""


class _Cipher(Protocol):
    """See `domain.values.cipher`."""

    def encrypt(self, nonce: bytes, text: bytes, associated_data: bytes) -> bytes: ...

    def decrypt(self, nonce: bytes, ciphertext_and_tag: bytes, associated_data: bytes) -> bytes: ...


class _DerivedKeys(NamedTuple):
    cipher: _Cipher
    digest: bytes


class KeyRing:
    """Encryption keys by their ids. The active key encrypts; every key decrypts."""

    def __init__(self, keys: Mapping[str, bytes], active: str | None) -> None:
        self._keys = {id: _derived_keys(key) for id, key in keys.items()}
        self.active = active

    def encrypt(self, context: CipherContext, text: str) -> str:
        """The ciphertext of a value under the active key. Raises Rejected if no key is configured."""
        if self.active is None:
            message = "No encryption key is configured, so values cannot be encrypted. Contact the operators."
            raise Rejected(Problem.ENCRYPTION_UNAVAILABLE, message, ())
        nonce = secrets.token_bytes(_NONCE_BYTES)
        cipher = self._keys[self.active].cipher
        encrypted = nonce + cipher.encrypt(nonce, text.encode(), context.associated_data())
        return f"{self.active}:{base64.b64encode(encrypted).decode()}"

    def decrypt(self, context: CipherContext, ciphertext: str) -> str:
        """The canonical JSON text behind a ciphertext. Raises Undecipherable."""
        id, _, encoded = ciphertext.partition(":")
        key = self._keys.get(id)
        if key is None:
            raise Undecipherable(f"it is encrypted with the key {quoted(id)}, which is not configured")
        try:
            encrypted = base64.b64decode(encoded, validate=True)
            nonce, ciphertext_and_tag = encrypted[:_NONCE_BYTES], encrypted[_NONCE_BYTES:]
            text = key.cipher.decrypt(nonce, ciphertext_and_tag, context.associated_data()).decode()
        except ValueError:
            raise Undecipherable(
                "its ciphertext was altered, or belongs to another document or key"
            ) from None
        return strict_json.canonical(text)

    def __contains__(self, id: str) -> bool:
        """Whether the ring has a key with this id."""
        return id in self._keys

    def is_current(self, ciphertext: str) -> bool:
        """Whether a ciphertext was encrypted with the active key."""
        return ciphertext.partition(":")[0] == self.active

    def equality_digest(self, context: CipherContext, text: str) -> bytes:
        """The digest to index an encrypted value by, under the active key.

        Equal values of the same metadata key and platform have equal digests.
        """
        assert self.active is not None, "the value was just encrypted with the active key"
        return _keyed_digest(self._keys[self.active].digest, context.platform_id, context.key, text)

    def equality_digests(self, platform_id: str, key: str, text: str) -> Sequence[bytes]:
        """The digests that an encrypted value may be indexed by, one for each key of the ring."""
        return [_keyed_digest(each.digest, platform_id, key, text) for each in self._keys.values()]


def parse_ciphertext(ciphertext: str) -> tuple[str, int]:
    """The id of the encryption key, and the size of the encrypted value in bytes.

    Raises ValueError if the text is not a ciphertext.
    """
    id, _, encoded = ciphertext.partition(":")
    encrypted = base64.b64decode(encoded, validate=True)
    size = len(encrypted) - _NONCE_BYTES - _TAG_BYTES
    if not KEY_ID.fullmatch(id) or base64.b64encode(encrypted).decode() != encoded or size < 1:
        raise ValueError("not a ciphertext")
    return id, size


def _derived_keys(key: bytes) -> _DerivedKeys:
    """Without keys, the import of a library of ciphers would be in vain."""
    module = import_module("gql_service.domain.values.cipher")
    return _DerivedKeys(module.Cipher(module.derive(key, b"encryption")), module.derive(key, b"equality"))


def _keyed_digest(secret: bytes, platform_id: str, key: str, text: str) -> bytes:
    message = strict_json.dumps([platform_id, key, text]).encode()
    return hmac.new(secret, message, hashlib.sha256).digest()
