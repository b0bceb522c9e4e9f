"""Of many who write at the same revision, exactly one wins."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.durability.client import Client
from tests.durability.figures import SERVERS, WORKERS, figure
from tests.durability.recorder import PATCH, READ
from tests.durability.servers import killable_servers
from tests.support.service import serving
from tests.support.world import World

RACERS = figure(full=100, short=20)
RACES = figure(full=100, short=5)


async def race(clients: Sequence[Client], platform_key: str, revision: int) -> list[int]:
    """All clients write at this revision at the same time; returns the numbers of those who succeeded.

    Their values are new: a write that changes nothing succeeds and leaves the revision as it is.
    """

    async def write(number: int, client: Client) -> bool:
        patch = {
            "platformKey": platform_key,
            "expectedRevision": revision,
            "metadata": {"winner": [revision, number]},
        }
        payload = (await client.ask(PATCH, input=patch))["patchPlatformMetadata"]
        for error in payload["userErrors"]:
            assert (error["code"], error["currentRevision"]) == ("REVISION_CONFLICT", revision + 1)
        return not payload["userErrors"]

    won = await asyncio.gather(*(write(number, client) for number, client in enumerate(clients)))
    return [number for number, has_won in enumerate(won) if has_won]


def test_exactly_one_racer_wins_each_race(
    tmp_path: Path, fresh_database_url: str, report: Callable[[str], None]
) -> None:
    with serving(fresh_database_url) as service:
        world = World(service)
        platform_key = world.platform_key

    async def run(ports: Sequence[int]) -> None:
        clients = [Client(ports, world.member.token) for _ in range(RACERS)]
        for _ in range(RACES):
            data = await clients[0].ask(READ, key=platform_key)
            revision = data["platformMetadata"]["revision"]
            (winner,) = await race(clients, platform_key, revision)
            document = (await clients[-1].ask(READ, key=platform_key))["platformMetadata"]
            assert document["metadata"] == {"winner": [revision, winner]}
        for client in clients:
            client.close()

    with killable_servers(tmp_path, fresh_database_url, servers=SERVERS, workers=WORKERS) as servers:
        asyncio.run(run([server.port for server in servers]))
    report(f"{RACES} races of {RACERS}: one winner each")
