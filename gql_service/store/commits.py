"""Learning of commits, also of those of other processes."""

from collections.abc import Callable
from typing import Protocol

CHANNEL = "gql_service_events"
"""On which PostgreSQL notifies of new events: see `domain.events.numbering`."""


class CommitWatch(Protocol):
    """Watches for commits while somebody waits for events."""

    interval: float
    """Seconds between two calls of `has_news`."""

    def start(self, on_news: Callable[[], None]) -> None:
        """Begin to watch. `on_news` is called earlier than `has_news` if the database can tell."""
        ...

    def has_news(self) -> bool:
        """Whether there may be new events since the last call. It is quick, and does not raise."""
        ...

    async def stop(self) -> None:
        """Stop watching until the next `start`."""
        ...
