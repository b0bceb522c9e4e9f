"""Details of webhooks that are easily lost: each test stands for a fault that no other test had noticed."""

import base64
import json
import threading
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from pathlib import Path

import pytest

from gql_service.domain.events.pruning import prune
from gql_service.domain.webhooks import deliveries as rows
from tests.support.http_clients import PATIENCE
from tests.support.patches import patch
from tests.support.receiver import Answer, Received, Receiver, receiving
from tests.support.security_lines import serving_with_log
from tests.support.service import Service, serving, wait_until
from tests.support.users import verdict
from tests.support.webhooks import SETTINGS, create, deliveries, mutate, webhooks
from tests.support.world import Caller, World

HOUR = 3600 * 1000
NOTIFICATIONS = "{ me { notifications(first: 9) { nodes { title } } } }"


@pytest.fixture(scope="module")
def service(database_url: str) -> Iterator[Service]:
    with serving(database_url, **SETTINGS) as running:
        yield running


@pytest.fixture
def world(service: Service) -> Iterator[World]:
    yield World(service)
    service.clock_offset = 0


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as running:
        yield running


def test_events_from_before_are_not_sent(world: World, receiver: Receiver) -> None:
    patch(world.member, world, metadata={"n": 1})
    create(world, receiver.url)
    patch(world.member, world, metadata={"n": 2})
    wait_until(lambda: bool(receiver.accepted))
    assert [each.event["data"]["revision"] for each in receiver.accepted] == [2]


def test_events_of_the_tenant_are_sent_without_any_of_the_platform(world: World, receiver: Receiver) -> None:
    create(world, receiver.url)
    user = world.new_user()
    wait_until(lambda: bool(receiver.accepted))
    event = receiver.accepted[0].event
    assert (event["type"], event["subject"]) == ("user.created", user.id)
    assert (event["source"], event["data"]["platformKey"]) == (f"/tenants/{world.tenant_id}", None)


def test_the_whole_target_of_the_url_is_sent(world: World, receiver: Receiver) -> None:
    target = "/a;b=c/%2F/d;e=f?g=h&i=%20"
    create(world, receiver.url.replace("/hook", target), types=["DOCUMENT_CHANGED"])
    patch(world.member, world, metadata={"n": 1})
    wait_until(lambda: bool(receiver.accepted))
    assert receiver.accepted[0].path == target


def test_hidden_keys_are_named(world: World, receiver: Receiver) -> None:
    create(world, receiver.url)
    entry = {"metadataKey": "secret", "metadataValue": "1", "isPublic": False}
    target = {"platformKey": world.platform_key, "username": world.member.username}
    assert verdict(world.admin, "setUserMetadata", target | {"entries": [entry]}) == "OK"
    wait_until(lambda: bool(receiver.accepted))
    assert receiver.accepted[0].event["data"]["changedKeys"] == ["secret"]


def test_each_attempt_waits_twice_as_long(world: World, receiver: Receiver) -> None:
    receiver.answer = lambda _request: Answer(500)
    create(world, receiver.url, types=["DOCUMENT_CHANGED"])
    patch(world.member, world, metadata={"n": 1})
    for number in range(14):
        wait_until(partial(_has_attempts, world, number + 1))
        (delivery,) = deliveries(world)
        waits = _instant(delivery["nextAt"]) - _instant(delivery["attemptedAt"])
        expected = min(2**number, 3600)
        assert 0.8 * expected - 0.1 <= waits <= 1.2 * expected + 60
        world.service.clock_offset += int(waits * 1000)


def _has_attempts(world: World, count: int) -> bool:
    return [each["attempts"] for each in deliveries(world)] == [count]


