"""The drill of `docs/operations.md`, as it is written there: a backup is restored, migrated and checked."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import require
from tests.support.cli_processes import command, run_command
from tests.support.service import serving
from tests.support.walkthrough import ROOT
from tests.support.world import World

OPERATIONS = ROOT / "docs" / "operations.md"


def snippets(heading: str) -> list[str]:
    """The commands of the drill for one database."""
    text = OPERATIONS.read_text().partition("## Backup and restore drill\n")[2]
    section = text.partition(f"### {heading}\n")[2]
    section = re.split(r"^##", section, maxsplit=1, flags=re.MULTILINE)[0]
    return re.findall(r"^```bash\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the program `gql-service`."""
    program = tmp_path / "bin" / "gql-service"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m gql_service "$@"\n')
    program.chmod(0o755)
    return tmp_path


def run_drill(heading: str, folder: Path, url: str, **variables: str) -> None:
    """Run the commands of one shell, on the database of the server."""
    found = snippets(heading)
    assert found
    env = os.environ | {
        "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "GQL_SERVICE_DATABASE_URL": url,
    }
    done = subprocess.run(
        ["sh", "-euc", "\n".join(found)], cwd=folder, env=env | variables, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def fill(url: str) -> str:
    """Write some data through a server; returns the export of the database."""
    with serving(url) as service:
        world = World(service)
        world.member.rest("PATCH", world.platform_key, {"metadata": {"theme": "dark"}}).raise_for_status()
    return command(url, "export", "-").stdout


def test_the_drill_on_sqlite(folder: Path) -> None:
    url = f"sqlite+aiosqlite:///{folder / 'data.sqlite3'}"
    expected = fill(url)
    assert '"theme"' in expected
    run_drill("SQLite", folder, url)
    assert (folder / "drill.jsonl").read_text() == expected


@pytest.mark.parametrize("fresh_database_url", ["postgres"], indirect=True)
def test_the_drill_on_postgres(folder: Path, fresh_database_url: str, request: pytest.FixtureRequest) -> None:
    for program in ("pg_dump", "pg_restore"):
        require(program, shutil.which(program) is not None)
    expected = fill(fresh_database_url)
    drill = request.getfixturevalue("postgres_server").create_database()
    urls = {"PRODUCTION": fresh_database_url, "DRILL": drill}
    plain = {name: url.replace("postgresql+asyncpg", "postgresql") for name, url in urls.items()}
    run_drill("PostgreSQL", folder, fresh_database_url, **plain)
    assert (folder / "drill.jsonl").read_text() == expected


def test_a_damaged_backup_fails_the_drill(folder: Path) -> None:
    url = f"sqlite+aiosqlite:///{folder / 'data.sqlite3'}"
    run_command(url, "migrate")
    run_command(url, "backup", str(folder / "damaged"))
    size = (folder / "damaged").stat().st_size
    with (folder / "damaged").open("rb+") as stream:
        stream.truncate(size // 2)
    other = f"sqlite+aiosqlite:///{folder / 'drill.sqlite3'}"
    assert command(other, "restore", str(folder / "damaged")).returncode == 1
    assert not (folder / "drill.sqlite3").exists()
