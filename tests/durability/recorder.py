"""Clients act on documents at random; what they did and saw is recorded as histories for the checker."""

import asyncio
import itertools
import random
from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from tests.durability.client import Client, NoAnswer
from tests.durability.register import Action, Conflict, Delete, Operation, Read, Replayed, State, Write

PATCH = """mutation ($input: PatchPlatformMetadataInput!) { patchPlatformMetadata(input: $input) {
  replayed platformMetadata { revision metadata }
  userErrors { code ... on RevisionConflict { currentRevision } } } }"""
READ = "query ($key: String!) { platformMetadata(platformKey: $key) { revision metadata } }"


class Recorder:
    """The histories of some documents, by platform key."""

    def __init__(self) -> None:
        self.histories: defaultdict[str, list[Operation]] = defaultdict(list)
        self._clock = itertools.count()
        self._numbers = itertools.count(1)
        self._revisions: defaultdict[str, int] = defaultdict(int)
        """The revision that was seen last, by platform key."""

    async def act(self, client: Client, platform_key: str) -> None:
        """Do one thing at random, and record it."""
        retry_key = str(uuid4()) if random.random() < 0.5 else None
        match random.choices(["read", "write", "compare", "delete"], [40, 20, 30, 10])[0]:
            case "read":
                await self._record(client, platform_key, Read(), None)
            case "write":
                await self._record(client, platform_key, Write(next(self._numbers)), retry_key)
            case "compare":
                write = Write(next(self._numbers), expected=self._revisions[platform_key])
                await self._record(client, platform_key, write, retry_key)
            case _:
                await self._record(client, platform_key, Delete(), retry_key)

    async def _record(self, client: Client, platform_key: str, action: Action, retry_key: str | None) -> None:
        """With a key for retries, the action is repeated until it is answered. A replay is recorded as the
        write, of which it tells only that it was done, and a read, because it shows the current document."""
        history = self.histories[platform_key]
        called = last_called = next(self._clock)
        while True:
            try:
                replayed, outcome = await _perform(client, platform_key, action, retry_key)
                break
            except NoAnswer:
                if retry_key is None:
                    history.append(Operation(action, called, None, None))
                    return
                last_called = next(self._clock)
        returned = next(self._clock)
        if replayed:
            history.append(Operation(action, called, returned, Replayed()))
            action, called = Read(), last_called
        history.append(Operation(action, called, returned, outcome))
        self._revisions[platform_key] = outcome.revision


async def _perform(
    client: Client, platform_key: str, action: Action, retry_key: str | None
) -> tuple[bool, State | Conflict]:
    """Returns whether the write was done before, and the outcome. Raises NoAnswer."""
    if isinstance(action, Read):
        return False, _state((await client.ask(READ, key=platform_key))["platformMetadata"])
    arguments: dict[str, Any] = {"platformKey": platform_key}
    if retry_key is not None:
        arguments["idempotencyKey"] = retry_key
    if isinstance(action, Write):
        arguments["metadata"] = {"left": action.number, "right": action.number}
        if action.expected is not None:
            arguments["expectedRevision"] = action.expected
    else:
        arguments["deleteKeys"] = ["left", "right"]
    payload = (await client.ask(PATCH, input=arguments))["patchPlatformMetadata"]
    for error in payload["userErrors"]:
        assert error["code"] == "REVISION_CONFLICT", error
        return False, Conflict(error["currentRevision"])
    return payload["replayed"], _state(payload["platformMetadata"])


def _state(document: Any) -> State:
    metadata = document["metadata"]
    return State(document["revision"], metadata.get("left"), metadata.get("right"))


async def record(
    ports: Sequence[int], token: str, platform_keys: Sequence[str], *, clients: int, length: int
) -> Recorder:
    """The histories of this many operations by this many concurrent clients."""
    recorder = Recorder()
    remaining = iter(range(length))

    async def go_on() -> None:
        client = Client(ports, token)
        for _ in remaining:
            await recorder.act(client, random.choice(platform_keys))
        client.close()

    await asyncio.gather(*(go_on() for _ in range(clients)))
    return recorder
