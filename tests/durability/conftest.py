"""The counts of each test are printed at the end."""

from collections.abc import Callable

import pytest

_COUNTS = "durability counts"


@pytest.fixture
def report(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Print a line of counts at the end of the run."""
    return lambda line: record_property(_COUNTS, line)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = terminalreporter.getreports("passed") + terminalreporter.getreports("failed")
    lines = [
        f"{each.nodeid.partition('::')[2]}: {line}"
        for each in reports
        if each.when == "call"
        for name, line in each.user_properties
        if name == _COUNTS
    ]
    if lines:
        terminalreporter.section("durability")
        terminalreporter.write_line("\n".join(lines))
