"""What happens to the database file of a served process: clients, health checks and the log say so."""

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.store.served_file import Served, assert_refused, serving_file
from tests.support.service import serving, wait_until
from tests.support.world import World

pytestmark = pytest.mark.faults

GONE = "The database file was deleted or replaced. The operators must restore it."


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with serving_file(tmp_path, tmp_path / "data" / "test.sqlite3") as one:
        yield one


def delete(file: Path) -> None:
    file.unlink()


def replace_by_a_copy(file: Path) -> None:
    copy = file.with_suffix(".copy")
    shutil.copy(file, copy)
    os.replace(copy, file)


def delete_the_log(file: Path) -> None:
    Path(f"{file}-wal").unlink()


def delete_the_index_of_the_log(file: Path) -> None:
    Path(f"{file}-shm").unlink()


@pytest.mark.parametrize(
    "harm",
    [delete, replace_by_a_copy, delete_the_log, delete_the_index_of_the_log],
    ids=lambda each: each.__name__,
)
def test_nothing_is_read_or_written_after_a_file_was_replaced(
    served: Served, harm: Callable[[Path], None]
) -> None:
    harm(served.file)
    if harm is delete_the_index_of_the_log:
        served.wait_for(GONE)
    assert_refused(served.patch("lost"), 503, GONE)
    served.wait_for(GONE)
    assert_refused(served.get(), 503, GONE)
    assert_refused(served.patch("lost"), 503, GONE)
    (line,) = served.log("database files were deleted or replaced")
    assert line["path"] == str(served.file)
    assert "restore a backup" in line["action"]


def test_reads_notice_it_without_writes_and_health_checks(served: Served) -> None:
    assert served.get().status_code == 200
    served.file.unlink()
    wait_until(lambda: served.get().status_code == 503)
    assert_refused(served.get(), 503, GONE)


def test_files_that_return_are_used_again(served: Served, tmp_path: Path) -> None:
    away = tmp_path / "away"
    served.file.parent.rename(away)
    served.wait_for(GONE)
    assert_refused(served.patch("refused"), 503, GONE)
    away.rename(served.file.parent)
    served.wait_for(None)
    assert served.patch("back").status_code == 200
    assert served.get().json()["metadata"] == {"k": "back"}
    assert served.log("database files are back")


def test_another_lock_file_is_taken_after_the_first_was_deleted(served: Served) -> None:
    assert served.patch(1).status_code == 200
    lock = Path(f"{served.file}.lock")
    lock.unlink()
    assert served.patch(2).status_code == 200
    assert lock.exists()


def test_a_missing_table_is_logged_and_masked(served: Served) -> None:
    with closing(sqlite3.connect(served.file)) as database:
        database.execute("DROP TABLE document_changes")
    response = served.patch("x")
    assert response.status_code == 500
    assert "document_changes" not in response.text
    line = served.log("database error")[0]
    assert (line["error"], line["statement"]) == ("SQLITE_ERROR", "INSERT document_changes")
    assert line["message"] == "no such table: document_changes"
    served.wait_for("The database is damaged or lacks a table (SQLITE_ERROR).")


def test_a_corrupt_page_is_logged_and_masked(served: Served) -> None:
    with closing(sqlite3.connect(served.file)) as database:
        (page,) = database.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'documents'").fetchone()
        (size,) = database.execute("PRAGMA page_size").fetchone()
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with served.file.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * size)
    with closing(sqlite3.connect(served.file)) as database, database:
        database.execute("UPDATE tenants SET name = 'makes the server read all pages again'")
    response = served.get()
    assert (response.status_code, "Internal error." in response.text) == (500, True)
    assert served.patch("x").status_code == 500
    lines = {(line["error"], line["statement"]) for line in served.log("database error")}
    assert ("SQLITE_CORRUPT", "SELECT documents") in lines
    served.wait_for("The database is damaged or lacks a table (SQLITE_CORRUPT).")


def test_a_database_that_another_program_holds_is_told(tmp_path: Path) -> None:
    file = tmp_path / "test.sqlite3"
    with serving(f"sqlite:///{file}") as service:
        users = World(service)
    with serving(f"sqlite:///{file}", database_timeout=0.5) as service:
        world = users.on(service)
        with closing(sqlite3.connect(file)) as other:
            other.execute("BEGIN IMMEDIATE")
            refused = world.member.rest("PATCH", world.platform_key, {"metadata": {"k": 0}})
            assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
            assert service.client.get("/health/ready").status_code == 503
        wait_until(lambda: service.client.get("/health/ready").status_code == 200)
