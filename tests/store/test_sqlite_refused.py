"""A disk that refuses writes, because it is full or read-only: clients, health checks and the log say so.

Reads go on, and writes resume by themselves.
"""

import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import pytest

from tests.conftest import note_untested
from tests.store.served_file import Served, assert_refused, serving_file

FULL = "The database has no space left to write."
TWO = """mutation ($key: String!) {
  a: patchPlatformMetadata(input: {platformKey: $key, metadata: {g: 1}}) { deletedKeys }
  b: patchPlatformMetadata(input: {platformKey: $key, metadata: {g: 2}}) { deletedKeys } }"""
PATCH = """mutation ($key: String!) { patchPlatformMetadata(input: {platformKey: $key, metadata: {g: 1}}) {
  platformMetadata { revision } } }"""
OBEYS_MODES = """
import ctypes, os, sys
if os.geteuid() == 0:
    libc = ctypes.CDLL(None, use_errno=True)
    for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
        if libc.prctl(24, capability, 0, 0, 0):  # PR_CAPBSET_DROP
            raise OSError(ctypes.get_errno(), "prctl")
os.execv(sys.executable, [sys.executable, "-m", "gql_service", *sys.argv[1:]])
"""
"""Starts the program without the right to write in spite of the modes of files, which root has."""


class Disk(Protocol):
    """A folder on a disk that can be full."""

    folder: Path

    def fill(self, served: Served) -> None: ...

    def free(self, served: Served) -> None: ...


class LimitedFiles:
    """The server's files may not grow."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def fill(self, served: Served) -> None:
        self._limit(served, Path(f"{served.file}-wal").stat().st_size)

    def free(self, served: Served) -> None:
        self._limit(served, resource.RLIM_INFINITY)

    def _limit(self, served: Served, size: int) -> None:
        resource.prlimit(served.server.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


class SmallDisk:
    """A disk in memory, where another file takes all the room."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._other = folder / "other"

    def fill(self, _served: Served) -> None:
        with self._other.open("wb", 0) as file, suppress(OSError):
            while file.write(bytes(4096)):
                pass

    def free(self, _served: Served) -> None:
        self._other.unlink()


@pytest.fixture(params=[LimitedFiles, SmallDisk], ids=lambda kind: kind.__name__)
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Disk]:
    folder = tmp_path / "disk"
    folder.mkdir()
    if request.param is LimitedFiles:
        yield LimitedFiles(folder)
        return
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)]
    if subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        note_untested(
            "a disk of its own", "Nothing can be mounted here; a limit of file sizes was used instead."
        )
        yield LimitedFiles(folder)
        return
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_full_disk_is_told_and_passes(disk: Disk, tmp_path: Path) -> None:
    with serving_file(tmp_path, disk.folder / "test.sqlite3") as served:
        fill_and_free(disk, served)


def fill_and_free(disk: Disk, served: Served) -> None:
    assert served.patch("before").status_code == 200
    disk.fill(served)
    assert_refused(served.patch("x" * 8192), 507, FULL)
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
    disk.free(served)
    served.wait_for(None)
    assert served.patch("after").status_code == 200
    assert served.get().json()["metadata"] == {"k": "after"}


@pytest.mark.parametrize("what", ["file", "folder"])
def test_a_read_only_disk_is_told_and_passes(tmp_path: Path, what: str) -> None:
    file = tmp_path / "data" / "test.sqlite3"
    harmed, mode = (file, 0o400) if what == "file" else (file.parent, 0o500)
    reason = f"The database refuses writes: its {what} is read-only."
    program = (sys.executable, "-c", OBEYS_MODES)
    with serving_file(tmp_path, file, program=program, ready=False) as served:
        before = harmed.stat().st_mode
        harmed.chmod(mode)
        assert_refused(served.patch("refused"), 503, reason)
        served.wait_for(reason)
        assert served.get().status_code == (503 if what == "folder" else 200)
        assert served.log("database error")[0]["error"].startswith("SQLITE_READONLY")
        harmed.chmod(before)
        if what == "file":
            for suffix in ("-wal", "-shm"):  # SQLite has given them the mode of the file
                Path(f"{file}{suffix}").chmod(before)
        served.wait_for(None)
        assert served.patch("after").status_code == 200
        assert served.get().json()["metadata"] == {"k": "after"}
