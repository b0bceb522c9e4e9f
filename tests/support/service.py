"""The service under test: the real application behind a real uvicorn on loopback, in a thread."""

import asyncio
import atexit
import os
import re
import shutil
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from typing import Any, TypeVar

import uvicorn

from gql_service import instants
from gql_service.app import create_app, server_options
from gql_service.services.context import Services
from gql_service.settings import Settings
from gql_service.store import migrations
from gql_service.store.connection import Connection
from tests.support.http_clients import PATIENCE, http_client

T = TypeVar("T")
_NUMBERS_EVENTS = re.compile("event_counter|SET position|position IS NULL")
"""What PostgreSQL executes in the background, at any time."""


class Service:
    """One running server and its database."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.clock_offset = 0
        """Milliseconds the service's clock is ahead."""
        self.stopped_at: int | None = None
        """The instant at which the service's clock is stopped; None if it runs."""
        self._loop = asyncio.new_event_loop()
        self.app = create_app(settings, clock=self.clock)
        self.services: Services = self.app.state.services
        self.services.write_counts.interval = 3600  # tests count statements, and these are of no request
        self._server = uvicorn.Server(
            uvicorn.Config(
                self.app,
                port=0,
                lifespan="on",
                **server_options(settings),
            )
        )
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def clock(self) -> int:
        """The current instant of the service."""
        return instants.now() + self.clock_offset if self.stopped_at is None else self.stopped_at

    @contextmanager
    def at(self, instant: int) -> Iterator[None]:
        """Stop the service's clock at this instant within the block."""
        self.stopped_at = instant
        try:
            yield
        finally:
            self.stopped_at = None

    @property
    def url(self) -> str:
        port = self._server.servers[0].sockets[0].getsockname()[1]
        return f"http://127.0.0.1:{port}"

    def start(self) -> None:
        self._thread.start()
        while not self._server.started:
            assert self._thread.is_alive(), "the server did not start"
            self._thread.join(0.01)
        self.client = http_client(self.url)

    def stop(self) -> None:
        self.client.close()
        self._server.should_exit = True
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive(), "the server did not stop"

    def begin_to_stop(self) -> None:
        """As `stop`, but do not wait."""
        self._server.should_exit = True

    def run(self, work: Callable[[], Awaitable[T]]) -> T:
        """Await something in the server's own event loop."""

        async def call() -> T:
            return await work()

        return asyncio.run_coroutine_threadsafe(call(), self._loop).result(PATIENCE)

    def write(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """Run one transaction directly on the database, to prepare a test."""
        return self.run(lambda: self.services.database.write(work))

    @contextmanager
    def statements(self) -> Iterator[list[str]]:
        """The SQL statements that requests execute within the block."""
        seen: list[str] = []

        def observe(statement: str) -> None:
            if not _NUMBERS_EVENTS.search(statement):
                seen.append(statement)

        observers = self.services.database.observers
        observers.append(observe)
        try:
            yield seen
        finally:
            observers.remove(observe)

    def _serve(self) -> None:
        async def serve() -> None:
            await migrations.upgrade(self.settings)
            await self._server.serve()

        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(serve())


@cache
def _migrated_file() -> str:
    """A migrated SQLite database. A copy of it is the same as a new one, and takes less time."""
    folder = tempfile.mkdtemp(prefix="gql_service_migrated_")
    atexit.register(shutil.rmtree, folder)
    path = f"{folder}/migrated.sqlite3"
    upgrade = migrations.upgrade(Settings(database_url=f"sqlite+aiosqlite:///{path}"))
    with ThreadPoolExecutor(1) as pool:  # the thread of the tests has a running loop while a browser is open
        pool.submit(asyncio.run, upgrade).result()
    return path


def wait_until(come: Callable[[], bool]) -> None:
    """Wait until the condition is true."""
    deadline = time.monotonic() + PATIENCE
    while not come():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.02)


@contextmanager
def serving(database_url: str, **settings: Any) -> Iterator[Service]:
    """A server on this database, with these settings.

    By default it does not sweep, its timeouts are long, so that tests pass on a slow machine, and it does not
    slow down wrong tokens, which many tests send.
    """
    defaults = {
        "sweep_interval": 3600,
        "database_timeout": PATIENCE,
        "request_timeout": PATIENCE,
        "max_failed_authentications": 0,
    }
    service = Service(Settings(database_url=database_url, **defaults | settings))
    scheme, _, path = database_url.partition(":///")
    if scheme.startswith("sqlite") and not os.path.exists(path):
        shutil.copyfile(_migrated_file(), path)
    service.start()
    try:
        yield service
    finally:
        service.stop()
