"""`healthcheck` says whether a server is ready, as the health check of a container."""

import json
import os
import socket
from pathlib import Path

import pytest

from tests.cli.test_commands import refused
from tests.support.cli_processes import command, free_port, run_command, serving_process

URL = "sqlite+aiosqlite:///unused.sqlite3"


@pytest.fixture
def migrated(tmp_path: Path) -> str:
    url = f"sqlite+aiosqlite:///{tmp_path / 'data.sqlite3'}"
    run_command(url, "migrate")
    return url


def test_a_server_that_is_ready(tmp_path: Path, migrated: str) -> None:
    with serving_process(tmp_path, migrated) as server:
        done = command(URL, "healthcheck", "--url", f"{server.url}/health/ready")
        assert (done.returncode, done.stdout, done.stderr) == (0, "The server is ready.\n", "")
        done = command(URL, "healthcheck", "--url", f"{server.url}/health/ready", "--json")
        assert json.loads(done.stdout) == {"ready": True}
        assert refused(URL, "healthcheck", "--url", f"{server.url}/nowhere").endswith(
            'answers 404: {"detail":"Not Found."}'
        )


def test_the_proxies_of_the_environment_are_ignored(
    tmp_path: Path, migrated: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving_process(tmp_path, migrated) as server:
        monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
        assert command(URL, "healthcheck", "--url", f"{server.url}/health/ready").returncode == 0


def test_a_server_that_is_not_ready_says_why(tmp_path: Path) -> None:
    """Stands for a server whose database is gone."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/health/ready"
        body = b'{"status":"unavailable","reason":"The disk is full."}'
        head = f"HTTP/1.1 503 Service Unavailable\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        pid = os.fork()
        if pid == 0:
            connection, _ = listener.accept()
            connection.sendall(head + body)
            connection.recv(65536)
            os._exit(0)
        assert refused(URL, "healthcheck", "--url", url) == f"{url} answers 503: The disk is full."
        os.waitpid(pid, 0)


def test_a_server_that_is_silent_or_absent() -> None:
    url = f"http://127.0.0.1:{free_port()}/health/ready"
    assert refused(URL, "healthcheck", "--url", url).startswith(f"{url} does not answer: ")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        message = refused(URL, "healthcheck", "--url", url, "--timeout", "0.2")
    assert message == f"{url} does not answer: timed out"


@pytest.mark.parametrize("url", ["localhost:8000", "file:///etc/passwd", "http://", ""])
def test_what_is_no_url_is_refused(url: str) -> None:
    assert "is not a URL" in refused(URL, "healthcheck", "--url", url)


def test_a_port_that_is_no_number_is_refused() -> None:
    assert "does not answer" in refused(URL, "healthcheck", "--url", "http://localhost:eighty/")
