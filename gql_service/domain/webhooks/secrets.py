"""The secrets that sign webhooks. They are stored encrypted, and shown once."""

import base64
import secrets

import orjson

from gql_service import strict_json
from gql_service.domain.values.encryption import CipherContext, KeyRing
from gql_service.errors import Problem, Rejected

_BYTES = 32


def generate() -> str:
    """A new secret, in the form of Standard Webhooks."""
    return f"whsec_{base64.b64encode(secrets.token_bytes(_BYTES)).decode()}"


def encrypt(keys: KeyRing, tenant_id: str, webhook_id: str, secret: str) -> str:
    """The ciphertext of a secret. Raises Rejected if no key is configured."""
    if keys.active is None:
        message = "No encryption key is configured, so webhooks have no secrets. Contact the operators."
        raise Rejected(Problem.ENCRYPTION_UNAVAILABLE, message, ())
    return keys.encrypt(_context(tenant_id, webhook_id), strict_json.dumps(secret))


def decrypt(keys: KeyRing, tenant_id: str, webhook_id: str, ciphertext: str) -> str:
    """The secret behind a ciphertext. Raises Undecipherable."""
    return str(orjson.loads(keys.decrypt(_context(tenant_id, webhook_id), ciphertext)))


def _context(tenant_id: str, webhook_id: str) -> CipherContext:
    """No document has an empty user id, so no value of a document can be taken for a secret."""
    return CipherContext(tenant_id, "", "", f"webhook:{webhook_id}")