def _instant(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def test_many_failures_at_once_are_one_notification_for_admins(world: World, receiver: Receiver) -> None:
    """The webhook is disabled by the first response; the others come after it."""
    is_disabled = threading.Event()

    def answer(request: Received) -> Answer:
        if request.event["subject"] == world.member.id:
            wait_until(lambda: len(receiver.requests) == 4)
        else:
            is_disabled.wait(PATIENCE)
        return Answer(410)

    receiver.answer = answer
    create(world, receiver.url, types=["DOCUMENT_CHANGED"])
    for user in (world.member, world.colleague, world.new_user(), world.new_user()):
        patch(user, world, metadata={"n": 1})
    wait_until(lambda: webhooks(world)[0]["state"] == "DISABLED")
    is_disabled.set()
    wait_until(lambda: len(receiver.requests) == sum(each["attempts"] for each in deliveries(world)))
    assert _titles(world.admin) == ["Webhook disabled"]
    assert _titles(world.member) == []
    assert _titles(world.foreign_admin) == []


def _titles(caller: Caller) -> list[str]:
    return [each["title"] for each in caller.ask(NOTIFICATIONS)["me"]["notifications"]["nodes"]]


def test_the_log_says_that_a_webhook_was_disabled(fresh_database_url: str, tmp_path: Path) -> None:
    with (
        receiving() as receiver,
        serving_with_log(fresh_database_url, tmp_path, **SETTINGS) as (service, lines),
    ):
        receiver.answer = lambda _request: Answer(410)
        world = World(service)
        id = create(world, receiver.url, types=["DOCUMENT_CHANGED"])["webhook"]["webhookId"]
        lines.new()
        patch(world.member, world, metadata={"n": 1})
        wait_until(lambda: webhooks(world)[0]["state"] == "DISABLED")
        assert lines.summaries() == [("webhook.disabled", f"{world.platform_key}:{id}", "GONE")]


def test_what_is_resumed_is_tried_for_a_day_again(world: World, receiver: Receiver) -> None:
    receiver.answer = lambda _request: Answer(500)
    id = create(world, receiver.url, types=["DOCUMENT_CHANGED"])["webhook"]["webhookId"]
    patch(world.member, world, metadata={"n": 1})
    wait_until(lambda: webhooks(world)[0]["failingSince"] is not None)
    world.service.clock_offset = 25 * HOUR
    wait_until(lambda: webhooks(world)[0]["state"] == "DISABLED")
    attempts = deliveries(world)[0]["attempts"]
    mutate(world, "updateWebhook", id, paused=False)
    wait_until(lambda: deliveries(world)[0]["attempts"] > attempts)
    assert deliveries(world)[0]["state"] == "PENDING"
    assert webhooks(world)[0]["state"] == "ACTIVE"


def test_finished_deliveries_are_deleted_after_a_week_and_waiting_ones_never(
    world: World, receiver: Receiver
) -> None:
    receiver.answer = lambda request: Answer(500 if request.event["subject"] == world.member.id else 200)
    create(world, receiver.url, types=["DOCUMENT_CHANGED"])
    patch(world.member, world, metadata={"n": 1})
    patch(world.colleague, world, metadata={"n": 1})
    wait_until(lambda: sorted(each["attempts"] > 0 for each in deliveries(world)) == [True, True])
    database, now = world.service.services.database, world.service.clock()
    world.service.run(lambda: rows.prune(database, now + 7 * 24 * HOUR - HOUR))
    assert len(deliveries(world)) == 2
    world.service.run(lambda: rows.prune(database, now + 7 * 24 * HOUR + HOUR))
    assert [each["state"] for each in deliveries(world)] == ["PENDING"]


def test_an_event_that_was_deleted_is_not_sent_again(fresh_database_url: str) -> None:
    """Events may be kept shorter than deliveries."""
    with receiving() as receiver, serving(fresh_database_url, **SETTINGS) as service:
        world = World(service)
        id = create(world, receiver.url, types=["DOCUMENT_CHANGED"])["webhook"]["webhookId"]
        patch(world.member, world, metadata={"n": 1})
        wait_until(lambda: bool(deliveries(world)) and deliveries(world)[0]["state"] == "DELIVERED")
        service.run(lambda: prune(service.services.database, service.clock() + HOUR))
        delivery_id = deliveries(world)[0]["deliveryId"]
        target = {"platformKey": world.platform_key, "webhookId": id, "deliveryId": delivery_id}
        assert verdict(world.admin, "redeliver", target) == "UNKNOWN_DELIVERY deliveryId"
        assert len(receiver.requests) == 1


def test_a_webhook_whose_secret_cannot_be_decrypted_fails_until_it_can(fresh_database_url: str) -> None:
    other = json.dumps({"k2": base64.b64encode(bytes([1] * 32)).decode()})
    with receiving() as receiver:
        with serving(fresh_database_url, **SETTINGS) as service:
            world = World(service)
            id = create(world, receiver.url)["webhook"]["webhookId"]
            mutate(world, "updateWebhook", id, paused=True)
        with serving(fresh_database_url, **SETTINGS | {"encryption_keys": other}) as service:
            again = world.on(service)
            mutate(again, "testWebhook", id)
            wait_until(lambda: deliveries(again)[0]["error"] == "SECRET_UNAVAILABLE")
            assert receiver.requests == []
        with serving(fresh_database_url, **SETTINGS) as service:
            wait_until(lambda: len(receiver.accepted) == 1)
