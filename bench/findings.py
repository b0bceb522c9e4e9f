"""The results: tables of measurements, and figures compared with the promised ones."""

from collections.abc import Sequence
from typing import NamedTuple


class Table(NamedTuple):
    """A table with a title and a sentence about it."""

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""


class Figure(NamedTuple):
    """A promised bound and the measured value. If `at_least`, the bound is a minimum, or else a maximum."""

    what: str
    bound: float
    at_least: bool
    value: float

    @property
    def holds(self) -> bool:
        return self.value >= self.bound if self.at_least else self.value <= self.bound


class Findings(NamedTuple):
    """The results of a part of the run."""

    tables: Sequence[Table]
    figures: Sequence[Figure]
