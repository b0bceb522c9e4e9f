"""A server that is told to stop ends its streams, so that clients go on with another one."""

import signal
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import InvalidStatus

from tests.support.cli_processes import serving_process
from tests.support.http_clients import PATIENCE
from tests.support.live import METADATA_CHANGED, socket, stream, subscriber
from tests.support.service import serving, wait_until
from tests.support.world import World


def test_sigterm_ends_streams(fresh_database_url: str, tmp_path: Path) -> None:
    extra = {"GQL_SERVICE_DRAIN_SECONDS": "60"}
    with (
        serving(fresh_database_url) as service,
        serving_process(tmp_path, fresh_database_url, extra=extra) as server,
    ):
        world = World(service)
        headers = {"Authorization": f"Bearer {world.member.token}", "Accept": "text/event-stream"}
        query = {"query": METADATA_CHANGED, "variables": {"key": world.platform_key}}
        with (
            subscriber(server.url, world.member.token) as idle,
            subscriber(server.url, world.member.token) as subscribed,
            httpx.stream(
                "POST", f"{server.url}/graphql", json=query, headers=headers, timeout=PATIENCE
            ) as events,
        ):
            subscribed.subscribe(METADATA_CHANGED, key=world.platform_key)
            server.process.send_signal(signal.SIGTERM)
            assert [each.closed()[0] for each in (idle, subscribed)] == [1001, 1001]
            body = events.read()
            assert b"event:" not in body, "neither a result, nor the end of the operation: clients try again"
        assert httpx.get(f"{server.url}/health/ready").status_code == 503  # the drain goes on
        server.process.kill()


def test_new_streams_are_sent_away_while_the_server_drains(fresh_database_url: str, tmp_path: Path) -> None:
    """Also if none was open when the drain began."""
    extra = {"GQL_SERVICE_DRAIN_SECONDS": "60"}
    with (
        serving(fresh_database_url) as service,
        serving_process(tmp_path, fresh_database_url, extra=extra) as server,
        httpx.Client(base_url=server.url, timeout=PATIENCE) as client,
    ):
        world = World(service)
        server.process.send_signal(signal.SIGTERM)
        wait_until(lambda: httpx.get(f"{server.url}/health/ready").status_code == 503)
        with pytest.raises(InvalidStatus) as refused, socket(server.url):
            pass
        response = refused.value.response
        assert (response.status_code, response.headers["Retry-After"]) == (503, "1")
        with stream(client, world.member.token, METADATA_CHANGED) as events:
            assert (events.response.status_code, events.response.headers["Retry-After"]) == (503, "1")
        server.process.kill()
