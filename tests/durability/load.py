"""Many clients that patch a few documents while faults are injected, and what must be stored afterwards."""

import asyncio
import itertools
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence

from tests.durability.client import Client, NoAnswer
from tests.durability.recorder import PATCH, READ

CLIENTS = 50
BETWEEN_FAULTS = (20, 60)
"""So many patches are acknowledged before the next fault."""


class Load:
    """Each patch sets two keys of its own to the same number.

    Progress is measured by acknowledged patches, so a slow machine only takes longer.
    """

    def __init__(self, ports: Sequence[int], token: str, platform_keys: Sequence[str], patches: int) -> None:
        self._patches = patches
        self.acknowledged: dict[int, str] = {}
        """The platform key of each number that was written."""
        self.unanswered = 0
        self.faults: Counter[str] = Counter()
        self._platform_keys = platform_keys
        self._clients = [Client(ports, token) for _ in range(CLIENTS)]
        self._numbers = itertools.count()

    @property
    def is_done(self) -> bool:
        return len(self.acknowledged) >= self._patches

    async def run(self, disturb: Callable[[], Awaitable[str]]) -> None:
        """Patch, while `disturb` injects one fault after the other; it returns the kind of the fault."""
        await asyncio.gather(self._keep_disturbing(disturb), *map(self._keep_writing, self._clients))

    async def check(self) -> None:
        """Every acknowledged patch is stored, and every other one completely or not at all."""
        stored: dict[str, set[int]] = {}
        for platform_key in self._platform_keys:
            data = await self._clients[0].ask_until_answered(READ, key=platform_key)
            metadata = data["platformMetadata"]["metadata"]
            stored[platform_key] = _whole_numbers(metadata)
            assert data["platformMetadata"]["revision"] == len(metadata) / 2
        lost = [number for number, key in self.acknowledged.items() if number not in stored[key]]
        assert lost == []
        for client in self._clients:
            client.close()

    def __str__(self) -> str:
        faults = ", ".join(f"{kind} {number} times" for kind, number in sorted(self.faults.items()))
        return (
            f"{len(self.acknowledged)} acknowledged patches of {CLIENTS} clients, "
            f"{self.unanswered} unanswered; {faults}; 0 lost, 0 half applied"
        )

    async def _keep_writing(self, client: Client) -> None:
        while not self.is_done:
            number, platform_key = next(self._numbers), random.choice(self._platform_keys)
            patch = {
                "platformKey": platform_key,
                "metadata": {f"left{number}": number, f"right{number}": number},
            }
            try:
                payload = (await client.ask(PATCH, input=patch))["patchPlatformMetadata"]
            except NoAnswer:
                self.unanswered += 1
                continue
            assert payload["userErrors"] == []
            assert number in _whole_numbers(payload["platformMetadata"]["metadata"])
            self.acknowledged[number] = platform_key

    async def _keep_disturbing(self, disturb: Callable[[], Awaitable[str]]) -> None:
        while True:
            enough = min(len(self.acknowledged) + random.randint(*BETWEEN_FAULTS), self._patches)
            while len(self.acknowledged) < enough:  # noqa: ASYNC110 - the clients shall not wait for it
                await asyncio.sleep(random.uniform(0, 0.02))
            if self.is_done:
                return
            self.faults[await disturb()] += 1


def _whole_numbers(metadata: dict[str, int]) -> set[int]:
    """The numbers in a document, each of which must have both of its keys."""
    numbers = set(metadata.values())
    assert metadata == {f"{side}{number}": number for number in numbers for side in ("left", "right")}
    return numbers
