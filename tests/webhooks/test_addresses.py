"""Where webhooks are sent: the address is checked at each request, and is the one that is connected."""

import asyncio
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpcore
import pytest

from gql_service.services import webhook_connection
from tests.support.certificates import Authority
from tests.support.receiver import Answer, receiving
from tests.support.service import Service, serving, wait_until
from tests.support.webhooks import KEYS, SETTINGS, create, deliveries, mutate
from tests.support.world import World


@pytest.fixture
def service(fresh_database_url: str) -> Iterator[Service]:
    """A server that sends to public addresses only."""
    with serving(fresh_database_url, encryption_keys=KEYS) as running:
        yield running


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """What names resolve to; all else is as it is."""
    known: dict[str, list[str]] = {}

    async def resolve(host: str, _port: int) -> list[str]:
        await asyncio.sleep(0)
        if host not in known:
            raise OSError("unknown")
        return known[host]

    monkeypatch.setattr(webhook_connection, "resolve", resolve)
    return known


def error_of_test(world: World, url: str) -> str:
    """The error of the first attempt of a test that is sent to a URL."""
    id = create(world, url)["webhook"]["webhookId"]
    mutate(world, "testWebhook", id)
    wait_until(lambda: deliveries(world)[0]["attempts"] >= 1)
    return str(deliveries(world)[0]["error"])


@pytest.mark.parametrize("fresh_database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "0.0.0.0", "10.1.2.3", "169.254.169.254", "192.0.0.8", "::1", "::", "::ffff:127.0.0.1",
        "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b:1::1", "2002:7f00:1::", "fec0::1",
        "fd00::1", "fe80::1%lo", "ff02::1", "3fff::1", "100::1",
    ],
)  # fmt: skip
def test_a_name_that_resolves_to_a_private_address_is_not_connected(
    service: Service, names: dict[str, list[str]], address: str
) -> None:
    names["rebound.example.com"] = [address]
    with receiving() as receiver:
        world = World(service)
        url = f"https://rebound.example.com:{receiver.port}/"
        assert error_of_test(world, url) == "ADDRESS_NOT_ALLOWED"
        assert receiver.requests == []


@pytest.mark.parametrize("fresh_database_url", ["sqlite"], indirect=True)
def test_the_public_addresses_of_a_name_are_used_and_no_others(
    service: Service, names: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where IPv4 is reached by the addresses of NAT64. What is connected is told by the resolver of the
    library, which gets the address that was chosen."""
    connected = list[str]()

    async def connect(_self: Any, host: str, port: int, timeout: float) -> Any:  # noqa: ASYNC109
        connected.append(host)
        raise httpcore.ConnectError(f"{port} {timeout}")

    monkeypatch.setattr(httpcore.AnyIOBackend, "connect_tcp", connect)
    names["several.example.com"] = ["10.0.0.1", "8.8.8.8", "64:ff9b::7f00:1", "64:ff9b::808:808", "fd00::1"]
    assert error_of_test(World(service), "https://several.example.com/") == "CONNECTION_FAILED"
    assert connected[:2] == ["8.8.8.8", "64:ff9b::808:808"]


@pytest.mark.parametrize("fresh_database_url", ["sqlite"], indirect=True)
def test_an_unknown_name_is_a_failure(service: Service, names: dict[str, list[str]]) -> None:
    assert error_of_test(World(service), "https://unknown.example.com/") == "HOST_NOT_FOUND"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_host_and_certificate_are_those_of_the_name(
    database_url: str, tmp_path: Path, names: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The certificate is for 127.0.0.1: what is sent to that name arrives, to another name is not sent."""
    authority = Authority(tmp_path, "authority")
    certificate, key = authority.vouch_for("receiver")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.path))
    names |= {"127.0.0.1": ["127.0.0.1"], "other.example.com": ["127.0.0.1"]}
    with receiving(context=context) as receiver, serving(database_url, **SETTINGS) as service:
        world = World(service)
        mutate(
            world, "testWebhook", create(world, f"https://127.0.0.1:{receiver.port}/")["webhook"]["webhookId"]
        )
        wait_until(lambda: len(receiver.accepted) == 1)
        assert receiver.accepted[0].headers["host"] == f"127.0.0.1:{receiver.port}"
        other = World(service)
        assert error_of_test(other, f"https://other.example.com:{receiver.port}/") == "TLS_FAILED"
        assert len(receiver.requests) == 1


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_name_is_resolved_once_per_request(
    database_url: str, names: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second resolution could answer differently: the connection goes to the address of the first."""
    with receiving() as receiver, serving(database_url, **SETTINGS) as service:
        names["hooks.example.com"] = ["10.9.8.7", "127.0.0.1"]
        receiver.answer = lambda _request: Answer(204)
        world = World(service)
        id = create(world, f"http://hooks.example.com:{receiver.port}/")["webhook"]["webhookId"]
        mutate(world, "testWebhook", id)
        wait_until(lambda: len(receiver.accepted) == 1)
        assert receiver.accepted[0].headers["host"] == f"hooks.example.com:{receiver.port}"
