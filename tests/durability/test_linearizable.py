"""Each document behaves as if all operations on it happened one after the other.

Clients of two servers on one database read, write, compare and delete at random, some replies are cut, and in
the full form servers are killed. The checker decides about what they saw.
"""

import asyncio
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.durability.checker import is_linearizable
from tests.durability.cuts import cutting
from tests.durability.figures import FULL, SERVERS, WORKERS, figure
from tests.durability.planted_faults import double_application, half_write, lost_update, stale_read
from tests.durability.proxy import Handler, proxying
from tests.durability.recorder import Recorder, record
from tests.durability.servers import killable_servers
from tests.support.service import Service, serving
from tests.support.world import World

HISTORIES = figure(full=200, short=5)
OPERATIONS = figure(full=500, short=100)
PLANTED_OPERATIONS = 100
CUT = 0.03
"""The share of cut replies."""
KILLS_EVERY = 20
"""In the full form, a server or a worker is killed during each of so many histories."""


def test_every_history_is_linearizable(
    tmp_path: Path, fresh_database_url: str, report: Callable[[str], None]
) -> None:
    with serving(fresh_database_url) as service:
        world = World(service)
        histories = [[world.new_platform() for _ in range(random.randint(1, 3))] for _ in range(HISTORIES)]
        token = world.member.token
    operations = unanswered = kills = 0
    with killable_servers(tmp_path, fresh_database_url, servers=SERVERS, workers=WORKERS) as servers:

        async def run(number: int, platform_keys: list[str]) -> Recorder:
            async with (
                proxying(servers[0].port, cutting(CUT)) as first,
                proxying(servers[1].port, cutting(CUT)) as second,
            ):
                recording = asyncio.create_task(
                    record(
                        [first, second], token, platform_keys, clients=random.randint(2, 8), length=OPERATIONS
                    )
                )
                if FULL and number % KILLS_EVERY == 0:
                    nonlocal kills
                    await asyncio.sleep(random.uniform(0, 0.3))
                    server = random.choice(servers)
                    if random.random() < 0.5 or not server.kill_a_worker():
                        await server.restart()
                    kills += 1
                return await recording

        for number, platform_keys in enumerate(histories):
            recorder = asyncio.run(run(number, platform_keys))
            for history in recorder.histories.values():
                assert is_linearizable(history), history
                operations += len(history)
                unanswered += sum(each.returned is None for each in history)
    assert operations >= HISTORIES * OPERATIONS
    assert unanswered > 0
    report(f"{HISTORIES} histories, {operations} operations, {unanswered} unanswered, {kills} kills")


@pytest.mark.parametrize("plant", [lost_update, stale_read, half_write, double_application])
def test_a_planted_fault_is_found(service: Service, world: World, plant: Callable[[], Handler]) -> None:
    """The same load on the same service, but through a proxy with the fault."""
    port = int(service.url.rpartition(":")[2])

    async def run(handler: Handler) -> bool:
        async with proxying(port, handler) as proxy:
            recorder = await record(
                [proxy], world.member.token, [world.new_platform()], clients=4, length=PLANTED_OPERATIONS
            )
        return all(map(is_linearizable, recorder.histories.values()))

    assert not asyncio.run(run(plant()))
