"""Acknowledged writes are not lost, with many clients and several processes, some of which are killed."""

import itertools
import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial

import httpx
import pytest

from tests.support import zygote
from tests.support.cli_processes import environment, free_port
from tests.support.http_clients import PATIENCE, http_client
from tests.support.service import Service, serving
from tests.support.world import REST, Caller, World

CLIENTS = 24
KILLS = 8
"""The number of kills. Each process has acknowledged a patch before it is killed."""
HANGS = 5 * PATIENCE
"""Seconds: each kill waits for a server to start."""
AT_LEAST, AT_MOST = 200, 500
"""Patches acknowledged by the server that is never killed; the document has room for all of them."""


@contextmanager
def process(service: Service, port: int) -> Iterator[zygote.Forked]:
    """Run a server process on the same database. Yields when it responds."""
    with open(os.devnull, "wb") as devnull:
        serve, sink = ["serve", "--port", str(port)], devnull.fileno()
        running = zygote.start(serve, environment(service.settings.database_url), sink, sink)
    try:
        deadline = time.monotonic() + PATIENCE
        with http_client(f"http://127.0.0.1:{port}") as client:
            while time.monotonic() < deadline:
                assert running.poll() is None, "the server did not start"
                try:
                    client.get("/health/ready")
                    break
                except httpx.TransportError:
                    time.sleep(0.05)
        yield running
    finally:
        running.kill()
        running.wait()


def patch(client: httpx.Client, caller: Caller, url: str, platform_key: str, key: str) -> bool:
    """Set one key; returns whether the write was acknowledged."""
    try:
        response = client.patch(
            url + REST,
            params={"platform_key": platform_key},
            json={"metadata": {key: key}},
            headers={"Authorization": f"Token {caller.token}"},
        )
    except httpx.TransportError:
        return False
    return response.status_code == 200


def test_no_acknowledged_patch_is_lost_when_processes_are_killed(fresh_database_url: str) -> None:
    """Progress is measured by acknowledged patches, so a slow machine only takes longer."""
    with serving(fresh_database_url) as service:
        world = World(service)
        doomed = [free_port(), free_port()]
        acknowledged: dict[int, set[str]] = {port: set() for port in (0, *doomed)}
        kills: list[int] = []
        enough = threading.Event()

        def keep_killing(port: int) -> None:
            while not enough.is_set():
                with process(service, port) as running:
                    before = len(acknowledged[port])
                    while len(acknowledged[port]) == before and not enough.wait(0.02):
                        pass
                    enough.wait(random.uniform(0, 1))
                    running.send_signal(signal.SIGKILL)
                    kills.append(port)

        def keep_writing(writer: int) -> None:
            port = (0, *doomed)[writer % 3]
            url = f"http://127.0.0.1:{port}" if port else service.url
            with http_client() as client:
                for number in itertools.count():
                    key = f"key{writer}.{number}"
                    if patch(client, world.member, url, world.platform_key, key):
                        acknowledged[port].add(key)
                    while enough.wait(0.02) or (port == 0 and len(acknowledged[0]) >= AT_MOST):
                        if enough.is_set():
                            return

        with ThreadPoolExecutor(CLIENTS + len(doomed)) as pool:
            futures = [pool.submit(keep_killing, port) for port in doomed]
            futures += [pool.submit(keep_writing, writer) for writer in range(CLIENTS)]
            deadline = time.monotonic() + HANGS
            while time.monotonic() < deadline and not any(each.done() for each in futures):
                if len(kills) >= KILLS and len(acknowledged[0]) >= AT_LEAST:
                    break
                time.sleep(0.05)
            enough.set()
        for each in futures:
            each.result()
        assert len(kills) >= KILLS
        assert len(acknowledged[0]) >= AT_LEAST
        stored = world.member.rest("GET", world.platform_key)
        assert set().union(*acknowledged.values()) <= set(stored.json()["metadata"])
        assert int(stored.headers["etag"].strip('"')) == len(stored.json()["metadata"])


@pytest.mark.parametrize("rounds", [5])
def test_of_many_racers_on_one_revision_exactly_one_wins(world: World, rounds: int) -> None:
    def race(revision: int, number: int) -> int:
        with http_client(world.service.url) as client:
            headers = {"Authorization": f"Token {world.member.token}", "If-Match": f'"{revision}"'}
            params = {"platform_key": world.platform_key}
            body = {"metadata": {"winner": f"{revision}.{number}"}}
            return client.patch(REST, params=params, json=body, headers=headers).status_code

    for revision in range(rounds):
        with ThreadPoolExecutor(20) as racers:
            assert sorted(racers.map(partial(race, revision), range(20))) == [200] + [412] * 19


def test_racers_who_create_a_document_all_succeed(world: World) -> None:
    def create(number: int) -> bool:
        with http_client() as client:
            key = f"key{number}"
            return patch(client, world.colleague, world.service.url, world.platform_key, key)

    with ThreadPoolExecutor(20) as racers:
        assert all(racers.map(create, range(20)))
    assert len(world.colleague.rest("GET", world.platform_key).json()["metadata"]) == 20
