"""Observing requests: the access log and the log of slow requests, of one process."""

import time
from typing import NamedTuple

import structlog

from gql_service.observability.access_log import AccessLog
from gql_service.observability.current_request import RequestRecord
from gql_service.observability.metrics import Metrics


class Response(NamedTuple):
    """What was answered. `path` is without the query string; `size` that of the body in bytes."""

    method: str
    path: str
    status: int
    size: int


CLIENT_DISCONNECTED = 499
"""The status, in logs only, of requests whose client disconnected before the response."""


class RequestObserver:
    """Told of the end of every request that is observed."""

    def __init__(
        self, access_log: AccessLog | None, slow_request: int | None, metrics: Metrics | None
    ) -> None:
        """`slow_request` is in milliseconds; None if slow requests are not logged."""
        self._access_log = access_log
        self._metrics = metrics
        self._slow_seconds = None if slow_request is None else slow_request / 1000

    @property
    def is_on(self) -> bool:
        """Whether every request is observed, not only those that bring an id."""
        return any(each is not None for each in (self._access_log, self._slow_seconds, self._metrics))

    def finish(self, record: RequestRecord, response: Response) -> None:
        """Log the end of a request, as far as the settings ask for it."""
        seconds = time.perf_counter() - record.started
        if self._metrics is not None:
            self._metrics.request(record.door, record.operation, response.status, seconds)
        if self._access_log is not None:
            self._access_log.write(record, *response, seconds)
        if self._slow_seconds is not None and seconds >= self._slow_seconds:
            structlog.get_logger("gql_service").warning(
                "slow request",
                **response._asdict(),
                door=record.door,
                operation=record.operation,
                request_id=record.request_id,
                trace_id=record.trace_id,
                duration_ms=round(seconds * 1000, 3),
            )

    def close(self) -> None:
        """Write what is not written yet."""
        if self._access_log is not None:
            self._access_log.flush()
