"""Reading the feed of a platform."""

from typing import Any

from tests.support.service import wait_until
from tests.support.world import Caller, World

FEED = """query ($key: String!, $first: Int, $after: String, $last: Int, $before: String) {
  platform(key: $key) { events(first: $first, after: $after, last: $last, before: $before) {
    edges { cursor node { type platformKey userId actorId revision changedKeys occurredAt } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } }"""


def page(caller: Caller, key: str, after: str | None = None, first: int = 100) -> Any:
    return caller.ask(FEED, key=key, after=after, first=first)["platform"]["events"]


class Follower:
    """Reads a feed page by page, and remembers where it is."""

    def __init__(
        self, caller: Caller, key: str, *, after: str | None = None, ignores_new_users: bool = True
    ) -> None:
        """By default, the users and tokens that the operator creates are ignored: each test has its own."""
        self._caller = caller
        self._key = key
        self._ignored = {"USER_CREATED", "TOKEN_ISSUED"} if ignores_new_users else set()
        self.after = after

    def new(self, first: int = 100) -> list[Any]:
        """The events that have come since the last call."""
        found = []
        while True:
            part = page(self._caller, self._key, self.after, first)
            nodes = [edge["node"] for edge in part["edges"]]
            found += [each for each in nodes if each["actorId"] or each["type"] not in self._ignored]
            if part["edges"]:
                self.after = part["edges"][-1]["cursor"]
            if not part["pageInfo"]["hasNextPage"]:
                return found

    def wait_for(self, count: int) -> list[Any]:
        """The next events; waits until there are so many."""
        found: list[Any] = []

        def have_come() -> bool:
            found.extend(self.new())
            return len(found) >= count

        wait_until(have_come)
        assert len(found) == count, found
        return found


def following(world: World) -> Follower:
    """A follower of the world's platform, who has read everything that has happened so far.

    Events of PostgreSQL are numbered soon after they were committed. Once the last token was seen, so was
    whatever came before it.
    """
    newest = world.new_user().user.user_id
    follower = Follower(world.admin, world.platform_key, ignores_new_users=False)
    wait_until(
        lambda: any(event["userId"] == newest and event["type"] == "TOKEN_ISSUED" for event in follower.new())
    )
    return Follower(world.admin, world.platform_key, after=follower.after)
