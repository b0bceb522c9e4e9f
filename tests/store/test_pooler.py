"""The service behind a transaction pooler, which may use another connection for each transaction."""

from concurrent.futures import ThreadPoolExecutor

from tests.conftest import require
from tests.support import pooler
from tests.support.postgres import Postgres
from tests.support.service import serving
from tests.support.world import World


def test_the_service_works_behind_a_transaction_pooler(postgres_server: Postgres) -> None:
    require("PgBouncer", pooler.PROGRAM is not None)
    with pooler.pooling(postgres_server) as port:
        url = postgres_server.create_database().replace(f":{postgres_server.port}/", f":{port}/")
        with serving(url, database_pooler=True) as service:
            world = World(service)

            def write_and_read(number: int) -> bool:
                body = {"metadata": {f"key{number}": number}}
                written = world.member.rest("PATCH", world.platform_key, body)
                return written.status_code == 200 and world.member.rest("GET", world.platform_key).is_success

            with ThreadPoolExecutor(16) as clients:
                assert all(clients.map(write_and_read, range(64)))
            assert len(world.member.rest("GET", world.platform_key).json()["metadata"]) == 64
