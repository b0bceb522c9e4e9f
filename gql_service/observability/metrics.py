"""The metrics of one process, in Prometheus' terms.

Requests count in plain dictionaries, which takes a microsecond. A timer writes what has changed to files in
the multiprocess format of prometheus-client. So one address can answer for all processes of a server, those
that have ended included: their requests still count. See `observability.metrics_server`.
"""

import asyncio
import os
import resource
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

Labels = tuple[str, ...]
_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
_SIZES = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0)
_MAX_OPERATIONS = 100
"""Names of operations that are told apart. Clients choose the names, so there is no end of them."""
OTHER = "other"
_MAX_CELLS = 10 * _MAX_OPERATIONS
"""Combinations of names and statuses that are found at once."""
_FLUSH_INTERVAL = 1.0
_LAG_INTERVAL = 0.1
"""Seconds between two measurements of the lag of the event loop."""
_FILES = {"counter": "counter", "histogram": "histogram", "gauge": "gauge_livesum"}
"""The name of the file for each type, before the id of the process. Gauges of processes are added up."""


class Definition(NamedTuple):
    """A metric. `name` is without the suffixes that Prometheus adds."""

    type: str
    name: str
    help: str
    labels: Labels = ()


REQUESTS = Definition(
    "counter", "gql_service_requests", "Requests that were answered.", ("door", "operation", "status")
)
REQUEST_SECONDS = Definition(
    "histogram",
    "gql_service_request_seconds",
    "Seconds from the head of a request to its response.",
    ("door", "operation"),
)
STATEMENT_SECONDS = Definition(
    "histogram",
    "gql_service_statement_seconds",
    "Seconds of SQL statements, commits and connects.",
    ("statement",),
)
DATABASE_ERRORS = Definition(
    "counter", "gql_service_database_errors", "Errors by SQLite's name or SQLSTATE.", ("error",)
)
LOADER_KEYS = Definition("histogram", "gql_service_loader_batch_keys", "Keys of one read.", ("loader",))
WRITER_WRITES = Definition("histogram", "gql_service_writer_batch_writes", "Document writes of one batch.")
LOOP_LAG = Definition("histogram", "gql_service_event_loop_lag_seconds", "Seconds a timer was late.")
CPU_SECONDS = Definition("counter", "gql_service_cpu_seconds", "Processor time of the processes.")
MEMORY = Definition("gauge", "gql_service_memory_bytes", "Largest resident memory of the processes.")
WAITING_WRITES = Definition(
    "gauge", "gql_service_waiting_writes", "Writes that wait in each queue.", ("queue",)
)
POOL = Definition("gauge", "gql_service_pool_connections", "Connections to PostgreSQL.", ("state",))
REPLICAS = Definition(
    "gauge", "gql_service_replicas", "Read replicas that are used, and that are not.", ("state",)
)
LIST_READS = Definition(
    "counter",
    "gql_service_list_reads",
    "Requests with searches, histories or lists, where there are replicas.",
    ("server",),
)
DOCUMENTS = Definition("gauge", "gql_service_cached_documents", "GraphQL documents in the caches.")
DOCUMENTS_SIZE = Definition(
    "gauge", "gql_service_cached_documents_bytes", "Their size in memory, as estimated."
)
DOCUMENT_LOOKUPS = Definition(
    "counter", "gql_service_document_lookups", "Look-ups of GraphQL documents.", ("result",)
)
LOADER_WAITING = Definition(
    "gauge", "gql_service_loader_waiting_keys", "Keys that were asked for and not read yet.", ("loader",)
)
STORED_ROWS = Definition("gauge", "gql_service_stored_rows", "Stored rows.", ("platform", "kind"))
STORED_BYTES = Definition("gauge", "gql_service_stored_bytes", "Bytes of their values.", ("platform", "kind"))
DATABASE_BYTES = Definition("gauge", "gql_service_database_bytes", "Bytes of the whole database.")
Reading = Callable[[], Mapping[Labels, float]]
"""The values of a metric now, by their labels."""


Cell = list[float]
"""The numbers of one set of labels, to be changed in place."""


class Counter:
    """Counts what happens. A cell is one number."""

    def __init__(self, definition: Definition) -> None:
        self.definition = definition
        self._cells: dict[Labels, Cell] = {}

    def cell(self, labels: Labels) -> Cell:
        return self._cells.setdefault(labels, [0])

    def add(self, labels: Labels) -> None:
        self.cell(labels)[0] += 1

    def samples(self) -> Iterator[tuple[str, Labels, Labels, float]]:
        """The name, the names and the values of its labels, and the value of each sample."""
        for labels, (value,) in self._cells.items():
            yield f"{self.definition.name}_total", self.definition.labels, labels, value


