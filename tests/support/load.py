"""Clients that send requests without a pause, and count those that fail."""

import http.client
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from tests.support.http_clients import PATIENCE

_QUERY = json.dumps({"query": "{ __typename }"})
_Request = tuple[str, str, str | None]
_REQUESTS: tuple[_Request, ...] = (("POST", "/graphql", _QUERY), ("GET", "/health/live", None))
"""The second one does not take the shortcut of `web/shortcut.py`."""


class Load:
    """Half of the clients keep their connections, half open a new one for each request."""

    def __init__(self, url: str) -> None:
        self._address = urlsplit(url)
        self._is_over = threading.Event()
        self._threads = [
            threading.Thread(target=self._run_client, args=(request, keeps))
            for request in _REQUESTS
            for keeps in (True, True, False, False)
        ]
        self.failures: list[str] = []
        self.answers = 0
        self.closed = 0
        """The answers after which the server closes a connection that its client wanted to keep."""

    def _run_client(self, request: _Request, keeps: bool) -> None:
        connection = self._connection()
        method, path, body = request
        headers = {"Content-Type": "application/json"} | ({} if keeps else {"Connection": "close"})
        while not self._is_over.is_set():
            try:
                connection.request(method, path, body, headers)
                response = connection.getresponse()
                assert response.status == 200, response.status
                response.read()
            except (OSError, http.client.HTTPException, AssertionError) as error:
                self.failures.append(f"{path}, {keeps=}: {error!r}")
                connection.close()
                time.sleep(0.1)
                continue
            self.answers += 1
            self.closed += keeps and response.getheader("Connection") == "close"
        connection.close()

    def wait_for_answers(self, count: int) -> None:
        """Wait until there are so many more answers."""
        target, deadline = self.answers + count, time.monotonic() + PATIENCE
        while self.answers < target and time.monotonic() < deadline:
            time.sleep(0.02)
        assert self.answers >= target, self.failures[:3]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """Wait until all requests are answered."""
        self._is_over.set()
        for thread in self._threads:
            thread.join()

    def _connection(self) -> http.client.HTTPConnection:
        assert self._address.hostname is not None
        return http.client.HTTPConnection(self._address.hostname, self._address.port, timeout=PATIENCE)


@contextmanager
def load(url: str) -> Iterator[Load]:
    """Requests until the end of the block."""
    running = Load(url)
    running.start()
    try:
        yield running
    finally:
        running.end()
