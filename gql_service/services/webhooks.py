"""Sends webhooks: one process at a time does, which holds the lease."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import partial

from gql_service.domain.values.encryption import KeyRing, Undecipherable
from gql_service.domain.webhooks import lease, secrets
from gql_service.domain.webhooks.destinations import AllowedNetworks
from gql_service.domain.webhooks.dispatch import Result, step
from gql_service.domain.webhooks.due import Due, find_due, find_waiting
from gql_service.domain.webhooks.fan_out import is_behind
from gql_service.domain.webhooks.webhooks import any_exists
from gql_service.observability import logging
from gql_service.observability.security_log import LocalOrigin, SecurityEvent
from gql_service.services.background import report_failure
from gql_service.services.context import Services
from gql_service.services.event_wakeups import ANY_EVENT, Wakeup
from gql_service.services.webhook_sender import Response, WebhookSender
from gql_service.services.webhook_slots import SendingSlots
from gql_service.store.connection import Connection

_POLL_INTERVAL = 0.25
"""Seconds after which the holder of the lease looks for what is due, while something is being sent."""
_IDLE_INTERVAL = 0.5
"""Seconds after which a process looks whether there is something to do, if nothing wakes it earlier."""
_GATHERING = 0.01
"""Seconds in which results gather before they are stored together."""
_RENEWED_AFTER = lease.DURATION / 3
_MARGIN = 1.0
"""Seconds before the end of the lease from which on nothing is sent any more."""


class WebhookDispatcher:
    """Sends webhooks, if this process holds the lease."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._sender = WebhookSender(AllowedNetworks(services.settings.webhook_networks))
        self._fence: int | None = None
        self._renewed_at = 0.0
        """When the lease was renewed, by this process's monotonic clock."""
        self._slots = SendingSlots()
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._results: list[Result] = []
        self._wakeup = Wakeup()
        """Set when there are results or new events."""
        self._is_idle = False
        """Whether there was nothing to do: then, the lease need not be kept."""

    async def run(self) -> None:
        """Send until cancelled."""
        try:
            while True:
                try:
                    if self._fence is None:
                        await self._take_lease()
                    if self._fence is not None:
                        await self._hold_lease()
                except Exception as error:
                    report_failure(error)
                await asyncio.sleep(_IDLE_INTERVAL)
        finally:
            await self._stop()

    async def _hold_lease(self) -> None:
        """Send until another process has taken the lease, or there are no webhooks any more."""
        with self._services.wakeups.waiting([ANY_EVENT]) as self._wakeup:
            while self._fence is not None:
                await self._step(self._fence)

    async def _take_lease(self) -> None:
        """Take the lease if it is free and there is something to do."""
        async with self._services.database.read() as connection:
            if not (await lease.is_free(connection) and await self._has_work(connection)):
                return
        now = time.monotonic()
        self._fence = await self._services.database.write(lease.take)
        self._renewed_at, self._is_idle = now, False

    async def _has_work(self, connection: Connection) -> bool:
        now = self._services.clock()
        return await is_behind(connection) or any(
            each.soonest <= now for each in await find_waiting(connection)
        )

    async def _step(self, fence: int) -> None:
        """Store what has come back, make deliveries of new events, send what is due, and wait for more."""
        self._wakeup.clear()
        keeps, has_more = self._needs_renewal() and not self._is_idle, False
        if self._results or keeps or await self._is_behind():
            stored = await self._store(fence)
            if stored is None:
                await self._lose()
                return
            has_more = stored
        soonest = await self._send_due()
        if not has_more and self._fence is not None:
            await self._wait(soonest)

    async def _is_behind(self) -> bool:
        async with self._services.database.read() as connection:
            return await is_behind(connection)

    async def _store(self, fence: int) -> bool | None:
        """Returns whether there may be more events; None if the lease is lost."""
        services, results, now = self._services, tuple(self._results), time.monotonic()
        renews = self._needs_renewal()
        work = partial(
            step,
            fence=fence,
            results=results,
            renews=renews,
            admin_permission=services.settings.admin_permission,
            now=services.clock(),
        )
        has_more = await services.database.write(work, self._log)
        if has_more is None:
            return None
        if renews:
            self._renewed_at = now
        del self._results[: len(results)]
        for result in results:
            self._end(result.due.id)
        return has_more

    def _needs_renewal(self) -> bool:
        return time.monotonic() - self._renewed_at >= _RENEWED_AFTER

    async def _send_due(self) -> int:
        """Begin to send what is due; returns when the next delivery is due."""
        now, slots = self._services.clock(), self._slots
        slots.find_slow()
        async with self._services.database.read() as connection:
            waiting = await find_waiting(connection)
            is_due = [each for each in waiting if each.soonest <= now]
            self._is_idle = not (is_due or slots)
            if self._is_idle and not waiting and self._needs_renewal() and not await any_exists(connection):
                self._fence = None
            if is_due and self._needs_renewal():
                return now  # the next step renews the lease first
            is_due.sort(key=lambda each: (slots.used(each.tenant_id, each.webhook_id), each.soonest))
            for each in is_due:
                free = slots.free(each.tenant_id, each.webhook_id)
                if free:
                    size = slots.used(each.tenant_id, each.webhook_id)[1] + free
                    self._begin(await find_due(connection, each.webhook_id, now, size), free)
        return min((each.soonest for each in waiting if each.soonest > now), default=now + 1000)

    def _begin(self, found: Sequence[Due], free: int) -> None:
        new = [due for due in found if due.id not in self._slots]
        for due in new[:free]:
            self._slots.add(due)
            self._tasks[due.id] = asyncio.create_task(self._send(due))

    def _end(self, delivery_id: int) -> None:
        if self._tasks.pop(delivery_id, None) is not None:
            self._slots.end(delivery_id)

    async def _wait(self, soonest: int) -> None:
        """Wait for results, for events, or until something is due."""
        seconds = min(max(soonest - self._services.clock(), 0) / 1000, _IDLE_INTERVAL)
        with suppress(TimeoutError):
            async with asyncio.timeout(min(seconds, _POLL_INTERVAL) if self._slots else seconds):
                await self._wakeup.wait()
                await asyncio.sleep(_GATHERING)

    async def _send(self, due: Due) -> None:
        """Send one delivery, and remember what came back until the next step."""
        services, now = self._services, self._services.clock()
        if time.monotonic() > self._renewed_at + lease.DURATION - _MARGIN:
            self._end(due.id)  # another process may send it by now
            return
        try:
            response = await self._response(due, now)
        except Exception as error:
            logging.report_unexpected(error)
            response = Response(error="INTERNAL_ERROR")
        self._slots.answered(due)
        attempted_at = max(now, services.clock())
        self._results.append(
            Result(due, attempted_at, response.status, response.text, response.error, response.retry_after)
        )
        self._wakeup.set()

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
        tasks, self._tasks, self._slots = list(self._tasks.values()), {}, SendingSlots()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _stop(self) -> None:
        """Store what has come back, and let another process go on at once."""
        fence, self._fence = self._fence, None
        await self._cancel_sending()
        if fence is not None:
            with suppress(Exception):
                if self._results:
                    await self._store(fence)
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
