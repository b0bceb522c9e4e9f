"""Streams of callers with JWTs: they open as requests do, and end with the token or its identity."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gql_service.services import issuer as issuer_module
from tests.support.live import METADATA_CHANGED, Socket, socket, stream, subscriber
from tests.support.openid_provider import AUDIENCE, OpenIdProvider, SigningKey, providing
from tests.support.patches import patch
from tests.support.service import serving
from tests.support.users import write
from tests.support.world import Caller, World


@pytest.fixture(scope="module")
def provider() -> Iterator[OpenIdProvider]:
    with providing() as running:
        yield running


@pytest.fixture(scope="module")
def world(database_url: str, provider: OpenIdProvider) -> Iterator[World]:
    with serving(database_url, oidc_issuer=provider.issuer, oidc_audience=AUDIENCE) as service:
        yield World(service)


@pytest.fixture
def ann(world: World) -> Caller:
    """A member with an identity whose subject is their username."""
    user = world.new_user()
    write(world.admin, "linkIdentity", {"username": user.username, "subject": user.username})
    return user


def closed(url: str, token: str) -> int:
    """The code with which a connection is closed whose token is not accepted."""
    with socket(url) as opened:
        opened.send(type="connection_init", payload={"Authorization": f"Bearer {token}"})
        return opened.closed()[0]


def follow(opened: Socket, world: World, user: Caller) -> None:
    """Subscribe to the user's document, and see that a change arrives."""
    opened.subscribe(METADATA_CHANGED, key=world.platform_key, since=0)
    patch(user, world, metadata={"a": 1})
    assert opened.next()["platformMetadataChanged"]["changedKeys"] == ["a"]


def test_server_sent_events(world: World, provider: OpenIdProvider, ann: Caller) -> None:
    patch(ann, world, metadata={"a": 1})
    token = provider.token(ann.username)
    with stream(world.service.client, token, METADATA_CHANGED, key=world.platform_key, since=0) as events:
        assert events.next()["platformMetadataChanged"]["revision"] == 1
        write(ann, "revokeTokens", {})
        name, data = events.event()
        assert (name, data["errors"][0]["extensions"]["code"]) == ("next", "UNAUTHENTICATED")
        assert data["errors"][0]["message"] == "The access token was revoked."


def revoke(world: World, ann: Caller) -> None:
    write(world.admin, "revokeTokens", {"username": ann.username})


def unlink(world: World, ann: Caller) -> None:
    write(world.admin, "unlinkIdentity", {"username": ann.username, "subject": ann.username})


def link_to_another(world: World, ann: Caller) -> None:
    unlink(world, ann)
    other = world.new_user()
    write(world.admin, "linkIdentity", {"username": other.username, "subject": ann.username})


@pytest.mark.parametrize("end", [revoke, unlink, link_to_another])
def test_what_ends_a_token_closes_its_connections(
    world: World, provider: OpenIdProvider, ann: Caller, end: Callable[[World, Caller], None]
) -> None:
    with (
        subscriber(world.service.url, provider.token(ann.username)) as idle,
        subscriber(world.service.url, provider.token(ann.username)) as opened,
        subscriber(world.service.url, world.member.token) as other,
    ):
        follow(opened, world, ann)
        end(world, ann)
        assert [each.closed()[0] for each in (idle, opened)] == [4403, 4403]
        follow(other, world, world.member)


def test_an_expired_token_closes_its_connections(world: World, provider: OpenIdProvider, ann: Caller) -> None:
    skew = world.service.settings.oidc_clock_skew
    ends = int(time.time() - skew) + 5
    with subscriber(world.service.url, provider.token(ann.username, exp=ends)) as opened:
        follow(opened, world, ann)
        assert opened.closed() == (4403, "The access token has expired.")


@contextmanager
def followed_by_jwt(folder: Path) -> Iterator[tuple[OpenIdProvider, World, Caller, Socket]]:
    """A provider and a server of their own, and a user who follows their document with a JWT."""
    database = f"sqlite+aiosqlite:///{folder / 'test.sqlite3'}"
    with (
        providing() as provider,
        serving(database, oidc_issuer=provider.issuer, oidc_audience=AUDIENCE) as service,
    ):
        world = World(service)
        user = world.new_user()
        write(world.admin, "linkIdentity", {"username": user.username, "subject": user.username})
        with subscriber(service.url, provider.token(user.username)) as opened:
            follow(opened, world, user)
            yield provider, world, user, opened


def test_keys_that_were_withdrawn_end_connections(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is committed when they are."""
    for name in ("_REFRESH_INTERVAL", "_VERDICT_SECONDS", "_MAX_AGE"):
        monkeypatch.setattr(issuer_module, name, 0.0)
    with followed_by_jwt(tmp_path) as (provider, _world, _user, opened):
        provider.rotate(SigningKey())
        assert opened.closed()[0] == 4403


def test_who_may_not_open_a_stream(world: World, provider: OpenIdProvider) -> None:
    unlinked = provider.token("nobody-has-linked-this")
    expired = provider.token("ann", exp=int(time.time()) - 3600)
    for token, status in ((unlinked, 403), (expired, 401)):
        with stream(world.service.client, token, METADATA_CHANGED) as refused:
            assert refused.response.status_code == status
        assert closed(world.service.url, token) == 4403


def test_streams_go_on_while_the_issuer_is_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The known keys verify tokens, as they do for requests."""
    monkeypatch.setattr(issuer_module, "_REFRESH_INTERVAL", 0.0)
    monkeypatch.setattr(issuer_module, "_VERDICT_SECONDS", 0.0)
    with followed_by_jwt(tmp_path) as (provider, world, user, opened):
        provider.stop()
        time.sleep(1)  # two checks
        patch(user, world, metadata={"b": 1})
        assert opened.next()["platformMetadataChanged"]["changedKeys"] == ["b"]
        assert closed(world.service.url, SigningKey().sign(provider.claims())) == 1013, "the key is not known"
