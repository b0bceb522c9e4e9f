"""PostgreSQL is killed, stalled and restarted under load: writes resume by themselves, and none is lost."""

import asyncio
import os
import random
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.conftest import require
from tests.durability.figures import SERVERS, WORKERS, figure
from tests.durability.load import Load
from tests.durability.servers import child_processes, killable_servers
from tests.support import postgres
from tests.support.service import serving
from tests.support.world import World

PATCHES = figure(full=2000, short=200)
STALL = figure(full=2, short=1)
"""Seconds."""


@pytest.fixture
def own_postgres() -> Iterator[postgres.Postgres]:
    """A PostgreSQL that no other test uses."""
    require("PostgreSQL (" + ", ".join(postgres.PROGRAMS) + ")", not postgres.missing_programs())
    with postgres.running() as server:
        yield server


def durable_database(server: postgres.Postgres) -> str:
    """A database whose commits wait for the log, unlike those of other tests."""
    url = server.create_database()
    name = url.rpartition("/")[2]
    server.run("psql", "-h", str(server.folder), "-p", str(server.port), "-U", "tester", "-d", "postgres",
               "-qc", f"ALTER DATABASE {name} SET synchronous_commit = on")  # fmt: skip
    return url


def _processes(server: postgres.Postgres) -> list[int]:
    """The first process, then those of connections and of background work."""
    pid = int((server.folder / "data" / "postmaster.pid").read_text().split()[0])
    return [pid, *child_processes(pid)]


async def kill_a_process(server: postgres.Postgres) -> str:
    """The others end as well, and PostgreSQL recovers by itself."""
    _signal(random.choice(_processes(server)[1:]), signal.SIGKILL)
    return "process killed"


async def restart(server: postgres.Postgres) -> str:
    """Restart without a shutdown, as after a crash."""
    data, log = str(server.folder / "data"), str(server.folder / "log")
    await asyncio.to_thread(server.run, "pg_ctl", "-D", data, "-l", log, "-m", "immediate", "-w", "restart")
    return "restarted"


async def stall(server: postgres.Postgres) -> str:
    """Stop all processes for a while."""
    stopped = _processes(server)
    for pid in stopped:
        _signal(pid, signal.SIGSTOP)
    await asyncio.sleep(STALL)
    for pid in stopped:
        _signal(pid, signal.SIGCONT)
    return "stalled"


def _signal(pid: int, number: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def test_a_postgres_with_faults_loses_nothing_and_writes_resume_by_themselves(
    tmp_path: Path, own_postgres: postgres.Postgres, report: Callable[[str], None]
) -> None:
    database_url = durable_database(own_postgres)
    with serving(database_url) as service:
        world = World(service)
        platform_keys = [world.new_platform() for _ in range(10)]
    faults = [kill_a_process, restart, stall]

    async def disturb() -> str:
        faults.append(faults.pop(0))
        return await faults[-1](own_postgres)

    async def run(ports: list[int]) -> Load:
        load = Load(ports, world.member.token, platform_keys, PATCHES)
        await load.run(disturb)
        await load.check()
        return load

    with killable_servers(tmp_path, database_url, servers=SERVERS, workers=WORKERS) as servers:
        load = asyncio.run(run([server.port for server in servers]))
    assert load.faults.total() > 0
    report(str(load))
