"""Who may subscribe to what."""

import re
import time
from contextlib import ExitStack
from typing import Any

import pytest

from gql_service import instants
from gql_service.domain.users import access_tokens
from gql_service.store.connection import Connection
from tests.access.test_scopes import limited
from tests.support.live import METADATA_CHANGED, PLATFORM_EVENTS, START, stream, subscriber
from tests.support.patches import patch
from tests.support.service import serving, wait_until
from tests.support.users import write
from tests.support.world import Caller, World


def outcome(caller: Caller, world: World, query: str, **variables: object) -> str:
    """How a subscription of a caller begins: with a value, or with an error."""
    with subscriber(world.service.url, caller.token) as opened:
        opened.subscribe(query, key=world.platform_key, **variables)
        message = opened.receive()
        if message["type"] == "next":
            assert "errors" not in message["payload"]
            return "value"
        return str(message["payload"][0]["extensions"]["code"])


def test_events_are_for_admins(world: World) -> None:
    patch(world.member, world, metadata={"a": 1})
    callers = (world.stranger, world.foreign_admin, world.member, world.admin, world.owner)
    assert [outcome(each, world, PLATFORM_EVENTS, after=START) for each in callers] == [
        "NOT_FOUND",
        "NOT_FOUND",
        "FORBIDDEN",
        "value",
        "value",
    ]


def test_documents_are_for_their_users_and_admins(world: World) -> None:
    patch(world.member, world, metadata={"a": 1})
    callers = (world.stranger, world.foreign_admin, world.colleague, world.member, world.admin, world.owner)
    of_member = {"username": world.member.username, "since": 0}
    assert [outcome(each, world, METADATA_CHANGED, **of_member) for each in callers] == [
        "NOT_FOUND",
        "NOT_FOUND",
        "FORBIDDEN",
        "value",
        "value",
        "value",
    ]


@pytest.mark.parametrize("scopes", [{"EVENTS", "READ"}, {"READ", "WRITE", "ADMIN"}])
def test_a_token_with_scopes_needs_that_of_events(world: World, scopes: set[str]) -> None:
    patch(world.member, world, metadata={"a": 1})
    found = outcome(limited(world.member, scopes), world, METADATA_CHANGED, since=0)
    assert found == ("value" if "EVENTS" in scopes else "FORBIDDEN")


def test_users_hear_nothing_of_hidden_keys(world: World) -> None:
    hide = """mutation ($i: SetUserMetadataInput!) { setUserMetadata(input: $i) { userErrors { code } } }"""
    entry = {"metadataKey": "secret", "metadataValue": "x", "valueType": "string", "isPublic": False}
    patch(world.member, world, metadata={"a": 1})
    with (
        subscriber(world.service.url, world.member.token) as member,
        subscriber(world.service.url, world.admin.token) as admin,
    ):
        member.subscribe(METADATA_CHANGED, key=world.platform_key, since=1)
        admin.subscribe(METADATA_CHANGED, key=world.platform_key, username=world.member.username, since=1)
        patched = world.admin.ask(
            hide, i={"platformKey": world.platform_key, "username": world.member.username, "entries": [entry]}
        )
        assert patched["setUserMetadata"] == {"userErrors": []}
        patch(world.member, world, metadata={"b": 1})
        assert [admin.next()["platformMetadataChanged"]["changedKeys"] for _ in range(2)] == [
            ["secret"],
            ["b"],
        ]
        change = member.next()["platformMetadataChanged"]
        assert (change["revision"], change["changedKeys"]) == (3, ["b"])
        assert change["platformMetadata"]["metadata"] == {"a": 1, "b": 1}


def test_a_cleared_document_has_to_be_read_anew(world: World) -> None:
    clear = """mutation ($i: ClearPlatformMetadataInput!) { clearPlatformMetadata(input: $i) {
      userErrors { code } } }"""
    patch(world.member, world, metadata={"a": 1})
    with subscriber(world.service.url, world.member.token) as opened:
        opened.subscribe(METADATA_CHANGED, key=world.platform_key, since=0)
        opened.next()
        world.member.ask(clear, i={"platformKey": world.platform_key})
        change = opened.next()["platformMetadataChanged"]
        assert (change["revision"], change["resync"], change["changedKeys"]) == (2, True, [])


def test_streams_need_a_token_and_the_right_request(world: World) -> None:
    client = world.service.client
    with stream(client, None, METADATA_CHANGED) as refused:
        assert refused.response.status_code == 401
    with stream(client, world.member.token, "subscription { nothing }") as invalid:
        name, data = invalid.event()
        assert (name, data["errors"][0]["extensions"]["code"]) == ("next", "GRAPHQL_VALIDATION_FAILED")
        assert invalid.event() == ("complete", None)
    write = 'mutation { patchPlatformMetadata(input: {platformKey: "x", metadata: {}}) { deletedKeys } }'
    with stream(client, world.member.token, write, method="GET") as refused:
        name, data = refused.event()
        assert data["errors"][0]["extensions"]["code"] == "METHOD_NOT_ALLOWED"
    with stream(client, world.member.token, "{ me { username } }", method="GET") as single:
        assert single.next() == {"me": {"username": world.member.username}}
        assert single.event() == ("complete", None)


