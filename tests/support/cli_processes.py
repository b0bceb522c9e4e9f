"""The command line in processes of its own: a command run to its end, and a server."""

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
"""The command line as users start it; what else is here does not take the time to import it again."""


def environment(database_url: str, /, **settings: str) -> dict[str, str]:
    """This process's environment, with these settings of the service and no others but patience."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GQL_SERVICE_")}
    own = {"database_timeout": str(PATIENCE), "request_timeout": str(PATIENCE)}
    given = {f"GQL_SERVICE_{name.upper()}": value for name, value in (own | settings).items()}
    return kept | {"GQL_SERVICE_DATABASE_URL": database_url} | given


def command(database_url: str, /, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    with TemporaryFile() as output, TemporaryFile() as errors:
        env = environment(database_url, **settings)
        code = zygote.start(arguments, env, output.fileno(), errors.fileno()).wait(PATIENCE)
        texts = [each.read().decode() for each in (output, errors) if not each.seek(0)]
    return subprocess.CompletedProcess(arguments, code, *texts)


def told(database_url: str, *arguments: str) -> str:
    """What a command prints that must succeed; its last line."""
    done = command(database_url, *arguments)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("\n")
    return done.stdout.splitlines()[-1]


def free_port() -> int:
    """A port nobody has now, and that nobody is given unasked, as those from 32768 on are."""
    while True:
        with socket.socket() as listener, suppress(OSError):
            port = random.randrange(10_000, 32_768)
            listener.bind(("127.0.0.1", port))
            return port


class Server:
    """A server process, and what it has printed so far."""

    def __init__(self, process: subprocess.Popen[bytes] | zygote.Forked, url: str, output: Path) -> None:
        self.process = process
        self.url = url
        self._output = output

    @property
    def output(self) -> str:
        return self._output.read_text()

    def ask(self, query: str, token: str) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}"}
        with http_client(self.url) as client:
            return client.post("/graphql", json={"query": query}, headers=headers)

    def stop(self) -> int:
        """Ask it to stop; returns its exit code."""
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
) -> Iterator[Server]:
    """`serve` in a process that runs in this folder, on a free port, once it answers."""
    port = free_port()
    output = folder / f"output-{port}"
    serve = ["serve", "--host", host, "--port", str(port), *arguments]
    env = environment(database_url) | dict(extra or {})
    process: subprocess.Popen[bytes] | zygote.Forked
    with output.open("wb") as sink:
        if program is None:
            process = zygote.start(serve, env, sink.fileno(), sink.fileno(), folder)
        else:
            process = subprocess.Popen(
                [*program, *serve], cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink
            )
    server = Server(process, f"http://{f'[{host}]' if ':' in host else host}:{port}", output)
    try:
        _wait_until_ready(server)
        yield server
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def _wait_until_ready(server: Server) -> None:
    deadline = time.monotonic() + PATIENCE
    with http_client(server.url) as client:
        while time.monotonic() < deadline:
            assert server.process.poll() is None, server.output
            try:
                if client.get("/health/ready").status_code == 200:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.05)
    raise AssertionError(f"not ready after {PATIENCE} s:\n{server.output}")
