"""Nothing acknowledged is lost: many clients, several processes, some of them killed."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial

import httpx
import pytest

from tests.support.service import Service, serving
from tests.support.world import REST, Caller, World

PATCHES = 600
CLIENTS = 24


@contextmanager
def process(service: Service, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """A server process of its own on the same database."""
    environment = os.environ | {"GQL_SERVICE_DATABASE_URL": service.settings.database_url}
    command = [sys.executable, "-m", "gql_service", "serve", "--port", str(port)]
    running = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                httpx.get(f"http://127.0.0.1:{port}/health/ready")
                break
            except httpx.TransportError:
                time.sleep(0.05)
        yield running
    finally:
        running.kill()
        running.wait()


def patch(caller: Caller, url: str, platform_key: str, key: str) -> bool:
    """Set one key; whether the write was acknowledged."""
    try:
        answer = httpx.patch(
            url + REST,
            params={"platform_key": platform_key},
            json={"metadata": {key: key}},
            headers={"Authorization": f"Token {caller.token}"},
            timeout=15,
        )
    except httpx.TransportError:
        return False
    return answer.status_code == 200


def test_no_acknowledged_patch_is_lost_when_processes_are_killed(fresh_database_url: str) -> None:
    with serving(fresh_database_url) as service:
        world = World(service)
        ports = [18_000 + random.randrange(10_000) for _ in range(2)]
        acknowledged: set[str] = set()
        stop = threading.Event()

        def keep_killing(port: int) -> None:
            while not stop.is_set():
                with process(service, port) as running:
                    stop.wait(random.uniform(0.5, 1.5))
                    running.send_signal(signal.SIGKILL)

        killers = [threading.Thread(target=keep_killing, args=(port,)) for port in ports]
        urls = [service.url, *(f"http://127.0.0.1:{port}" for port in ports)]
        for killer in killers:
            killer.start()

        def one(number: int) -> None:
            key = f"key{number}"
            if patch(world.member, urls[number % len(urls)], world.platform_key, key):
                acknowledged.add(key)

        with ThreadPoolExecutor(CLIENTS) as clients:
            list(clients.map(one, range(PATCHES)))
        stop.set()
        for killer in killers:
            killer.join()
        stored = world.member.rest("GET", world.platform_key)
        assert len(acknowledged) >= PATCHES / 3
        assert acknowledged <= set(stored.json()["metadata"])
        assert int(stored.headers["etag"].strip('"')) == len(stored.json()["metadata"])


@pytest.mark.parametrize("rounds", [5])
def test_of_many_racers_on_one_revision_exactly_one_wins(world: World, rounds: int) -> None:
    def race(revision: int, number: int) -> int:
        with httpx.Client(base_url=world.service.url, timeout=30) as client:
            headers = {"Authorization": f"Token {world.member.token}", "If-Match": f'"{revision}"'}
            params = {"platform_key": world.platform_key}
            body = {"metadata": {"winner": f"{revision}.{number}"}}
            return client.patch(REST, params=params, json=body, headers=headers).status_code

    for revision in range(rounds):
        with ThreadPoolExecutor(20) as racers:
            assert sorted(racers.map(partial(race, revision), range(20))) == [200] + [412] * 19


def test_racers_who_create_a_document_all_succeed(world: World) -> None:
    def create(number: int) -> bool:
        return patch(world.colleague, world.service.url, world.platform_key, f"key{number}")

    with ThreadPoolExecutor(20) as racers:
        assert all(racers.map(create, range(20)))
    assert len(world.colleague.rest("GET", world.platform_key).json()["metadata"]) == 20
