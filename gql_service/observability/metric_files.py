"""Files of metrics, in the multiprocess format of prometheus-client. Imported only if metrics are on."""

from collections.abc import Sequence
from pathlib import Path

from prometheus_client.mmap_dict import MmapedDict, mmap_key


class MetricFile:
    """A file of one process, or of all for shared gauges."""

    def __init__(self, path: Path) -> None:
        self._values = MmapedDict(str(path))  # type: ignore[no-untyped-call]

    def write(self, key: str, value: float) -> None:
        self._values.write_value(key, value, 0.0)  # type: ignore[no-untyped-call]

    def close(self) -> None:
        self._values.close()  # type: ignore[no-untyped-call]


def key_of(metric: str, sample: str, labels: Sequence[str], values: Sequence[str], help: str) -> str:
    """The key of a value in a file."""
    return mmap_key(metric, sample, list(labels), list(values), help)
