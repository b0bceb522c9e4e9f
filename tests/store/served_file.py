"""A server process on a SQLite file, and a member who writes there."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from tests.support.cli_processes import Server, serving_process
from tests.support.http_clients import http_client
from tests.support.service import serving, wait_until
from tests.support.world import REST, World


class Served(NamedTuple):
    """A server process, its database file, and a member with a token."""

    server: Server
    client: httpx.Client
    file: Path
    platform_key: str
    token: str

    def patch(self, value: Any) -> httpx.Response:
        return self._rest("PATCH", {"metadata": {"k": value}})

    def get(self) -> httpx.Response:
        return self._rest("GET")

    def graphql(self, query: str) -> httpx.Response:
        body = {"query": query, "variables": {"key": self.platform_key}}
        headers = {"Authorization": f"Bearer {self.token}", "Accept": "application/json"}
        return self.client.post("/graphql", json=body, headers=headers)

    def wait_for(self, problem: str | None) -> None:
        """Wait until `/health/ready` says this. It gives an answer again for a fraction of a second."""
        wait_until(lambda: self._problem() == problem)

    def _problem(self) -> str | None:
        response = self.client.get("/health/ready")
        assert (response.status_code == 200) == (response.json() == {"status": "ok"})
        reason: str | None = response.json().get("reason")
        return reason

    def log(self, event: str) -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in self.server.output.splitlines() if line.startswith("{")]
        return [line for line in lines if line["event"] == event]

    def _rest(self, method: str, body: Any = None) -> httpx.Response:
        headers = {"Authorization": f"Token {self.token}"}
        return self.client.request(
            method, REST, params={"platform_key": self.platform_key}, json=body, headers=headers
        )


@contextmanager
def serving_file(
    folder: Path,
    file: Path,
    *,
    program: Sequence[str] | None = None,
    ready: bool = True,
) -> Iterator[Served]:
    """Serve a new database in this file, with the value 0 under the key `k` of a member.

    Without `ready`, the server has not used the file yet.
    """
    file.parent.mkdir(exist_ok=True)
    url = f"sqlite:///{file}"
    with serving(url) as service:
        world = World(service)
        assert world.member.rest("PATCH", world.platform_key, {"metadata": {"k": 0}}).status_code == 200
    path = "/health/ready" if ready else "/health/live"
    with (
        serving_process(folder, url, program=program, path=path) as server,
        http_client(server.url) as client,
    ):
        yield Served(server, client, file, world.platform_key, world.member.token)


def assert_refused(response: httpx.Response, status: int, message: str) -> None:
    assert (response.status_code, response.json()) == (status, {"error": message})
    assert int(response.headers["Retry-After"]) > 0
