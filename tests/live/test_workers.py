"""Subscribers of several processes, who come back again and again: each sees every change once, in order."""

import os
import random
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gql_service.services.subscriptions import MAX_BEHIND
from tests.support.cli_processes import serving_process
from tests.support.events import following
from tests.support.live import METADATA_CHANGED, PLATFORM_EVENTS, subscriber
from tests.support.patches import patch
from tests.support.service import serving
from tests.support.world import World

pytestmark = pytest.mark.faults

IS_LONG = os.environ.get("GQL_TEST_LONG")
SUBSCRIBERS, CHANGES, WORKERS = (100, 10_000, 4) if IS_LONG else (20, 500, 2)
MAX_LEAD = MAX_BEHIND // 2
"""Changes that the writer may be ahead of the slowest subscriber: who is too far behind has to read anew."""


def test_no_change_is_skipped(fresh_database_url: str, tmp_path: Path) -> None:
    with serving(fresh_database_url, max_user_subscriptions=1000) as service:
        world = World(service)
        start = following(world).after
        arguments = ("--workers", str(WORKERS))
        extra = {"GQL_SERVICE_MAX_USER_SUBSCRIPTIONS": "1000"}
        with (
            serving_process(tmp_path, fresh_database_url, *arguments, extra=extra) as server,
            ThreadPoolExecutor(SUBSCRIBERS + 2) as pool,
        ):
            seen: list[list[int]] = [[] for _ in range(SUBSCRIBERS)]
            followers = [
                pool.submit(_follow, server.url, world, start, number, revisions)
                for number, revisions in enumerate(seen)
            ]
            for number in range(CHANGES):
                patch(world.member, world, metadata={"n": number})
                while number - min(map(len, seen)) > MAX_LEAD and not any(each.done() for each in followers):
                    time.sleep(0.05)
            for each, revisions in zip(followers, seen, strict=True):
                each.result()
                assert revisions == list(range(1, CHANGES + 1))


def _follow(url: str, world: World, start: str | None, number: int, revisions: list[int]) -> None:
    """Append the revisions that a subscriber gets: of the events if its number is even, else of the
    document."""
    chosen, cursor = random.Random(number), start
    while len(revisions) < CHANGES:
        caller = world.member if number % 2 else world.admin
        with subscriber(url, caller.token) as opened:
            if number % 2:
                opened.subscribe(
                    METADATA_CHANGED, key=world.platform_key, since=revisions[-1] if revisions else 0
                )
            else:
                opened.subscribe(PLATFORM_EVENTS, key=world.platform_key, after=cursor)
            for _ in range(min(chosen.randint(1, 200), CHANGES - len(revisions))):
                data = opened.next()
                if number % 2:
                    assert not data["platformMetadataChanged"]["resync"]
                    revisions.append(data["platformMetadataChanged"]["revision"])
                else:
                    cursor = data["platformEvents"]["cursor"]
                    revisions.append(data["platformEvents"]["node"]["revision"])
