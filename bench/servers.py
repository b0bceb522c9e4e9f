"""The servers: starting, waiting until ready, measuring memory and processor time, and stopping."""

import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import orjson

from tests.support.cli_processes import free_port

PEERS = Path(__file__).parent / "peers"
_NODE, _BUN = "node", str(PEERS / "node_modules" / ".bin" / "bun")
RUNTIMES = {"bun": _BUN, "bun-tuned": _BUN, "node-tuned": _NODE, "mercurius": _NODE, "apollo": _NODE}
"""What runs the servers that are written in JavaScript."""
NAMES = ("ours", *RUNTIMES, "plain", "floor")
_READY_WITHIN = 60.0
_RESTS_WITHIN = 120.0
_STOPPED_WITHIN = 15.0
_PROCESS_CLOCK = 2
_RESTING = 0.02
"""A server is idle if it uses at most this processor time in a twentieth of a second, in seconds."""


class Server(NamedTuple):
    """A running server."""

    name: str
    port: int
    url: str
    """Its database."""
    process: subprocess.Popen[bytes]
    seconds_to_first_answer: float
    processor_seconds_to_first_answer: float = 0.0

    def ask(self, body: bytes, token: str, path: str = "/graphql") -> Any:
        """POST an operation; returns the decoded response."""
        return orjson.loads(_post(self.port, body, token, path))

    def resident_memory(self) -> list[int]:
        """The memory of each of its processes in bytes."""
        page = os.sysconf("SC_PAGE_SIZE")
        return [int(fields[21]) * page for _pid, fields in self._stats()]

    def processor_seconds(self) -> float:
        """The processor time that its processes have used so far.

        `/proc` has it in hundredths of a second, which is too coarse for one connection.
        """
        clocks = [~pid << 3 | _PROCESS_CLOCK for pid, _fields in self._stats()]  # as clock_getcpuclockid
        return sum(time.clock_gettime(clock) for clock in clocks)

    def rest(self) -> None:
        """Wait until it is idle, so that it does not disturb the next measurement."""
        deadline, before = time.monotonic() + _RESTS_WITHIN, self.processor_seconds()
        while time.monotonic() < deadline:
            time.sleep(0.05)
            after = self.processor_seconds()
            if after - before < _RESTING:
                return
            before = after
        raise RuntimeError(f"{self.name} does not come to rest")

    def _stats(self) -> Iterator[tuple[int, list[str]]]:
        """Each process of its session: its id, and `/proc/…/stat` from the third field (the state) on."""
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = stat.read_text().rpartition(") ")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if int(fields[3]) == self.process.pid:
                yield int(stat.parent.name), fields


@contextmanager
def serving(
    name: str,
    url: str,
    probe: bytes,
    token: str,
    folder: Path,
    *,
    workers: int = 1,
    root: Path = PEERS.parent.parent,
    settings: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[Server]:
    """A server on a free port of loopback. It is ready: it has responded to `probe` correctly.

    `root` is the checkout that it is started in, and `settings` are environment variables.
    """
    port = free_port()
    log = folder / f"{name}-{port}.log"
    with log.open("wb") as sink:
        started = time.perf_counter()
        process = subprocess.Popen(  # noqa: S603 - our own programs
            _command(name, port, workers),
            cwd=root,
            env={**_environment(url, port), "PYTHONPATH": str(root), **settings},
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _await_answer(process, port, probe, token, log)
        server = Server(name, port, url, process, time.perf_counter() - started)
        yield server._replace(processor_seconds_to_first_answer=server.processor_seconds())
    finally:
        _stop(process)


def _command(name: str, port: int, workers: int) -> Sequence[str]:
    if name in RUNTIMES:
        return (RUNTIMES[name], str(PEERS / f"{name}.mjs"))
    at = ("--port", str(port), "--workers", str(workers))
    if name == "ours":
        return (sys.executable, "-m", "gql_service", "serve", *at)
    uvicorn = (sys.executable, "-m", "uvicorn", "--factory", f"bench.peers.{name}:create_app", *at)
    return (*uvicorn, "--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning")


def _environment(url: str, port: int) -> Mapping[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GQL_SERVICE_")}
    return kept | {
        "GQL_SERVICE_DATABASE_URL": url,
        "BENCH_DATABASE_URL": url,
        "BENCH_PORT": str(port),
        "NODE_ENV": "production",
    }


def _await_answer(process: subprocess.Popen[bytes], port: int, probe: bytes, token: str, log: Path) -> None:
    deadline = time.monotonic() + _READY_WITHIN
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            response = orjson.loads(_post(port, probe, token))
        except (OSError, http.client.HTTPException):
            time.sleep(0.005)
            continue
        if "errors" in response:
            raise RuntimeError(f"{log.stem} responds with {response}")
        return
    raise RuntimeError(f"{log.stem} does not respond:\n{log.read_text()[-4000:]}")


def _post(port: int, body: bytes, token: str, path: str = "/graphql") -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=15)
    try:
        connection.request("POST", path, body, headers(token))
        return connection.getresponse().read()
    finally:
        connection.close()


def headers(token: str) -> dict[str, str]:
    """The headers of every request."""
    return {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Terminate all processes of the server's session, and kill those that remain."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(_STOPPED_WITHIN)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
