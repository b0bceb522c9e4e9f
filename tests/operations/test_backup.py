"""`backup` and `restore`: verified copies of SQLite databases, and the commands of PostgreSQL's own tools."""

import json
import os
import shutil
import sqlite3
import stat
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.test_commands import contents, refused
from tests.conftest import require
from tests.store.test_migration_upgrade import migrate_to
from tests.support.cli_processes import PROGRAM, command, environment, run_command, serving_process
from tests.support.service import serving
from tests.support.world import World


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "data.sqlite3"


@pytest.fixture
def url(file: Path) -> str:
    """A database with the tenant `acme`."""
    url = f"sqlite+aiosqlite:///{file}"
    run_command(url, "migrate")
    run_command(url, "tenant", "create", "Acme", "--id", "acme")
    return url


@pytest.fixture
def backup(url: str, tmp_path: Path) -> Path:
    """A backup of that database."""
    path = tmp_path / "backups" / "backup.sqlite3"
    path.parent.mkdir()
    run_command(url, "backup", str(path))
    return path


def url_of(path: Path) -> str:
    return f"sqlite+aiosqlite:///{path}"


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_backup_has_the_same_contents_and_is_one_private_file(url: str, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    previous = os.umask(0)
    try:
        done = command(url, "backup", str(folder / "a"), "--json")
    finally:
        os.umask(previous)
    assert done.returncode == 0, done.stderr
    assert names(folder) == {"a"}
    assert stat.S_IMODE((folder / "a").stat().st_mode) == 0o600
    assert contents(url_of(folder / "a")) == contents(url)
    document = json.loads(done.stdout)
    assert document["file"] == str(folder / "a")
    assert document["size"] == (folder / "a").stat().st_size
    assert document["migration"] == "0020"
    assert document["rows"]["tenants"] == 1
    assert document["rows"]["documents"] == 0


def test_a_backup_of_a_running_server_has_every_acknowledged_write(url: str, tmp_path: Path) -> None:
    """It is a single moment: of two writes in a row, never only the second."""
    with serving(url) as service:
        world = World(service)
        stop, written = threading.Event(), [0]
        mutation = """mutation ($n: JSON) { patchPlatformMetadata(input: {platformKey: "KEY",
          metadata: {n: $n}}) { userErrors { message } } }""".replace("KEY", world.platform_key)

        def write() -> None:
            while not stop.is_set():
                world.member.ask(mutation.replace("$n: JSON", "$n: JSONObject").replace("{n: $n}", "$n"),
                                 n={"n": written[0] + 1})  # fmt: skip
                written[0] += 1

        writer = threading.Thread(target=write)
        writer.start()
        try:
            for attempt in range(5):
                before = written[0]
                while written[0] == before:
                    assert writer.is_alive()
                    stop.wait(0.005)
                before = written[0]
                path = tmp_path / f"backup-{attempt}"
                run_command(url, "backup", str(path))
                with closing(sqlite3.connect(path)) as connection:
                    (document,) = connection.execute("SELECT metadata, revision FROM documents").fetchall()
                    (history,) = connection.execute("SELECT max(revision) FROM document_changes").fetchone()
                assert before <= json.loads(document[0])["n"] == document[1] == history
        finally:
            stop.set()
            writer.join()


def test_an_existing_file_is_never_replaced(url: str, tmp_path: Path) -> None:
    existing = tmp_path / "existing"
    existing.write_text("keep me")
    message = refused(url, "backup", str(existing))
    assert message == f"{existing} exists already. Choose the name of a new file."
    assert existing.read_text() == "keep me"
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "target")
    refused(url, "backup", str(link))
    assert not (tmp_path / "target").exists()


