"""Several workers: how they start, and how they are replaced when they end or hang."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.cli_processes import PROGRAM, Server, command, environment, run_command, serving_process
from tests.support.http_clients import PATIENCE, http_client
from tests.support.server_log import lines, wait_for

pytestmark = pytest.mark.faults

TWO = ("--workers", "2")
SLOW = """
import time
import gql_service.server.worker as worker

run = worker.run_worker

def slow(*arguments):
    time.sleep(6)
    return run(*arguments)

worker.run_worker = slow
"""
BROKEN = """
import gql_service.server.worker as worker

def broken(*arguments):
    raise ArithmeticError

worker.create_app = broken
"""
BROKEN_LATER = """
from pathlib import Path
import gql_service.server.worker as worker

create = worker.create_app

def create_app(*arguments):
    if Path("broken").exists():
        raise ArithmeticError
    return create(*arguments)

worker.create_app = create_app
"""


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> str:
    url = f"sqlite+aiosqlite:///{tmp_path_factory.mktemp('workers') / 'data.sqlite3'}"
    run_command(url, "migrate")
    return url


def changed_program(folder: Path, change: str) -> tuple[str, ...]:
    """The command line after some lines of Python."""
    path = folder / "changed.py"
    path.write_text(f"{change}\nfrom gql_service.cli import app\n\napp(prog_name='gql-service')\n")
    return sys.executable, str(path)


def runs(pid: int) -> bool:
    """Whether a process runs. One that has ended may wait for its parent."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def is_free(port: int) -> bool:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
            listener.listen()
        except OSError:
            return False
        return True


def port_of(server: Server) -> int:
    return int(server.url.rpartition(":")[2])


def works(server: Server) -> bool:
    with http_client(server.url) as client:
        return client.get("/health/ready").status_code == 200


def test_the_parent_logs_each_start_and_the_end(database: str, tmp_path: Path) -> None:
    with serving_process(tmp_path, database, *TWO) as server:
        ready = wait_for(lambda: server.output, "worker ready", 2)
        assert server.stop() == 0
        (listening,) = lines(server.output, "listening")
        assert listening["address"] == server.url
        started = lines(server.output, "worker started")
        assert [line["worker"] for line in started] == [1, 2]
        pids = {line["pid"] for line in started}
        assert {line["pid"] for line in ready} == pids
        (stopping,) = lines(server.output, "stopping")
        assert stopping["signal"] == "SIGTERM"
        ended = lines(server.output, "worker ended")
        assert {(line["pid"], line["exit_code"], line["level"]) for line in ended} == {
            (pid, 0, "info") for pid in pids
        }
        assert len(lines(server.output, "stopped")) == 1


def test_workers_that_start_slowly_become_ready(database: str, tmp_path: Path) -> None:
    """uvicorn's own parent kills what does not answer within five seconds."""
    program = changed_program(tmp_path, SLOW)
    settings = {"GQL_SERVICE_WORKER_TIMEOUT": "1"}
    with serving_process(tmp_path, database, *TWO, program=program, extra=settings) as server:
        ready = wait_for(lambda: server.output, "worker ready", 2)
        assert all(line["seconds"] > 5 for line in ready)
        assert lines(server.output, "worker ended") == []
        assert works(server)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_a_worker_that_is_killed_is_replaced(database: str, tmp_path: Path, number: signal.Signals) -> None:
    with serving_process(tmp_path, database, *TWO) as server:
        first, _second = wait_for(lambda: server.output, "worker ready", 2)
        os.kill(first["pid"], number)
        (ended,) = wait_for(lambda: server.output, "worker ended")
        assert (ended["pid"], ended["signal"], ended["level"]) == (first["pid"], number.name, "warning")
        third = wait_for(lambda: server.output, "worker ready", 3)[-1]
        assert third["worker"] == first["worker"]
        assert works(server)
        assert server.stop() == 0


def test_a_worker_that_hangs_is_replaced(database: str, tmp_path: Path) -> None:
    settings = {"GQL_SERVICE_WORKER_TIMEOUT": "3"}
    with serving_process(tmp_path, database, *TWO, extra=settings) as server:
        first, second = wait_for(lambda: server.output, "worker ready", 2)
        os.kill(first["pid"], signal.SIGSTOP)
        (hung,) = wait_for(lambda: server.output, "worker does not respond")
        assert (hung["pid"], hung["level"]) == (first["pid"], "error")
        (ended,) = wait_for(lambda: server.output, "worker ended")
        assert (ended["pid"], ended["signal"]) == (first["pid"], "SIGKILL")
        wait_for(lambda: server.output, "worker ready", 3)
        assert runs(second["pid"])
        assert works(server)


