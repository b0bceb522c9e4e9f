"""Subscribers of a server behind a transaction pooler, which passes no notifications on."""

from collections.abc import Iterator

import pytest

from gql_service.services import event_numbering
from gql_service.store import postgres_commits
from tests.conftest import require
from tests.support import pooler
from tests.support.live import METADATA_CHANGED, subscriber
from tests.support.patches import patch
from tests.support.postgres import Postgres
from tests.support.service import serving
from tests.support.world import World

NEVER = 3600.0


@pytest.fixture
def direct_url(postgres_server: Postgres) -> str:
    return postgres_server.create_database()


@pytest.fixture
def pooled_url(postgres_server: Postgres, direct_url: str) -> Iterator[str]:
    """The same database behind the pooler."""
    require("PgBouncer", pooler.PROGRAM is not None)
    with pooler.pooling(postgres_server) as port:
        yield direct_url.replace(f":{postgres_server.port}/", f":{port}/")


@pytest.fixture(autouse=True)
def _only_the_writer_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise the subscriber's server finds an event a second later anyway."""
    monkeypatch.setattr(event_numbering, "_POLL_INTERVAL", NEVER)


def follow(pooled_url: str, database_direct_url: str | None) -> None:
    """Follow a document on one server, while another one writes it."""
    with (
        serving(pooled_url, database_pooler=True) as writer,
        serving(pooled_url, database_pooler=True, database_direct_url=database_direct_url) as server,
    ):
        world = World(writer)
        with subscriber(server.url, world.member.token) as opened:
            opened.subscribe(METADATA_CHANGED, key=world.platform_key, since=0)
            for revision in range(1, 6):
                patch(world.member, world, metadata={"a": revision})
                assert opened.next()["platformMetadataChanged"]["revision"] == revision


def test_notifications_come_past_the_pooler(
    pooled_url: str, direct_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_commits, "_LISTENING_INTERVAL", NEVER)
    follow(pooled_url, direct_url)


def test_without_a_direct_url_events_are_asked_for(pooled_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Listening through the pooler would succeed, and bring nothing."""
    monkeypatch.setattr(postgres_commits, "_LISTENING_INTERVAL", NEVER)
    follow(pooled_url, None)


def test_a_direct_url_that_cannot_be_reached(pooled_url: str) -> None:
    follow(pooled_url, "postgresql+asyncpg://tester@127.0.0.1:9/nothing")