def test_what_cannot_be_backed_up_leaves_no_file(url: str, file: Path, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    assert refused(url, "backup", str(folder / "a")) == f"There is no folder {folder}."
    folder.mkdir()
    missing = tmp_path / "missing.sqlite3"
    assert refused(url_of(missing), "backup", str(folder / "a")) == f"There is no database {missing}."
    assert not missing.exists()
    damage(file)
    assert "malformed" in refused(url, "backup", str(folder / "a"))
    assert names(folder) == set()


def damage(path: Path) -> None:
    """Overwrite the pages in the middle of a database."""
    size = path.stat().st_size
    with path.open("rb+") as stream:
        stream.seek(8192)
        stream.write(b"\xff" * (size - 16384))


def data(url: str) -> list[str]:
    """Everything in a database but the positions of events: a restore makes a gap in these."""
    lines = contents(url)
    return [each for each in lines if '"event_gaps" VALUES' not in each and "sqlite_sequence" not in each]


def test_a_restored_database_has_what_the_backup_has(url: str, file: Path, backup: Path) -> None:
    before = data(url)
    run_command(url, "tenant", "create", "Later", "--id", "later")
    assert refused(url, "restore", str(backup)) == f"{file} exists already. To replace it, use --force."
    done = command(url, "restore", str(backup), "--force", "--yes", "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["file"] == str(file)
    assert document["upToDate"] is True
    assert document["rows"]["tenants"] == 1
    assert data(url) == before
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert names(backup.parent) == {backup.name}
    assert names(file.parent) == {file.name, f"{file.name}.lock", "backups"}


def test_a_database_that_is_gone_is_restored_without_force(url: str, file: Path, backup: Path) -> None:
    before = data(url)
    file.unlink()
    run_command(url, "restore", str(backup))
    assert data(url) == before


@pytest.mark.parametrize("damaged", [b"", b"no database" * 2000])
def test_a_damaged_database_and_its_log_are_replaced(
    url: str, file: Path, backup: Path, damaged: bytes
) -> None:
    before = data(url)
    file.write_bytes(damaged)
    for suffix in ("-wal", "-shm"):
        Path(f"{file}{suffix}").write_bytes(b"of the former database")
    run_command(url, "restore", str(backup), "--force", "--yes")
    assert not Path(f"{file}-wal").exists()
    assert data(url) == before


def test_the_log_of_the_former_database_is_not_applied_to_the_restored_one(
    url: str, file: Path, backup: Path
) -> None:
    """A server that was killed leaves a log of writes that are not in its file yet."""
    before = data(url)
    leave_log = """import os, sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
connection.execute("INSERT INTO tenants VALUES ('x', 'X', 1)")
connection.commit()
os._exit(0)"""
    subprocess.run([PROGRAM[0], "-c", leave_log, str(file)], check=True)
    assert Path(f"{file}-wal").stat().st_size > 0
    run_command(url, "restore", str(backup), "--force", "--yes")
    assert data(url) == before


def test_the_operator_is_asked_before_a_database_is_replaced(url: str, file: Path, backup: Path) -> None:
    run_command(url, "tenant", "create", "Later", "--id", "later")
    before = data(url)
    program = [*PROGRAM, "restore", str(backup), "--force"]
    for answer, code in (("n\n", 1), ("", 1), ("y\n", 0)):
        assert data(url) == before
        done = subprocess.run(program, env=environment(url), input=answer, capture_output=True, text=True)
        assert done.returncode == code, done.stderr
        assert f"Replace {file}, and lose all that was written after the backup?" in done.stderr
    assert data(url) != before


def test_nothing_is_restored_while_a_server_runs(url: str, file: Path, backup: Path, tmp_path: Path) -> None:
    in_use = f"A server or another program has {file} open. Stop it first."
    with serving_process(tmp_path, url) as server:
        before = data(url)
        assert refused(url, "restore", str(backup), "--force", "--yes") == in_use
        assert data(url) == before
        server.stop()
    run_command(url, "restore", str(backup), "--force", "--yes")


@pytest.fixture
def lock_of_a_writer(file: Path) -> Iterator[None]:
    """A server that is about to write."""
    program = ["flock", "-n", f"{file}.lock", "sh", "-c", "echo locked; read line"]
    process = subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "locked\n"
    yield
    process.communicate("\n")


def test_nothing_is_restored_while_a_server_holds_its_lock(
    url: str, file: Path, backup: Path, lock_of_a_writer: None
) -> None:
    assert refused(url, "restore", str(backup), "--force", "--yes").endswith("open. Stop it first.")


def test_what_is_no_valid_backup_is_refused(url: str, file: Path, backup: Path, tmp_path: Path) -> None:
    before = data(url)

    def refusal(path: Path) -> str:
        return refused(url, "restore", str(path), "--force", "--yes")

    assert refusal(tmp_path / "none") == f"There is no database {tmp_path / 'none'}."
    text = tmp_path / "text"
    text.write_text("no database" * 1000)
    assert "is damaged, or is no SQLite database" in refusal(text)
    other = tmp_path / "other"
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE t (x)")
    assert refusal(other) == f"{other} is no backup of gql-service."
    newer = tmp_path / "newer"
    shutil.copy(backup, newer)
    with closing(sqlite3.connect(newer)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    assert refusal(newer) == f"{newer} is from a newer gql-service. Install that version."
    dangling = tmp_path / "dangling"
    shutil.copy(backup, dangling)
    with closing(sqlite3.connect(dangling)) as connection, connection:
        connection.execute(
            "INSERT INTO platforms (id, key, tenant_id, name, created_at) VALUES ('p', 'p', 'nobody', 'P', 1)"
        )
    assert refusal(dangling) == (
        f"{dangling} is damaged: a row of platforms refers to a missing row of tenants."
    )
    damage(backup)
    assert "is damaged" in refusal(backup)
    assert refused(url, "restore", str(file), "--force", "--yes") == "The backup is the database itself."
    assert data(url) == before


def test_a_backup_of_an_older_version_is_migrated_afterwards(url: str, file: Path, tmp_path: Path) -> None:
    old = tmp_path / "old.sqlite3"
    migrate_to(url_of(old), "0004", "SELECT 1")
    done = command(url, "restore", str(old), "--force", "--yes")
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("It is from an older version. Run: gql-service migrate\n")
    run_command(url, "migrate")


def run_printed(url: str, *arguments: str) -> str:
    """Run the command that a command prints for PostgreSQL; returns its standard error."""
    done = command(url, *arguments)
    assert done.returncode == 1, done
    assert done.stderr.startswith("gql-service: PostgreSQL has its own tools: run the command above")
    (line,) = done.stdout.splitlines()
    assert json.loads(command(url, *arguments, "--json").stdout) == {"command": line}
    ran = subprocess.run(["sh", "-c", line], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    return ran.stderr


@pytest.mark.parametrize("fresh_database_url", ["postgres"], indirect=True)
def test_the_commands_for_postgres_work(fresh_database_url: str, tmp_path: Path) -> None:
    require("pg_dump", shutil.which("pg_dump") is not None)
    url = fresh_database_url
    run_command(url, "migrate")
    run_command(url, "tenant", "create", "Acme", "--id", "acme")
    file = tmp_path / "it's a backup"
    run_printed(url, "backup", str(file))
    before = command(url, "export", "-").stdout
    run_command(url, "tenant", "create", "Later", "--id", "later")
    run_printed(url, "restore", str(file), "--force", "--yes")
    assert command(url, "export", "-").stdout == before


@pytest.mark.parametrize("arguments", [("backup", "f"), ("restore", "f")])
def test_the_commands_for_postgres_have_no_password(arguments: tuple[str, ...]) -> None:
    url = "postgresql+asyncpg://joe:s3cret@db:1/app?password=s3cret&sslmode=require"
    done = command(url, *arguments)
    assert "--dbname='postgresql://joe@db:1/app?sslmode=require'" in done.stdout
    assert "s3cret" not in done.stdout + done.stderr
