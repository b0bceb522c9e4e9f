"""Processes of the command line that start quickly: one process imports it, and forks for each command.

Importing takes more than a second, and the tests run hundreds of commands. Each fork has its own arguments,
environment, folder, standard streams, signals and exit code. Tests of the start of Python itself use
`PROGRAM` or the installed wheel.
"""

import atexit
import fcntl
import gc
import importlib
import json
import os
import pkgutil
import runpy
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path

import gql_service.cli

_MOST_DESCRIPTORS = 5
"""The connection for the exit code, three streams, and one that is inherited."""


class Forked:
    """A forked process with the interface of `subprocess.Popen`."""

    def __init__(self, watch: socket.socket) -> None:
        self._watch = watch.makefile("r")
        self._socket = watch
        self.pid = int(self._watch.readline())
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """The exit code, or minus the signal; None while the process runs."""
        with suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None:
            if not select.select([self._socket], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
            self.returncode = os.waitstatus_to_exitcode(int(self._watch.readline()))
            self._watch.close()
            self._socket.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            with suppress(ProcessLookupError):  # it has ended just now
                os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def start(
    arguments: Sequence[str],
    env: Mapping[str, str],
    output: int,
    errors: int,
    folder: Path | None = None,
    inherited: int | None = None,
) -> Forked:
    """Start `gql-service`, with empty input, and output to these file descriptors.

    `inherited` is a descriptor of this process that the new one has too, by the same number.
    """
    parameters = json.dumps([list(arguments), dict(env), str(folder or Path.cwd()), inherited])
    watch, remote = socket.socketpair()
    with remote, open(os.devnull, "rb") as devnull:
        more = [] if inherited is None else [inherited]
        socket.send_fds(_zygote(), [b"."], [remote.fileno(), devnull.fileno(), output, errors, *more])
    watch.sendall(f"{parameters}\n".encode())
    return Forked(watch)


@cache
def _zygote() -> socket.socket:
    """The connection to the process that forks; it ends when this process ends."""
    local, remote = socket.socketpair()
    with remote:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.zygote", str(remote.fileno())],
            cwd=Path(__file__).parent.parent.parent,
            pass_fds=[remote.fileno()],
            stdin=subprocess.DEVNULL,
        )

    @atexit.register
    def end() -> None:
        local.close()
        process.wait()

    return local


def _fork_for_each_request(control: socket.socket) -> list[str] | None:
    """Returns the arguments in each forked process, and None in the original process at the end."""
    commands = (f"gql_service.cli.{module.name}" for module in pkgutil.iter_modules(gql_service.cli.__path__))
    for module in ("uvloop", "gql_service.web.http_protocol", *commands):
        importlib.import_module(module)
    gc.collect()
    gc.freeze()
    while True:
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        request, descriptors, _, _ = socket.recv_fds(control, 1, _MOST_DESCRIPTORS)
        if not request:
            return None
        if os.fork() == 0:
            control.close()
            watch, *received = descriptors
            with socket.socket(fileno=watch) as connection, connection.makefile("rwb", 0) as stream:
                parameters = json.loads(stream.readline())
                if pid := os.fork():
                    stream.write(f"{pid}\n".encode())
                    stream.write(f"{os.waitpid(pid, 0)[1]}\n".encode())
                    os._exit(0)
            return _become(received, *parameters)
        for each in descriptors:
            os.close(each)


def _become(
    received: list[int], arguments: list[str], env: dict[str, str], folder: str, inherited: int | None
) -> list[str]:
    """Give this process the descriptors, environment and folder; returns the arguments."""
    above = max([*received, inherited or 0]) + 1
    moved = [fcntl.fcntl(each, fcntl.F_DUPFD_CLOEXEC, above) for each in received]
    for each in received:
        os.close(each)
    for number, each in zip((0, 1, 2, inherited), moved, strict=False):
        assert number is not None
        os.dup2(each, number)
        os.close(each)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(env)
    return arguments


if __name__ == "__main__":
    arguments = _fork_for_each_request(socket.socket(fileno=int(sys.argv[1])))
    if arguments is not None:
        sys.argv = ["gql_service", *arguments]
        runpy.run_module("gql_service", run_name="__main__", alter_sys=True)
