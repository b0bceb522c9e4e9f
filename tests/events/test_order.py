"""Followers miss no event, and get those of a document in the order of its revisions."""

import asyncio
import random
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import asyncpg
import pytest
from sqlalchemy import make_url

from tests.support.events import Follower, following
from tests.support.patches import patch
from tests.support.world import Caller, World

BULK = """mutation ($i: BulkPatchPlatformMetadataInput!) { bulkPatchPlatformMetadata(input: $i) {
  userErrors { code } results { userErrors { code } } } }"""
WRITERS, WRITES = 8, 25


def test_a_follower_sees_every_revision_once_and_in_order(world: World) -> None:
    """Half of the writes are batches, which lock the same documents in different orders."""
    users = [world.new_user() for _ in range(4)]
    follower = following(world)
    seen: dict[str, list[int]] = defaultdict(list)

    def write(number: int) -> None:
        chosen = random.Random(number)
        for turn in range(WRITES):
            patches = [
                {"username": user.username, "metadata": {"n": f"{number}.{turn}"}}
                for user in chosen.sample(users, 3 if turn % 2 else 1)
            ]
            input = {"platformKey": world.platform_key, "patches": patches}
            payload = world.admin.ask(BULK, i=input)["bulkPatchPlatformMetadata"]
            assert not any(result["userErrors"] for result in payload["results"])

    def note(events: list[Any]) -> None:
        for event in events:
            seen[event["userId"]].append(event["revision"])

    with ThreadPoolExecutor(WRITERS) as writers:
        running = [writers.submit(write, number) for number in range(WRITERS)]
        while not all(each.done() for each in running):
            note(follower.new(first=random.randint(1, 20)))
        for each in running:
            each.result()
    total = sum(revision(user, world) for user in users)
    while sum(map(len, seen.values())) < total:
        note(follower.new())
    assert seen == {user.id: list(range(1, revision(user, world) + 1)) for user in users}


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_a_slow_transaction_with_a_lower_id_is_not_skipped(world: World) -> None:
    """On SQLite, transactions run one after the other."""
    follower = following(world)

    async def interleave() -> None:
        url = make_url(world.service.settings.database_url)
        slow = await asyncpg.connect(url.set(drivername="postgresql").render_as_string(hide_password=False))
        transaction = slow.transaction()
        await transaction.start()
        await slow.execute(
            "INSERT INTO events (type, tenant_id, platform_id, occurred_at, changed_keys, hidden_keys)"
            " VALUES ('user.changed', $1, '', 0, '[]', '[]')",
            world.tenant_id,
        )
        await asyncio.to_thread(write_and_follow)
        await transaction.commit()
        await slow.close()

    def write_and_follow() -> None:
        for number in range(3):
            patch(world.member, world, metadata={"n": number})
        assert [event["revision"] for event in follower.wait_for(3)] == [1, 2, 3]

    asyncio.run(interleave())
    (event,) = follower.wait_for(1)
    assert event["type"] == "USER_CHANGED"


def revision(user: Caller, world: World) -> int:
    document = user.ask(
        "query ($key: String!) { platformMetadata(platformKey: $key) { revision } }", key=world.platform_key
    )
    return int(document["platformMetadata"]["revision"])


def test_a_second_follower_sees_the_same(world: World) -> None:
    first = Follower(world.admin, world.platform_key)
    for number in range(5):
        patch(world.member, world, metadata={"n": number})
    events = first.wait_for(5)
    second = Follower(world.admin, world.platform_key)
    assert second.new(first=2) == events