class Histogram:
    """Counts values by their size. A cell is the number of values in each bucket, and the sum of all."""

    def __init__(self, definition: Definition, bounds: tuple[float, ...]) -> None:
        self.definition = definition
        self._bounds = bounds
        self._les = [_le(bound) for bound in (*bounds, float("inf"))]
        self._cells: dict[Labels, Cell] = {}

    def cell(self, labels: Labels) -> Cell:
        if labels not in self._cells:
            self._cells[labels] = [0] * (len(self._les) + 1)
        return self._cells[labels]

    def observe(self, labels: Labels, value: float) -> None:
        counts = self.cell(labels)
        counts[bisect_left(self._bounds, value)] += 1
        counts[-1] += value

    def samples(self) -> Iterator[tuple[str, Labels, Labels, float]]:
        name, names = self.definition.name, self.definition.labels
        for labels, counts in self._cells.items():
            for le, count in zip(self._les, counts[:-1], strict=True):
                yield f"{name}_bucket", (*names, "le"), (*labels, le), count
            yield f"{name}_sum", names, labels, counts[-1]


def _le(bound: float) -> str:
    """The upper bound of a bucket as Prometheus writes it."""
    return "+Inf" if bound == float("inf") else str(bound)


class _Reader:
    """A metric whose values are read when they are needed."""

    def __init__(self, definition: Definition, read: Reading) -> None:
        self.definition = definition
        self._read = read

    def samples(self) -> Iterator[tuple[str, Labels, Labels, float]]:
        suffix = "_total" if self.definition.type == "counter" else ""
        for labels, value in self._read().items():
            yield f"{self.definition.name}{suffix}", self.definition.labels, labels, value


class Metrics:
    """All metrics of this process."""

    def __init__(self, folder: Path) -> None:
        """`folder` is shared by the processes of a server."""
        self.folder = folder
        # Without metrics, the import of prometheus-client would be in vain.
        self._format: Any = import_module("gql_service.observability.metric_files")
        self._files: dict[str, Any] = {}
        self._keys: dict[tuple[str, Labels], str] = {}
        self._written: dict[str, float] = {}
        self._requests = Counter(REQUESTS)
        self._request_seconds = Histogram(REQUEST_SECONDS, _SECONDS)
        self._operations: set[str] = set()
        self._request_cells: dict[tuple[str, str | None, int], tuple[Cell, Cell]] = {}
        self._statement_seconds = Histogram(STATEMENT_SECONDS, _SECONDS)
        self._database_errors = Counter(DATABASE_ERRORS)
        self.loader_keys = Histogram(LOADER_KEYS, _SIZES)
        self.writer_writes = Histogram(WRITER_WRITES, _SIZES)
        self._loop_lag = Histogram(LOOP_LAG, _SECONDS)
        self._metrics: list[Counter | Histogram | _Reader] = [
            self._requests, self._request_seconds, self._statement_seconds, self._database_errors,
            self.loader_keys, self.writer_writes, self._loop_lag,
        ]  # fmt: skip
        self.read(CPU_SECONDS, lambda: {(): sum(os.times()[:2])})
        self.read(MEMORY, lambda: {(): resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024})

    def read(self, definition: Definition, reading: Reading) -> None:
        """Add a metric whose values are read once a second."""
        self._metrics.append(_Reader(definition, reading))

    def request(self, endpoint: str, operation: str | None, status: int, seconds: float) -> None:
        """Count a request that was answered."""
        cells = self._request_cells.get((endpoint, operation, status))
        if cells is None:
            cells = self._cells_of_request(endpoint, operation or "anonymous", status)
            if len(self._request_cells) < _MAX_CELLS:
                self._request_cells[endpoint, operation, status] = cells
        cells[0][0] += 1
        buckets = cells[1]
        buckets[bisect_left(_SECONDS, seconds)] += 1
        buckets[-1] += seconds

    def _cells_of_request(self, endpoint: str, operation: str, status: int) -> tuple[Cell, Cell]:
        """What counts these requests, and their durations. A bounded number of names is told apart."""
        if operation not in self._operations:
            if len(self._operations) < _MAX_OPERATIONS:
                self._operations.add(operation)
            else:
                operation = OTHER
        labels = (endpoint, operation)
        return self._requests.cell((*labels, str(status))), self._request_seconds.cell(labels)

    def statement(self, name: str, seconds: float, error: str | None) -> None:
        """Count an SQL statement, with the class of its error."""
        self._statement_seconds.observe((name,), seconds)
        if error is not None:
            self._database_errors.add((error,))

    async def run(self) -> None:
        """Measure the event loop, and write all metrics once a second, until cancelled."""
        next_flush = perf_counter()
        while True:
            started = perf_counter()
            if started >= next_flush:
                self.flush()
                next_flush = started + _FLUSH_INTERVAL
            started = perf_counter()
            await asyncio.sleep(_LAG_INTERVAL)
            self._loop_lag.observe((), max(0.0, perf_counter() - started - _LAG_INTERVAL))

    def flush(self) -> None:
        """Write what has changed to the files of this process."""
        for metric in self._metrics:
            definition = metric.definition
            for name, label_names, labels, value in metric.samples():
                key = self._keys.get((name, labels))
                if key is None:
                    key = self._format.key_of(definition.name, name, label_names, labels, definition.help)
                    self._keys[name, labels] = key
                if self._written.get(key) != value:
                    self._file(definition.type).write(key, value)
                    self._written[key] = value

    def _file(self, type: str) -> Any:
        if type not in self._files:
            path = self.folder / f"{_FILES[type]}_{os.getpid()}.db"
            self._files[type] = self._format.MetricFile(path)
        return self._files[type]


METRICS = [each for each in list(globals().values()) if isinstance(each, Definition)]
"""All metrics."""
