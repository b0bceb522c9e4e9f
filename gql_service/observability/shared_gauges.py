"""Gauges with one value for all processes of a server, such as the size of the database.

One process measures for all of them, rarely, and replaces the file of these gauges.
"""

import time
from collections.abc import Mapping
from importlib import import_module
from os import utime
from pathlib import Path
from typing import Any

from gql_service.observability.metrics import Definition, Labels


class SharedGauges:
    """The shared gauges in a folder of metrics, see `observability.metrics`."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "gauge_max_shared.db"
        self._due = folder / "shared_gauges.due"
        """The time of the next measurement is the time of this file."""

    def claim(self, seconds: float) -> bool:
        """Whether this process should measure now; then no other one will for these seconds."""
        try:
            if self._due.stat().st_mtime > time.time():
                return False
        except FileNotFoundError:
            self._due.touch()
        self.postpone(seconds)
        return True

    def postpone(self, seconds: float) -> None:
        """Measure in this time, and not before."""
        due = time.time() + seconds
        utime(self._due, (due, due))

    def replace(self, values: Mapping[Definition, Mapping[Labels, float]]) -> None:
        """Set the values of all shared gauges, by their labels. The former ones are gone."""
        path = self._file.with_suffix(".new")  # the server of metrics reads *.db only
        path.unlink(missing_ok=True)
        module: Any = import_module("gql_service.observability.metric_files")
        file = module.MetricFile(path)
        for definition, by_labels in values.items():
            for labels, value in by_labels.items():
                name = definition.name
                key = module.key_of(name, name, definition.labels, labels, definition.help)
                file.write(key, value)
        file.close()
        path.replace(self._file)
