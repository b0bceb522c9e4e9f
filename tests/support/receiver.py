"""A receiver of webhooks: a real HTTP server on loopback, which remembers what came."""

import json
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple


class Received(NamedTuple):
    """One request."""

    path: str
    headers: Mapping[str, str]
    """The names are in lower case."""
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def event(self) -> Any:
        return json.loads(self.body)


class Answer(NamedTuple):
    """The response to a request."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = {}


class Receiver:
    """The requests that have come, and how the next ones are answered."""

    def __init__(self) -> None:
        self.requests: list[Received] = []
        self.accepted: list[Received] = []
        """Those that were answered with a status from 200 to 299."""
        self.answer: Callable[[Received], Answer] = lambda _request: Answer()
        self.port = 0
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    def handle(self, request: Received) -> Answer:
        with self._lock:
            self.requests.append(request)
        answer = self.answer(request)
        if 200 <= answer.status < 300:
            with self._lock:
                self.accepted.append(request)
        return answer


class _Server(ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True
    receiver: Receiver

    def handle_error(self, _request: Any, _address: Any) -> None:
        """Clients may go away."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        answer = self.server.receiver.handle(Received(self.path, headers, body))
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def receiving(receiver: Receiver | None = None, context: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """A receiver that runs within the block, with TLS if there is a context."""
    server = _Server(("127.0.0.1", 0), _Handler)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    server.receiver = receiver or Receiver()
    server.receiver.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server.receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
