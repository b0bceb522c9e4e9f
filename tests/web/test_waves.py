"""Requests that come while others read begin together after these, and nothing holds them up for long."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from gql_service.services.dataloader import DataLoader
from gql_service.store.turn import Turn
from gql_service.web.waves import Waves
from tests.support.cli_processes import serving_process
from tests.support.http_clients import http_client
from tests.support.postgres import Postgres
from tests.support.service import serving, wait_until
from tests.support.shop import new_shop
from tests.support.world import World


class Source:
    """A database that reads in the event loop itself, or that has to be waited for."""

    inline_reader: Any = None

    def __init__(self, *, reads_inline: bool) -> None:
        self.reads_inline = reads_inline
        self.turn = Turn()

    def read(self) -> Any:
        return self

    async def __aenter__(self) -> None:
        pass

    async def __aexit__(self, *_error: object) -> None:
        pass


class Requests:
    """Begins requests in waves, and knows what they have done and what was read for them."""

    def __init__(self, source: Source) -> None:
        self.running: set[asyncio.Task[None]] = set()
        self.batches: list[list[str]] = []
        self.begun: list[str] = []
        self._waves = Waves(source.turn)
        self.released = asyncio.Event()
        self.released.set()
        self.loader: DataLoader[str, str] = DataLoader(source, self._read)
        self.scanner: DataLoader[str, str] = DataLoader(source, self._wait_and_read, scans=True)

    async def _read(self, _connection: object, keys: Sequence[str]) -> list[str]:
        self.batches.append(list(keys))
        if not self.released.is_set():
            await self.released.wait()
        return list(keys)

    async def _wait_and_read(self, _connection: object, keys: Sequence[str]) -> list[str]:
        await self.released.wait()
        return list(keys)

    def begin(self, name: str, work: Callable[[], Awaitable[object]]) -> None:
        async def request() -> None:
            self.begun.append(name)
            await work()

        def start() -> None:
            task = asyncio.create_task(request())
            self.running.add(task)
            task.add_done_callback(self.running.discard)

        self._waves.join(start, self.running)

    async def finish(self, names: int) -> None:
        """Wait until as many requests have begun, and all have ended."""
        self.released.set()
        await until(lambda: len(self.begun) >= names and not self.running)

    def reading(self, steps: int) -> Callable[[], Awaitable[None]]:
        """A request that makes several reads, one after the other."""

        async def work() -> None:
            for step in range(steps):
                await self.loader.load(str(step))

        return work


@pytest.fixture(params=[True, False], ids=["inline", "waiting"])
def source(request: pytest.FixtureRequest) -> Source:
    return Source(reads_inline=request.param)


async def until(come: Callable[[], bool]) -> None:
    for _ in range(10_000):
        if come():
            return
        await asyncio.sleep(0.001)
    raise AssertionError("it never came")


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(scenario(), 30))


def test_requests_that_come_while_others_read_share_their_reads(source: Source) -> None:
    async def scenario() -> None:
        requests = Requests(source)
        for n in range(4):
            requests.begin(f"first {n}", requests.reading(3))
        for n in range(4):  # one in each turn: without waves, each would be a step behind the one before
            await asyncio.sleep(0)
            requests.begin(f"later {n}", requests.reading(3))
        assert len(requests.begun) <= 5, "the later ones wait"
        await requests.finish(8)
        assert len(requests.batches) <= 9
        assert requests.batches[-3:] == [[str(step)] * len(requests.batches[-1]) for step in range(3)]

    run(scenario)


def test_few_requests_do_not_wait_for_each_other(source: Source) -> None:
    async def scenario() -> None:
        requests = Requests(source)
        for n in range(3):
            requests.begin(f"first {n}", requests.reading(5))
        await asyncio.sleep(0)
        requests.begin("later", requests.reading(1))
        assert requests.begun == ["first 0", "first 1", "first 2"]
        await asyncio.sleep(0)
        assert requests.begun[-1] == "later"
        await requests.finish(4)

    run(scenario)


def test_who_waits_for_something_else_than_a_read_by_key_holds_nobody_up(source: Source) -> None:
    async def scenario() -> None:
        requests = Requests(source)
        requests.released.clear()
        for n in range(4):
            requests.begin(f"scan {n}", lambda: requests.scanner.load("scan"))
        await asyncio.sleep(0)
        requests.begin("later", requests.released.wait)
        for _ in range(5):  # turns of the event loop: far less than the time that a slow read has
            await asyncio.sleep(0)
        assert "later" in requests.begun
        await requests.finish(5)

    run(scenario)


def test_a_slow_read_holds_up_only_one_wave_and_not_for_long() -> None:
    async def scenario() -> None:
        requests = Requests(Source(reads_inline=False))
        requests.released.clear()
        for n in range(4):
            requests.begin(f"slow {n}", requests.reading(1))
        for _ in range(5):
            await asyncio.sleep(0)
        requests.begin("later", requests.released.wait)
        assert "later" not in requests.begun
        await until(lambda: "later" in requests.begun)
        requests.begin("even later", requests.released.wait)
        for _ in range(5):
            await asyncio.sleep(0)
        assert "even later" in requests.begun, "the slow read is forgotten"
        await requests.finish(6)

    run(scenario)


@pytest.mark.parametrize("method", ["POST", "GET"])
def test_requests_do_not_wait_for_a_locked_table_but_their_logged_time_has_the_wait_for_others(
    tmp_path: Path, postgres_server: Postgres, method: str
) -> None:
    url = postgres_server.create_database()
    headers = {"Authorization": f"Token {new_shop(url)}"}
    with (
        serving_process(
            tmp_path, url, extra={"GQL_SERVICE_ACCESS_LOG": "true", "GQL_SERVICE_DATABASE_POOL_SIZE": "60"}
        ) as server,
        http_client(server.url, limits=httpx.Limits(max_connections=None)) as client,
        ThreadPoolExecutor(80) as pool,
    ):

        def ask(query: str) -> Future[Any]:
            return pool.submit(client.post, "/graphql", json={"query": query}, headers=headers)

        def quick() -> httpx.Response:
            operation = {"query": "query Quick { me { username } }"}
            if method == "GET":  # which goes through the middleware
                return client.get("/graphql", params=operation, headers=headers)
            return client.post("/graphql", json=operation, headers=headers)

        def durations() -> list[float]:
            """Of the quick requests, in milliseconds."""
            lines = [
                json.loads(line) for line in server.output.splitlines(keepends=True) if line.endswith("\n")
            ]
            return [line["duration_ms"] for line in lines if line.get("operation") == "Quick"]

        def is_logged(count: int) -> bool:
            return len(durations()) == count

        ask("{ me { badges { name } } }").result()
        stuck: list[Future[Any]] = []
        with postgres_server.holding(url, "LOCK TABLE earned_badges IN ACCESS EXCLUSIVE MODE"):
            for count in range(1, 11):
                stuck += [ask("query Stuck { me { badges { name } } }") for _ in range(6)]
                time.sleep(0.02)
                assert pool.submit(quick).result(20).json()["data"]["me"]
                wait_until(partial(is_logged, count))
                if max(durations()) > 50:
                    break
            else:
                pytest.fail(f"none had to wait: {durations()}")
            assert not any(each.done() for each in stuck)
        assert {each.result().status_code for each in stuck} == {200}


def test_many_connections_with_requests_of_different_length_share_their_reads(world: World) -> None:
    assert_reads_are_shared(world)


def test_requests_share_their_reads_if_pages_of_other_origins_may_send_them(fresh_database_url: str) -> None:
    """These take the way through the middleware."""
    with serving(fresh_database_url, cors_origins=["https://other.example"]) as service:
        assert_reads_are_shared(World(service))


def assert_reads_are_shared(world: World) -> None:
    """Of many connections, of which each asks again as soon as it has its answer."""
    document = f'platformMetadata(platformKey: "{world.platform_key}") {{ user {{ badges {{ name }} }} }}'
    queries = [
        "{ me { username } }",
        "{ me { username badges { name } unreadNotificationCount } }",
        f"{{ me {{ {document} }} }}",
    ]
    head = (
        "POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {world.member.token}\r\nContent-Length: "
    )
    messages = [
        f"{head}{len(body)}\r\n\r\n{body}".encode()
        for body in (json.dumps({"query": each}) for each in queries)
    ]
    url = world.service.client.base_url

    async def connection(number: int) -> None:
        reader, writer = await asyncio.open_connection(url.host, url.port)
        for n in range(20):
            writer.write(messages[(number + n) % len(messages)])
            head = await reader.readuntil(b"\r\n\r\n")
            size = next(
                int(line[15:]) for line in head.lower().splitlines() if line.startswith(b"content-length")
            )
            assert b'"errors"' not in await reader.readexactly(size)
        writer.close()

    async def load() -> None:
        await asyncio.gather(*(connection(number) for number in range(32)))

    def statements_per_request() -> float:
        with world.service.statements() as statements:
            asyncio.run(load())
        return len(statements) / (32 * 20)

    assert any(statements_per_request() < 0.4 for _ in range(10)), "without waves, it is 0.5 to 1.2"
