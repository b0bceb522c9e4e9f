"""A transaction pooler, PgBouncer, in front of the temporary PostgreSQL."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.cli_processes import free_port
from tests.support.http_clients import PATIENCE
from tests.support.postgres import Postgres

PROGRAM = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")


@contextmanager
def pooling(server: Postgres) -> Iterator[int]:
    """Run the pooler with few server connections, so clients must share them. Yields its port."""
    assert PROGRAM is not None, "pgbouncer is not installed"
    port = free_port()
    users = server.folder / "users.txt"
    users.write_text('"tester" ""\n')
    configuration = server.folder / "pgbouncer.ini"
    configuration.write_text(
        f"[databases]\n* = host=127.0.0.1 port={server.port}\n"
        f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n"
        f"auth_type = trust\nauth_file = {users}\npool_mode = transaction\ndefault_pool_size = 3\n"
    )
    process = subprocess.Popen(
        [PROGRAM, "-q", str(configuration)], stderr=subprocess.DEVNULL, **server.identity
    )  # type: ignore[call-overload]
    try:
        _wait_for(port)
        yield port
    finally:
        process.terminate()
        process.wait(PATIENCE)


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), PATIENCE).close()
            return
        except OSError:
            assert time.monotonic() < deadline, "pgbouncer did not start"
            time.sleep(0.05)
