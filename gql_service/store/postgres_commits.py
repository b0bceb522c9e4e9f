"""Learning of new events in PostgreSQL: by LISTEN and NOTIFY, or else by asking again and again."""

import asyncio
from collections.abc import Callable

from gql_service.observability.database_log import report_database_error
from gql_service.settings import Settings
from gql_service.store.commits import CHANNEL
from gql_service.store.postgres_pool import Connector
from gql_service.store.postgres_url import DIRECT_URL, parse_postgres_url

_POLL_INTERVAL = 0.1
_LISTENING_INTERVAL = 1.0
"""While notifications come, asking is for those that were lost with a connection."""
_RETRY_INTERVAL = 2.0


class PostgresCommits:
    """See `store.commits.CommitWatch`.

    A connection pooler passes no notifications on. Behind one, a URL is needed that goes past it.
    """

    def __init__(self, settings: Settings) -> None:
        self._connector: Connector | None = None
        url = settings.database_direct_url
        if url is not None:
            self._connector = Connector(settings, parse_postgres_url(url, DIRECT_URL), DIRECT_URL)
        elif not settings.database_pooler:
            self._connector = Connector(settings)
        self._on_news: Callable[[], None] = lambda: None
        self._listening: asyncio.Task[None] | None = None
        self._is_listening = False

    @property
    def interval(self) -> float:
        return _LISTENING_INTERVAL if self._is_listening else _POLL_INTERVAL

    def start(self, on_news: Callable[[], None]) -> None:
        self._on_news = on_news
        if self._connector is not None and self._listening is None:
            self._listening = asyncio.create_task(self._listen(self._connector))

    def has_news(self) -> bool:
        return True

    async def stop(self) -> None:
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.wait([self._listening])
            self._listening = None

    async def _listen(self, connector: Connector) -> None:
        """Listen until cancelled, on a connection of its own."""
        while True:
            connection, ended = None, asyncio.Event()
            try:
                connection = await connector.connect()
                connection.add_termination_listener(lambda *_, ended=ended: ended.set())
                await connection.add_listener(CHANNEL, lambda *_: self._on_news())
                self._is_listening = True
                self._on_news()
                await ended.wait()
            except Exception as error:
                message = "Not notified of events; asking instead."
                report_database_error(type(error).__name__, "LISTEN", message)
            finally:
                self._is_listening = False
                if connection is not None:
                    connection.terminate()
            await asyncio.sleep(_RETRY_INTERVAL)
