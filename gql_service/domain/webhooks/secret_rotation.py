"""Key rotation: encrypting the secrets of webhooks under the active key."""

from collections import Counter
from typing import Any

from sqlalchemy import select

from gql_service.domain.values.encryption import KeyRing, Undecipherable
from gql_service.domain.webhooks import secrets
from gql_service.domain.webhooks.webhooks import COLUMNS, Webhook, store
from gql_service.store.connection import Connection, rows_as
from gql_service.store.statement import Statement
from gql_service.store.tables import webhooks

_ALL = Statement(select(*COLUMNS).order_by(webhooks.c.id).with_for_update(), scans=True)


async def rotate_secrets(transaction: Connection, keys: KeyRing) -> tuple[int, Counter[str]]:
    """Encrypt all secrets under the active key.

    Returns how many were encrypted again, and how many could not be decrypted, by the id of their key.
    """
    count, remaining = 0, Counter[str]()
    for webhook in rows_as(Webhook, await transaction.fetch(_ALL)):
        changed = webhook
        for name in ("secret", "previous_secret"):
            ciphertext = getattr(webhook, name)
            if ciphertext is None or keys.is_current(ciphertext):
                continue
            try:
                secret = secrets.decrypt(keys, webhook.tenant_id, webhook.id, ciphertext)
            except Undecipherable:
                remaining[ciphertext.partition(":")[0]] += 1
                continue
            encrypted = secrets.encrypt(keys, webhook.tenant_id, webhook.id, secret)
            columns: dict[str, Any] = {name: encrypted}
            changed, count = changed._replace(**columns), count + 1
        if changed != webhook:
            await store(transaction, changed)
    return count, remaining
