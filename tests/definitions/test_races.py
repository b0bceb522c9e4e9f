"""Setting definitions while others write: every value is either counted or checked."""

import asyncio
from typing import Any

import httpx
import pytest

from tests.support.definitions import DEFINE, MODE, PATCH, define, set_mode, try_to_define
from tests.support.http_clients import async_http_client
from tests.support.world import Caller, World

WRITERS = 8


async def send(client: httpx.AsyncClient, caller: Caller, query: str, arguments: Any) -> Any:
    response = await client.post(
        "/graphql",
        json={"query": query, "variables": {"input": arguments}},
        headers={"Authorization": f"Bearer {caller.token}"},
    )
    body = response.json()
    assert "errors" not in body, body
    (payload,) = body["data"].values()
    return payload


def race(world: World, mutation: str, arguments: Any, value: Any) -> tuple[Any, int]:
    """Send the mutation while many users write, for the first time, a value that it forbids.

    Returns its payload, and how many of the writes succeeded.
    """
    users = [world.new_user() for _ in range(WRITERS * 3)]

    async def run() -> tuple[Any, int]:
        async with async_http_client(world.service.url) as client:

            async def write(queue: list[Caller]) -> int:
                succeeded = 0
                while queue:
                    patch = {"platformKey": world.platform_key, "metadata": {"key": value}}
                    payload = await send(client, queue.pop(), PATCH, patch)
                    succeeded += not payload["userErrors"]
                return succeeded

            async def define() -> Any:
                await asyncio.sleep(0.01)
                return await send(client, world.admin, mutation, arguments)

            payload, *succeeded = await asyncio.gather(define(), *(write(users) for _ in range(WRITERS)))
            return payload, sum(succeeded)

    return asyncio.run(run())


@pytest.mark.parametrize("attempt", range(3))
def test_values_written_while_a_key_is_defined_are_counted_or_refused(world: World, attempt: int) -> None:
    arguments = {"platformKey": world.platform_key, "key": "key", "valueType": "number", "force": True}
    payload, succeeded = race(world, DEFINE, arguments, "text")
    assert payload["definition"] is not None
    assert payload["brokenDocuments"] == succeeded
    assert try_to_define(world, "key", "number")["brokenDocuments"] == succeeded


@pytest.mark.parametrize("attempt", range(3))
def test_values_written_while_the_mode_is_set_are_counted_or_refused(world: World, attempt: int) -> None:
    payload, succeeded = race(
        world, MODE, {"platformKey": world.platform_key, "mode": "STRICT", "force": True}, 1
    )
    assert payload["platform"]["mode"] == "STRICT"
    assert payload["brokenDocuments"] == succeeded
    assert set_mode(world, "STRICT")["brokenDocuments"] == succeeded


@pytest.mark.parametrize("attempt", range(3))
def test_without_force_a_key_is_defined_only_if_all_data_conforms(world: World, attempt: int) -> None:
    arguments = {"platformKey": world.platform_key, "key": "key", "valueType": "number"}
    payload, succeeded = race(world, DEFINE, arguments, "text")
    if payload["definition"] is None:
        assert payload["brokenDocuments"] > 0
        assert succeeded == WRITERS * 3
    else:
        assert succeeded == 0


def test_concurrent_definitions_of_a_key_all_succeed_and_one_stays(world: World) -> None:
    async def run() -> list[Any]:
        async with async_http_client(world.service.url) as client:
            arguments = {"platformKey": world.platform_key, "key": "key", "valueType": "number"}
            return await asyncio.gather(
                *(send(client, world.admin, DEFINE, arguments | {"minimum": index}) for index in range(10))
            )

    payloads = asyncio.run(run())
    assert [payload["userErrors"] for payload in payloads] == [[]] * 10
    query = "query ($key: String!) { platform(key: $key) { definitions { minimum } } }"
    (found,) = world.member.ask(query, key=world.platform_key)["platform"]["definitions"]
    assert found["minimum"] in range(10)
    define(world, "key", "number")
