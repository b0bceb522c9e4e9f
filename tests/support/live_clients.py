"""The clients of subscriptions that others have written, as processes."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from queue import Queue
from threading import Thread
from typing import Any

from tests.support.http_clients import PATIENCE
from tests.support.npm import npm_project


class LiveClient:
    """A running client that follows a document. It tells what happens by lines of JSON."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self._lines: Queue[Any] = Queue()
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(json.loads(line))

    def kill(self) -> None:
        """End the process, and read what it has written: its output is closed after that."""
        self.process.kill()
        self._reader.join()

    def line(self) -> Any:
        """The next line."""
        return self._lines.get(timeout=PATIENCE)

    def has_line(self) -> bool:
        return not self._lines.empty()

    def changes(self, until: int) -> list[int]:
        """The revisions of the changes up to this one, also after the connection was lost meanwhile."""
        revisions: list[int] = []
        while not revisions or revisions[-1] < until:
            line = self.line()
            if "revision" in line:
                revisions.append(line["revision"])
        return revisions

    def complete(self) -> None:
        """End the subscription."""
        assert self.process.stdin is not None
        self.process.stdin.write("complete\n")
        self.process.stdin.flush()


@contextmanager
def live_client(command: list[str], **variables: str) -> Iterator[LiveClient]:
    """Run a client within the block, with these variables in its environment."""
    pipe, env = subprocess.PIPE, os.environ | variables
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, env=env, text=True) as process:
        client = LiveClient(process)
        try:
            yield client
        finally:
            client.kill()


NPM_CLIENTS = ["graphql-ws", "graphql-sse", "apollo", "urql", "urql-sse"]
GQL_CLIENTS = ["gql-websockets", "gql-aiohttp"]


def follow(client: str, url: str, token: str, key: str, query: str) -> AbstractContextManager[LiveClient]:
    """Run a client that follows a document from its start."""
    if client in GQL_CLIENTS:
        program = [sys.executable, "-m", "tests.support.follow_with_gql"]
    else:
        program = ["node", str(npm_project("live-clients") / "follow.mjs")]
    return live_client([*program, client, f"{url}/graphql", token, key, query])
