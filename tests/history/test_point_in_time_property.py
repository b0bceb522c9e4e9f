"""Random changes of a document: each past instant reads as it did then, and each revision can be restored."""

import random
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import update

from gql_service import instants
from gql_service.domain.maintenance import expiry
from gql_service.store import tables
from tests.history.test_as_of_and_restore import restore
from tests.history.test_changes import by_admin, entry, patch
from tests.support.clock import HOUR, instant
from tests.support.entries import set_entries
from tests.support.history import as_of, changes, values
from tests.support.users import run_sql
from tests.support.world import World

READ = """query ($key: String!, $name: String) { platformMetadata(platformKey: $key, username: $name) {
  revision metadata } }"""
KEYS = ("a", "b", "c")


class Life:
    """A document that changes at random, and what its viewers saw at each instant."""

    def __init__(self, world: World, seed: int) -> None:
        self.world = world
        self._choose = random.Random(seed)
        self.seen_by_admin: list[tuple[str, Any]] = []
        """Instants, and the object that an admin saw then."""
        self.seen_by_user: list[tuple[str, Any]] = []
        """The same for the user."""
        self.revisions: dict[int, Any] = {}
        """What the document was right after each revision."""

    def change(self) -> None:
        choose, world = self._choose, self.world
        world.service.clock_offset += choose.choice((10, 10, 30 * 60_000))
        self.look()  # entries may have become valid in the meantime
        key, value = choose.choice(KEYS), choose.choice((0, len(self.seen_by_admin)))
        name = world.member.username
        match choose.randrange(8):
            case 0 | 1:
                world.admin.rest("PATCH", world.platform_key, {"metadata": {key: value}}, username=name)
            case 2:
                world.admin.rest("PATCH", world.platform_key, {"delete_keys": [key]}, username=name)
            case 3:
                world.admin.rest("PUT", world.platform_key, {"metadata": {key: value}}, username=name)
            case 4 | 5:
                window: dict[str, Any] = {
                    "validUntil": instant(world.service, choose.choice((1, 40)) * 60_000)
                }
                if choose.random() < 0.3:
                    window = {"validFrom": instant(world.service, HOUR // 3), "validUntil": None}
                by_admin(world, entry(key, f"v{value}", valueType="string", **window))
            case 6:
                set_entries(world.admin, world, {"metadataKey": key, "isPublic": False}, username=name)
            case 7:
                services = world.service.services
                world.service.run(lambda: expiry.sweep(services.database, services.clock))
        self.look()

    def look(self) -> None:
        world = self.world
        found = world.admin.ask(READ, key=world.platform_key, name=world.member.username)["platformMetadata"]
        metadata_of_user = world.member.ask(READ, key=world.platform_key, name=None)["platformMetadata"][
            "metadata"
        ]
        world.service.clock_offset += 500  # longer than the reads take
        self.seen_by_user.append((instant(world.service, -1), metadata_of_user))
        self.seen_by_admin.append((instant(world.service, -1), found["metadata"]))
        self.revisions.setdefault(found["revision"], found["metadata"])


@pytest.fixture
def clock(world: World) -> Iterator[None]:
    offset = world.service.clock_offset
    yield
    world.service.clock_offset = offset


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize("seed", range(4))
def test_a_user_reads_no_value_that_they_never_saw(world: World, seed: int) -> None:
    life = Life(world, 100 + seed)
    for _ in range(14):
        life.change()
    seen = {(key, value) for _, metadata in life.seen_by_user for key, value in metadata.items()}
    for change in changes(world, world.member):
        for key, sides in values(change).items():
            assert {(key, side) for side in sides} - {(key, "-")} <= seen
        assert {*change["changedKeys"], *change["deletedKeys"]} == values(change).keys()
    inactive = """query ($key: String!, $name: String) {
      platformMetadata(platformKey: $key, username: $name) {
      entries(first: 9, includeInactive: true) { nodes { metadataKey validUntil } } } }"""
    data = world.admin.ask(inactive, key=world.platform_key, name=world.member.username)
    now = instant(world.service)
    current_keys = {
        node["metadataKey"]
        for node in data["platformMetadata"]["entries"]["nodes"]
        if node["validUntil"] is None or instants.parse(node["validUntil"]) > instants.parse(now)
    }
    hidden = current_keys - life.seen_by_user[-1][1].keys()
    for at, metadata in life.seen_by_user:
        visible = {key: value for key, value in metadata.items() if key not in hidden}
        assert as_of(world, world.member, at) == visible


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize("seed", range(4))
def test_every_instant_reads_as_it_did_and_every_revision_can_be_restored(world: World, seed: int) -> None:
    life = Life(world, seed)
    for _ in range(14):
        life.change()
    for at, metadata in life.seen_by_admin:
        assert as_of(world, world.admin, at, world.member) == metadata
    kept = {each["revision"] for each in changes(world, world.admin, world.member)}
    assert kept >= life.revisions.keys() - {0}
    for revision in kept & life.revisions.keys():
        payload = restore(world, revision)
        assert (payload["userErrors"], payload["skippedKeys"]) == ([], [])
        restored, original = payload["platformMetadata"]["metadata"], life.revisions[revision]
        # Entries that have expired since are missing; entries that have become valid since are present.
        common_keys = restored.keys() & original.keys()
        assert {key: original[key] for key in common_keys} == {key: restored[key] for key in common_keys}
        assert as_of(world, world.admin, life.seen_by_admin[-1][0], world.member) == life.seen_by_admin[-1][1]


def test_a_restoration_obeys_the_rules_of_its_platform(world: World) -> None:
    patch(world, a=1)
    patch(world, a=2)
    strict = update(tables.platforms).where(tables.platforms.c.key == world.platform_key).values(strict=True)
    run_sql(world, strict)
    payload = restore(world, 1)
    assert [each["code"] for each in payload["userErrors"]] == ["KEY_NOT_DEFINED"]
    assert world.member.rest("GET", world.platform_key).json()["metadata"] == {"a": 2}
