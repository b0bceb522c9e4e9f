"""SQLite on a full disk: writes fail, reads go on; once there is room again, writes succeed by themselves.

The disk is full in that the server's files may not grow any more.
"""

import asyncio
import resource
from collections.abc import Callable
from pathlib import Path

from tests.durability.client import Client, NoAnswer
from tests.durability.figures import figure
from tests.durability.recorder import PATCH, READ
from tests.durability.servers import killable_servers
from tests.support.service import serving
from tests.support.world import World

ROUNDS = figure(full=20, short=2)
ROOM = 64 * 1024
"""Bytes that are left when the disk begins to be full."""
REFUSED = 5
"""Writes that fail before there is room again."""


def fill_disk(pid: int, folder: Path) -> None:
    largest = max(file.stat().st_size for file in folder.iterdir())
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (largest + ROOM, resource.RLIM_INFINITY))


def make_room(pid: int) -> None:
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def test_a_full_disk_loses_nothing_and_writes_resume_by_themselves(
    tmp_path: Path, report: Callable[[str], None]
) -> None:
    database_url = f"sqlite+aiosqlite:///{tmp_path / 'test.sqlite3'}"
    with serving(database_url) as service:
        world = World(service)

    async def run(pid: int, port: int) -> tuple[int, int]:
        client = Client([port], world.member.token)
        acknowledged: dict[str, str] = {}
        refused = 0

        async def write(number: int) -> None:
            """Raises NoAnswer."""
            entry = {f"key{number}": f"{number}" * 100}
            await client.ask(PATCH, input={"platformKey": world.platform_key, "metadata": entry})
            acknowledged.update(entry)

        for _ in range(ROUNDS):
            await client.ask_until_answered(READ, key=world.platform_key)
            fill_disk(pid, tmp_path)
            before = refused
            while refused < before + REFUSED:
                try:
                    await write(len(acknowledged) + refused)
                except NoAnswer:
                    refused += 1
            await client.ask(READ, key=world.platform_key)
            make_room(pid)
            for _ in range(10):
                await write(len(acknowledged) + refused)
            stored = (await client.ask(READ, key=world.platform_key))["platformMetadata"]["metadata"]
            assert acknowledged.items() <= stored.items()
        client.close()
        return len(acknowledged), refused

    with killable_servers(tmp_path, database_url, servers=1) as (server,):
        acknowledged, refused = asyncio.run(run(server.pid, server.port))
    report(f"{ROUNDS} times full: {acknowledged} acknowledged patches, {refused} refused; 0 lost")
