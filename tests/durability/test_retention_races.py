"""Histories are pruned while their documents are written, cleared, restored, encrypted and erased.

Each document has one client, which knows what must be stored. The sweeper of the server and two more prune
all the time, so what is random is when a history is pruned, never what must remain of it.
"""

import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Text, bindparam, cast, select

from gql_service import instants
from gql_service.auth.policy import Policy
from gql_service.domain.maintenance import user_erasure
from gql_service.store import tables
from gql_service.store.statement import Statement
from tests.durability.figures import figure
from tests.history.test_as_of_and_restore import restore
from tests.history.test_changes import CIPHER_KEYS
from tests.support.entries import set_entries
from tests.support.history import AS_OF, as_of, changes
from tests.support.retention import DAY, prune
from tests.support.service import Service, serving
from tests.support.world import World

KEPT = 4
DOCUMENTS = 3
STEPS = figure(400, 6)
SWEEPERS = 2
_PAUSE = 0.01
_CHANGES = tables.document_changes.c
_ROWS = Statement(
    select(_CHANGES.source, cast(_CHANGES.changes, Text)).where(_CHANGES.user_id == bindparam("id"))
)


class Client:
    """Writes the document of one member, and compares what is stored with a model of it."""

    def __init__(self, service: Service, seed: int) -> None:
        self.world = World(service)
        self.choose = random.Random(seed)
        self.revision = 0
        self.state: dict[str, Any] = {}
        self.states: dict[int, dict[str, Any]] = {}
        """The document at each revision since it was cleared."""
        self.refused = 0

    def live(self) -> None:
        for _ in range(STEPS):
            self.choose.choice([self.patch, self.patch, self.patch, self.window, self.restore, self.clear])()
            self.check()
            self.read_past()
        self.encrypt()
        self.erase()

    # What the client does

    def patch(self) -> None:
        number = self.choose.randrange(1_000_000)
        key, gone = self.choose.choice("abc"), self.choose.choice("abc")
        body: dict[str, Any] = {"metadata": {key: number}, "delete_keys": [gone] if gone != key else []}
        response = self.world.member.rest("PATCH", self.world.platform_key, body)
        assert response.status_code == 200, response.text
        changed = {name: value for name, value in self.state.items() if name != gone} | {key: number}
        self._changed(changed)
        assert response.json()["metadata"] == changed

    def window(self) -> None:
        """The baseline keeps entries with an end."""
        value = f"w{self.choose.randrange(1_000_000)}"
        end = instants.rfc3339(self.world.service.clock() + DAY)
        entry = {"metadataKey": "w", "metadataValue": value, "isPublic": True, "isEditable": True}
        payload = set_entries(self.world.member, self.world, entry | {"validUntil": end})
        assert payload["userErrors"] == []
        self._changed(self.state | {"w": value})

    def restore(self) -> None:
        if not self.states:
            return
        revision = self.choose.choice(list(self.states))
        payload = restore(self.world, revision)
        if payload["userErrors"]:
            assert [error["code"] for error in payload["userErrors"]] == ["UNKNOWN_REVISION"]
            assert revision not in self._surely_kept()
            self.refused += 1
        elif self.states[revision] != self.state:
            self._changed(self.states[revision])

    def clear(self) -> None:
        """Of what came before, nothing is left but that it was cleared."""
        if not self.state:
            return
        assert self.world.member.rest("DELETE", self.world.platform_key).status_code in (200, 204)
        self.states = {}
        self._changed({})

    def encrypt(self) -> None:
        for number in range(KEPT + 2):
            entry = {"metadataKey": "secret", "metadataValue": f"canary{number}", "isPublic": True}
            self._set_by_admin(entry)
        assert "canary" in str(self._rows())
        self._set_by_admin({"metadataKey": "secret", "metadataValue": "canary", "isEncrypted": True})
        for number in range(KEPT + 2):
            assert "canary" not in str(self._rows())
            self._set_by_admin({"metadataKey": "other", "metadataValue": str(number)})

    def erase(self) -> None:
        service = self.world.service
        access = Policy().user_for_operator(self.world.member.user.user_id)
        service.write(lambda tx: user_erasure.erase(tx, access, service.clock()))
        assert self._rows() == []

    # What must be stored

    def check(self) -> None:
        """Of the history, the newest changes are left: at least as many as are kept, without a gap."""
        response = self.world.member.rest("GET", self.world.platform_key)
        assert response.json()["metadata"] == self.state
        found = [change["revision"] for change in changes(self.world, self.world.member)]
        assert found == sorted(self.states, reverse=True)[: len(found)]
        assert len(found) >= min(KEPT, len(self.states))

    def read_past(self) -> None:
        """Whatever the history contains can be read as it was."""
        times = {each["revision"]: each["changedAt"] for each in changes(self.world, self.world.member)}
        kept = [revision for revision in times if revision in self._surely_kept()]
        if not kept:
            return
        at = times[self.choose.choice(kept)]
        last = max(revision for revision, time in times.items() if time == at)
        assert as_of(self.world, self.world.admin, at, self.world.member) == self.states[last]
        oldest = times[min(times)]
        before = instants.rfc3339(instants.parse_milliseconds(oldest) - 1)
        body = self.world.member.graphql(AS_OF, key=self.world.platform_key, at=before)
        self.refused += "errors" in body

    def _surely_kept(self) -> set[int]:
        return set(sorted(self.states)[-KEPT:])

    def _changed(self, state: dict[str, Any]) -> None:
        self.revision += 1
        self.state = state
        self.states[self.revision] = state
        data = self.world.member.ask(
            "query ($key: String!) { platformMetadata(platformKey: $key) { revision } }",
            key=self.world.platform_key,
        )
        assert data["platformMetadata"]["revision"] == self.revision

    def _set_by_admin(self, entry: dict[str, Any]) -> None:
        name = self.world.member.username
        assert set_entries(self.world.admin, self.world, entry, username=name)["userErrors"] == []

    def _rows(self) -> list[Any]:
        async def read() -> list[Any]:
            async with self.world.service.services.database.read() as connection:
                return [tuple(row) for row in await connection.fetch(_ROWS, id=self.world.member.id)]

        return self.world.service.run(read)


@contextmanager
def pruning(world: World) -> Iterator[list[int]]:
    """Prune again and again. Yields how many changes were pruned each time."""
    ended, pruned = threading.Event(), list[int]()

    def keep_pruning() -> None:
        while not ended.wait(_PAUSE):
            pruned.append(prune(world).changes)

    with ThreadPoolExecutor(SWEEPERS) as pool:
        sweepers = [pool.submit(keep_pruning) for _ in range(SWEEPERS)]
        try:
            yield pruned
        finally:
            ended.set()
        for each in sweepers:
            each.result()


def test_pruning_never_takes_what_must_remain(fresh_database_url: str, report: Callable[[str], None]) -> None:
    settings: dict[str, Any] = {"history_max_changes": KEPT, "sweep_interval": 0.05}
    with serving(fresh_database_url, encryption_keys=CIPHER_KEYS, **settings) as service:
        clients = [Client(service, seed) for seed in range(DOCUMENTS)]
        with pruning(clients[0].world) as pruned, ThreadPoolExecutor(DOCUMENTS) as pool:
            for each in [pool.submit(client.live) for client in clients]:
                each.result()
        writes = sum(client.revision for client in clients)
    assert sum(pruned) > 0
    refused = sum(client.refused for client in clients)
    report(f"{writes} writes, {len(pruned)} walks, {sum(pruned)} changes pruned, {refused} pasts refused")
