"""Traces by OpenTelemetry. Imported only if tracing is on, because its packages are an extra.

What a sampled request does is noted while it runs, and becomes spans at its end. Other requests pay little.
"""

import time

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased
from opentelemetry.trace import (
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    StatusCode,
    TraceFlags,
    format_trace_id,
    set_span_in_context,
)

from gql_service.observability.current_request import Part, RequestRecord
from gql_service.observability.response import Response

_TRACES_PER_SECOND = 10.0
"""New traces of a process, unless `OTEL_TRACES_SAMPLER` says otherwise: a trace costs more than a request."""
_NO_PARENT = Context()


class RateLimit:
    """Allows up to a number of traces per second, those of the last second saved up."""

    def __init__(self, per_second: float) -> None:
        self._per_second = per_second
        self._credit = per_second
        self._last = time.monotonic()

    def take(self) -> bool:
        """Whether one more trace may begin."""
        now = time.monotonic()
        self._credit = min(self._per_second, self._credit + (now - self._last) * self._per_second)
        self._last = now
        if self._credit < 1:
            return False
        self._credit -= 1
        return True


class Traces:
    """The traces of one process. OpenTelemetry's own variables, `OTEL_*`, say where they go."""

    def __init__(self, *, has_sampler: bool) -> None:
        """`has_sampler` says that `OTEL_TRACES_SAMPLER` is set."""
        resource = Resource.create()
        if str(resource.attributes.get(SERVICE_NAME, "")).startswith("unknown_service"):
            resource = resource.merge(Resource({SERVICE_NAME: "gql-service"}))
        sampler = None if has_sampler else ParentBased(ALWAYS_ON)
        self._limit = None if has_sampler else RateLimit(_TRACES_PER_SECOND)
        """Asked before a span begins: a sampler takes a tenth of the time of a query."""
        self._provider = TracerProvider(sampler=sampler, resource=resource)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("gql_service")
        self._offset = time.time() - time.perf_counter()

    def start(self, record: RequestRecord) -> None:
        """Begin the span of a request, in the trace that it brings or in a new one."""
        context, parent = _NO_PARENT, record.trace_parent
        if self._limit is not None and not (parent.is_sampled if parent else self._limit.take()):
            return
        if parent is not None:
            flags = TraceFlags(TraceFlags.SAMPLED if parent.is_sampled else TraceFlags.DEFAULT)
            remote = SpanContext(int(parent.trace_id, 16), int(parent.span_id, 16), True, flags)
            context = set_span_in_context(NonRecordingSpan(remote), _NO_PARENT)
        span = self._tracer.start_span(
            "request", context, SpanKind.SERVER, start_time=self._nanoseconds(record.started)
        )
        record.trace_id = format_trace_id(span.get_span_context().trace_id)
        if span.is_recording():
            record.span, record.parts = span, []

    def finish(self, record: RequestRecord, response: Response) -> None:
        """End the span of a request, with the spans of its parts."""
        span: Span | None = record.span
        if span is None:
            return
        parts, record.parts, record.span = record.parts or [], None, None
        ended = time.perf_counter()
        has_route = record.endpoint != "other"
        span.update_name(f"{response.method} {response.path}" if has_route else response.method)
        span.set_attributes(
            {
                "http.request.method": response.method,
                "url.path": response.path,
                "http.response.status_code": response.status,
                "http.response.body.size": response.size,
                "gql_service.request_id": record.request_id,
            }
        )
        if response.status >= 500:
            span.set_status(StatusCode.ERROR)
        self._add_parts(span, parts, ended)
        span.end(self._nanoseconds(ended))

    def _add_parts(self, root: Span, parts: list[Part], ended: float) -> None:
        """Each part belongs to the smallest one during which it took place."""
        open_spans: list[tuple[float, Span]] = [(ended, root)]
        for part in sorted(parts, key=lambda part: (part.started, -part.ended)):
            while len(open_spans) > 1 and open_spans[-1][0] < part.ended:
                open_spans.pop()
            context = set_span_in_context(open_spans[-1][1], _NO_PARENT)
            start = self._nanoseconds(part.started)
            span = self._tracer.start_span(part.name, context, attributes=part.attributes, start_time=start)
            if part.error is not None:
                span.set_status(StatusCode.ERROR)
                span.set_attribute("error.type", part.error)
            span.end(self._nanoseconds(part.ended))
            open_spans.append((part.ended, span))

    def _nanoseconds(self, moment: float) -> int:
        """Since 1970, from `time.perf_counter`."""
        return int((moment + self._offset) * 1e9)

    def close(self) -> None:
        """Send what was not sent yet."""
        self._provider.shutdown()
