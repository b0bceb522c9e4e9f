"""Learning of commits, also of those of other processes."""

from collections.abc import Callable
from typing import Protocol

from sqlalchemy import text

from gql_service.store.statement import Statement

CHANNEL = "gql_service_events"
"""On which PostgreSQL notifies of new events: see `domain.events.numbering`."""


# The version of what is visible now. While it is the same, no transaction of anybody has been committed.
SQLITE_DATA_VERSION = "PRAGMA data_version"
"""It does not change by commits of the same connection."""
POSTGRES_DATA_VERSION = Statement(
    text("SELECT CAST(pg_current_snapshot() AS text), left(pg_walfile_name(pg_current_wal_insert_lsn()), 8)")
)
"""The timeline as well: after a promotion, transactions may have the numbers of those that were lost."""


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
