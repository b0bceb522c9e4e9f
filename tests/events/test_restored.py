"""Followers of events after a backup was restored: who knows events that are lost is told so."""

from pathlib import Path

from tests.operations.test_backup import run_printed
from tests.support.cli_processes import run_command
from tests.support.events import FEED, Follower, following
from tests.support.live import NOTIFICATION_RECEIVED, PLATFORM_EVENTS, START, subscriber
from tests.support.patches import patch
from tests.support.service import serving
from tests.support.users import notify
from tests.support.world import World


def outcome(world: World, after: str | None) -> str:
    """The error of the feed and of its subscription, which must agree."""
    body = world.admin.graphql(FEED, key=world.platform_key, after=after)
    codes = [error["extensions"]["code"] for error in body.get("errors", [])]
    if codes:
        with subscriber(world.service.url, world.admin.token) as opened:
            opened.subscribe(PLATFORM_EVENTS, key=world.platform_key, after=after)
            assert opened.errors() == codes
    return codes[0] if codes else "OK"


def test_followers_of_lost_events_are_told(fresh_database_url: str, tmp_path: Path) -> None:
    is_postgres = fresh_database_url.startswith("postgresql")
    run = run_printed if is_postgres else run_command
    backup = str(tmp_path / "backup")
    with serving(fresh_database_url) as service:
        world = World(service)
        early = following(world)
        patch(world.member, world, metadata={"a": 1})
        early.wait_for(1)
        run(fresh_database_url, "backup", backup)
        late = Follower(world.admin, world.platform_key)
        late.new()
        for number in range(5):
            patch(world.member, world, metadata={"a": 2 + number})
        late.wait_for(5)
        with subscriber(service.url, world.member.token) as opened:
            opened.subscribe(NOTIFICATION_RECEIVED, after=START)
            notify(world, world.member, "lost")
            lost = opened.next()["notificationReceived"]["cursor"]
    run(fresh_database_url, "restore", backup, "--force", "--yes")
    with serving(fresh_database_url) as service:
        world = world.on(service)
        assert outcome(world, early.after) == "OK"
        assert outcome(world, late.after) == "EVENTS_DELETED"
        follower = Follower(world.admin, world.platform_key)
        follower.after = early.after
        for number in range(10):  # more than were lost
            patch(world.member, world, metadata={"b": number})
        assert [each["changedKeys"] for each in follower.wait_for(10)] == [["b"]] * 10
        assert outcome(world, late.after) == "EVENTS_DELETED"
        assert outcome(world, follower.after) == "OK"
        with subscriber(service.url, world.member.token) as opened:
            opened.subscribe(NOTIFICATION_RECEIVED, after=lost)
            assert opened.errors() == ["EVENTS_DELETED"]


def test_a_position_that_was_never_given(world: World) -> None:
    """As after a restore that no command of the service has made: files that were copied, for example."""
    far = "OTk5OTk5OTk5"
    assert outcome(world, far) == "EVENTS_DELETED"
    with subscriber(world.service.url, world.member.token) as opened:
        opened.subscribe(NOTIFICATION_RECEIVED, after=far)
        assert opened.errors() == ["EVENTS_DELETED"]
