"""How a server stops and replaces its workers: no request is lost."""

import http.client
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.cli_processes import Server, run_command, serving_process
from tests.support.http_clients import PATIENCE, http_client
from tests.support.load import load
from tests.support.server_log import lines, wait_for

pytestmark = pytest.mark.faults

ANSWERS = 300
LONG = {"GQL_SERVICE_DRAIN_SECONDS": str(PATIENCE)}
HEAD = b"POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 26\r\n\r\n"
BODY = b'{"query":"{ __typename }"}'
each_number_of_workers = pytest.mark.parametrize("workers", [1, 2])


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> str:
    url = f"sqlite+aiosqlite:///{tmp_path_factory.mktemp('draining') / 'data.sqlite3'}"
    run_command(url, "migrate")
    return url


def connect(server: Server) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=PATIENCE)


def wait_until_draining(server: Server) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        with http_client(server.url) as client:
            response = client.get("/health/ready")
        if response.status_code == 503:
            assert response.json()["status"] == "draining"
            return
        assert time.monotonic() < deadline
        time.sleep(0.02)


@each_number_of_workers
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_drain_loses_no_request_and_a_second_signal_ends_it(
    database: str, tmp_path: Path, workers: int, number: signal.Signals
) -> None:
    with serving_process(tmp_path, database, "--workers", str(workers), extra=LONG) as server:
        with load(server.url) as clients:
            clients.wait_for_answers(ANSWERS)
            server.process.send_signal(number)
            wait_for(lambda: server.output, "draining", workers)
            clients.wait_for_answers(ANSWERS)
        assert clients.failures == []
        assert clients.closed > 0
        assert server.process.poll() is None
        server.process.send_signal(number)
        assert server.process.wait(PATIENCE) == 1
        (line,) = lines(server.output, "ended at once")
        assert line["signal"] == number.name


@pytest.mark.parametrize(("method", "path"), [("POST", "/graphql"), ("GET", "/health/live")])
def test_during_a_drain_readiness_says_no_and_each_answer_closes_its_connection(
    database: str, tmp_path: Path, method: str, path: str
) -> None:
    with serving_process(tmp_path, database, extra=LONG) as server:
        kept = connect(server)
        for expected in (None, "close", "close"):
            kept.request(method, path, BODY, {"Content-Type": "application/json"})
            response = kept.getresponse()
            assert response.status == 200
            assert response.getheader("Connection") == expected
            response.read()
            assert (kept.sock is None) == (expected == "close")
            if expected is None:
                server.process.terminate()
                wait_until_draining(server)


def receive_all(connection: socket.socket) -> bytes:
    return b"".join(iter(lambda: connection.recv(65536), b""))


@pytest.fixture
def arriving(database: str, tmp_path: Path) -> Iterator[tuple[Server, socket.socket]]:
    with serving_process(tmp_path, database, extra={"GQL_SERVICE_DRAIN_SECONDS": "0"}) as server:
        host, port = server.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), PATIENCE) as connection:
            yield server, connection


@pytest.mark.parametrize("arrived", [0, 20, len(HEAD), len(HEAD) + 5])
def test_a_request_that_is_arriving_at_the_end_is_answered(
    arriving: tuple[Server, socket.socket], arrived: int
) -> None:
    server, connection = arriving
    request = HEAD + BODY
    connection.sendall(request[:arrived])
    with http_client(server.url) as client:
        client.get("/health/live")  # the server has accepted the connection, and read what was sent
    server.process.terminate()
    wait_for(lambda: server.output, "Shutting down")
    connection.sendall(request[arrived:])
    answer = receive_all(connection)
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n"), answer
    assert b"\r\nconnection: close\r\n" in answer
    assert server.process.wait(PATIENCE) == 0
    assert len(lines(server.output, "stopped")) == 1


def test_at_the_end_all_pipelined_requests_are_answered(arriving: tuple[Server, socket.socket]) -> None:
    server, connection = arriving
    connection.sendall(HEAD)
    with http_client(server.url) as client:
        client.get("/health/live")
    server.process.terminate()
    wait_for(lambda: server.output, "Shutting down")
    connection.sendall(BODY + HEAD + BODY + HEAD + BODY)
    answers = receive_all(connection)
    assert answers.count(b"HTTP/1.1 200 OK\r\n") == 3
    assert answers.count(b"connection: close") == 1
    assert b"connection: close" in answers[answers.rindex(b"HTTP/1.1") :]


def test_an_idle_connection_is_closed_at_the_end(arriving: tuple[Server, socket.socket]) -> None:
    server, connection = arriving
    connection.sendall(HEAD + BODY)
    assert connection.recv(65536).startswith(b"HTTP/1.1 200")
    server.process.terminate()
    assert receive_all(connection) == b""
    assert server.process.wait(PATIENCE) == 0


def test_sighup_replaces_the_workers_one_by_one_without_losing_a_request(
    database: str, tmp_path: Path
) -> None:
    with (
        serving_process(tmp_path, database, "--workers", "2", extra=LONG) as server,
        load(server.url) as clients,
    ):
        wait_for(lambda: server.output, "worker ready", 2)
        clients.wait_for_answers(ANSWERS)
        server.process.send_signal(signal.SIGHUP)
        ended = wait_for(lambda: server.output, "worker ended", 2)
        clients.wait_for_answers(ANSWERS)
        clients.end()
        with http_client(server.url) as client:
            assert client.get("/health/ready").status_code == 200
        first, second, *replacements = lines(server.output, "worker started")
        assert [each["replaces"] for each in replacements] == [first["pid"], second["pid"]]
        assert [each["pid"] for each in ended] == [first["pid"], second["pid"]]
        assert [each["exit_code"] for each in ended] == [0, 0]
    assert clients.failures == []


def test_sighup_drains_a_server_with_one_process(database: str, tmp_path: Path) -> None:
    with serving_process(tmp_path, database, extra=LONG) as server:
        with load(server.url) as clients:
            clients.wait_for_answers(ANSWERS)
            server.process.send_signal(signal.SIGHUP)
            wait_until_draining(server)
            clients.wait_for_answers(ANSWERS)
        assert clients.failures == []
