"""Errors of PostgreSQL: what passes is retried or 503 with its cause, and the log names the statement."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.cli_processes import Server, command, serving_process
from tests.support.postgres import Postgres
from tests.support.service import serving
from tests.support.shop import new_shop
from tests.support.world import World


def write(world: World, value: int) -> int:
    return world.member.rest("PATCH", world.platform_key, {"metadata": {"k": value}}).status_code


def test_terminated_sessions_are_replaced_without_a_failure(postgres_server: Postgres) -> None:
    url = postgres_server.create_database()
    with serving(url) as service:
        world = World(service)
        for value in range(20):
            postgres_server.terminate_sessions(url)
            assert write(world, value) == 200
            postgres_server.terminate_sessions(url)
            assert world.member.rest("GET", world.platform_key).json()["metadata"] == {"k": value}


def test_sessions_that_became_read_only_are_replaced(postgres_server: Postgres) -> None:
    """As after a failover: the old sessions still answer reads."""
    url = postgres_server.create_database()
    name = url.rpartition("/")[2]
    with serving(url) as service:
        world = World(service)
        assert write(world, 1) == 200
        postgres_server.sql(url, f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        postgres_server.terminate_sessions(url)
        answer = world.member.rest("PATCH", world.platform_key, {"metadata": {"k": 2}})
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
        assert answer.json() == {"error": "The database is read-only (a failover may be running); try again."}
        assert world.member.rest("GET", world.platform_key).json()["metadata"] == {"k": 1}
        postgres_server.sql(
            url,
            "SET default_transaction_read_only = off",
            f"ALTER DATABASE {name} SET default_transaction_read_only = off",
        )
        assert write(world, 3) == 200


@contextmanager
def server_with_user(url: str, folder: Path) -> Iterator[tuple[Server, str]]:
    token = new_shop(url)
    with serving_process(folder, url) as server:
        yield server, token


def logged(server: Server) -> list[dict[str, str]]:
    lines = [json.loads(line) for line in server.output.splitlines()]
    return [line for line in lines if line.get("event") == "database error"]


def test_a_missing_table_is_logged_with_its_name(postgres_server: Postgres, tmp_path: Path) -> None:
    url = postgres_server.create_database()
    with server_with_user(url, tmp_path) as (server, token):
        postgres_server.sql(url, "ALTER TABLE platforms RENAME TO elsewhere")
        answer = server.ask('{ platform(key: "shop") { key } }', token).json()
        assert answer["errors"][0]["extensions"]["code"] == "INTERNAL"
        (line,) = logged(server)
        assert (line["error"], line["statement"], line["level"]) == ("42P01", "SELECT platforms", "error")


def test_a_full_disk_is_told_from_other_errors(postgres_server: Postgres) -> None:
    """A trigger raises what PostgreSQL raises when it cannot extend a file."""
    url = postgres_server.create_database()
    with serving(url) as service:
        world = World(service)
        assert write(world, 1) == 200
        postgres_server.sql(
            url,
            "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS "
            "$$BEGIN RAISE EXCEPTION USING ERRCODE = '53100', MESSAGE = 'could not extend file'; END$$",
            "CREATE TRIGGER full_disk BEFORE UPDATE ON documents FOR EACH ROW EXECUTE FUNCTION full_disk()",
        )
        answer = world.member.rest("PATCH", world.platform_key, {"metadata": {"k": 2}})
        assert (answer.status_code, answer.headers["Retry-After"]) == (507, "10")
        postgres_server.sql(url, "DROP TRIGGER full_disk ON documents")
        assert write(world, 3) == 200


def test_a_stopped_database_refuses_the_connection() -> None:
    done = command("postgresql://anna@127.0.0.1:1/test", "migrate")
    assert done.returncode == 1
    assert done.stderr.startswith("gql-service: The database refuses the connection; try again.")
