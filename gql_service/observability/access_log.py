"""The access log: one JSON line for each request. It never has bodies, headers, query strings or values.

A line of `observability.logging` would take a fifth of the time of a small query. So these lines are
formatted by hand, and written together: see `observability.requests`.
"""

import os
import sys
import time
from collections.abc import Iterable
from functools import lru_cache

import orjson

from gql_service.observability.current_request import RequestRecord

_CHUNK = 4096
"""Bytes that a pipe takes at once (PIPE_BUF), so that lines of several processes are never mixed."""
_LINE = (
    b'{"method":%b,"path":%b,"status":%d,"duration_ms":%.3f,"bytes":%d,"door":"%b","operation":%b,'
    b'"request_id":"%b","trace_id":%b,"event":"request","log":"access","level":"info","timestamp":"%b.%06dZ"}\n'
)


FinishedRequest = tuple[RequestRecord, str, str, int, int, float]
"""A record with method, path, status, size of the body, and end of the request by `time.perf_counter`."""


class AccessLog:
    """The access log of one process, on standard error."""

    def write(self, requests: Iterable[FinishedRequest]) -> None:
        """Write the lines of requests. If standard error is full or closed, they are lost."""
        offset = time.time() - time.perf_counter()
        chunk = b""
        try:
            for request in requests:
                line = _line(request, offset)
                if len(chunk) + len(line) > _CHUNK:
                    _write(chunk)
                    chunk = b""
                chunk += line
            _write(chunk)
        except (OSError, ValueError):
            return


def _line(request: FinishedRequest, offset: float) -> bytes:
    """The line of a request. `offset` is from `time.perf_counter` to `time.time`."""
    record, method, path, status, size, ended = request
    second, microsecond = divmod(round((offset + ended) * 1_000_000), 1_000_000)
    return _LINE % (
        _json(method),
        _json(path),
        status,
        (ended - record.started) * 1000,
        size,
        record.endpoint.encode(),
        _json(record.operation),
        record.request_id.encode(),
        b"null" if record.trace_id is None else b'"%b"' % record.trace_id.encode(),
        _second(second),
        microsecond,
    )


def _write(data: bytes) -> None:
    descriptor = sys.stderr.fileno()
    while data:
        data = data[os.write(descriptor, data) :]


@lru_cache(2)
def _second(second: int) -> bytes:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second)).encode()


@lru_cache(1024)
def _json(text: str | None) -> bytes:
    return orjson.dumps(text)
