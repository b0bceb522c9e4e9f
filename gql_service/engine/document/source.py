"""The text of a document that finds the line of a position at once, however many errors ask for theirs."""

import re
from bisect import bisect_left
from functools import cached_property

from graphql import Source, SourceLocation

_LINE_BREAK = re.compile(r"\r\n|[\n\r]")


class DocumentSource(Source):
    """graphql-core reads all lines before a position, for each error anew."""

    @cached_property
    def _lines(self) -> tuple[list[int], list[int]]:
        """Where each line ends but the last one, and where each line begins."""
        breaks = [match.span() for match in _LINE_BREAK.finditer(self.body)]
        return [start for start, _ in breaks], [0, *(end for _, end in breaks)]

    def get_location(self, position: int) -> SourceLocation:
        ends, starts = self._lines
        line = bisect_left(ends, position)
        return SourceLocation(line + 1, position + 1 - starts[line])
