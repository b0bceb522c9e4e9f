"""`export` and `import` and the world around: files, pipes, terminals, and processes that are killed."""

import os
import pty
import signal
import stat
import subprocess
import time
from pathlib import Path

import pytest

from tests.support import zygote
from tests.support.cli_processes import PROGRAM, environment
from tests.support.http_clients import PATIENCE
from tests.transfer.test_round_trip import DIRECTORY, EVERYTHING, Line, Shell, filed, person, whole, written

BATCH = 500
PEOPLE: list[Line] = [DIRECTORY[2], DIRECTORY[4]]
for number in range(4000):
    PEOPLE += [whole(person(f"u{number:04}")), filed(f"u{number:04}", "shop", {"n": number})]
TEXT = written(PEOPLE)


@pytest.fixture
def shell(fresh_database_url: str) -> Shell:
    """An empty database of either kind."""
    shell = Shell(fresh_database_url)
    shell.told("migrate")
    return shell


@pytest.fixture
def lite(tmp_path: Path) -> Shell:
    """A database of SQLite that is not empty."""
    lite = Shell(f"sqlite+aiosqlite:///{tmp_path / 'data.sqlite3'}")
    lite.told("migrate")
    lite.load(*EVERYTHING)
    return lite


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where files are written, and nothing else."""
    folder = tmp_path / "files"
    folder.mkdir()
    return folder


def test_a_file_is_replaced_once_the_export_is_whole(lite: Shell, folder: Path) -> None:
    file, link = folder / "all.jsonl", folder / "link"
    file.write_text("old")
    link.symlink_to(file)
    assert lite.told("export", str(link)) == f"Exported {len(EVERYTHING)} lines.\n"
    assert file.read_text() == written(EVERYTHING)
    assert link.is_symlink()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert {path.name for path in folder.iterdir()} == {"all.jsonl", "link"}


def test_an_export_that_fails_leaves_the_old_file_and_nothing_else(lite: Shell, folder: Path) -> None:
    file = folder / "all.jsonl"
    file.write_text("old")
    lite.load(person("zoe", language="de"))
    set_language = "UPDATE users SET permissions = '7' WHERE id = 'zoe'"
    subprocess.run(
        ["python3", "-c", "import sqlite3, sys; sqlite3.connect(sys.argv[1]).executescript(sys.argv[2])",
         lite.url.partition(":///")[2], set_language],
        check=True,
    )  # fmt: skip
    message = lite.refused("export", str(file))
    assert message == "The stored `permissions` of the user zoe is malformed: not a list of texts."
    assert file.read_text() == "old"
    assert list(folder.iterdir()) == [file]


def test_what_cannot_be_a_file_is_refused(lite: Shell, folder: Path) -> None:
    missing = folder / "none" / "all.jsonl"
    assert lite.refused("export", str(folder)) == f"{folder} is no ordinary file; - is standard output."
    assert lite.refused("export", "/dev/null") == "/dev/null is no ordinary file; - is standard output."
    told = f"{missing} cannot be written: No such file or directory."
    assert lite.refused("export", str(missing)) == told
    assert lite.refused("import", str(missing)) == told.replace("written", "read")
    assert lite.refused("import", str(folder)) == f"{folder} cannot be read: Is a directory."


@pytest.mark.parametrize("command", ["export", "import"])
def test_the_bar_is_for_terminals_only(lite: Shell, folder: Path, command: str) -> None:
    file = folder / "all.jsonl"
    lite.told("export", str(file))
    program = [*PROGRAM, command, str(file)]
    piped = subprocess.run(program, env=environment(lite.url), capture_output=True, check=True)
    assert piped.stderr == b""
    ours, theirs = pty.openpty()
    shown = subprocess.run(
        program, env=environment(lite.url), stdout=subprocess.PIPE, stderr=theirs, check=True
    )
    os.close(theirs)
    assert shown.stdout == piped.stdout
    bar = os.read(ours, 65536).decode()
    os.close(ours)
    assert command.capitalize() in bar
    assert "100%" in bar


def test_a_full_disk_is_told_and_a_closed_pipe_is_not(lite: Shell) -> None:
    lite.load(*PEOPLE)
    program = [*PROGRAM, "export", "-"]
    env = environment(lite.url) | {"PYTHONUNBUFFERED": ""}  # as it is where nobody has asked otherwise
    with open("/dev/full", "wb") as full:
        done = subprocess.run(program, env=env, stdout=full, stderr=subprocess.PIPE)
    assert done.stderr == b"gql-service: - cannot be written: No space left on device.\n"
    assert done.returncode == 1
    pipe = subprocess.Popen(program, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert pipe.stdout is not None
    pipe.stdout.readline()
    pipe.stdout.close()
    assert pipe.communicate(timeout=PATIENCE)[1] == b""
    assert pipe.returncode == 1


def test_a_document_as_large_as_it_may_be_goes_through(shell: Shell) -> None:
    metadata = {f"k{number}": "ü" * 65_000 for number in range(8)}
    large = [*PEOPLE[:3], *(filed(PEOPLE[2]["id"], None, metadata) for _ in range(1))]
    shell.told("import", "-", input=written(large).encode())
    assert shell.everything() == written(large)
    small = {"max_metadata_size": "1000000"}
    assert "1000000 are allowed" in shell.refused(
        "import", "-", input=written([*large[:2], whole(person("u9")), filed("u9", None, metadata)]).encode(),
        **small,
    )  # fmt: skip


def start_import(shell: Shell, file: Path) -> zygote.Forked:
    with open(os.devnull, "wb") as nowhere:
        sink = nowhere.fileno()
        return zygote.start(["import", str(file)], environment(shell.url), sink, sink)


def stored(shell: Shell, importing: zygote.Forked, least: int) -> str:
    """What is stored, as soon as it is at least this many lines."""
    deadline = time.monotonic() + PATIENCE
    while (text := shell.everything()).count("\n") < least:
        assert time.monotonic() < deadline
        assert importing.poll() is None
        time.sleep(0.01)
    return text


def test_an_import_that_waits_for_its_next_line_can_be_killed_and_resumed(shell: Shell, folder: Path) -> None:
    lines = TEXT.splitlines(keepends=True)
    os.mkfifo(pipe := folder / "pipe")
    importing = start_import(shell, pipe)
    with pipe.open("w") as end:
        end.writelines(lines[: 2 * BATCH + 7])
        end.write(lines[2 * BATCH + 7][:50])
        end.flush()
        stored(shell, importing, 2 * BATCH)
        importing.send_signal(signal.SIGKILL)
        importing.wait(PATIENCE)
    assert shell.everything() == "".join(lines[: 2 * BATCH])
    told = shell.told("import", "-", input=TEXT.encode())
    assert told == f"Read {len(lines)} lines: {len(lines) - 2 * BATCH} written, {2 * BATCH} there already.\n"
    assert shell.everything() == TEXT


@pytest.mark.parametrize("least", [1, 3 * BATCH])
def test_an_import_that_is_killed_at_any_moment_has_stored_whole_batches(
    shell: Shell, folder: Path, least: int
) -> None:
    file = folder / "all.jsonl"
    file.write_text(TEXT)
    importing = start_import(shell, file)
    stored(shell, importing, least)
    importing.kill()
    importing.wait(PATIENCE)
    kept = shell.everything()
    assert TEXT.startswith(kept)
    assert kept.count("\n") % BATCH == 0 or kept == TEXT
    shell.told("import", str(file))
    assert shell.everything() == TEXT
