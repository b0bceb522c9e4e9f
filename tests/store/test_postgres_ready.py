"""Readiness on PostgreSQL: it proves that rows can be read and written."""

from tests.support.postgres import Postgres
from tests.support.service import serving, wait_until

_READ_ONLY = "The database is read-only (a failover may be running); try again."


def test_a_missing_table_is_not_ready(postgres_server: Postgres) -> None:
    url = postgres_server.create_database()
    with serving(url) as service:
        assert service.client.get("/health/ready").status_code == 200
        postgres_server.sql(url, "ALTER TABLE documents RENAME TO elsewhere")
        wait_until(lambda: service.client.get("/health/ready").status_code == 503)
        postgres_server.sql(url, "ALTER TABLE elsewhere RENAME TO documents")
        wait_until(lambda: service.client.get("/health/ready").status_code == 200)


def test_a_read_only_database_is_not_ready(postgres_server: Postgres) -> None:
    url = postgres_server.create_database()
    name = url.rpartition("/")[2]
    change = f"ALTER DATABASE {name} SET default_transaction_read_only ="
    with serving(url) as service:
        assert service.client.get("/health/ready").status_code == 200
        postgres_server.sql(url, f"{change} on")
        postgres_server.terminate_sessions(url)
        wait_until(lambda: service.client.get("/health/ready").json().get("reason") == _READ_ONLY)
        postgres_server.sql(url, "SET default_transaction_read_only = off", f"{change} off")
        wait_until(lambda: service.client.get("/health/ready").status_code == 200)
