"""A derived key that encrypts. Imported only if there are encryption keys, for the sake of the start."""

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


class Cipher:
    """AES-256-GCM-SIV under one key."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCMSIV(key)

    def encrypt(self, nonce: bytes, text: bytes, associated_data: bytes) -> bytes:
        """The ciphertext, with its tag."""
        return self._cipher.encrypt(nonce, text, associated_data)

    def decrypt(self, nonce: bytes, ciphertext_and_tag: bytes, associated_data: bytes) -> bytes:
        """Raises ValueError if anything of it was altered."""
        try:
            return self._cipher.decrypt(nonce, ciphertext_and_tag, associated_data)
        except InvalidTag:
            raise ValueError("the tag does not match") from None


def derive(key: bytes, purpose: bytes) -> bytes:
    """The key for one purpose."""
    return HKDF(SHA256(), 32, salt=None, info=b"gql_service " + purpose).derive(key)
