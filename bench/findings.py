"""The findings: tables of what was measured, and figures held against what was promised."""

from collections.abc import Sequence
from typing import NamedTuple


class Table(NamedTuple):
    """A table with a title and a sentence about it."""

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""


class Figure(NamedTuple):
    """A promise and what came of it; `at_least` tells on which side of the bound it holds."""

    what: str
    bound: float
    at_least: bool
    value: float

    @property
    def holds(self) -> bool:
        return self.value >= self.bound if self.at_least else self.value <= self.bound


class Findings(NamedTuple):
    """What a part of the run has to tell."""

    tables: Sequence[Table]
    figures: Sequence[Figure]