URQL = (
    "application/graphql-response+json, application/graphql+json, application/json, text/event-stream, "
    "multipart/mixed"
)


@pytest.mark.parametrize("accept", [URQL, "*/*", "application/json, text/event-stream", None])
def test_who_prefers_a_plain_response_gets_one(world: World, accept: str | None) -> None:
    headers = {"Authorization": f"Bearer {world.member.token}"} | ({"Accept": accept} if accept else {})
    response = world.service.client.post("/graphql", json={"query": "{ me { username } }"}, headers=headers)
    assert response.headers["content-type"].startswith("application/")
    response = world.service.client.post("/graphql", json={"query": METADATA_CHANGED}, headers=headers)
    assert response.json()["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


REVOKE = "mutation ($i: RevokeTokensInput!) { revokeTokens(input: $i) { userErrors { code } } }"


def test_a_revoked_token_ends_the_stream(world: World) -> None:
    user = world.new_user()
    with stream(world.service.client, user.token, METADATA_CHANGED) as opened:
        user.ask(REVOKE, i={})
        name, data = opened.event()
        assert (name, data["errors"][0]["extensions"]["code"]) == ("next", "UNAUTHENTICATED")
        assert opened.event() == ("complete", None)


def test_a_revoked_token_ends_connections_within_a_second(world: World) -> None:
    """Once out of three times: other programs may keep the machine busy. If tokens were read less often, it
    would always take longer: each connection is opened just after a look at the tokens."""

    def seconds() -> float:
        user = world.new_user()
        with (
            stream(world.service.client, user.token, METADATA_CHANGED) as events,
            subscriber(world.service.url, user.token) as opened,
        ):
            user.ask(REVOKE, i={})
            started = time.monotonic()
            events.event()
            opened.closed()
            return time.monotonic() - started

    assert min(seconds() for _ in range(3)) < 1


def test_the_stream_of_a_document_ends_when_its_user_is_deleted(world: World) -> None:
    user = world.new_user()
    patch(user, world, metadata={"a": 1})
    followed: dict[str, Any] = {"key": world.platform_key, "username": user.username, "since": 0}
    with stream(world.service.client, world.admin.token, METADATA_CHANGED, **followed) as opened:
        opened.next()
        write(world.admin, "deleteUser", {"username": user.username})
        name, data = opened.event()
        assert (name, data["errors"][0]["extensions"]["code"]) == ("next", "NOT_FOUND")
        assert opened.event() == ("complete", None)


def test_many_revoked_tokens_end_their_connections(world: World) -> None:
    """More than are read at a time."""
    user, now = world.new_user(), instants.now()

    async def issue(transaction: Connection) -> list[str]:
        issued = [await access_tokens.issue(transaction, user.id, label="test", now=now) for _ in range(120)]
        return [str(token) for token in issued]

    revoke = "mutation ($i: RevokeTokensInput!) { revokeTokens(input: $i) { userErrors { code } } }"
    with ExitStack() as stack:
        tokens = world.service.write(issue)
        opened = [stack.enter_context(subscriber(world.service.url, token)) for token in tokens]
        user.ask(revoke, i={})
        assert {each.closed()[0] for each in opened} == {4403}


def test_an_expired_token_ends_the_stream(world: World) -> None:
    """Also if nothing is written meanwhile."""
    user, now = world.new_user(), instants.now()

    async def issue(transaction: Connection) -> str:
        return str(
            await access_tokens.issue(transaction, user.id, label="test", now=now, expires_at=now + 3000)
        )

    with stream(world.service.client, world.service.write(issue), METADATA_CHANGED) as opened:
        name, data = opened.event()
        assert (name, data["errors"][0]["message"]) == ("next", "The access token has expired.")
        assert opened.event() == ("complete", None)


def test_tokens_are_read_again_only_after_a_commit(fresh_database_url: str) -> None:
    with (
        serving(fresh_database_url) as service,
        subscriber(service.url, World(service).member.token),
        service.statements() as seen,
    ):
        wait_until(lambda: _checks(seen)[-3:] == [False] * 3)


def _checks(statements: list[str]) -> list[bool]:
    """Of each check of the tokens but the last one, whether it has read them."""
    text = "\n".join(statements)
    return [
        "access_tokens" in each for each in re.split("PRAGMA data_version|pg_current_snapshot", text)[1:-1]
    ]
