"""A bulk patch that loses a race: one of its users is erased, or it has to be done again."""

import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.documents.test_bulk import bulk, codes_and_fields, patch_for, people
from tests.support.patches import read
from tests.support.postgres import Postgres
from tests.support.service import Service, serving, wait_until
from tests.support.world import Caller, World

WAITING = """SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock'"""
Erasing = tuple[Service, Callable[[str], AbstractContextManager[None]], Callable[[], bool]]
"""A service, a block at whose end a user is erased, and whether somebody waits for that."""


@pytest.fixture(params=["sqlite", "postgres"])
def erasing(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Erasing]:
    if request.param == "postgres":
        server: Postgres = request.getfixturevalue("postgres_server")
        url = server.create_database()
        with serving(url) as service:
            erase = "DELETE FROM users WHERE id = '{}'"
            yield (
                service,
                lambda id: server.holding(url, erase.format(id)),
                lambda: server.sql(url, WAITING) != "0",
            )
        return
    file = tmp_path / "test.sqlite3"

    @contextmanager
    def hold(id: str) -> Iterator[None]:
        with closing(sqlite3.connect(file, isolation_level=None)) as connection:
            connection.execute("PRAGMA foreign_keys=ON")
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("DELETE FROM users WHERE id = ?", [id])
            yield
            connection.execute("COMMIT")

    with serving(f"sqlite:///{file}") as service:
        yield service, hold, lambda: service.services.database._draining is not None  # type: ignore[attr-defined]


def patch_while_erased(erasing: Erasing, **input: Any) -> tuple[World, list[Caller], Any]:
    """Patch three users, the second of whom is erased meanwhile."""
    service, hold, somebody_waits = erasing
    world = World(service)
    users = people(world)
    patches = [patch_for(user, metadata={"a": 1}) for user in users]
    with ThreadPoolExecutor(1) as client:
        with hold(users[1].id):
            done = client.submit(bulk, world.admin, world, *patches, **input)
            wait_until(somebody_waits)
        return world, users, done.result()


def test_only_the_patch_of_an_erased_user_fails(
    erasing: Erasing,
) -> None:
    world, users, payload = patch_while_erased(erasing, onError="REJECT_FAILED")
    assert (payload["written"], payload["failed"], payload["userErrors"]) == (2, 1, [])
    first, second, third = payload["results"]
    assert codes_and_fields(second["userErrors"]) == [("UNKNOWN_USER", ["patches", "1", "username"])]
    for user, result in ((users[0], first), (users[2], third)):
        assert result["userErrors"] == []
        assert read(user, world)["metadata"] == {"a": 1}


def test_all_patches_are_rejected_with_that_of_an_erased_user(
    erasing: Erasing,
) -> None:
    world, users, payload = patch_while_erased(erasing)
    assert (payload["written"], payload["failed"]) == (0, 1)
    assert [len(result["userErrors"]) for result in payload["results"]] == [0, 1, 0]
    assert read(users[0], world)["metadata"] == {}


def test_an_attempt_that_lost_a_race_does_not_use_the_budget_up(postgres_server: Postgres) -> None:
    """A trigger fails the first attempt, as a concurrent transaction would."""
    url = postgres_server.create_database()
    with serving(url, max_read_size=20_000) as service:
        world = World(service)
        user, other = people(world, 2)
        postgres_server.sql(
            url,
            "CREATE SEQUENCE attempts",
            "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN "
            "IF nextval('attempts') = 1 THEN RAISE EXCEPTION USING ERRCODE = '40001'; END IF; "
            "RETURN NEW; END$$",
            "CREATE TRIGGER fail BEFORE INSERT ON documents FOR EACH ROW EXECUTE FUNCTION fail()",
        )
        patches = [patch_for(each, metadata={"a": 1}) for each in (user, other)]
        payload = bulk(world.admin, world, *patches)
        assert [result["userErrors"] for result in payload["results"]] == [[], []]
        assert payload["written"] == 2
