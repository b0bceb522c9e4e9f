"""The security log of a server: its lines so far, and mutations that cause them."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gql_service.auth import tokens
from tests.support.service import Service, serving
from tests.support.world import Caller, World

FIELDS = {
    "event",
    "log",
    "source",
    "operation",
    "actor",
    "target",
    "reason",
    "number",
    "address",
    "request_id",
    "level",
    "timestamp",
}
Line = dict[str, Any]


class SecurityLines:
    """Lines of a file. Each has exactly the known fields."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen = 0

    def new(self) -> list[Line]:
        """The lines since the last call."""
        lines: list[Line] = [json.loads(line) for line in self.path.read_text().splitlines()]
        new, self._seen = lines[self._seen :], len(lines)
        for line in new:
            assert set(line) == FIELDS
            assert (line["log"], line["level"]) == ("security", "info")
        return new

    def summaries(self) -> list[tuple[str, str | None, str | None]]:
        """The event, target and reason of each new line."""
        return [(line["event"], line["target"], line["reason"]) for line in self.new()]


@contextmanager
def serving_with_log(
    database_url: str, folder: Path, **settings: Any
) -> Iterator[tuple[Service, SecurityLines]]:
    """A server whose security log is a file. Meanwhile, other servers of the process use the file, too."""
    path = folder / "security.jsonl"
    with serving(database_url, **{"security_log": path} | settings) as service:
        yield service, SecurityLines(path)


def mutate(caller: Caller | None, world: World, name: str, /, **input: Any) -> dict[str, Any]:
    """Execute a mutation; returns the whole body."""
    kind = f"{name[0].upper()}{name[1:]}Input"
    query = f"mutation ($input: {kind}!) {{ x: {name}(input: $input) {{ userErrors {{ code }} }} }}"
    headers = {} if caller is None else {"Authorization": f"Bearer {caller.token}"}
    body = {"query": query, "variables": {"input": input}}
    result: dict[str, Any] = world.service.client.post("/graphql", json=body, headers=headers).json()
    return result


def succeed(caller: Caller, world: World, name: str, /, **input: Any) -> None:
    assert mutate(caller, world, name, **input) == {"data": {"x": {"userErrors": []}}}


def token_id(caller: Caller) -> str:
    token = tokens.parse(caller.token)
    assert token is not None
    return token.id