def test_workers_that_wait_for_a_stopped_parent_are_not_taken_for_hung(database: str, tmp_path: Path) -> None:
    settings = {"GQL_SERVICE_WORKER_TIMEOUT": "3"}
    with serving_process(tmp_path, database, *TWO, extra=settings) as server:
        pids = [line["pid"] for line in wait_for(lambda: server.output, "worker ready", 2)]
        for number in (signal.SIGSTOP, signal.SIGCONT):
            for pid in (*pids, server.process.pid):
                os.kill(pid, number)
            time.sleep(4)
        assert lines(server.output, "worker does not respond") == []
        assert all(map(runs, pids))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_workers_end_with_their_parent(database: str, tmp_path: Path, number: signal.Signals) -> None:
    with serving_process(tmp_path, database, *TWO) as server:
        pids = [line["pid"] for line in wait_for(lambda: server.output, "worker ready", 2)]
        server.process.send_signal(number)
        assert server.process.wait(PATIENCE) == -number
        wait_for(lambda: server.output, "the parent process has ended", 2)
        deadline = time.monotonic() + PATIENCE
        while any(map(runs, pids)) or not is_free(port_of(server)):
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_a_worker_ends_with_its_parent_even_if_another_one_hangs(database: str, tmp_path: Path) -> None:
    """A worker that was forked later must not hold the parent's end of the link to an earlier one."""
    with serving_process(tmp_path, database, *TWO) as server:
        first, second = wait_for(lambda: server.output, "worker ready", 2)
        by_number = {line["worker"]: line["pid"] for line in (first, second)}
        os.kill(by_number[2], signal.SIGSTOP)
        try:
            server.process.kill()
            deadline = time.monotonic() + PATIENCE
            while runs(by_number[1]):
                assert time.monotonic() < deadline
                time.sleep(0.05)
        finally:
            os.kill(by_number[2], signal.SIGKILL)


def test_a_server_whose_workers_all_fail_ends_with_the_reason(database: str, tmp_path: Path) -> None:
    process = subprocess.run(
        [*changed_program(tmp_path, BROKEN), "serve", "--port", "0", *TWO],
        env=environment(database), stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=PATIENCE, check=False, cwd=Path(__file__).parent.parent.parent,
    )  # fmt: skip
    assert process.returncode == 1
    assert process.stdout == ""
    assert {line["type"] for line in lines(process.stderr, "unexpected error")} == {"ArithmeticError"}
    ended = lines(process.stderr, "worker ended")
    assert {(line["exit_code"], line["level"]) for line in ended} == {(1, "warning")}
    (reason,) = lines(process.stderr, "no worker can start: see the lines before")
    assert reason["level"] == "error"


def test_workers_whose_replacement_fails_go_on(database: str, tmp_path: Path) -> None:
    program = changed_program(tmp_path, BROKEN_LATER)
    with serving_process(tmp_path, database, *TWO, program=program) as server:
        old = {line["pid"] for line in wait_for(lambda: server.output, "worker ready", 2)}
        (tmp_path / "broken").touch()
        server.process.send_signal(signal.SIGHUP)
        (kept,) = wait_for(lambda: server.output, "worker is not replaced")
        assert (kept["pid"] in old, kept["level"]) == (True, "error")
        (error,) = lines(server.output, "unexpected error")
        assert error["type"] == "ArithmeticError"
        assert all(map(runs, old))
        assert works(server)
        (tmp_path / "broken").unlink()
        server.process.send_signal(signal.SIGHUP)
        new = {line["pid"] for line in wait_for(lambda: server.output, "worker ready", 4)[2:]}
        wait_for(lambda: server.output, "worker ended", 3)
        assert not any(map(runs, old))
        assert all(map(runs, new))
        assert works(server)


def test_workers_are_not_replaced_by_some_with_wrong_trusted_documents(database: str, tmp_path: Path) -> None:
    document = tmp_path / "a.graphql"
    document.write_text("{ __typename }")
    settings = {"GQL_SERVICE_TRUSTED_DOCUMENTS": str(tmp_path), "GQL_SERVICE_TRUST": "trusted-only"}
    with serving_process(tmp_path, database, *TWO, extra=settings) as server:
        old = {line["pid"] for line in wait_for(lambda: server.output, "worker ready", 2)}
        document.write_bytes(b"\xff")
        server.process.send_signal(signal.SIGHUP)
        (kept,) = wait_for(lambda: server.output, "workers are not replaced")
        assert kept["level"] == "error"
        assert kept["cause"].endswith("it is not UTF-8")
        assert all(map(runs, old))
        document.write_text("{ b: __typename }")
        server.process.send_signal(signal.SIGHUP)
        wait_for(lambda: server.output, "worker ended", 2)
        assert server.ask("{ b: __typename }").json() == {"data": {"b": "Query"}}
        assert "FORBIDDEN" in server.ask("{ __typename }").text


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_port_in_use_is_told(database: str, workers: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = command(database, "serve", "--port", str(port), "--workers", workers)
    assert done.returncode == 1
    message = f"Cannot listen on 127.0.0.1, port {port}: Address already in use."
    (line,) = lines(done.stderr, message)
    assert line["level"] == "error"
    assert len(done.stderr.splitlines()) == 1


def test_the_command_line_as_users_start_it(database: str, tmp_path: Path) -> None:
    with serving_process(tmp_path, database, *TWO, program=PROGRAM) as server:
        assert works(server)
        assert server.stop() == 0
