"""Observing requests: the access log and the log of slow requests, of one process."""

import asyncio
import importlib
import time
from typing import Protocol

from gql_service.observability.access_log import AccessLog, FinishedRequest
from gql_service.observability.current_request import RequestRecord
from gql_service.observability.logging import report
from gql_service.observability.metrics import Metrics
from gql_service.observability.response import Response

_DELAY = 0.05
"""Seconds until finished requests are counted and logged."""


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
    """Told of the end of every request that is observed.

    Requests are counted and logged some milliseconds later, many at once. Between the steps of requests, this
    would take three times as long: the caches of the processor are full of other code and data then.
    """

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
        self._reports = access_log is not None or metrics is not None
        self._finished: list[FinishedRequest] = []

    @property
    def is_on(self) -> bool:
        """Whether every request is observed, not only those that bring an id."""
        return self._reports or self._slow_seconds is not None or self.traces is not None

    def finish(self, record: RequestRecord, method: str, path: str, status: int, size: int) -> None:
        """Note the end of a request, as far as the settings ask for it. `path` and `size`: see `Response`."""
        ended = time.perf_counter()
        if self._reports:
            if not self._finished:
                asyncio.get_running_loop().call_later(_DELAY, self._report)
            self._finished.append((record, method, path, status, size, ended))
        if record.span is not None and self.traces is not None:
            self.traces.finish(record, Response(method, path, status, size))
        if self._slow_seconds is not None and ended - record.started >= self._slow_seconds:
            response = Response(method, path, status, size)
            report(
                "slow request",
                "warning",
                **response._asdict(),
                door=record.endpoint,
                operation=record.operation,
                request_id=record.request_id,
                trace_id=record.trace_id,
                duration_ms=round((ended - record.started) * 1000, 3),
            )

    def _report(self) -> None:
        """Count and log the requests that were finished since the last time."""
        finished, self._finished = self._finished, []
        if self._metrics is not None:
            for record, _method, _path, status, _size, ended in finished:
                self._metrics.request(record.endpoint, record.operation, status, ended - record.started)
        if self._access_log is not None:
            self._access_log.write(finished)

    def close(self) -> None:
        """Report what is not reported yet."""
        self._report()
        if self.traces is not None:
            self.traces.close()
