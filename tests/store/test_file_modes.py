"""The files of an SQLite database belong to their owner alone, whatever the umask is."""

import os
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from gql_service.store.sqlite_connection import connect
from tests.support.service import serving
from tests.transfer.test_round_trip import Shell


@pytest.mark.parametrize("umask", [0o000, 0o022])
def test_only_the_owner_can_read_the_files(tmp_path: Path, umask: int) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'data.sqlite3'}"
    previous = os.umask(umask)
    try:
        shell = Shell(url)
        shell.output("migrate")
        with serving(url) as service:
            assert service.client.get("/health/ready").status_code == 200
            shell.output("tenant", "create", "Acme", "--id", "acme")
            modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.glob("data.sqlite3*")}
    finally:
        os.umask(previous)
    assert {"data.sqlite3", "data.sqlite3-wal", "data.sqlite3-shm", "data.sqlite3.lock"} <= modes.keys()
    assert set(modes.values()) == {0o600}


def test_another_connection_leaves_the_locks_of_the_first(tmp_path: Path) -> None:
    """A process that sees no lock of another removes the write-ahead log when it closes the database."""
    path = tmp_path / "data.sqlite3"
    with closing(connect(str(path))) as first:
        first.execute("CREATE TABLE t (x)")
        with closing(connect(str(path))):
            pass
        other = f"import sqlite3; c = sqlite3.connect({str(path)!r}); c.execute('SELECT * FROM t'); c.close()"
        subprocess.run([sys.executable, "-c", other], check=True)
        assert path.with_name("data.sqlite3-wal").exists()
