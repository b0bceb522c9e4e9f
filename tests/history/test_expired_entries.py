"""The history shows to users only values that they could see while they were stored."""

from typing import Any

from tests.support.clock import HOUR, instant
from tests.support.entries import set_entries
from tests.support.history import changes
from tests.support.world import World


def _history_of_member(world: World) -> Any:
    return changes(world, world.member)


def test_an_entry_that_had_expired_when_it_was_written_is_never_shown(world: World) -> None:
    expired = {
        "metadataKey": "offer",
        "metadataValue": "canary",
        "isPublic": True,
        "isEditable": True,
        "validUntil": instant(world.service, -HOUR),
    }
    set_entries(world.admin, world, expired, username=world.member.username)
    assert "canary" not in str(_history_of_member(world))
    assert "canary" in str(changes(world, world.admin, world.member))
    replacement = {"metadataKey": "offer", "metadataValue": "open", "isPublic": True, "isEditable": True}
    set_entries(world.admin, world, replacement, username=world.member.username)
    text = str(_history_of_member(world))
    assert "canary" not in text
    assert "open" in text


def test_an_entry_that_expired_later_is_shown(world: World) -> None:
    """The user saw the value while it was valid."""
    entry = {
        "metadataKey": "offer",
        "metadataValue": "seen",
        "isPublic": True,
        "isEditable": True,
        "validUntil": instant(world.service, HOUR),
    }
    set_entries(world.admin, world, entry, username=world.member.username)
    replacement = {"metadataKey": "offer", "metadataValue": "open", "isPublic": True, "isEditable": True}
    set_entries(world.admin, world, replacement, username=world.member.username)
    assert "seen" in str(_history_of_member(world))
