"""Server processes on one database, which are killed and started again on their ports."""

import asyncio
import os
import random
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from tests.support.cli_processes import Server, free_port, serving_process


class KillableServer:
    """`gql-service serve` on a port of its own."""

    def __init__(self, folder: Path, database_url: str, workers: int) -> None:
        self.port = free_port()
        self._folder = folder
        self._database_url = database_url
        self._workers = workers
        self._stack = ExitStack()
        self.start()

    def start(self) -> None:
        """Start the server, and wait until it is ready."""
        arguments = [] if self._workers == 1 else ["--workers", str(self._workers)]
        serving = serving_process(self._folder, self._database_url, *arguments, port=self.port)
        self._server: Server = self._stack.enter_context(serving)

    @property
    def pid(self) -> int:
        return self._server.process.pid

    @property
    def output(self) -> str:
        return self._server.output

    def kill(self) -> None:
        """Kill the server and all its workers."""
        self._server.process.send_signal(signal.SIGSTOP)  # so that it starts no other worker meanwhile
        workers = child_processes(self.pid)
        self._server.process.kill()
        for worker in workers:
            _kill(worker)
        self._stack.close()

    def kill_a_worker(self) -> bool:
        """Kill a random worker, which the server replaces. Returns whether there was one."""
        workers = child_processes(self.pid)
        if self._workers > 1 and workers:
            _kill(random.choice(workers))
            return True
        return False

    async def restart(self) -> None:
        """Kill the server and start it again, while the event loop goes on."""
        self.kill()
        await asyncio.to_thread(self.start)


@contextmanager
def killable_servers(
    folder: Path, database_url: str, *, servers: int, workers: int = 1
) -> Iterator[list[KillableServer]]:
    """Run this many servers with this many workers each."""
    with ExitStack() as stack:
        running: list[KillableServer] = []
        for _ in range(servers):
            running.append(KillableServer(folder, database_url, workers))
            stack.callback(running[-1].kill)
        yield running


def child_processes(pid: int) -> list[int]:
    """The processes that a process has started, without the one in which Python tracks resources."""
    with suppress(OSError):
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [int(each) for each in children if not _tracks_resources(each)]
    return []


def _tracks_resources(pid: str) -> bool:
    with suppress(OSError):
        return b"resource_tracker" in Path(f"/proc/{pid}/cmdline").read_bytes()
    return False


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
