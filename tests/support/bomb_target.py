"""A server process that gets requests, and what it spends on them."""

import itertools
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import graphql

from tests.support.http_clients import PATIENCE

ANONYMOUS, MEMBER, ADMIN = "anonymous", "member", "admin"
KIB, MIB = 1024, 1024 * 1024
_REFERENCE = "{" + " ".join(f"a{number}: user(id: 1) {{ metadata {{ key }} }}" for number in range(100)) + "}"
"""Parsing it by graphql-core tells how fast the machine is. No change of ours makes it cheaper."""
_REFERENCE_COST = 4.5
"""Milliseconds of processor time that parsing it takes on the machine whose milliseconds the limits are."""
_TRIVIAL = b'{"query": "query ($a: Boolean!) { __typename @include(if: $a) }", "variables": {"a": true}}'
"""With a variable, for the answers to requests without one are kept."""

PLACEHOLDER = b"NUMBER__"
"""Replaced in every body that is sent, so that the server has not seen it before."""
_NUMBERS = itertools.count()


class Bomb(NamedTuple):
    """A request that is built to cost much."""

    caller: str
    body: bytes
    method: str = "POST"
    target: str = "/graphql"
    headers: tuple[tuple[str, str], ...] = ()

    def encode(self, token: str | None) -> bytes:
        """The HTTP request."""
        lines = [f"{self.method} {self.target} HTTP/1.1", "Host: x", "Connection: close"]
        if token is not None:
            lines.append(f"Authorization: Bearer {token}")
        if not any(name == "Content-Type" for name, _ in self.headers):
            lines.append("Content-Type: application/json")
        lines += [f"{name}: {value}" for name, value in self.headers]
        lines += [f"Content-Length: {len(self.body)}", "", ""]
        body = self.body.replace(PLACEHOLDER, b"%08d" % next(_NUMBERS))
        return "\r\n".join(lines).encode() + body


class Waiting(NamedTuple):
    """How long a trivial request waits for its response, in milliseconds."""

    processor: float
    """The processor time of the server meanwhile. Other load on the machine does not add to it."""
    wall: float


class Target:
    """A server process, the tokens of its callers, and how fast the machine is."""

    def __init__(self, port: int, pid: int, member_token: str, admin_token: str) -> None:
        self._address = "127.0.0.1", port
        self._pid = pid
        self._tokens = {ANONYMOUS: None, MEMBER: member_token, ADMIN: admin_token}
        self._trivial = (
            "POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            f"Authorization: Bearer {member_token}\r\nContent-Length: {len(_TRIVIAL)}\r\n\r\n"
        ).encode() + _TRIVIAL
        self.calibrate()

    def calibrate(self) -> None:
        """Measure how much slower this machine is now than that of the limits."""
        self.scale = min(_parsing_cost() for _ in range(5)) / _REFERENCE_COST

    def send(self, bomb: Bomb) -> int:
        """Send a request; returns the status of the response."""
        return int(self.response_to(bomb).split(b" ", 2)[1])

    def response_to(self, bomb: Bomb) -> bytes:
        """Send a request; returns the response, with its head."""
        with self._connect() as connection:
            # The server may answer and close the connection before the end of the body.
            with suppress(BrokenPipeError, ConnectionResetError):
                connection.sendall(bomb.encode(self._tokens[bomb.caller]))
            received = [connection.recv(64 * KIB)]
            with suppress(ConnectionResetError):
                while part := connection.recv(MIB):
                    received.append(part)
        return b"".join(received)

    def cost_of(self, bomb: Bomb) -> float:
        """Milliseconds of processor time of the server for a request."""
        before = self._processor_time()
        self.send(bomb)
        return (self._processor_time() - before) / self.scale

    def waiting_beside(self, bomb: Bomb) -> Waiting:
        """How long trivial requests wait at most while a request is answered."""
        with self._probing() as found:
            self.send(bomb)
        return Waiting(max(each.processor for each in found), max(each.wall for each in found))

    @contextmanager
    def _probing(self) -> Iterator[list[Waiting]]:
        found: list[Waiting] = []
        is_done = threading.Event()

        def probe() -> None:
            with self._connect() as connection:
                while not is_done.is_set() or len(found) < 3:
                    start, spent = time.perf_counter(), self._processor_time()
                    connection.sendall(self._trivial)
                    connection.recv(4 * KIB)
                    spent = self._processor_time() - spent
                    wall = (time.perf_counter() - start) * 1000
                    found.append(Waiting(spent / self.scale, wall / self.scale))

        thread = threading.Thread(target=probe)
        thread.start()
        try:
            while len(found) < 2:
                time.sleep(0.001)
            yield found
        finally:
            is_done.set()
            thread.join(PATIENCE)

    def _connect(self) -> socket.socket:
        return socket.create_connection(self._address, timeout=PATIENCE)

    def _processor_time(self) -> float:
        """Milliseconds of processor time of all threads of the server so far."""
        threads = Path(f"/proc/{self._pid}/task").glob("*/schedstat")
        return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e6


def _parsing_cost() -> float:
    start = time.thread_time()
    graphql.parse(_REFERENCE)
    return (time.thread_time() - start) * 1000
