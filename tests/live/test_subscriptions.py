"""What subscriptions tell, and to whom."""

from tests.support.events import following
from tests.support.live import METADATA_CHANGED, PLATFORM_EVENTS, stream, subscriber
from tests.support.patches import patch
from tests.support.world import World


def test_an_admin_gets_the_events_of_a_platform(world: World) -> None:
    begin = following(world).after
    with subscriber(world.service.url, world.admin.token) as socket:
        socket.subscribe(PLATFORM_EVENTS, key=world.platform_key, after=begin)
        patch(world.member, world, metadata={"a": 1})
        event = socket.next()["platformEvents"]
        assert event["node"]["revision"] == 1
        assert event["node"]["changedKeys"] == ["a"]


def test_a_user_gets_the_changes_of_their_document(world: World) -> None:
    patch(world.member, world, metadata={"a": 1})
    with subscriber(world.service.url, world.member.token) as socket:
        socket.subscribe(METADATA_CHANGED, key=world.platform_key, since=0)
        assert socket.next() == {
            "platformMetadataChanged": {
                "revision": 1,
                "changedKeys": ["a"],
                "resync": False,
                "platformMetadata": {"revision": 1, "metadata": {"a": 1}},
            }
        }
        patch(world.member, world, metadata={"b": 1})
        assert socket.next()["platformMetadataChanged"]["changedKeys"] == ["b"]


def test_server_sent_events(world: World) -> None:
    patch(world.member, world, metadata={"a": 1})
    client = world.service.client
    with stream(client, world.member.token, METADATA_CHANGED, key=world.platform_key, since=0) as events:
        assert events.response.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert events.next()["platformMetadataChanged"]["revision"] == 1
        patch(world.member, world, metadata={"b": 1})
        assert events.next()["platformMetadataChanged"]["revision"] == 2
