"""The stream of a user's effective values: what is told, and what is not."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.access.test_scopes import limited
from tests.support.cli_processes import serving_process
from tests.support.flags import define_flag, evaluations, instant_text, try_to_define, variant
from tests.support.live import EFFECTIVE_CHANGED, Socket, stream, subscriber
from tests.support.patches import patch
from tests.support.service import serving
from tests.support.users import write
from tests.support.world import Caller, World

REMOVE = """mutation ($i: RemoveMetadataDefinitionInput!) { removeMetadataDefinition(input: $i) {
  userErrors { code } } }"""


class Following:
    """A subscriber, and the values that they know: each change is applied to these."""

    def __init__(self, opened: Socket) -> None:
        self._opened = opened
        self.values: dict[str, Any] = {}
        self.reasons: dict[str, str] = {}
        self.version = ""

    def next(self) -> list[str]:
        """The keys of the next change, or `resync`."""
        change = self._opened.next()["effectiveChanged"]
        found = {each["key"]: each["value"] for each in change["evaluations"]}
        keys = list(found) if change["resync"] else change["changedKeys"]
        self.values = {} if change["resync"] else self.values
        for key in keys:
            self.values.pop(key, None)
            if found.get(key) is not None:
                self.values[key] = found[key]
        self.reasons |= {each["key"]: each["reason"] for each in change["evaluations"]}
        self.version = change["version"]
        return ["resync"] if change["resync"] else keys


@contextmanager
def following(
    world: World, user: Caller, url: str | None = None, since: str | None = None
) -> Iterator[Following]:
    with subscriber(url or world.service.url, user.token) as opened:
        opened.subscribe(EFFECTIVE_CHANGED, key=world.platform_key, since=since)
        yield Following(opened)


def set_entry(world: World, user: Caller, key: str, value: str, **attributes: Any) -> None:
    entry = {"metadataKey": key, "metadataValue": value, "valueType": "string"} | attributes
    target = {"platformKey": world.platform_key, "username": user.username}
    write(world.admin, "setUserMetadata", target | {"entries": [entry]})


def settled(world: World, user: Caller, follower: Following, mark: str) -> None:
    """Make a change that is told, and see that nothing was told before."""
    patch(user, world, metadata={"mark": mark})
    assert follower.next() == ["mark"]


def test_each_kind_of_change(world: World) -> None:
    user = world.new_user()
    define_flag(world, "dark", default=False, userWideFallback=True)
    define_flag(world, "beta", "string", default="off", variants=[], clientVisible=True)
    with following(world, user) as follower:
        assert follower.next() == ["resync"]
        assert follower.values == {"dark": False, "beta": "off"}
        patch(user, world, metadata={"theme": "x"})
        assert follower.next() == ["theme"], "an entry without a definition"
        patch(user, world, platformKey=None, metadata={"dark": True})
        assert follower.next() == ["dark"], "the user-wide document"
        define_flag(world, "beta", "string", default="on")
        assert follower.next() == ["beta"], "a definition"
        assert follower.values == {"theme": "x", "dark": True, "beta": "on"}
        define_flag(world, "dark", default=False, enabled=False)
        assert follower.next() == ["dark"], "a kill switch"
        world.admin.ask(REMOVE, i={"platformKey": world.platform_key, "key": "beta"})
        assert follower.next() == ["beta"], "a definition that is removed"
        patch(user, world, metadata={"theme": "y", "other": 1}, deleteKeys=[])
        assert follower.next() == ["other", "theme"]
        write(user, "clearPlatformMetadata", {"platformKey": world.platform_key})
        assert follower.next() == ["other", "theme"]
        assert follower.values == {key: value for key, (value, *_) in evaluations(user, world).items()}


def test_the_same_value_for_another_reason(world: World) -> None:
    user = world.new_user()
    off: dict[str, Any] = {"default": False, "userWideFallback": True}
    define_flag(world, "dark", **off)
    define_flag(world, "empty", "number")

    def next_one(follower: Following) -> tuple[list[str], Any, str]:
        keys = follower.next()
        (key,) = keys
        return keys, follower.values.get(key), follower.reasons[key]

    with following(world, user) as follower:
        follower.next()
        define_flag(world, "dark", **off, enabled=False)
        assert next_one(follower) == (["dark"], False, "DISABLED"), "a kill switch that changes no value"
        define_flag(world, "dark", **off)
        assert next_one(follower) == (["dark"], False, "DEFAULT")
        define_flag(world, "empty", "number", enabled=False)
        assert next_one(follower) == (["empty"], None, "DISABLED"), "a key without a value"
        for name in ("one", "two"):
            define_flag(world, "dark", **off, variants=[variant(name, False, 100_000)])
            assert next_one(follower) == (["dark"], False, "SPLIT")
        patch(user, world, platformKey=None, metadata={"dark": False})
        assert next_one(follower) == (["dark"], False, "TARGETING_MATCH")
        patch(user, world, metadata={"dark": False})
        assert next_one(follower) == (["dark"], False, "TARGETING_MATCH"), "no longer that of the account"
        version = follower.version
    define_flag(world, "dark", **off, enabled=False)
    with following(world, user, since=version) as follower:
        assert follower.next() == ["resync"], "who was away learns of it, too"


def test_what_changes_no_value_and_no_reason_is_not_told(world: World) -> None:
    user, other = world.new_user(), world.new_user()
    define_flag(world, "dark", default=False)
    with following(world, user) as follower:
        follower.next()
        define_flag(world, "dark", default=False, title="Dark mode")
        patch(other, world, metadata={"dark": True})
        settled(world, user, follower, "a")


def test_what_the_viewer_may_not_see_is_not_told(world: World) -> None:
    user = world.new_user()
    define_flag(world, "secret-flag", "string", default="a", clientVisible=False)
    assert try_to_define(world, "internal", "string", default="a", isPublic=False)["userErrors"] == []
    define_flag(world, "shown", "string", default="a")
    with following(world, user) as follower, following(world, world.admin) as admin:
        follower.next()
        assert follower.values == {"shown": "a"}
        admin.next()
        assert set(admin.values) >= {"secret-flag", "internal", "shown"}
        define_flag(world, "secret-flag", "string", default="b", clientVisible=False)
        assert admin.next() == ["secret-flag"]
        assert try_to_define(world, "internal", "string", default="b", isPublic=False)["userErrors"] == []
        assert admin.next() == ["internal"]
        set_entry(world, user, "secret-flag", "c", isPublic=False)
        set_entry(world, user, "hidden", "c", isPublic=False)
        set_entry(world, user, "shown", "c", isPublic=False)
        assert follower.next() == ["shown"], "a flag is told even if its entry is hidden"
        assert follower.values == {"shown": "c"}
        settled(world, user, follower, "a")


def test_windows_begin_and_end_without_a_write(world: World) -> None:
    user = world.new_user()
    define_flag(world, "beta", "string", default="off", userWideFallback=True)
    now = world.service.services.clock()
    with following(world, user) as follower:
        follower.next()
        window = {"validFrom": instant_text(now + 1500), "validUntil": instant_text(now + 2500)}
        set_entry(world, user, "beta", "on", **window)
        assert (follower.next(), follower.values) == (["beta"], {"beta": "on"})
        assert world.service.services.clock() >= now + 1500
        assert (follower.next(), follower.values) == (["beta"], {"beta": "off"})
        assert world.service.services.clock() >= now + 2500
        soon = instant_text(world.service.services.clock() + 1000)
        entry = {"metadataKey": "beta", "metadataValue": "wide", "valueType": "string", "validFrom": soon}
        write(user, "setUserMetadata", {"entries": [entry]})
        assert (follower.next(), follower.values) == (["beta"], {"beta": "wide"})


def test_who_comes_back_is_told_what_has_changed(world: World) -> None:
    user = world.new_user()
    define_flag(world, "dark", default=False)
    with following(world, user) as follower:
        follower.next()
        version = follower.version
    with following(world, user, since=version) as follower:
        time.sleep(0.1)
        settled(world, user, follower, "a")
    with following(world, user, since=version) as follower:
        assert follower.next() == ["resync"]
        assert follower.values == {"dark": False, "mark": "a"}
    client = world.service.client
    with stream(client, user.token, EFFECTIVE_CHANGED, key=world.platform_key, since="x") as events:
        assert events.next()["effectiveChanged"]["version"] == follower.version


def test_a_kill_switch_reaches_the_subscribers_of_all_processes(
    fresh_database_url: str, tmp_path: Path
) -> None:
    with (
        serving(fresh_database_url) as service,
        serving_process(tmp_path, fresh_database_url, "--workers", "2") as server,
    ):
        world = World(service)
        define_flag(world, "checkout", "string", default="old", variants=[])
        users = [world.new_user() for _ in range(8)]
        for user in users:
            patch(user, world, metadata={"checkout": "new"})
        opened = [following(world, user, server.url) for user in users]
        followers = [each.__enter__() for each in opened]
        try:
            for follower in followers:
                follower.next()
                assert follower.values == {"checkout": "new"}
            define_flag(world, "checkout", "string", default="old", enabled=False)
            for follower in followers:
                assert (follower.next(), follower.values) == (["checkout"], {"checkout": "old"})
        finally:
            for each in opened:
                each.__exit__(None, None, None)


@pytest.mark.parametrize(
    ("who", "code"), [("stranger", "NOT_FOUND"), ("foreign_admin", "NOT_FOUND"), ("limited", "FORBIDDEN")]
)
def test_who_may_not(world: World, who: str, code: str) -> None:
    caller = limited(world.member, {"READ", "EVALUATE"}) if who == "limited" else getattr(world, who)
    with subscriber(world.service.url, caller.token) as opened:
        opened.subscribe(EFFECTIVE_CHANGED, key=world.platform_key)
        assert opened.errors() == [code]
