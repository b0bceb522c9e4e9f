"""Observing requests: the access log and the log of slow requests, of one process."""

import importlib
import time
from typing import Protocol

import structlog

from gql_service.observability.access_log import AccessLog
from gql_service.observability.current_request import RequestRecord
from gql_service.observability.metrics import Metrics
from gql_service.observability.response import Response


class Traces(Protocol):
    """See `observability.opentelemetry_traces`."""

    def start(self, record: RequestRecord) -> None: ...

    def finish(self, record: RequestRecord, response: Response) -> None: ...

    def close(self) -> None: ...


def open_traces(*, has_sampler: bool) -> Traces:
    """Begin to trace. Raises ModuleNotFoundError if the extra is not installed."""
    module = importlib.import_module("gql_service.observability.opentelemetry_traces")
    traces: Traces = module.Traces(has_sampler=has_sampler)
    return traces


class RequestObserver:
    """Told of the end of every request that is observed."""

    def __init__(
        self,
        access_log: AccessLog | None,
        slow_request: int | None,
        metrics: Metrics | None,
        traces: Traces | None,
    ) -> None:
        """`slow_request` is in milliseconds; None if slow requests are not logged."""
        self._access_log = access_log
        self._metrics = metrics
        self.traces = traces
        self._slow_seconds = None if slow_request is None else slow_request / 1000

    @property
    def is_on(self) -> bool:
        """Whether every request is observed, not only those that bring an id."""
        return any(
            each is not None for each in (self._access_log, self._slow_seconds, self._metrics, self.traces)
        )

    def finish(self, record: RequestRecord, method: str, path: str, status: int, size: int) -> None:
        """Log the end of a request, as far as the settings ask for it. `path` and `size`: see `Response`."""
        seconds = time.perf_counter() - record.started
        if self._metrics is not None:
            self._metrics.request(record.endpoint, record.operation, status, seconds)
        if self._access_log is not None:
            self._access_log.write(record, method, path, status, size, seconds)
        if record.span is not None and self.traces is not None:
            self.traces.finish(record, Response(method, path, status, size))
        if self._slow_seconds is not None and seconds >= self._slow_seconds:
            response = Response(method, path, status, size)
            structlog.get_logger("gql_service").warning(
                "slow request",
                **response._asdict(),
                door=record.endpoint,
                operation=record.operation,
                request_id=record.request_id,
                trace_id=record.trace_id,
                duration_ms=round(seconds * 1000, 3),
            )

    def close(self) -> None:
        """Write what is not written yet."""
        if self._access_log is not None:
            self._access_log.flush()
        if self.traces is not None:
            self.traces.close()
