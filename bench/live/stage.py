"""The servers of these measurements, with their data."""

import asyncio
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from bench import backends
from bench.data import Dataset
from bench.servers import Server, serving
from bench.works import ONE
from gql_service import instants
from gql_service.domain.users import access_tokens
from gql_service.settings import PREFIX, Settings
from gql_service.store.connection import Connection
from gql_service.store.database import open_database

_USERS = 1000
_SETTINGS = {f"{PREFIX}MAX_USER_SUBSCRIPTIONS": "10000"}


class Setup(NamedTuple):
    """How the service runs."""

    name: str
    backend: str
    workers: int = 1
    settings: Mapping[str, str] = MappingProxyType({})


SETUPS = {
    each.name: each
    for each in (
        Setup("sqlite", "sqlite"),
        Setup("sqlite-workers", "sqlite", 4),
        Setup("postgres", "postgres"),
        Setup("postgres-workers", "postgres", 4),
        # As behind a pooler that passes no notifications on, without a URL past it.
        Setup("postgres-polling", "postgres", 2, {f"{PREFIX}DATABASE_POOLER": "true"}),
    )
}


class Stage:
    """One database with its data, and servers on copies of it."""

    def __init__(self, backend: backends.Backend, folder: Path) -> None:
        self.backend = backend
        self.folder = folder
        self.url, self.dataset = backend.loaded(_USERS)

    @contextmanager
    def serving(self, setup: Setup, url: str | None = None) -> Iterator[Server]:
        """A server on a copy of the data. All its processes are ready."""
        probe, token = ONE.bodies(self.dataset, 0)[0], self.dataset.tokens[ONE.caller]
        with serving(
            "ours",
            url or self.backend.copy(self.url),
            probe,
            token,
            self.folder,
            workers=setup.workers,
            settings={**_SETTINGS, **setup.settings},
        ) as server:
            server.rest()
            yield server


@contextmanager
def stage(backend: str) -> Iterator[Stage]:
    """Data on a database, deleted at the end."""
    with tempfile.TemporaryDirectory(prefix="gql_service_bench_") as name:
        folder = Path(name)
        with backends.running(backend, folder) as running:
            yield Stage(running, folder)


def issue_tokens(url: str, dataset: Dataset, count: int) -> list[str]:
    """Tokens of different users, as far as there are enough of them."""

    async def issue(transaction: Connection) -> list[str]:
        now = instants.now()
        people = [dataset.sample[number % len(dataset.sample)] for number in range(count)]
        return [
            str(await access_tokens.issue(transaction, each.id, label="bench", now=now)) for each in people
        ]

    async def write() -> list[str]:
        database = open_database(Settings(database_url=url))
        try:
            return await database.write(issue)
        finally:
            await database.close()

    return asyncio.run(write())
