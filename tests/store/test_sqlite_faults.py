"""What happens to the database file of a served process: clients, health checks and the log say so."""

import json
import os
import resource
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from tests.support.cli_processes import Server, serving_process
from tests.support.http_clients import http_client
from tests.support.service import serving, wait_until
from tests.support.world import REST, World

GONE = "The database file was deleted or replaced. The operators must restore it."
FULL = "The database has no space left to write."
TWO = """mutation ($key: String!) {
  a: patchPlatformMetadata(input: {platformKey: $key, metadata: {g: 1}}) { deletedKeys }
  b: patchPlatformMetadata(input: {platformKey: $key, metadata: {g: 2}}) { deletedKeys } }"""
PATCH = """mutation ($key: String!) { patchPlatformMetadata(input: {platformKey: $key, metadata: {g: 1}}) {
  platformMetadata { revision } } }"""


class Served(NamedTuple):
    """A server process, its database file, and a member with a token."""

    server: Server
    client: httpx.Client
    file: Path
    platform_key: str
    token: str

    def patch(self, value: Any) -> httpx.Response:
        return self._rest("PATCH", {"metadata": {"k": value}})

    def get(self) -> httpx.Response:
        return self._rest("GET")

    def graphql(self, query: str) -> httpx.Response:
        body = {"query": query, "variables": {"key": self.platform_key}}
        headers = {"Authorization": f"Bearer {self.token}", "Accept": "application/json"}
        return self.client.post("/graphql", json=body, headers=headers)

    def wait_for(self, problem: str | None) -> None:
        """Wait until `/health/ready` says this. It gives an answer again for a fraction of a second."""
        wait_until(lambda: self._problem() == problem)

    def _problem(self) -> str | None:
        response = self.client.get("/health/ready")
        assert (response.status_code == 200) == (response.json() == {"status": "ok"})
        reason: str | None = response.json().get("reason")
        return reason

    def log(self, event: str) -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in self.server.output.splitlines() if line.startswith("{")]
        return [line for line in lines if line["event"] == event]

    def _rest(self, method: str, body: Any = None) -> httpx.Response:
        headers = {"Authorization": f"Token {self.token}"}
        return self.client.request(
            method, REST, params={"platform_key": self.platform_key}, json=body, headers=headers
        )


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    file = tmp_path / "data" / "test.sqlite3"
    file.parent.mkdir()
    url = f"sqlite:///{file}"
    with serving(url) as service:
        world = World(service)
        assert world.member.rest("PATCH", world.platform_key, {"metadata": {"k": 0}}).status_code == 200
    with serving_process(tmp_path, url) as server, http_client(server.url) as client:
        yield Served(server, client, file, world.platform_key, world.member.token)


def limit_file_size(server: Server, size: int) -> None:
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def assert_refused(response: httpx.Response, status: int, message: str) -> None:
    assert (response.status_code, response.json()) == (status, {"error": message})
    assert int(response.headers["Retry-After"]) > 0


def test_a_full_disk_is_told_and_passes(served: Served) -> None:
    assert served.patch("before").status_code == 200
    limit_file_size(served.server, Path(f"{served.file}-wal").stat().st_size)
    assert_refused(served.patch("full"), 507, FULL)
    several = served.graphql(TWO)
    assert several.status_code == 200, "one of them may have been done"
    assert {each["message"] for each in several.json()["errors"]} == {FULL}
    response = served.graphql(PATCH)
    assert (response.status_code, response.headers["Retry-After"]) == (507, "10")
    (error,) = response.json()["errors"]
    assert (error["message"], error["extensions"]) == (FULL, {"code": "INSUFFICIENT_STORAGE"})
    assert served.get().json()["metadata"] == {"k": "before"}, "reads go on"
    served.wait_for(FULL)
    line = served.log("database error")[0]
    assert line["error"].startswith(("SQLITE_IOERR", "SQLITE_FULL"))
    assert line["message"]
    limit_file_size(served.server, resource.RLIM_INFINITY)
    served.wait_for(None)
    assert served.patch("after").status_code == 200
    assert served.get().json()["metadata"] == {"k": "after"}


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
