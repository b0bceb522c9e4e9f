"""Listening sockets that a server is given: by the option `--fd`, and by systemd."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.support.cli_processes import PROGRAM, command, environment, run_command
from tests.support.http_clients import PATIENCE, http_client
from tests.support.load import load
from tests.support.server_log import lines, wait_for

ANSWERS = 300
ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> str:
    url = f"sqlite+aiosqlite:///{tmp_path_factory.mktemp('sockets') / 'data.sqlite3'}"
    run_command(url, "migrate")
    return url


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0), backlog=100) as listener:
        yield listener


def url_of(listener: socket.socket) -> str:
    host, port = listener.getsockname()
    return f"http://{host}:{port}"


class Inheriting:
    """A server process with a listening socket of this process."""

    def __init__(self, process: subprocess.Popen[bytes], path: Path) -> None:
        self.process = process
        self._path = path

    def output(self) -> str:
        return self._path.read_text()


@contextmanager
def inheriting(
    database: str, path: Path, listener: socket.socket, *program: str, **settings: str
) -> Iterator[Inheriting]:
    """Start this program, and wait until the server accepts connections."""
    with path.open("wb") as sink:
        process = subprocess.Popen(
            program, pass_fds=[listener.fileno()], env=environment(database, **settings), cwd=ROOT,
            stdin=subprocess.DEVNULL, stdout=sink, stderr=sink,
        )  # fmt: skip
    try:
        server = Inheriting(process, path)
        wait_for(server.output, "Application startup complete.")
        yield server
    finally:
        process.kill()
        process.wait()


def serve(listener: socket.socket, workers: str) -> tuple[str, ...]:
    return (*PROGRAM, "serve", "--fd", str(listener.fileno()), "--workers", workers)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_rolling_restart_loses_no_request(
    database: str, tmp_path: Path, listener: socket.socket, workers: str
) -> None:
    """The old server drains while the new one has begun to serve."""
    with ExitStack() as stack:
        program = serve(listener, workers)
        old = stack.enter_context(
            inheriting(database, tmp_path / "old", listener, *program, drain_seconds="5")
        )
        clients = stack.enter_context(load(url_of(listener)))
        clients.wait_for_answers(ANSWERS)
        stack.enter_context(inheriting(database, tmp_path / "new", listener, *program))
        old.process.terminate()
        assert old.process.wait(PATIENCE) == 0
        clients.wait_for_answers(ANSWERS)
        clients.end()
        assert len(lines(old.output(), "stopped")) == 1
        assert lines(old.output(), "listening")[0]["address"] == url_of(listener)
    assert clients.failures == []
    assert clients.closed > 0


def test_a_socket_of_systemd_is_used(database: str, tmp_path: Path, listener: socket.socket) -> None:
    script = f"""import os, sys
os.dup2({listener.fileno()}, 3)
os.execve(sys.argv[1], sys.argv[1:], os.environ | {{"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1"}})"""
    program = (sys.executable, "-c", script, *PROGRAM, "serve", "--port", "1")
    with inheriting(database, tmp_path / "log", listener, *program) as server:
        assert lines(server.output(), "listening")[0]["address"] == url_of(listener)
        with http_client(url_of(listener)) as client:
            assert client.get("/health/ready").status_code == 200


def test_a_socket_of_systemd_for_another_process_is_not_used(database: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        process = subprocess.run(
            [*PROGRAM, "serve", "--port", port],
            env=environment(database) | {"LISTEN_PID": "1", "LISTEN_FDS": "1"},
            cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE, check=False,
        )  # fmt: skip
    assert process.returncode == 1
    assert "Address already in use" in process.stderr


@pytest.mark.parametrize(
    ("descriptor", "message"),
    [
        ("0", "The file descriptor 0 is not an open socket: Socket operation on non-socket."),
        ("999", "The file descriptor 999 is not an open socket: Bad file descriptor."),
    ],
)
def test_what_is_no_socket_is_refused(database: str, descriptor: str, message: str) -> None:
    done = command(database, "serve", "--fd", descriptor)
    assert done.returncode == 1
    assert len(lines(done.stderr, message)) == 1


def test_a_socket_that_does_not_listen_is_refused(database: str) -> None:
    with socket.socket() as idle:
        process = subprocess.run(
            [*PROGRAM, "serve", "--fd", str(idle.fileno())],
            pass_fds=[idle.fileno()], env=environment(database), cwd=ROOT,
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE, check=False,
        )  # fmt: skip
    assert process.returncode == 1
    assert "is a socket that does not listen" in process.stderr
