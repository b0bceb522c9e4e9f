"""Defining while others write: no value slips past a definition that says how many break it."""

import asyncio
from typing import Any

import httpx
import pytest

from tests.support.definitions import DEFINE, MODE, PATCH, define, set_mode, try_to_define
from tests.support.http_clients import async_http_client
from tests.support.world import Caller, World

WRITERS = 8


async def send(client: httpx.AsyncClient, caller: Caller, query: str, given: Any) -> Any:
    response = await client.post(
        "/graphql",
        json={"query": query, "variables": {"input": given}},
        headers={"Authorization": f"Bearer {caller.token}"},
    )
    body = response.json()
    assert "errors" not in body, body
    (payload,) = body["data"].values()
    return payload


def race(world: World, mutation: str, given: Any, value: Any) -> tuple[Any, int]:
    """Define, forcibly, while many write for the first time what the definition forbids.

    Returns what was told, and how many were acknowledged.
    """
    people = [world.new_user() for _ in range(WRITERS * 3)]

    async def run() -> tuple[Any, int]:
        async with async_http_client(world.service.url) as client:

            async def write(queue: list[Caller]) -> int:
                done = 0
                while queue:
                    patch = {"platformKey": world.platform_key, "metadata": {"key": value}}
                    payload = await send(client, queue.pop(), PATCH, patch)
                    done += not payload["userErrors"]
                return done

            async def define() -> Any:
                await asyncio.sleep(0.01)
                return await send(client, world.admin, mutation, given)

            told, *done = await asyncio.gather(define(), *(write(people) for _ in range(WRITERS)))
            return told, sum(done)

    return asyncio.run(run())


@pytest.mark.parametrize("attempt", range(3))
def test_what_is_written_while_a_key_is_defined_is_counted_or_refused(world: World, attempt: int) -> None:
    given = {"platformKey": world.platform_key, "key": "key", "valueType": "number", "force": True}
    told, acknowledged = race(world, DEFINE, given, "text")
    assert told["definition"] is not None
    assert told["brokenDocuments"] == acknowledged
    assert try_to_define(world, "key", "number")["brokenDocuments"] == acknowledged


@pytest.mark.parametrize("attempt", range(3))
def test_what_is_written_while_the_mode_is_set_is_counted_or_refused(world: World, attempt: int) -> None:
    told, acknowledged = race(
        world, MODE, {"platformKey": world.platform_key, "mode": "STRICT", "force": True}, 1
    )
    assert told["platform"]["mode"] == "STRICT"
    assert told["brokenDocuments"] == acknowledged
    assert set_mode(world, "STRICT")["brokenDocuments"] == acknowledged


@pytest.mark.parametrize("attempt", range(3))
def test_without_force_a_key_is_defined_only_where_nothing_breaks_it(world: World, attempt: int) -> None:
    given = {"platformKey": world.platform_key, "key": "key", "valueType": "number"}
    told, acknowledged = race(world, DEFINE, given, "text")
    if told["definition"] is None:
        assert told["brokenDocuments"] > 0
        assert acknowledged == WRITERS * 3
    else:
        assert acknowledged == 0


def test_of_two_who_define_at_once_the_last_one_stays(world: World) -> None:
    async def run() -> list[Any]:
        async with async_http_client(world.service.url) as client:
            given = {"platformKey": world.platform_key, "key": "key", "valueType": "number"}
            return await asyncio.gather(
                *(send(client, world.admin, DEFINE, given | {"minimum": index}) for index in range(10))
            )

    told = asyncio.run(run())
    assert [payload["userErrors"] for payload in told] == [[]] * 10
    query = "query ($key: String!) { platform(key: $key) { definitions { minimum } } }"
    (found,) = world.member.ask(query, key=world.platform_key)["platform"]["definitions"]
    assert found["minimum"] in range(10)
    define(world, "key", "number")
