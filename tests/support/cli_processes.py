"""The command line in separate processes: a command that runs to its end, and a server."""

import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile

import httpx

from tests.support import zygote
from tests.support.http_clients import PATIENCE, http_client

PROGRAM = (sys.executable, "-m", "gql_service")
"""The command line as users start it. Everything else here forks a process that has imported it already."""


def environment(database_url: str, /, **settings: str) -> dict[str, str]:
    """This process's environment, with these settings of the service. By default, timeouts are long, and
    servers stop without a drain.
    """
    defaults = {"database_timeout": str(PATIENCE), "request_timeout": str(PATIENCE), "drain_seconds": "0"}
    variables = {f"GQL_SERVICE_{name.upper()}": value for name, value in (defaults | settings).items()}
    return os.environ | {"GQL_SERVICE_DATABASE_URL": database_url} | variables


def command(database_url: str, /, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    with TemporaryFile() as output, TemporaryFile() as errors:
        env = environment(database_url, **settings)
        code = zygote.start(arguments, env, output.fileno(), errors.fileno()).wait(PATIENCE)
        texts = [each.read().decode() for each in (output, errors) if not each.seek(0)]
    return subprocess.CompletedProcess(arguments, code, *texts)


def command_with_full_errors(database_url: str, /, *arguments: str, **settings: str) -> tuple[int, str]:
    """Run a command whose standard error is on a full disk; returns its exit code and standard output."""
    with TemporaryFile() as output, open("/dev/full", "w") as errors:
        env = environment(database_url, **settings)
        code = zygote.start(arguments, env, output.fileno(), errors.fileno()).wait(PATIENCE)
        output.seek(0)
        return code, output.read().decode()


def run_command(database_url: str, *arguments: str) -> str:
    """Run a command, which must succeed; returns the last line that it prints."""
    done = command(database_url, *arguments)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("\n")
    return done.stdout.splitlines()[-1]


def free_port() -> int:
    """A free port below 32768, where the system starts to assign ports by itself."""
    while True:
        with socket.socket() as listener, suppress(OSError):
            port = random.randrange(10_000, 32_768)
            listener.bind(("127.0.0.1", port))
            return port


class Server:
    """A server process, and its output so far."""

    def __init__(self, process: subprocess.Popen[bytes] | zygote.Forked, url: str, output: Path) -> None:
        self.process = process
        self.url = url
        self._output = output

    @property
    def output(self) -> str:
        return self._output.read_text()

    def ask(self, query: str, token: str | None = None) -> httpx.Response:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        with http_client(self.url) as client:
            return client.post("/graphql", json={"query": query}, headers=headers)

    def stop(self) -> int:
        """Terminate the server; returns its exit code."""
        self.process.terminate()
        return self.process.wait(PATIENCE)


@contextmanager
def serving_process(
    folder: Path,
    database_url: str,
    *arguments: str,
    program: Sequence[str] | None = None,
    extra: Mapping[str, str] | None = None,
    host: str = "127.0.0.1",
    port: int | None = None,
    path: str = "/health/ready",
) -> Iterator[Server]:
    """Run `serve` in a process in this folder, by default on a free port. Yields when it responds with 200 on
    `path`."""
    port = port or free_port()
    output = folder / f"output-{port}"
    serve = ["serve", "--host", host, "--port", str(port), *arguments]
    env = environment(database_url) | dict(extra or {})
    process: subprocess.Popen[bytes] | zygote.Forked
    with output.open("ab") as sink:
        if program is None:
            process = zygote.start(serve, env, sink.fileno(), sink.fileno(), folder)
        else:
            process = subprocess.Popen(
                [*program, *serve], cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink
            )
    server = Server(process, f"http://{f'[{host}]' if ':' in host else host}:{port}", output)
    try:
        _wait_until_ready(server, path)
        yield server
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def _wait_until_ready(server: Server, path: str) -> None:
    deadline = time.monotonic() + PATIENCE
    with http_client(server.url) as client:
        while time.monotonic() < deadline:
            assert server.process.poll() is None, server.output
            try:
                if client.get(path).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.05)
    raise AssertionError(f"not ready after {PATIENCE} s:\n{server.output}")
