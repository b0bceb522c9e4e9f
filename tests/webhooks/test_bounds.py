"""What waits, is sent and is kept has bounds: no webhook fills the database or holds back the others."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from sqlalchemy import bindparam, delete, func, insert, select

from gql_service.domain.webhooks import deliveries as rows
from gql_service.services import webhook_sender
from gql_service.services import webhooks as dispatcher
from gql_service.store.connection import Connection
from gql_service.store.statement import Statement
from gql_service.store.tables import webhook_deliveries
from tests.support.hostile_receiver import hostile, keeps_silent
from tests.support.patches import patch
from tests.support.receiver import Answer, Received, Receiver, receiving
from tests.support.service import Service, serving, wait_until
from tests.support.users import verdict
from tests.support.webhooks import SETTINGS, create, deliveries, mutate, webhooks
from tests.support.world import World

HOUR = 3600 * 1000
_TABLE = webhook_deliveries.c
_COUNT = Statement(
    select(_TABLE.state, func.count()).where(_TABLE.webhook_id == bindparam("of")).group_by(_TABLE.state)
)
_NAMES = ("webhook_id", "lane", "state", "attempts", "created_at", "next_at", "attempted_at")
_INSERT = Statement(insert(webhook_deliveries).values({name: bindparam(name) for name in _NAMES}))


@pytest.fixture
def service(fresh_database_url: str) -> Iterator[Service]:
    with serving(fresh_database_url, **SETTINGS) as running:
        yield running


@pytest.fixture
def world(service: Service) -> World:
    return World(service)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as running:
        yield running


def fill(world: World, webhook_id: str, state: str, count: int, **columns: Any) -> None:
    """Add deliveries of one document, which wait behind another or are finished."""

    async def add(transaction: Connection) -> None:
        row = {"webhook_id": webhook_id, "lane": "filled", "state": state, "attempts": 0, "created_at": 1}
        row |= {"next_at": None, "attempted_at": None} | columns
        await transaction.execute_many(_INSERT, [row] * count)

    world.service.write(add)


def counts(world: World, webhook_id: str) -> dict[str, int]:
    rows = world.service.write(lambda transaction: transaction.fetch(_COUNT, of=webhook_id))
    return {str(state): count for state, count in rows}


def test_events_wait_where_they_are_while_very_many_deliveries_wait(world: World, receiver: Receiver) -> None:
    id = create(world, receiver.url, types=["DOCUMENT_CHANGED"])["webhook"]["webhookId"]
    other = World(world.service)
    create(other, receiver.url, types=["DOCUMENT_CHANGED"])
    fill(world, id, "PENDING", rows.MAX_WAITING)
    patch(world.member, world, metadata={"n": 1})
    patch(other.member, other, metadata={"n": 1})
    # The other webhook is behind later, and is sent: so this one was looked at.
    wait_until(lambda: [each.event["subject"] for each in receiver.accepted] == [other.member.id])
    assert counts(world, id) == {"PENDING": rows.MAX_WAITING}
    target = {"platformKey": world.platform_key, "webhookId": id}
    assert verdict(world.admin, "testWebhook", target) == "TOO_MANY_DELIVERIES webhookId"
    _delete_one(world, id)
    wait_until(lambda: len(receiver.accepted) == 2)
    assert receiver.accepted[1].event["subject"] == world.member.id


def _delete_one(world: World, webhook_id: str) -> None:
    oldest = select(func.min(_TABLE.id)).where(_TABLE.webhook_id == bindparam("of")).scalar_subquery()
    statement = Statement(delete(webhook_deliveries).where(_TABLE.id == oldest))
    world.service.write(lambda transaction: transaction.execute(statement, of=webhook_id))


def test_the_oldest_finished_deliveries_are_deleted_when_there_are_too_many(world: World) -> None:
    id = create(world, "https://hooks.invalid/")["webhook"]["webhookId"]
    mutate(world, "updateWebhook", id, paused=True)
    recently = world.service.clock()
    fill(world, id, "PENDING", 3)
    fill(world, id, "FAILED", 700, attempted_at=recently)
    fill(world, id, "DELIVERED", rows.MAX_KEPT, attempted_at=recently)
    services = world.service.services
    world.service.run(lambda: rows.prune(services.database, recently))
    assert counts(world, id) == {"PENDING": 3, "DELIVERED": rows.MAX_KEPT}


def test_hanging_receivers_hold_back_no_others(
    service: Service, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tenant has more hanging requests than one may have, and none of them ends during the test."""
    monkeypatch.setattr(webhook_sender, "_TIMEOUT", 1000.0)
    world, other = World(service), World(service)
    with ExitStack() as stack:
        hanging = [stack.enter_context(hostile(keeps_silent)) for _ in range(5)]
        for each in hanging:
            create(world, each.url, types=["DOCUMENT_CHANGED"])
        create(other, receiver.url, types=["DOCUMENT_CHANGED"])
        for _ in range(20):
            patch(world.new_user(), world, metadata={"n": 1})
        wait_until(lambda: sum(each.connections for each in hanging) == 64)
        for number in range(3):
            patch(other.member, other, metadata={"n": number})
        wait_until(lambda: len(receiver.accepted) == 3)
        assert sum(each.connections for each in hanging) == 64


def test_what_waits_behind_a_document_that_failed_for_a_day_is_tried_once(
    world: World, receiver: Receiver
) -> None:
    """Otherwise a document with many events would fail for as many days."""
    create(world, receiver.url, types=["DOCUMENT_CHANGED"])

    def refuse(request: Received) -> Answer:
        return Answer(500 if request.event["subject"] == world.member.id else 200)

    receiver.answer = refuse
    for number in range(3):
        patch(world.member, world, metadata={"n": number})
    wait_until(lambda: any(each["attempts"] for each in deliveries(world)))
    try:
        world.service.clock_offset = 23 * HOUR
        # Another document succeeds, so that the webhook as a whole has not failed for long.
        patch(world.colleague, world, metadata={"n": 1})
        wait_until(lambda: len(receiver.accepted) == 1)
        patch(world.member, world, metadata={"n": 4})
        wait_until(lambda: len(deliveries(world)) == 5)
        world.service.clock_offset = 25 * HOUR
        wait_until(lambda: [each["state"] for each in deliveries(world)].count("FAILED") == 3)
        assert webhooks(world)[0]["state"] == "ACTIVE"
        attempts = [each["attempts"] for each in deliveries(world) if each["state"] == "FAILED"]
        assert attempts[:2] == [1, 1]
        # The last one has not waited for a day yet.
        receiver.answer = lambda _request: Answer()
        wait_until(lambda: deliveries(world)[0]["state"] == "DELIVERED")
    finally:
        world.service.clock_offset = 0


def test_an_idle_database_is_not_written(
    service: Service, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever holds the lease keeps it only while there is something to send."""
    monkeypatch.setattr(dispatcher, "_RENEWED_AFTER", 0.1)
    world = World(service)
    create(world, receiver.url, types=["DOCUMENT_CHANGED"])
    patch(world.member, world, metadata={"n": 1})
    wait_until(lambda: bool(deliveries(world)) and deliveries(world)[0]["state"] == "DELIVERED")
    time.sleep(1)
    with service.statements() as statements:
        time.sleep(2)
    assert {each.split()[0] for each in statements} == {"SELECT"}
    patch(world.member, world, metadata={"n": 2})
    wait_until(lambda: len(receiver.accepted) == 2)
