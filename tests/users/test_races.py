"""Concurrent writes of users: an award is new once, and promotions race with tokens safely."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx

from tests.support.cli_processes import serving_process
from tests.support.http_clients import async_http_client
from tests.support.users import ask
from tests.support.world import Caller, World

AWARDS = 200
CLIENTS = 40
MUTATION = """mutation ($name: String!, $badge: String!) {
  checkBadge(input: {username: $name, badge: $badge}) {
    userErrors { code } awarded earnedBadge { earnedAt } } }"""


def award(urls: Sequence[str], caller: Caller, user: Caller, badge: str, count: int) -> list[dict[str, Any]]:
    """Award a badge many times concurrently, alternating between these servers; returns the payloads."""

    async def run() -> list[dict[str, Any]]:
        limits = httpx.Limits(max_connections=CLIENTS)
        headers = {"Authorization": f"Bearer {caller.token}"}
        body = {"query": MUTATION, "variables": {"name": user.username, "badge": badge}}
        async with async_http_client(limits=limits, headers=headers) as client:
            responses = await asyncio.gather(
                *(client.post(f"{urls[number % len(urls)]}/graphql", json=body) for number in range(count))
            )
        return [response.json()["data"]["checkBadge"] for response in responses]

    return asyncio.run(run())


def assert_awarded_once(user: Caller, badge: str, responses: list[dict[str, Any]]) -> None:
    assert Counter(response["awarded"] for response in responses) == {True: 1, False: len(responses) - 1}
    assert all(response["userErrors"] == [] for response in responses)
    fields = ask(
        user,
        user,
        "badges { name earnedAt } unreadNotificationCount notifications(first: 9) { nodes { id } }",
    )
    (earned,) = fields["badges"]
    assert earned["name"] == badge
    assert {response["earnedBadge"]["earnedAt"] for response in responses} == {earned["earnedAt"]}
    assert fields["unreadNotificationCount"] == len(fields["notifications"]["nodes"]) == 1


def test_of_200_concurrent_awards_exactly_one_is_new(world: World) -> None:
    user = world.new_user()
    responses = award([world.service.url], world.admin, user, "projectCreated", AWARDS)
    assert len(responses) == AWARDS
    assert_awarded_once(user, "projectCreated", responses)


def test_of_200_concurrent_awards_in_two_processes_exactly_one_is_new(world: World, tmp_path: Path) -> None:
    user = world.new_user()
    with serving_process(tmp_path, world.service.settings.database_url) as other:
        responses = award([world.service.url, other.url], world.admin, user, "firstActionCreated", AWARDS)
    assert_awarded_once(user, "firstActionCreated", responses)


def test_concurrent_awards_of_different_badges_all_succeed(world: World) -> None:
    user = world.new_user()
    names = [each["name"] for each in user.ask("{ badgeCatalog { name } }")["badgeCatalog"]]

    async def run() -> list[httpx.Response]:
        headers = {"Authorization": f"Bearer {world.admin.token}"}
        async with async_http_client(headers=headers) as client:
            bodies = [
                {"query": MUTATION, "variables": {"name": user.username, "badge": name}} for name in names * 4
            ]
            posts = (client.post(f"{world.service.url}/graphql", json=body) for body in bodies)
            return list(await asyncio.gather(*posts))

    awarded = Counter(response.json()["data"]["checkBadge"]["awarded"] for response in asyncio.run(run()))
    assert awarded == {True: 5, False: 15}
    fields = ask(user, user, "badges { name } badgeProgress { earned } unreadNotificationCount")
    assert (
        len(fields["badges"]) == fields["badgeProgress"]["earned"] == fields["unreadNotificationCount"] == 5
    )


def test_no_token_is_issued_for_a_user_who_is_promoted_concurrently(world: World) -> None:
    """Access must be checked again under the lock on the user."""
    promote = (
        'mutation { updateUser(input: {username: "NAME", isPlatformOwner: true}) { userErrors { code } } }'
    )
    issue = 'mutation { issueToken(input: {username: "NAME"}) { token } }'
    use_rights = "{ serviceStatus { version } }"

    async def owners_made(user: Caller) -> list[str]:
        """The tokens that an admin was issued and that have the rights of a platform owner."""
        async with async_http_client(world.service.url) as client:

            async def post(token: str, query: str) -> dict[str, Any]:
                body = {"query": query.replace("NAME", user.username)}
                headers = {"Authorization": f"Bearer {token}"}
                response = (await client.post("/graphql", json=body, headers=headers)).json()
                return dict(response.get("data") or {})

            posts = [post(world.admin.token, issue) for _ in range(16)]
            posts.insert(5, post(world.owner.token, promote))
            made = [
                (response.get("issueToken") or {}).get("token") for response in await asyncio.gather(*posts)
            ]
            rights = [(token, await post(token, use_rights)) for token in made if token]
        return [token for token, response in rights if response.get("serviceStatus")]

    for _ in range(5):
        assert asyncio.run(owners_made(world.new_user())) == []
