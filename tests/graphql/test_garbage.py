"""Requests leave nothing behind that only the cyclic garbage collector frees: it runs rarely in servers."""

import gc
from collections.abc import Callable
from contextlib import closing
from http.client import HTTPConnection
from itertools import count
from urllib.parse import urlsplit

import pytest

from tests.support.http_clients import PATIENCE
from tests.support.patches import patched, read
from tests.support.world import REST, World

# Not of invalid documents, introspection and subscriptions: graphql-core does these, and makes cycles.
NEW_DOCUMENTS = {
    "new query": """query ($yes: Boolean!, $key: String!) {
      @@: me { ...F badges { name } notifications(first: 1) { nodes { id } } }
      platform(key: $key) @include(if: $yes) { name __typename } }
      fragment F on User { id username platformMetadata(platformKey: $key) { id metadata } }
      """,
    "new types": '{ @@: node(id: "x") { __typename id ... on User { email } ... on Platform { key } } }',
    "new literal": """{ _entities(representations: [{__typename: "User", userId: "@@"}]) {
      ... on User { id badges { name } } } }""",
    "new mutation": """mutation ($key: String!) {
      @@: patchPlatformMetadata(input: {platformKey: $key, metadata: {theme: "@@"}}) {
        userErrors { message } } }""",
}


NUMBERS = count()


def new_document(query: str) -> Callable[[World, int], object]:
    def request(world: World, _number: int) -> object:
        text = query.replace("@@", f"n{next(NUMBERS)}")
        variables = {"yes": True, "key": world.platform_key}
        return world.member.ask(
            text, **{name: value for name, value in variables.items() if f"${name}" in text}
        )

    return request


def new_connection(method: str, path: str, body: bytes | None) -> Callable[[World, int], object]:
    def request(world: World, _number: int) -> object:
        headers = {"Authorization": f"Bearer {world.member.token}", "Content-Type": "application/json"}
        with closing(HTTPConnection(urlsplit(world.service.url).netloc, timeout=PATIENCE)) as connection:
            connection.request(method, path.format(world.platform_key), body, headers)
            return connection.getresponse().read()

    return request


REQUESTS: dict[str, Callable[[World, int], object]] = {
    "read": lambda world, _number: read(world.member, world),
    "patch": lambda world, number: patched(world.member, world, metadata={"a": number}),
    "REST": lambda world, number: world.member.rest("PUT", world.platform_key, {"metadata": {"b": number}}),
    "connection": new_connection("POST", "/graphql", b'{"query": "{ me { username } }"}'),
    "connection, REST": new_connection("GET", REST + "{}", None),
} | {name: new_document(query) for name, query in NEW_DOCUMENTS.items()}


@pytest.mark.parametrize("kind", REQUESTS)
def test_requests_leave_no_cycles(world: World, kind: str) -> None:
    for number in range(-4, 0):  # a document is kept from its second request on
        REQUESTS[kind](world, number)
    # What tests before this one leave is not there again.
    assert [] in (garbage_of(world, kind) for _ in range(3))


def garbage_of(world: World, kind: str) -> list[str]:
    """The objects of ours that only the garbage collector finds after some requests."""
    gc.collect()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        for number in range(20):
            REQUESTS[kind](world, number)
        gc.collect()
        return [
            repr(each) for each in gc.garbage if type(each).__module__.startswith(("gql_service", "graphql"))
        ]
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.collect()
