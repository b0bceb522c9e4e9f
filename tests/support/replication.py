"""A primary and a synchronous streaming standby, which can be promoted."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.support import postgres
from tests.support.cli_processes import free_port
from tests.support.postgres import Postgres
from tests.support.service import wait_until

PROGRAMS = (*postgres.PROGRAMS, "pg_basebackup")


class Cluster:
    """Two servers with the same data. Their ports stay the same."""

    def __init__(self, primary: Postgres, standby: Postgres) -> None:
        self.primary = primary
        self.standby = standby

    def url(self, database_url: str) -> str:
        """The URL of a database of the primary, with both hosts."""
        here = f"127.0.0.1:{self.primary.port}"
        return database_url.replace(here, f"{here},127.0.0.1:{self.standby.port}")

    def kill_primary(self) -> None:
        """End it as a crash does: no session is told, nothing is flushed."""
        self.primary.run("pg_ctl", "-D", str(self.primary.folder / "data"), "-m", "immediate", "stop")

    def promote(self) -> None:
        self.standby.run("pg_ctl", "-D", str(self.standby.folder / "standby"), "-w", "promote")

    def sql(self, server: Postgres, statement: str) -> str:
        return server.sql("/postgres", statement)


@contextmanager
def replicating(primary: Postgres, *, options: str = "", synchronous: bool = True) -> Iterator[Cluster]:
    """Add a standby to a running primary, which must be used for nothing else."""
    standby = Postgres(primary.folder, free_port(), primary.identity)
    data = str(standby.folder / "standby")
    primary.run("pg_basebackup", "-h", str(primary.folder), "-p", str(primary.port), "-U", "tester",
                "-D", data, "-R", "-X", "stream", "-c", "fast")  # fmt: skip
    command = f"-p {standby.port} -k {standby.folder} -c listen_addresses=127.0.0.1 -c max_connections=200"
    command += f" -c fsync=off {options}"
    log = str(standby.folder / "standby.log")
    standby.run("pg_ctl", "-D", data, "-o", command, "-l", log, "-w", "start")
    cluster = Cluster(primary, standby)
    try:
        if synchronous:
            cluster.sql(primary, "ALTER SYSTEM SET synchronous_standby_names = '*'")
            cluster.sql(primary, "SELECT pg_reload_conf()")
            state = "SELECT sync_state FROM pg_stat_replication"
            wait_until(lambda: cluster.sql(primary, state) == "sync")
        yield cluster
    finally:
        standby.run("pg_ctl", "-D", data, "-m", "immediate", "stop")
