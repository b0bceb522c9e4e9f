"""Creating, changing and deleting webhooks: what is refused, and what the security log tells."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook as Verifier

from tests.support.cli_processes import command
from tests.support.receiver import receiving
from tests.support.security_lines import serving_with_log
from tests.support.service import Service, serving, wait_until
from tests.support.users import verdict
from tests.support.webhooks import KEYS, SETTINGS, create, mutate, webhooks
from tests.support.world import World

URL = "https://hooks.invalid/in"


@pytest.fixture(scope="module")
def service(database_url: str) -> Iterator[Service]:
    with serving(database_url, encryption_keys=KEYS) as running:
        yield running


@pytest.fixture
def world(service: Service) -> World:
    return World(service)


@pytest.mark.parametrize(
    "url",
    [
        "", "x", "ftp://example.com/", "http://example.com/", "https://", "https:///a", "//example.com/",
        "https://user@example.com/", "https://user:pass@example.com/", "https://@example.com/",
        "https://example.com/#a", "https://example.com/a b", "https://example.com/\n", "https://exämple.com/",
        "https://example.com:0/", "https://example.com:99999/", "https://example.com:x/",
        "https://example.com\\@localhost/", "https://a..b/", f"https://example.com/{'a' * 2000}",
        "https://localhost/", "https://LOCALHOST./", "https://a.localhost/", "https://printer.local/",
        "https://127.0.0.1/", "https://127.1/", "https://2130706433/", "https://0x7f000001/",
        "https://0177.0.0.1/", "https://0/", "https://0.0.0.0/", "https://10.0.0.1/", "https://172.16.0.1/",
        "https://192.168.1.1/", "https://169.254.169.254/", "https://100.64.0.1/", "https://224.0.0.1/",
        "https://255.255.255.255/", "https://240.0.0.1/", "https://198.18.0.1/", "https://192.0.2.1/",
        "https://[::1]/", "https://[::]/", "https://[::ffff:127.0.0.1]/", "https://[::ffff:7f00:1]/",
        "https://[fe80::1]/", "https://[fe80::1%25eth0]/", "https://[fc00::1]/", "https://[fd00::1]/",
        "https://[ff02::1]/", "https://[2002:7f00:1::]/", "https://[64:ff9b::7f00:1]/",
        "https://[::127.0.0.1]/", "https://[2001:db8::1]/", "https://[2001:0:7f00:1::80ff:fffe]/",
        "https://[::1/", "https://[]/", "https://[fec0::1]/", "https://[64:ff9b::a00:1]/", "https://127.0.0.1./",
        "https://localhost./", "https://127.0.0.0x1/", "https://017700000001/", "https://0x7f.1/", "https://[v1.a]/",
        "https://\uff11\uff12\uff17.0.0.1/", "https://127\u3002" "0.0.1/",
        "https://8.8.8.8%2f@127.0.0.1/", "https://127.0.0.1%2f.example.com/", "https://a.internal/",
        "HTTPS://127.0.0.1/", "https://[::ffff:0:127.0.0.1]/", "https://192.88.99.1/", "https://3232235777./",
    ],
)  # fmt: skip
def test_forbidden_urls_are_refused(world: World, url: str) -> None:
    input = {"platformKey": world.platform_key, "url": url}
    assert verdict(world.admin, "createWebhook", input) == "URL_NOT_ALLOWED url"
    assert webhooks(world) == []


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com",
        "https://a.example.com:8443/x?y=z",
        "https://example.com./",
        "https://xn--exmple-cua.com/",
        "https://8.8.8.8/",
        "https://8.8.8.8:/@127.0.0.1/",
        "https://[64:ff9b::808:808]/",
        "https://[2606:4700::1]/",
    ],
)
def test_public_urls_are_accepted(world: World, url: str) -> None:
    id = create(world, url)["webhook"]["webhookId"]
    assert [each["url"] for each in webhooks(world)] == [url]
    mutate(world, "deleteWebhook", id)


def test_a_change_is_checked_as_well(world: World) -> None:
    id = create(world, URL)["webhook"]["webhookId"]
    input = {"platformKey": world.platform_key, "webhookId": id, "url": "https://10.0.0.1/"}
    assert verdict(world.admin, "updateWebhook", input) == "URL_NOT_ALLOWED url"
    input |= {"url": "https://example.com/", "types": []}
    assert verdict(world.admin, "updateWebhook", input) == "INVALID_VALUE types"
    changed = mutate(world, "updateWebhook", id, "webhook { types url }", types=["USER_ERASED"])
    assert changed == {"webhook": {"types": ["USER_ERASED"], "url": URL}}
    assert mutate(world, "updateWebhook", id, "webhook { types }", types=None) == {"webhook": {"types": None}}


def test_webhooks_of_other_platforms_do_not_exist(world: World) -> None:
    id = create(world, URL)["webhook"]["webhookId"]
    foreign = {"platformKey": world.other_platform_key, "webhookId": id}
    for name in ("updateWebhook", "rotateWebhookSecret", "deleteWebhook", "testWebhook"):
        assert verdict(world.foreign_admin, name, foreign) == "UNKNOWN_WEBHOOK webhookId"
    redelivery = foreign | {"deliveryId": "1"}
    assert verdict(world.foreign_admin, "redeliver", redelivery) == "UNKNOWN_WEBHOOK webhookId"


@pytest.mark.parametrize("id", ["", "0", "-1", "x", "99999999999999999999", "9223372036854775807", "\u0663"])
def test_unknown_deliveries_are_refused(world: World, id: str) -> None:
    webhook_id = create(world, URL)["webhook"]["webhookId"]
    input = {"platformKey": world.platform_key, "webhookId": webhook_id, "deliveryId": id}
    assert verdict(world.admin, "redeliver", input) == "UNKNOWN_DELIVERY deliveryId"


def test_a_platform_has_ten_webhooks(world: World) -> None:
    for _ in range(10):
        create(world, URL)
    input = {"platformKey": world.platform_key, "url": URL}
    assert verdict(world.admin, "createWebhook", input) == "TOO_MANY_WEBHOOKS "


def test_without_encryption_keys_there_are_no_webhooks(database_url: str) -> None:
    with serving(database_url) as service:
        world = World(service)
        input = {"platformKey": world.platform_key, "url": URL}
        assert verdict(world.admin, "createWebhook", input) == "ENCRYPTION_UNAVAILABLE "


def test_the_secret_is_shown_once_and_stored_encrypted(database_url: str, tmp_path: Path) -> None:
    settings: dict[str, Any] = {"encryption_keys": KEYS}
    with serving_with_log(database_url, tmp_path, **settings) as (service, lines):
        world = World(service)
        lines.new()
        payload = create(world, f"{URL}?token=canary")
        id, secret = payload["webhook"]["webhookId"], payload["secret"]
        mutate(world, "updateWebhook", id, paused=True)
        mutate(world, "updateWebhook", id, paused=True)  # changes nothing
        other = mutate(world, "rotateWebhookSecret", id, "secret")["secret"]
        read = json.dumps(webhooks(world))
        mutate(world, "deleteWebhook", id)
        target = f"{world.platform_key}:{id}"
        kinds = ("webhook.created", "webhook.changed", "webhook.secret_rotated", "webhook.deleted")
        assert lines.summaries() == [(kind, target, None) for kind in kinds]
        for hidden in (secret, other):
            assert hidden not in read
            assert hidden not in lines.path.read_text()
        assert "canary" not in lines.path.read_text()


def test_an_export_has_no_webhooks(fresh_database_url: str) -> None:
    """A copy of the data does not send to the receivers of the original."""
    with serving(fresh_database_url, encryption_keys=KEYS) as service:
        world = World(service)
        secret = create(world, f"{URL}/canary")["secret"]
    exported = command(fresh_database_url, "export", "-").stdout
    assert world.platform_key in exported
    assert "canary" not in exported
    assert secret not in exported


def test_key_rotation_covers_the_secrets(fresh_database_url: str) -> None:
    """A server that has only the new key sends with the same secret."""
    both = {"k1": base64.b64encode(bytes(32)).decode(), "k2": base64.b64encode(bytes([1] * 32)).decode()}
    with serving(fresh_database_url, encryption_keys=json.dumps({"k1": both["k1"]})) as service:
        world = World(service)
        secret = create(world, URL)["secret"]
    done = command(fresh_database_url, "rotate-keys", "--json", encryption_keys=json.dumps(both))
    assert (json.loads(done.stdout)["entries"], json.loads(done.stdout)["removableKeys"]) == (1, ["k1"])
    settings = SETTINGS | {"encryption_keys": json.dumps({"k2": both["k2"]})}
    with receiving() as receiver, serving(fresh_database_url, **settings) as service:
        again = world.on(service)
        (webhook,) = webhooks(again)
        mutate(again, "updateWebhook", webhook["webhookId"], url=receiver.url)
        mutate(again, "testWebhook", webhook["webhookId"])
        wait_until(lambda: len(receiver.accepted) == 1)
        (request,) = receiver.accepted
        Verifier(secret).verify(request.body, dict(request.headers))
