"""Wrong tokens: after some of them, an address gets 429. Right tokens are always accepted."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from gql_service.auth import tokens
from gql_service.observability.windows import Windows
from tests.support.security_lines import serving_with_log
from tests.support.service import Service
from tests.support.world import REST, World

MAXIMUM = 3
MINUTE = 60_000
QUERY = "{ me { username } }"


def shortcut(world: World, headers: dict[str, str]) -> httpx.Response:
    return world.service.client.post("/graphql", json={"query": QUERY}, headers=headers)


def asgi(world: World, headers: dict[str, str]) -> httpx.Response:
    return world.service.client.post("/graphql/", json={"query": QUERY}, headers=headers)


def get(world: World, headers: dict[str, str]) -> httpx.Response:
    return world.service.client.get("/graphql", params={"query": QUERY}, headers=headers)


def rest(world: World, headers: dict[str, str]) -> httpx.Response:
    return world.service.client.get(REST, params={"platform_key": world.platform_key}, headers=headers)


Endpoint = Callable[[World, dict[str, str]], httpx.Response]
ENDPOINTS: list[Endpoint] = [shortcut, asgi, get, rest]


@pytest.fixture(scope="module")
def server(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder, proxies = tmp_path_factory.mktemp("throttle"), "127.0.0.1"
    with serving_with_log(
        database_url, folder, max_failed_authentications=MAXIMUM, trusted_proxies=proxies
    ) as (running, _):
        yield running


@pytest.fixture
def world(server: Service) -> World:
    """A new minute: nothing is counted yet."""
    server.clock_offset += 2 * MINUTE
    return World(server)


def wrong(token: str = "wrong", **more: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}", **more}


def send_wrong(world: World, times: int = MAXIMUM, endpoint: Endpoint = shortcut) -> None:
    for _ in range(times):
        assert endpoint(world, wrong()).status_code == 401


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_the_next_wrong_token_gets_429(world: World, endpoint: Endpoint) -> None:
    send_wrong(world, endpoint=endpoint)
    for token in ("wrong", str(tokens.generate())):
        response = endpoint(world, wrong(token))
        assert response.status_code == 429
        assert 1 <= int(response.headers["Retry-After"]) <= 60
        assert "WWW-Authenticate" not in response.headers
        body = response.json()
        if endpoint is rest:
            assert set(body) == {"error"}
        else:
            assert body["errors"][0]["extensions"] == {"code": "TOO_MANY_REQUESTS"}
            assert "data" not in body


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_a_right_token_is_always_accepted(world: World, endpoint: Endpoint) -> None:
    send_wrong(world)
    assert endpoint(world, wrong()).status_code == 429
    assert endpoint(world, wrong(world.member.token)).status_code == 200
    assert endpoint(world, wrong()).status_code == 429


def test_all_endpoints_count_together(world: World) -> None:
    for endpoint in ENDPOINTS[:MAXIMUM]:
        assert endpoint(world, wrong()).status_code == 401
    for endpoint in ENDPOINTS:
        assert endpoint(world, wrong()).status_code == 429


def test_what_is_no_wrong_token_does_not_count(world: World) -> None:
    for headers in ({}, {"Authorization": "Basic dXNlcjpwYXNzd29yZA=="}, wrong(world.member.token)):
        for _ in range(MAXIMUM + 1):
            for endpoint in ENDPOINTS:
                assert endpoint(world, headers).status_code in (200, 401)
    send_wrong(world)


def test_revoked_and_expired_tokens_count(world: World) -> None:
    revoke = "mutation ($id: ID!) { revokeToken(input: {id: $id}) { userErrors { code } } }"
    token = tokens.parse(world.member.token)
    assert token is not None
    world.admin.ask(revoke, id=token.id)
    for _ in range(MAXIMUM):
        assert shortcut(world, wrong(world.member.token)).status_code == 401
    assert shortcut(world, wrong(world.member.token)).status_code == 429


def test_after_a_minute_the_count_begins_again(world: World) -> None:
    send_wrong(world)
    world.service.clock_offset += MINUTE - 5_000
    response = shortcut(world, wrong())
    assert response.status_code == 429
    assert int(response.headers["Retry-After"]) <= 5
    world.service.clock_offset += 5_000
    send_wrong(world)
    assert shortcut(world, wrong()).status_code == 429


@pytest.mark.parametrize(
    ("first", "second", "is_same"),
    [
        ("192.0.2.1", "192.0.2.2", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("2001:db8:0:1::1", "2001:db8:0:1:ffff::9", True),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
    ],
)
def test_each_address_counts_alone_and_ipv6_by_its_network(
    world: World, first: str, second: str, is_same: bool
) -> None:
    for _ in range(MAXIMUM):
        assert shortcut(world, wrong(**{"X-Forwarded-For": first})).status_code == 401
    assert shortcut(world, wrong(**{"X-Forwarded-For": first})).status_code == 429
    other = shortcut(world, wrong(**{"X-Forwarded-For": second}))
    assert other.status_code == (429 if is_same else 401)


def test_zero_means_no_maximum_and_few_lines(database_url: str, tmp_path: Path) -> None:
    with serving_with_log(database_url, tmp_path, max_failed_authentications=0) as (service, lines):
        service.stopped_at = service.clock()
        world = World(service)
        lines.new()
        for _ in range(100):
            assert shortcut(world, wrong()).status_code == 401
        assert [line["number"] for line in lines.new()] == [None] * 60 + [61, 70]


def test_many_wrong_tokens_get_few_lines(database_url: str, tmp_path: Path) -> None:
    """1,500 wrong tokens are 20 lines, and then one for the 1st, 10th, 100th and 1,000th beyond them."""
    with serving_with_log(database_url, tmp_path, max_failed_authentications=20) as (service, lines):
        service.stopped_at = service.clock()
        world = World(service)
        lines.new()
        statuses = [shortcut(world, wrong()).status_code for _ in range(1500)]
        assert statuses == [401] * 20 + [429] * 1480
        found = [(line["event"], line["number"]) for line in lines.new()]
    throttled = [("authentication.throttled", number) for number in (21, 30, 120, 1020)]
    assert found == [("authentication.failed", None)] * 20 + throttled


class Clock:
    """Milliseconds that pass when the test says so."""

    now = 0

    def __call__(self) -> int:
        return self.now


def test_only_the_latest_ten_thousand_keys_are_counted() -> None:
    windows = Windows(1, Clock())
    for key in range(10_000):
        assert windows.hit(str(key)).number == 1
    assert windows.hit("0").number == 2
    assert windows.hit("another").number == 1
    assert windows.hit("1").number == 2
    assert windows.hit("0").number == 1, "it was the oldest one"


def test_windows_that_have_ended_are_dropped() -> None:
    clock = Clock()
    windows = Windows(1, clock)
    windows.hit("early")
    clock.now = 30_000
    windows.hit("late")
    clock.now = 60_000
    assert windows.hit("late").number == 2
    assert windows.hit("early").number == 1
    assert windows.hit("early").seconds_left == 60


def test_a_clock_that_is_set_back_does_not_prolong_a_window() -> None:
    clock = Clock()
    windows = Windows(1, clock)
    clock.now = 3_600_000
    assert windows.hit("key").number == 1
    clock.now = 0
    assert windows.hit("key") == (1, 1, 60)


def test_counting_starts_no_thread() -> None:
    before = threading.active_count()
    windows = Windows(1, Clock())
    for key in range(100):
        windows.hit(str(key))
    assert threading.active_count() == before
