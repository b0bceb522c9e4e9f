"""The request that a task works for: its id and trace, which are part of the log lines that the task writes.

Only requests that are observed, or that bring an id or a trace, have a record: the others cost nothing.
"""

import random
import re
from collections.abc import Iterable
from contextvars import ContextVar
from typing import Any, NamedTuple

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}")
"""What is accepted as `X-Request-Id`. Anybody may send one."""
_TRACE_PARENT = re.compile(
    rb"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?"
)
"""`traceparent` of W3C Trace Context, also of later versions, which may append fields."""


class TraceParent:
    """The span of a client or proxy in which a request was sent."""

    __slots__ = ("is_sampled", "span_id", "trace_id")

    def __init__(self, trace_id: str, span_id: str, *, is_sampled: bool) -> None:
        self.trace_id = trace_id
        self.span_id = span_id
        self.is_sampled = is_sampled


class Part(NamedTuple):
    """A part of what a request did, for its trace. Times are by `time.perf_counter`."""

    name: str
    started: float
    ended: float
    attributes: dict[str, str | int] | None = None
    error: str | None = None


_MAX_PARTS = 500
"""Parts of a request that are noted. The rest is not in its trace."""


class RequestRecord:
    """What is known of a request so far."""

    trace_parent: TraceParent | None = None
    trace_id: str | None = None
    span: Any = None
    """The span of the request, if it is traced and sampled."""
    parts: list[Part] | None = None
    """What it did so far, if it is traced and sampled."""
    endpoint = "other"
    """`graphql`, `rest` or `other`."""
    operation: str | None = None
    """The name of the GraphQL operation, or the method of a REST request."""

    def __init__(self, request_id: str, trace_parent: TraceParent | None, started: float) -> None:
        self.request_id = request_id
        self.started = started
        """By `time.perf_counter`: the clock of the event loop has whole milliseconds."""
        if trace_parent is not None:
            self.trace_parent = trace_parent
            self.trace_id = trace_parent.trace_id


CURRENT_REQUEST: ContextVar[RequestRecord | None] = ContextVar("current_request", default=None)


def note_part(part: Part) -> None:
    """Note what the current request has done, if it is traced."""
    record = CURRENT_REQUEST.get()
    if record is not None and record.parts is not None and len(record.parts) < _MAX_PARTS:
        record.parts.append(part)


def find_request_id(lines: Iterable[tuple[bytes, bytes]]) -> str | None:
    """The first valid `X-Request-Id` of a request."""
    sent = (value for name, value in lines if name == b"x-request-id")
    return next((value.decode() for value in sent if _REQUEST_ID.fullmatch(value)), None)


def new_request_id() -> str:
    """A random id. It tells requests apart and is no secret, so a quick generator will do."""
    return f"{random.getrandbits(64):016x}"


def parse_trace_parent(value: bytes | None) -> TraceParent | None:
    """None if the header is absent or malformed: then a new trace begins."""
    match = _TRACE_PARENT.fullmatch(value) if value is not None else None
    if match is None or ((value or b"").startswith(b"00-") and match[4] is not None):
        return None
    return TraceParent(match[1].decode(), match[2].decode(), is_sampled=bool(int(match[3], 16) & 1))


def add_request(line: dict[str, Any]) -> None:
    """Add the ids of the current request to a line of the log. The security log has its own fields."""
    record = CURRENT_REQUEST.get()
    if record is not None and line.get("log") != "security":
        line.setdefault("request_id", record.request_id)
        if record.trace_id is not None:
            line.setdefault("trace_id", record.trace_id)
