"""Failover under load: the primary is killed and its synchronous standby promoted, without a restart."""

import sys
import threading
import time
from collections.abc import Iterator

import pytest

from tests.conftest import require
from tests.support import postgres, replication
from tests.support.replication import Cluster, replicating
from tests.support.service import serving, wait_until
from tests.support.world import World

pytestmark = pytest.mark.faults

_CLIENTS = 6


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    missing = [program for program in replication.PROGRAMS if not postgres.is_installed(program)]
    require("PostgreSQL (" + ", ".join(replication.PROGRAMS) + ")", not missing)
    with postgres.running(commits="on") as primary, replicating(primary) as both:
        yield both


class Load:
    """Clients that add one key after the other to a document each. They note what was acknowledged."""

    def __init__(self, world: World) -> None:
        self._clients = [world.new_user() for _ in range(_CLIENTS)]
        self._platform_key = world.platform_key
        self._is_over = False
        self.acknowledged: list[list[str]] = [[] for _ in self._clients]
        self.failed: list[int] = []
        self._threads = [threading.Thread(target=self._write, args=(each,)) for each in range(_CLIENTS)]
        for thread in self._threads:
            thread.start()

    def _write(self, number: int) -> None:
        caller, attempt = self._clients[number], 0
        while not self._is_over:
            attempt += 1
            key = f"k{attempt}"
            status = caller.rest("PATCH", self._platform_key, {"metadata": {key: attempt}}).status_code
            if status == 200:
                self.acknowledged[number].append(key)
            else:
                self.failed.append(status)
                time.sleep(0.05)

    def wait_for_writes(self, number: int) -> None:
        """Wait until every client has written so many times again."""
        ends = [len(keys) + number for keys in self.acknowledged]
        wait_until(lambda: all(len(keys) >= end for keys, end in zip(self.acknowledged, ends, strict=True)))

    def stop(self) -> None:
        self._is_over = True
        for thread in self._threads:
            thread.join()

    def lost(self) -> list[str]:
        lost = []
        for caller, keys in zip(self._clients, self.acknowledged, strict=True):
            stored = caller.rest("GET", self._platform_key).json()["metadata"]
            lost += [key for key in keys if key not in stored]
        return lost


def test_writes_resume_after_a_failover_and_none_is_lost(cluster: Cluster) -> None:
    url = cluster.url(cluster.primary.create_database())
    with serving(url, database_timeout=5.0, max_metadata_keys=100_000) as service:
        load = Load(World(service))
        try:
            load.wait_for_writes(20)
            assert load.failed == []
            cluster.kill_primary()
            killed = time.monotonic()
            wait_until(lambda: service.client.get("/health/ready").status_code == 503)
            cluster.promote()
            promoted = time.monotonic()
            load.wait_for_writes(1)
            resumed = time.monotonic()
            load.wait_for_writes(20)
        finally:
            load.stop()
        assert service.client.get("/health/ready").status_code == 200
        assert set(load.failed) <= {503}
        assert load.lost() == []
    sys.stdout.write(
        f"failover: {sum(map(len, load.acknowledged))} acknowledged, 0 lost, {len(load.failed)} failed,"
        f" resumed {resumed - killed:.2f} s after the crash, {resumed - promoted:.2f} s after the promotion\n"
    )
