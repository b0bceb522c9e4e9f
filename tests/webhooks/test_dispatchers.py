"""Several processes that could send: one does, and its death or stall loses nothing and reorders nothing."""

import os
import random
import signal
import threading
from pathlib import Path

import pytest

from tests.support.cli_processes import serving_process
from tests.support.patches import patch
from tests.support.receiver import Answer, Received, Receiver, receiving
from tests.support.service import serving, wait_until
from tests.support.webhooks import KEYS, SETTINGS, create
from tests.support.world import Caller, World

pytestmark = pytest.mark.faults

EXTRA = {"GQL_SERVICE_ENCRYPTION_KEYS": KEYS, "GQL_SERVICE_WEBHOOK_NETWORKS": "127.0.0.0/8"}
USERS = int(os.environ.get("GQL_TEST_WEBHOOK_USERS", "6"))
EVENTS = int(os.environ.get("GQL_TEST_WEBHOOK_EVENTS", "3"))
"""Of each user, in each of three phases."""
STALL = 13
"""Seconds: longer than a lease."""


def unreliable_receiver() -> Receiver:
    """A receiver that refuses events at random when they come for the first time."""
    receiver, choices, lock, known = Receiver(), random.Random(1), threading.Lock(), set[str]()

    def answer(request: Received) -> Answer:
        with lock:
            is_new = request.id not in known
            known.add(request.id)
            return Answer(choices.choice([200, 500, 503, 302]) if is_new else 200)

    receiver.answer = answer
    return receiver


def first_arrivals(receiver: Receiver, user: Caller) -> list[int]:
    """The revisions of a user's document that were accepted, without what has come before."""
    events = dict[str, Received]()
    for request in list(receiver.accepted):
        events.setdefault(request.id, request)
    return [each.event["data"]["revision"] for each in events.values() if each.event["subject"] == user.id]


def test_a_killed_and_a_stopped_process_lose_and_reorder_nothing(
    fresh_database_url: str, tmp_path: Path
) -> None:
    with receiving(unreliable_receiver()) as receiver, serving(fresh_database_url) as service:
        world = World(service)
        with serving(fresh_database_url, **SETTINGS) as creator:
            create(world.on(creator), receiver.url, types=["DOCUMENT_CHANGED"])
        users = [world.new_user() for _ in range(USERS)]

        def write_and_wait(phase: int) -> None:
            for number in range(EVENTS):
                for user in users:
                    patch(user, world, metadata={"n": phase * EVENTS + number})
            revisions = list(range(1, (phase + 1) * EVENTS + 1))
            wait_until(lambda: len({each.id for each in list(receiver.accepted)}) == USERS * len(revisions))
            assert all(first_arrivals(receiver, user) == revisions for user in users)

        with serving_process(tmp_path, fresh_database_url, extra=EXTRA) as first:
            write_and_wait(0)  # the first process holds the lease now
            with serving_process(tmp_path, fresh_database_url, extra=EXTRA) as second:
                go_on = threading.Timer(STALL, first.process.send_signal, [signal.SIGCONT])
                go_on.start()
                first.process.send_signal(signal.SIGSTOP)
                write_and_wait(1)
                go_on.join()
                second.process.kill()
                write_and_wait(2)
