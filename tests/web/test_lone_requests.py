"""Requests that come alone run at once, and read in one transaction of SQLite."""

import sqlite3
from contextlib import closing
from pathlib import Path

from tests.support.patches import PATCH
from tests.support.service import serving, wait_until
from tests.support.world import World

QUERY = "{ me { username badges { name } unreadNotificationCount } }"


def test_a_request_that_comes_alone_reads_in_one_transaction(tmp_path: Path) -> None:
    with serving(f"sqlite+aiosqlite:///{tmp_path / 'test.sqlite3'}") as service:
        member = World(service).member
        member.ask(QUERY)  # the first read opens the database
        reader = service.services.database.inline_reader._open  # type: ignore[attr-defined]

        def is_one_transaction() -> bool:
            """Not while the task of an earlier request has not quite ended."""
            statements: list[str] = []
            reader.set_trace_callback(statements.append)
            member.ask(QUERY)
            reader.set_trace_callback(None)
            verbs = [each.split()[0] for each in statements]
            assert verbs.count("SELECT") > 2
            return verbs == ["BEGIN", *["SELECT"] * (len(verbs) - 2), "COMMIT"]

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
