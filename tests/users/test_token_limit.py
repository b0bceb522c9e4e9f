"""The limits on the tokens of a user: a hundred active ones, and a hundred inactive ones."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Any

import httpx
import pytest

from gql_service.domain.users import access_tokens
from gql_service.store.connection import Connection
from tests.support.cli_processes import command
from tests.support.http_clients import async_http_client
from tests.support.service import Service
from tests.support.users import ask, send, verdict, write
from tests.support.world import Caller, World
from tests.users.test_authentication import later

MOST = 100
FULL = "TOO_MANY_TOKENS "
ISSUE = 'mutation { issueToken(input: {username: "NAME"}) { userErrors { code } token } }'


@pytest.fixture(scope="module")
def world(service: Service) -> World:
    return World(service)


def holding(world: World, count: int, *, lifetime: int | None = None) -> Caller:
    """A user with `count` active tokens; all but the first expire after `lifetime` milliseconds."""
    user, now = world.new_user(), world.service.services.clock()
    expires_at = None if lifetime is None else now + lifetime

    async def fill(transaction: Connection) -> None:
        for _ in range(count - 1):
            await access_tokens.issue(transaction, user.id, label="", now=now, expires_at=expires_at)

    world.service.write(fill)
    return user


def tokens(world: World, user: Caller) -> list[dict[str, Any]]:
    """All tokens of a user: at most two pages of a hundred."""
    pages = """older: tokens(first: 100) { nodes { id revokedAt } }
      newer: tokens(last: 100) { nodes { id revokedAt } }"""
    older, newer = (page["nodes"] for page in ask(world.owner, user, pages).values())
    return [*older, *(each for each in newer if each not in older)]


def test_a_user_has_at_most_a_hundred_active_tokens(world: World) -> None:
    user = holding(world, MOST - 1)
    assert verdict(user, "issueToken", {}) == "OK"
    for caller in (user, world.admin, world.owner):
        assert verdict(caller, "issueToken", {"username": user.username}) == FULL
    (error,) = send(user, "issueToken", {})["data"]["issueToken"]["userErrors"]
    assert error["field"] == []
    assert "100" in error["message"]
    assert "revoke one" in error["message"]
    assert len(tokens(world, user)) == MOST
    assert verdict(world.colleague, "issueToken", {}) == "OK"


def test_the_limit_applies_to_the_command_line(world: World) -> None:
    user = holding(world, MOST)
    done = command(world.service.settings.database_url, "token", "issue", user.username)
    assert (done.returncode, done.stdout) == (1, "")
    assert "revoke one" in done.stderr
    assert len(tokens(world, user)) == MOST


def test_a_revoked_token_does_not_count(world: World) -> None:
    user = holding(world, MOST)
    id = next(token["id"] for token in tokens(world, user) if token["id"] not in user.token)
    write(user, "revokeToken", {"id": id})
    assert [verdict(user, "issueToken", {}) for _ in range(2)] == ["OK", FULL]


def test_an_expired_token_does_not_count(world: World) -> None:
    user = holding(world, MOST, lifetime=60_000)
    assert verdict(user, "issueToken", {}) == FULL
    with later(world.service, 60_000):
        assert verdict(user, "issueToken", {}) == "OK"


def test_a_replaced_token_counts_until_its_overlap_ends(world: World) -> None:
    user = holding(world, MOST)
    replaced = {"replaces": user.token.split("_")[1]}
    assert verdict(user, "issueToken", replaced | {"overlapSeconds": 60}) == FULL
    assert user.ask("{ me { username } }"), "a refused replacement ends nothing"
    assert verdict(user, "issueToken", replaced) == "OK"
    assert user.graphql("{ me { username } }")["errors"]


def test_concurrent_requests_cannot_exceed_the_limit(world: World) -> None:
    user = holding(world, MOST - 5)

    async def run() -> Sequence[httpx.Response]:
        async with async_http_client(world.service.url) as client:
            body = {"query": ISSUE.replace("NAME", user.username)}
            headers = [{"Authorization": f"Bearer {caller.token}"} for caller in (user, world.admin)]
            return await asyncio.gather(
                *(client.post("/graphql", json=body, headers=headers[number % 2]) for number in range(24))
            )

    responses = [response.json()["data"]["issueToken"] for response in asyncio.run(run())]
    assert Counter(response["token"] is not None for response in responses) == {True: 5, False: 19}
    assert len(tokens(world, user)) == MOST


def test_only_the_latest_hundred_inactive_tokens_are_kept(world: World) -> None:
    user = holding(world, MOST, lifetime=1000)
    with later(world.service, 2000):
        first = {token["id"] for token in tokens(world, user)}
        for _ in range(4):
            id = write(user, "issueToken", {}, "accessToken { id }")["accessToken"]["id"]
            write(user, "revokeToken", {"id": id})
        last = write(user, "issueToken", {}, "accessToken { id }")["accessToken"]["id"]
        kept = [token["id"] for token in tokens(world, user)]
    assert len(kept) == MOST + 2, "a hundred that have ended, and the two that work"
    assert kept[-1] == last
    assert user.token.split("_")[1] in kept
    assert len(first & set(kept)) == MOST + 2 - 5
