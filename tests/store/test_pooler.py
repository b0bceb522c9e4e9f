"""The service behind a transaction pooler, which may use another connection for each transaction."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.conftest import require
from tests.support import pooler
from tests.support.cli_processes import command, serving_process
from tests.support.postgres import Postgres
from tests.support.service import serving
from tests.support.world import World


@pytest.fixture
def pooled_url(postgres_server: Postgres) -> Iterator[str]:
    """A new database behind the pooler."""
    require("PgBouncer", pooler.PROGRAM is not None)
    with pooler.pooling(postgres_server) as port:
        yield postgres_server.create_database().replace(f":{postgres_server.port}/", f":{port}/")


def test_the_service_works_behind_a_transaction_pooler(pooled_url: str) -> None:
    with serving(pooled_url, database_pooler=True) as service:
        world = World(service)

        def write_and_read(number: int) -> bool:
            body = {"metadata": {f"key{number}": number}}
            written = world.member.rest("PATCH", world.platform_key, body)
            return written.status_code == 200 and world.member.rest("GET", world.platform_key).is_success

        with ThreadPoolExecutor(16) as clients:
            assert all(clients.map(write_and_read, range(64)))
        assert len(world.member.rest("GET", world.platform_key).json()["metadata"]) == 64


def test_commands_and_servers_work_behind_a_transaction_pooler(pooled_url: str, tmp_path: Path) -> None:
    """Each process numbers its prepared statements from 1, and the pooler lends them the same connections."""

    def run(*arguments: str) -> str:
        done = command(pooled_url, *arguments, database_pooler="true")
        assert done.returncode == 0, done.stderr
        return done.stdout

    run("migrate")
    with serving_process(tmp_path, pooled_url, extra={"GQL_SERVICE_DATABASE_POOLER": "true"}) as server:
        run("migrate")
        tenant = run("tenant", "create", "Acme").split()[-1]
        run("user", "create", "anna", "--tenant", tenant, "--email", "anna@example.com")
        token = run("token", "issue", "anna").split()[-1]
        assert server.ask("{ me { username } }", token).json()["data"] == {"me": {"username": "anna"}}
        file = tmp_path / "export.jsonl"
        run("export", str(file))
        with ThreadPoolExecutor(4) as commands:
            list(commands.map(lambda _: run("user", "show", "anna"), range(8)))
        assert server.stop() == 0


def test_a_lock_ends_a_wait_behind_a_pooler_too(pooled_url: str, postgres_server: Postgres) -> None:
    """The limits of the session are not set there; those of the transaction are."""
    with serving(pooled_url, database_pooler=True) as service:
        users = World(service)
    with serving(pooled_url, database_pooler=True, database_timeout=1.0) as service:
        world = users.on(service)
        assert world.member.rest("PATCH", world.platform_key, {"metadata": {"k": 1}}).is_success
        with postgres_server.locking(pooled_url, "documents"):
            answer = world.member.rest("PATCH", world.platform_key, {"metadata": {"k": 2}})
            assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
            assert answer.json() == {"error": "Another transaction holds the data; try again."}
        assert world.member.rest("PATCH", world.platform_key, {"metadata": {"k": 3}}).is_success
