"""`gql-service rotate-keys` encrypts everything with the active key, while a server runs."""

import base64
import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from tempfile import TemporaryFile
from typing import Any

import pytest
from sqlalchemy import Text, cast, func, select

from gql_service.store import tables
from tests.search.test_operators import found
from tests.support import zygote
from tests.support.cli_processes import command, environment
from tests.support.entries import set_entries
from tests.support.service import Service, serving
from tests.support.stored import alter, conditions, fetch
from tests.support.world import Caller, World

OLD, NEW = (base64.b64encode(bytes([number]) * 32).decode() for number in (1, 2))
BOTH = {"old": OLD, "new": NEW}


def ring(keys: dict[str, str], active: str) -> dict[str, str]:
    return {"encryption_keys": json.dumps(keys), "encryption_key": active}


def rotate(url: str, keys: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return command(url, "rotate-keys", **ring(keys or BOTH, "new"))


@contextmanager
def server(url: str, keys: dict[str, str], active: str) -> Iterator[Service]:
    with serving(url, encryption_keys=keys, encryption_key=active) as service:
        yield service


def use_server(world: World, service: Service) -> World:
    """Let the users of a world call another server on the same database."""
    world.service = service
    for caller in vars(world).values():
        if isinstance(caller, Caller):
            caller.service = service
    return world


def set_encrypted(world: World, user: Caller, key: str, value: str, **attributes: Any) -> None:
    """Set an encrypted entry of a user, as an admin."""
    entry = {
        "metadataKey": key,
        "metadataValue": value,
        "isEncrypted": True,
        "isIndexed": True,
        "isPublic": True,
    }
    payload = set_entries(world.admin, world, entry | attributes, username=user.username)
    assert payload["userErrors"] == []


def read(world: World, user: Caller) -> Any:
    """Everything that a user can read of their document."""
    query = """query ($key: String!) { platformMetadata(platformKey: $key) { metadata revision updatedAt
      entries(first: 100) { nodes { metadataKey value digest updatedAt } } } }"""
    return user.ask(query, key=world.platform_key)["platformMetadata"]


def count_of(world: World, key: str) -> int:
    """How many documents have values that are encrypted with a key."""
    stored = cast(tables.documents.c.conditions, Text)
    return int(fetch(world, select(func.count()).where(stored.contains(f'"{key}:')))[0][0])


def number_of_changes(world: World) -> int:
    """How many changes the history of all documents has."""
    return int(fetch(world, select(func.count()).select_from(tables.document_changes))[0][0])


def test_after_the_rotation_the_old_key_can_be_removed(fresh_database_url: str) -> None:
    url = fresh_database_url
    with server(url, {"old": OLD}, "old") as service:
        world = World(service)
        set_encrypted(world, world.member, "a", "first")
        set_encrypted(world, world.member, "b", "second", isIndexed=False)
        set_encrypted(world, world.colleague, "a", "first")
        set_entries(
            world.admin, world, {"metadataKey": "w", "metadataValue": "wide", "isEncrypted": True,
                                  "isPublic": True, "isEditable": True}, platformKey=None,
            username=world.member.username,
        )  # fmt: skip
        repeated = {"idempotencyKey": "once", "entries": [{"metadataKey": "c", "metadataValue": "1"}]}
        first = set_entries(world.admin, world, username=world.member.username, **repeated)
        before, changes = read(world, world.member), number_of_changes(world)
    with server(url, BOTH, "new") as service:
        use_server(world, service)
        assert found(world, {"key": "a", "equals": "first"}) == {world.member.id, world.colleague.id}
        done = rotate(url)
        assert done.returncode == 0, done.stderr
        assert "Encrypted 4 entries with the key new; " in done.stdout
        assert "renewed 2 digests" in done.stdout
        assert "No longer needed: old." in done.stdout
        assert (count_of(world, "old"), count_of(world, "new")) == (0, 3)
        assert number_of_changes(world) == changes
        done = rotate(url)
        assert "Encrypted 0 entries with the key new; " in done.stdout
    with server(url, {"new": NEW}, "new") as service:
        use_server(world, service)
        assert read(world, world.member) == before
        assert found(world, {"key": "a", "equals": "first"}) == {world.member.id, world.colleague.id}
        again_ = set_entries(world.admin, world, username=world.member.username, **repeated)
        assert again_["platformMetadata"] == first["platformMetadata"]


def test_concurrent_writes_are_not_lost(fresh_database_url: str) -> None:
    """Users patch their documents while the command runs, is killed, and runs again; no patch is lost."""
    url = fresh_database_url
    with server(url, {"old": OLD}, "old") as service:
        world = World(service)
        users = [world.new_user() for _ in range(150)]
        for user in users:
            set_encrypted(world, user, "secret", f"of {user.username}", isEditable=True)
            patch(world, user, {"count": 0})
    with server(url, BOTH, "new") as service:
        use_server(world, service)
        for user in users:
            user.service = service
        stop = threading.Event()
        with ThreadPoolExecutor(4) as pool:
            written = [pool.submit(keep_patching, world, users[index::4], stop) for index in range(4)]
            try:
                kill_during_rotation(url, world)
                assert count_of(world, "old") > 0
                done = rotate(url)
            finally:
                stop.set()
            counts = {name: count for each in written for name, count in each.result().items()}
        assert done.returncode == 0, done.stdout + done.stderr
        assert max(counts.values()) > 0
        for user in users:
            assert read(world, user)["metadata"] == {
                "secret": f"of {user.username}", "count": counts[user.username],
            }  # fmt: skip
        assert count_of(world, "old") == 0
    with server(url, {"new": NEW}, "new") as service:
        use_server(world, service)
        for user in (users[0], users[-1]):
            assert found(world, {"key": "secret", "equals": f"of {user.username}"}) == {user.id}


def kill_during_rotation(url: str, world: World) -> None:
    """Run the command until it has rotated some documents, and kill it."""
    with TemporaryFile() as output:
        env, sink = environment(url, **ring(BOTH, "new")), output.fileno()
        process = zygote.start(["rotate-keys"], env, sink, sink)
        try:
            while count_of(world, "new") < 20:
                if process.poll() is not None:
                    output.seek(0)
                    pytest.fail(f"the command ended before it was killed: {output.read()[-1500:]!r}")
                time.sleep(0.01)
        finally:
            process.kill()
            process.wait()


def patch(world: World, user: Caller, metadata: dict[str, Any]) -> None:
    response = user.rest("PATCH", world.platform_key, {"metadata": metadata})
    assert response.status_code == 200, response.text


def keep_patching(world: World, users: list[Caller], stop: threading.Event) -> dict[str, int]:
    """Increase the counts in the documents of these users until stopped; returns the last counts."""
    counts = dict.fromkeys((user.username for user in users), 0)
    while not stop.is_set():
        for user in users:
            patch(world, user, {"count": counts[user.username] + 1})
            counts[user.username] += 1
    return counts


def test_undecipherable_values_are_listed_and_kept(fresh_database_url: str) -> None:
    with server(fresh_database_url, {"old": OLD}, "old") as service:
        world = World(service)
        set_encrypted(world, world.member, "good", "1")
        set_encrypted(world, world.member, "bad", "2")
        set_encrypted(world, world.colleague, "lost", "3")
        corrupt(world, world.member, "bad", lambda text: text.replace("old:", "old:AA"))
        corrupt(world, world.colleague, "lost", lambda text: text.replace("old:", "removed:"))
        done = rotate(fresh_database_url)
    assert done.returncode == 1
    assert "Encrypted 1 entry with" in done.stdout
    assert "The key removed is still needed: 1 entry is encrypted with it." in done.stdout
    assert f"{world.member.username} on {world.platform_key}: 'bad' cannot be decrypted" in done.stderr
    assert f"{world.colleague.username} on {world.platform_key}: 'lost' cannot be decrypted" in done.stderr
    assert "the key 'removed', which is not configured" in done.stderr
    assert OLD not in done.stdout + done.stderr


def corrupt(world: World, user: Caller, key: str, change: Callable[[str], str]) -> None:
    """Change a ciphertext directly in the database."""
    stored = conditions(world, user)
    stored[key]["ciphertext"] = change(stored[key]["ciphertext"])
    alter(world, user, stored)


@pytest.mark.parametrize("keys", ["", "{}"])
def test_without_an_encryption_key_the_command_fails(fresh_database_url: str, keys: str) -> None:
    settings = {"encryption_keys": keys} if keys else {}
    done = command(fresh_database_url, "rotate-keys", **settings)
    assert done.returncode == 1
    assert done.stderr == ("gql-service: No encryption key is configured: set GQL_SERVICE_ENCRYPTION_KEYS.\n")
