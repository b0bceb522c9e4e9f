"""Wrong settings: every command refuses them, and names all of them at once."""

import json
import os
import threading
from pathlib import Path

import pytest

from tests.support.cli_processes import command, serving_process

COMMANDS = [("serve", "--port", "0"), ("migrate",), ("tenant", "create", "Acme"), ("export", "-"), ("sweep",)]


def complaints(url: str, *arguments: str, **settings: str) -> list[str]:
    """The lines on standard error of a command that is refused."""
    done = command(url, *arguments, **settings)
    assert done.returncode == 1, done.stderr
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert all(line.startswith("gql-service: ") for line in lines), done.stderr
    return [line.removeprefix("gql-service: ") for line in lines]


@pytest.mark.parametrize("arguments", COMMANDS, ids=lambda arguments: arguments[0])
def test_all_wrong_settings_are_told_at_once(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    lines = complaints(
        f"sqlite:///{tmp_path}/data",
        *arguments,
        databse_url="sqlite:///elsewhere",
        keep_alive="soon",
        max_body_size="0",
        trust="perhaps",
    )
    assert [line.partition(": ")[0] for line in lines] == [
        "GQL_SERVICE_DATABSE_URL",
        "GQL_SERVICE_MAX_BODY_SIZE",
        "GQL_SERVICE_TRUST",
        "GQL_SERVICE_KEEP_ALIVE",
    ]
    assert list(tmp_path.iterdir()) == [], "no file was made"


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("databse_url", "Did you mean GQL_SERVICE_DATABASE_URL?"),
        ("max_metadata_key", "Did you mean GQL_SERVICE_MAX_METADATA_KEYS?"),
        ("qqqqqqqqqqqqqqqq", "Remove it, or see docs/configuration.md."),
    ],
)
def test_an_unknown_setting_is_refused_with_the_nearest_name(tmp_path: Path, name: str, remedy: str) -> None:
    (line,) = complaints(f"sqlite:///{tmp_path}/data", "migrate", **{name: "1"})
    assert line == f"GQL_SERVICE_{name.upper()}: there is no such setting. {remedy}"


def test_what_kubernetes_sets_for_a_service_of_this_name_is_no_setting(tmp_path: Path) -> None:
    variables = {"service_host": "10.0.0.1", "service_port": "80", "service_port_http": "80"}
    variables |= {"port": "tcp://10.0.0.1:80", "port_80_tcp": "tcp://10.0.0.1:80", "port_80_tcp_addr": "x"}
    assert command(f"sqlite:///{tmp_path}/data", "migrate", **variables).returncode == 0


def test_trusted_documents_that_do_not_exist_are_refused(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/data"
    (line,) = complaints(url, "serve", "--port", "0", trusted_documents=f"{tmp_path}/none")
    assert line == f"GQL_SERVICE_TRUSTED_DOCUMENTS: the folder {tmp_path}/none does not exist"


def test_a_server_that_could_execute_nothing_does_not_start(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/data"
    (without,) = complaints(url, "serve", "--port", "0", trust="trusted-only")
    assert "set it to the folder" in without
    empty = tmp_path / "empty"
    empty.mkdir()
    (line,) = complaints(url, "serve", "--port", "0", trust="trusted-only", trusted_documents=str(empty))
    assert "has no .graphql files" in line


def test_trusted_documents_that_cannot_be_read_are_named_with_all_other_problems(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/data"
    (tmp_path / "a.graphql").write_bytes(b"\xff")
    (tmp_path / "b.graphql").mkdir()
    settings = {"trusted_documents": str(tmp_path), "databse_url": url}
    other, *lines = complaints(url, "serve", "--port", "0", **settings)
    assert other.startswith("GQL_SERVICE_DATABSE_URL: ")
    assert lines == [
        f"GQL_SERVICE_TRUSTED_DOCUMENTS: cannot read {tmp_path}/a.graphql: it is not UTF-8",
        f"GQL_SERVICE_TRUSTED_DOCUMENTS: cannot read {tmp_path}/b.graphql: Is a directory",
    ]
    done = command(url, "doctor", trusted_documents=str(tmp_path))
    assert [line.partition(": ")[2] for line in lines] == [
        line.partition(": ")[2] for line in done.stdout.splitlines()
    ]


@pytest.mark.parametrize("workers", ["1", "2"])
def test_only_servers_read_trusted_documents_and_only_once(tmp_path: Path, workers: str) -> None:
    """A named pipe can be read once: whoever opens it again waits for ever."""
    url = f"sqlite:///{tmp_path}/data"
    folder = tmp_path / "documents"
    folder.mkdir()
    os.mkfifo(folder / "a.graphql")
    trust = {"GQL_SERVICE_TRUSTED_DOCUMENTS": str(folder), "GQL_SERVICE_TRUST": "trusted-only"}
    assert command(url, "migrate", trusted_documents=str(folder)).returncode == 0
    text = "{ __typename }"
    writer = threading.Thread(target=(folder / "a.graphql").write_text, args=(text,), daemon=True)
    writer.start()
    with serving_process(tmp_path, url, "--workers", workers, extra=trust) as server:
        assert server.ask(text).json() == {"data": {"__typename": "Query"}}
        assert "FORBIDDEN" in server.ask("{ a: __typename }").text


def test_the_number_of_trusted_documents_is_logged(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/data"
    assert command(url, "migrate").returncode == 0
    folder = tmp_path / "documents"
    folder.mkdir()
    for name in "abc":
        (folder / f"{name}.graphql").write_text(f"query {name} {{ __typename }}")
    trust = {"GQL_SERVICE_TRUSTED_DOCUMENTS": str(folder), "GQL_SERVICE_TRUST": "trusted-only"}
    with serving_process(tmp_path, url, extra=trust) as server:
        lines = [json.loads(line) for line in server.output.splitlines()]
    (read,) = [line for line in lines if line["event"] == "trusted documents were read"]
    assert (read["number"], read["trust"]) == (3, "trusted-only")
