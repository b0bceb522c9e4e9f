"""`python -m bench.start`: what the import of the application costs, and `serve` until its first answer.

With `--older PATH`, an older checkout takes turns with this one. The byte code is written before, as by pip.
"""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Annotated, NamedTuple

import typer

_ROOT = Path(__file__).parent.parent
_IMPORT = "import time; import gql_service.app; print(time.process_time())"
_QUESTION = b'{"query":"{ __typename }"}'
_ANSWER = b'{"data":{"__typename":"Query"}}'
_PATIENCE = 60.0


class Start(NamedTuple):
    """Seconds of one start."""

    importing: float
    """The processor time of the import, with the start of Python."""
    serving: float
    """The processor time of `serve` until the first answer."""
    answered: float
    """The same by the clock."""


def main(
    older: Annotated[Path | None, typer.Option(exists=True, file_okay=False, help="A checkout.")] = None,
    rounds: Annotated[int, typer.Option(min=1, help="How often each is measured.")] = 9,
) -> None:
    """Print medians."""
    roots = {"now": _ROOT} | ({} if older is None else {"older": older.resolve()})
    with tempfile.TemporaryDirectory() as folder:
        environments = {name: _environment(root, Path(folder), name) for name, root in roots.items()}
        for environment in environments.values():
            _run(environment, "-m", "gql_service", "migrate")
            _measure(environment)  # writes the byte code
        starts: dict[str, list[Start]] = {name: [] for name in environments}
        for _ in range(rounds):
            for name, environment in environments.items():
                starts[name].append(_measure(environment))
    for name, each in starts.items():
        importing, serving, answered = (median(values) for values in zip(*each, strict=True))
        typer.echo(
            f"{name}: import {importing:.3f} s, serve until the first answer {serving:.3f} s of processor "
            f"time, {answered:.3f} s by the clock"
        )


def _environment(root: Path, folder: Path, name: str) -> Mapping[str, str]:
    own = ("GQL_", "PYTHON")
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(own)}
    return {
        **inherited,
        "PYTHONPATH": str(root),
        "PYTHONPYCACHEPREFIX": str(folder / f"{name}.pycache"),
        "GQL_SERVICE_DATABASE_URL": f"sqlite:///{folder}/{name}.sqlite3",
    }


def _measure(environment: Mapping[str, str]) -> Start:
    return Start(float(_run(environment, "-c", _IMPORT)), *_serve(environment))


def _run(environment: Mapping[str, str], *arguments: str) -> str:
    # Python would put the current folder, this checkout, before PYTHONPATH.
    command = [sys.executable, "-P", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout  # noqa: S603


def _serve(environment: Mapping[str, str]) -> tuple[float, float]:
    """Processor time and time until a request that was sent at the start is answered."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        started = time.perf_counter()
        command = [sys.executable, "-P", "-m", "gql_service", "serve", "--fd", str(listener.fileno())]
        process = subprocess.Popen(  # noqa: S603
            command, env=environment, pass_fds=[listener.fileno()], stderr=subprocess.DEVNULL
        )
        try:
            _ask(listener.getsockname())
            answered = time.perf_counter() - started
        finally:
            process.send_signal(signal.SIGKILL)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_utime + usage.ru_stime, answered


def _ask(address: tuple[str, int]) -> None:
    """Raises RuntimeError if the answer is wrong."""
    head = f"POST /graphql HTTP/1.1\r\nHost: {address[0]}\r\nContent-Type: application/json\r\n"
    length = f"Connection: close\r\nContent-Length: {len(_QUESTION)}\r\n\r\n"
    with socket.create_connection(address, timeout=_PATIENCE) as connection:
        connection.sendall(f"{head}{length}".encode() + _QUESTION)
        received = b"".join(iter(lambda: connection.recv(4096), b""))
    if not received.endswith(_ANSWER):
        raise RuntimeError(f"unexpected answer: {received!r}")


if __name__ == "__main__":
    typer.run(main)
