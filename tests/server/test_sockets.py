"""Listening sockets that a server is given: by the option `--fd`, and by systemd."""

import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryFile

import pytest

from tests.support import zygote
from tests.support.cli_processes import PROGRAM, command, environment, run_command
from tests.support.http_clients import PATIENCE, http_client
from tests.support.load import load
from tests.support.server_log import lines, wait_for
from tests.support.zygote import Forked

pytestmark = pytest.mark.faults

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

    def __init__(self, process: subprocess.Popen[bytes] | Forked, path: Path) -> None:
        self.process = process
        self._path = path

    def output(self) -> str:
        return self._path.read_text()


@contextmanager
def inheriting(
    database: str,
    path: Path,
    listener: socket.socket,
    *arguments: str,
    program: Sequence[str] | None = None,
    **settings: str,
) -> Iterator[Inheriting]:
    """Start a server with this socket, and wait until it accepts connections."""
    env, descriptor = environment(database, **settings), listener.fileno()
    process: subprocess.Popen[bytes] | Forked
    with path.open("wb") as sink:
        if program is None:
            process = zygote.start(arguments, env, sink.fileno(), sink.fileno(), inherited=descriptor)
        else:
            process = subprocess.Popen(
                [*program, *arguments], pass_fds=[descriptor], env=env, cwd=ROOT,
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
    return ("serve", "--fd", str(listener.fileno()), "--workers", workers)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_rolling_restart_loses_no_request(
    database: str, tmp_path: Path, listener: socket.socket, workers: str
) -> None:
    """The old server drains while the new one has begun to serve."""
    with ExitStack() as stack:
        arguments = serve(listener, workers)
        old = stack.enter_context(
            inheriting(database, tmp_path / "old", listener, *arguments, drain_seconds="5")
        )
        clients = stack.enter_context(load(url_of(listener)))
        clients.wait_for_answers(ANSWERS)
        stack.enter_context(inheriting(database, tmp_path / "new", listener, *arguments))
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
    program = (sys.executable, "-c", script, *PROGRAM)
    with inheriting(database, tmp_path / "log", listener, "serve", "--port", "1", program=program) as server:
        assert lines(server.output(), "listening")[0]["address"] == url_of(listener)
        with http_client(url_of(listener)) as client:
            assert client.get("/health/ready").status_code == 200


def test_a_socket_of_systemd_for_another_process_is_not_used(database: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, TemporaryFile() as output:
        arguments = ("serve", "--port", str(taken.getsockname()[1]))
        env = environment(database) | {"LISTEN_PID": "1", "LISTEN_FDS": "1"}
        assert zygote.start(arguments, env, output.fileno(), output.fileno()).wait(PATIENCE) == 1
        output.seek(0)
        assert b"Address already in use" in output.read()


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
    with socket.socket() as idle, TemporaryFile() as output:
        process = zygote.start(
            ("serve", "--fd", str(idle.fileno())), environment(database), output.fileno(), output.fileno(),
            inherited=idle.fileno(),
        )  # fmt: skip
        assert process.wait(PATIENCE) == 1
        output.seek(0)
        assert b"is a socket that does not listen" in output.read()
