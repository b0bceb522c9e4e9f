"""How many webhooks are sent at the same time: so that no receiver and no tenant holds back the others."""

import time
from collections import Counter

from gql_service.domain.webhooks.due import Due

_MAX_OF_WEBHOOK = 16
"""Requests that are sent to one webhook at the same time."""
_MAX_OF_SLOW = 4
"""The same, while its receiver is slow."""
_MAX_OF_TENANT = 64
_MAX = 256
_SLOW = 2.0
"""Seconds of a request after which a receiver is slow, until it answers one sooner."""


class SendingSlots:
    """The requests that are being sent, or whose results are not stored yet."""

    def __init__(self) -> None:
        self._sent: dict[int, Due] = {}
        self._unanswered: dict[int, float] = {}
        """When they were begun."""
        self._of_webhook: Counter[str] = Counter()
        self._of_tenant: Counter[str] = Counter()
        self._slow: set[str] = set()
        """Ids of webhooks."""

    def __len__(self) -> int:
        return len(self._sent)

    def __contains__(self, delivery_id: int) -> bool:
        return delivery_id in self._sent

    def used(self, tenant_id: str, webhook_id: str) -> tuple[int, int]:
        """How many a tenant and a webhook have. Who has fewer comes first."""
        return self._of_tenant[tenant_id], self._of_webhook[webhook_id]

    def free(self, tenant_id: str, webhook_id: str) -> int:
        """How many more may be sent to a webhook now."""
        most = _MAX_OF_SLOW if webhook_id in self._slow else _MAX_OF_WEBHOOK
        of_tenant, of_webhook = self.used(tenant_id, webhook_id)
        return max(0, min(most - of_webhook, _MAX_OF_TENANT - of_tenant, _MAX - len(self)))

    def find_slow(self) -> None:
        """Notice which receivers have not answered for long."""
        now = time.monotonic()
        self._slow |= {
            self._sent[id].webhook_id for id, begun in self._unanswered.items() if now - begun > _SLOW
        }

    def add(self, due: Due) -> None:
        """A request is about to be sent."""
        self._sent[due.id] = due
        self._unanswered[due.id] = time.monotonic()
        self._of_webhook[due.webhook_id] += 1
        self._of_tenant[due.tenant_id] += 1

    def answered(self, due: Due) -> None:
        """A response has come, or none in time."""
        was_slow = time.monotonic() - self._unanswered.pop(due.id) > _SLOW
        (self._slow.add if was_slow else self._slow.discard)(due.webhook_id)

    def end(self, delivery_id: int) -> None:
        """The result is stored, or the request is not sent after all."""
        due = self._sent.pop(delivery_id)
        self._unanswered.pop(delivery_id, None)
        for counter, key in ((self._of_webhook, due.webhook_id), (self._of_tenant, due.tenant_id)):
            counter[key] -= 1
            if not counter[key]:
                del counter[key]
