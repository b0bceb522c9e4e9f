"""Requests that come alone run at once, and read in one transaction of SQLite."""

import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from gql_service.store.turn import Turn
from gql_service.web.lone_requests import LoneRequests
from tests.support.patches import PATCH
from tests.support.service import serving, wait_until
from tests.support.world import World

QUERY = "{ me { username badges { name } unreadNotificationCount } }"


@pytest.fixture
def traces(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The statements of each connection to SQLite that is opened from now on."""
    traces: list[list[str]] = []
    original = sqlite3.connect

    def connect(*args: Any, **options: Any) -> sqlite3.Connection:
        traces.append([])
        connection: sqlite3.Connection = original(*args, **options)
        connection.set_trace_callback(traces[-1].append)
        return connection

    monkeypatch.setattr(sqlite3, "connect", connect)
    return traces


def test_a_request_that_comes_alone_reads_in_one_transaction(tmp_path: Path, traces: list[list[str]]) -> None:
    with serving(f"sqlite+aiosqlite:///{tmp_path / 'test.sqlite3'}") as service:
        member = World(service).member
        member.ask(QUERY)  # the first read opens the database

        def is_one_transaction() -> bool:
            """Not while the task of an earlier request has not quite ended."""
            for trace in traces:
                trace.clear()
            member.ask(QUERY)
            verbs = [[statement.split()[0] for statement in trace] for trace in traces]
            (reader,) = [each for each in verbs if each.count("SELECT") > 2]
            return reader == ["BEGIN", *["SELECT"] * (len(reader) - 2), "COMMIT"]

        wait_until(is_one_transaction)


def test_a_request_that_has_to_wait_after_all_is_timed(tmp_path: Path) -> None:
    path = tmp_path / "test.sqlite3"
    with serving(f"sqlite+aiosqlite:///{path}", request_timeout=1) as service:
        world = World(service)
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            change = {"platformKey": world.platform_key, "metadata": {"a": 1}}
            refused = world.member.graphql(PATCH, input=change)
            other.execute("ROLLBACK")
    assert refused["errors"][0]["message"].startswith("The request took too long.")


def test_a_request_that_arrives_while_a_lone_one_runs_is_not_alone() -> None:
    lone = LoneRequests(Turn())

    def occupy() -> None:
        time.sleep(0.003)

    async def long_request() -> None:
        occupy()

    def next_is_alone() -> bool:
        lone.run(long_request(), lambda _rest, _context: pytest.fail("it never waits"))
        return lone.is_alone(object())

    assert lone.is_alone("first")
    assert not all(next_is_alone() for _ in range(50)), "a busy machine may take its time, but not each time"
    lone.is_alone("last")
    assert lone.is_alone("last"), "nobody else came"
    occupy()
    assert lone.is_alone("another")
