"""Measures how much is stored, for the metrics."""

from collections import Counter
from time import perf_counter

from gql_service.domain.maintenance.sizes import KINDS, PlatformSizes, platform_sizes, total_size
from gql_service.observability.metrics import DATABASE_BYTES, STORED_BYTES, STORED_ROWS, Labels
from gql_service.observability.shared_gauges import SharedGauges
from gql_service.store.database import Database

_INTERVAL = 900.0
"""Seconds between two measurements, at least."""
_PAUSE = 100
"""How many times as long as a measurement the pause after it is: it reads whole tables."""
_MAX_PLATFORMS = 20
"""The largest ones are told apart: the number of metrics must not grow with that of platforms."""
_USER_WIDE, _OTHER = "(user-wide)", "(other)"
"""Labels that no platform key can be."""


class SizeMetrics:
    """Measures for all processes of a server."""

    def __init__(self, database: Database, gauges: SharedGauges) -> None:
        self._database = database
        self._gauges = gauges

    async def measure_if_due(self) -> None:
        """Measure, unless this or another process has done it not long ago. Raises Unavailable."""
        if not self._gauges.claim(_INTERVAL):
            return
        started = perf_counter()
        try:
            async with self._database.read() as connection:
                rows, total = await platform_sizes(connection), await total_size(connection)
        finally:
            self._gauges.postpone(max(_INTERVAL, _PAUSE * (perf_counter() - started)))
        counts, sizes = _by_labels(rows)
        self._gauges.replace({STORED_ROWS: counts, STORED_BYTES: sizes, DATABASE_BYTES: {(): total}})


def _by_labels(rows: list[PlatformSizes]) -> tuple[Counter[Labels], Counter[Labels]]:
    """Rows and bytes by platform and kind."""
    largest = sorted((row for row in rows if row.platform_key is not None), key=_size, reverse=True)
    names = {row.platform_key for row in largest[:_MAX_PLATFORMS]}
    counts, sizes = Counter[Labels](), Counter[Labels]()
    for row in rows:
        key = row.platform_key
        name = _USER_WIDE if key is None else key if key in names else _OTHER
        for kind in KINDS:
            size = getattr(row, kind)
            counts[name, kind] += size.rows
            sizes[name, kind] += size.bytes
    return counts, sizes


def _size(row: PlatformSizes) -> int:
    return sum(getattr(row, kind).bytes for kind in KINDS)
