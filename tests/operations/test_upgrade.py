"""Migrations while servers run: what `docs/operations.md` says about them."""

import re
import sqlite3
import subprocess
import threading
from contextlib import closing
from pathlib import Path

from gql_service.store import migrations
from tests.cli.test_commands import refused
from tests.support.cli_processes import run_command
from tests.support.postgres import Postgres
from tests.support.service import serving
from tests.support.walkthrough import ROOT
from tests.support.world import World

VERSIONS = Path(migrations.__file__).parent / "versions"


def test_the_document_has_a_row_for_every_migration() -> None:
    section = (ROOT / "docs" / "operations.md").read_text().partition("## Upgrade\n")[2]
    rows = re.findall(r"^\| (\d{4}) \| (yes|no) \| \S.+\. \|$", section.partition("\n## ")[0], re.MULTILINE)
    files = sorted(path.name[:4] for path in VERSIONS.glob("[0-9]*.py"))
    assert [revision for revision, _ in rows] == files


def execute(url: str, *statements: str) -> None:
    """Run statements in one transaction, as a migration does."""
    if url.startswith("sqlite"):
        file = url.removeprefix("sqlite+aiosqlite:///")
        with closing(sqlite3.connect(file, timeout=60)) as connection, connection:
            connection.execute("BEGIN IMMEDIATE")
            for statement in statements:
                connection.execute(statement)
    else:
        plain = url.replace("postgresql+asyncpg://", "postgresql://")
        text = ";".join(["BEGIN", *statements, "COMMIT"])
        subprocess.run(["psql", "-v", "ON_ERROR_STOP=1", "-qc", text, plain], check=True)


ONLINE = (
    "ALTER TABLE documents ADD COLUMN added BIGINT",
    "ALTER TABLE users ADD COLUMN added TEXT DEFAULT 'x' NOT NULL",
    "CREATE TABLE added (id TEXT PRIMARY KEY)",
    "CREATE INDEX ix_added ON users (added)",
    "UPDATE alembic_version SET version_num = '9999'",
)
"""What an online migration of a later version may do. It locks tables in the order in which writes do."""


def test_a_running_server_does_not_notice_an_online_migration(fresh_database_url: str) -> None:
    with serving(fresh_database_url) as service:
        world = World(service)
        stop, numbers, failures = threading.Event(), [0], list[object]()
        read = '{ platformMetadata(platformKey: "KEY") { metadata } me { username language } }'
        write = """mutation ($m: JSONObject!) { patchPlatformMetadata(input: {platformKey: "KEY",
          metadata: $m}) { platformMetadata { metadata } userErrors { message } } }"""

        def use() -> None:
            while not stop.is_set():
                metadata = {"n": numbers[0] + 1}
                body = world.member.graphql(write.replace("KEY", world.platform_key), m=metadata)
                seen = world.member.graphql(read.replace("KEY", world.platform_key))
                if "errors" in body or seen["data"]["platformMetadata"]["metadata"] != metadata:
                    failures.append((body, seen))
                numbers[0] += 1

        def wait_for_writes() -> None:
            target = numbers[0] + 5
            while numbers[0] < target and user.is_alive():
                stop.wait(0.01)

        user = threading.Thread(target=use)
        user.start()
        try:
            wait_for_writes()
            execute(fresh_database_url, *ONLINE)
            wait_for_writes()
        finally:
            stop.set()
            user.join()
        assert failures == []
        assert numbers[0] >= 10
    assert "newer gql-service" in refused(fresh_database_url, "serve")


def test_a_migration_gives_up_instead_of_stopping_all_requests(postgres_server: Postgres) -> None:
    url = postgres_server.create_database()
    run_command(url, "migrate")
    execute(url, "UPDATE alembic_version SET version_num = '0001'", "DROP TABLE notifications")
    plain = url.replace("postgresql+asyncpg://", "postgresql://")
    blocker = subprocess.Popen(
        ["psql", "-q", plain], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert blocker.stdin is not None
    assert blocker.stdout is not None
    blocker.stdin.write("BEGIN; LOCK TABLE users IN ACCESS SHARE MODE; SELECT 'locked';\n")
    blocker.stdin.flush()
    while "locked" not in blocker.stdout.readline():
        pass
    try:
        assert "Another transaction holds the data" in refused(url, "migrate")
    finally:
        blocker.communicate("ROLLBACK;\n")
