"""The URL forms of libpq: each is honoured by servers and commands alike, or refused when they start."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import postgres
from tests.support.certificates import Authority
from tests.support.cli_processes import command, free_port, serving_process
from tests.support.postgres import Postgres


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"), "authority")


@pytest.fixture(scope="module")
def tls_server(postgres_server: Postgres, authority: Authority) -> Iterator[Postgres]:
    """A server that only speaks TLS, with a certificate of the authority, and asks for one in return."""
    with postgres.running(tls=authority) as server:
        yield server


def run(url: str, *arguments: str) -> str:
    done = command(url, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def refusal(url: str) -> str:
    done = command(url, "migrate")
    assert done.returncode == 1, done
    assert "Traceback" not in done.stderr
    return done.stderr.removeprefix("gql-service: ").strip()


def plain(url: str, parameters: str = "") -> str:
    return url.replace("+asyncpg", "") + parameters


@pytest.mark.parametrize(
    "parameters",
    [
        "?sslmode=disable",
        "?sslmode=prefer&channel_binding=prefer&gssencmode=disable",
        "?target_session_attrs=read-write&application_name=shop&connect_timeout=7",
        "?keepalives_idle=3&tcp_user_timeout=9000&options=-c%20work_mem=8MB",
    ],
)
def test_parameters_of_libpq_work_in_commands_and_servers(
    postgres_server: Postgres, tmp_path: Path, parameters: str
) -> None:
    url = plain(postgres_server.create_database(), parameters)
    run(url, "migrate")
    run(url, "tenant", "create", "Acme")
    with serving_process(tmp_path, url) as server:
        assert server.stop() == 0


def test_a_server_has_the_name_of_the_url(postgres_server: Postgres, tmp_path: Path) -> None:
    url = plain(postgres_server.create_database(), "?application_name=shop")
    run(url, "migrate")
    with serving_process(tmp_path, url):
        names = postgres_server.sql(url.partition("?")[0], "SELECT application_name FROM pg_stat_activity")
    assert "shop" in names.splitlines()


def test_hosts_that_are_down_are_passed_over(postgres_server: Postgres, tmp_path: Path) -> None:
    here = f"127.0.0.1:{postgres_server.port}"
    url = plain(postgres_server.create_database()).replace(here, f"127.0.0.1:{free_port()},{here}")
    run(url, "migrate")
    with serving_process(tmp_path, url) as server:
        assert server.stop() == 0


def test_host_and_port_may_be_parameters(postgres_server: Postgres) -> None:
    name = postgres_server.create_database().rpartition("/")[2]
    folder = str(postgres_server.folder).replace("/", "%2F")
    run(f"postgresql:///{name}?host={folder}&port={postgres_server.port}&user=tester", "migrate")
    run(f"postgresql://tester@{folder}:{postgres_server.port}/{name}", "migrate")


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ("channel_binding=require", "channel_binding=require is not supported"),
        ("gssencmode=require", "gssencmode=require is not supported"),
        ("sslmod=require", "the parameter sslmod is not supported"),
        ("sslmode=always", "sslmode must be one of disable, allow, prefer, require, verify-ca, verify-full"),
        ("sslrootcert=/nonexistent", "sslrootcert: the file /nonexistent cannot be read"),
        (
            "target_session_attrs=standby",
            "the service writes, so target_session_attrs must be any, primary or read-write",
        ),
        ("connect_timeout=soon", "connect_timeout must be a whole number"),
        ("host=a,b&port=1,2,3", "it has 2 hosts and 3 ports"),
    ],
)
def test_what_cannot_be_honoured_is_refused_at_the_start(parameters: str, reason: str) -> None:
    url = f"postgresql://anna:s3cret@127.0.0.1:1/test?{parameters}"
    assert refusal(url) == f"GQL_SERVICE_DATABASE_URL: {reason}."


def test_tls_with_the_right_authority_works_everywhere(
    tls_server: Postgres, authority: Authority, tmp_path: Path
) -> None:
    certificate, key = authority.vouch_for("tester")
    client = f"sslcert={certificate}&sslkey={key}"
    url = plain(tls_server.create_database(), f"?sslmode=verify-full&sslrootcert={authority.path}&{client}")
    run(url, "migrate")
    run(url, "tenant", "create", "Acme")
    with serving_process(tmp_path, url) as server:
        assert server.stop() == 0


def test_tls_with_the_wrong_authority_is_refused(
    tls_server: Postgres, authority: Authority, tmp_path: Path
) -> None:
    wrong = Authority(tmp_path, "wrong")
    database = tls_server.create_database()
    url = plain(database, f"?sslmode=verify-full&sslrootcert={wrong.path}")
    failed = "The TLS connection to the database failed; try again later."
    assert refusal(url).startswith(failed)
    assert "certificate" in refusal(url)
    by_name = plain(database, f"?sslmode=verify-full&sslrootcert={authority.path}")
    assert refusal(by_name.replace("127.0.0.1", "localhost")).startswith(failed)
    assert refusal(plain(database, "?sslmode=disable")).startswith("The database refuses the connection")
