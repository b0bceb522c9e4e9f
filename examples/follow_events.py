"""Follows what happens on a platform, and does each event once.

    TOKEN=upm_… python follow_events.py ws://127.0.0.1:8000/graphql acme-corp followed.sqlite3

It needs Python 3.11, `gql[websockets]`, and the token of a tenant admin. It goes on after its last event,
also when it is started again.
"""

import asyncio
import json
import os
import random
import sqlite3
import sys
from typing import Any

from gql import Client, gql
from gql.transport.exceptions import TransportError, TransportQueryError
from gql.transport.websockets import WebsocketsTransport
from websockets.exceptions import WebSocketException

EVENTS = gql("""subscription ($key: String!, $after: String) {
  platformEvents(platformKey: $key, after: $after) {
    cursor
    node { type userId revision changedKeys occurredAt }
  }
}""")


def handle(event: dict[str, Any]) -> None:
    """What your program does with an event."""
    sys.stdout.write(json.dumps(event) + "\n")
    sys.stdout.flush()


def open_database(path: str) -> sqlite3.Connection:
    connection = sqlite3.connect(path)
    with connection:
        connection.execute("CREATE TABLE IF NOT EXISTS followed (id INTEGER PRIMARY KEY, cursor TEXT)")
        connection.execute("INSERT OR IGNORE INTO followed VALUES (1, NULL)")  # begin with what happens now
    return connection


async def follow(url: str, token: str, key: str, database: sqlite3.Connection) -> None:
    """Follow until the connection is lost. Raises TransportError or OSError."""
    (cursor,) = database.execute("SELECT cursor FROM followed").fetchone()
    EVENTS.variable_values = {"key": key, "after": cursor}
    transport = WebsocketsTransport(url, init_payload={"Authorization": f"Token {token}"})
    async with Client(transport=transport) as session:
        async for result in session.subscribe(EVENTS):
            edge = result["platformEvents"]
            # What is written to the database is done once, even if we crash. What is printed may come twice.
            with database:
                database.execute("UPDATE followed SET cursor = ?", (edge["cursor"],))
                handle(edge["node"])


async def main() -> None:
    url, key, path = sys.argv[1:]
    database = open_database(path)
    while True:
        try:
            await follow(url, os.environ["TOKEN"], key, database)
        except TransportQueryError:  # the server refuses the operation: to ask again does not help
            raise
        except (OSError, TransportError, WebSocketException) as error:
            sys.stderr.write(f"The connection was lost: {error}\n")
        await asyncio.sleep(random.uniform(0.1, 1))  # noqa: S311


if __name__ == "__main__":
    asyncio.run(main())
