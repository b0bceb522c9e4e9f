"""No acknowledged write is lost and none is half applied, while servers and workers are killed."""

import asyncio
import random
from collections.abc import Callable
from pathlib import Path

from tests.durability.figures import SERVERS, WORKERS, figure
from tests.durability.load import Load
from tests.durability.servers import killable_servers
from tests.support.service import serving
from tests.support.world import World

PATCHES = figure(full=2000, short=200)
DOCUMENTS = 10


def test_no_acknowledged_write_is_lost_and_none_is_half_applied(
    tmp_path: Path, fresh_database_url: str, report: Callable[[str], None]
) -> None:
    with serving(fresh_database_url) as service:
        world = World(service)
        platform_keys = [world.new_platform() for _ in range(DOCUMENTS)]
    with killable_servers(tmp_path, fresh_database_url, servers=SERVERS, workers=WORKERS) as servers:

        async def kill() -> str:
            server = random.choice(servers)
            if random.random() < 0.5 and server.kill_a_worker():
                return "worker killed"
            await server.restart()
            return "server killed"

        async def run() -> Load:
            load = Load([server.port for server in servers], world.member.token, platform_keys, PATCHES)
            await load.run(kill)
            await load.check()
            return load

        load = asyncio.run(run())
    assert load.faults.total() > 0
    report(str(load))
