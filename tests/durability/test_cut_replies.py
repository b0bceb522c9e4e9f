"""A mutation whose reply is cut can be repeated with its idempotency key: it is applied once."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.durability.client import Client
from tests.durability.cuts import cutting_first_replies
from tests.durability.figures import SERVERS, WORKERS, figure
from tests.durability.proxy import proxying
from tests.durability.recorder import PATCH, READ
from tests.durability.servers import killable_servers
from tests.support.service import serving
from tests.support.world import World

MUTATIONS = figure(full=1000, short=100)
CLIENTS = 20
CUT = 0.3
"""The share of replies that are cut after the first of a mutation, which always is."""


async def mutate(ports: Sequence[int], token: str, platform_key: str) -> int:
    """Append each number once; returns the number of requests that it took."""
    remaining = iter(range(MUTATIONS))

    async def keep_writing() -> int:
        client = Client(ports, token)
        for number in remaining:
            patch = {
                "platformKey": platform_key,
                "idempotencyKey": f"key{number}",
                "operations": [{"append": {"path": "/done", "value": number}}],
            }
            payload = (await client.ask_until_answered(PATCH, input=patch))["patchPlatformMetadata"]
            assert payload["userErrors"] == []
            assert payload["platformMetadata"]["metadata"]["done"].count(number) == 1
        client.close()
        return client.attempts

    return sum(await asyncio.gather(*(keep_writing() for _ in range(CLIENTS))))


def test_each_mutation_is_applied_once(
    tmp_path: Path, fresh_database_url: str, report: Callable[[str], None]
) -> None:
    with serving(fresh_database_url) as service:
        world = World(service)
        world.member.rest("PATCH", world.platform_key, {"metadata": {"done": []}})

    async def run(ports: Sequence[int]) -> int:
        handler = cutting_first_replies(CUT)
        async with proxying(ports[0], handler) as first, proxying(ports[1], handler) as second:
            attempts = await mutate([first, second], world.member.token, world.platform_key)
        client = Client(ports, world.member.token)
        document = (await client.ask(READ, key=world.platform_key))["platformMetadata"]
        client.close()
        assert sorted(document["metadata"]["done"]) == list(range(MUTATIONS))
        assert document["revision"] == 1 + MUTATIONS
        return attempts

    with killable_servers(tmp_path, fresh_database_url, servers=SERVERS, workers=WORKERS) as servers:
        attempts = asyncio.run(run([server.port for server in servers]))
    assert attempts >= 2 * MUTATIONS
    report(f"{MUTATIONS} mutations, {attempts} requests, each applied once")
