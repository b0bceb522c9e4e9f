"""Export and import with files, pipes and terminals, and when processes are killed."""

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
from tests.transfer.test_round_trip import (
    DIRECTORY,
    EVERYTHING,
    Line,
    Shell,
    completed,
    document_line,
    jsonl,
    user_line,
)

BATCH = 500
PEOPLE: list[Line] = [DIRECTORY[2], DIRECTORY[4]]
for number in range(4000):
    PEOPLE += [completed(user_line(f"u{number:04}")), document_line(f"u{number:04}", "shop", {"n": number})]
TEXT = jsonl(PEOPLE)


@pytest.fixture
def shell(fresh_database_url: str) -> Shell:
    """An empty database of either kind."""
    shell = Shell(fresh_database_url)
    shell.output("migrate")
    return shell


@pytest.fixture
def sqlite_shell(tmp_path: Path) -> Shell:
    """A database of SQLite that is not empty."""
    sqlite_shell = Shell(f"sqlite+aiosqlite:///{tmp_path / 'data.sqlite3'}")
    sqlite_shell.output("migrate")
    sqlite_shell.load(*EVERYTHING)
    return sqlite_shell


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder."""
    folder = tmp_path / "files"
    folder.mkdir()
    return folder


def test_a_file_is_replaced_after_the_export_is_complete(sqlite_shell: Shell, folder: Path) -> None:
    file, link = folder / "all.jsonl", folder / "link"
    file.write_text("old")
    link.symlink_to(file)
    assert sqlite_shell.output("export", str(link)) == f"Exported {len(EVERYTHING)} lines.\n"
    assert file.read_text() == jsonl(EVERYTHING)
    assert link.is_symlink()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert {path.name for path in folder.iterdir()} == {"all.jsonl", "link"}


def test_an_export_that_fails_leaves_the_old_file_and_nothing_else(sqlite_shell: Shell, folder: Path) -> None:
    file = folder / "all.jsonl"
    file.write_text("old")
    sqlite_shell.load(user_line("zoe", language="de"))
    set_language = "UPDATE users SET permissions = '7' WHERE id = 'zoe'"
    subprocess.run(
        ["python3", "-c", "import sqlite3, sys; sqlite3.connect(sys.argv[1]).executescript(sys.argv[2])",
         sqlite_shell.url.partition(":///")[2], set_language],
        check=True,
    )  # fmt: skip
    message = sqlite_shell.error("export", str(file))
    assert message == "The stored `permissions` of the user zoe is malformed: not a list of texts."
    assert file.read_text() == "old"
    assert list(folder.iterdir()) == [file]


def test_paths_that_are_not_regular_files_are_refused(sqlite_shell: Shell, folder: Path) -> None:
    missing = folder / "none" / "all.jsonl"
    for special in (str(folder), "/dev/null"):
        message = f"{special} is not a regular file. Use - for standard output."
        assert sqlite_shell.error("export", special) == message
    assert sqlite_shell.error("export", str(missing)) == f"Cannot write {missing}: No such file or directory."
    assert sqlite_shell.error("import", str(missing)) == f"Cannot read {missing}: No such file or directory."
    assert sqlite_shell.error("import", str(folder)) == f"Cannot read {folder}: Is a directory."


@pytest.mark.parametrize("command", ["export", "import"])
def test_the_progress_bar_is_shown_on_terminals_only(sqlite_shell: Shell, folder: Path, command: str) -> None:
    file = folder / "all.jsonl"
    sqlite_shell.output("export", str(file))
    program = [*PROGRAM, command, str(file)]
    piped = subprocess.run(program, env=environment(sqlite_shell.url), capture_output=True, check=True)
    assert piped.stderr == b""
    controller, tty = pty.openpty()
    on_terminal = subprocess.run(
        program, env=environment(sqlite_shell.url), stdout=subprocess.PIPE, stderr=tty, check=True
    )
    os.close(tty)
    assert on_terminal.stdout == piped.stdout
    bar = os.read(controller, 65536).decode()
    os.close(controller)
    assert command.capitalize() in bar
    assert "100%" in bar


def test_a_full_disk_is_reported_and_a_closed_pipe_is_not(sqlite_shell: Shell) -> None:
    sqlite_shell.load(*PEOPLE)
    program = [*PROGRAM, "export", "-"]
    env = environment(sqlite_shell.url) | {"PYTHONUNBUFFERED": ""}  # buffered, which is the default
    with open("/dev/full", "wb") as full:
        done = subprocess.run(program, env=env, stdout=full, stderr=subprocess.PIPE)
    assert done.stderr == b"gql-service: Cannot write -: No space left on device.\n"
    assert done.returncode == 1
    pipe = subprocess.Popen(program, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert pipe.stdout is not None
    pipe.stdout.readline()
    pipe.stdout.close()
    assert pipe.communicate(timeout=PATIENCE)[1] == b""
    assert pipe.returncode == 1


def test_the_largest_document_can_be_moved(shell: Shell) -> None:
    metadata = {f"k{number}": "ü" * 65_000 for number in range(8)}
    large = [*PEOPLE[:3], *(document_line(PEOPLE[2]["id"], None, metadata) for _ in range(1))]
    shell.output("import", "-", input=jsonl(large).encode())
    assert shell.exported() == jsonl(large)
    small = {"max_metadata_size": "1000000"}
    lines = [*large[:2], completed(user_line("u9")), document_line("u9", None, metadata)]
    assert "1000000 are allowed" in shell.error("import", "-", input=jsonl(lines).encode(), **small)


def start_import(shell: Shell, file: Path) -> zygote.Forked:
    with open(os.devnull, "wb") as nowhere:
        sink = nowhere.fileno()
        return zygote.start(["import", str(file)], environment(shell.url), sink, sink)


def stored(shell: Shell, importing: zygote.Forked, least: int) -> str:
    """The exported data, as soon as it has at least this many lines."""
    deadline = time.monotonic() + PATIENCE
    while (text := shell.exported()).count("\n") < least:
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
    assert shell.exported() == "".join(lines[: 2 * BATCH])
    output = shell.output("import", "-", input=TEXT.encode())
    assert (
        output == f"Read {len(lines)} lines: {len(lines) - 2 * BATCH} written, {2 * BATCH} already stored.\n"
    )
    assert shell.exported() == TEXT


@pytest.mark.parametrize("least", [1, 3 * BATCH])
def test_an_import_that_is_killed_at_any_moment_has_stored_complete_batches(
    shell: Shell, folder: Path, least: int
) -> None:
    file = folder / "all.jsonl"
    file.write_text(TEXT)
    importing = start_import(shell, file)
    stored(shell, importing, least)
    importing.kill()
    importing.wait(PATIENCE)
    kept = shell.exported()
    assert TEXT.startswith(kept)
    assert kept.count("\n") % BATCH == 0 or kept == TEXT
    shell.output("import", str(file))
    assert shell.exported() == TEXT
