"""A commit that fails: the client is told the truth, and a retry with the same key is applied once."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from tests.conftest import require
from tests.support.cli_processes import PROGRAM, Server, serving_process
from tests.support.http_clients import http_client
from tests.support.postgres import Postgres
from tests.support.server_log import lines
from tests.support.service import serving
from tests.support.tcp_proxy import AtCommit, Proxy, proxying
from tests.support.world import REST, World

UNKNOWN = (
    "The database failed during the commit: the write may or may not have been stored. "
    "Read it again, or send it again with the same idempotency key."
)
INCREMENT = """mutation ($key: String!, $id: String) { patchPlatformMetadata(input: {platformKey: $key,
  operations: [{increment: {path: "/n", by: 1}}], idempotencyKey: $id}) {
  userErrors { code } platformMetadata { metadata } replayed } }"""
FSYNC = """
#include <errno.h>
#include <unistd.h>
#include <stdlib.h>
int fdatasync(int fd) {
    if (access(getenv("FAILING"), F_OK) == 0) { errno = EIO; return -1; }
    return 0;
}
int fsync(int fd) { return fdatasync(fd); }
"""
"""A disk whose writes are lost while a file exists."""


class Member(NamedTuple):
    """Somebody who adds 1 to a counter that is 0 at first."""

    token: str
    platform_key: str

    def increment(self, url: str, id: str | None = None) -> httpx.Response:
        variables = {"key": self.platform_key, "id": id}
        with http_client(url) as client:
            return client.post(
                "/graphql",
                json={"query": INCREMENT, "variables": variables},
                headers={"Authorization": f"Bearer {self.token}"},
            )

    def counter(self, url: str) -> int:
        with http_client(url) as client:
            response = client.get(
                REST,
                params={"platform_key": self.platform_key},
                headers={"Authorization": f"Token {self.token}"},
            )
        return int(response.json()["metadata"]["n"])


def new_member(url: str, counter: int = 0) -> Member:
    with serving(url) as service:
        world = World(service)
        assert world.member.rest("PATCH", world.platform_key, {"metadata": {"n": counter}}).status_code == 200
        return Member(world.member.token, world.platform_key)


def assert_unavailable(response: httpx.Response, message: str) -> None:
    assert (response.status_code, response.headers["Retry-After"]) == (503, "1")
    (error,) = response.json()["errors"]
    assert (error["message"], error["extensions"]["code"]) == (message, "UNAVAILABLE")


def assert_done_once(member: Member, url: str, id: str, *, replayed: bool) -> None:
    """The counter is 1 after a retry, and another retry."""
    payload = member.increment(url, id).json()["data"]["patchPlatformMetadata"]
    assert payload == {
        "userErrors": [],
        "platformMetadata": {"metadata": {"n": 1}},
        "replayed": replayed,
    }
    assert member.increment(url, id).json()["data"]["patchPlatformMetadata"]["replayed"] is True
    assert member.counter(url) == 1


def commit_errors(server: Server) -> list[str]:
    return [line["error"] for line in lines(server.output, "database error") if line["statement"] == "commit"]


@pytest.fixture
def proxied(postgres_server: Postgres) -> Iterator[tuple[Proxy, str]]:
    with proxying(postgres_server.port) as proxy:
        yield proxy, postgres_server.create_database().replace(f":{postgres_server.port}/", f":{proxy.port}/")


@pytest.mark.parametrize("harm", [AtCommit.CUT_BEFORE, AtCommit.CUT_AFTER], ids=lambda harm: harm.name)
def test_a_connection_lost_in_the_commit(proxied: tuple[Proxy, str], tmp_path: Path, harm: AtCommit) -> None:
    proxy, url = proxied
    member = new_member(url)
    with serving_process(tmp_path, url) as server:
        proxy.at_next_commit = harm
        assert_unavailable(member.increment(server.url, "one"), UNKNOWN)
        assert commit_errors(server) in (["08003"], ["ConnectionDoesNotExistError"])
        assert member.counter(server.url) == (1 if harm is AtCommit.CUT_AFTER else 0)
        assert_done_once(member, server.url, "one", replayed=harm is AtCommit.CUT_AFTER)


def test_a_commit_that_postgres_answers_with_a_rollback(proxied: tuple[Proxy, str], tmp_path: Path) -> None:
    proxy, url = proxied
    member = new_member(url)
    with serving_process(tmp_path, url) as server:
        proxy.at_next_commit = AtCommit.ROLL_BACK
        response = member.increment(server.url)
        assert_unavailable(response, "The database did not store the write; try again.")
        assert commit_errors(server) == ["25P02"]
        assert member.counter(server.url) == 0
        assert_done_once(member, server.url, "one", replayed=False)


@pytest.fixture
def failing_disk(tmp_path: Path) -> dict[str, str]:
    """The variables of processes whose disk fails while the file `failing` exists."""
    require("gcc", shutil.which("gcc") is not None)
    source, library = tmp_path / "fsync.c", tmp_path / "fsync.so"
    source.write_text(FSYNC)
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", library, source], check=True)
    return {"LD_PRELOAD": str(library), "FAILING": str(tmp_path / "failing")}


@pytest.mark.parametrize("killed", [False, True], ids=["going_on", "killed"])
def test_an_fsync_that_fails(failing_disk: dict[str, str], tmp_path: Path, killed: bool) -> None:
    """SQLite has written the commit to its log by then, and finds it there after a crash."""
    url = f"sqlite:///{tmp_path / 'test.sqlite3'}"
    member = new_member(url, -1)
    failing = Path(failing_disk["FAILING"])
    with serving_process(tmp_path, url, program=PROGRAM, extra=failing_disk) as server:
        assert member.increment(server.url).status_code == 200, "or else there is no log yet"
        failing.touch()
        assert_unavailable(member.increment(server.url, "one"), UNKNOWN)
        (line,) = lines(server.output, "database error")
        assert line["error"] == "SQLITE_IOERR_FSYNC"
        failing.unlink()
        if not killed:
            assert_done_once(member, server.url, "one", replayed=False)
    if killed:
        with serving_process(tmp_path, url) as server:
            assert_done_once(member, server.url, "one", replayed=True)
