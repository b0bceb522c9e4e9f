"""Sends webhooks: one process at a time does, which holds the lease."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import partial

from gql_service.domain.values.encryption import KeyRing, Undecipherable
from gql_service.domain.webhooks import lease, secrets
from gql_service.domain.webhooks.destinations import AllowedNetworks
from gql_service.domain.webhooks.dispatch import Result, Step, step
from gql_service.domain.webhooks.due import MAX_SENDING, Due
from gql_service.domain.webhooks.webhooks import any_exists
from gql_service.observability import logging
from gql_service.observability.security_log import LocalOrigin, SecurityEvent
from gql_service.services.background import report_failure
from gql_service.services.context import Services
from gql_service.services.webhook_sender import Response, WebhookSender

_POLL_INTERVAL = 0.25
"""Seconds after which the holder of the lease looks for new events."""
_IDLE_INTERVAL = 1.0
"""Seconds after which other processes look whether the lease is free."""
_GATHERING = 0.01
"""Seconds in which results gather before they are stored together."""
_RENEWED_AFTER = lease.DURATION / 3
_MAX_SENDING = 64
"""Requests that are sent at the same time, to all webhooks."""
_MARGIN = 1.0
"""Seconds before the end of the lease from which on nothing is sent any more."""


class WebhookDispatcher:
    """Sends webhooks, if this process holds the lease."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._sender = WebhookSender(AllowedNetworks(services.settings.webhook_networks))
        self._fence: int | None = None
        self._valid_until = 0.0
        """When the lease ends, by this process's monotonic clock."""
        self._renewed_at = 0.0
        self._sending: dict[int, asyncio.Task[None]] = {}
        self._results: list[Result] = []
        self._changed = asyncio.Event()

    async def run(self) -> None:
        """Send until cancelled."""
        try:
            while True:
                try:
                    await self._take_lease()
                    while self._fence is not None:
                        await self._step(self._fence)
                except Exception as error:
                    report_failure(error)
                await asyncio.sleep(_IDLE_INTERVAL)
        finally:
            await self._stop()

    async def _take_lease(self) -> None:
        """Take the lease if it is free and there are webhooks."""
        if self._fence is not None:
            return
        async with self._services.database.read() as connection:
            if not await any_exists(connection):
                return
        now = time.monotonic()
        self._fence = await self._services.database.write(lease.take)
        self._renewed_at, self._valid_until = now, now + lease.DURATION

    async def _step(self, fence: int) -> None:
        services, results, now = self._services, tuple(self._results), time.monotonic()
        renews = now - self._renewed_at >= _RENEWED_AFTER
        work = partial(
            step,
            fence=fence,
            results=results,
            renews=renews,
            admin_permission=services.settings.admin_permission,
            now=services.clock(),
        )
        done = await services.database.write(work, self._log)
        if done is None:
            await self._lose()
            return
        if renews:
            self._renewed_at, self._valid_until = now, now + lease.DURATION
        del self._results[: len(results)]
        for result in results:
            self._sending.pop(result.due.id, None)
        self._start(done)
        if not done.has_more:
            with suppress(TimeoutError):
                async with asyncio.timeout(_POLL_INTERVAL):
                    await self._changed.wait()
                    await asyncio.sleep(_GATHERING)
        self._changed.clear()

    def _start(self, done: Step) -> None:
        """Begin to send what is due and not being sent already."""
        of_webhook: dict[str, int] = {}
        for due in done.due:
            if due.id in self._sending:
                of_webhook[due.webhook_id] = of_webhook.get(due.webhook_id, 0) + 1
        for due in done.due:
            if len(self._sending) >= _MAX_SENDING:
                return
            count = of_webhook.get(due.webhook_id, 0)
            if due.id not in self._sending and count < MAX_SENDING:
                of_webhook[due.webhook_id] = count + 1
                self._sending[due.id] = asyncio.create_task(self._send(due))

    async def _send(self, due: Due) -> None:
        """Send one delivery, and remember what came back until the next step."""
        services, now = self._services, self._services.clock()
        if time.monotonic() > self._valid_until - _MARGIN:
            self._sending.pop(due.id, None)  # another process may send it by now
            return
        try:
            response = await self._response(due, now)
        except Exception as error:
            logging.report_unexpected(error)
            response = Response(error="INTERNAL_ERROR")
        attempted_at = max(now, services.clock())
        self._results.append(
            Result(due, attempted_at, response.status, response.text, response.error, response.retry_after)
        )
        self._changed.set()

    async def _response(self, due: Due, now: int) -> Response:
        if due.is_gone:
            return Response(error="EVENT_DELETED")
        try:
            signers = _secrets(due, self._services.write_settings.keys, now)
        except Undecipherable:
            return Response(error="SECRET_UNAVAILABLE")
        return await self._sender.send(due.url, due.message, signers, now)

    async def _lose(self) -> None:
        """Another process has taken the lease: forget everything."""
        self._fence = None
        await self._cancel_sending()
        self._results.clear()

    async def _cancel_sending(self) -> None:
        tasks = list(self._sending.values())
        self._sending.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _stop(self) -> None:
        """Give the lease back, so that another process goes on at once."""
        fence, self._fence = self._fence, None
        await self._cancel_sending()
        if fence is not None:
            with suppress(Exception):
                await self._services.database.write(partial(lease.release, fence=fence))

    def _log(self, events: Sequence[SecurityEvent]) -> None:
        for event in events:
            self._services.security_log.write(event, source="webhooks", actor=None, origin=LocalOrigin())


def _secrets(due: Due, keys: KeyRing, now: int) -> list[str]:
    """The secrets that sign: the current one, and after a rotation for some time the previous one."""
    stored = [due.secret]
    if due.previous_secret is not None and now < (due.previous_until or 0):
        stored.append(due.previous_secret)
    return [secrets.decrypt(keys, due.tenant_id, due.webhook_id, each) for each in stored]
