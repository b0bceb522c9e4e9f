"""The JSON lines that a server process has written."""

import json
import time
from collections.abc import Callable
from typing import Any

from tests.support.http_clients import PATIENCE

Line = dict[str, Any]


def lines(output: str, event: str) -> list[Line]:
    """The complete lines of an event so far. All lines must be JSON."""
    return [line for line in map(json.loads, output.splitlines(keepends=True)) if line["event"] == event]


def wait_for(read: Callable[[], str], event: str, count: int = 1) -> list[Line]:
    """The lines of an event once there are so many."""
    deadline = time.monotonic() + PATIENCE
    while True:
        output = read()
        found = lines(output[: output.rfind("\n") + 1], event)
        if len(found) >= count:
            return found
        assert time.monotonic() < deadline, f"no {count} lines {event!r}:\n{output}"
        time.sleep(0.02)
