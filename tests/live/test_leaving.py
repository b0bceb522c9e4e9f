"""Clients that leave: the server notices it at once, not only when it pings them."""

from typing import Any

import httpx
import pytest

from tests.support.http_clients import PATIENCE
from tests.support.live import METADATA_CHANGED, stream, subscriber
from tests.support.patches import patch
from tests.support.service import serving, wait_until
from tests.support.world import World


@pytest.mark.parametrize("transport", ["WebSocket", "server-sent events"])
def test_who_has_left_makes_room(fresh_database_url: str, transport: str) -> None:
    settings = {"max_user_subscriptions": 1, "subscription_ping_interval": 10 * PATIENCE}
    with serving(fresh_database_url, **settings) as service:
        world = World(service)
        patch(world.member, world, metadata={"a": 1})
        subscription: dict[str, Any] = {"key": world.platform_key, "since": 0}
        if transport == "WebSocket":
            with subscriber(service.url, world.member.token) as leaving:
                leaving.subscribe(METADATA_CHANGED, **subscription)
                leaving.next()
        else:
            with (
                httpx.Client(base_url=service.url, timeout=PATIENCE) as client,
                stream(client, world.member.token, METADATA_CHANGED, **subscription) as events,
            ):
                assert events.event()[0] == "next"
        with subscriber(service.url, world.member.token) as opened:

            def has_room() -> bool:
                opened.subscribe(METADATA_CHANGED, **subscription)
                return bool(opened.receive()["type"] == "next")

            wait_until(has_room)
