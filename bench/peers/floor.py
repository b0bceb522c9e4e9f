"""The lower bound: the same checks and statements in plain ASGI, chosen by the name of the operation; for
flags, by the path.

The time that a GraphQL server takes beyond this is the cost of GraphQL.
"""

import os
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import orjson

from bench.peers.floor_flags import evaluate_flags
from bench.peers.floor_operations import OPERATIONS, Refused, authenticate
from bench.peers.floor_postgres import PostgresStore
from bench.peers.floor_sqlite import SqliteStore

Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]


def create_app() -> Callable[[Scope, Receive, Send], Awaitable[None]]:
    """The ASGI application, on the database at BENCH_DATABASE_URL."""
    url = os.environ["BENCH_DATABASE_URL"]
    store = SqliteStore(url) if url.startswith("sqlite") else PostgresStore(url)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(store, receive, send)
            return
        try:
            response = await _respond(store, scope, await _body(receive))
        except Refused as error:
            response = {"errors": [{"message": str(error)}]}
        await _send(send, orjson.dumps(response))

    return app


async def _respond(store: SqliteStore | PostgresStore, scope: Scope, body: bytes) -> Mapping[str, Any]:
    request = orjson.loads(body)
    async with store.connection() as connection:
        caller = await authenticate(connection, _authorization(scope))
        parts = scope["path"].split("/")
        if parts[1] == "platforms":
            return await evaluate_flags(connection, caller, parts[2], request["context"]["targetingKey"])
        data = await OPERATIONS[request["operationName"]](connection, caller, request["variables"])
        return {"data": data}


def _authorization(scope: Scope) -> str | None:
    for name, value in scope["headers"]:
        if name == b"authorization":
            return str(value, "latin-1")
    return None


async def _body(receive: Receive) -> bytes:
    message = await receive()
    body: bytes = message["body"]
    while message.get("more_body"):
        message = await receive()
        body += message["body"]
    return body


async def _send(send: Send, body: bytes) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _lifespan(store: SqliteStore | PostgresStore, receive: Receive, send: Send) -> None:
    await receive()
    await store.open()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await store.close()
    await send({"type": "lifespan.shutdown.complete"})
