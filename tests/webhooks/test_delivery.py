"""Webhooks: what is sent, in which order, how often, and what becomes of failures."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from standardwebhooks import Webhook as Verifier
from standardwebhooks.webhooks import WebhookVerificationError

from tests.support.patches import patch
from tests.support.receiver import Answer, Received, Receiver, receiving
from tests.support.service import Service, serving, wait_until
from tests.support.webhooks import SETTINGS, create, deliveries, mutate, webhooks
from tests.support.world import World

HOUR = 3600 * 1000


@pytest.fixture(scope="module")
def service(database_url: str) -> Iterator[Service]:
    with serving(database_url, **SETTINGS) as running:
        yield running


@pytest.fixture
def world(service: Service) -> World:
    return World(service)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as running:
        yield running


def wait_for(receiver: Receiver, count: int) -> list[Received]:
    """The accepted requests; waits until there are so many."""
    wait_until(lambda: len(receiver.accepted) >= count)
    return receiver.accepted


def test_an_event_is_sent_as_a_signed_cloud_event(world: World, receiver: Receiver) -> None:
    secret = create(world, receiver.url)["secret"]
    patch(world.member, world, metadata={"theme": "dark"})
    (request,) = wait_for(receiver, 1)
    event = Verifier(secret).verify(request.body, dict(request.headers))
    assert re.fullmatch(r"evt_\d+_[0-9a-f]+", event.pop("id"))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", event.pop("time"))
    assert event == {
        "specversion": "1.0",
        "type": "document.changed",
        "source": f"/tenants/{world.tenant_id}/platforms/{world.platform_key}",
        "subject": world.member.id,
        "datacontenttype": "application/json",
        "data": {
            "tenantId": world.tenant_id,
            "platformKey": world.platform_key,
            "userId": world.member.id,
            "actorId": world.member.id,
            "revision": 1,
            "changedKeys": ["theme"],
        },
    }
    assert request.headers["content-type"] == "application/cloudevents+json"
    assert request.id == request.event["id"]
    assert request.headers["host"] == f"127.0.0.1:{receiver.port}"
    with pytest.raises(WebhookVerificationError):
        Verifier("whsec_AAAA").verify(request.body, dict(request.headers))


def test_the_events_of_a_document_come_in_order_whatever_fails(world: World, receiver: Receiver) -> None:
    """Each request fails at first. Retries have the same id."""
    create(world, receiver.url)
    tried = Counter[str]()

    def fail_once(request: Received) -> Answer:
        tried[request.id] += 1
        return Answer(500 if tried[request.id] == 1 else 204)

    receiver.answer = fail_once
    for number in range(3):
        patch(world.member, world, metadata={"n": number})
        patch(world.colleague, world, metadata={"n": number})
    accepted = wait_for(receiver, 6)
    for user in (world.member, world.colleague):
        data = [each.event["data"] for each in accepted if each.event["subject"] == user.id]
        assert [each["revision"] for each in data] == [1, 2, 3]
    assert set(tried.values()) == {2}


def test_a_failing_document_holds_back_only_itself(world: World, receiver: Receiver) -> None:
    create(world, receiver.url)
    receiver.answer = lambda request: Answer(500 if request.event["subject"] == world.member.id else 200)
    patch(world.member, world, metadata={"n": 1})
    patch(world.member, world, metadata={"n": 2})
    for number in range(5):
        patch(world.colleague, world, metadata={"n": number})
    assert [each.event["data"]["revision"] for each in wait_for(receiver, 5)] == [1, 2, 3, 4, 5]
    held = [each for each in receiver.requests if each.event["subject"] == world.member.id]
    assert {each.event["data"]["revision"] for each in held} == {1}
    states = Counter(each["state"] for each in deliveries(world))
    wait_until(lambda: Counter(each["state"] for each in deliveries(world))["DELIVERED"] == 5)
    assert states["PENDING"] >= 2


def test_only_the_chosen_types_are_sent(world: World, receiver: Receiver) -> None:
    create(world, receiver.url, types=["DOCUMENT_CLEARED"])
    patch(world.member, world, metadata={"n": 1})
    clear = "mutation ($i: ClearPlatformMetadataInput!) { clearPlatformMetadata(input: $i) { __typename } }"
    world.member.ask(clear, i={"platformKey": world.platform_key})
    assert [each.event["type"] for each in wait_for(receiver, 1)] == ["document.cleared"]


def test_what_came_back_is_kept(world: World, receiver: Receiver) -> None:
    create(world, receiver.url)
    receiver.answer = lambda _request: Answer(200, b"\xff\0" + b"a" * 5000)
    patch(world.member, world, metadata={"n": 1})
    wait_until(lambda: bool(deliveries(world)) and deliveries(world)[0]["state"] == "DELIVERED")
    (delivery,) = deliveries(world)
    assert (delivery["status"], delivery["attempts"], delivery["error"]) == (200, 1, None)
    assert delivery["response"].endswith("aaa")
    assert len(delivery["response"]) == 1024


def test_redirects_are_failures(world: World, receiver: Receiver) -> None:
    create(world, receiver.url)
    receiver.answer = lambda _request: Answer(307, headers={"Location": receiver.url})
    patch(world.member, world, metadata={"n": 1})
    wait_until(lambda: bool(deliveries(world)) and deliveries(world)[0]["attempts"] >= 1)
    assert deliveries(world)[0]["error"] == "REDIRECTED"


def test_a_webhook_that_is_gone_is_disabled_and_admins_learn_of_it(world: World, receiver: Receiver) -> None:
    id = create(world, receiver.url, types=["DOCUMENT_CHANGED"])["webhook"]["webhookId"]
    receiver.answer = lambda _request: Answer(410)
    patch(world.member, world, metadata={"n": 1})
    wait_until(lambda: webhooks(world)[0]["state"] == "DISABLED")
    assert webhooks(world)[0]["disabledReason"] == "GONE"
    (notification,) = notified(world)
    assert notification == (
        f"The webhook {id} of the platform {world.platform_key} was disabled: the receiver has answered that "
        "it is gone (410). Resume it to go on."
    )
    patch(world.member, world, metadata={"n": 2})
    receiver.answer = lambda _request: Answer()
    mutate(world, "updateWebhook", id, paused=False)
    assert [each.event["data"]["revision"] for each in wait_for(receiver, 2)] == [1, 2]


def notified(world: World) -> list[str]:
    data = world.admin.ask("{ me { notifications(first: 9) { nodes { body } } } }")
    return [each["body"] for each in data["me"]["notifications"]["nodes"]]


def test_after_a_day_of_failure_a_webhook_is_disabled_and_nothing_is_lost(
    world: World, receiver: Receiver
) -> None:
    id = create(world, receiver.url, types=["DOCUMENT_CHANGED"])["webhook"]["webhookId"]
    receiver.answer = lambda _request: Answer(500)
    patch(world.member, world, metadata={"n": 1})
    wait_until(lambda: webhooks(world)[0]["failingSince"] is not None)
    try:
        world.service.clock_offset = 25 * HOUR
        wait_until(lambda: webhooks(world)[0]["state"] == "DISABLED")
        assert webhooks(world)[0]["disabledReason"] == "FAILING"
        assert len(notified(world)) == 1
        receiver.answer = lambda _request: Answer()
        mutate(world, "updateWebhook", id, paused=False)
        wait_for(receiver, 1)
    finally:
        world.service.clock_offset = 0


def test_a_document_that_fails_for_a_day_is_given_up(world: World, receiver: Receiver) -> None:
    create(world, receiver.url)
    refused = world.member.id, 1

    def refuse(request: Received) -> Answer:
        of = request.event["subject"], request.event["data"]["revision"]
        return Answer(500 if of == refused else 200)

    receiver.answer = refuse
    patch(world.member, world, metadata={"n": 1})
    patch(world.member, world, metadata={"n": 2})
    wait_until(lambda: any(each["attempts"] for each in deliveries(world)))
    try:
        world.service.clock_offset = 23 * HOUR
        # Another document succeeds, so that the webhook as a whole has not failed for long.
        patch(world.colleague, world, metadata={"n": 1})
        wait_for(receiver, 1)
        world.service.clock_offset = 25 * HOUR
        wait_for(receiver, 2)
        wait_until(lambda: {each["state"] for each in deliveries(world)} == {"DELIVERED", "FAILED"})
        assert webhooks(world)[0]["state"] == "ACTIVE"
    finally:
        world.service.clock_offset = 0


def test_pausing_lets_events_wait(world: World, receiver: Receiver) -> None:
    id = create(world, receiver.url)["webhook"]["webhookId"]
    mutate(world, "updateWebhook", id, paused=True)
    for number in range(3):
        patch(world.member, world, metadata={"n": number})
    mutate(world, "testWebhook", id)
    (test,) = wait_for(receiver, 1)
    assert test.event["type"] == "webhook.test"
    assert test.id == test.event["id"]
    mutate(world, "updateWebhook", id, paused=False)
    assert [each.event["data"]["revision"] for each in wait_for(receiver, 4)[1:]] == [1, 2, 3]


def test_a_delivery_is_repeated_with_the_same_id(world: World, receiver: Receiver) -> None:
    id = create(world, receiver.url)["webhook"]["webhookId"]
    patch(world.member, world, metadata={"n": 1})
    wait_for(receiver, 1)
    mutate(world, "redeliver", id, deliveryId=deliveries(world)[0]["deliveryId"])
    first, second = wait_for(receiver, 2)
    assert first.id == second.id
    assert first.body == second.body
    assert len(deliveries(world)) == 2


def test_after_a_rotation_both_secrets_sign_for_a_day(world: World, receiver: Receiver) -> None:
    payload = create(world, receiver.url)
    old, id = payload["secret"], payload["webhook"]["webhookId"]
    new = mutate(world, "rotateWebhookSecret", id, "secret")["secret"]
    mutate(world, "testWebhook", id)
    (request,) = wait_for(receiver, 1)
    for secret in (old, new):
        Verifier(secret).verify(request.body, dict(request.headers))
    later = 25 * HOUR
    world.service.clock_offset = later
    try:
        mutate(world, "testWebhook", id)
        request = wait_for(receiver, 2)[1]
    finally:
        world.service.clock_offset = 0
    assert request.headers["webhook-signature"].count("v1,") == 1
    shifted: dict[str, Any] = dict(request.headers)
    with pytest.raises(WebhookVerificationError, match="too new"):
        Verifier(new).verify(request.body, shifted)


def test_clearing_removes_the_names_of_keys_from_what_waits(world: World, receiver: Receiver) -> None:
    create(world, receiver.url)
    receiver.answer = lambda _request: Answer(503)
    patch(world.member, world, metadata={"diagnosis": 1})
    wait_until(lambda: len(receiver.requests) >= 1)
    clear = "mutation ($i: ClearPlatformMetadataInput!) { clearPlatformMetadata(input: $i) { __typename } }"
    world.member.ask(clear, i={"platformKey": world.platform_key})
    receiver.answer = lambda _request: Answer()
    first, second = wait_for(receiver, 2)
    assert (first.event["data"]["changedKeys"], first.event["data"]["revision"]) == ([], 1)
    assert second.event["type"] == "document.cleared"


def test_erasing_deletes_the_deliveries_of_the_user(world: World, receiver: Receiver) -> None:
    create(world, receiver.url)
    receiver.answer = lambda request: Answer(200 if request.event["type"] == "user.erased" else 503)
    erased = world.new_user()
    patch(erased, world, metadata={"a": 1})
    wait_until(lambda: len(receiver.requests) >= 1)
    delete = "mutation ($i: DeleteUserInput!) { deleteUser(input: $i) { userErrors { code } } }"
    world.owner.ask(delete, i={"username": erased.username})
    (request,) = wait_for(receiver, 1)
    assert request.event["subject"] == erased.id
    assert request.event["data"]["changedKeys"] == []
    wait_until(lambda: [each["state"] for each in deliveries(world)] == ["DELIVERED"])
